package call

import (
	"github.com/sipscript/sipscript/engine/media"
	"github.com/sipscript/sipscript/engine/proxy"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/dialog"
)

// A caller that has made no offer gets the callee's: in the 2xx, with the answer in its ACK; or, where both send reliable
// provisional responses, in the first of these, with the answer in its PRACK (RFC 3262 §5, RFC 6337 §3.1.2), so that both
// hear each other before the call is answered. That is for one callee: of the offers of several only one could be answered.

// mayProffer reports whether who is called by a may make its offer before it answers.
func (c *Call) mayProffer(a *attempt, groups []proxy.Group) bool {
	switch {
	case c.state != incoming || c.told.offer != nil || c.told.early != nil:
	case len(groups) != 1 || len(groups[0]) != 1 || len(c.dials) != 1 || a.options.Recurse:
	case a.options.Early == EarlyPass || a.options.Early == EarlyLast:
		return dialog.ReliabilityOf(c.origin.Invite()) != dialog.Unreliable
	}
	return false
}

// proffered takes the offer of a callee in a reliable provisional response: its PRACK waits for the answer.
func (d *dial) proffered(s *session, m *rings, sdp []byte) (told bool) {
	c := d.leg
	if d.offer != nil && d.offer != s {
		return false // it stays without a PRACK, and its callee gives up
	}
	d.offer = s
	c.openAt(c.env.backend(c.options))
	s.remote, s.asked = sdp, true
	m.sdp, m.from, m.offers = sdp, c.terminal, true
	return true
}

// proffer makes the caller the offer of a callee, in a reliable provisional response.
func (c *Call) proffer(a *attempt, m rings) {
	c.openMedia(a)
	land(c, func(done func([]byte, error)) {
		c.backend.Pass(m.from, c.terminal, media.RoleOffer, m.sdp, c.options.Media, done)
	}, func(sdp []byte, err error) {
		switch {
		case c.state != incoming || c.told.early != nil:
		case err != nil:
			code, _ := refusal(err)
			a.fail(made(code, proxy.CauseOf(code)))
		default:
			c.told.early, c.told.whose, c.told.shown = sdp, m.early, m.sdp
			c.told.late, c.told.by = true, m.from
			c.provisional(m.code, m.reason, sdp, m.fields)
		}
	})
}

// fail ends a dial for a reason of this side.
func (a *attempt) fail(res proxy.Result) {
	done := a.done
	if done == nil {
		return
	}
	a.done = nil
	a.call.unheard(a)
	a.call.forgetDial(a)
	a.drop(Cause{By: ByServer})
	done(nil, res)
}

// accepted is the caller's answer to such an offer, in its PRACK.
func (c *Call) profferAnswered(sdp []byte) {
	c.told.offer = sdp
	c.session.agreed(sdp, c.told.early, false)
	if a := c.heard(); a != nil {
		c.connect(c.told.by)
		a.link.tell(c, earlyAnswer{c.told.whose, sdp, c.terminal})
	}
}

// earlyAnswer is that answer at the leg of who has offered.
type earlyAnswer struct {
	whose string
	sdp   []byte
	from  media.Terminal
}

func (m earlyAnswer) reach(c *Call, l *link) {
	s := c.earlySession(l, m.whose)
	if s == nil || s.prack == nil {
		return
	}
	land(c, func(done func([]byte, error)) {
		c.backend.Pass(m.from, c.terminal, media.RoleAnswer, m.sdp, c.options.Media, done)
	}, func(sdp []byte, err error) {
		switch {
		case c.earlySession(l, m.whose) != s:
		case err != nil:
			c.Hangup(Cause{By: ByServer, Code: 488})
		default:
			c.connect(m.from)
			s.agreed(s.remote, sdp, true)
			c.sendPrack(s, sdp)
		}
	})
}

// answerPrack puts the answer to an offer into a PRACK.
func answerPrack(m *sip.Message, answer []byte) *sip.Message {
	if answer != nil {
		m.SetBody(sdpType, answer)
	}
	return m
}

var _ message = earlyAnswer{}
