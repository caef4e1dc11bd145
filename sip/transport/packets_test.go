package transport

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sipscript/sipscript/sip"
)

// udp runs a test against a transport with one UDP socket.
func udp(t *testing.T, limits Limits, test func(t *testing.T, socket *fakePacketConn, w *witness)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := newFakeNet()
		_, w := start(t, Config{Net: n, Listen: listen("udp:192.0.2.1:5060"), Limits: limits})
		test(t, n.packets[0], w)
	})
}

// arrive has the socket receive datagrams from clientAddr in one batch and waits until they are dealt with.
func arrive(socket *fakePacketConn, datagrams ...[]byte) {
	batch := make([]Datagram, len(datagrams))
	for i, d := range datagrams {
		batch[i] = Datagram{Buf: d, Addr: clientAddr}
	}
	socket.inbound <- batch
	synctest.Wait()
}

func TestDatagramsOfABatchAreDeliveredTogetherAndInOrder(t *testing.T) {
	t.Parallel()
	udp(t, Limits{}, func(t *testing.T, socket *fakePacketConn, w *witness) {
		arrive(socket, request("z9hG4bKa"), response("z9hG4bKb"), request("z9hG4bKc"))
		if got := w.branches(t); !slices.Equal(got, []string{"z9hG4bKa", "z9hG4bKb", "z9hG4bKc"}) {
			t.Errorf("received %v", got)
		}
		for _, in := range w.inbound {
			if in.Flow != udpFlow || !in.At.Equal(time.Now()) {
				t.Errorf("flow %v at %v", in.Flow, in.At)
			}
		}
	})
}

func TestB044RequestIsStampedAndResponseIsNot(t *testing.T) {
	t.Parallel()
	udp(t, Limits{}, func(t *testing.T, socket *fakePacketConn, w *witness) {
		arrive(socket, request("z9hG4bKa"), response("z9hG4bKb"))
		for i, want := range []string{"192.0.2.9", ""} {
			via, err := w.inbound[i].Msg.Via()
			if err != nil {
				t.Fatal(err)
			}
			if got, _ := via.Params.Get("received"); got != want {
				t.Errorf("message %d: received=%q, want %q", i, got, want)
			}
		}
	})
}

func TestB045EmptyRportIsFilledIn(t *testing.T) {
	t.Parallel()
	udp(t, Limits{}, func(t *testing.T, socket *fakePacketConn, w *witness) {
		arrive(socket, []byte(strings.Replace(string(request("z9hG4bKa")), ";branch", ";rport;branch", 1)))
		via, err := w.inbound[0].Msg.Via()
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := via.Params.Get("rport"); got != "40000" {
			t.Errorf("rport=%q", got)
		}
		if got, _ := via.Params.Get("received"); got != "192.0.2.9" {
			t.Errorf("received=%q", got)
		}
	})
}

