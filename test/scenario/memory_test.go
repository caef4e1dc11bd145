package scenario

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sipscript/sipscript/engine"
	"github.com/sipscript/sipscript/lua"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/transport"
)

// crowd is a network of one server, and of peers that remember nothing: each message is answered by what stands in it.
type crowd struct {
	mu      sync.Mutex
	arrived sync.Cond
	waiting []transport.Datagram
	closed  bool
	expired bool
	acked   int
	wrong   []string
}

var (
	crowdServer = netip.MustParseAddrPort("192.0.2.1:5060")
	crowdCaller = netip.MustParseAddrPort("192.0.2.10:5060")
	crowdCallee = netip.MustParseAddrPort("192.0.2.20:5060")
)

func newCrowd() *crowd {
	c := &crowd{}
	c.arrived.L = &c.mu
	return c
}

func (c *crowd) ListenPacket(netip.AddrPort, bool) (transport.PacketConn, error) { return c, nil }
func (c *crowd) Listen(netip.AddrPort) (net.Listener, error)                     { return nil, errors.ErrUnsupported }
func (c *crowd) LocalAddrs() ([]netip.Addr, error)                               { return []netip.Addr{crowdServer.Addr()}, nil }
func (c *crowd) LocalAddr() netip.AddrPort                                       { return crowdServer }

func (c *crowd) Dial(context.Context, netip.Addr, netip.AddrPort) (net.Conn, error) {
	return nil, errors.ErrUnsupported
}

func (c *crowd) ReadBatch(ms []transport.Datagram) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.waiting) == 0 && !c.closed && !c.expired {
		c.arrived.Wait()
	}
	switch {
	case c.closed:
		return 0, net.ErrClosed
	case len(c.waiting) == 0:
		return 0, os.ErrDeadlineExceeded
	}
	n := copy(ms, c.waiting)
	c.waiting = append(c.waiting[:0:0], c.waiting[n:]...)
	return n, nil
}

func (c *crowd) WriteBatch(ms []transport.Datagram) (int, error) {
	for _, d := range ms {
		c.take(d)
	}
	return len(ms), nil
}

func (c *crowd) SetReadDeadline(at time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.expired = !at.IsZero() && at.Before(time.Now())
	c.arrived.Broadcast()
	return nil
}

func (c *crowd) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	c.arrived.Broadcast()
	return nil
}

// take is what a peer does with a message.
func (c *crowd) take(d transport.Datagram) {
	m, err := sip.RereadSent([]byte(string(d.Buf)))
	switch {
	case err != nil:
		c.fail(err.Error())
	case m.IsRequest() && m.Method() == sip.ACK:
		c.mu.Lock()
		c.acked++
		c.mu.Unlock()
	case m.IsRequest():
		r := sip.NewResponse(m, 200, "", "callee")
		if m.Method() == sip.INVITE {
			r.Add("Contact", "<sip:bob@"+crowdCallee.String()+">")
			r.SetBody("application/sdp", crowdSDP(crowdCallee))
		}
		c.send(d.Addr, r.String())
	case m.Status() == 200 && m.Method() == sip.INVITE:
		contacts, _ := m.Contacts()
		to, _ := m.Value(sip.To)
		c.send(crowdCaller, crowdRequest("ACK", contacts[0].URI.String(), m.CallID(), to, 1, ""))
	case m.Status() >= 300:
		c.fail(m.String())
	}
}

func (c *crowd) fail(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wrong = append(c.wrong, text)
}

func (c *crowd) send(from netip.AddrPort, text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting = append(c.waiting, transport.Datagram{Buf: []byte(text), Addr: from})
	c.arrived.Broadcast()
}

func crowdSDP(at netip.AddrPort) []byte {
	return fmt.Appendf(nil, "v=0\r\no=- 1 1 IN IP4 %[1]s\r\ns=-\r\nc=IN IP4 %[1]s\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n", at.Addr())
}

func crowdRequest(method, uri, callID, to string, cseq int, sdp string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bK%s%s\r\nMax-Forwards: 70\r\nFrom: <sip:alice@example.org>;tag=a\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %d %s\r\n",
		method, uri, crowdCaller, method, callID, to, callID, cseq, method)
	if sdp != "" {
		fmt.Fprintf(&b, "Contact: <sip:alice@%s>\r\nUser-Agent: %s\r\nContent-Type: application/sdp\r\n", crowdCaller, strings.Repeat("phone ", 50))
	}
	fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n%s", len(sdp), sdp)
	return b.String()
}

// What a call takes between its answer and its end, beside its media: both legs, their dialogs, and what is left of the handler and of the
// transactions. Not parallel, since the heap is everybody's.
func TestAStandingCallIsSmall(t *testing.T) {
	const warm, calls, most = 100, 400, 7000
	if raceDetector {
		t.Skip("the race detector has memory of its own")
	}
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd()
		spec, err := transport.ParseListen("udp:" + crowdServer.String())
		if err != nil {
			t.Fatal(err)
		}
		log := slog.New(slog.DiscardHandler)
		e, err := engine.New(engine.Config{Shards: 1, Fragile: true, Log: log, Listen: []transport.ListenSpec{spec}}, engine.Seams{Net: c, Seed: new([32]byte)})
		if err != nil {
			t.Fatal(err)
		}
		script := `sip.on("INVITE", function(req) req:b2bua("sip:" .. req.uri.user .. "@` + crowdCallee.String() + `") end)`
		h, err := lua.NewHost(lua.Config{Script: "/scripts/main.lua", Engine: e, Files: &file{source: script}, Log: log})
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Start(h); err != nil {
			t.Fatal(err)
		}
		defer func() { h.Stop(); e.Close(); h.Close() }()
		call := func(from, to int) {
			for i := from; i < to; i++ {
				c.send(crowdCaller, crowdRequest("INVITE", "sip:bob@"+crowdServer.String(), fmt.Sprintf("call-%d", i), "<sip:bob@example.org>", 1, string(crowdSDP(crowdCaller))))
				synctest.Wait()
			}
			time.Sleep(time.Second)
			synctest.Wait()
		}
		call(0, warm)
		before := inUse()
		call(warm, warm+calls)
		each := (inUse() - before) / calls
		t.Logf("%d bytes a call", each)
		if len(c.wrong) > 0 || c.acked < warm+calls {
			t.Fatalf("%d calls, %d ACKs to the callee; %q", warm+calls, c.acked, c.wrong)
		}
		if each > most {
			t.Errorf("%d bytes a call, more than %d", each, most)
		}
	})
}

// inUse is how many bytes of the heap are.
func inUse() int {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}
