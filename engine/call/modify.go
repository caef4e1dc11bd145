package call

import (
	"github.com/sipscript/sipscript/engine/media"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/dialog"
)

// mostUnacked is how many answers to re-INVITEs may wait for their ACK. Each is repeated ten times and more: a peer that
// asks and never acknowledges would have this server send many times what it gets.
const mostUnacked = 8

// modify is a re-INVITE or UPDATE of the peer. What it offers goes to the other side of a bridge, whose answer comes back;
// without one this server answers.
func (c *Call) modify(in *inbound) {
	sdp, refused := described(in.m)
	if refused != 0 {
		in.reply(refused, nil)
		return
	}
	if code, fields := c.expiry.check(in.m); code != 0 {
		in.reply(code, func(r *sip.Message) { add(r, fields) })
		return
	}
	if in.m.Method() == sip.INVITE && len(c.unacked) >= mostUnacked {
		in.tooEarly(dialog.Refused{Status: 500, RetryAfter: true})
		return
	}
	part, early := in.session.talks.Receive(dialog.StepOf(in.m, sdp != nil))
	if early.Status != 0 {
		in.tooEarly(early)
		return
	}
	in.fed = true
	c.asked = append(c.asked, in)
	method := in.m.Method()
	if method != sip.INVITE {
		in.patience.Init(in.impatient)
		c.env.Loop.Wheel().Schedule(&in.patience, 32*c.env.T1)
	}
	switch {
	case method == sip.UPDATE && part == dialog.Nothing: // it refreshes
		in.reply(200, nil)
	case c.state == incoming || c.state == calling:
		c.modifyEarly(in, sdp)
	case c.state != confirmed && c.state != answered:
		in.reply(500, func(r *sip.Message) { r.Add("Retry-After", "1") })
	case c.joined && c.link != nil:
		c.link.tell(c, offer{method, sdp, c.terminal})
	case c.link != nil && !c.dialledAlone():
		in.tooEarly(dialog.Refused{Status: 491}) // it is about to be joined
	default:
		c.answerAlone(in, sdp)
	}
}

// dialledAlone reports whether the leg has been answered and nobody has joined it yet.
func (c *Call) dialledAlone() bool { return c.dialled && !c.joined }

// answerAlone answers an offer by this server itself, or makes one where that was asked for.
func (c *Call) answerAlone(in *inbound, sdp []byte) {
	c.openAt(c.env.backend(c.options))
	start := func(done func([]byte, error)) { c.backend.Answer(c.terminal, sdp, c.options.Media, done) }
	if sdp == nil {
		start = func(done func([]byte, error)) { c.backend.Offer(c.terminal, c.options.Media, done) }
	}
	land(c, start, func(own []byte, err error) {
		switch {
		case in.done:
		case err != nil:
			c.refuseOffer(in, err)
		case sdp == nil:
			c.agree(in, own, true, c.takeAnswer)
		default:
			c.heldBy(sdp, own)
			c.session.agreed(sdp, own, true)
			c.agree(in, own, false, nil)
		}
	})
}

func (c *Call) refuseOffer(in *inbound, err error) {
	code, fields := refusal(err)
	in.reply(code, func(r *sip.Message) { add(r, fields) })
}

// agree answers a re-INVITE or UPDATE with 200.
func (c *Call) agree(in *inbound, sdp []byte, offers bool, late func([]byte)) {
	r := in.reply(200, func(r *sip.Message) { r.SetBody(sdpType, sdp) })
	if r == nil || in.m.Method() != sip.INVITE {
		return
	}
	if !offers {
		late = nil
	} else {
		c.session.local = sdp
	}
	b := encode(r)
	c.repeat(in.m, func() { _ = in.tx.Respond(200, b) }, late)
}

// pending is the request of the peer that waits for what the other side says.
func (c *Call) pending() *inbound {
	for _, in := range c.asked {
		if m := in.m.Method(); in.fed && !in.done && (m == sip.INVITE || m == sip.UPDATE) {
			return in
		}
	}
	return nil
}

