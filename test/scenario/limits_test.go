package scenario

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/sipscript/sipscript/engine"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
	"github.com/sipscript/sipscript/sip/transport"
)

// Everything in the limits has an answer, and whoever breaks one hurts nobody else.

// answering is a script that answers all it gets.
const answering = `
	sip.on("*", function(req) req:reply(200) end)
	sip.on("REGISTER", function(req) registrar.save(req) end)`

func limited(l transport.Limits) Options {
	return Options{Engine: engine.Config{Limits: engine.Limits{Limits: l}}}
}

// connect opens a plain connection to the server.
func connect(t *testing.T, s *siptest.Scene, from string) net.Conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	c, err := s.Net.Host(netip.MustParseAddr(from)).Dial(ctx, netip.Addr{}, netip.MustParseAddrPort(s.Server))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func put(t *testing.T, c net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
}

// get reads what the server sends within a time, and reports whether it has ended the connection.
func get(t *testing.T, c net.Conn, within time.Duration) (text string, ended bool) {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(within)); err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(c)
	return string(b), !errors.Is(err, os.ErrDeadlineExceeded)
}

// serves fails the test unless the server answers an OPTIONS of somebody else.
func serves(t *testing.T, u *siptest.UA) {
	t.Helper()
	if got := u.Final(u.Request(sip.OPTIONS, "sip:192.0.2.1")); got.Status() != 200 {
		t.Errorf("%s got %d for an OPTIONS", u.Name(), got.Status())
	}
}

// overTCP is a message as it goes over a stream.
func overTCP(text string) string { return strings.Replace(text, "SIP/2.0/UDP", "SIP/2.0/TCP", 1) }

func TestTooLargeMessageGets513(t *testing.T) {
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		srv := Start(t, s, answering, limited(transport.Limits{Message: 2000}))
		other := s.UA("other", "192.0.2.20:5060", sip.TCP)
		big := raw(sip.MESSAGE, "Content-Length: 0\n\n", "Content-Length: 1800\n\n"+strings.Repeat("x", 1800))

		alice := newPeer(t, s, "192.0.2.10:5060")
		alice.send(big)
		time.Sleep(time.Second)
		if got := alice.answers(); len(got) != 1 || !strings.HasPrefix(got[0], "SIP/2.0 513 ") {
			t.Errorf("the datagram was answered %q", got)
		}
		serves(t, other)

		for name, part := range map[string]string{
			"whole": overTCP(big), "header only": overTCP(big)[:400],
			"header without end": overTCP(raw(sip.MESSAGE, "Content-Length: 0\n\n", "X: "+strings.Repeat("x", 2000))),
		} {
			c := connect(t, s, "192.0.2.30")
			put(t, c, part)
			got, ended := get(t, c, 5*time.Second)
			if !strings.HasPrefix(got, "SIP/2.0 513 ") || !ended {
				t.Errorf("%s over a stream was answered %q, ended %v", name, got, ended)
			}
			_ = c.Close()
		}
		serves(t, other)
		if n := srv.Engine.Counters.Total("oversized"); n != 4 {
			t.Errorf("%d were counted, want 4", n)
		}
	})
}

func TestTooManyHeadersGet400(t *testing.T) {
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		Start(t, s, answering, limited(transport.Limits{Headers: 20}))
		other := s.UA("other", "192.0.2.20:5060", sip.TCP)
		for headers, want := range map[int]string{13: "200", 14: "400"} { // the request has 7
			text := raw(sip.MESSAGE, "Max-Forwards: 70\n", "Max-Forwards: 70\n"+strings.Repeat("X: y\n", headers))
			alice := newPeer(t, s, fmt.Sprintf("192.0.2.10:%d", 5000+headers))
			alice.send(strings.Replace(text, "192.0.2.10:5060;", "192.0.2.10:5060;rport;", 1))
			time.Sleep(time.Second)
			if got := alice.answers(); len(got) != 1 || !strings.HasPrefix(got[0], "SIP/2.0 "+want) {
				t.Errorf("a datagram with %d headers was answered %q, want %s", 7+headers, got, want)
			}
			c := connect(t, s, "192.0.2.30")
			put(t, c, overTCP(strings.Replace(text, "-raw", "-tcp", 1)))
			if got, _ := get(t, c, 5*time.Second); !strings.HasPrefix(got, "SIP/2.0 "+want) {
				t.Errorf("%d headers over a stream were answered %q, want %s", 7+headers, got, want)
			}
		}
		serves(t, other)
	})
}

