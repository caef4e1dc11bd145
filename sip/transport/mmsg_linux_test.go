package transport

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// These tests use real sockets on the loopback: what they are about is what the kernel does.

func listenPacket(t testing.TB, addr string) *mmsgConn {
	t.Helper()
	return joinPacket(t, netip.MustParseAddrPort(addr), false)
}

func joinPacket(t testing.TB, addr netip.AddrPort, shared bool) *mmsgConn {
	t.Helper()
	c, err := Real().ListenPacket(addr, shared)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetReadDeadline(time.Now().Add(20 * time.Second)) // so that a failing test ends
	return c.(*mmsgConn)
}

// receiveN reads until n datagrams came and returns copies, the way the transport reads.
func receiveN(t testing.TB, c *mmsgConn, n int) []Datagram {
	t.Helper()
	var got []Datagram
	ms := make([]Datagram, readBatch)
	for len(got) < n {
		err := c.ReadBatches(ms, func(k int) {
			for _, m := range ms[:k] {
				m.Buf = bytes.Clone(m.Buf)
				got = append(got, m)
			}
			if len(got) >= n {
				c.SetReadDeadline(time.Now())
			}
		})
		if len(got) < n {
			t.Fatalf("after %d of %d datagrams: %v", len(got), n, err)
		}
	}
	c.SetReadDeadline(time.Now().Add(20 * time.Second))
	return got
}

func TestBatchesArriveWholeAndInOrder(t *testing.T) {
	t.Parallel()
	for _, addr := range []string{"127.0.0.1:0", "[::1]:0"} {
		t.Run(addr, func(t *testing.T) {
			t.Parallel()
			a, b := listenPacket(t, addr), listenPacket(t, addr)
			var ms []Datagram
			for i := range 3*readBatch + 5 { // more than one system call takes
				ms = append(ms, Datagram{Buf: fmt.Appendf(nil, "message %d", i), Addr: b.LocalAddr()})
			}
			if n, err := a.WriteBatch(ms); n != len(ms) || err != nil {
				t.Fatalf("WriteBatch: %d of %d, %v", n, len(ms), err)
			}
			for i, got := range receiveN(t, b, len(ms)) {
				if !bytes.Equal(got.Buf, ms[i].Buf) || got.Addr != a.LocalAddr() || got.Err != nil {
					t.Fatalf("datagram %d is %q from %v, %v", i, got.Buf, got.Addr, got.Err)
				}
			}
		})
	}
}

func TestB009LongestDatagramArrivesUncut(t *testing.T) {
	t.Parallel()
	a, b := listenPacket(t, "127.0.0.1:0"), listenPacket(t, "127.0.0.1:0")
	long := bytes.Repeat([]byte("x"), 65507)
	if n, err := a.WriteBatch([]Datagram{{Buf: long, Addr: b.LocalAddr()}}); n != 1 || err != nil {
		t.Fatalf("WriteBatch: %d, %v", n, err)
	}
	if got := receiveN(t, b, 1); !bytes.Equal(got[0].Buf, long) {
		t.Fatalf("%d bytes arrived", len(got[0].Buf))
	}
}

// TestNothingIsLostBetweenReads sends one by one, each when the one before may just have been read: what comes between a
// read and the wait after it must not stay behind.
func TestNothingIsLostBetweenReads(t *testing.T) {
	t.Parallel()
	a, b := listenPacket(t, "127.0.0.1:0"), listenPacket(t, "127.0.0.1:0")
	const n, ahead = 20_000, 2
	room := make(chan struct{}, ahead) // so few are on their way that no buffer is ever full
	go func() {
		for i := range n {
			room <- struct{}{}
			a.WriteBatch([]Datagram{{Buf: fmt.Appendf(nil, "%d", i), Addr: b.LocalAddr()}})
		}
	}()
	ms := make([]Datagram, readBatch)
	got := 0
	err := b.ReadBatches(ms, func(k int) {
		for _, m := range ms[:k] {
			if string(m.Buf) != strconv.Itoa(got) {
				t.Errorf("datagram %d is %q", got, m.Buf)
			}
			got++
			<-room
		}
		if got == n {
			b.SetReadDeadline(time.Now())
		}
	})
	if got != n {
		t.Errorf("%d of %d came: %v", got, n, err)
	}
}

