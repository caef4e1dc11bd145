package call

import (
	"bytes"

	"github.com/sipscript/sipscript/engine/media"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/dialog"
)

// Answer answers the INVITE by this server itself. A leg that is answered already stays as it is.
func (c *Call) Answer(done func(error)) {
	switch {
	case c.state != incoming && c.state.live():
		done(nil)
		return
	case c.state != incoming:
		done(ErrOver)
		return
	case c.told.early != nil:
		c.accept(c.told.early, false, nil, nil, done)
		return
	}
	c.openMedia(nil)
	start := func(done func([]byte, error)) { c.backend.Answer(c.terminal, c.told.offer, c.options.Media, done) }
	if c.told.offer == nil {
		start = func(done func([]byte, error)) { c.backend.Offer(c.terminal, c.options.Media, done) }
	}
	land(c, start, func(sdp []byte, err error) {
		switch {
		case c.state != incoming:
			done(c.wrong())
		case err != nil:
			c.refuseMedia(err)
			done(err)
		default:
			c.accept(sdp, c.told.offer == nil, c.takeAnswer, nil, done)
		}
	})
}

// answerFrom answers the INVITE with what a callee has said. What was shown early stays said in this response, and what
// has changed is offered anew when the ACK has come.
func (c *Call) answerFrom(a *attempt, done func(error)) {
	m := a.answer
	role := media.RoleAnswer
	if m.offers {
		role = media.RoleOffer
	}
	if c.told.shown != nil && c.told.whose == m.early && bytes.Equal(c.told.shown, m.sdp) {
		c.accept(c.told.early, false, nil, m.fields, done) // all of it was said early
		return
	}
	if m.offers && c.told.late { // it has been made another offer, by somebody who has failed, and has not answered that
		c.refuse(Cause{By: ByServer, Code: 500}, nil)
		done(ErrOver)
		return
	}
	c.openMedia(a)
	land(c, func(done func([]byte, error)) {
		c.backend.Pass(m.from, c.terminal, role, m.sdp, c.options.Media, done)
	}, func(sdp []byte, err error) {
		if c.state != incoming {
			done(c.wrong())
			return
		}
		if err != nil {
			c.refuseMedia(err)
			done(err)
			return
		}
		if !m.offers {
			c.connect(m.from)
		}
		if c.told.early != nil && differs(c.told.early, sdp) {
			c.resync(sdp)
			sdp = c.told.early
		}
		l := a.link
		c.accept(sdp, m.offers, func(answer []byte) {
			c.partner = m.from
			c.session.agreed(answer, sdp, false)
			l.tell(c, ack{answer, c.terminal})
		}, m.fields, done)
	})
}

// accept sends the 200 of the INVITE, and tells done; it may have to wait for a PRACK. late is given the answer in its ACK
// where sdp is an offer.
func (c *Call) accept(sdp []byte, offers bool, late func([]byte), fields []sip.Field, done func(error)) {
	invite := c.origin.Invite()
	r := c.respondTo(invite, 200, "")
	add(r, c.options.Extra)
	add(r, fields)
	part, err := c.session.talks.Send(dialog.StepOf(r, sdp != nil))
	switch {
	case c.withhold(err, done, func() { c.accept(sdp, offers, late, fields, done) }):
		return
	case err != nil:
		c.env.trace("call_offer_lost")
	}
	if part != dialog.Ignored { // it was answered reliably before
		r.SetBody(sdpType, sdp)
	}
	c.session.reliable.stop()
	c.expiry.answer(invite, r)
	if !offers {
		c.session.agreed(c.told.offer, sdp, !c.told.late)
		late = nil
	} else {
		c.session.local = sdp
	}
	c.session.dialog.Responded(invite, r)
	c.origin.Respond(r)
	b := encode(r)
	c.to(answered)
	from := c.origin // which the leg lets go when it ends
	c.repeat(invite, func() { from.Repeat(200, b) }, late)
	done(nil)
}

// takeAnswer is the answer to an offer of this server's own in a 2xx.
func (c *Call) takeAnswer(sdp []byte) {
	land(c, func(done func([]byte, error)) {
		c.backend.Accept(c.terminal, sdp, c.options.Media, func(err error) { done(nil, err) })
	}, func(_ []byte, err error) {
		if err != nil && c.state.live() {
			c.Hangup(Cause{By: ByServer, Code: 488})
		}
	})
	c.session.agreed(sdp, c.session.local, false)
}

// Reject refuses the INVITE.
func (c *Call) Reject(code int, phrase string) error {
	if c.state != incoming {
		return c.wrong()
	}
	c.refuse(Cause{By: ByServer, Code: code, Phrase: phrase}, nil)
	return nil
}

// refuse sends a negative final response.
func (c *Call) refuse(why Cause, fields []sip.Field) {
	code := why.Code
	if code < 300 {
		code = 480
	}
	r := c.respondTo(c.origin.Invite(), code, why.Phrase)
	if why.Reason != "" {
		r.Add("Reason", why.Reason)
	}
	add(r, fields)
	c.session.reliable.stop()
	c.origin.Respond(r)
	c.session.dialog.Responded(c.origin.Invite(), r)
	c.finish(why)
}

// finish ends the leg without a word to its peer, who knows.
func (c *Call) finish(why Cause) {
	c.cause = &why
	c.to(over)
}

func encode(m *sip.Message) []byte { return m.Append(make([]byte, 0, m.Size())) }
