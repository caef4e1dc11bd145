package transport

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sipscript/sipscript/sip"
)

// tcp runs a test against a transport with one TCP listener, in virtual time.
func tcp(t *testing.T, limits Limits, test func(t *testing.T, n *fakeNet, tr *Transport, w *witness)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := newFakeNet()
		tr, w := start(t, Config{Net: n, Listen: listen("tcp:192.0.2.1:5060"), Limits: limits})
		test(t, n, tr, w)
	})
}

// connected runs a test with one connection open to it; peer is the other end.
func connected(t *testing.T, limits Limits, test func(t *testing.T, tr *Transport, w *witness, peer net.Conn)) {
	t.Helper()
	tcp(t, limits, func(t *testing.T, n *fakeNet, tr *Transport, w *witness) {
		peer := n.connect(t, clientAddr, serverAddr)
		defer peer.Close()
		test(t, tr, w, peer)
	})
}

// write sends b from the peer and waits until it is dealt with.
func write(t *testing.T, peer net.Conn, b ...[]byte) {
	t.Helper()
	if _, err := peer.Write(bytes.Join(b, nil)); err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
}

// answer reads one message without a body from the peer's end.
func answer(t *testing.T, peer net.Conn) []byte {
	t.Helper()
	peer.SetReadDeadline(time.Now().Add(time.Minute))
	var b []byte
	for !bytes.HasSuffix(b, []byte("\r\n\r\n")) {
		var c [1]byte
		if _, err := io.ReadFull(peer, c[:]); err != nil {
			t.Fatalf("after %q: %v", b, err)
		}
		b = append(b, c[0])
	}
	return b
}

// gone reads the peer's end until it is closed and returns how long that took.
func gone(t *testing.T, peer net.Conn) time.Duration {
	t.Helper()
	began := time.Now()
	peer.SetReadDeadline(began.Add(time.Hour))
	if n, err := io.Copy(io.Discard, peer); err != nil || n > 0 {
		t.Fatalf("%d bytes, then %v", n, err)
	}
	synctest.Wait()
	return time.Since(began)
}

// withBody is a request with a body of n bytes.
func withBody(branch string, n int) []byte {
	return append(request(branch, fmt.Sprintf("Content-Length: %d", n)), bytes.Repeat([]byte("b"), n)...)
}

func TestB007MessagesOfOneSegmentAreDeliveredTogether(t *testing.T) {
	t.Parallel()
	connected(t, Limits{}, func(t *testing.T, _ *Transport, w *witness, peer net.Conn) {
		write(t, peer, []byte("\r\n"), request("z9hG4bKa"), withBody("z9hG4bKb", 300), []byte("\r\n"), response("z9hG4bKc"))
		if got := w.branches(t); !slices.Equal(got, []string{"z9hG4bKa", "z9hG4bKb", "z9hG4bKc"}) {
			t.Errorf("received %v", got)
		}
		if n := len(w.inbound[1].Msg.Body()); n != 300 {
			t.Errorf("body of %d bytes", n)
		}
		first := w.inbound[0].Flow
		if first.Transport != sip.TCP || first.Local != serverAddr || first.Remote != clientAddr || first.Conn == 0 {
			t.Errorf("flow %+v", first)
		}
	})
}

func TestB007MessageInOneByteSegments(t *testing.T) {
	t.Parallel()
	connected(t, Limits{}, func(t *testing.T, _ *Transport, w *witness, peer net.Conn) {
		for _, m := range [][]byte{withBody("z9hG4bKa", 10), []byte("\r\n"), request("z9hG4bKb")} {
			for i := range m {
				write(t, peer, m[i:i+1])
			}
		}
		if got := w.branches(t); !slices.Equal(got, []string{"z9hG4bKa", "z9hG4bKb"}) {
			t.Errorf("received %v", got)
		}
		if n := w.count(Malformed); n > 0 {
			t.Errorf("%d malformed", n)
		}
	})
}

