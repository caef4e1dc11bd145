package proxy

import (
	"github.com/sipscript/sipscript/engine/names"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/transport"
)

// recordRoute adds our Record-Route, RFC 3261 §16.6(4). Where the request leaves by another transport, address or
// family than it came by, each side gets a value it can reach: the receiving side's first, the sending side's on
// top of it (RFC 5658 §5). Then no value has to be rewritten in the responses.
func (c *Context) recordRoute(m *sip.Message, out transport.Listener, t *Target) {
	in, ok := c.env.Names.At(c.from)
	if !ok {
		in = out
	}
	var room [96]byte
	user := c.env.appendToken(room[:0], c.token(m, t))
	sips := secured(m)
	if in != out {
		m.Prepend("Record-Route", recordRouteValue(in, user, sips))
	}
	m.Prepend("Record-Route", recordRouteValue(out, user, sips))
}

// secured reports whether the dialog is to be a SIPS one: the request URI or the top Route says so.
func secured(m *sip.Message) bool {
	if uri, err := m.URI(); err == nil && uri.IsSIPS() {
		return true
	}
	if !m.Has(sip.Route) {
		return false
	}
	top, err := topRoute(m)
	return err == nil && top.URI.IsSIPS()
}

// recordRouteValue is how one side reaches listener l. Over TLS a sip URI says transport=tls: that is deprecated
// (RFC 5630 §3.1.4), but a sips Route in a dialog of sip URIs is refused by phones, baresip among them, and without
// either they would come over UDP.
func recordRouteValue(l transport.Listener, user []byte, sips bool) string {
	var room [160]byte
	b := append(room[:0], '<')
	if sips && l.Transport.Secure() {
		b = append(b, "sips:"...)
	} else {
		b = append(b, "sip:"...)
	}
	if len(user) > 0 {
		b = append(append(b, user...), '@')
	}
	b = names.Write(b, l)
	switch {
	case l.Transport == sip.TCP:
		b = append(b, ";transport=tcp"...)
	case l.Transport.Secure() && !sips:
		b = append(b, ";transport=tls"...)
	}
	return string(append(b, ";lr>"...))
}

// token says by which flows the two sides have to be reached because their Contact would not do.
func (c *Context) token(m *sip.Message, t *Target) token {
	tk := token{tag: c.env.tagHash(m.FromTag())}
	if c.adjacent(m) && c.env.needsFlow(m, c.from) {
		tk.caller = c.from
	}
	if t != nil && len(t.Path) == 0 && t.Flow != (sip.Flow{}) {
		if uri, err := sip.ParseURI(t.URI); err != nil || !reaches(&uri, t.Flow) {
			tk.callee = t.Flow
		}
	}
	return tk
}

// adjacent reports whether the request came from its user agent without a proxy between.
func (c *Context) adjacent(m *sip.Message) bool {
	n := 0
	for range m.List(sip.Via) {
		n++
	}
	return n == 1 && !m.Has(sip.RecordRoute)
}

// needsFlow reports whether the sender cannot be reached by its Contact.
func (e *Env) needsFlow(m *sip.Message, from sip.Flow) bool {
	return m.Has(sip.Contact) && BehindNAT(m, from)
}

// BehindNAT reports whether who sent m, without a proxy between, can be reached only by the flow it came by: it holds
// a connection, whose Contact names a port nobody listens on, or the address it gives in its Via is not the one it is
// seen at.
func BehindNAT(m *sip.Message, from sip.Flow) bool {
	if from.Transport.Reliable() {
		return true
	}
	v, err := m.Via()
	if err != nil {
		return false
	}
	host := sip.URI{Scheme: "sip", Host: v.Host}
	a, numeric := host.Addr()
	port := v.Port
	if port == 0 {
		port = sip.UDP.DefaultPort()
	}
	return !numeric || a != from.Remote.Addr() || port != from.Remote.Port()
}

// reaches reports whether a request to u would arrive at the far end of flow by itself.
func reaches(u *sip.URI, flow sip.Flow) bool {
	if flow.Transport.Reliable() {
		return false // the phone holds the connection; its Contact names a port nobody listens on, or a NAT
	}
	a, numeric := u.Addr()
	port := u.Port
	if port == 0 {
		port = sip.UDP.DefaultPort()
	}
	return numeric && a == flow.Remote.Addr() && port == flow.Remote.Port()
}
