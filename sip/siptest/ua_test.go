package siptest

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/digest"
)

// pair plays a scene of two endpoints that are each other's server.
func pair(t *testing.T, tr sip.Transport, opts Options, f func(t *testing.T, s *Scene, alice, bob *UA)) {
	t.Helper()
	t.Parallel()
	Run(t, Setting{Network: opts}, func(t *testing.T, s *Scene) {
		alice := NewUA(t, s.Net, "alice", "192.0.2.10:5060", tr, "192.0.2.20:5060")
		bob := NewUA(t, s.Net, "bob", "192.0.2.20:5060", tr, "192.0.2.10:5060")
		f(t, s, alice, bob)
	})
}

func TestTwoEndpointsCallEachOther(t *testing.T) {
	for _, tr := range []sip.Transport{sip.UDP, sip.TCP, sip.TLS} {
		t.Run(tr.String(), func(t *testing.T) {
			pair(t, tr, Options{}, func(t *testing.T, s *Scene, alice, bob *UA) {
				c := Call(alice, bob, "")
				re := c.Callee.ReINVITE(SDP(bob.Addr().Addr()))
				if re.FromTag() != c.Invite.ToTag() && !strings.Contains(c.Callee.Local, re.FromTag()) {
					t.Errorf("re-INVITE from %q", re.FromTag())
				}
				again := alice.Expect("INVITE", time.Second)
				alice.Reply(again, 200, SDP(alice.Addr().Addr()))
				c.Callee.Accepted(bob.Expect("200 INVITE", time.Second)).ACK()
				alice.Expect("ACK", time.Second)
				c.HangupByCallee()
				Golden(t, "testdata/call-"+tr.Param()+".ladder", s.Ladder())
			})
		})
	}
}

func TestEndpointsCallEachOtherOverIPv6(t *testing.T) {
	t.Parallel()
	for _, tr := range []sip.Transport{sip.UDP, sip.TLS} {
		Run(t, Setting{}, func(t *testing.T, s *Scene) {
			alice := NewUA(t, s.Net, "alice", "[2001:db8::10]:5060", tr, "[2001:db8::20]:5060")
			bob := NewUA(t, s.Net, "bob", "[2001:db8::20]:5060", tr, "[2001:db8::10]:5060")
			Call(alice, bob, "").Hangup()
		})
	}
}

func TestRequestsOfOneEndpointAreDistinct(t *testing.T) {
	pair(t, sip.UDP, Options{}, func(t *testing.T, s *Scene, alice, bob *UA) {
		seen := map[string]bool{}
		for range 3 {
			req := alice.Request("OPTIONS", bob.AOR())
			via, err := req.Via()
			if err != nil {
				t.Fatal(err)
			}
			for _, id := range []string{req.CallID(), "tag " + req.FromTag(), via.Branch} {
				if seen[id] {
					t.Errorf("%s twice", id)
				}
				seen[id] = true
			}
			got := bob.Expect("OPTIONS", time.Second)
			if got.CallID() != req.CallID() {
				t.Errorf("bob got %s", got.CallID())
			}
			bob.Reply(got, 200, Header("Allow", "INVITE"))
			if resp := alice.Final(req); resp.ToTag() == "" || !resp.Has(sip.Allow) {
				t.Errorf("answer:\n%v", resp)
			}
		}
	})
}

func TestRepliesReachASenderBehindAnotherPort(t *testing.T) {
	pair(t, sip.UDP, Options{}, func(t *testing.T, s *Scene, alice, bob *UA) {
		phone := packetConn(t, s.Net, "192.0.2.30:40000")
		send(t, phone, "192.0.2.20:5060", "OPTIONS sip:bob@192.0.2.20 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1;rport;branch=z9hG4bKx\r\n"+
			"From: <sip:x@y>;tag=1\r\nTo: <sip:bob@192.0.2.20>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n")
		bob.Reply(bob.Expect("OPTIONS", time.Second), 200)
		got := texts(receive(t, phone, time.Second))
		if len(got) != 1 || !strings.Contains(got[0], "received=192.0.2.30") || !strings.Contains(got[0], "rport=40000") {
			t.Errorf("got %q", got)
		}
	})
}

