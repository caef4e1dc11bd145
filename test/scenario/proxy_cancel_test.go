package scenario

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

func TestB047ACancelIsAnsweredAtOnceAndGoesToEveryBranch(t *testing.T) {
	play(t, proxyTo(bothAtOnce), Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
		alice, bob, carol := alice(s), bob(s), carol(s)
		sent := alice.Request("INVITE", "sip:team@192.0.2.1")
		one, two := bob.Expect("INVITE", soon), carol.Expect("INVITE", soon)
		bob.Reply(one, 180)
		carol.Reply(two, 183)
		alice.Expect("183", soon)
		alice.CANCEL(sent, siptest.Header("Reason", `SIP;cause=600;text="never mind"`))
		ok := alice.Expect("200 CANCEL", 3*time.Millisecond) // nobody was asked
		for _, u := range []*siptest.UA{bob, carol} {
			cancel := u.Expect("CANCEL", soon)
			if got := header(cancel, "Reason"); got != `SIP;cause=600;text="never mind"` {
				t.Errorf("Reason %q", got)
			}
			if n := len(list(cancel, sip.Via)); n != 1 {
				t.Errorf("%d Via values in a hop-by-hop request", n)
			}
			u.Reply(cancel, 200)
		}
		refuse(bob, one, 487)
		alice.ExpectNone(soon)
		refuse(carol, two, 487)
		alice.ACK(alice.Expect("487", soon))
		if ok.ToTag() == "" {
			t.Error("the 200 has no To tag")
		}
		ended(t, srv, "canceled", "487")
		alice.ExpectNone(time.Minute)
	})
}

func TestB047The200AndTheServersOwn487HaveOneTag(t *testing.T) {
	for _, test := range []struct{ name, script string }{
		{"while the script sleeps", `sip.on("INVITE", function(req) sleep(60) end)`},
		{"while a name is looked up", `sip.on("INVITE", function(req) req:proxy("sip:bob@slow.example") end)`},
	} {
		t.Run(test.name, func(t *testing.T) {
			names := &slowResolver{}
			play(t, test.script, Options{Resolver: names}, func(t *testing.T, s *siptest.Scene, srv *Server) {
				names.ask()
				defer names.answer()
				alice := alice(s)
				sent := alice.Request("INVITE", "sip:bob@192.0.2.1")
				alice.Expect("100", soon)
				alice.CANCEL(sent)
				ok, final := alice.Expect("200 CANCEL", soon), alice.Expect("487", soon)
				if ok.ToTag() != final.ToTag() || ok.ToTag() == "" {
					t.Errorf("tags %q and %q", ok.ToTag(), final.ToTag())
				}
			})
		})
	}
}

// slowResolver answers when it is told to.
type slowResolver struct{ told chan struct{} }

// ask is called in the bubble whose goroutines are to wait.
func (r *slowResolver) ask() { r.told = make(chan struct{}) }

func (r *slowResolver) answer() { close(r.told) }

func (r *slowResolver) Addresses(context.Context, string) ([]netip.Addr, error) {
	<-r.told
	return []netip.Addr{netip.MustParseAddr("192.0.2.20")}, nil
}

func TestACancelWhileANameIsLookedUpRingsNobody(t *testing.T) {
	names := &slowResolver{}
	play(t, proxyTo(`"sip:bob@slow.example"`), Options{Resolver: names}, func(t *testing.T, s *siptest.Scene, srv *Server) {
		names.ask()
		alice, bob := alice(s), bob(s)
		sent := alice.Request("INVITE", "sip:bob@192.0.2.1")
		alice.ExpectNone(2*time.Second, "4xx", "5xx")
		alice.CANCEL(sent)
		alice.Expect("200 CANCEL", soon)
		alice.ACK(alice.Expect("487", soon))
		ended(t, srv, "canceled", "487")
		names.answer()
		bob.ExpectNone(time.Minute)
		alice.ExpectNone(soon)
	})
}

