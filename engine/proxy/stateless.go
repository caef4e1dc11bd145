package proxy

import (
	"net/netip"

	"github.com/sipscript/sipscript/sip"
)

// Relay sends m on without a transaction, RFC 3261 §16.11: the ACK of a 2xx, a CANCEL that matches nothing, whatever
// a script forwards statelessly. target may be nil: then Route and request URI decide. A retransmission leaves with
// the same branch. When m cannot be sent, refused is called, at once or later, with the status to answer with; an ACK
// is not answered. p may be nil; nothing comes back to it.
func (e *Env) Relay(m *sip.Message, from sip.Flow, r Routing, target *Target, p Passage, refused func(code int)) {
	unique := e.viaHash(m)
	out := &e.draft
	m.CloneTo(out)
	next, code := e.relayed(out, m, from, r, target)
	if code != 0 {
		refused(code)
		return
	}
	if !next.immediate() || p != nil {
		// The address has to be looked up, or the body seen to, and the draft is good for this turn only.
		m.Keep()
		out = new(sip.Message)
		e.draft.CloneTo(out)
	}
	send := func(h hop) {
		flow, l, ok := e.source(h, from)
		if !ok {
			refused(500)
			return
		}
		value, _ := via(l, stateless, unique, r.Loop.plain)
		if !e.answersFind(from) {
			value += ";" + backParam + "=" + string(e.appendToken(nil, token{caller: from}))
		}
		out.Prepend("Via", value)
		e.Send(flow, h.serverName, e.encode(out, flow))
	}
	if p != nil {
		e.present(p, out, next, send, refused)
		return
	}
	e.reach(next, send, func() { refused(500) })
}

// present shows what is relayed to a Passage before it is sent.
func (e *Env) present(p Passage, out *sip.Message, next nextHop, send func(hop), refused func(code int)) {
	p.Request(out, func(code int) {
		if code != 0 {
			refused(code)
			return
		}
		e.reach(next, send, func() { refused(500) })
	})
}

// relayed makes out, a copy of m, what is sent, but for its Via, and finds the next hop or the status to refuse it with.
func (e *Env) relayed(out, m *sip.Message, from sip.Flow, r Routing, target *Target) (nextHop, int) {
	c := &Context{env: e, origin: &origin{owner: nobodys{}, request: m, from: from, routing: r}, inDialog: true}
	if target == nil {
		target = &Target{}
	}
	if refused := c.outgoing(out, target, incomingBreadth(m)); refused != nil {
		return nextHop{}, refused.code
	}
	next, refused := c.nextHop(out, target, false)
	if refused != nil {
		return nextHop{}, refused.code
	}
	return next, 0
}

// nobodys is the owner of a context without a transaction, whose refusals are not sent as they are.
type nobodys struct{}

func (nobodys) LocalTag() string { return "" }

// backParam is our Via parameter that holds the flow by which a statelessly forwarded request came, where the Via below
// does not lead back to it: a response goes by the same connection (RFC 3261 §18.2.2), and over UDP from the address and
// port that the request was sent to (RFC 3581 §4). There is no transaction to remember it.
const backParam = "flow"

// answersFind reports whether a response by the Via alone leaves from where the request came in.
func (e *Env) answersFind(from sip.Flow) bool {
	if from.Transport.Reliable() {
		return false
	}
	l, ok := e.Names.Toward(from.Transport, from.Remote.Addr(), sip.Flow{})
	return ok && l.Local == from.Local
}

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
	if t, known := e.readToken(back); bound && known {
		if flow.Transport.Reliable() && e.Alive(t.caller) {
			flow, ok = t.caller, true
		}
		flow.Local = t.caller.Local
	}
	if !ok {
		return false
	}
	e.Send(flow, "", e.encode(m, flow))
	return true
}

// backFlow is where a response goes by the Via below ours when there is no connection to go back on: RFC 3261 §18.2.2,
// RFC 3581 §4.
func (e *Env) backFlow(v *sip.ViaValue) (sip.Flow, bool) {
	t, ok := sip.ParseTransport(v.Transport)
	if !ok {
		return sip.Flow{}, false
	}
	host, port := v.ReplyAddr()
	if t.Reliable() {
		port = v.Port // the port of a connection that has gone says nothing
		if port == 0 {
			port = t.DefaultPort()
		}
	}
	u := sip.URI{Scheme: "sip", Host: host}
	addr, numeric := u.Addr()
	f := sip.Flow{Transport: t, Remote: netip.AddrPortFrom(addr, port)}
	if !numeric || addr.IsMulticast() || addr == netip.AddrFrom4([4]byte{255, 255, 255, 255}) {
		return f, false
	}
	f, _, ok = e.source(hop{flow: f}, sip.Flow{})
	return f, ok
}
