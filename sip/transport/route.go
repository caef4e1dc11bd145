package transport

import (
	"net/netip"

	"github.com/sipscript/sipscript/sip"
)

// Router is what a Net may also be: it knows by which of its addresses the machine reaches another.
type Router interface {
	Route(remote netip.Addr) (local netip.Addr, err error)
}

// ListenerFor returns the listener to send from to an address: of that transport and IP version, never on the loopback
// for an address beyond it, and among several the one at the address the machine's routes choose, else the first. Its
// Local is the Flow's, its Host and Port are what the Via says. Any goroutine.
func (t *Transport) ListenerFor(tr sip.Transport, remote netip.Addr) (Listener, bool) {
	remote = remote.Unmap()
	var fits []Listener
	for _, l := range t.listeners {
		local := l.Local.Addr()
		if l.Transport == tr && local.Is4() == remote.Is4() && (remote.IsLoopback() || !local.IsLoopback()) {
			fits = append(fits, l)
		}
	}
	if len(fits) == 0 {
		return Listener{}, false
	}
	if router, ok := t.cfg.Net.(Router); ok && len(fits) > 1 {
		if local, err := router.Route(remote); err == nil {
			for _, l := range fits {
				if l.Local.Addr() == local {
					return l, true
				}
			}
		}
	}
	return fits[0], true
}
