package siptest

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"syscall"
	"time"

	"github.com/sipscript/sipscript/sip/transport"
)

// Host is one machine of the network. It is the transport.Net of the program that runs on it.
type Host struct {
	n     *Network
	addrs []netip.Addr
}

var _ transport.Net = (*Host)(nil)

// Addr is the host's first address.
func (h *Host) Addr() netip.Addr { return h.addrs[0] }

// LocalAddrs implements transport.Net.
func (h *Host) LocalAddrs() ([]netip.Addr, error) {
	h.n.mu.Lock()
	defer h.n.mu.Unlock()
	return slices.Clone(h.addrs), nil
}

// ListenPacket implements transport.Net. Of sockets that share an address the one that gets a datagram is picked by
// its source.
func (h *Host) ListenPacket(addr netip.AddrPort, shared bool) (transport.PacketConn, error) {
	n := h.n
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := h.bindable(addr); err != nil {
		return nil, &net.OpError{Op: "listen", Net: "udp", Addr: net.UDPAddrFromAddrPort(addr), Err: err}
	}
	if addr.Port() == 0 {
		addr = n.freePort(addr.Addr(), func(a netip.AddrPort) bool { return n.sockets[a] != nil })
	}
	group := n.sockets[addr]
	if len(group) > 0 && !shared {
		return nil, &net.OpError{Op: "listen", Net: "udp", Addr: net.UDPAddrFromAddrPort(addr), Err: syscall.EADDRINUSE}
	}
	s := &socket{n: n, addr: addr, latest: map[netip.AddrPort]time.Duration{}}
	n.sockets[addr] = append(group, s)
	return s, nil
}

// Listen implements transport.Net.
func (h *Host) Listen(addr netip.AddrPort) (net.Listener, error) {
	n := h.n
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := h.bindable(addr); err != nil {
		return nil, &net.OpError{Op: "listen", Net: "tcp", Addr: net.TCPAddrFromAddrPort(addr), Err: err}
	}
	if addr.Port() == 0 {
		addr = n.freePort(addr.Addr(), func(a netip.AddrPort) bool { return n.listeners[a] != nil })
	}
	if n.listeners[addr] != nil {
		return nil, &net.OpError{Op: "listen", Net: "tcp", Addr: net.TCPAddrFromAddrPort(addr), Err: syscall.EADDRINUSE}
	}
	l := &listener{n: n, addr: addr}
	n.listeners[addr] = l
	return l, nil
}

// Dial implements transport.Net. Nobody at the address, or a partition: it waits for ctx, at most the 127 s after
// which Linux gives up too. Nobody at the port: connection refused, one round trip later.
func (h *Host) Dial(ctx context.Context, local netip.Addr, remote netip.AddrPort) (net.Conn, error) {
	c, err := h.dial(local, remote)
	if err == nil {
		err = c.connect(ctx)
	}
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Addr: net.TCPAddrFromAddrPort(remote), Err: err}
	}
	return c, nil
}

func (h *Host) dial(local netip.Addr, remote netip.AddrPort) (*conn, error) {
	n := h.n
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return nil, ErrClosed
	}
	if !local.IsValid() {
		i := slices.IndexFunc(h.addrs, func(a netip.Addr) bool { return a.Is4() == remote.Addr().Is4() })
		if i < 0 {
			return nil, fmt.Errorf("%w: none of the family of %v", ErrNotLocal, remote)
		}
		local = h.addrs[i]
	}
	if !slices.Contains(h.addrs, local) {
		return nil, fmt.Errorf("%w: %v", ErrNotLocal, local)
	}
	c := n.newConn(n.ephemeral(local, remote), remote)
	c.emit(Open, nil)
	return c, nil
}

func (h *Host) bindable(addr netip.AddrPort) error {
	if h.n.closed {
		return ErrClosed
	}
	if !slices.Contains(h.addrs, addr.Addr()) {
		return fmt.Errorf("%w: %v", ErrNotLocal, addr.Addr())
	}
	return nil
}

// The ports a system picks from (RFC 6335 §6).
const firstEphemeral, ephemeralPorts = 49152, 16384

// ephemeral picks the local port of a connection. It follows from the two ends, so that hosts that dial in one
// instant get the same ports in every run.
func (n *Network) ephemeral(local netip.Addr, remote netip.AddrPort) netip.AddrPort {
	d := n.roll(Open, netip.AddrPortFrom(local, 0), remote, 0, nil)
	for p := d.Uint64N(ephemeralPorts); ; p++ {
		a := netip.AddrPortFrom(local, uint16(firstEphemeral+p%ephemeralPorts))
		if n.conns[connKey{a, remote}] == nil {
			return a
		}
	}
}

func (n *Network) freePort(local netip.Addr, taken func(netip.AddrPort) bool) netip.AddrPort {
	for p := uint16(firstEphemeral); ; p++ {
		if a := netip.AddrPortFrom(local, p); !taken(a) {
			return a
		}
	}
}