func TestMalformedDatagrams(t *testing.T) {
	t.Parallel()
	without := func(name string) []byte {
		lines := strings.Split(string(request("z9hG4bKa")), "\r\n")
		return []byte(strings.Join(slices.DeleteFunc(lines, func(l string) bool { return strings.HasPrefix(l, name+":") }), "\r\n"))
	}
	for _, test := range []struct {
		name string
		raw  []byte
		want int // 0: no answer
	}{
		{"B006 Content-Length above the datagram", request("z9hG4bKa", "Content-Length: 9"), 400},
		{"B006 the same of a response", message("SIP/2.0 200 OK", "OPTIONS", "z9hG4bKa", "Content-Length: 9"), 0},
		{"B009 above the limit", request("z9hG4bKa", "X: "+strings.Repeat("x", 2000)), 513},
		{"B010 other version", message("OPTIONS sip:192.0.2.1 SIP/7.0", "OPTIONS", "z9hG4bKa"), 505},
		{"B010 CSeq method unlike the start line", message("OPTIONS sip:192.0.2.1 SIP/2.0", "INVITE", "z9hG4bKa"), 400},
		{"B011 no From", without("From"), 400},
		{"B011 no Call-ID", without("Call-ID"), 400},
		{"B011 no Via", without("Via"), 0},
		{"B012 two Call-IDs", request("z9hG4bKa", "Call-ID: other"), 400},
		{"too many header fields", request("z9hG4bKa", slices.Repeat([]string{"X: x"}, 30)...), 400},
		{"B015 ACK", message("ACK sip:192.0.2.1 SIP/2.0", "ACK", "z9hG4bKa", "Content-Length: 9"), 0},
		{"B015 ACK of another version", message("ACK sip:192.0.2.1 SIP/7.0", "ACK", "z9hG4bKa"), 0},
		{"B015 garbage", []byte("GET / HTTP/1.1\r\nHost: example.org\r\n\r\n"), 0},
		{"B015 noise", []byte{0x80, 0, 0, 1, 0xff, 0xfe, '\r', '\n'}, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			udp(t, Limits{Message: 1500, Headers: 20}, func(t *testing.T, socket *fakePacketConn, w *witness) {
				arrive(socket, test.raw)
				if len(w.inbound) > 0 {
					t.Error("it was delivered")
				}
				if n := w.count(Malformed) + w.count(Oversized); n != 1 {
					t.Errorf("counted %d times", n)
				}
				sent := socket.took()
				if test.want == 0 {
					if len(sent) > 0 {
						t.Errorf("answered %q", sent[0].Buf)
					}
					return
				}
				if len(sent) != 1 || statusOf(t, sent[0].Buf) != test.want {
					t.Fatalf("answered %v, want %d", sent, test.want)
				}
				// No rport: to the source address at the sent-by port (RFC 3261 §18.2.2).
				if want := netip.MustParseAddrPort("192.0.2.9:5070"); sent[0].Addr != want {
					t.Errorf("answered to %v, want %v", sent[0].Addr, want)
				}
				if via := header(sent[0].Buf, "Via"); !strings.Contains(via, "received=192.0.2.9") {
					t.Errorf("Via of the answer: %q", via)
				}
			})
		})
	}
}

func TestStatelessAnswerHasTheSameTagForEachCopy(t *testing.T) {
	t.Parallel()
	udp(t, Limits{}, func(t *testing.T, socket *fakePacketConn, w *witness) {
		bad := request("z9hG4bKa", "Content-Length: 9")
		arrive(socket, bad, bad, request("z9hG4bKb", "Content-Length: 9"))
		sent := socket.took()
		if len(sent) != 3 {
			t.Fatalf("%d answers", len(sent))
		}
		tags := [3]string{}
		for i := range sent {
			_, tags[i], _ = strings.Cut(header(sent[i].Buf, "To"), ";tag=")
		}
		if tags[0] == "" || tags[0] != tags[1] || tags[0] == tags[2] {
			t.Errorf("tags %q", tags)
		}
	})
}

func TestMaddrOfAMalformedRequestIsNotFollowed(t *testing.T) {
	t.Parallel()
	udp(t, Limits{}, func(t *testing.T, socket *fakePacketConn, w *witness) {
		bad := strings.Replace(string(request("z9hG4bKa", "Content-Length: 9")), ";branch", ";maddr=198.51.100.1;branch", 1)
		arrive(socket, []byte(bad))
		if sent := socket.took(); len(sent) != 1 || sent[0].Addr.Addr() != clientAddr.Addr() {
			t.Errorf("answered %v", sent)
		}
	})
}

func TestAnswersToOneSourceAreBounded(t *testing.T) {
	t.Parallel()
	udp(t, Limits{}, func(t *testing.T, socket *fakePacketConn, w *witness) {
		bad := request("z9hG4bKa", "Content-Length: 9")
		for range 3 {
			arrive(socket, slices.Repeat([][]byte{bad}, 10)...)
		}
		if n := len(socket.took()); n != answersPerSource {
			t.Errorf("%d answers at once", n)
		}
		if n := w.count(AnswerWithheld); n != 30-answersPerSource {
			t.Errorf("%d withheld", n)
		}
		other := Datagram{Buf: bad, Addr: netip.MustParseAddrPort("192.0.2.10:5060")}
		socket.inbound <- []Datagram{other}
		synctest.Wait()
		if n := len(socket.took()); n != 1 {
			t.Errorf("%d answers to another source", n)
		}
		time.Sleep(time.Second / 2)
		arrive(socket, slices.Repeat([][]byte{bad}, 30)...)
		if n := len(socket.took()); n != answersPerSource/2 {
			t.Errorf("%d answers after half a second", n)
		}
	})
}

