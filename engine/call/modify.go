package call

import (
	"github.com/sipscript/sipscript/engine/media"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/dialog"
	"github.com/sipscript/sipscript/sip/transaction"
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
	c.openAt(c.env.backend(&c.options))
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
			c.heldBy(sdp)
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
			c.heldBy(sdp)
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
	if c.state == answered && c.dial != nil && c.dial.won == nil {
		c.dial.acknowledge(sdp)
		c.to(confirmed)
		c.freed()
	}
}

// proposal is a re-INVITE or UPDATE of ours.
type proposal struct {
	call      *Call
	session   *session
	method    string
	request   *sip.Message
	sdp       []byte // nil: it asks for an offer
	client    *transaction.Client
	rung      bool // a provisional response has come
	cancelled bool
	tries     int
	shown     []byte       // the answer in a provisional response
	owes      bool         // its 2xx is an offer, and the ACK waits for the answer
	acked     *sip.Message // the ACK
	done      func(code int, sdp []byte)
}

// propose sends a re-INVITE or UPDATE with an offer, or one that asks for it. done is told the status, 491 when the peer
// cannot be asked now, and of a 2xx the description.
func (c *Call) propose(method string, sdp []byte, done func(code int, sdp []byte)) {
	c.proposeIn(c.session, method, sdp, done)
}

// proposeIn is propose in any dialog of the leg: one may not be answered yet.
func (c *Call) proposeIn(s *session, method string, sdp []byte, done func(code int, sdp []byte)) {
	if allowed, known := s.dialog.Allows(sip.UPDATE); method == sip.UPDATE && (!allowed || !known) {
		method = sip.INVITE
	}
	if c.proposal != nil || len(c.unacked) > 0 {
		done(491, nil)
		return
	}
	if _, err := s.talks.Send(dialog.Step{Method: method, Description: sdp != nil}); err != nil {
		done(491, nil)
		return
	}
	c.sendProposal(&proposal{call: c, session: s, method: method, sdp: sdp, done: done}, nil)
}

// sendProposal sends a proposal, with the answer to a challenge if there was one.
func (c *Call) sendProposal(p *proposal, challenge *sip.Message) (sent bool) {
	m := p.session.dialog.Request(p.method)
	m.Add("Allow", methods)
	m.Add("Supported", supported)
	c.expiry.ask(m)
	if p.sdp != nil {
		m.SetBody(sdpType, p.sdp)
	} else {
		m.Set("Supported", withoutReliable)
	}
	if !c.prove(m, challenge) {
		return false
	}
	p.request = m.Clone()
	c.proposal = p
	c.transact(m, p, func(client *transaction.Client) { p.client = client })
	return true
}

// ClientResponse implements transaction.ClientUser.
func (p *proposal) ClientResponse(_ *transaction.Client, r *sip.Message) {
	p.call.env.run(p.call, func() { p.response(r) })
}

func (p *proposal) response(r *sip.Message) {
	code := r.Status()
	switch {
	case code < 200:
		if p.cancelled && !p.rung {
			p.rung = true
			p.sendCancel()
		}
		p.rung = true
		p.progress(r)
	case p.done == nil && code/100 == 2: // a copy
		if p.acked != nil {
			p.call.send(p.acked.Clone())
		}
	case p.done == nil:
	case code/100 == 2:
		p.accepted(r)
	case p.tries < mostTries && p.call.expiry.longer(p.request, r):
		p.again(r)
	case p.tries < mostTries && (code == 401 || code == 407) && p.call.auth != nil:
		p.again(r)
	default:
		p.refused(code)
	}
}

