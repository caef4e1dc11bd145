package call

import (
	"errors"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/dialog"
	"github.com/sipscript/sipscript/sip/transaction"
	"github.com/sipscript/sipscript/sip/wheel"
)

// reliable sends the reliable provisional responses to the INVITE of a caller, one after the other: each is repeated until
// its PRACK comes, and the next one waits for that (RFC 3262 §3).
type reliable struct {
	call    *Call
	numbers dialog.Provisionals
	sent    *sip.Message   // the one that has no PRACK; nil: none
	waiting []*sip.Message // behind it
	final   *withheld      // the 2xx, when it has to wait as well
	waits   dialog.Resends
	again   bool
	timer   wheel.Timer
}

// mostWaiting is how many provisional responses may wait for the PRACK of the one before. A callee may ring any number of
// times meanwhile; what comes beyond tells the caller nothing new.
const mostWaiting = 16

// ring sends a provisional response to the caller: reliably where that is required, and where it can be and shows an
// answer, since an answer that may be lost is none (RFC 6337 §3.1.1).
//
// To a caller that has made no offer none is sent but with the offer of a callee: the first one has to hold it
// (RFC 3261 §13.2.1).
func (c *Call) ring(r *sip.Message, sdp []byte) {
	wants := dialog.ReliabilityOf(c.origin.Invite())
	switch {
	case c.told.late && c.told.offer == nil && sdp != nil:
		c.ringReliably(r, sdp)
	case r.Status() == 100 || wants == dialog.Unreliable || wants == dialog.Possible && !c.answers(sdp):
		c.show(r, sdp)
		c.origin.Respond(r)
	case c.told.offer == nil:
	default:
		c.ringReliably(r, sdp)
	}
}

// answers reports whether a description would be the answer to the caller's offer in a reliable response.
func (c *Call) answers(sdp []byte) bool {
	if sdp == nil || c.told.offer == nil {
		return false
	}
	open, ours := c.session.talks.Unanswered()
	return open && !ours
}

// show puts a description into a provisional response where it may stand.
func (c *Call) show(r *sip.Message, sdp []byte) {
	if sdp == nil {
		return
	}
	step := dialog.StepOf(r, true)
	part, err := c.session.talks.Send(step)
	if err != nil || part == dialog.Ignored {
		return
	}
	r.SetBody(sdpType, sdp)
	switch {
	case part == dialog.Offer:
		c.session.local = sdp
	case step.Reliable:
		c.session.agreed(c.told.offer, sdp, true)
	}
}

func (c *Call) ringReliably(r *sip.Message, sdp []byte) {
	p := c.session.reliable
	if p == nil {
		cseq, _ := c.origin.Invite().CSeq()
		p = &reliable{call: c, numbers: dialog.NewProvisionals(cseq.Number, c.env.Proxy.Random())}
		p.timer.Bind(p)
		c.session.reliable = p
	}
	if p.sent != nil {
		// The description goes with the response that shows it first, and that is on its way or was refused: a waiting one
		// holds none, so that nothing it says is out of date when its turn comes.
		if c.answers(sdp) {
			r.SetBody(sdpType, sdp)
		}
		if len(p.waiting) < mostWaiting {
			p.waiting = append(p.waiting, r)
		}
		return
	}
	p.send(r, sdp)
}

func (p *reliable) send(r *sip.Message, sdp []byte) {
	c := p.call
	if p.numbers.Number(r) != nil {
		return
	}
	c.show(r, sdp)
	c.session.dialog.Responded(c.origin.Invite(), r)
	p.sent = r
	p.waits = dialog.Resends1xx(c.env.T1)
	c.origin.Respond(r)
	p.wait()
}

func (p *reliable) wait() {
	d, again := p.waits.Next()
	p.again = again
	p.call.env.Loop.Wheel().Schedule(&p.timer, d)
}

// TimerFired implements wheel.Owner: no PRACK has come. After 64·T1 the caller is refused, since a caller that cannot
// acknowledge what rings could not be told of an answer either (RFC 3262 §3).
func (p *reliable) TimerFired(*wheel.Timer) {
	c := p.call
	c.env.run(c, func() {
		switch {
		case c.state != incoming || p.sent == nil:
		case p.again:
			c.origin.Respond(p.sent)
			p.wait()
		default:
			c.env.trace("call_unacknowledged")
			p.sent = nil
			c.refuse(Cause{By: ByPeer, Code: 504}, nil)
		}
	})
}

// withheld is a 2xx that waits for a PRACK.
type withheld struct {
	send func()
	done func(error) // who is to be told when it comes to nothing
}

// stop ends the repetitions: a final response was sent. PRACKs that are under way are still answered (RFC 3262 §3).
func (p *reliable) stop() {
	if p == nil {
		return
	}
	p.timer.Stop()
	p.sent, p.waiting = nil, nil
	if w := p.final; w != nil {
		p.final = nil
		w.done(ErrOver)
	}
}

// acknowledged goes on with what has waited for the PRACK.
func (p *reliable) acknowledged() {
	p.sent = nil
	if len(p.waiting) > 0 && p.final == nil {
		r := p.waiting[0]
		p.waiting = p.waiting[1:]
		sdp := r.Body()
		r.SetBody("", nil)
		if len(sdp) == 0 || !p.call.answers(sdp) {
			sdp = nil
		}
		p.send(r, sdp)
		return
	}
	if w := p.final; w != nil {
		p.final = nil
		w.send()
	}
}

