package scenario

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

// response is the first packet from the server to an address that begins like a response.
func response(t *testing.T, s *siptest.Scene, to string) siptest.Entry {
	t.Helper()
	for _, e := range s.Net.Trace() {
		if e.Dst == netip.MustParseAddrPort(to) && bytes.HasPrefix(e.Bytes, []byte("SIP/2.0 ")) {
			return e
		}
	}
	t.Fatalf("no response was sent to %s:\n%s", to, s.Ladder())
	return siptest.Entry{}
}

func TestB044B045ResponseGoesWhereTheRequestCameFrom(t *testing.T) {
	t.Parallel()
	for _, answer := range []struct{ name, script string }{
		{"answered", `sip.on("MESSAGE", function(req) req:reply(202) end)`},
		{"answered later", `sip.on("MESSAGE", function(req) sleep(1) req:reply(202) end)`},
		{"answered without a transaction", `sip.on("OPTIONS", function(req) end)`}, // 405
		{"proxied", `sip.on("MESSAGE", function(req) req:proxy("sip:bob@192.0.2.20") end)`},
		{"forwarded without a transaction", `sip.on("MESSAGE", function(req) req:forward("sip:bob@192.0.2.20") end)`},
	} {
		for _, test := range []struct{ via, to, contains string }{
			{"192.0.2.10:5060", "192.0.2.10:5060", "192.0.2.10:5060;branch="},
			{"192.0.2.10", "192.0.2.10:5060", "192.0.2.10;branch="},
			{"192.0.2.10:5099", "192.0.2.10:5099", "192.0.2.10:5099;branch="}, // the port is the sender's to say
			{"10.0.0.7:5070", "192.0.2.10:5070", ";received=192.0.2.10"},
			{"10.0.0.7", "192.0.2.10:5060", ";received=192.0.2.10"},
			{"phone.example.org", "192.0.2.10:5060", ";received=192.0.2.10"},
			{"phone.example.org:5080", "192.0.2.10:5080", ";received=192.0.2.10"},
			{"10.0.0.7;received=10.9.9.9", "192.0.2.10:5060", ";received=192.0.2.10"}, // a lie
			{"10.0.0.7;rport", "192.0.2.10:40000", ";rport=40000"},
			{"192.0.2.10:5099;rport", "192.0.2.10:40000", ";received=192.0.2.10"}, // RFC 3581 §4: although it is equal
			{"192.0.2.10:5099;maddr=192.0.2.30", "192.0.2.30:5099", ";maddr=192.0.2.30"},
			{"192.0.2.10;rport;maddr=192.0.2.30", "192.0.2.30:5060", ";rport=40000"},
		} {
			t.Run(answer.name+"/"+test.via, func(t *testing.T) {
				t.Parallel()
				siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
					Start(t, s, answer.script, Options{})
					s.UA("bob", "192.0.2.20:5060", sip.UDP).AutoReply(202)
					alice := newPeer(t, s, "192.0.2.10:40000")
					alice.send(raw(sip.MESSAGE, "192.0.2.10:5060", test.via))
					time.Sleep(2 * time.Second)
					got := response(t, s, test.to)
					if want := netip.MustParseAddrPort("192.0.2.1:5060"); got.Src != want {
						t.Errorf("it came from %v, the request went to %v", got.Src, want)
					}
					if !strings.Contains(string(got.Bytes), test.contains) {
						t.Errorf("no %q in\n%s", test.contains, got.Bytes)
					}
				})
			})
		}
	}
}

func TestB045ResponseLeavesByTheAddressTheRequestCameTo(t *testing.T) {
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		Start(t, s, `sip.on("MESSAGE", function(req) req:reply(202) end)`, Options{
			Addr: "192.0.2.1 192.0.2.2", Listen: []string{"udp:0.0.0.0:5060", "udp:192.0.2.1:5080"},
		})
		alice := newPeer(t, s, "192.0.2.10:40000")
		for i, to := range []string{"192.0.2.1:5060", "192.0.2.2:5060", "192.0.2.1:5080"} {
			alice.server = netip.MustParseAddrPort(to)
			alice.send(raw(sip.MESSAGE, ";branch", ";rport;branch", "-raw", fmt.Sprint("-raw", i)))
			time.Sleep(time.Second)
			trace := s.Net.Trace()
			if last := trace[len(trace)-1]; last.Src != alice.server || last.Dst.Port() != 40000 {
				t.Errorf("the request to %s was answered from %v to %v", to, last.Src, last.Dst)
			}
		}
	})
}

func TestB044ResponseOfAStreamGoesByItsConnection(t *testing.T) {
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		Start(t, s, `sip.on("MESSAGE", function(req) req:proxy("sip:bob@192.0.2.20") end)`, Options{})
		bob := s.UA("bob", "192.0.2.20:5060", sip.UDP)
		alice := s.UA("alice", "192.0.2.10:5060", sip.TCP)
		alice.Request(sip.MESSAGE, "sip:bob@192.0.2.1", siptest.Set("Via", "SIP/2.0/TCP 10.0.0.7:5099;branch=z9hG4bK-x;rport"))
		m := bob.Expect(sip.MESSAGE, time.Second)
		var vias []string
		for v := range m.List(sip.Via) {
			vias = append(vias, v)
		}
		if v := vias[1]; !strings.Contains(v, ";received=192.0.2.10") || !strings.Contains(v, ";rport=") {
			t.Errorf("the sender's Via is %q", v)
		}
		bob.Reply(m, 202)
		alice.Expect("202", time.Second)
		if dials := countConnects(s); dials != 1 {
			t.Errorf("%d connections were opened, want the sender's only", dials)
		}
	})
}

