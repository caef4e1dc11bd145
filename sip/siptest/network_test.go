package siptest

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sipscript/sipscript/sip/transport"
)

func addr(s string) netip.Addr         { return netip.MustParseAddr(s) }
func addrPort(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }

// bubble runs f with a network in a synctest bubble and fails when f leaves a socket open.
func bubble(t *testing.T, seed uint64, opts Options, f func(t *testing.T, n *Network)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := NewNetwork(seed, opts)
		t.Cleanup(func() {
			synctest.Wait()
			if open := n.Open(); len(open) > 0 {
				t.Errorf("left open: %v", open)
			}
			n.Close()
		})
		f(t, n)
	})
}

func packetConn(t testing.TB, n *Network, at string) transport.PacketConn {
	t.Helper()
	a := addrPort(at)
	c, err := n.Host(a.Addr()).ListenPacket(a, false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func send(t testing.TB, c transport.PacketConn, to, text string) {
	t.Helper()
	if k, err := c.WriteBatch([]transport.Datagram{{Buf: []byte(text), Addr: addrPort(to)}}); k != 1 || err != nil {
		t.Fatalf("WriteBatch = %d, %v", k, err)
	}
}

// receive reads all that arrives within d.
func receive(t testing.TB, c transport.PacketConn, d time.Duration) []transport.Datagram {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(d)); err != nil {
		t.Fatal(err)
	}
	var all []transport.Datagram
	ms := make([]transport.Datagram, 8)
	for {
		k, err := c.ReadBatch(ms)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, ms[:k]...)
	}
}

func texts(ms []transport.Datagram) []string {
	var all []string
	for _, m := range ms {
		all = append(all, string(m.Buf))
	}
	return all
}

func TestDatagramArrivesAfterTheLinksDelay(t *testing.T) {
	bubble(t, 1, Options{Link: Link{Delay: 20 * time.Millisecond}}, func(t *testing.T, n *Network) {
		a, b := packetConn(t, n, "192.0.2.1:5060"), packetConn(t, n, "192.0.2.2:5060")
		start := time.Now()
		send(t, a, "192.0.2.2:5060", "hello")
		ms := make([]transport.Datagram, 4)
		k, err := b.ReadBatch(ms)
		if k != 1 || err != nil || string(ms[0].Buf) != "hello" || ms[0].Addr != addrPort("192.0.2.1:5060") || ms[0].Err != nil {
			t.Fatalf("got %d %v %+v", k, err, ms[0])
		}
		if took := time.Since(start); took < 20*time.Millisecond || took > 20*time.Millisecond+time.Microsecond {
			t.Errorf("took %v", took)
		}
	})
}

func TestDatagramsOfOneSocketKeepTheirOrderDespiteJitter(t *testing.T) {
	bubble(t, 1, Options{Link: Link{Jitter: 50 * time.Millisecond}}, func(t *testing.T, n *Network) {
		a, b := packetConn(t, n, "192.0.2.1:5060"), packetConn(t, n, "192.0.2.2:5060")
		var want []string
		for i := range 100 {
			text := fmt.Sprint(i)
			want = append(want, text)
			send(t, a, "192.0.2.2:5060", text)
			time.Sleep(time.Millisecond)
		}
		if got := texts(receive(t, b, time.Second)); !slices.Equal(got, want) {
			t.Errorf("got %v", got)
		}
	})
}

func TestReorderedDatagramsAreOvertaken(t *testing.T) {
	bubble(t, 1, Options{Link: Link{Reorder: 0.2}}, func(t *testing.T, n *Network) {
		a, b := packetConn(t, n, "192.0.2.1:5060"), packetConn(t, n, "192.0.2.2:5060")
		var want []string
		for i := range 100 {
			want = append(want, fmt.Sprintf("%03d", i))
			send(t, a, "192.0.2.2:5060", want[i])
		}
		got := texts(receive(t, b, time.Second))
		if slices.Equal(got, want) {
			t.Error("all in order")
		}
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Errorf("not the same datagrams: %v", got)
		}
	})
}