func TestACancelWhileTheScriptSleepsUnwindsIt(t *testing.T) {
	script := `
		sip.on("INVITE", function(req)
			local ok, err = pcall(sleep, 10)
			log.info("woke", { ok = ok, cause = err.cause })
			local again = pcall(req.proxy, req, "` + toBob + `")
			log.info("went on", { ok = again })
		end)`
	play(t, script, Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
		alice, bob := alice(s), bob(s)
		sent := alice.Request("INVITE", "sip:bob@192.0.2.1")
		alice.ExpectNone(2*time.Second, "4xx")
		alice.CANCEL(sent)
		alice.Expect("200 CANCEL", soon)
		alice.ACK(alice.Expect("487", soon))
		logged(t, srv, "cause=hangup ok=false", `msg="went on" at=main.lua:6 ok=false`)
		bob.ExpectNone(time.Minute)
	})
}

func TestB048ACancelIsHeldUntilAProvisional(t *testing.T) {
	play(t, proxyTo(`"`+toBob+`"`), Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
		alice, bob := alice(s), bob(s)
		sent := alice.Request("INVITE", "sip:bob@192.0.2.1", siptest.Header("Route", "<sip:192.0.2.1;lr>, <sip:192.0.2.20;lr>"))
		invite := bob.Expect("INVITE", soon)
		alice.CANCEL(sent)
		alice.Expect("200 CANCEL", soon)
		bob.ExpectNone(10*time.Second, "CANCEL")
		bob.Reply(invite, 100)
		cancel := bob.Expect("CANCEL", soon)
		same := func(name string) {
			if header(cancel, name) != header(invite, name) {
				t.Errorf("%s: %q in the INVITE, %q in the CANCEL", name, header(invite, name), header(cancel, name))
			}
		}
		for _, name := range []string{"Route", "From", "To", "Call-ID"} {
			same(name)
		}
		if cancel.URIText() != invite.URIText() || branchOf(t, cancel) != branchOf(t, invite) || header(cancel, "CSeq") != "1 CANCEL" {
			t.Errorf("a CANCEL for another request:\n%v", cancel)
		}
		bob.Reply(cancel, 200)
		bob.Reply(invite, 180)
		refuse(bob, invite, 487)
		alice.Expect("487", soon)
		bob.ExpectNone(time.Minute, "CANCEL")
	})
}

func TestB048NoCancelAfterAFinal(t *testing.T) {
	play(t, proxyTo(bothAtOnce), Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
		alice, bob, carol := alice(s), bob(s), carol(s)
		sent := alice.Request("INVITE", "sip:team@192.0.2.1")
		one, two := bob.Expect("INVITE", soon), carol.Expect("INVITE", soon)
		bob.Reply(one, 180)
		refuse(bob, one, 486)
		carol.Reply(two, 180)
		alice.Expect("180", soon)
		alice.CANCEL(sent)
		carol.Reply(carol.Expect("CANCEL", soon), 200)
		refuse(carol, two, 487)
		alice.Expect("4xx INVITE", soon)
		bob.ExpectNone(time.Minute, "CANCEL")
	})
}

func TestB048ACancelOverTCPTakesTheConnection(t *testing.T) {
	play(t, proxyTo(`"sip:bob@192.0.2.20;transport=tcp"`), Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
		alice, bob := s.UA("alice", "192.0.2.10:5060", sip.TCP), s.UA("bob", "192.0.2.20:5060", sip.TCP)
		sent := alice.Request("INVITE", "sip:bob@192.0.2.1")
		invite := bob.Expect("INVITE", soon)
		bob.Reply(invite, 180)
		alice.Expect("180", soon)
		alice.CANCEL(sent)
		alice.Expect("200 CANCEL", soon)
		bob.Reply(bob.Expect("CANCEL", soon), 200)
		refuse(bob, invite, 487)
		alice.Expect("487", soon)
		if n := opened(s); n != 2 {
			t.Errorf("%d connections were opened", n)
		}
	})
}

// opened counts the connections asked for.
func opened(s *siptest.Scene) int {
	n := 0
	for _, e := range s.Net.Trace() {
		if e.Kind == siptest.Open {
			n++
		}
	}
	return n
}