func TestDialogFollowsTheRouteSet(t *testing.T) {
	pair(t, sip.UDP, Options{}, func(t *testing.T, s *Scene, alice, bob *UA) {
		const loose1, loose2, strict = "<sip:192.0.2.20;lr>", "<sip:p2.example.org;lr>", "<sip:192.0.2.20:5060>"
		for _, c := range []struct {
			name          string
			recordRoutes  []string
			callerRoutes  []string
			calleeRoutes  []string
			callerRequest string // its request URI
		}{
			{"none", nil, nil, nil, bob.Contact()},
			{"loose", []string{loose2, loose1}, []string{loose1, loose2}, []string{loose2, loose1}, bob.Contact()},
			{"strict", []string{loose2, strict}, []string{loose2, "<" + bob.Contact() + ">"}, []string{loose2, strict}, "sip:192.0.2.20:5060"},
		} {
			var record []Option
			for _, r := range c.recordRoutes {
				record = append(record, Header("Record-Route", r))
			}
			alice.Request("INVITE", bob.AOR(), record...)
			invite := bob.Expect("INVITE", time.Second)
			bob.Reply(invite, 200)
			caller := alice.Dialog(alice.Expect("200 INVITE", time.Second))
			ack := caller.ACK()
			if cseq, _ := ack.CSeq(); cseq.Number != 1 || cseq.Method != "ACK" {
				t.Errorf("%s: ACK has CSeq %v", c.name, cseq)
			}
			bye := caller.BYE()
			if got := slices.Collect(bye.List(sip.Route)); !slices.Equal(got, c.callerRoutes) || bye.URIText() != c.callerRequest {
				t.Errorf("%s: BYE to %s by %q", c.name, bye.URIText(), got)
			}
			if cseq, _ := bye.CSeq(); cseq.Number != 2 {
				t.Errorf("%s: BYE has CSeq %v", c.name, cseq)
			}
			bob.Expect("ACK", time.Second)
			bob.Expect("BYE", time.Second)
			if got := bob.Dialog(invite).Routes; !slices.Equal(got, c.calleeRoutes) {
				t.Errorf("%s: the callee's routes are %q", c.name, got)
			}
		}
	})
}

func TestReliableCallSurvivesLoss(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		Run(t, Setting{Seed: seed + 1, Network: Options{Link: Link{Loss: 0.3, Duplicate: 0.1}}}, func(t *testing.T, s *Scene) {
			alice := NewUA(t, s.Net, "alice", "192.0.2.10:5060", sip.UDP, "192.0.2.20:5060").Reliable()
			bob := NewUA(t, s.Net, "bob", "192.0.2.20:5060", sip.UDP, "192.0.2.10:5060").AutoAnswer(2 * time.Second)
			alice.Request("INVITE", bob.AOR(), SDP(alice.Addr().Addr()))
			d := alice.Dialog(alice.Expect("200 INVITE", patience))
			d.ACK()
			time.Sleep(time.Minute)
			d.BYE()
			alice.Expect("200 BYE", patience)
			if got := slices.DeleteFunc(alice.Unread(), func(l string) bool { return l == "180 Ringing" }); len(got) > 0 {
				t.Errorf("seed %d: copies were shown: %q", seed, got)
			}
		})
	}
}

func TestReliableEndpointAcknowledgesFailures(t *testing.T) {
	pair(t, sip.UDP, Options{}, func(t *testing.T, s *Scene, alice, bob *UA) {
		alice.Reliable()
		bob.Reliable()
		s.Net.Lose(1, alice.Host(), nil, Matching("ACK"))
		alice.Request("INVITE", bob.AOR())
		bob.Reply(bob.Expect("INVITE", time.Second), 486)
		alice.Expect("486", time.Second)
		alice.ExpectNone(time.Minute)
		bob.Expect("ACK", 0)
		Golden(t, "testdata/failure-lost-ack.ladder", s.Ladder())
	})
}