// prack is a PRACK of the caller's.
func (c *Call) prack(in *inbound) {
	sdp, refused := described(in.m)
	p := in.session.reliable
	_, err := in.m.RAck()
	switch {
	case refused != 0:
		in.reply(refused, nil)
		return
	case err != nil:
		in.reply(400, nil)
		return
	case p == nil:
		in.reply(481, nil)
		return
	}
	if code := p.numbers.Matches(in.m); code != 200 {
		in.reply(code, nil)
		return
	}
	part, early := in.session.talks.Receive(dialog.StepOf(in.m, sdp != nil))
	if early.Status != 0 {
		in.tooEarly(early)
		return
	}
	in.fed = true
	p.timer.Stop()
	if part == dialog.Offer {
		c.asked = append(c.asked, in)
		in.patience.Init(in.impatient)
		c.env.Loop.Wheel().Schedule(&in.patience, 32*c.env.T1)
		c.modifyEarly(in, sdp)
		return
	}
	in.reply(200, nil)
	switch {
	case c.state != incoming:
	case part == dialog.Answer:
		c.profferAnswered(sdp)
	case part == dialog.Missing:
		c.refuse(Cause{By: ByPeer, Code: 488}, nil)
	}
}

// answered is our final response to a PRACK. One that is refused, for what it offers, comes again (RFC 6337 §2.3).
func (p *reliable) answered(prack *sip.Message, code int) {
	switch {
	case code/100 == 2 && p.numbers.Acknowledge(prack) == 200:
		p.acknowledged()
	case p.sent != nil:
		p.wait()
	}
}

// withhold keeps a 2xx back that a PRACK has to come before, and reports whether it did: a description in a reliable
// response that was never acknowledged may not have arrived (RFC 3262 §5).
func (c *Call) withhold(err error, done func(error), send func()) bool {
	p := c.session.reliable
	if !errors.Is(err, dialog.ErrUnacknowledged) || p == nil {
		return false
	}
	if p.final != nil {
		done(ErrBusy)
		return true
	}
	p.final = &withheld{send, done}
	return true
}

// acknowledge1xx tells whether a provisional response of the callee is to be handled, and sends the PRACK of one that
// wants it.
func (c *Call) acknowledge1xx(s *session, r *sip.Message) (handle bool) {
	switch s.heard.Receive(r) {
	case dialog.Repeated, dialog.Gap:
		return false
	case dialog.Next:
		s.prack = r.Clone()
	}
	return true
}

// sendPrack sends the PRACK that acknowledge1xx has found due, once the negotiation has seen the response, with the answer
// to the offer in that if it held one.
func (c *Call) sendPrack(s *session, answer []byte) {
	r := s.prack
	if r == nil {
		return
	}
	s.prack = nil
	m := answerPrack(s.dialog.Prack(r), answer)
	if _, err := s.talks.Send(dialog.StepOf(m, answer != nil)); err != nil {
		c.env.trace("call_offer_lost")
		return
	}
	if s.auth != nil {
		s.auth.Attach(m)
	}
	s.pracks++
	c.originate(m, &pracking{call: c, session: s, response: r, request: m, answer: answer})
}

// progress is a provisional response to a re-INVITE of ours.
func (p *proposal) progress(r *sip.Message) {
	c, s := p.call, p.session
	if p.done == nil || r.Status() == 100 || !c.acknowledge1xx(s, r) {
		return
	}
	_ = s.dialog.Response(r) // only a first INVITE has a route set to be wrong
	sdp, refused := described(r)
	switch part, _ := s.talks.Receive(dialog.StepOf(r, sdp != nil && refused == 0)); part {
	case dialog.Answer, dialog.Preview:
		p.shown = sdp
	}
	c.sendPrack(s, nil)
}

// pracking is a PRACK of ours.
type pracking struct {
	call     *Call
	session  *session
	response *sip.Message
	request  *sip.Message
	answer   []byte
	again    bool // it was challenged once
	over     bool
}

// ClientResponse implements transaction.ClientUser.
func (p *pracking) ClientResponse(_ *transaction.Client, r *sip.Message) {
	if r.Status() < 200 || p.over {
		return
	}
	p.over = true
	c := p.call
	c.env.run(c, func() {
		p.session.talks.Receive(dialog.StepOf(r, false))
		if code := r.Status(); (code == 401 || code == 407) && !p.again && p.session.auth != nil {
			m := answerPrack(p.session.dialog.Prack(p.response), p.answer)
			if p.session.auth.Answer(r, m) {
				p.again, p.over, p.request = true, false, m
				_, _ = p.session.talks.Send(dialog.StepOf(m, false))
				c.originate(m, p)
				return
			}
		}
		p.session.pracked()
	})
}

// pracked is the end of a PRACK of ours.
func (s *session) pracked() {
	s.pracks--
	if later := s.later; later != nil && s.pracks == 0 {
		s.later = nil
		later()
	}
}

// ClientFailed implements transaction.ClientUser: the callee repeats its response, or gives up.
func (p *pracking) ClientFailed(*transaction.Client, error) {
	if !p.over {
		p.over = true
		step := dialog.StepOf(p.request, false)
		step.Status = 408
		p.call.env.run(p.call, func() {
			p.session.talks.Receive(step)
			p.session.pracked()
		})
	}
}

// ClientEnded implements transaction.ClientUser.
func (p *pracking) ClientEnded(*transaction.Client) {}

var (
	_ wheel.Owner            = (*reliable)(nil)
	_ transaction.ClientUser = (*pracking)(nil)
)