func TestB049ACancelThatMatchesNothingIsForwardedUnlessItIsForTheServer(t *testing.T) {
	play(t, proxyTo(`"`+toBob+`"`), Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
		alice, bob := alice(s), bob(s)
		stray := func(uri string) {
			alice.Request("CANCEL", uri)
		}
		stray(toBob)
		cancel := bob.Expect("CANCEL", soon)
		if vias := list(cancel, sip.Via); len(vias) != 2 || header(cancel, "Max-Forwards") != "69" {
			t.Errorf("not forwarded:\n%v", cancel)
		}
		bob.Reply(cancel, 481)
		alice.Expect("481 CANCEL", soon)
		stray("sip:bob@192.0.2.1")
		alice.Expect("481 CANCEL", soon)
		bob.ExpectNone(time.Second)
	})
}

func TestB050A200ThatCrossesTheCancelWins(t *testing.T) {
	for _, test := range []struct {
		name  string
		after time.Duration // of the CANCEL: less than 2 ms are before bob can have it
		sent  bool
	}{{"before the server has the CANCEL", 0, false}, {"before bob has it", 1500 * time.Microsecond, true}, {"after bob has it", soon, true}} {
		t.Run(test.name, func(t *testing.T) {
			play(t, proxyTo(`"`+toBob+`"`), Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
				alice, bob := alice(s), bob(s)
				sent := alice.Request("INVITE", "sip:bob@192.0.2.1")
				invite := bob.Expect("INVITE", soon)
				bob.Reply(invite, 180)
				alice.Expect("180", soon)
				alice.CANCEL(sent)
				time.Sleep(test.after)
				bob.Reply(invite, 200)
				alice.Expect("200 CANCEL", soon)
				answer := alice.Expect("200 INVITE", soon)
				if test.sent {
					bob.Reply(bob.Expect("CANCEL", soon), 481)
				}
				ended(t, srv, "answered", "200")
				call := alice.Dialog(answer)
				call.ACK()
				bob.Expect("ACK", soon)
				call.BYE()
				bob.Reply(bob.Expect("BYE", soon), 200)
				alice.Expect("200 BYE", soon)
				alice.ExpectNone(time.Minute)
				bob.ExpectNone(soon)
			})
		})
	}
}

func TestACancelAfterThe200ChangesNothing(t *testing.T) {
	play(t, proxyTo(`"`+toBob+`"`), Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
		alice, bob := alice(s), bob(s)
		sent := alice.Request("INVITE", "sip:bob@192.0.2.1")
		invite := bob.Expect("INVITE", soon)
		bob.Reply(invite, 200)
		answer := alice.Expect("200 INVITE", soon)
		alice.CANCEL(sent)
		alice.Expect("200 CANCEL", soon)
		bob.ExpectNone(soon)
		alice.Dialog(answer).ACK()
		bob.Expect("ACK", soon)
		alice.ExpectNone(time.Minute)
	})
}

func TestACancelBetweenTwoForksStopsTheSecond(t *testing.T) {
	script := `
		sip.on("INVITE", function(req)
			req:proxy("` + toBob + `")
			sleep(5)
			req:proxy("` + toCarol + `")
		end)`
	play(t, script, Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
		alice, bob, carol := alice(s), bob(s), carol(s)
		sent := alice.Request("INVITE", "sip:team@192.0.2.1")
		refuse(bob, bob.Expect("INVITE", soon), 486)
		alice.ExpectNone(soon, "4xx")
		alice.CANCEL(sent)
		alice.Expect("200 CANCEL", soon)
		alice.Expect("487", soon)
		carol.ExpectNone(time.Minute)
	})
}

func TestB051ABranchThatIgnoresTheCancelIsEnded(t *testing.T) {
	play(t, proxyTo(`"`+toBob+`"`, "{ timeout = 600 }"), Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
		alice, bob := alice(s), bob(s)
		sent := alice.Request("INVITE", "sip:bob@192.0.2.1")
		bob.Reply(bob.Expect("INVITE", soon), 180)
		alice.Expect("180", soon)
		alice.CANCEL(sent)
		bob.Reply(bob.Expect("CANCEL", soon), 200)
		alice.ExpectNone(31500*time.Millisecond, "4xx")
		alice.Expect("408", time.Second)
		ended(t, srv, "canceled", "408")
	})
}
