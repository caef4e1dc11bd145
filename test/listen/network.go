package listen

import (
	"bytes"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"github.com/sipscript/sipscript/engine/media"
)

// Network is a simulated one for media alone. Its packets arrive at once, unless Fate says otherwise.
type Network struct {
	// Fate says of each packet how late it arrives; lost, whether it arrives at all. nil: all of them at once.
	Fate func(from, to netip.AddrPort, b []byte) (late time.Duration, lost bool)

	mu      sync.Mutex
	sockets map[netip.AddrPort]*socket
}

// NewNetwork is a network without anybody.
func NewNetwork() *Network { return &Network{sockets: map[netip.AddrPort]*socket{}} }

type socket struct {
	network *Network
	addr    netip.AddrPort
	queue   chan datagram
	closed  chan struct{}
}

type datagram struct {
	from netip.AddrPort
	b    []byte
}

// Open implements media.Net.
func (n *Network) Open(addr netip.AddrPort) (media.Conn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.sockets[addr] != nil {
		return nil, syscall.EADDRINUSE
	}
	s := &socket{network: n, addr: addr, queue: make(chan datagram, 4096), closed: make(chan struct{})}
	n.sockets[addr] = s
	return s, nil
}

// Read implements media.Conn.
func (s *socket) Read(b []byte) (int, netip.AddrPort, error) {
	select {
	case p := <-s.queue:
		return copy(b, p.b), p.from, nil
	case <-s.closed:
		return 0, netip.AddrPort{}, net.ErrClosed
	}
}

// Write implements media.Conn.
func (s *socket) Write(b []byte, to netip.AddrPort) error {
	n := s.network
	n.mu.Lock()
	defer n.mu.Unlock()
	var late time.Duration
	if n.Fate != nil {
		var lost bool
		if late, lost = n.Fate(s.addr, to, b); lost {
			return nil
		}
	}
	p := datagram{s.addr, bytes.Clone(b)}
	if late > 0 {
		time.AfterFunc(late, func() {
			n.mu.Lock()
			defer n.mu.Unlock()
			n.deliver(to, p)
		})
		return nil
	}
	n.deliver(to, p)
	return nil
}

// deliver drops what a socket has no room for, as a kernel does.
func (n *Network) deliver(to netip.AddrPort, p datagram) {
	if other := n.sockets[to]; other != nil {
		select {
		case other.queue <- p:
		default:
		}
	}
}

// Close implements media.Conn.
func (s *socket) Close() error {
	s.network.mu.Lock()
	defer s.network.mu.Unlock()
	close(s.closed)
	delete(s.network.sockets, s.addr)
	return nil
}
