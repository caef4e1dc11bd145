package media

import (
	"bytes"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/sipscript/sipscript/engine/media/description"
)

// These tests use real sockets on the loopback: what they are about is the threads and the kernel.

func loopbackRelay(t *testing.T, threads int) *Relay {
	t.Helper()
	r, err := New(Config{
		Interfaces: []Interface{{Address: netip.MustParseAddr("127.0.0.1")}, {Address: netip.MustParseAddr("::1")}}, Threads: threads,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Stop)
	return r
}

func listen(t *testing.T, host string) *net.UDPConn {
	t.Helper()
	c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(host), 0)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// loopbackCall is a call between two sockets, each on a terminal of its own name and so perhaps of its own thread.
func loopbackCall(t *testing.T, r *Relay, hostA, hostB string) (a, b Terminal, alice, bob *net.UDPConn, forA, forB netip.AddrPort) {
	t.Helper()
	open := func(id string) Terminal {
		terminal, err := r.Open(id, nil)
		if err != nil {
			t.Fatal(err)
		}
		return terminal
	}
	a, b, alice, bob = open("a leg"), open("another"), listen(t, hostA), listen(t, hostB)
	r.Signalled(b, netip.Addr{}, netip.MustParseAddr(hostB))
	port := func(c *net.UDPConn) int { return c.LocalAddr().(*net.UDPAddr).Port }
	pass := func(from, to Terminal, role Role, sdp []byte) netip.AddrPort {
		var at netip.AddrPort
		r.Pass(from, to, role, sdp, Options{}, func(b []byte, err error) {
			if err != nil {
				t.Fatal(err)
			}
			at = portOf(t, b, 0)
		})
		return at
	}
	forB = pass(a, b, RoleOffer, audioAt(hostA, port(alice)))
	forA = pass(b, a, RoleAnswer, audioAt(hostB, port(bob)))
	r.Connect(a, b)
	return a, b, alice, bob, forA, forB
}

// expect reads one packet, for which the other socket may have to send again: a busy machine loses some.
func expect(t *testing.T, from, to *net.UDPConn, at netip.AddrPort, want []byte, source netip.AddrPort) {
	t.Helper()
	got := make([]byte, 1500)
	for range 100 {
		if _, err := from.WriteToUDPAddrPort(want, at); err != nil {
			t.Fatal(err)
		}
		_ = to.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
		n, sender, err := to.ReadFromUDPAddrPort(got)
		if err == nil {
			if !bytes.Equal(got[:n], want) || sender != source {
				t.Fatalf("got %x from %v, want %x from %v", got[:n], sender, want, source)
			}
			return
		}
	}
	t.Fatal("nothing came in 20 s")
}

func TestThreadsRelay(t *testing.T) {
	t.Parallel()
	for _, threads := range []int{1, 3} {
		r := loopbackRelay(t, threads)
		_, _, alice, bob, forA, forB := loopbackCall(t, r, "127.0.0.1", "127.0.0.1")
		expect(t, alice, bob, forA, rtpOf(0, 1, 160, 1, []byte("voice")), forB)
		expect(t, bob, alice, forB, rtpOf(0, 1, 160, 2, []byte("answer")), forA)
	}
}

func TestThreadsRelayBetweenIPv4AndIPv6(t *testing.T) {
	t.Parallel()
	r := loopbackRelay(t, 2)
	if c, err := net.ListenPacket("udp", "[::1]:0"); err != nil {
		t.Skip("no IPv6 here")
	} else {
		_ = c.Close()
	}
	_, _, alice, bob, forA, forB := loopbackCall(t, r, "127.0.0.1", "::1")
	expect(t, alice, bob, forA, rtpOf(0, 1, 160, 1, []byte("voice")), forB)
	expect(t, bob, alice, forB, rtpOf(0, 1, 160, 2, []byte("answer")), forA)
}

// However many packets come at once, none is left lying: nothing comes afterwards that would make the thread look.
func TestThreadsLeaveNoPacketBehindAnother(t *testing.T) {
	t.Parallel()
	r := loopbackRelay(t, 1)
	a, _, alice, bob, forA, forB := loopbackCall(t, r, "127.0.0.1", "127.0.0.1")
	packet := rtpOf(0, 1, 160, 1, []byte("voice"))
	expect(t, alice, bob, forA, packet, forB)
	for _, n := range []uint64{1, 2, 2, 2, 3, burst, burst + 1, burst + 2, 20 * burst} {
		before := a.Stats().Received.Packets
		for range n {
			if _, err := alice.WriteToUDPAddrPort(packet, forA); err != nil {
				t.Fatal(err)
			}
		}
		for deadline := time.Now().Add(20 * time.Second); a.Stats().Received.Packets < before+n; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%d of %d packets", a.Stats().Received.Packets-before, n)
			}
		}
	}
}

