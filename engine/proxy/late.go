package proxy

import (
	"slices"
	"strconv"
	"strings"

	"github.com/sipscript/sipscript/engine/shard"
	"github.com/sipscript/sipscript/sip"
)

// hangUp ends a call that was answered when nobody upstream could take the answer any more: the caller has got a
// negative final. Without the ACK the callee would repeat its 200 for 32 s, without the BYE it would sit in a call
// with nobody.
//
// flow is the one the INVITE went by. Copies of the 200 get another ACK, and no second BYE.
func (c *Context) hangUp(b *branch, flow sip.Flow, ok *sip.Message) {
	if !b.bound {
		flow = sip.Flow{}
	}
	c.originate(sip.ACK, flow, ok)
	if tag := ok.ToTag(); !slices.Contains(c.hungUp, tag) {
		c.hungUp = append(c.hungUp, strings.Clone(tag))
		c.env.trace(EventLateAnswer)
		c.originate(sip.BYE, flow, ok)
	}
}

// originate sends the caller's request in the dialog of a 2xx.
func (c *Context) originate(method string, flow sip.Flow, ok *sip.Message) {
	if m := c.env.inDialog(method, ok); m != nil {
		c.env.Originate(Own{Message: m, Flow: flow, User: nobody{}})
	}
}

// inDialog makes the caller's request in the dialog that a 2xx has opened, RFC 3261 §12.2.1.1; nil: the response
// does not say where to send it.
func (e *Env) inDialog(method string, ok *sip.Message) *sip.Message {
	contacts, err := ok.Contacts()
	cseq, err2 := ok.CSeq()
	if err != nil || err2 != nil || len(contacts) == 0 {
		return nil
	}
	number := cseq.Number
	if method != sip.ACK {
		number++
	}
	m := sip.NewRequest(method, contacts[0].URI.String())
	m.Add("Max-Forwards", strconv.Itoa(defaultMaxForwards))
	for _, n := range [...]sip.Name{sip.From, sip.To} {
		v, _ := ok.Value(n)
		m.Add(n.String(), v)
	}
	m.Add("Call-ID", ok.CallID())
	m.Add("CSeq", strconv.FormatUint(uint64(number), 10)+" "+method)
	// The route set is the Record-Route list reversed; the request starts here, so that what lies between the
	// caller and us, and we ourselves, is left out.
	rr, err := ok.RecordRoutes()
	if err != nil {
		return nil
	}
	for i := range rr {
		if e.Names.IsOwnURI(&rr[i].URI) {
			break
		}
		m.Prepend("Route", rr[i].String())
	}
	return m
}

// reach calls send with the first address of n, looked up if need be; failed when there is none.
func (e *Env) reach(n nextHop, send func(hop), failed func()) {
	switch {
	case n.flow != (sip.Flow{}):
		send(hop{flow: n.flow})
	case n.numeric:
		send(n.hop(n.addr))
	default:
		scope := shard.NewScope(nil)
		err := e.lookUp(scope, n, func(hops []hop, err error) {
			scope.Close()
			if err != nil || len(hops) == 0 {
				failed()
				return
			}
			send(hops[0])
		})
		if err != nil {
			failed()
		}
	}
}