func TestReliableEndpointRepeatsTheACKForA2xx(t *testing.T) {
	pair(t, sip.TCP, Options{}, func(t *testing.T, s *Scene, alice, bob *UA) {
		alice.Reliable()
		bob.Reliable()
		alice.Request("INVITE", bob.AOR())
		bob.Reply(bob.Expect("INVITE", time.Second), 200)
		d := alice.Dialog(alice.Expect("200", time.Second))
		time.Sleep(600 * time.Millisecond) // one copy comes meanwhile, over TCP too
		d.ACK()
		bob.Expect("ACK", time.Second)
		alice.ExpectNone(time.Minute)
		sent := 0
		for _, line := range strings.Split(s.Ladder(), "\n") {
			sent += strings.Count(line, "200 OK")
		}
		if sent != 2 {
			t.Errorf("%d copies of the 200:\n%s", sent, s.Ladder())
		}
	})
}

func TestRequestIsRetransmittedByTheTimersOfItsMethod(t *testing.T) {
	for method, want := range map[string][]float64{
		"INVITE":  {0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5},
		"OPTIONS": {0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5},
	} {
		t.Run(method, func(t *testing.T) {
			pair(t, sip.UDP, Options{}, func(t *testing.T, s *Scene, alice, bob *UA) {
				s.Net.Partition(alice.Host(), bob.Host())
				alice.Reliable().Request(method, bob.AOR())
				time.Sleep(time.Minute)
				var got []float64
				for _, e := range s.Net.Trace() {
					got = append(got, e.Sent.Seconds())
				}
				if !slices.Equal(got, want) {
					t.Errorf("sent at %v", got)
				}
			})
		})
	}
}

func TestUnreliableEndpointSendsOnceAndShowsCopies(t *testing.T) {
	pair(t, sip.UDP, Options{}, func(t *testing.T, s *Scene, alice, bob *UA) {
		req := alice.Request("INVITE", bob.AOR())
		alice.SendAgain(req)
		invite := bob.Expect("INVITE", time.Second)
		bob.Expect("INVITE", time.Second)
		bob.Reply(invite, 486)
		bob.Reply(invite, 486)
		alice.ACK(alice.Expect("486 INVITE", time.Second))
		alice.Expect("486 INVITE", time.Second)
		bob.Expect("ACK", time.Second)
		bob.ExpectNone(time.Minute)
		if got := len(s.Net.Trace()); got != 5 {
			t.Errorf("%d packets", got)
		}
	})
}

func TestCancelEndsARingingCall(t *testing.T) {
	pair(t, sip.UDP, Options{}, func(t *testing.T, s *Scene, alice, bob *UA) {
		alice.Reliable()
		bob.AutoAnswer(time.Minute)
		req := alice.Request("INVITE", bob.AOR())
		alice.Expect("180", time.Second)
		alice.CANCEL(req)
		alice.Expect("200 CANCEL", time.Second)
		alice.Expect("487 INVITE", time.Second)
		alice.ExpectNone(2 * time.Minute)
		Golden(t, "testdata/cancel.ladder", s.Ladder(OmitTimes))
	})
}