func TestTooLongDatagramIsRefusedAndTheRestGoesOn(t *testing.T) {
	t.Parallel()
	a, b := listenPacket(t, "127.0.0.1:0"), listenPacket(t, "127.0.0.1:0")
	ms := []Datagram{
		{Buf: []byte("first"), Addr: b.LocalAddr()},
		{Buf: make([]byte, 65508), Addr: b.LocalAddr()},
		{Buf: []byte("last"), Addr: b.LocalAddr()},
	}
	n, err := a.WriteBatch(ms)
	if n != 1 || !errors.Is(err, unix.EMSGSIZE) {
		t.Fatalf("WriteBatch: %d, %v", n, err)
	}
	if n, err = a.WriteBatch(ms[2:]); n != 1 || err != nil {
		t.Fatalf("WriteBatch of the rest: %d, %v", n, err)
	}
	got := receiveN(t, b, 2)
	if string(got[0].Buf) != "first" || string(got[1].Buf) != "last" {
		t.Fatalf("got %q, %q", got[0].Buf, got[1].Buf)
	}
}

// nobodyAt is an address at which nobody listens: port 1 (tcpmux) is never handed out by the system.
func nobodyAt(ip string) netip.AddrPort { return netip.AddrPortFrom(netip.MustParseAddr(ip), 1) }

func TestPortUnreachableReturnsTheDatagram(t *testing.T) {
	t.Parallel()
	for _, ip := range []string{"127.0.0.1", "::1"} {
		t.Run(ip, func(t *testing.T) {
			t.Parallel()
			c := listenPacket(t, netip.AddrPortFrom(netip.MustParseAddr(ip), 0).String())
			nobody := nobodyAt(ip)
			if n, err := c.WriteBatch([]Datagram{{Buf: []byte("to nobody"), Addr: nobody}}); n != 1 || err != nil {
				t.Fatalf("WriteBatch: %d, %v", n, err)
			}
			got := receiveN(t, c, 1)[0]
			if !errors.Is(got.Err, syscall.ECONNREFUSED) || got.Addr != nobody || string(got.Buf) != "to nobody" {
				t.Fatalf("got %q from %v: %v", got.Buf, got.Addr, got.Err)
			}
		})
	}
}

func TestPortUnreachableWakesAWaitingReader(t *testing.T) {
	t.Parallel()
	c := listenPacket(t, "127.0.0.1:0")
	nobody := nobodyAt("127.0.0.1")
	got := make(chan Datagram)
	go func() {
		ms := make([]Datagram, readBatch)
		if n, err := c.ReadBatch(ms); n != 1 || err != nil {
			t.Errorf("ReadBatch: %d, %v", n, err)
		}
		got <- ms[0]
	}()
	if _, err := c.WriteBatch([]Datagram{{Buf: []byte("to nobody"), Addr: nobody}}); err != nil {
		t.Fatal(err)
	}
	if d := <-got; !errors.Is(d.Err, syscall.ECONNREFUSED) {
		t.Fatalf("got %q: %v", d.Buf, d.Err)
	}
}

// An ICMP error is reported by the next send, which has then sent nothing.
func TestErrorOfAnEarlierDatagramFailsNoOther(t *testing.T) {
	t.Parallel()
	a, b := listenPacket(t, "127.0.0.1:0"), listenPacket(t, "127.0.0.1:0")
	nobody := nobodyAt("127.0.0.1")
	for range 20 {
		ms := []Datagram{{Buf: []byte("to nobody"), Addr: nobody}, {Buf: []byte("to b"), Addr: b.LocalAddr()}}
		if n, err := a.WriteBatch(ms); n != 2 || err != nil {
			t.Fatalf("WriteBatch: %d, %v", n, err)
		}
	}
	for _, d := range receiveN(t, b, 20) {
		if string(d.Buf) != "to b" {
			t.Fatalf("got %q", d.Buf)
		}
	}
	for _, d := range receiveN(t, a, 1) {
		if d.Err == nil || d.Addr != nobody || string(d.Buf) != "to nobody" {
			t.Fatalf("got %q from %v: %v", d.Buf, d.Addr, d.Err)
		}
	}
}

