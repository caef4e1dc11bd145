package scenario

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

const bothAtOnce = `{ "` + toBob + `", "` + toCarol + `" }`

func TestB052TheFirst2xxWinsAndLaterOnesPassToo(t *testing.T) {
	play(t, proxyTo(bothAtOnce), Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
		alice, bob, carol := alice(s), bob(s), carol(s)
		dave := s.UA("dave", "192.0.2.40:5060", sip.UDP)
		_ = dave
		alice.Request("INVITE", "sip:team@192.0.2.1")
		one, two := bob.Expect("INVITE", soon), carol.Expect("INVITE", soon)
		bob.Reply(one, 180)
		carol.Reply(two, 180)
		bob.Reply(one, 200)
		first := alice.Expect("200", soon)
		cancel := carol.Expect("CANCEL", soon)
		if got := header(cancel, "Reason"); got != `SIP;cause=200;text="Call completed elsewhere"` {
			t.Errorf("Reason: %s", got)
		}
		ended(t, srv, "answered", "200")

		carol.Reply(two, 200) // it crossed the CANCEL
		carol.Reply(cancel, 200)
		second := alice.Expect("200", soon)
		if first.ToTag() == second.ToTag() {
			t.Error("one answer came twice")
		}
		time.Sleep(20 * time.Second)
		bob.Reply(one, 200) // again, as the ACK was lost
		if again := alice.Expect("200", soon); again.ToTag() != first.ToTag() {
			t.Error("the repeated 200 is another")
		}
		alice.ExpectNone(time.Minute)
	})
}

func TestB052NoFailurePassesAfterA2xx(t *testing.T) {
	play(t, proxyTo(bothAtOnce), Options{}, func(t *testing.T, s *siptest.Scene, _ *Server) {
		alice, bob, carol := alice(s), bob(s), carol(s)
		alice.Request("INVITE", "sip:team@192.0.2.1")
		one, two := bob.Expect("INVITE", soon), carol.Expect("INVITE", soon)
		carol.Reply(two, 183)
		bob.Reply(one, 200)
		alice.Expect("200", soon)
		carol.Expect("CANCEL", soon)
		carol.Reply(two, 183)
		refuse(carol, two, 600)
		alice.Expect("183", soon)
		alice.ExpectNone(time.Minute)
	})
}

func TestB056EveryProvisionalBut100Passes(t *testing.T) {
	play(t, proxyTo(bothAtOnce), Options{}, func(t *testing.T, s *siptest.Scene, _ *Server) {
		alice, bob, carol := alice(s), bob(s), carol(s)
		alice.Request("INVITE", "sip:team@192.0.2.1")
		alice.Expect("100", soon)
		one, two := bob.Expect("INVITE", soon), carol.Expect("INVITE", soon)
		bob.Reply(one, 100)
		bob.Reply(one, 180)
		carol.Reply(two, 183, siptest.SDP(carol.Addr().Addr()))
		carol.Reply(two, 182)
		bob.Reply(one, 199, siptest.Set("To", "<sip:team@192.0.2.1>;tag=another"))
		tags := map[string]bool{}
		for _, status := range []string{"180", "183", "182", "199"} {
			tags[alice.Expect(status, soon).ToTag()] = true
		}
		if len(tags) != 3 {
			t.Errorf("%d early dialogs", len(tags))
		}
		alice.ExpectNone(time.Second)
	})
}