func TestB009LongMessageOnAStream(t *testing.T) {
	t.Parallel()
	connected(t, Limits{Message: 200_000}, func(t *testing.T, _ *Transport, w *witness, peer net.Conn) {
		write(t, peer, withBody("z9hG4bKa", 150_000), request("z9hG4bKb"))
		if got := w.branches(t); !slices.Equal(got, []string{"z9hG4bKa", "z9hG4bKb"}) || len(w.inbound[0].Msg.Body()) != 150_000 {
			t.Errorf("received %v", got)
		}
	})
}

func TestB044StreamRequestIsStamped(t *testing.T) {
	t.Parallel()
	connected(t, Limits{}, func(t *testing.T, _ *Transport, w *witness, peer net.Conn) {
		write(t, peer, []byte(strings.Replace(string(request("z9hG4bKa")), ";branch", ";rport;branch", 1)))
		via, err := w.inbound[0].Msg.Via()
		if err != nil {
			t.Fatal(err)
		}
		received, _ := via.Params.Get("received")
		rport, _ := via.Params.Get("rport")
		if received != "192.0.2.9" || rport != "40000" {
			t.Errorf("received=%q rport=%q", received, rport)
		}
	})
}

func TestB008DoubleCRLFIsAnsweredByOne(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		send []string
		want string
	}{
		{"ping", []string{"\r\n\r\n"}, "\r\n"},
		{"ping in pieces", []string{"\r", "\n", "\r", "\n"}, "\r\n"},
		{"two pings", []string{"\r\n\r\n\r\n\r\n"}, "\r\n\r\n"},
		{"ping before a message", []string{"\r\n\r\n" + string(request("z9hG4bKa"))}, "\r\n"},
		{"ping after a message", []string{string(request("z9hG4bKa")) + "\r\n\r\n"}, "\r\n"},
		{"single CRLF", []string{"\r\n"}, ""},
		{"single CRLFs around a message", []string{"\r\n" + string(request("z9hG4bKa")) + "\r\n"}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			connected(t, Limits{}, func(t *testing.T, _ *Transport, w *witness, peer net.Conn) {
				for _, s := range test.send {
					if _, err := peer.Write([]byte(s)); err != nil {
						t.Fatal(err)
					}
				}
				peer.SetReadDeadline(time.Now().Add(time.Minute))
				got, _ := io.ReadAll(peer)
				if string(got) != test.want {
					t.Errorf("answered %q, want %q", got, test.want)
				}
				if len(w.takeClosed()) > 0 {
					t.Error("the connection ended")
				}
			})
		})
	}
}

func TestB006BadFramingIsAnsweredAndCloses(t *testing.T) {
	t.Parallel()
	noLength := []byte(strings.Replace(string(request("z9hG4bKa")), "Content-Length: 0\r\n", "", 1))
	for _, test := range []struct {
		name string
		raw  []byte
		want int
	}{
		{"no Content-Length", noLength, 400},
		{"negative Content-Length", request("z9hG4bKa", "Content-Length: -1"), 400},
		{"Content-Length that is no number", request("z9hG4bKa", "Content-Length: ten"), 400},
		{"contradictory Content-Lengths", request("z9hG4bKa", "Content-Length: 1", "Content-Length: 2"), 400},
		{"B009 body above the limit", withBody("z9hG4bKa", 5000), 513},
		{"B009 header above the limit", request("z9hG4bKa", slices.Repeat([]string{"X: " + strings.Repeat("x", 300)}, 10)...), 513},
		{"too many header fields", request("z9hG4bKa", slices.Repeat([]string{"X: x"}, 30)...), 400},
		{"response", message("SIP/2.0 200 OK", "OPTIONS", "z9hG4bKa", "Content-Length: -1"), 0},
		{"B015 ACK", message("ACK sip:192.0.2.1 SIP/2.0", "ACK", "z9hG4bKa", "Content-Length: -1"), 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			connected(t, Limits{Message: 2000, Headers: 20}, func(t *testing.T, _ *Transport, w *witness, peer net.Conn) {
				go peer.Write(append(test.raw, request("z9hG4bKb")...)) // the rest of it may find nobody
				if test.want != 0 {
					if got := statusOf(t, answer(t, peer)); got != test.want {
						t.Errorf("answered %d, want %d", got, test.want)
					}
				}
				if d := gone(t, peer); d > lingerTime {
					t.Errorf("closed after %v", d)
				}
				if got := w.branches(t); len(got) > 0 {
					t.Errorf("received %v", got)
				}
				if cs := w.takeClosed(); len(cs) != 1 {
					t.Errorf("closed %v", cs)
				}
				if n := w.count(Malformed) + w.count(Oversized); n != 1 {
					t.Errorf("counted %d times", n)
				}
			})
		})
	}
}

