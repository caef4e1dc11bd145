package siptest

import (
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// Options are the settings of a Network. The zero value is a good local network.
type Options struct {
	// Link is how every two hosts are connected unless Network.Link says otherwise.
	Link Link

	// Queue is how many datagrams a socket holds before it loses more, 0 meaning 4096.
	Queue int

	// Window is how many bytes a stream holds for a peer that does not read, 0 meaning 65536. A writer waits
	// once so many are unread or under way.
	Window int
}

// Network is a simulated IP network. All methods may be called from any goroutine. Inside a synctest bubble it
// must have been made there.
//
// One mutex guards all of it. It is a leaf: nothing blocks while it is held.
type Network struct {
	seed  uint64
	opts  Options
	start time.Time

	mu        sync.Mutex
	closed    bool
	byAddr    map[netip.Addr]*Host
	links     map[hostPair]Link
	cuts      map[hostPair]bool
	losses    []*loss
	sockets   map[netip.AddrPort][]*socket
	listeners map[netip.AddrPort]*listener
	conns     map[connKey]*conn
	seen      map[[32]byte]uint64
	held      []*segment
	trace     []*Entry
	names     map[netip.AddrPort]string
	authority *Authority
	agenda    agenda
}

// NewNetwork makes a network whose every decision follows from seed and from what is sent.
func NewNetwork(seed uint64, opts Options) *Network {
	if opts.Queue == 0 {
		opts.Queue = 4096
	}
	if opts.Window == 0 {
		opts.Window = 65536
	}
	return &Network{
		seed:      seed,
		opts:      opts,
		start:     time.Now(),
		byAddr:    map[netip.Addr]*Host{},
		links:     map[hostPair]Link{},
		cuts:      map[hostPair]bool{},
		sockets:   map[netip.AddrPort][]*socket{},
		listeners: map[netip.AddrPort]*listener{},
		conns:     map[connKey]*conn{},
		seen:      map[[32]byte]uint64{},
		names:     map[netip.AddrPort]string{},
		agenda:    agenda{last: -1},
	}
}

// now is the time since the network was made. Entries carry it, so that a trace does not depend on the date.
func (n *Network) now() time.Duration { return time.Since(n.start) }

// Host returns the host with these addresses, and makes it when none of them is known yet. It panics when they
// belong to different hosts.
func (n *Network) Host(addrs ...netip.Addr) *Host {
	n.mu.Lock()
	defer n.mu.Unlock()
	var h *Host
	for _, a := range addrs {
		known := n.byAddr[a]
		if known != nil && h != nil && known != h {
			panic(fmt.Sprintf("siptest: %v are addresses of two hosts", addrs))
		}
		if known != nil {
			h = known
		}
	}
	if h == nil {
		h = &Host{n: n}
	}
	for _, a := range addrs {
		if n.byAddr[a] == nil {
			n.byAddr[a] = h
			h.addrs = append(h.addrs, a)
		}
	}
	return h
}

// Authority issues the certificates of this network. They follow from the seed.
func (n *Network) Authority() *Authority {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.authority == nil {
		n.authority = NewAuthority(n.seed)
	}
	return n.authority
}

// Close closes every socket, listener and connection, and ends all waiting on them. What is under way stays so in
// the trace.
func (n *Network) Close() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.closed = true
	n.agenda.stop()
	for _, group := range n.sockets {
		for _, s := range slices.Clone(group) {
			s.close()
		}
	}
	for _, l := range n.listeners {
		l.close()
	}
	for _, c := range n.conns {
		c.abort()
	}
}

// Open lists the sockets, listeners and connections nobody has closed yet, sorted: what a test forgot.
func (n *Network) Open() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	var open []string
	for addr, group := range n.sockets {
		for range group {
			open = append(open, fmt.Sprintf("udp %v", addr))
		}
	}
	for addr := range n.listeners {
		open = append(open, fmt.Sprintf("tcp %v listening", addr))
	}
	for _, c := range n.conns {
		if !c.closed {
			open = append(open, fmt.Sprintf("tcp %v to %v", c.local, c.remote))
		}
	}
	slices.Sort(open)
	return open
}