// countConnects counts the TCP connections that were asked for.
func countConnects(s *siptest.Scene) (n int) {
	for _, e := range s.Net.Trace() {
		if e.Kind == siptest.Open {
			n++
		}
	}
	return n
}

func TestResponseToALostConnectionGoesByANewOne(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, script string }{
		{"answered", `sip.on("INVITE", function(req) sleep(2) req:reply(486) end)`},
		{"proxied", `sip.on("INVITE", function(req) sleep(2) req:proxy("sip:bob@192.0.2.20") end)`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
				Start(t, s, test.script, Options{})
				s.UA("bob", "192.0.2.20:5060", sip.UDP).AutoReply(486)
				alice := s.UA("alice", "192.0.2.10:5060", sip.TCP)
				invite := alice.Request(sip.INVITE, "sip:bob@192.0.2.1")
				alice.Expect("100", time.Second)
				alice.Disconnect()
				// RFC 3261 §18.2.2: to the address it came from, at the port of the sent-by.
				if got := alice.Final(invite); got.Status() != 486 {
					t.Errorf("got %d", got.Status())
				}
				if n := countConnects(s); n != 2 {
					t.Errorf("%d connections were opened, want the caller's and one back", n)
				}
			})
		})
	}
}

func TestResponseThatNobodyTakesIsDropped(t *testing.T) {
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		srv := Start(t, s, `
			sip.on("INVITE", function(req) sleep(2) req:reply(486) end)
			sip.on("OPTIONS", function(req) req:reply(200) end)`, Options{})
		alice := s.UA("alice", "192.0.2.10:5060", sip.TCP)
		alice.Request(sip.INVITE, "sip:bob@192.0.2.1", siptest.Set("Via", "SIP/2.0/TCP 192.0.2.10:5099;branch=z9hG4bK-x"))
		alice.Expect("100", time.Second)
		alice.Disconnect()
		alice.ExpectNone(time.Minute)
		if n := srv.Engine.Counters.Total("send_failed"); n != 1 {
			t.Errorf("%d failed sends were counted", n)
		}
		alice.Request(sip.OPTIONS, "sip:192.0.2.1")
		alice.Expect("200", time.Second)
	})
}

// A callee that dies takes the connection with it. Nobody else would say so before Timer B.
func TestRequestOnADyingConnectionGoesToTheNextTarget(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		rang  bool
		bound bool // reached by the connection that it registered over, and by nothing else
	}{
		{"before it rang", false, false}, {"registered, before it rang", false, true}, {"registered, while it rang", true, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
				Start(t, s, `
					sip.on("REGISTER", function(req) registrar.save(req) end)
					sip.on("INVITE", function(req)
						local first = req:proxy(location.lookup(req.uri) or {})
						if first.cause == "unavailable" then first = req:proxy("sip:bob@192.0.2.20;transport=tcp") end
						log.info("first", { cause = first.cause })
						req:proxy("sip:carol@192.0.2.30")
					end)`, Options{})
				alice := s.UA("alice", "192.0.2.10:5060", sip.UDP).Reliable()
				bob := s.UA("bob", "192.0.2.20:5060", sip.TCP)
				s.UA("carol", "192.0.2.30:5060", sip.UDP).AutoReply(603)
				if test.bound {
					bob.Register("", "")
				}
				request := alice.Request(sip.INVITE, "sip:bob@192.0.2.1")
				invite := bob.Expect(sip.INVITE, time.Second)
				if test.rang {
					bob.Reply(invite, 180)
					alice.Expect("180", time.Second)
				}
				begun := time.Now()
				bob.Disconnect()
				if got := alice.Final(request); got.Status() != 603 {
					t.Errorf("got %d, want what the next target says", got.Status())
				}
				if took := time.Since(begun); took > time.Second {
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}

func TestRingingCalleeMayAnswerByAConnectionOfItsOwn(t *testing.T) {
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		Start(t, s, `sip.on("INVITE", function(req) req:proxy("sip:bob@192.0.2.20;transport=tcp") end)`, Options{})
		alice := s.UA("alice", "192.0.2.10:5060", sip.UDP).Reliable()
		bob := s.UA("bob", "192.0.2.20:5060", sip.TCP)
		request := alice.Request(sip.INVITE, "sip:bob@192.0.2.1")
		invite := bob.Expect(sip.INVITE, time.Second)
		bob.Reply(invite, 180)
		alice.Expect("180", time.Second)
		bob.Disconnect()
		time.Sleep(5 * time.Second)
		// RFC 3261 §18.2.2: the answer comes by another connection, to the address and port of our Via.
		answer := sip.NewResponse(invite, 200, "OK", "bobs")
		answer.Add("Contact", "<"+bob.Contact()+">")
		bob.Send(answer.String())
		if got := alice.Final(request); got.Status() != 200 {
			t.Errorf("got %d", got.Status())
		}
	})
}

func TestRegistrationOverAConnectionThatEndedMeanwhileIsTakenBack(t *testing.T) {
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		srv := Start(t, s, `
			sip.on("REGISTER", function(req) sleep(2) registrar.save(req) log.info("saved") end)`, Options{})
		bob := s.UA("bob", "192.0.2.20:5060", sip.TCP)
		bob.Request(sip.REGISTER, "sip:192.0.2.1", siptest.Header("Contact", "<"+bob.Contact()+">"), siptest.Set("To", "<"+bob.AOR()+">"))
		time.Sleep(time.Second)
		bob.Disconnect()
		time.Sleep(2 * time.Second)
		srv.logs("msg=saved")
		if n := srv.Engine.Location.Count(); n != 0 {
			t.Errorf("%d contacts are registered over a connection that is gone", n)
		}
	})
}