func TestRequestsOfOneSourceAreBounded(t *testing.T) {
	t.Parallel()
	udp(t, Limits{PerSource: PerSource{Requests: 5}}, func(t *testing.T, socket *fakePacketConn, w *witness) {
		arrive(socket, slices.Repeat([][]byte{request("z9hG4bKa")}, 8)...)
		arrive(socket, response("z9hG4bKb"))
		if n := len(w.branches(t)); n != 6 {
			t.Errorf("%d messages delivered, want 5 requests and the response", n)
		}
		if n := w.count(RequestDropped); n != 3 {
			t.Errorf("%d dropped", n)
		}
		socket.inbound <- []Datagram{{Buf: request("z9hG4bKc"), Addr: netip.MustParseAddrPort("192.0.2.10:5060")}}
		time.Sleep(time.Second)
		arrive(socket, request("z9hG4bKd"))
		if got := w.branches(t)[6:]; !slices.Equal(got, []string{"z9hG4bKc", "z9hG4bKd"}) {
			t.Errorf("another source, and this one a second later: %v", got)
		}
	})
}

func TestKeepAliveDatagramsAreCountedAndNoMore(t *testing.T) {
	t.Parallel()
	udp(t, Limits{}, func(t *testing.T, socket *fakePacketConn, w *witness) {
		arrive(socket, []byte("\r\n\r\n"), []byte("\r\n"), []byte{0}, nil)
		if n := w.count(KeepAlive); n != 4 || len(w.inbound) > 0 || len(socket.took()) > 0 || w.count(Malformed) > 0 {
			t.Errorf("events %v", w.events)
		}
	})
}

func TestReturnedDatagramFailsItsBranch(t *testing.T) {
	t.Parallel()
	udp(t, Limits{}, func(t *testing.T, socket *fakePacketConn, w *witness) {
		whole := request("z9hG4bKa")
		socket.inbound <- []Datagram{
			{Buf: whole, Addr: clientAddr, Err: syscall.ECONNREFUSED},
			{Buf: whole[:120], Addr: clientAddr, Err: syscall.EHOSTUNREACH}, // cut within the From
			{Buf: whole[:20], Addr: clientAddr, Err: syscall.ECONNREFUSED},
		}
		synctest.Wait()
		want := []Failure{
			{Flow: udpFlow, CallID: "z9hG4bKa@example.org", Branch: "z9hG4bKa", Method: "OPTIONS", Err: syscall.ECONNREFUSED},
			{Flow: udpFlow, Branch: "z9hG4bKa", Err: syscall.EHOSTUNREACH},
		}
		if got := w.takeFailures(); !slices.Equal(got, want) {
			t.Errorf("failures %+v", got)
		}
		if n := w.count(Returned); n != 3 {
			t.Errorf("%d returned", n)
		}
	})
}

func TestWildcardListensAtEachLocalAddress(t *testing.T) {
	t.Parallel()
	n := newFakeNet()
	n.locals = []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")}
	tr, _ := start(t, Config{Net: n, Listen: append(listen("udp:0.0.0.0:0 tcp:0.0.0.0:0"),
		ListenSpec{Transport: sip.UDP, Addr: netip.MustParseAddrPort("[::]:5070"), Advertise: "sip.example.org:5060"})})
	var got []string
	for _, l := range tr.Listeners() {
		got = append(got, fmt.Sprintf("%s %s %s:%d", l.Transport, l.Local, l.Host, l.Port))
	}
	want := []string{
		"UDP 127.0.0.1:32769 127.0.0.1:32769",
		"UDP 192.0.2.1:32769 192.0.2.1:32769",
		"TCP 127.0.0.1:32770 127.0.0.1:32770",
		"TCP 192.0.2.1:32770 192.0.2.1:32770",
		"UDP [2001:db8::1]:5070 sip.example.org:5060",
	}
	if !slices.Equal(got, want) {
		t.Errorf("listeners\n%s", strings.Join(got, "\n"))
	}
}