func TestConnectionsOverTheLimitAreClosed(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		limits   transport.Limits
		stranger bool // somebody else is served meanwhile
	}{
		{"of all", transport.Limits{Connections: 3}, false},
		{"of one source", transport.Limits{PerSource: transport.PerSource{Connections: 3}}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
				srv := Start(t, s, answering, limited(test.limits))
				var open []net.Conn
				for range 3 {
					open = append(open, connect(t, s, "192.0.2.30"))
				}
				for range 5 {
					c := connect(t, s, "192.0.2.30")
					if got, ended := get(t, c, time.Second); got != "" || !ended {
						t.Errorf("one too many was answered %q, ended %v", got, ended)
					}
				}
				if n := srv.Engine.Counters.Total("connection_refused"); n != 5 {
					t.Errorf("%d were counted, want 5", n)
				}
				if test.stranger {
					serves(t, s.UA("other", "192.0.2.20:5060", sip.TCP))
				}
				serves(t, s.UA("udp", "192.0.2.40:5060", sip.UDP))
				for i, c := range open {
					put(t, c, overTCP(raw(sip.OPTIONS, "-raw", fmt.Sprint("-raw", i))))
					if got, ended := get(t, c, time.Second); !strings.HasPrefix(got, "SIP/2.0 200") || ended {
						t.Errorf("connection %d within the limit got %q, ended %v", i, got, ended)
					}
				}
				_ = open[0].Close()
				time.Sleep(time.Second)
				c := connect(t, s, "192.0.2.30") // there is room again
				put(t, c, overTCP(raw(sip.OPTIONS, "-raw", "-again")))
				if got, ended := get(t, c, time.Second); !strings.HasPrefix(got, "SIP/2.0 200") || ended {
					t.Errorf("a connection in the place of a closed one got %q, ended %v", got, ended)
				}
			})
		})
	}
}

func TestRequestsOverASourcesShareAreDropped(t *testing.T) {
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		srv := Start(t, s, answering, limited(transport.Limits{PerSource: transport.PerSource{Requests: 10}}))
		alice := s.UA("alice", "192.0.2.10:5060", sip.UDP)
		bob := s.UA("bob", "192.0.2.20:5060", sip.UDP)
		for range 50 {
			alice.Request(sip.MESSAGE, "sip:x@192.0.2.1")
		}
		serves(t, bob)
		time.Sleep(time.Second)
		if n := len(alice.Unread()); n != 10 {
			t.Errorf("%d of 50 requests of one instant were answered, want 10", n)
		}
		if n := srv.Engine.Counters.Total("request_dropped"); n != 40 {
			t.Errorf("%d were counted, want 40", n)
		}
		for range 30 { // within the share
			alice.Request(sip.INFO, "sip:x@192.0.2.1")
			alice.Expect("200 INFO", time.Second)
			time.Sleep(100 * ms)
		}
	})
}