func TestMalformedMessageThatIsFramedKeepsTheConnection(t *testing.T) {
	t.Parallel()
	connected(t, Limits{}, func(t *testing.T, _ *Transport, w *witness, peer net.Conn) {
		write(t, peer, message("OPTIONS sip:192.0.2.1 SIP/7.0", "OPTIONS", "z9hG4bKa"), request("z9hG4bKb"))
		if got := statusOf(t, answer(t, peer)); got != 505 {
			t.Errorf("answered %d", got)
		}
		if got := w.branches(t); !slices.Equal(got, []string{"z9hG4bKb"}) {
			t.Errorf("received %v", got)
		}
	})
}

func TestRequestsOfOneSourceAreBoundedOnStreams(t *testing.T) {
	t.Parallel()
	connected(t, Limits{PerSource: PerSource{Requests: 2}}, func(t *testing.T, _ *Transport, w *witness, peer net.Conn) {
		write(t, peer, request("z9hG4bKa"), request("z9hG4bKb"), request("z9hG4bKc"), response("z9hG4bKd"))
		if got := w.branches(t); !slices.Equal(got, []string{"z9hG4bKa", "z9hG4bKb", "z9hG4bKd"}) || w.count(RequestDropped) != 1 {
			t.Errorf("received %v", got)
		}
	})
}

func TestHalfAMessageClosesAfterTenSeconds(t *testing.T) {
	t.Parallel()
	for name, part := range map[string][]byte{
		"of the header": request("z9hG4bKa")[:100],
		"of the body":   withBody("z9hG4bKa", 10)[:len(request("z9hG4bKa"))+5],
		"after a CR":    []byte("\rOP"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			connected(t, Limits{}, func(t *testing.T, tr *Transport, w *witness, peer net.Conn) {
				write(t, peer, request("z9hG4bK0"))
				time.Sleep(time.Hour) // between messages nothing is owed
				write(t, peer, part[:2])
				time.Sleep(messageTime - time.Second)
				write(t, peer, part[2:]) // a little more buys no time
				if d := gone(t, peer); d != time.Second {
					t.Errorf("closed %v after the last byte", d)
				}
				flow := w.inbound[0].Flow
				if cs := w.takeClosed(); len(cs) != 1 || cs[0].flow != flow || !errors.Is(cs[0].err, ErrHalfMessage) {
					t.Errorf("closed %v", cs)
				}
				if tr.Alive(flow) {
					t.Error("the flow is alive")
				}
			})
		})
	}
}

// The time a Receive takes is ours and not the peer's.
func TestBackPressureDoesNotCountAsHalfAMessage(t *testing.T) {
	t.Parallel()
	connected(t, Limits{}, func(t *testing.T, _ *Transport, w *witness, peer net.Conn) {
		w.gate = make(chan struct{})
		second := request("z9hG4bKb")
		write(t, peer, request("z9hG4bKa"), second[:50])
		go peer.Write(second[50:])
		time.Sleep(time.Minute)
		if got := w.branches(t); len(got) != 1 {
			t.Fatalf("received %v while Receive blocks", got)
		}
		close(w.gate)
		synctest.Wait()
		if got := w.branches(t); !slices.Equal(got, []string{"z9hG4bKa", "z9hG4bKb"}) {
			t.Errorf("received %v", got)
		}
	})
}

