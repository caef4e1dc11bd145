package siptest

import (
	"bytes"
	"net/netip"
)

func (n *Network) clear(src, dst netip.AddrPort, b []byte) {
	n.mu.Lock()
	defer n.mu.Unlock()
	now := n.now()
	n.record(Entry{Sent: now, Arrived: now, Src: src, Dst: dst, Kind: Clear, Fate: Delivered, Bytes: bytes.Clone(b)})
}

func (c *conn) script() {
	c.n.mu.Lock()
	defer c.n.mu.Unlock()
	c.scripted = true
}

func (c *conn) peerIsScripted() bool {
	c.n.mu.Lock()
	defer c.n.mu.Unlock()
	return c.peer.scripted
}