func TestShareOfLostAndDoubledDatagramsIsAsSet(t *testing.T) {
	bubble(t, 7, Options{Link: Link{Loss: 0.3, Duplicate: 0.1}}, func(t *testing.T, n *Network) {
		a, b := packetConn(t, n, "192.0.2.1:5060"), packetConn(t, n, "192.0.2.2:5060")
		const sent = 2000
		for i := range sent {
			send(t, a, "192.0.2.2:5060", fmt.Sprint(i%10)) // equal bytes have fates of their own
			time.Sleep(time.Millisecond)
		}
		receive(t, b, time.Second)
		lost, copies := 0, 0
		for _, e := range n.Trace() {
			if e.Fate == Lost {
				lost++
			}
			if e.Copy {
				copies++
			}
		}
		if lost < sent*27/100 || lost > sent*33/100 {
			t.Errorf("lost %d of %d", lost, sent)
		}
		if copies < sent*5/100 || copies > sent*9/100 { // a tenth of what is not lost
			t.Errorf("doubled %d of %d", copies, sent)
		}
	})
}

func TestLinkSettingsHoldForTheirDirection(t *testing.T) {
	bubble(t, 1, Options{}, func(t *testing.T, n *Network) {
		a, b := packetConn(t, n, "192.0.2.1:5060"), packetConn(t, n, "192.0.2.2:5060")
		n.LinkOneWay(n.Host(addr("192.0.2.1")), n.Host(addr("192.0.2.2")), Link{Loss: 1})
		send(t, a, "192.0.2.2:5060", "there")
		send(t, b, "192.0.2.1:5060", "back")
		if got := receive(t, b, time.Second); len(got) != 0 {
			t.Errorf("lossy way delivered %q", texts(got))
		}
		if got := texts(receive(t, a, time.Second)); !slices.Equal(got, []string{"back"}) {
			t.Errorf("clean way delivered %q", got)
		}
	})
}

func TestPartitionLosesDatagramsUntilHealed(t *testing.T) {
	bubble(t, 1, Options{}, func(t *testing.T, n *Network) {
		a, b := packetConn(t, n, "192.0.2.1:5060"), packetConn(t, n, "192.0.2.2:5060")
		ha, hb := n.Host(addr("192.0.2.1")), n.Host(addr("192.0.2.2"))
		send(t, a, "192.0.2.2:5060", "under way")
		n.Partition(hb, ha)
		send(t, a, "192.0.2.2:5060", "cut off")
		if got := texts(receive(t, b, time.Second)); !slices.Equal(got, []string{"under way"}) {
			t.Errorf("partitioned: %q", got)
		}
		n.Heal(ha, hb)
		send(t, a, "192.0.2.2:5060", "healed")
		if got := texts(receive(t, b, time.Second)); !slices.Equal(got, []string{"healed"}) {
			t.Errorf("healed: %q", got)
		}
	})
}

func TestLoseTakesOnlyWhatMatches(t *testing.T) {
	bubble(t, 1, Options{}, func(t *testing.T, n *Network) {
		a, b := packetConn(t, n, "192.0.2.1:5060"), packetConn(t, n, "192.0.2.2:5060")
		n.Lose(2, n.Host(addr("192.0.2.1")), nil, func(b []byte) bool { return string(b) == "x" })
		for _, text := range []string{"x", "y", "x", "x"} {
			send(t, a, "192.0.2.2:5060", text)
		}
		if got := texts(receive(t, b, time.Second)); !slices.Equal(got, []string{"y", "x"}) {
			t.Errorf("got %q", got)
		}
	})
}

func TestClosedPortGivesTheDatagramBack(t *testing.T) {
	bubble(t, 1, Options{}, func(t *testing.T, n *Network) {
		a := packetConn(t, n, "192.0.2.1:5060")
		n.Host(addr("192.0.2.2"))
		long := strings.Repeat("x", 2000)
		send(t, a, "192.0.2.2:5070", long)
		got := receive(t, a, time.Second)
		if len(got) != 1 || !errors.Is(got[0].Err, syscall.ECONNREFUSED) || got[0].Addr != addrPort("192.0.2.2:5070") ||
			string(got[0].Buf) != long[:quoted] {
			t.Fatalf("got %v", got)
		}
		if f := n.Trace()[0].Fate; f != Refused {
			t.Errorf("fate %v", f)
		}
	})
}

func TestNobodyAtTheAddressIsSilence(t *testing.T) {
	bubble(t, 1, Options{}, func(t *testing.T, n *Network) {
		a := packetConn(t, n, "192.0.2.1:5060")
		send(t, a, "192.0.2.9:5060", "anybody?")
		if got := receive(t, a, time.Minute); len(got) != 0 {
			t.Errorf("got %v", got)
		}
		if f := n.Trace()[0].Fate; f != NoHost {
			t.Errorf("fate %v", f)
		}
	})
}

