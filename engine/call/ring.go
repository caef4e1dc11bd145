package call

import (
	"github.com/sipscript/sipscript/engine/media"
	"github.com/sipscript/sipscript/sip"
)

// tally is what an unanswered caller was told, and what it has said.
type tally struct {
	offer []byte // in its INVITE; nil: it wants one
	early []byte // the preview of the answer that a provisional response has shown it
	whose string // the callee's dialog that this is of; "": our own
	shown []byte // what that has said, of which early was made
	code  int    // of the last provisional response
	late  bool   // early is a callee's offer; offer is what the caller has answered, nil until then
	by    media.Terminal
}

// Ringing tells the caller that somebody rings.
func (c *Call) Ringing() error {
	if c.state != incoming {
		return c.wrong()
	}
	c.provisional(180, "", nil, nil)
	return nil
}

// Progress tells the caller that something happens, and opens early media by this server's own answer.
func (c *Call) Progress(code int, done func(error)) {
	if c.state != incoming {
		done(c.wrong())
		return
	}
	if c.told.offer == nil || c.told.early != nil {
		c.provisional(code, "", c.told.early, nil)
		done(nil)
		return
	}
	c.openMedia(nil)
	land(c, func(done func([]byte, error)) { c.backend.Answer(c.terminal, c.told.offer, c.options.Media, done) }, func(sdp []byte, err error) {
		if err == nil && c.state == incoming {
			c.told.early = sdp
			c.provisional(code, "", sdp, nil)
		}
		done(err)
	})
}

// provisional sends a 1xx.
func (c *Call) provisional(code int, reason string, sdp []byte, fields []sip.Field) {
	r := c.respondTo(c.origin.Invite(), code, reason)
	add(r, fields)
	c.told.code = code
	c.ring(r, sdp)
}

// reach takes what rings at a callee to the caller: with the media of the one that is heard (RFC 3960 §3.1). The caller
// has one dialog with us, and the preview of an answer in it must not change (RFC 3261 §13.2.1); so of several callees
// that send media one is shown, and who answers in the end is settled by a re-INVITE.
func (m rings) reach(c *Call, l *link) {
	a := c.attemptOf(l)
	if a == nil {
		return
	}
	a.rang = true
	if a.progress != nil {
		a.progress(m.code, m.reason)
	}
	if c.state != incoming {
		return
	}
	switch early := a.options.Early; {
	case m.offers:
		c.proffer(a, m)
	case early == EarlyRingback:
		c.provisional(180, "", nil, m.fields)
	case early == EarlyNone:
		c.provisional(183, "", nil, m.fields)
	case m.sdp == nil || c.told.offer == nil:
		c.provisional(m.code, m.reason, nil, m.fields)
	case c.told.early == nil:
		c.hear(a, m)
	case c.told.whose == m.early:
		c.provisional(m.code, m.reason, c.told.early, m.fields)
	case early == EarlyLast:
		c.overhear(a, m)
	default:
		c.provisional(m.code, m.reason, nil, m.fields)
	}
}

// hear opens early media from a callee.
func (c *Call) hear(a *attempt, m rings) {
	c.openMedia(a)
	land(c, func(done func([]byte, error)) {
		c.backend.Pass(m.from, c.terminal, media.RoleAnswer, m.sdp, c.options.Media, done)
	}, func(sdp []byte, err error) {
		if c.state != incoming {
			return
		}
		if err == nil && c.told.early == nil {
			c.told.early, c.told.whose, c.told.shown = sdp, m.early, m.sdp
			c.connect(m.from)
		}
		c.provisional(m.code, m.reason, c.told.early, m.fields)
	})
}

// overhear changes whose early media is heard. The caller is told nothing new.
func (c *Call) overhear(a *attempt, m rings) {
	c.openMedia(a)
	land(c, func(done func([]byte, error)) {
		c.backend.Pass(m.from, c.terminal, media.RoleAnswer, m.sdp, c.options.Media, done)
	}, func(_ []byte, err error) {
		if c.state != incoming {
			return
		}
		if err == nil {
			c.connect(m.from)
			c.told.shown = nil
		}
		c.provisional(m.code, m.reason, nil, m.fields)
	})
}

// respondTo makes a response of this leg: with our Contact where it makes or refreshes a dialog, and with what we can do
// where RFC 3261 §13.3.1.4 wants it.
func (c *Call) respondTo(m *sip.Message, code int, reason string) *sip.Message {
	return respondIn(c.session, m, code, reason)
}

func respondIn(s *session, m *sip.Message, code int, reason string) *sip.Message {
	d := s.dialog
	r := sip.NewResponse(m, code, reason, d.ID().Local)
	method := m.Method()
	if code > 100 && code < 300 && (method == sip.INVITE || method == sip.UPDATE) {
		r.Add("Contact", d.Contact())
	}
	if code/100 == 2 && method == sip.INVITE {
		r.Add("Allow", methods)
		r.Add("Supported", supported)
	}
	return r
}

func add(m *sip.Message, fields []sip.Field) {
	for _, f := range fields {
		m.Add(f.Name, f.Value)
	}
}

// wrong is why something cannot be done in this state.
func (c *Call) wrong() error {
	if c.state.live() {
		return ErrState
	}
	return ErrOver
}
