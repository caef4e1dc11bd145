package transport

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/sipscript/sipscript/sip"
)

// connections is the table of open stream connections. Its lock is a leaf: nothing is called while it is held.
type connections struct {
	limits Limits
	last   atomic.Uint64 // connection numbers are never used again, so that a stale flow cannot reach a stranger

	mu       sync.RWMutex
	closed   bool
	byNumber map[uint64]*connection
	// outgoing holds what this server opened. What peers opened is reached by its number only: that a connection
	// came from an IP address and port says nothing about who may be reached there (RFC 5923 §8.2).
	outgoing  map[outgoingKey]*connection
	perSource map[netip.Addr]int // accepted ones
}

// outgoingKey is what a connection must agree in to be used again. serverName is "" but for TLS, where the peer was
// verified for this name and no other.
type outgoingKey struct {
	transport  sip.Transport
	local      netip.Addr
	remote     netip.AddrPort
	serverName string
}

func (t *connections) init(limits Limits) {
	t.limits = limits
	t.byNumber = make(map[uint64]*connection)
	t.outgoing = make(map[outgoingKey]*connection)
	t.perSource = make(map[netip.Addr]int)
}

func (t *connections) get(number uint64) *connection {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.byNumber[number]
}

// accepted enters a connection a peer opened, within the limits.
func (t *connections) accepted(c *connection) error {
	source := c.flow.Remote.Addr()
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.closed:
		return ErrConnectionGone
	case len(t.byNumber) >= t.limits.Connections:
		return ErrTooManyConnections
	case t.perSource[source] >= t.limits.PerSource.Connections:
		return ErrSourceConnections
	}
	c.flow.Conn = t.last.Add(1)
	t.perSource[source]++
	t.byNumber[c.flow.Conn] = c
	return nil
}

// reuse returns the connection opened for key, made by dial when there is none.
func (t *connections) reuse(key outgoingKey, dial func() *connection) (*connection, error) {
	t.mu.RLock()
	c := t.outgoing[key]
	t.mu.RUnlock()
	if c != nil {
		return c, nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if c := t.outgoing[key]; c != nil {
		return c, nil
	}
	if t.closed {
		return nil, ErrConnectionGone
	}
	if len(t.byNumber) >= t.limits.Connections {
		return nil, ErrTooManyConnections
	}
	c = dial()
	c.flow.Conn = t.last.Add(1)
	t.outgoing[key] = c
	t.byNumber[c.flow.Conn] = c
	return c, nil
}

func (t *connections) remove(c *connection) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.byNumber[c.flow.Conn] != c {
		return
	}
	delete(t.byNumber, c.flow.Conn)
	if c.ours() {
		t.unlist(c)
		return
	}
	source := c.flow.Remote.Addr()
	if t.perSource[source]--; t.perSource[source] == 0 {
		delete(t.perSource, source)
	}
}

// retire keeps a connection from being used again.
func (t *connections) retire(c *connection) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.unlist(c)
}

func (t *connections) unlist(c *connection) {
	if t.outgoing[c.key] == c {
		delete(t.outgoing, c.key)
	}
}

func (t *connections) stopReading() {
	for _, c := range t.all(false) {
		c.stopReading()
	}
}

func (t *connections) closeAll() {
	for _, c := range t.all(true) {
		c.end(ErrConnectionGone)
	}
}

// all lists the open connections, oldest first; with last set, no other is entered from then on.
func (t *connections) all(last bool) []*connection {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = t.closed || last
	return slices.SortedFunc(maps.Values(t.byNumber), func(a, b *connection) int {
		return cmp.Compare(a.flow.Conn, b.flow.Conn)
	})
}
