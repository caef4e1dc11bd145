package proxy

import (
	"context"
	"net/netip"
	"strings"

	"github.com/sipscript/sipscript/engine/names"
	"github.com/sipscript/sipscript/engine/shard"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/transport"
)

// nextHop is where a request goes before a name has been looked up.
type nextHop struct {
	flow      sip.Flow // a flow that is to be used as it is; zero: by what follows
	transport sip.Transport
	host      string // to be looked up, unless addr is known
	name      string // whom the certificate has to name, TLS
	addr      netip.Addr
	numeric   bool
	port      uint16
}

// immediate reports whether its address is known.
func (n nextHop) immediate() bool { return n.numeric || n.flow != (sip.Flow{}) }

// hop is one address to try.
type hop struct {
	flow       sip.Flow // Local is not set where any listener will do
	serverName string   // whom the certificate has to name, TLS
}

func (n nextHop) hop(a netip.Addr) hop {
	if n.flow != (sip.Flow{}) {
		return hop{flow: n.flow}
	}
	h := hop{flow: sip.Flow{Transport: n.transport, Remote: netip.AddrPortFrom(a, n.port)}}
	if n.transport.Secure() {
		h.serverName = n.name
	}
	return h
}

// nextHop decides where m goes, RFC 3261 §16.6(6,7): by the flow it is bound to, else by the top Route, else by the
// request URI. A Route without lr is a strict router: it takes the request URI's place. edited says that a script has
// changed the request URI of this branch: then it goes where that says.
func (c *Context) nextHop(m *sip.Message, t *Target, edited bool) (nextHop, *answer) {
	text := t.URI // a sips contact keeps its scheme here though the request URI may not have it
	if edited {
		text = ""
	}
	if !m.Has(sip.Route) {
		if t.Flow != (sip.Flow{}) && (!edited || samePlace(m, t.URI)) {
			return nextHop{flow: t.Flow}, nil
		}
		if t.URI == "" && c.routing.Flow != (sip.Flow{}) {
			return nextHop{flow: c.routing.Flow}, nil
		}
	}
	n, code := c.env.nextHop(m, text)
	if code != 0 {
		return n, &answer{code: code}
	}
	switch uri, err := m.URI(); {
	case err != nil:
		return n, &answer{code: 400}
	case uri.IsSIPS() && !n.transport.Secure():
		return n, c.refuse(sipsNotAllowed)
	case !uri.IsSIPS() && strings.HasPrefix(text, "sips:") && !c.env.Names.Speaks(sip.TLS):
		return n, c.refuse(sipsRequired)
	}
	return n, nil
}

// samePlace reports whether the request URI of m names the host, port and transport that text does.
func samePlace(m *sip.Message, text string) bool {
	a, err := m.URI()
	b, err2 := sip.ParseURI(text)
	if err != nil || err2 != nil {
		return false
	}
	x, code := hopOf(a)
	y, code2 := hopOf(&b)
	return code == 0 && code2 == 0 && strings.EqualFold(x.host, y.host) && x.addr == y.addr && x.port == y.port && x.transport == y.transport
}

// nextHop finds the next hop of m by its Route, else by the URI text, else by its request URI. It returns the status
// to answer with when there is none.
func (e *Env) nextHop(m *sip.Message, text string) (nextHop, int) {
	if m.Has(sip.Route) {
		first, err := topRoute(m)
		if err != nil {
			return nextHop{}, 400
		}
		top := first.URI
		if !top.LooseRoute() {
			// The strict router gets itself as request URI, and the target as the last Route.
			m.Add("Route", "<"+m.URIText()+">")
			m.RemoveTop(sip.Route)
			top.Headers = ""
			top.Params = top.Params.Without("method")
			m.SetURI(top.String())
		}
		return hopOf(&top)
	}
	if text != "" {
		uri, err := sip.ParseURI(text)
		if err != nil {
			return nextHop{}, 400
		}
		return hopOf(&uri)
	}
	uri, err := m.URI()
	if err != nil {
		return nextHop{}, 400
	}
	return hopOf(uri)
}

// hopOf reads a URI as an address, RFC 3263 §4.1 and §4.2 without NAPTR and SRV.
func hopOf(u *sip.URI) (nextHop, int) {
	if !u.IsSIP() {
		return nextHop{}, 416
	}
	n := nextHop{transport: sip.UDP, port: u.Port}
	if t, ok := u.Transport(); ok {
		n.transport = t
	} else if u.Params.Has("transport") {
		return nextHop{}, 480 // one we do not speak
	}
	if u.IsSIPS() {
		n.transport = sip.TLS
	}
	at := sip.URI{Scheme: "sip", Host: u.Host}
	if maddr, ok := u.Params.Get("maddr"); ok {
		at.Host = maddr
	}
	n.addr, n.numeric = at.Addr()
	// Whoever looks a name up or makes a connection outlives the message that the URI may be a part of.
	if !n.numeric {
		n.host = strings.Clone(at.Host)
	}
	if n.transport.Secure() {
		n.name = strings.Clone(u.Host)
	}
	if n.port == 0 {
		n.port = n.transport.DefaultPort()
	}
	return n, 0
}

// lookUp resolves the host of n off the shard. found is called on the shard while scope lives.
func (e *Env) lookUp(scope *shard.Scope, n nextHop, found func([]hop, error)) error {
	return e.Loop.Go(scope, e.Resolves, func(ctx context.Context) shard.Outcome {
		addrs, err := e.Resolver.Addresses(ctx, n.host)
		hops := make([]hop, 0, len(addrs))
		for _, a := range addrs {
			hops = append(hops, n.hop(a))
		}
		return shard.Outcome{Deliver: func() { found(hops, err) }}
	})
}

// source completes the flow of h: which of our addresses it leaves by.
func (e *Env) source(h hop, from sip.Flow) (sip.Flow, transport.Listener, bool) {
	if h.flow.Local.IsValid() {
		l, ok := e.Names.At(h.flow)
		return h.flow, l, ok
	}
	l, ok := e.Names.Toward(h.flow.Transport, h.flow.Remote.Addr(), from)
	h.flow.Local = l.Local
	return h.flow, l, ok
}

// via is a Via value of ours, and the branch in it.
func via(l transport.Listener, kind byte, unique, loop uint64) (value, branch string) {
	var room [160]byte
	b := append(room[:0], "SIP/2.0/"...)
	b = append(b, l.Transport.String()...)
	b = append(b, ' ')
	b = names.Write(b, l)
	b = append(b, ";branch="...)
	at := len(b)
	value = string(appendMark(b, kind, unique, loop))
	return value, value[at:]
}
