package call

import (
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
	c.expiry.accepted(d.request, r)
	d.taken = d.sentTo(r, p.Target)
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
		c.openAt(c.env.backend(&c.options))
		d.final.from = c.terminal
		s.remote, s.asked = sdp, true
		c.to(answered)
	case part == dialog.Answer, s.talks.Session() && d.local != nil:
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
	s := d.leg.session
	m := s.dialog.ACK(d.taken)
	if sdp != nil {
		m.SetBody(sdpType, sdp)
	}
	_, _ = s.talks.Send(dialog.StepOf(m, sdp != nil)) // a 2xx has to have its ACK, whatever is in it
	d.won = pack(m.Clone())
	d.leg.send(m)
	d.settled()
}

// settled lets go of what only an unanswered dial needs: it stands for late answers for 64·T1 more, and there are many.
func (d *dial) settled() {
	d.request.SetBody("", nil)
	d.request.Set("To", "<"+d.request.URIText()+">")
	d.sent = pack(d.request)
	d.request, d.taken, d.groups, d.options = nil, nil, nil, proxy.Options{}
	if c := d.leg; c.dial == d {
		c.dial = nil
	}
}

// invite is the INVITE of the dial.
func (d *dial) invite() *sip.Message {
	if d.request != nil {
		return d.request
	}
	return unpack(d.sent)
}

// packed is the Via of what is kept as bytes.
const packed = "SIP/2.0/UDP 127.0.0.1;branch=" + sip.BranchCookie + "packed"

// pack makes bytes of a request of ours without a Via: they take a fraction of the memory.
func pack(m *sip.Message) []byte {
	m.Prepend("Via", packed)
	return encode(m)
}

func unpack(b []byte) *sip.Message {
	m, err := sip.RereadSent(b)
	if err != nil {
		panic("call: what was packed cannot be read: " + err.Error())
	}
	m.RemoveTop(sip.Via)
	return m
}

// again sends the ACK once more, for a copy of the 2xx.
func (d *dial) again() {
	if d.won != nil {
		d.leg.send(unpack(d.won))
	}
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
			if d.longer(res.Reply) {
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