func TestDatagramsOverTheMTUAreLost(t *testing.T) {
	bubble(t, 1, Options{Link: Link{MTU: 1472}}, func(t *testing.T, n *Network) {
		a, b := packetConn(t, n, "192.0.2.1:5060"), packetConn(t, n, "192.0.2.2:5060")
		send(t, a, "192.0.2.2:5060", strings.Repeat("x", 1473))
		send(t, a, "192.0.2.2:5060", strings.Repeat("y", 1472))
		if got := receive(t, b, time.Second); len(got) != 1 || got[0].Buf[0] != 'y' {
			t.Errorf("got %d datagrams", len(got))
		}
		huge := []transport.Datagram{{Buf: make([]byte, 10), Addr: addrPort("192.0.2.2:5060")},
			{Buf: make([]byte, longest+1), Addr: addrPort("192.0.2.2:5060")}}
		if k, err := a.WriteBatch(huge); k != 1 || !errors.Is(err, syscall.EMSGSIZE) {
			t.Errorf("WriteBatch = %d, %v", k, err)
		}
	})
}

func TestFullSocketLosesDatagrams(t *testing.T) {
	bubble(t, 1, Options{Queue: 3}, func(t *testing.T, n *Network) {
		a, b := packetConn(t, n, "192.0.2.1:5060"), packetConn(t, n, "192.0.2.2:5060")
		for i := range 5 {
			send(t, a, "192.0.2.2:5060", fmt.Sprint(i))
		}
		time.Sleep(time.Second)
		if got := texts(receive(t, b, time.Second)); !slices.Equal(got, []string{"0", "1", "2"}) {
			t.Errorf("got %q", got)
		}
		if f := n.Trace()[4].Fate; f != Overrun {
			t.Errorf("fate %v", f)
		}
	})
}

func TestSharedSocketsSplitSourcesAmongThem(t *testing.T) {
	bubble(t, 1, Options{}, func(t *testing.T, n *Network) {
		at := addrPort("192.0.2.2:5060")
		h := n.Host(at.Addr())
		var shared []transport.PacketConn
		for range 4 {
			c, err := h.ListenPacket(at, true)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { c.Close() })
			shared = append(shared, c)
		}
		if _, err := h.ListenPacket(at, false); !errors.Is(err, syscall.EADDRINUSE) {
			t.Errorf("unshared beside shared: %v", err)
		}
		a := packetConn(t, n, "192.0.2.1:5060")
		b := packetConn(t, n, "192.0.2.1:5061")
		used := map[string]int{}
		for range 5 {
			send(t, a, at.String(), "a")
			send(t, b, at.String(), "b")
		}
		for i, c := range shared {
			for _, text := range texts(receive(t, c, time.Second)) {
				if was, ok := used[text]; ok && was != i {
					t.Errorf("%s came to sockets %d and %d", text, was, i)
				}
				used[text] = i
			}
		}
		if len(used) != 2 {
			t.Errorf("got from %v", used)
		}
	})
}

func TestAddressesAreTheHostsOwnAndUsedOnce(t *testing.T) {
	bubble(t, 1, Options{}, func(t *testing.T, n *Network) {
		h := n.Host(addr("192.0.2.1"), addr("2001:db8::1"))
		if n.Host(addr("2001:db8::1")) != h {
			t.Error("the same address is another host")
		}
		addrs, err := h.LocalAddrs()
		if err != nil || !slices.Equal(addrs, []netip.Addr{addr("192.0.2.1"), addr("2001:db8::1")}) {
			t.Errorf("LocalAddrs = %v, %v", addrs, err)
		}
		if _, err := h.ListenPacket(addrPort("192.0.2.7:5060"), false); !errors.Is(err, ErrNotLocal) {
			t.Errorf("foreign address: %v", err)
		}
		c, err := h.ListenPacket(addrPort("[2001:db8::1]:0"), false)
		if err != nil || c.LocalAddr().Port() == 0 {
			t.Fatalf("port 0: %v %v", c, err)
		}
		t.Cleanup(func() { c.Close() })
		if _, err := h.ListenPacket(c.LocalAddr(), false); !errors.Is(err, syscall.EADDRINUSE) {
			t.Errorf("a second server at the address: %v", err)
		}
		joined, err := h.ListenPacket(c.LocalAddr(), true)
		if err != nil {
			t.Fatalf("joining the first socket: %v", err)
		}
		t.Cleanup(func() { joined.Close() })
	})
}

