package call

import (
	"strconv"
	"strings"

	"github.com/sipscript/sipscript/engine/proxy"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/dialog"
)

// Answer implements proxy.Dialer.
func (d *dial) Answer(r *sip.Message, p proxy.Peer) {
	c := d.leg
	c.env.run(c, func() {
		switch {
		case d.tag != "" && r.ToTag() == d.tag:
			d.again()
		case d.tag != "" || d.gone || c.state != calling:
			d.hangUp(r, p)
		default:
			d.take(r, p)
		}
	})
}

// take makes the dialog of the first 2xx the leg's.
func (d *dial) take(r *sip.Message, p proxy.Peer) {
	c := d.leg
	s := d.sessionOf(r, p)
	if s == nil {
		return
	}
	c.bind(p)
	if err := s.dialog.Response(r); err != nil {
		c.env.trace("call_bad_route")
	}
	sdp, refused := described(r)
	part, _ := s.talks.Receive(dialog.StepOf(r, sdp != nil && refused == 0))
	d.tag = strings.Clone(r.ToTag())
	c.session = s
	d.taken = d.sentTo(r, p.Target)
	if a := d.accessOf(p.Target); a != nil {
		c.expiry.terms = a.terms
	}
	c.expiry.accepted(d.taken, r)
	c.auth = s.auth
	for _, other := range d.early {
		if other != s {
			c.env.forget(other.dialog.ID(), c)
		}
	}
	d.early = nil
	if p.Target != nil {
		c.toURI = p.Target.URI
	}
	d.final = dialled{sdp: sdp, from: c.terminal, early: c.id + "/" + s.dialog.ID().Remote, fields: crossing(r, c.options.Headers)}
	switch {
	case part == dialog.Offer:
		d.final.offers = true
		c.openAt(c.env.backend(c.options))
		d.final.from = c.terminal
		s.remote, s.asked = sdp, true
		c.to(answered)
	case part == dialog.Answer, s.talks.Session() && (d.local != nil || s.remote != nil):
		if part == dialog.Answer {
			s.agreed(sdp, d.local, false)
		}
		d.final.sdp = s.remote
		d.acknowledge(nil)
		c.to(confirmed)
	default: // neither an offer nor an answer: there is no session to be had
		d.acknowledge(nil)
		c.to(confirmed)
		d.final.result = made(488, proxy.Rejected)
	}
}

// acknowledge sends the ACK of the answer that was taken.
func (d *dial) acknowledge(sdp []byte) {
	d.acked, d.answer = true, sdp
	m := d.ack(d.taken)
	_, _ = d.leg.session.talks.Send(dialog.StepOf(m, sdp != nil)) // a 2xx has to have its ACK, whatever is in it
	d.leg.send(m)
	if c := d.leg; c.dial == d {
		c.dial = nil
	}
	d.settle()
}

// settle lets go of what the dial needs no more, once the answer is acknowledged and told.
func (d *dial) settle() {
	if d.calls == nil || !d.acked || !d.told {
		return
	}
	d.uri, d.made, d.won = strings.Clone(d.request.URIText()), sentAs(d.request), sentAs(d.taken)
	d.calls = nil
}

func sentAs(m *sip.Message) sent {
	cseq, _ := m.CSeq()
	s := sent{number: cseq.Number}
	for _, n := range []sip.Name{sip.Authorization, sip.ProxyAuthorization} {
		for value := range m.Values(n) {
			s.proof = append(s.proof, sip.Field{Name: n.String(), Value: strings.Clone(value)})
		}
	}
	return s
}

// invite is the INVITE of the dial. When that is gone it is what a dialog is made of, and an ACK: our side of it is the same
// in all dialogs that it makes.
func (d *dial) invite() *sip.Message {
	if d.calls != nil {
		return d.request
	}
	return d.like(d.made)
}

func (d *dial) like(s sent) *sip.Message {
	ours := d.leg.session.dialog
	m := sip.NewRequest(sip.INVITE, d.uri)
	m.Add("From", ours.Local())
	m.Add("Call-ID", ours.ID().CallID)
	m.Add("CSeq", strconv.FormatUint(uint64(s.number), 10)+" INVITE")
	m.Add("Contact", ours.Contact())
	add(m, s.proof)
	return m
}

// again sends the ACK once more, for a copy of the 2xx.
func (d *dial) again() {
	switch {
	case !d.acked:
		return
	case d.calls != nil:
		d.leg.send(d.ack(d.taken))
	default:
		d.leg.send(d.ack(d.like(d.won)))
	}
}

// ack is the ACK of the answer that was taken.
func (d *dial) ack(invite *sip.Message) *sip.Message {
	m := d.leg.session.dialog.ACK(invite)
	if d.answer != nil {
		m.SetBody(sdpType, d.answer)
	}
	return m
}

// hangUp ends the dialog of an answer that nobody takes.
func (d *dial) hangUp(r *sip.Message, p proxy.Peer) {
	s := d.newSession(r, p)
	if s == nil {
		return
	}
	flow := sip.Flow{}
	if p.Bound {
		flow = p.Flow
	}
	e := d.leg.env
	e.Proxy.Originate(proxy.Own{Message: s.dialog.ACK(d.sentTo(r, p.Target)), Flow: flow, Near: p.Flow})
	for _, tag := range d.hung {
		if tag == r.ToTag() {
			return
		}
	}
	if len(d.hung) >= mostEarly {
		return
	}
	d.hung = append(d.hung, strings.Clone(r.ToTag()))
	e.trace("call_late_answer")
	e.Proxy.Originate(proxy.Own{Message: s.dialog.Request(sip.BYE), Flow: flow, Near: p.Flow, User: nobody{}})
}

// forked is the end of the fork.
func (d *dial) forked(res proxy.Result) {
	c := d.leg
	c.env.run(c, func() {
		if res.Code/100 == 2 && d.tag != "" {
			m := d.final
			if m.result.Code == 0 {
				m.result = res
			}
			m.result.Reply = nil
			d.over(m)
			return
		}
		if res.Code/100 == 2 {
			res = canceled // it was answered too late
		}
		m := dialled{result: res}
		if res.Reply != nil {
			if d.longer(&res) {
				return
			}
			m.fields = append(crossing(res.Reply, c.options.Headers), crossing(res.Reply, refusals)...)
			m.result.Reply = res.Reply.Clone() // the other end may live on another shard
		}
		d.over(m)
	})
}

// over tells who has dialled how it ended.
func (d *dial) over(m dialled) {
	d.told = true
	defer d.settle()
	c := d.leg
	failed := m.result.Code/100 != 2
	l := c.link
	if failed {
		c.link = nil
		for _, s := range d.early {
			c.env.forget(s.dialog.ID(), c)
		}
		d.early = nil
	}
	switch {
	case d.report != nil:
		report := d.report
		d.report = nil
		report(m.result)
	case l != nil:
		l.tell(c, m)
	}
	if !failed {
		return
	}
	why := Cause{By: ByPeer, Code: m.result.Code}
	if d.tag != "" {
		c.Hangup(why)
		return
	}
	if c.state == calling {
		c.finish(why)
	}
}

// refusals are what a negative response may tell the caller besides what was asked for.
var refusals = []string{"Retry-After", "Warning", "Reason"}