// again sends the proposal once more, for a longer session interval (RFC 4028 §7.3) or with credentials (RFC 3261 §22.2).
func (p *proposal) again(r *sip.Message) {
	c, s := p.call, p.session
	code := r.Status()
	if code == 422 {
		r = nil // not a challenge
	}
	p.tries++
	p.rung, p.shown = false, nil
	if !c.state.live() || p.cancelled || !c.sendProposal(p, r) {
		p.refused(code)
		return
	}
	s.talks.Receive(dialog.Step{Method: p.method, Status: code})
	_, _ = s.talks.Send(dialog.Step{Method: p.method, Description: p.sdp != nil}) // what was allowed just now still is
}

// accepted is the 2xx.
func (p *proposal) accepted(r *sip.Message) {
	c, s := p.call, p.session
	_ = s.dialog.Response(r) // a route set stays as it is
	sdp, refused := described(r)
	part, _ := s.talks.Receive(dialog.StepOf(r, sdp != nil && refused == 0))
	done := p.done
	p.done = nil
	c.expiry.accepted(p.request, r)
	if part == dialog.Nothing || part == dialog.Ignored {
		if p.shown != nil { // a provisional response has held the answer
			part, sdp = dialog.Answer, p.shown
		}
	}
	switch {
	case !c.state.live():
		p.acknowledge(nil)
	case part == dialog.Answer:
		s.agreed(sdp, p.sdp, false)
		p.acknowledge(nil)
		done(200, sdp)
	case part == dialog.Offer:
		p.owes = true
		s.remote, s.asked = sdp, true
		done(200, sdp)
	default: // it has agreed to nothing
		p.acknowledge(nil)
		done(488, nil)
		c.Hangup(Cause{By: ByPeer, Code: 488})
	}
}

// acknowledge ends an INVITE that was accepted; of any other method there is nothing to say.
func (p *proposal) acknowledge(sdp []byte) {
	c := p.call
	p.owes = false
	if c.proposal == p {
		c.proposal = nil
	}
	if p.method == sip.INVITE {
		m := p.session.dialog.ACK(p.request)
		if sdp != nil {
			m.SetBody(sdpType, sdp)
		}
		_, _ = p.session.talks.Send(dialog.StepOf(m, sdp != nil)) // a 2xx has to have its ACK, whatever is in it
		p.acked = m
		c.send(m.Clone())
	}
	c.freed()
}

// refused is any other end: the session is what it was (RFC 3261 §14.1).
func (p *proposal) refused(code int) {
	c := p.call
	done := p.done
	p.done = nil
	if c.proposal == p {
		c.proposal = nil
	}
	_, _ = p.session.talks.Receive(dialog.Step{Method: p.method, Status: code})
	if !c.state.live() {
		return
	}
	if c.terminal != nil {
		c.backend.Rollback(c.terminal)
	}
	done(code, nil)
	if !c.lost(p.method, code) {
		c.freed()
	}
}

// withdraw ends, with the leg, what it has asked of its peer or was about to: whoever waits for that is told. A 2xx that
// still comes has to have its ACK.
func (c *Call) withdraw() {
	if p := c.proposal; p != nil && p.done != nil {
		done := p.done
		p.done = func(int, []byte) {}
		done(480, nil)
	}
	if w := c.wanted; w != nil {
		c.wanted = nil
		w.done(ErrOver)
	}
}

// ClientFailed implements transaction.ClientUser. A peer that cannot be reached is as one that does not answer.
func (p *proposal) ClientFailed(*transaction.Client, error) {
	if p.done == nil {
		return
	}
	p.call.env.run(p.call, func() { p.refused(408) })
}

// ClientEnded implements transaction.ClientUser.
func (p *proposal) ClientEnded(*transaction.Client) {}

// cancel takes a re-INVITE back whose final response nobody waits for: once it may (RFC 3261 §9.1).
func (p *proposal) cancel() {
	if p.cancelled || p.done == nil {
		return
	}
	p.cancelled = true
	if p.rung {
		p.sendCancel()
	}
}

func (p *proposal) sendCancel() { p.call.env.Proxy.Cancel(p.client, "") }

var _ transaction.ClientUser = (*proposal)(nil)