func TestB061ANonInviteForksToo(t *testing.T) {
	t.Run("first 2xx", func(t *testing.T) {
		play(t, proxyTo(bothAtOnce), Options{}, func(t *testing.T, s *siptest.Scene, _ *Server) {
			alice, bob, carol := alice(s), bob(s), carol(s)
			alice.Request("MESSAGE", "sip:team@192.0.2.1")
			one, two := bob.Expect("MESSAGE", soon), carol.Expect("MESSAGE", soon)
			bob.Reply(one, 404)
			alice.ExpectNone(soon)
			carol.Reply(two, 200)
			alice.Expect("200", soon)
			carol.ExpectNone(time.Second)
		})
	})
	t.Run("second 2xx is nobody's", func(t *testing.T) {
		play(t, proxyTo(bothAtOnce), Options{}, func(t *testing.T, s *siptest.Scene, _ *Server) {
			alice, bob, carol := alice(s), bob(s), carol(s)
			alice.Request("MESSAGE", "sip:team@192.0.2.1")
			one, two := bob.Expect("MESSAGE", soon), carol.Expect("MESSAGE", soon)
			carol.Reply(two, 202)
			alice.Expect("202", soon)
			bob.Reply(one, 200)
			alice.ExpectNone(time.Minute)
			bob.ExpectNone(soon, "CANCEL") // only an INVITE is worth it
		})
	})
	t.Run("the best of the rest", func(t *testing.T) {
		play(t, proxyTo(bothAtOnce), Options{}, func(t *testing.T, s *siptest.Scene, _ *Server) {
			alice, bob, carol := alice(s), bob(s), carol(s)
			alice.Request("MESSAGE", "sip:team@192.0.2.1")
			one, two := bob.Expect("MESSAGE", soon), carol.Expect("MESSAGE", soon)
			bob.Reply(one, 503)
			carol.Reply(two, 480)
			alice.Expect("480", soon)
			alice.ExpectNone(time.Minute)
		})
	})
}

func TestB057ContactsRingByQ(t *testing.T) {
	script := `
		sip.on("REGISTER", function(req) registrar.save(req) end)
		sip.on("INVITE", function(req) req:proxy(location.lookup(req.uri)) end)`
	play(t, script, Options{}, func(t *testing.T, s *siptest.Scene, _ *Server) {
		alice := alice(s)
		var phones []*siptest.UA
		for i, q := range []string{"0.5", "1.0", "0.5", "0.1"} {
			u := s.UA(fmt.Sprintf("phone%d", i), fmt.Sprintf("192.0.2.%d:5060", 20+i), sip.UDP)
			u.Register("sip:bob@192.0.2.1", "<"+u.Contact()+">;q="+q, siptest.Set("Call-ID", fmt.Sprint("registration-", i)))
			phones = append(phones, u)
		}
		alice.Request("INVITE", "sip:bob@192.0.2.1")
		first := phones[1].Expect("INVITE", soon)
		for _, i := range []int{0, 2, 3} {
			phones[i].ExpectNone(soon)
		}
		refuse(phones[1], first, 486)
		one, two := phones[0].Expect("INVITE", soon), phones[2].Expect("INVITE", soon)
		phones[3].ExpectNone(soon)
		refuse(phones[0], one, 480)
		phones[3].ExpectNone(soon)
		refuse(phones[2], two, 404)
		refuse(phones[3], phones[3].Expect("INVITE", soon), 488)
		alice.Expect("486", soon)
	})
}

func TestGroupsRingOneAfterTheOther(t *testing.T) {
	for _, test := range []struct{ name, targets string }{
		{"serial", `{ "` + toBob + `", "` + toCarol + `", serial = true }`},
		{"groups", `{ { "` + toBob + `" }, { "` + toCarol + `" } }`},
		{"more than may ring at once", bothAtOnce},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := Options{}
			o.Engine.Limits.Branches = 1
			play(t, proxyTo(test.targets, "{ timeout = 5 }"), o, func(t *testing.T, s *siptest.Scene, srv *Server) {
				alice, bob, carol := alice(s), bob(s), carol(s)
				alice.Request("INVITE", "sip:team@192.0.2.1")
				one := bob.Expect("INVITE", soon)
				bob.Reply(one, 180)
				carol.ExpectNone(4800 * time.Millisecond)
				bob.Expect("CANCEL", 300*time.Millisecond)
				refuse(bob, one, 487)
				carol.Reply(carol.Expect("INVITE", soon), 200)
				alice.Expect("200", soon)
				ended(t, srv, "answered", "200")
			})
		})
	}
}