func TestChallengesAreAnswered(t *testing.T) {
	for _, algorithm := range []string{"MD5", "SHA-256"} {
		t.Run(algorithm, func(t *testing.T) {
			pair(t, sip.UDP, Options{}, func(t *testing.T, s *Scene, alice, registrar *UA) {
				alg, ok := digest.ParseAlgorithm(algorithm)
				if !ok {
					t.Fatal("unknown algorithm")
				}
				challenge := digest.Challenge{Realm: "example.org", Nonce: "abc", Algorithm: alg, QOP: []string{"auth"}}
				ha1 := digest.HA1(alg, "alice", "example.org", "secret")
				believed := 0
				registrar.Handle(func(req *sip.Message) {
					value, _ := req.Value(sip.Authorization)
					c, err := digest.ParseCredentials(value)
					if err != nil || !c.Verify(ha1, req.Method(), req.Body()) {
						registrar.Reply(req, 401, Header("WWW-Authenticate", challenge.String()))
						return
					}
					believed++
					registrar.Reply(req, 200)
				})
				alice.Domain("example.org").Credentials("alice", "secret")
				for i := range 2 {
					resp := alice.Register("", "")
					if resp.Status() != 200 || numberOf(resp) != uint32(2*i+2) || resp.CallID() != "alice-register-sip:alice@example.org" {
						t.Errorf("round %d:\n%v", i, resp)
					}
				}
				if believed != 2 {
					t.Errorf("believed %d times", believed)
				}
				alice.Credentials("alice", "wrong")
				if resp := alice.Register("", ""); resp.Status() != 401 {
					t.Errorf("wrong password: %d", resp.Status())
				}
				alice.Credentials("", "")
				req := alice.Request("MESSAGE", "sip:bob@example.org")
				resp := alice.Final(req)
				alice.Authorize(req, resp, "alice", "secret")
				alice.Expect("200 MESSAGE", time.Second)
			})
		})
	}
}

func TestCallIsMadeThroughAChallenge(t *testing.T) {
	pair(t, sip.UDP, Options{}, func(t *testing.T, s *Scene, alice, bob *UA) {
		alice.Credentials("alice", "secret")
		challenge := digest.Challenge{Realm: "r", Nonce: "n", Algorithm: digest.MD5, QOP: []string{"auth"}}
		req := alice.Request("INVITE", bob.AOR())
		bob.Reply(bob.Expect("INVITE", time.Second), 407, Header("Proxy-Authenticate", challenge.String()))
		bob.Expect("ACK", time.Second)
		invite := bob.Expect("INVITE", time.Second)
		if !invite.Has(sip.ProxyAuthorization) || invite.CallID() != req.CallID() || numberOf(invite) != 2 {
			t.Errorf("the second INVITE:\n%v", invite)
		}
		bob.Reply(invite, 180)
		alice.CANCEL(req)
		if cancel := bob.Expect("CANCEL", time.Second); keyOf(cancel).branch != keyOf(invite).branch {
			t.Errorf("cancels another:\n%v", cancel)
		}
		bob.Reply(invite, 200)
		d := alice.Dialog(alice.Expect("200 INVITE", time.Second))
		if ack := d.ACK(); !ack.Has(sip.ProxyAuthorization) {
			t.Errorf("ACK without credentials:\n%v", ack)
		}
		if bye := d.BYE(); numberOf(bye) != 3 {
			t.Errorf("BYE has CSeq %d", numberOf(bye))
		}
	})
}

// recorder is a test that fails without ending the one around it.
type recorder struct {
	testing.TB
	mu   sync.Mutex
	text string
}

type fatal struct{}

func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.text = fmt.Sprintf(format, args...)
}

func (r *recorder) Helper() {}
func (r *recorder) Fatalf(format string, args ...any) {
	r.mu.Lock()
	r.text = fmt.Sprintf(format, args...)
	r.mu.Unlock()
	panic(fatal{})
}

func (r *recorder) failure(f func()) string {
	func() {
		defer func() {
			if v := recover(); v != nil {
				if _, ok := v.(fatal); !ok {
					panic(v)
				}
			}
		}()
		f()
	}()
	return r.text
}