func TestPickedPortIsFreeAtEachAddressOfAWildcard(t *testing.T) {
	t.Parallel()
	n := newFakeNet()
	n.locals = []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("192.0.2.1")}
	n.taken[netip.MustParseAddrPort("192.0.2.1:32769")] = true
	tr, _ := start(t, Config{Net: n, Listen: listen("udp:0.0.0.0:0")})
	for _, l := range tr.Listeners() {
		if l.Local.Port() != 32770 {
			t.Errorf("listens at %s", l.Local)
		}
	}
}

func TestOpenBindsAllOrNothing(t *testing.T) {
	t.Parallel()
	n := newFakeNet()
	n.taken[netip.MustParseAddrPort("192.0.2.1:5070")] = true
	_, err := Open(Config{Net: n, Receive: func([]Inbound) {}, Shards: 2,
		Listen: listen("udp:192.0.2.1:5060 tcp:192.0.2.1:5060 udp:192.0.2.1:5070")})
	if !errors.Is(err, syscall.EADDRINUSE) || !strings.HasPrefix(err.Error(), "listen udp 192.0.2.1:5070: ") {
		t.Errorf("Open: %v", err)
	}
	for _, s := range n.packets {
		select {
		case <-s.closed:
		default:
			t.Errorf("the socket at %s is open", s.local)
		}
	}
	select {
	case <-n.listeners[serverAddr].closed:
	default:
		t.Error("the TCP listener is open")
	}
}

func TestTLSListenerNeedsACertificate(t *testing.T) {
	t.Parallel()
	_, err := Open(Config{Net: newFakeNet(), Receive: func([]Inbound) {}, Listen: listen("tls:192.0.2.1:5061")})
	if !errors.Is(err, ErrNoCertificate) {
		t.Errorf("Open: %v", err)
	}
}

// routedNet is a fakeNet with a routing table.
type routedNet struct {
	*fakeNet
	routes map[netip.Addr]netip.Addr
}

func (n routedNet) Route(remote netip.Addr) (netip.Addr, error) {
	if local, ok := n.routes[remote]; ok {
		return local, nil
	}
	return netip.Addr{}, syscall.ENETUNREACH
}

func TestListenerIsChosenForADestination(t *testing.T) {
	t.Parallel()
	far := netip.MustParseAddr("198.51.100.1")
	n := routedNet{newFakeNet(), map[netip.Addr]netip.Addr{far: netip.MustParseAddr("203.0.113.1"),
		netip.MustParseAddr("127.0.0.1"): netip.MustParseAddr("127.0.0.1")}}
	tr, _ := start(t, Config{Net: n, Listen: listen(
		"udp:127.0.0.1:5060 udp:192.0.2.1:5060 udp:203.0.113.1:5060 tcp:192.0.2.1:5061 udp:[2001:db8::1]:5060")})
	for _, test := range []struct {
		transport sip.Transport
		remote    string
		want      string
	}{
		{sip.UDP, "127.0.0.5", "127.0.0.1:5060"},
		{sip.UDP, "198.51.100.1", "203.0.113.1:5060"},
		{sip.UDP, "::ffff:198.51.100.1", "203.0.113.1:5060"},
		{sip.UDP, "198.51.100.2", "192.0.2.1:5060"}, // no route is known: the first
		{sip.TCP, "198.51.100.1", "192.0.2.1:5061"},
		{sip.UDP, "2001:db8::9", "[2001:db8::1]:5060"},
		{sip.UDP, "127.0.0.1", "127.0.0.1:5060"},
		{sip.TCP, "127.0.0.1", "192.0.2.1:5061"},
		{sip.TLS, "198.51.100.1", ""},
	} {
		l, ok := tr.ListenerFor(test.transport, netip.MustParseAddr(test.remote))
		if ok != (test.want != "") || ok && l.Local.String() != test.want {
			t.Errorf("%s to %s: %v", test.transport, test.remote, l.Local)
		}
	}
}

func TestReadingGoesOnAfterAnError(t *testing.T) {
	t.Parallel()
	udp(t, Limits{}, func(t *testing.T, socket *fakePacketConn, w *witness) {
		for range 3 {
			socket.errs <- syscall.ENOBUFS
		}
		arrive(socket, request("z9hG4bKa"))
		if n := w.count(ReadFailed); n != 3 || len(w.inbound) != 1 {
			t.Errorf("%d errors counted, %d messages", n, len(w.inbound))
		}
	})
}
