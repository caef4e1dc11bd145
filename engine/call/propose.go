package call

import (
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/dialog"
	"github.com/sipscript/sipscript/sip/transaction"
)

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

// withdraw ends, with the leg, what it has asked of its peer or was about to: whoever waits for that is told. A 2xx has to
// have its ACK, one that still comes and one whose offer nobody answers any more, or it is repeated for 64·T1
// (RFC 3261 §13.2.2.4).
func (c *Call) withdraw() {
	switch p := c.proposal; {
	case p == nil:
	case p.owes:
		p.acknowledge(nil)
	case p.done != nil:
		done := p.done
		p.done = func(int, []byte) {}
		done(480, nil)
	}
	if d := c.dial; d != nil && d.tag != "" && !d.acked {
		d.acknowledge(nil)
	}
	if w := c.wanted; w != nil {
		c.wanted = nil
		w.again.Stop()
		w.done(ErrOver)
	}
	if r := c.referral; r != nil {
		r.end(ErrOver)
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
