package scenario

import (
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/sipscript/sipscript/sip/siptest"
	"github.com/sipscript/sipscript/sip/transport"
)

// peer is an address that sends datagrams to the server as they are and keeps what comes back, however malformed.
type peer struct {
	t      testing.TB
	conn   transport.PacketConn
	server netip.AddrPort
	ended  sync.WaitGroup

	mu   sync.Mutex // a leaf
	came []string
}

func newPeer(t testing.TB, s *siptest.Scene, addr string) *peer {
	t.Helper()
	at := netip.MustParseAddrPort(addr)
	conn, err := s.Net.Host(at.Addr()).ListenPacket(at, false)
	if err != nil {
		t.Fatal(err)
	}
	p := &peer{t: t, conn: conn, server: netip.MustParseAddrPort(s.Server)}
	p.ended.Go(p.read)
	t.Cleanup(func() { _ = conn.Close(); p.ended.Wait() })
	return p
}

func (p *peer) read() {
	ms := make([]transport.Datagram, 16)
	for {
		n, err := p.conn.ReadBatch(ms)
		if err != nil {
			return
		}
		p.mu.Lock()
		for _, m := range ms[:n] {
			if m.Err == nil {
				p.came = append(p.came, string(m.Buf))
			}
		}
		p.mu.Unlock()
	}
}

func (p *peer) send(text string) {
	if _, err := p.conn.WriteBatch([]transport.Datagram{{Buf: []byte(text), Addr: p.server}}); err != nil {
		p.t.Errorf("send: %v", err)
	}
}

// answers takes the responses that have come, in order.
func (p *peer) answers() (all []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range p.came {
		if strings.HasPrefix(m, "SIP/2.0 ") {
			all = append(all, m)
		}
	}
	p.came = nil
	return all
}
