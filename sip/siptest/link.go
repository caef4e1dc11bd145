package siptest

import (
	"net/netip"
	"time"
)

// Link is how packets get from one host to another.
//
// Datagrams of one socket keep their order, as on a real path, except those that Reorder or Duplicate picks. On a
// stream a loss costs time only: what is lost arrives a retransmission later, and all behind it waits.
type Link struct {
	Delay     time.Duration // one way, 0 meaning 1 ms
	Jitter    time.Duration // up to so much is added to each packet's delay
	Loss      float64       // share of packets lost, 0 to 1
	Duplicate float64       // share of datagrams that arrive twice
	Reorder   float64       // share of datagrams that are held back so that later ones overtake them
	MTU       int           // longest datagram that passes, in bytes, IP and UDP headers not counted; 0 meaning any
}

// hostPair is a direction: from one host to another.
type hostPair struct{ from, to *Host }

// loopback is the way of a host to itself.
func loopback() Link { return Link{Delay: 10 * time.Microsecond} }

// Link sets how packets travel between two hosts, both ways.
func (n *Network) Link(a, b *Host, l Link) {
	n.LinkOneWay(a, b, l)
	n.LinkOneWay(b, a, l)
}

// LinkOneWay sets how packets travel from one host to another. The way back is not touched.
func (n *Network) LinkOneWay(from, to *Host, l Link) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.links[hostPair{from, to}] = l
}

// Partition cuts two hosts off from each other: datagrams sent from now on are lost, streams make no progress. What
// is under way still arrives.
func (n *Network) Partition(a, b *Host) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.cuts[hostPair{a, b}] = true
	n.cuts[hostPair{b, a}] = true
}

// Heal undoes Partition. What streams held back is sent now.
func (n *Network) Heal(a, b *Host) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.cuts, hostPair{a, b})
	delete(n.cuts, hostPair{b, a})
	held := n.held
	n.held = nil
	for _, s := range held {
		if n.cut(s.entry.Src.Addr(), s.entry.Dst.Addr()) {
			n.held = append(n.held, s)
			continue
		}
		s.from.fly(s)
	}
}

// Break resets all streams between two hosts, as a firewall on the way can: both ends find out now.
func (n *Network) Break(a, b *Host) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, c := range n.conns {
		from, to := n.byAddr[c.local.Addr()], n.byAddr[c.remote.Addr()]
		if c.peer != nil && (from == a && to == b || from == b && to == a) {
			c.breakOff()
		}
	}
}

// link is what the settings say about the way from src to dst.
func (n *Network) link(src, dst netip.Addr) Link {
	from, to := n.byAddr[src], n.byAddr[dst]
	l, ok := n.links[hostPair{from, to}]
	if !ok {
		l = n.opts.Link
		if from == to {
			l = loopback()
		}
	}
	if l.Delay == 0 {
		l.Delay = time.Millisecond
	}
	return l
}

func (n *Network) cut(src, dst netip.Addr) bool {
	return n.cuts[hostPair{n.byAddr[src], n.byAddr[dst]}]
}