// From the socket it comes by to the socket it leaves by.
func TestThreadsAllocateNothing(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector allocates")
	}
	r := loopbackRelay(t, 1)
	_, _, alice, bob, forA, forB := loopbackCall(t, r, "127.0.0.1", "127.0.0.1")
	packet, got := rtpOf(0, 1, 160, 1, []byte("voice")), make([]byte, 1500)
	expect(t, alice, bob, forA, packet, forB)
	expect(t, bob, alice, forB, packet, forA)
	_ = bob.SetReadDeadline(time.Now().Add(time.Minute))
	allocs := testing.AllocsPerRun(200, func() {
		for range 2 {
			if _, err := alice.WriteToUDPAddrPort(packet, forA); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 {
			if _, _, err := bob.ReadFromUDPAddrPort(got); err != nil {
				t.Fatal(err)
			}
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations for two packets", allocs)
	}
}

// What the memory is asked for is a stream in any state: described or not, connected or not, with a key or without, by any kind of socket.
func TestFetchGoesAsFarAsAStreamGoes(t *testing.T) {
	t.Parallel()
	plain, _ := joined(t, nil, nil)
	secure, peer := joined(t, sdesOf(description.AES128SHA80), sdesOf(description.AES128GCM))
	peer.rtp.socket = &fdSocket{}
	parted, _ := joined(t, nil, nil)
	parted.route.Store(nil)
	shut, none := joined(t, nil, nil)
	none.rtp = nil
	fresh := &stream{}
	fresh.rtp = &port{stream: fresh}
	all := []*stream{plain, secure, peer, parted, shut, fresh}
	batch := make([]received, len(all))
	for i, s := range all {
		batch[i].port = s.rtp
	}
	fetch(batch)
	for i, s := range all {
		way := s.route.Load()
		if want := way != nil && way.to.rtp != nil; batch[i].in != s || (batch[i].to != nil) != want || want && batch[i].to != way.to {
			t.Errorf("stream %d leads from %p to %p", i, batch[i].in, batch[i].to)
		}
	}
}

// Calls come and go under load, on threads that send by each other's sockets: what is found here is found by the race detector.
func TestThreadsTakeUpAndGiveUpSocketsUnderLoad(t *testing.T) {
	t.Parallel()
	r := loopbackRelay(t, 3)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 25 {
				a, b, alice, bob, forA, forB := loopbackCall(t, r, "127.0.0.1", "127.0.0.1")
				for range 10 {
					_, _ = alice.WriteToUDPAddrPort(rtpOf(0, 1, 160, 1, []byte("voice")), forA)
					_, _ = bob.WriteToUDPAddrPort(rtpOf(0, 1, 160, 2, []byte("voice")), forB)
				}
				r.Part(a)
				r.Connect(a, b)
				_ = a.Stats()
				r.Close(a)
				r.Close(b)
				_ = alice.Close()
				_ = bob.Close()
			}
		})
	}
	wg.Wait()
	if got := r.pools[0].free(); got != len(r.pools[0].queue) {
		t.Errorf("%d pairs free of %d", got, len(r.pools[0].queue))
	}
}