func TestAnswerGoesByTheConnectionOfItsRequestOnly(t *testing.T) {
	t.Parallel()
	tcp(t, Limits{}, func(t *testing.T, n *fakeNet, tr *Transport, w *witness) {
		a := n.connect(t, clientAddr, serverAddr)
		b := n.connect(t, clientAddr, serverAddr) // even from the same address and port
		defer b.Close()
		write(t, a, request("z9hG4bKa"))
		write(t, b, request("z9hG4bKb"))
		s, flow := tr.Sender(0), w.inbound[0].Flow
		s.Send(flow, response("z9hG4bKa"))
		if got := header(answer(t, a), "Call-ID"); got != "z9hG4bKa@example.org" {
			t.Errorf("answer to %q", got)
		}
		a.Close()
		synctest.Wait()
		if cs := w.takeClosed(); len(cs) != 1 || cs[0] != (closing{flow, io.EOF}) {
			t.Errorf("closed %v", cs)
		}
		s.Send(flow, response("z9hG4bKa"))
		s.Flush()
		if fs := w.takeFailures(); len(fs) != 1 || !errors.Is(fs[0].Err, ErrConnectionGone) || fs[0].Flow != flow || fs[0].Branch != "z9hG4bKa" {
			t.Errorf("failures %+v", fs)
		}
	})
}

func TestPeerThatDoesNotReadLosesItsConnectionOnly(t *testing.T) {
	t.Parallel()
	tcp(t, Limits{}, func(t *testing.T, n *fakeNet, tr *Transport, w *witness) {
		slow := n.connect(t, clientAddr, serverAddr)
		quick := n.connect(t, clientAddr, serverAddr)
		defer slow.Close()
		defer quick.Close()
		write(t, slow, request("z9hG4bKa"))
		write(t, quick, request("z9hG4bKb"))
		s := tr.Sender(0)
		for range 3 {
			s.Send(w.inbound[0].Flow, response("z9hG4bKa"))
			s.Send(w.inbound[1].Flow, response("z9hG4bKb"))
			answer(t, quick)
		}
		time.Sleep(writeTime - time.Nanosecond)
		synctest.Wait()
		if cs := w.takeClosed(); len(cs) > 0 {
			t.Fatalf("closed early: %v", cs)
		}
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		if cs := w.takeClosed(); len(cs) != 1 || cs[0].flow != w.inbound[0].Flow || !errors.Is(cs[0].err, ErrPeerNotReading) {
			t.Errorf("closed %v", cs)
		}
		if fs := w.takeFailures(); len(fs) != 3 {
			t.Errorf("%d failures, want each message once", len(fs))
		}
		s.Send(w.inbound[1].Flow, response("z9hG4bKb"))
		answer(t, quick)
	})
}

func TestFullWriteQueueClosesThatConnection(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		size, want int // bytes of a message, how many are taken
	}{
		"messages": {10, queueMessages},
		"bytes":    {64 << 10, queueBytes / (64 << 10)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			connected(t, Limits{}, func(t *testing.T, tr *Transport, w *witness, peer net.Conn) {
				write(t, peer, request("z9hG4bKa"))
				s, flow := tr.Sender(0), w.inbound[0].Flow
				b := bytes.Repeat([]byte("x"), test.size)
				s.Send(flow, b)
				synctest.Wait() // the writer has taken it and waits for the peer
				for range test.want {
					s.Send(flow, b)
				}
				synctest.Wait()
				if !tr.Alive(flow) {
					t.Fatal("closed before the queue was full")
				}
				s.Send(flow, b)
				s.Flush()
				synctest.Wait()
				if cs := w.takeClosed(); len(cs) != 1 || !errors.Is(cs[0].err, ErrQueueFull) {
					t.Errorf("closed %v", cs)
				}
				if n := len(w.takeFailures()); n != test.want+2 {
					t.Errorf("%d failures of %d messages", n, test.want+2)
				}
			})
		})
	}
}

