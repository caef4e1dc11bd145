// Package names knows what this server is called: the addresses it listens on, what it advertises instead of them,
// and the domains it serves. Via, Record-Route, loop detection and "is this for us?" all ask here.
package names

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/transport"
)

// Names is immutable once made and may be read from any goroutine.
type Names struct {
	listeners []transport.Listener
	own       []endpoint // every listener, as bound and as advertised; few, so that looking at all is quickest
	domains   map[host]bool
	domain    string // what own addresses mean in an AOR
}

// host is a name in lower case or an address in its one binary form (RFC 5954 §4.2); comparing makes no garbage.
type host struct {
	addr netip.Addr
	name string
}

type endpoint struct {
	host
	port uint16
}

// fallbackDomain stands for the one local domain of a server that was given none.
const fallbackDomain = "localdomain.invalid"

// New makes the names of a server that listens at listeners and serves domains.
func New(listeners []transport.Listener, domains []string) *Names {
	n := &Names{listeners: listeners, domains: map[host]bool{}, domain: fallbackDomain}
	for _, l := range listeners {
		for _, h := range []host{canonical(l.Host), {addr: l.Local.Addr().Unmap()}} {
			n.add(endpoint{h, l.Port})
			n.add(endpoint{h, l.Local.Port()})
		}
	}
	for i, d := range domains {
		n.domains[canonical(d)] = true
		if i == 0 {
			n.domain = strings.ToLower(d)
		}
	}
	return n
}

func (n *Names) add(e endpoint) {
	if !slices.Contains(n.own, e) {
		n.own = append(n.own, e)
	}
}

// hasHost reports whether a listener has this host.
func (n *Names) hasHost(h host) bool {
	return slices.ContainsFunc(n.own, func(e endpoint) bool { return e.host == h })
}

func canonical(s string) host {
	s = strings.TrimSuffix(strings.TrimPrefix(s, "["), "]")
	if len(s) > 0 && (s[0] <= '9' || strings.IndexByte(s, ':') >= 0) {
		if a, err := netip.ParseAddr(s); err == nil {
			return host{addr: a.Unmap()}
		}
	}
	return host{name: strings.ToLower(strings.TrimSuffix(s, "."))}
}

// IsOwn reports whether name and port (0: the default of t) name a listener of ours. It is the test for a Via, a
// Route or a Record-Route, where a port left out means the default port.
func (n *Names) IsOwn(name string, port uint16, t sip.Transport) bool {
	if port == 0 {
		port = t.DefaultPort()
	}
	return slices.Contains(n.own, endpoint{canonical(name), port})
}

// IsOwnURI is IsOwn for the URI of a Route or Record-Route.
func (n *Names) IsOwnURI(u *sip.URI) bool {
	if !u.IsSIP() {
		return false
	}
	if n.domains[canonical(u.Host)] {
		return u.Port == 0 || n.listensAt(u.Port) // an outbound proxy is often given by its domain
	}
	t, ok := u.Transport()
	if !ok {
		t = sip.UDP
	}
	if u.IsSIPS() {
		t = sip.TLS
	}
	return n.IsOwn(u.Host, u.Port, t)
}

func (n *Names) listensAt(port uint16) bool {
	for _, l := range n.listeners {
		if l.Port == port || l.Local.Port() == port {
			return true
		}
	}
	return false
}

// Speaks reports whether there is a listener of this transport.
func (n *Names) Speaks(t sip.Transport) bool {
	for _, l := range n.listeners {
		if l.Transport == t {
			return true
		}
	}
	return false
}

// IsLocal reports whether a request for u is for this server to decide about: its host is a domain we serve, or an
// address of ours with no port or a port of ours.
func (n *Names) IsLocal(u *sip.URI) bool {
	if !u.IsSIP() {
		return false
	}
	h := canonical(u.Host)
	if n.domains[h] {
		return true
	}
	if u.Port == 0 {
		return n.hasHost(h)
	}
	return slices.Contains(n.own, endpoint{h, u.Port})
}

// AOR is the key under which u is registered: u.AOR, but own addresses mean the first of the domains, so that
// sip:bob@192.0.2.1 and sip:bob@example.org are one address of record, and sips names the resource that sip does
// (RFC 5630 §5.2).
func (n *Names) AOR(u *sip.URI) string {
	named := n.domains[canonical(u.Host)] || !n.IsLocal(u)
	if named && !u.IsSIPS() {
		return u.AOR()
	}
	c := *u
	if u.IsSIPS() {
		c.Scheme = "sip"
	}
	if !named {
		c.Host = n.domain
	}
	return c.AOR()
}

// At is the listener that flow came in by, or goes out by.
func (n *Names) At(f sip.Flow) (transport.Listener, bool) {
	for _, l := range n.listeners {
		if l.Transport == f.Transport && l.Local == f.Local {
			return l, true
		}
	}
	// An outgoing connection has a port of its own; what matters is the address.
	for _, l := range n.listeners {
		if l.Transport == f.Transport && l.Local.Addr() == f.Local.Addr() {
			return l, true
		}
	}
	return transport.Listener{}, false
}

// Toward picks the listener that a request to remote leaves by: the transport and address family have to fit;
// among those the one the request came in by, so that a phone hears one address only, unless that would cross
// between the loopback and the network.
func (n *Names) Toward(t sip.Transport, remote netip.Addr, from sip.Flow) (transport.Listener, bool) {
	var best transport.Listener
	bestScore := -1
	for _, l := range n.listeners {
		a := l.Local.Addr()
		if l.Transport != t || a.Is4() != remote.Unmap().Is4() {
			continue
		}
		score := 0
		if a.IsLoopback() == remote.IsLoopback() {
			score += 4
		}
		if a == from.Local.Addr() {
			score += 2
			if l.Local == from.Local {
				score++
			}
		}
		if score > bestScore {
			best, bestScore = l, score
		}
	}
	return best, bestScore >= 0
}

// Domain is what this server calls itself to people: the first of its domains, else its first address.
func (n *Names) Domain() string {
	if n.domain != fallbackDomain || len(n.listeners) == 0 {
		return n.domain
	}
	return n.listeners[0].Host
}

// Listeners are all listeners, in the order they were configured.
func (n *Names) Listeners() []transport.Listener { return n.listeners }

// Write appends how l is written in a Via or Route: host[:port], brackets around IPv6, no default port.
func Write(dst []byte, l transport.Listener) []byte {
	if strings.Contains(l.Host, ":") && !strings.HasPrefix(l.Host, "[") {
		dst = append(dst, '[')
		dst = append(dst, l.Host...)
		dst = append(dst, ']')
	} else {
		dst = append(dst, l.Host...)
	}
	if l.Port != 0 && l.Port != l.Transport.DefaultPort() {
		dst = append(dst, ':')
		dst = strconv.AppendUint(dst, uint64(l.Port), 10)
	}
	return dst
}