// A locked socket is connected, and so deaf to others: a description that moves the peer must undo that.
func TestThreadsUnlockASocketWhenThePeerMoves(t *testing.T) {
	t.Parallel()
	r := loopbackRelay(t, 2)
	a, b, alice, bob, forA, forB := loopbackCall(t, r, "127.0.0.1", "127.0.0.1")
	packet := rtpOf(0, 1, 160, 1, []byte("voice"))
	expect(t, alice, bob, forA, packet, forB)
	expect(t, bob, alice, forB, packet, forA)

	moved := listen(t, "127.0.0.1")
	port := func(c *net.UDPConn) int { return c.LocalAddr().(*net.UDPAddr).Port }
	pass := func(from, to Terminal, role Role, sdp []byte) {
		r.Pass(from, to, role, sdp, Options{}, func(_ []byte, err error) {
			if err != nil {
				t.Fatal(err)
			}
		})
	}
	pass(a, b, RoleOffer, audioAt("127.0.0.1", port(moved)))
	pass(b, a, RoleAnswer, audioAt("127.0.0.1", port(bob)))
	expect(t, moved, bob, forA, packet, forB)
	expect(t, bob, moved, forB, packet, forA)
}

// What a peer's host refuses is lost, and nothing else.
func TestThreadsSurviveAPeerThatIsGone(t *testing.T) {
	t.Parallel()
	r := loopbackRelay(t, 1)
	_, b, alice, bob, forA, forB := loopbackCall(t, r, "127.0.0.1", "127.0.0.1")
	packet := rtpOf(0, 1, 160, 1, []byte("voice"))
	expect(t, alice, bob, forA, packet, forB)
	expect(t, bob, alice, forB, packet, forA)
	at := bob.LocalAddr().(*net.UDPAddr)
	_ = bob.Close()
	before := b.Stats().Sent.Packets
	for deadline := time.Now().Add(20 * time.Second); b.Stats().Sent.Packets < before+10; time.Sleep(time.Millisecond) {
		if _, err := alice.WriteToUDPAddrPort(packet, forA); err != nil || time.Now().After(deadline) {
			t.Fatalf("%d packets sent on, error %v", b.Stats().Sent.Packets-before, err)
		}
	}
	again, err := net.ListenUDP("udp", at)
	if err != nil {
		t.Skip("somebody else has taken the port: ", err)
	}
	defer func() { _ = again.Close() }()
	expect(t, alice, again, forA, packet, forB)
	expect(t, again, alice, forB, packet, forA)
}

// A thread wakes up for the frames of its voices though no packet comes.
func TestThreadsPlay(t *testing.T) {
	t.Parallel()
	r := loopbackRelay(t, 2)
	for _, id := range []string{"one", "two", "three"} {
		terminal, err := r.Open(id, nil)
		if err != nil {
			t.Fatal(err)
		}
		peer := listen(t, "127.0.0.1")
		r.Answer(terminal, audioAt("127.0.0.1", peer.LocalAddr().(*net.UDPAddr).Port), Options{}, func(_ []byte, err error) {
			if err != nil {
				t.Fatal(err)
			}
		})
		v, err := r.Voice(terminal)
		if err != nil {
			t.Fatal(err)
		}
		over := make(chan time.Duration, 1)
		v.Play(&some{frames: 25}, func(played time.Duration) { over <- played })
		var last rtpHeader
		b := make([]byte, 1500)
		_ = peer.SetReadDeadline(time.Now().Add(2 * time.Minute))
		for i := range 25 {
			n, err := peer.Read(b)
			if err != nil {
				t.Fatal(err)
			}
			h, ok := readRTP(b[:n])
			if !ok || n != 172 || h.payload != 0 || i > 0 && (h.sequence != last.sequence+1 || h.ssrc != last.ssrc) {
				t.Fatalf("packet %d: %+v behind %+v", i, h, last)
			}
			last = h
		}
		if played := <-over; played != 500*time.Millisecond {
			t.Errorf("%v were played", played)
		}
		r.Close(terminal)
	}
}

// A relay that stops tells all who wait for the end of something.
func TestThreadsTellAllWhenTheyStop(t *testing.T) {
	t.Parallel()
	r := loopbackRelay(t, 2)
	const n = 10
	over := make(chan struct{}, 2*n)
	for i := range n {
		terminal, err := r.Open(string(rune('a'+i)), nil)
		if err != nil {
			t.Fatal(err)
		}
		v, err := r.Voice(terminal)
		if err != nil {
			t.Fatal(err)
		}
		v.Play(&some{frames: 1000}, func(time.Duration) { over <- struct{}{} })
	}
	r.Stop()
	if got := len(over); got != n {
		t.Errorf("%d were told, want %d", got, n)
	}
}
