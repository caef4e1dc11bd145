package proxy

import (
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/transaction"
	"github.com/sipscript/sipscript/sip/transport"
)

// Own is a request of this server's own, and where it goes.
type Own struct {
	Message    *sip.Message // without Via; it is edited
	Flow       sip.Flow     // used when there is no Route; zero: the message decides
	Near       sip.Flow     // by which the peer knows us: it leaves from there if it can
	User       transaction.ClientUser
	Sent       func(*transaction.Client) // it is on its way; nil: nobody asks. Not called for an ACK
	Unroutable func()                    // there is no way to send it; nil: nobody asks

	// Contact is that of the message where it leaves by l; nil: it has what it needs.
	Contact func(l transport.Listener) string
}

// Originate sends a request of our own, within this call where no name has to be looked up: an ACK just so, anything else
// in a transaction.
func (e *Env) Originate(o Own) {
	if o.Flow != (sip.Flow{}) && !o.Message.Has(sip.Route) {
		e.sendOwn(hop{flow: o.Flow}, &o)
		return
	}
	n, code := e.nextHop(o.Message, "")
	if code != 0 {
		o.unroutable()
		return
	}
	e.reach(n, func(h hop) { e.sendOwn(h, &o) }, o.unroutable)
}

func (e *Env) sendOwn(h hop, o *Own) {
	flow, l, ok := e.source(h, o.Near)
	if !ok {
		o.unroutable()
		return
	}
	m := o.Message
	if o.Contact != nil {
		m.Set("Contact", o.Contact(l))
	}
	value, mark := via(l, stateful, e.Random(), e.Random())
	m.Prepend("Via", value)
	b := m.Append(make([]byte, 0, m.Size()))
	if m.Method() == sip.ACK {
		e.Send(flow, h.serverName, b)
		return
	}
	c := e.Table.NewClient(transaction.ClientRequest{
		Method: m.Method(), Branch: mark, CallID: m.CallID(), Flow: flow, ServerName: h.serverName, Bytes: b,
	}, o.User)
	if o.Sent != nil {
		o.Sent(c)
	}
}

func (o *Own) unroutable() {
	if o.Unroutable != nil {
		o.Unroutable()
	}
}