func TestConnectionsAreLimited(t *testing.T) {
	t.Parallel()
	limits := Limits{Connections: 3, PerSource: PerSource{Connections: 2}}
	tcp(t, limits, func(t *testing.T, n *fakeNet, tr *Transport, w *witness) {
		from := func(ip string) net.Conn {
			return n.connect(t, netip.AddrPortFrom(netip.MustParseAddr(ip), 40000), serverAddr)
		}
		first, second := from("192.0.2.9"), from("192.0.2.9")
		gone(t, from("192.0.2.9")) // over its share
		third := from("192.0.2.10")
		gone(t, from("192.0.2.11")) // over the total
		if n := w.count(ConnectionRefused); n != 2 {
			t.Errorf("%d refused", n)
		}
		first.Close()
		synctest.Wait()
		fourth := from("192.0.2.9")
		for i, c := range []net.Conn{second, third, fourth} {
			write(t, c, request(fmt.Sprint("z9hG4bK", i)))
			c.Close()
		}
		if got := w.branches(t); len(got) != 3 {
			t.Errorf("received %v", got)
		}
		seen := map[uint64]bool{}
		for _, in := range w.inbound {
			if seen[in.Flow.Conn] {
				t.Errorf("connection number %d was used twice", in.Flow.Conn)
			}
			seen[in.Flow.Conn] = true
		}
		synctest.Wait()
		if tr.conns.byNumber == nil || len(tr.conns.byNumber)+len(tr.conns.perSource) > 0 {
			t.Errorf("left in the table: %v, %v", tr.conns.byNumber, tr.conns.perSource)
		}
	})
}

func TestAcceptGoesOnAfterAnError(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newFakeNet()
		w := &witness{}
		tr, err := Open(Config{Net: n, Listen: listen("tcp:192.0.2.1:5060"), Receive: w.receive, Trace: w.trace})
		if err != nil {
			t.Fatal(err)
		}
		n.listeners[serverAddr].errs = []error{syscall.EMFILE, syscall.EMFILE}
		began := time.Now()
		tr.Start()
		defer tr.Close()
		peer := n.connect(t, clientAddr, serverAddr)
		defer peer.Close()
		if d := time.Since(began); d < 10*time.Millisecond || d > time.Second {
			t.Errorf("accepted after %v", d)
		}
		if n := w.count(AcceptFailed); n != 2 {
			t.Errorf("%d failures counted", n)
		}
	})
}

func TestHandshakeHasTenSeconds(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	synctest.Test(t, func(t *testing.T) {
		n := newFakeNet()
		_, w := start(t, Config{Net: n, Listen: listen("tls:192.0.2.1:5060"), TLS: ca.config("sip.example.org"), Files: ca.files})
		peer := n.connect(t, clientAddr, serverAddr)
		if d := gone(t, peer); d != handshakeTime {
			t.Errorf("closed after %v", d)
		}
		if n := w.count(ConnectionEnded); n != 1 || len(w.takeClosed()) > 0 {
			t.Errorf("events %v", w.events)
		}
	})
}

func TestStopReadsNoMoreAndStillSends(t *testing.T) {
	t.Parallel()
	connected(t, Limits{}, func(t *testing.T, tr *Transport, w *witness, peer net.Conn) {
		write(t, peer, request("z9hG4bKa"))
		tr.Stop()
		synctest.Wait()
		peer.SetWriteDeadline(time.Now().Add(time.Minute))
		if _, err := peer.Write(request("z9hG4bKb")); err == nil {
			t.Error("it read on")
		}
		tr.Sender(0).Send(w.inbound[0].Flow, response("z9hG4bKa"))
		answer(t, peer)
		tr.Close()
		gone(t, peer)
		tr.Sender(0).Send(w.inbound[0].Flow, response("z9hG4bKa"))
		tr.Sender(0).Flush()
		if fs := w.takeFailures(); len(fs) != 1 {
			t.Errorf("failures %+v", fs)
		}
	})
}

func BenchmarkStreamRequests(b *testing.B) {
	received := make(chan struct{}, 1)
	left := 0
	tr, err := Open(Config{Listen: listen("tcp:127.0.0.1:0"), Receive: func(batch []Inbound) {
		if left -= len(batch); left == 0 {
			received <- struct{}{}
		}
	}})
	if err != nil {
		b.Fatal(err)
	}
	tr.Start()
	defer tr.Close()
	peer, err := net.Dial("tcp", tr.Listeners()[0].Local.String())
	if err != nil {
		b.Fatal(err)
	}
	defer peer.Close()
	out := bufio.NewWriterSize(peer, 32<<10)
	m := request("z9hG4bKa")
	left = b.N
	b.ReportAllocs()
	for range b.N {
		out.Write(m)
	}
	out.Flush()
	<-received
}