func (m offer) reach(c *Call, l *link) {
	refuse := func(code int) { l.tell(c, reply{code: code}) }
	if c.link != l || c.state != confirmed && c.state != answered {
		refuse(491)
		return
	}
	send := func(sdp []byte) {
		c.propose(m.method, sdp, func(code int, answer []byte) {
			l.tell(c, reply{code: code, sdp: answer, from: c.terminal})
		})
	}
	if m.sdp == nil {
		send(nil)
		return
	}
	if c.proposal != nil || c.session.talks.Busy() {
		refuse(491)
		return
	}
	land(c, func(done func([]byte, error)) {
		c.backend.Pass(m.from, c.terminal, media.RoleOffer, m.sdp, c.options.Media, done)
	}, func(sdp []byte, err error) {
		if err != nil {
			code, _ := refusal(err)
			refuse(code)
			return
		}
		if c.link != l || !c.state.live() {
			refuse(491)
			return
		}
		send(sdp)
	})
}

func (m reply) reach(c *Call, l *link) {
	if j := c.joining; j != nil && j.link == l {
		c.joining = nil
		j.done(m)
		return
	}
	in := c.pending()
	if in == nil || c.link != l {
		return
	}
	switch {
	case m.code/100 != 2:
		if c.terminal != nil {
			c.backend.Rollback(c.terminal)
		}
		in.reply(m.code, nil)
	case len(in.m.Body()) == 0:
		c.passOffer(in, m, l)
	default:
		c.passAnswer(in, m)
	}
}

// passAnswer answers the peer with what the other side has answered.
func (c *Call) passAnswer(in *inbound, m reply) {
	sdp, _ := described(in.m)
	land(c, func(done func([]byte, error)) {
		c.backend.Pass(m.from, c.terminal, media.RoleAnswer, m.sdp, c.options.Media, done)
	}, func(own []byte, err error) {
		switch {
		case in.done:
		case err != nil: // the other side has agreed to something that cannot be said here
			c.refuseOffer(in, err)
			c.Hangup(Cause{By: ByServer, Code: 488})
		default:
			c.heldBy(sdp, own)
			c.session.agreed(sdp, own, true)
			c.agree(in, own, false, nil)
		}
	})
}

// passOffer answers a peer that has asked for an offer with the one of the other side; the answer comes in the ACK.
func (c *Call) passOffer(in *inbound, m reply, l *link) {
	land(c, func(done func([]byte, error)) {
		c.backend.Pass(m.from, c.terminal, media.RoleOffer, m.sdp, c.options.Media, done)
	}, func(own []byte, err error) {
		switch {
		case in.done:
		case err != nil:
			c.refuseOffer(in, err)
			l.tell(c, ack{})
		default:
			c.agree(in, own, true, func(answer []byte) {
				c.session.agreed(answer, own, false)
				l.tell(c, ack{answer, c.terminal})
			})
		}
	})
}

func (m withdrawn) reach(c *Call, l *link) {
	if p := c.proposal; c.link == l && p != nil && p.client != nil && p.method == sip.INVITE {
		p.cancel()
	}
}

func (m ack) reach(c *Call, l *link) {
	if c.link != l || !c.state.live() {
		return
	}
	if m.sdp == nil {
		c.Hangup(Cause{By: ByOther, Code: 488})
		return
	}
	land(c, func(done func([]byte, error)) {
		c.backend.Pass(m.from, c.terminal, media.RoleAnswer, m.sdp, c.options.Media, done)
	}, func(sdp []byte, err error) {
		switch {
		case !c.state.live():
		case err != nil:
			c.Hangup(Cause{By: ByServer, Code: 488})
		default:
			c.connect(m.from)
			c.settle(sdp)
		}
	})
}

// settle answers the offer in the peer's 2xx, in the ACK that has waited for it.
func (c *Call) settle(sdp []byte) {
	if c.session.remote != nil {
		c.session.agreed(c.session.remote, sdp, true)
	}
	if p := c.proposal; p != nil && p.owes {
		p.acknowledge(sdp)
		return
	}
	if c.state == answered && c.dial != nil && !c.dial.acked {
		c.dial.acknowledge(sdp)
		c.to(confirmed)
		c.freed()
	}
}