func TestAddressIsExclusiveAndThenShared(t *testing.T) {
	t.Parallel()
	first := listenPacket(t, "127.0.0.1:0")
	if c, err := Real().ListenPacket(first.LocalAddr(), false); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("a second server got the address: %v, %v", c, err)
	}
	second := joinPacket(t, first.LocalAddr(), true)
	if c, err := Real().ListenPacket(first.LocalAddr(), false); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("a second server got the shared address: %v, %v", c, err)
	}

	// Among many sources both sockets get some, and between them they get all.
	const sources = 64
	for i := range sources {
		c := listenPacket(t, "127.0.0.1:0")
		if n, err := c.WriteBatch([]Datagram{{Buf: []byte{byte(i)}, Addr: first.LocalAddr()}}); n != 1 || err != nil {
			t.Fatalf("WriteBatch: %d, %v", n, err)
		}
	}
	type received struct {
		by *mmsgConn
		n  int
	}
	arrived := make(chan received, sources)
	for _, c := range []*mmsgConn{first, second} {
		go func() {
			ms := make([]Datagram, readBatch)
			for {
				n, err := c.ReadBatch(ms)
				if err != nil {
					return // closed with the test
				}
				arrived <- received{c, n}
			}
		}()
	}
	got := map[*mmsgConn]int{}
	for got[first]+got[second] < sources {
		select {
		case r := <-arrived:
			got[r.by] += r.n
		case <-time.After(20 * time.Second):
			t.Fatalf("%d and %d of %d datagrams", got[first], got[second], sources)
		}
	}
	if got[first] == 0 || got[second] == 0 || got[first]+got[second] != sources {
		t.Errorf("%d and %d of %d datagrams", got[first], got[second], sources)
	}
}

func TestCloseAndDeadlineEndAWaitingRead(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]struct {
		do   func(c *mmsgConn)
		want error
	}{
		"close":    {func(c *mmsgConn) { c.Close() }, net.ErrClosed},
		"deadline": {func(c *mmsgConn) { c.SetReadDeadline(time.Unix(1, 0)) }, os.ErrDeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := listenPacket(t, "127.0.0.1:0")
			done := make(chan error)
			go func() {
				_, err := c.ReadBatch(make([]Datagram, readBatch))
				done <- err
			}()
			end.do(c)
			if err := <-done; !errors.Is(err, end.want) {
				t.Errorf("ReadBatch: %v", err)
			}
		})
	}
}

func TestReadAndWriteBatchDoNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	a, b := listenPacket(t, "127.0.0.1:0"), listenPacket(t, "127.0.0.1:0")
	out, in := make([]Datagram, 8), make([]Datagram, readBatch)
	for i := range out {
		out[i] = Datagram{Buf: make([]byte, 800), Addr: b.LocalAddr()}
	}
	allocs := testing.AllocsPerRun(200, func() {
		if n, err := a.WriteBatch(out); n != len(out) || err != nil {
			t.Fatalf("WriteBatch: %d, %v", n, err)
		}
		for got := 0; got < len(out); {
			n, err := b.ReadBatch(in)
			if err != nil {
				t.Fatal(err)
			}
			got += n
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations for 8 datagrams sent and received", allocs)
	}
}

func TestICMPErrorsThatEndATransaction(t *testing.T) {
	t.Parallel()
	const icmp, icmp6 = unix.SO_EE_ORIGIN_ICMP, unix.SO_EE_ORIGIN_ICMP6
	for _, test := range []struct {
		what              string
		origin, typ, code uint8
		want              bool
	}{
		{"network unreachable", icmp, 3, 0, true},
		{"host unreachable", icmp, 3, 1, true},
		{"protocol unreachable", icmp, 3, 2, true},
		{"port unreachable", icmp, 3, 3, true},
		{"fragmentation needed", icmp, 3, 4, false},
		{"administratively prohibited", icmp, 3, 13, true},
		{"source quench", icmp, 4, 0, false},
		{"TTL exceeded", icmp, 11, 0, false},
		{"parameter problem", icmp, 12, 0, true},
		{"v6 no route", icmp6, 1, 0, true},
		{"v6 port unreachable", icmp6, 1, 4, true},
		{"v6 packet too big", icmp6, 2, 0, false},
		{"v6 hop limit exceeded", icmp6, 3, 0, false},
		{"v6 parameter problem", icmp6, 4, 0, true},
		{"local", unix.SO_EE_ORIGIN_LOCAL, 0, 0, false},
	} {
		got := unreachable(&unix.SockExtendedErr{Origin: test.origin, Type: test.typ, Code: test.code})
		if got != test.want {
			t.Errorf("%s: %v", test.what, got)
		}
	}
}

func TestSockaddrRoundTrip(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"192.0.2.1:5060":          "192.0.2.1:5060",
		"[2001:db8::1]:65535":     "[2001:db8::1]:65535",
		"[::ffff:192.0.2.1]:5060": "192.0.2.1:5060",
		"[fe80::1%3]:5060":        "[fe80::1]:5060",
	} {
		var s sockaddr
		for i := range s {
			s[i] = 0xff // what the datagram before left there
		}
		s.set(netip.MustParseAddrPort(in))
		if got := s.addrPort().String(); got != want {
			t.Errorf("%s became %s", in, got)
		}
	}
}

func BenchmarkLoopbackBatch(b *testing.B) {
	for _, batch := range []int{1, 8, 64} {
		b.Run(fmt.Sprint(batch), func(b *testing.B) {
			x, y := listenPacket(b, "127.0.0.1:0"), listenPacket(b, "127.0.0.1:0")
			out, in := make([]Datagram, batch), make([]Datagram, readBatch)
			for i := range out {
				out[i] = Datagram{Buf: make([]byte, 800), Addr: y.LocalAddr()}
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := x.WriteBatch(out); err != nil {
					b.Fatal(err)
				}
				for got := 0; got < batch; {
					n, err := y.ReadBatch(in)
					if err != nil {
						b.Fatal(err)
					}
					got += n
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*batch), "ns/datagram")
		})
	}
}

// TestLookReadsBesideAWaitingReader has both of them read: each datagram is delivered once, in its turn.
func TestLookReadsBesideAWaitingReader(t *testing.T) {
	t.Parallel()
	const n = 2000
	a, b := listenPacket(t, "127.0.0.1:0"), listenPacket(t, "127.0.0.1:0")
	b.Look() // nobody reads: nothing happens
	var got []string
	ms := make([]Datagram, readBatch)
	read := make(chan error)
	go func() {
		read <- b.ReadBatches(ms, func(k int) {
			for _, m := range ms[:k] {
				got = append(got, string(m.Buf))
			}
			if len(got) == n {
				b.SetReadDeadline(time.Now())
			}
		})
	}()
	for i := range n {
		if k, err := a.WriteBatch([]Datagram{{Buf: strconv.AppendInt(nil, int64(i), 10), Addr: b.LocalAddr()}}); k != 1 {
			t.Fatal(err)
		}
		b.Look()
	}
	if err := <-read; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("after %d datagrams: %v", len(got), err)
	}
	for i := range got {
		if got[i] != strconv.Itoa(i) {
			t.Fatalf("datagram %d is %s", i, got[i])
		}
	}
	if len(got) != n {
		t.Errorf("%d datagrams of %d", len(got), n)
	}
	b.Close()
	b.Look()
}
