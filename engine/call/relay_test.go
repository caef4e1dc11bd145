package call_test

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sipscript/sipscript/engine/media"
)

// quiet is a network for media in which nobody says anything. It knows what is open.
type quiet struct {
	mu   sync.Mutex
	open map[netip.AddrPort]chan struct{}
}

// relayOf is the relay of this server over a quiet network.
func relayOf(t *testing.T) (*media.Relay, *quiet) {
	q := &quiet{open: map[netip.AddrPort]chan struct{}{}}
	r, err := media.New(media.Config{
		Interfaces: []media.Interface{{Address: netip.MustParseAddr("192.0.2.1")}}, Net: q, Timeout: -1, Random: zeros{},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Stop)
	return r, q
}

// zeros is a source of randomness that is the same in every run.
type zeros struct{}

// Read implements io.Reader.
func (zeros) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(i * 37)
	}
	return len(b), nil
}

// Open implements media.Net.
func (q *quiet) Open(addr netip.AddrPort) (media.Conn, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.open[addr] != nil {
		return nil, fmt.Errorf("%s is open", addr)
	}
	q.open[addr] = make(chan struct{})
	return &mute{q, addr, q.open[addr]}, nil
}

func (q *quiet) left() []string {
	time.Sleep(5 * time.Second) // ports rest
	q.mu.Lock()
	defer q.mu.Unlock()
	var list []string
	for addr := range q.open {
		list = append(list, "port "+addr.String())
	}
	slices.Sort(list)
	return list
}

// mute is a socket of it.
type mute struct {
	q      *quiet
	addr   netip.AddrPort
	closed chan struct{}
}

// Read implements media.Conn.
func (m *mute) Read([]byte) (int, netip.AddrPort, error) {
	<-m.closed
	return 0, netip.AddrPort{}, net.ErrClosed
}

// Write implements media.Conn.
func (m *mute) Write([]byte, netip.AddrPort) error { return nil }

// Close implements media.Conn.
func (m *mute) Close() error {
	m.q.mu.Lock()
	defer m.q.mu.Unlock()
	if m.q.open[m.addr] == m.closed {
		delete(m.q.open, m.addr)
		close(m.closed)
	}
	return nil
}