func TestEachURIIsTriedOnce(t *testing.T) {
	twice := `{ "` + toBob + `", "sip:BOB@192.0.2.20", "` + toBob + `;x=1", "` + toBob + `" }`
	play(t, proxyTo(twice), Options{}, func(t *testing.T, s *siptest.Scene, _ *Server) {
		alice, bob := alice(s), bob(s)
		alice.Request("INVITE", "sip:team@192.0.2.1")
		bob.Expect("INVITE", soon)
		bob.Expect("INVITE", soon) // the user part is compared with case
		bob.ExpectNone(soon, "INVITE")
	})
}

func TestATargetWaitsForItsTime(t *testing.T) {
	later := `{ "` + toBob + `", { uri = "` + toCarol + `", after = 10 } }`
	t.Run("while another rings", func(t *testing.T) {
		play(t, proxyTo(later), Options{}, func(t *testing.T, s *siptest.Scene, _ *Server) {
			alice, bob, carol := alice(s), bob(s), carol(s)
			alice.Request("INVITE", "sip:team@192.0.2.1")
			bob.Reply(bob.Expect("INVITE", soon), 180)
			carol.ExpectNone(9800 * time.Millisecond)
			carol.Reply(carol.Expect("INVITE", time.Second), 200)
			alice.Expect("200", soon)
			bob.Expect("CANCEL", soon)
		})
	})
	t.Run("at once when the other has failed", func(t *testing.T) {
		play(t, proxyTo(later), Options{}, func(t *testing.T, s *siptest.Scene, _ *Server) {
			alice, bob, carol := alice(s), bob(s), carol(s)
			alice.Request("INVITE", "sip:team@192.0.2.1")
			refuse(bob, bob.Expect("INVITE", soon), 486)
			carol.Expect("INVITE", soon)
		})
	})
	t.Run("at once when all wait", func(t *testing.T) {
		play(t, proxyTo(`{ { uri = "tel:+4930", after = 3 }, { uri = "`+toCarol+`", after = 10 } }`), Options{}, func(t *testing.T, s *siptest.Scene, _ *Server) {
			alice, carol := alice(s), carol(s)
			alice.Request("INVITE", "sip:team@192.0.2.1")
			carol.Expect("INVITE", soon)
		})
	})
	t.Run("never when the other has answered", func(t *testing.T) {
		play(t, proxyTo(later), Options{}, func(t *testing.T, s *siptest.Scene, _ *Server) {
			alice, bob, carol := alice(s), bob(s), carol(s)
			alice.Request("INVITE", "sip:team@192.0.2.1")
			bob.Reply(bob.Expect("INVITE", soon), 200)
			alice.Expect("200", soon)
			carol.ExpectNone(time.Minute)
		})
	})
	t.Run("never when the caller has gone", func(t *testing.T) {
		play(t, proxyTo(later), Options{}, func(t *testing.T, s *siptest.Scene, _ *Server) {
			alice, bob, carol := alice(s), bob(s), carol(s)
			sent := alice.Request("INVITE", "sip:team@192.0.2.1")
			one := bob.Expect("INVITE", soon)
			bob.Reply(one, 180)
			alice.Expect("180", soon)
			alice.CANCEL(sent)
			bob.Expect("CANCEL", soon)
			refuse(bob, one, 487)
			alice.Expect("487", soon)
			carol.ExpectNone(time.Minute)
		})
	})
}

