package call

import (
	"strings"

	"github.com/sipscript/sipscript/engine/media"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/dialog"
)

// Before a call is answered either side may change what was agreed reliably: by an UPDATE, the caller by a PRACK as well
// (RFC 3311 §5.1, RFC 3262 §5). It is passed to the other side where early media of both are joined, in an UPDATE, which is
// the only way to change anything there; a side that takes none has it refused.

// earlyOffer is such an offer.
type earlyOffer struct {
	whose string // the callee's dialog
	sdp   []byte
	from  media.Terminal
}

// earlyReply is what became of it.
type earlyReply struct {
	whose string
	code  int // 2xx: sdp is the answer
	sdp   []byte
	from  media.Terminal
}

// modifyEarly is an offer of the peer's before the call is answered.
func (c *Call) modifyEarly(in *inbound, sdp []byte) {
	switch a := c.heard(); {
	case c.state == calling && c.link != nil:
		c.link.tell(c, earlyOffer{c.earlyName(in.session), sdp, c.terminal})
	case c.state == calling:
		in.reply(488, nil)
	case a != nil:
		a.link.tell(c, earlyOffer{c.told.whose, sdp, c.terminal})
	default:
		c.answerAlone(in, sdp)
	}
}

// heard is the dial whose early media the caller hears, nil for none.
func (c *Call) heard() *attempt {
	if c.told == nil {
		return nil
	}
	leg, _, _ := strings.Cut(c.told.whose, "/")
	for _, a := range c.dials {
		if a.leg != nil && leg != "" && a.leg.id == leg {
			return a
		}
	}
	return nil
}

// earlyName names a dialog of a dialled leg.
func (c *Call) earlyName(s *session) string { return c.id + "/" + s.dialog.ID().Remote }

// earlySession is the dialog in which an offer of the other side is to be made, nil for none.
func (c *Call) earlySession(l *link, whose string) *session {
	switch {
	case !c.state.live():
		return nil
	case c.attemptOf(l) != nil:
		if c.state == incoming && c.told.whose == whose {
			return c.session
		}
		return nil
	case c.link != l:
		return nil
	case c.session != nil:
		if c.earlyName(c.session) == whose {
			return c.session
		}
		return nil
	case c.dial != nil:
		for _, s := range c.dial.early {
			if c.earlyName(s) == whose {
				return s
			}
		}
	}
	return nil
}

func (m earlyOffer) reach(c *Call, l *link) {
	answer := func(code int, sdp []byte) { l.tell(c, earlyReply{m.whose, code, sdp, c.terminal}) }
	s := c.earlySession(l, m.whose)
	if s == nil {
		answer(488, nil)
		return
	}
	if allowed, _ := s.dialog.Allows(sip.UPDATE); !allowed {
		answer(488, nil)
		return
	}
	switch ready := s.talks.MayUpdate() && c.proposal == nil; {
	case !ready && s.pracks > 0 && s.later == nil:
		s.later = func() { m.reach(c, l) }
		return
	case !ready:
		answer(500, nil)
		return
	}
	land(c, func(done func([]byte, error)) {
		c.backend.Pass(m.from, c.terminal, media.RoleOffer, m.sdp, c.options.Media, done)
	}, func(sdp []byte, err error) {
		switch {
		case err != nil:
			code, _ := refusal(err)
			answer(code, nil)
		case c.earlySession(l, m.whose) != s:
			answer(488, nil)
		default:
			c.proposeIn(s, sip.UPDATE, sdp, func(code int, theirs []byte) {
				if code/100 == 2 && c.state == incoming {
					c.told.offer, c.told.early, c.told.shown = theirs, sdp, m.sdp
				}
				answer(code, theirs)
			})
		}
	})
}

func (m earlyReply) reach(c *Call, l *link) {
	in := c.pendingEarly(m.whose)
	if in == nil {
		return
	}
	if m.code/100 != 2 {
		c.backend.Rollback(c.terminal)
		if m.code == 500 { // the other side is not ready yet
			in.tooEarly(dialog.Refused{Status: 500, RetryAfter: true})
			return
		}
		in.reply(m.code, nil)
		return
	}
	offer, _ := described(in.m)
	land(c, func(done func([]byte, error)) {
		c.backend.Pass(m.from, c.terminal, media.RoleAnswer, m.sdp, c.options.Media, done)
	}, func(own []byte, err error) {
		switch {
		case in.done:
		case err != nil:
			c.refuseOffer(in, err)
		default:
			in.session.agreed(offer, own, true)
			if c.state == incoming {
				c.told.offer, c.told.early, c.told.shown = offer, own, m.sdp
			}
			c.agree(in, own, false, nil)
		}
	})
}

// pendingEarly is the peer's request whose offer was passed on.
func (c *Call) pendingEarly(whose string) *inbound {
	for _, in := range c.asked {
		if method := in.m.Method(); !in.fed || in.done || method != sip.UPDATE && method != sip.PRACK {
			continue
		}
		if c.dialled && c.earlyName(in.session) == whose || c.told != nil && c.told.whose == whose {
			return in
		}
	}
	return nil
}

// unheard refuses what waits for an answer of a dial that has failed.
func (c *Call) unheard(a *attempt) {
	if c.heard() != a || c.state != incoming {
		return
	}
	if in := c.pendingEarly(c.told.whose); in != nil {
		in.reply(488, nil)
	}
}

var (
	_ message = earlyOffer{}
	_ message = earlyReply{}
)
