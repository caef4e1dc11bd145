package transport

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"syscall"
	"testing"
)

// idle opens a transport that is not started: nothing but Sender runs.
func idle(t testing.TB, n *fakeNet, shards int, specs string) (*Transport, *witness) {
	t.Helper()
	w := &witness{}
	tr, err := Open(Config{Net: n, Listen: listen(specs), Shards: shards,
		Receive: w.receive, Failed: w.failed, Closed: w.ended, Trace: w.trace})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tr.Close)
	return tr, w
}

func bufs(ms []Datagram) []string {
	var s []string
	for _, m := range ms {
		s = append(s, string(m.Buf))
	}
	return s
}

func TestTurnLeavesInOneWritePerSocket(t *testing.T) {
	t.Parallel()
	n := newFakeNet()
	tr, _ := idle(t, n, 2, "udp:192.0.2.1:5060 udp:192.0.2.1:5070")
	s := tr.Sender(1)
	other := udpFlow
	other.Local = netip.MustParseAddrPort("192.0.2.1:5070")
	s.Send(udpFlow, []byte("a"))
	s.Send(other, []byte("b"))
	s.Send(udpFlow, []byte("c"))
	for _, p := range n.packets {
		if p.calls > 0 {
			t.Fatal("Send wrote before Flush")
		}
	}
	s.Flush()
	s.Flush()
	// In the order of opening: two sockets an address, of which the second is shard 1's.
	for i, want := range [][]string{nil, {"a", "c"}, nil, {"b"}} {
		p := n.packets[i]
		if got := bufs(p.took()); !slices.Equal(got, want) || p.calls != min(1, len(want)) {
			t.Errorf("socket %d (%s) sent %q in %d calls, want %q", i, p.local, got, p.calls, want)
		}
	}
}

func TestShardsShareTheSocketWhereTheNetCannotShareAddresses(t *testing.T) {
	t.Parallel()
	n := newFakeNet()
	n.unshared = true
	tr, _ := idle(t, n, 3, "udp:192.0.2.1:5060")
	for shard := range 3 {
		tr.Sender(shard).Send(udpFlow, fmt.Append(nil, shard))
		tr.Sender(shard).Flush()
	}
	if got := bufs(n.packets[0].took()); len(n.packets) != 1 || !slices.Equal(got, []string{"0", "1", "2"}) {
		t.Errorf("%d sockets, the first sent %q", len(n.packets), got)
	}
}

func TestRefusedDatagramIsReportedAfterTheBatch(t *testing.T) {
	t.Parallel()
	n := newFakeNet()
	tr, w := idle(t, n, 1, "udp:192.0.2.1:5060")
	s, socket := tr.Sender(0), n.packets[0]
	nowhere := udpFlow
	nowhere.Remote = netip.MustParseAddrPort("198.51.100.1:5060")
	socket.refuse = map[netip.AddrPort]error{nowhere.Remote: syscall.ENETUNREACH}
	s.Send(udpFlow, []byte("a"))
	s.Send(nowhere, request("z9hG4bKx"))
	s.Send(udpFlow, []byte("b"))
	if len(w.failures) > 0 {
		t.Fatal("reported within Send")
	}
	s.Flush()
	if got := bufs(socket.took()); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("sent %q", got)
	}
	want := []Failure{{Flow: nowhere, CallID: "z9hG4bKx@example.org", Branch: "z9hG4bKx", Method: "OPTIONS", Err: syscall.ENETUNREACH}}
	if got := w.takeFailures(); !slices.Equal(got, want) {
		t.Errorf("failures %+v", got)
	}
}

func TestSendFromAnAddressThatIsNotOursFails(t *testing.T) {
	t.Parallel()
	tr, w := idle(t, newFakeNet(), 1, "udp:192.0.2.1:5060")
	flow := udpFlow
	flow.Local = netip.MustParseAddrPort("192.0.2.2:5060")
	tr.Sender(0).Send(flow, response("z9hG4bKx"))
	tr.Sender(0).Flush()
	if got := w.takeFailures(); len(got) != 1 || !errors.Is(got[0].Err, ErrNoListener) || !got[0].Response || got[0].Branch != "z9hG4bKx" {
		t.Errorf("failures %+v", got)
	}
}

func TestFullSocketKeepsTheRestForOneMoreTurn(t *testing.T) {
	t.Parallel()
	n := newFakeNet()
	tr, w := idle(t, n, 1, "udp:192.0.2.1:5060")
	s, socket := tr.Sender(0), n.packets[0]
	turn := func(room int, send ...string) []string {
		socket.room = room
		for _, b := range send {
			s.Send(udpFlow, []byte(b))
		}
		s.Flush()
		return bufs(socket.took())
	}
	if got := turn(1, "a", "b", "c", "d"); !slices.Equal(got, []string{"a"}) || !s.Pending() {
		t.Fatalf("first turn sent %q", got)
	}
	if got := turn(2, "e"); !slices.Equal(got, []string{"b", "c"}) || !s.Pending() {
		t.Fatalf("second turn sent %q", got)
	}
	if n := w.count(DatagramDropped); n != 1 {
		t.Errorf("%d dropped, want d alone", n)
	}
	if got := turn(9); !slices.Equal(got, []string{"e"}) || s.Pending() {
		t.Errorf("third turn sent %q", got)
	}
	if len(w.failures) > 0 {
		t.Errorf("a full socket is no transport error: %+v", w.failures)
	}
}