func TestFailedExpectationShowsWhatCameAndTheLadder(t *testing.T) {
	t.Parallel()
	Run(t, Setting{}, func(t *testing.T, s *Scene) {
		r := &recorder{TB: t}
		alice := NewUA(r, s.Net, "alice", "192.0.2.10:5060", sip.UDP, "192.0.2.20:5060")
		bob := NewUA(t, s.Net, "bob", "192.0.2.20:5060", sip.UDP, "192.0.2.10:5060").AutoReply(486)
		alice.Request("INVITE", bob.AOR())
		text := r.failure(func() { alice.Expect("200 INVITE", time.Second) })
		for _, want := range []string{"alice waited 1s, from 0s on, for 200 INVITE", "486 Busy Here at 2.0", "alice  ", "- INVITE -", "- 486 Busy Here -"} {
			if !strings.Contains(text, want) {
				t.Errorf("no %q in\n%s", want, text)
			}
		}
		alice.Request("OPTIONS", bob.AOR())
		text = r.failure(func() { alice.ExpectNone(time.Second) })
		if !strings.Contains(text, "expected silence for 1s") || !strings.Contains(text, "486 Busy Here (OPTIONS) at") {
			t.Errorf("silence:\n%s", text)
		}
		text = r.failure(func() { alice.ExpectNone(time.Second, "INVITE") })
		if !strings.Contains(text, "expected silence for 1s") { // unchanged: nothing failed
			t.Errorf("narrowed silence:\n%s", text)
		}
	})
}

func TestConnectionIsUsedAgainUntilItIsGone(t *testing.T) {
	pair(t, sip.TCP, Options{}, func(t *testing.T, s *Scene, alice, bob *UA) {
		bob.AutoReply(200)
		for range 2 {
			alice.Final(alice.Request("OPTIONS", bob.AOR()))
		}
		alice.Disconnect()
		synctest.Wait()
		alice.Final(alice.Request("OPTIONS", bob.AOR()))
		opened := 0
		for _, e := range s.Net.Trace() {
			if e.Kind == Open {
				opened++
			}
		}
		if opened != 2 {
			t.Errorf("%d connections", opened)
		}
	})
}

func TestOptionsChangeARequest(t *testing.T) {
	t.Parallel()
	Run(t, Setting{Server: "192.0.2.20:5060"}, func(t *testing.T, s *Scene) {
		alice := s.UA("alice", "192.0.2.10:5060", sip.UDP)
		bob := s.UA("bob", "192.0.2.20:5060", sip.UDP)
		s.Net.Link(alice.Host(), bob.Host(), Link{Delay: 100 * time.Millisecond})
		s.Net.Name(alice.Addr(), "Alice's phone")
		alice.Request("MESSAGE", "sip:bob@example.org", Header("Subject", "hi"), Set("Max-Forwards", "3"), Body("text/plain", "hello"),
			func(m *sip.Message) { m.SetURI("sip:carol@example.org") })
		got := bob.Expect("MESSAGE", 101*time.Millisecond)
		hops, _, _ := got.MaxForwards()
		subject, _ := got.Get("Subject")
		if hops != 3 || subject != "hi" || string(got.Body()) != "hello" || got.URIText() != "sip:carol@example.org" {
			t.Errorf("got\n%v", got)
		}
		alice.Request("OPTIONS", "sip:bob@example.org", Without("Max-Forwards"))
		if got := bob.Expect("OPTIONS", time.Second); got.Has(sip.MaxForwards) {
			t.Errorf("got\n%v", got)
		}
		alice.Send("junk\r\n\r\n")
		if ladder := s.Ladder(); !strings.Contains(ladder, "Alice's phone") || !strings.Contains(ladder, "8 bytes") {
			t.Errorf("ladder:\n%s", ladder)
		}
	})
}

func TestPatterns(t *testing.T) {
	t.Parallel()
	ok, err := sip.RereadSent([]byte("SIP/2.0 183 Session Progress\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\n" +
		"To: <sip:a@b>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]bool{
		"183": true, "18x": true, "1xx INVITE": true, "183 INVITE": true, "183 BYE": false, "180": false, "2xx": false, "INVITE": false,
	} {
		p, err := parsePattern(text)
		if err != nil || p.matches(ok) != want {
			t.Errorf("%q: %v, %v", text, !want, err)
		}
	}
	for _, bad := range []string{"", "20", "2000", "INVITE 200", "200 INVITE now", "1y0"} {
		if _, err := parsePattern(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}
