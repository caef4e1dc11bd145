package proxy

import (
	"errors"
	"net/netip"

	"github.com/sipscript/sipscript/sip"
)

// ErrUnreachable says that no address of a request's next hop could be had.
var ErrUnreachable = errors.New("proxy: the next hop cannot be reached")

// Relay sends m on without a transaction, RFC 3261 §16.11: the ACK of a 2xx, a CANCEL that matches nothing, whatever
// a script forwards statelessly. target may be nil: then Route and request URI decide. A retransmission leaves with
// the same branch. The status is what to answer with when it cannot be sent (never to an ACK), 0 when it is on its way.
func (e *Env) Relay(m *sip.Message, from sip.Flow, r Routing, target *Target) int {
	unique := e.viaHash(m)
	out := &e.draft
	m.CloneTo(out)
	c := &Context{env: e, request: m, from: from, routing: r, inDialog: true}
	t := target
	if t == nil {
		t = &Target{}
	}
	if t.URI != "" {
		if refused := c.retarget(out, t.URI); refused != nil {
			return refused.code
		}
	}
	e.countDown(out)
	for i := len(t.Path) - 1; i >= 0; i-- {
		out.Prepend("Route", t.Path[i])
	}
	for _, h := range t.Headers {
		out.Set(h.Name, h.Value)
	}
	next, refused := c.nextHop(out, t)
	if refused != nil {
		return refused.code
	}
	if !next.immediate() {
		// The address has to be looked up, and the draft is good for this turn only.
		m.Keep()
		out = new(sip.Message)
		e.draft.CloneTo(out)
	}
	e.reach(next, func(h hop) {
		flow, l, ok := e.source(h, from)
		if !ok {
			return
		}
		value, _ := via(l, stateless, unique, r.Loop)
		if from.Transport.Reliable() {
			value += ";" + backParam + "=" + string(e.appendToken(nil, token{caller: from}))
		}
		out.Prepend("Via", value)
		e.Send(flow, h.serverName, e.encode(out, flow))
	}, func() {})
	return 0
}

// backParam is our Via parameter that holds the connection a statelessly forwarded request came by: a response has
// to go back on it (RFC 3261 §18.2.2), and there is no transaction to remember it.
const backParam = "flow"

// viaHash marks a request by its top Via, which is the same in every retransmission.
func (e *Env) viaHash(m *sip.Message) uint64 {
	v, err := m.Via()
	if err != nil {
		return 0
	}
	return e.viaSum(v)
}

func (e *Env) viaSum(v *sip.ViaValue) uint64 {
	var room [256]byte
	b := append(room[:0], v.Branch...)
	b = append(append(b, 0), v.Host...)
	b = append(b, byte(v.Port>>8), byte(v.Port))
	return e.Key.Sum(b)
}

// RelayResponse sends on a response that no transaction claims, if it answers what we forwarded statelessly: our Via
// on top with an s branch and the hash of the Via below it. Anything else is dropped (RFC 6026 §8.9); false.
func (e *Env) RelayResponse(m *sip.Message) bool {
	top, err := m.Via()
	if err != nil || !e.ownVia(top) {
		return false
	}
	kind, unique, _, ok := readMark(top.Branch)
	if !ok || kind != stateless {
		return false
	}
	back, bound := top.Params.Get(backParam)
	m.RemoveTop(sip.Via)
	below, err := m.Via()
	if err != nil || e.viaSum(below) != unique {
		return false
	}
	flow, ok := e.backFlow(below)
	if !ok {
		return false
	}
	if bound {
		if t, ok := e.readToken(back); ok {
			flow = t.caller
		}
	}
	e.Send(flow, "", e.encode(m, flow))
	return true
}

// backFlow is where a response goes by the Via below ours, RFC 3261 §18.2.2 and RFC 3581 §4.
func (e *Env) backFlow(v *sip.ViaValue) (sip.Flow, bool) {
	t, ok := sip.ParseTransport(v.Transport)
	if !ok {
		return sip.Flow{}, false
	}
	host, port := v.ReplyAddr()
	u := sip.URI{Scheme: "sip", Host: host}
	addr, numeric := u.Addr()
	if !numeric || addr.IsMulticast() || addr == netip.AddrFrom4([4]byte{255, 255, 255, 255}) {
		return sip.Flow{}, false
	}
	f, _, ok := e.source(hop{flow: sip.Flow{Transport: t, Remote: netip.AddrPortFrom(addr, port)}}, sip.Flow{})
	return f, ok
}