func TestAGroupThatTimesOutWaitsASecondForItsCancels(t *testing.T) {
	for _, test := range []struct {
		name, answer  string
		provisional   bool // whether bob rang
		final         int  // what bob says to the CANCEL; 0 is nothing
		cause, code   string
		notBefore, by time.Duration
	}{
		{"no answer to the CANCEL", "408", true, 0, "no_answer", "408", 10900 * time.Millisecond, 11200 * time.Millisecond},
		{"487", "408", true, 487, "no_answer", "408", 10 * time.Second, 10200 * time.Millisecond},
		{"a late no", "486", true, 486, "busy", "486", 10 * time.Second, 10200 * time.Millisecond},
		{"a late yes", "200", true, 200, "answered", "200", 10 * time.Second, 10200 * time.Millisecond},
		{"never heard of", "408", false, 0, "failed", "408", 10 * time.Second, 10200 * time.Millisecond},
	} {
		t.Run(test.name, func(t *testing.T) {
			play(t, proxyTo(`"`+toBob+`"`, "{ timeout = 10 }"), Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
				alice, bob := alice(s), bob(s)
				start := time.Now()
				alice.Request("INVITE", "sip:bob@192.0.2.1")
				invite := bob.Expect("INVITE", soon)
				if test.provisional {
					bob.Reply(invite, 180)
					bob.Reply(bob.Expect("CANCEL", 10200*time.Millisecond), 200)
					bob.Reply(invite, 183) // does not put the end off
				}
				if test.final != 0 {
					bob.Reply(invite, test.final)
				}
				alice.Expect(test.answer, 12*time.Second)
				if took := time.Since(start); took < test.notBefore || took > test.by {
					t.Errorf("answered after %v", took)
				}
				ended(t, srv, test.cause, test.code)
			})
		})
	}
}

func TestATargetHasATimeOfItsOwn(t *testing.T) {
	targets := `{ { uri = "` + toBob + `", timeout = 5 }, "` + toCarol + `" }`
	play(t, proxyTo(targets, "{ timeout = 20 }"), Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
		alice, bob, carol := alice(s), bob(s), carol(s)
		alice.Request("INVITE", "sip:team@192.0.2.1")
		one, two := bob.Expect("INVITE", soon), carol.Expect("INVITE", soon)
		bob.Reply(one, 180)
		carol.Reply(two, 180)
		bob.Expect("CANCEL", 5100*time.Millisecond)
		bob.Reply(one, 180)
		carol.ExpectNone(5*time.Second, "CANCEL")
		alice.ExpectNone(soon, "4xx")
		refuse(carol, two, 486)
		alice.Expect("486", soon)
		ended(t, srv, "busy", "486")
	})
}

func TestATimeIsUpForAllOfAGroupButNotForTheNext(t *testing.T) {
	groups := `{ { "` + toBob + `" }, { "` + toCarol + `" } }`
	play(t, proxyTo(groups, "{ timeout = 10 }"), Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
		alice, bob, carol := alice(s), bob(s), carol(s)
		alice.Request("INVITE", "sip:team@192.0.2.1")
		bob.Expect("INVITE", soon) // and says nothing
		two := carol.Expect("INVITE", 10100*time.Millisecond)
		carol.Reply(two, 180)
		carol.ExpectNone(9*time.Second, "CANCEL")
		carol.Reply(two, 200)
		alice.Expect("200", soon)
		ended(t, srv, "answered", "200")
	})
}

func TestALateAnswerOfATargetGivenUpEndsTheSearch(t *testing.T) {
	groups := `{ { "` + toBob + `" }, { "` + toCarol + `" } }`
	play(t, proxyTo(groups, "{ timeout = 10 }"), Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
		alice, bob, carol := alice(s), bob(s), carol(s)
		alice.Request("INVITE", "sip:team@192.0.2.1")
		one := bob.Expect("INVITE", soon)
		bob.Reply(one, 180)
		bob.Expect("CANCEL", 10100*time.Millisecond)
		two := carol.Expect("INVITE", 1100*time.Millisecond)
		carol.Reply(two, 180)
		bob.Reply(one, 200)
		answer := alice.Expect("200", soon)
		if !strings.HasPrefix(answer.ToTag(), "bob") {
			t.Errorf("answered by %s", answer.ToTag())
		}
		carol.Expect("CANCEL", soon)
		ended(t, srv, "answered", "200")
	})
}

func TestNoTargetsIs480(t *testing.T) {
	play(t, proxyTo(`{}`), Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
		alice := alice(s)
		alice.Request("INVITE", "sip:team@192.0.2.1")
		alice.Expect("480", soon)
		ended(t, srv, "unavailable", "480")
	})
}