func TestCloseEndsARead(t *testing.T) {
	bubble(t, 1, Options{}, func(t *testing.T, n *Network) {
		a := packetConn(t, n, "192.0.2.1:5060")
		done := make(chan error)
		go func() {
			_, err := a.ReadBatch(make([]transport.Datagram, 1))
			done <- err
		}()
		synctest.Wait()
		a.Close()
		if err := <-done; !errors.Is(err, net.ErrClosed) {
			t.Errorf("read: %v", err)
		}
		if _, err := a.WriteBatch(make([]transport.Datagram, 1)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("write: %v", err)
		}
	})
}

func TestOpenListsWhatNobodyClosed(t *testing.T) {
	bubble(t, 1, Options{}, func(t *testing.T, n *Network) {
		client, _ := streams(t, n)
		packetConn(t, n, "192.0.2.1:5060")
		l, err := n.Host(addr("192.0.2.1")).Listen(addrPort("192.0.2.1:5061"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		ends := []string{client.LocalAddr().String(), client.RemoteAddr().String()}
		want := []string{"tcp " + ends[0] + " to " + ends[1], "tcp 192.0.2.1:5061 listening", "tcp " + ends[1] + " to " + ends[0], "udp 192.0.2.1:5060"}
		slices.Sort(want)
		if got := n.Open(); !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

// chatter is a run with many goroutines that send in the same instants, over UDP and TCP, on a bad network.
func chatter(t *testing.T, seed uint64) string {
	var text string
	synctest.Test(t, func(t *testing.T) {
		n := NewNetwork(seed, Options{Link: Link{Loss: 0.2, Duplicate: 0.1, Reorder: 0.1, Jitter: 3 * time.Millisecond}})
		defer n.Close()
		at := addrPort("192.0.2.100:5060")
		server := n.Host(at.Addr())
		var wg sync.WaitGroup
		for range 4 {
			c, err := server.ListenPacket(at, true)
			if err != nil {
				t.Fatal(err)
			}
			wg.Go(func() { echo(c) })
		}
		l, err := server.Listen(at)
		if err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				wg.Go(func() { pipe(c) })
			}
		})
		var senders sync.WaitGroup
		for i := range 8 {
			a := netip.AddrFrom4([4]byte{192, 0, 2, byte(1 + i)})
			c, err := n.Host(a).ListenPacket(netip.AddrPortFrom(a, 5060), false)
			if err != nil {
				t.Fatal(err)
			}
			wg.Go(func() { drain(c) })
			senders.Go(func() {
				tcp, err := n.Host(a).Dial(t.Context(), a, at)
				if err != nil {
					t.Error(err)
					return
				}
				wg.Go(func() { discard(tcp) })
				for k := range 20 {
					m := transport.Datagram{Buf: fmt.Appendf(nil, "hello %d", k/2), Addr: at}
					if _, err := c.WriteBatch([]transport.Datagram{m, m}); err != nil {
						t.Error(err)
					}
					fmt.Fprintf(tcp, "line %d of ", k)
					fmt.Fprintf(tcp, "%d\n", i)
					time.Sleep(time.Millisecond)
				}
			})
		}
		senders.Wait()
		time.Sleep(time.Minute)
		text = n.Trace().String()
		n.Close()
		wg.Wait()
	})
	return text
}

func echo(c transport.PacketConn) {
	ms := make([]transport.Datagram, 4)
	for {
		k, err := c.ReadBatch(ms)
		if err != nil {
			return
		}
		_, _ = c.WriteBatch(ms[:k])
	}
}

func drain(c transport.PacketConn) {
	for {
		if _, err := c.ReadBatch(make([]transport.Datagram, 4)); err != nil {
			return
		}
	}
}

func pipe(c net.Conn) {
	b := make([]byte, 100)
	for {
		k, err := c.Read(b)
		if err != nil {
			return
		}
		if _, err := c.Write(b[:k]); err != nil {
			return
		}
	}
}

func discard(c net.Conn) {
	for {
		if _, err := c.Read(make([]byte, 100)); err != nil {
			return
		}
	}
}

func TestSameSeedGivesTheSameTrace(t *testing.T) {
	t.Parallel()
	first := chatter(t, 42)
	for range 3 {
		if again := chatter(t, 42); again != first {
			t.Fatalf("traces differ:\n%s", firstDifference(first, again))
		}
	}
	if chatter(t, 43) == first {
		t.Error("another seed gave the same trace")
	}
	for _, want := range []string{"lost", "copy", "delivered", "tcp open", "line 3 of 4"} {
		if !strings.Contains(first, want) {
			t.Errorf("the trace has no %q", want)
		}
	}
}

func firstDifference(a, b string) string {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			return x[i] + "\n" + y[i]
		}
	}
	return fmt.Sprintf("%d and %d lines", len(x), len(y))
}
