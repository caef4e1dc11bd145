package call

import (
	"slices"

	"github.com/sipscript/sipscript/engine/proxy"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/dialog"
	"github.com/sipscript/sipscript/sip/transaction"
)

// Hangup ends the leg in the way that its state allows: an unanswered caller is refused, a ringing callee gets CANCEL, an
// answered peer BYE. What it is bridged with hears of it at once.
func (c *Call) Hangup(why Cause) {
	switch c.state {
	case incoming:
		c.refuse(why, nil)
	case calling:
		c.cause = &why
		d := c.dial
		d.gone = true
		if d.ctx == nil {
			d.over(dialled{result: canceled})
			return
		}
		if l := c.link; l != nil {
			c.link = nil
			l.tell(c, dialled{result: canceled})
		}
		d.ctx.Cancel(why.Reason)
	case answered:
		c.cause = &why
		if c.dialled {
			c.bye(why)
			return
		}
		c.to(leaving)
	case confirmed:
		if len(c.unacked) > 0 && !c.dialled {
			c.cause = &why
			c.to(leaving)
			return
		}
		c.bye(why)
	}
}

// bye sends the BYE.
func (c *Call) bye(why Cause) {
	if c.state >= ending {
		return
	}
	c.cause = &why
	m := c.session.dialog.Request(sip.BYE)
	if why.Reason != "" {
		m.Add("Reason", why.Reason)
	}
	c.authorize(m)
	c.to(ending)
	c.originate(m, &farewell{call: c, reason: why.Reason})
}

// farewell is the user of the BYE's transaction: whatever becomes of it, the leg is over (RFC 3261 §15.1.1).
type farewell struct {
	call   *Call
	reason string
	proved bool // it was challenged, and sent once more
}

// ClientResponse implements transaction.ClientUser.
func (f *farewell) ClientResponse(_ *transaction.Client, r *sip.Message) {
	c := f.call
	switch code := r.Status(); {
	case code < 200:
	case (code == 401 || code == 407) && !f.proved && c.state == ending:
		f.proved = true
		m := c.session.dialog.Request(sip.BYE)
		if f.reason != "" {
			m.Add("Reason", f.reason)
		}
		if c.auth == nil || !c.prove(m, r) {
			c.to(over)
			return
		}
		c.originate(m, f)
	default:
		c.to(over)
	}
}

// ClientFailed implements transaction.ClientUser.
func (f *farewell) ClientFailed(*transaction.Client, error) { f.call.to(over) }

// ClientEnded implements transaction.ClientUser.
func (f *farewell) ClientEnded(*transaction.Client) {}

// byeReceived is the peer's BYE: it is answered, whatever we have sent ourselves (RFC 3261 §15.1.2).
func (c *Call) byeReceived(in *inbound) {
	in.reply(200, nil)
	reason, _ := in.m.Value(sip.ReasonHeader)
	why := Cause{By: ByPeer, Reason: reason}
	switch c.state {
	case incoming:
		why.Code = 487
		c.refuse(why, nil)
	case calling:
		c.Hangup(why) // no callee may send it before its 2xx; what else it has rung goes, too
	case ending:
		// ours has crossed it, and is answered yet
	default:
		c.finish(why)
	}
}

// Canceled is the caller's CANCEL. The 487 is sent by whom the INVITE belongs to. It reports whether somebody who waited
// for a dial has been told.
func (c *Call) Canceled(reason string) (told bool) {
	if c.state != incoming {
		return false
	}
	told = c.Dialling()
	c.env.run(c, func() { c.finish(Cause{By: ByPeer, Code: 487, Reason: reason}) })
	return told
}

// Dialling reports whether the outcome of a dial is waited for.
func (c *Call) Dialling() bool {
	return slices.ContainsFunc(c.dials, func(a *attempt) bool { return a.done != nil })
}

// Yield ends a leg that has answered nothing, and leaves its INVITE to somebody else.
func (c *Call) Yield() {
	if c.state == incoming {
		c.origin = nil
		c.env.run(c, func() { c.finish(Cause{By: ByServer}) })
	}
}

// originate sends a request in the leg's dialog.
func (c *Call) originate(m *sip.Message, user transaction.ClientUser) { c.transact(m, user, nil) }

// transact is originate for who wants the transaction.
func (c *Call) transact(m *sip.Message, user transaction.ClientUser, sent func(*transaction.Client)) {
	c.env.Proxy.Originate(proxy.Own{Message: m, Flow: c.bound(), Near: c.near, User: user, Sent: sent, Unroutable: func() {
		c.env.Loop.Post(func() { c.env.run(c, func() { user.ClientFailed(nil, transaction.ErrTransport) }) })
	}})
}

// bound is the flow by which the peer is reached without a Route; zero: by its Contact.
func (c *Call) bound() sip.Flow {
	if c.flow == nil {
		return sip.Flow{}
	}
	return *c.flow
}

// send sends an ACK.
func (c *Call) send(m *sip.Message) {
	c.env.Proxy.Originate(proxy.Own{Message: m, Flow: c.bound(), Near: c.near})
}

// authorize puts the answers to challenges that the peer has sent before into a request.
func (c *Call) authorize(m *sip.Message) {
	if c.auth != nil {
		c.auth.Attach(m)
	}
}

// prove is authorize, but for the answer to a challenge if there was one: false when there is none to give.
func (c *Call) prove(m, challenge *sip.Message) bool {
	if challenge == nil {
		c.authorize(m)
		return true
	}
	return c.auth != nil && c.auth.Answer(challenge, m)
}

// lost ends a leg whose peer does not know it any more, or does not answer (RFC 3261 §12.2.1.2).
func (c *Call) lost(method string, code int) bool {
	if !dialog.Ends(method, code) || c.state != answered && c.state != confirmed {
		return false
	}
	c.bye(Cause{By: ByPeer, Code: code})
	return true
}

// nobody is the user of a transaction whose outcome changes nothing.
type nobody struct{}

func (nobody) ClientResponse(*transaction.Client, *sip.Message) {}
func (nobody) ClientFailed(*transaction.Client, error)          {}
func (nobody) ClientEnded(*transaction.Client)                  {}

var (
	_ transaction.ClientUser = nobody{}
	_ transaction.ClientUser = (*farewell)(nil)
)