func TestHalfAMessageEndsItsConnectionAfterTenSeconds(t *testing.T) {
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		Start(t, s, answering, Options{})
		other := s.UA("other", "192.0.2.20:5060", sip.TCP)
		serves(t, other)
		whole := overTCP(raw(sip.MESSAGE, "Content-Length: 0\n\n", "Content-Length: 10\n\n0123456789"))
		for _, n := range []int{1, 20, len(whole) - 11, len(whole) - 1} {
			c := connect(t, s, "192.0.2.30")
			put(t, c, whole[:n])
			if got, ended := get(t, c, 9*time.Second); ended || got != "" {
				t.Errorf("%d bytes: ended too early, after %q", n, got)
			}
			if _, ended := get(t, c, 2*time.Second); !ended {
				t.Errorf("%d bytes of a message hold a connection open for more than ten seconds", n)
			}
			_ = c.Close()
		}
		// Slow is not stuck: a message may take its time, and between messages there is all the time.
		c := connect(t, s, "192.0.2.30")
		for i := range len(whole) {
			put(t, c, whole[i:i+1])
			time.Sleep(20 * ms)
		}
		if got, ended := get(t, c, time.Second); !strings.HasPrefix(got, "SIP/2.0 200") || ended {
			t.Errorf("a slow message got %q, ended %v", got, ended)
		}
		time.Sleep(time.Hour)
		put(t, c, strings.ReplaceAll(whole, "-raw", "-later"))
		if got, ended := get(t, c, time.Second); !strings.HasPrefix(got, "SIP/2.0 200") || ended {
			t.Errorf("an hour later it got %q, ended %v", got, ended)
		}
		serves(t, other)
		if n := countConnects(s); n != 6 {
			t.Errorf("%d connections were opened: that of the other was not left alone", n)
		}
	})
}

func TestPeerThatDoesNotReadLosesItsConnectionOnly(t *testing.T) {
	t.Parallel()
	siptest.Run(t, siptest.Setting{Network: siptest.Options{Window: 2000}}, func(t *testing.T, s *siptest.Scene) {
		srv := Start(t, s, answering, Options{})
		other := s.UA("other", "192.0.2.20:5060", sip.TCP)
		serves(t, other)
		c := connect(t, s, "192.0.2.30")
		for i := range 20 { // the answers do not fit into its window
			put(t, c, overTCP(raw(sip.MESSAGE, "-raw", fmt.Sprint("-raw", i))))
		}
		for range 18 {
			time.Sleep(500 * ms)
			serves(t, other)
		}
		if n := srv.Engine.Counters.Total("connection_ended"); n != 0 {
			t.Errorf("%d connections have ended after nine seconds", n)
		}
		time.Sleep(2 * time.Second)
		if n := srv.Engine.Counters.Total("connection_ended"); n != 1 {
			t.Errorf("%d connections have ended after eleven seconds, want 1", n)
		}
		serves(t, other)
		if n := countConnects(s); n != 2 {
			t.Errorf("%d connections were opened: that of the other was not left alone", n)
		}
	})
}

// A side that counts its CSeq up to the end leaves this server no number for the BYE that ends its call: it is not let there.
func TestACallWithALimitEndsWhateverItsSidesCountTo(t *testing.T) {
	const limited = `sip.on("INVITE", function(req) req:proxy("sip:bob@192.0.2.20", { max_duration = 30 }) end)`
	play(t, limited+logEnd, Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
		a, b := alice(s), bob(s)
		caller, callee := talk(t, a, b)
		high := func(m *sip.Message) { m.Set("CSeq", "2147483647 INFO") }
		caller.Request(sip.INFO, high)
		a.Expect("500 INFO", soon)
		callee.Request(sip.INFO, high)
		b.Expect("500 INFO", soon)
		for _, u := range []*siptest.UA{a, b} {
			bye := u.Expect(sip.BYE, 31*time.Second)
			if cseq, err := bye.CSeq(); err != nil || cseq.Number > 1<<30 {
				t.Errorf("BYE with %v, %v", cseq, err)
			}
			u.Reply(bye, 200)
		}
		time.Sleep(soon)
		wantEnd(t, srv, "by=limit")

		a.Request(sip.INVITE, "sip:bob@192.0.2.1", func(m *sip.Message) { m.Set("CSeq", "2147483647 INVITE") })
		b.ExpectNone(soon, sip.INVITE)
		a.ACK(a.Expect("400 INVITE", soon))
	})
}
