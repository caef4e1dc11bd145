package scenario

import (
	"strings"
	"testing"
	"time"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

func TestASecond2xxPassesAfterTheHandlerHasEnded(t *testing.T) {
	play(t, proxyTo(bothAtOnce), Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
		alice, bob, carol := alice(s), bob(s), carol(s)
		alice.Request("INVITE", "sip:team@192.0.2.1")
		one, two := bob.Expect("INVITE", soon), carol.Expect("INVITE", soon)
		bob.Reply(one, 200)
		alice.Expect("200", soon)
		ended(t, srv, "answered", "200")
		if err := srv.Change(`sip.on("INVITE", function() end)`); err != nil { // nor is its version there any more
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		carol.Reply(two, 200)
		second := alice.Expect("200", soon)
		if !strings.HasPrefix(second.ToTag(), "carol") {
			t.Errorf("answered by %q", second.ToTag())
		}
		call := alice.Dialog(second)
		call.ACK()
		carol.Expect("ACK", soon)
		call.BYE()
		carol.Reply(carol.Expect("BYE", soon), 200)
		alice.Expect("200 BYE", soon)
	})
}

func TestALate2xxIsEndedWhenTheCallerHasHadANo(t *testing.T) {
	for _, test := range []struct{ name, script string }{
		{"the best response", proxyTo(`"`+toBob+`"`, "{ timeout = 5 }")},
		{"the script's own", `sip.on("INVITE", function(req) req:proxy("` + toBob + `", { timeout = 5 }) req:reply(480) end)`},
	} {
		t.Run(test.name, func(t *testing.T) {
			play(t, test.script, Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
				alice, bob := alice(s), bob(s)
				alice.Request("INVITE", "sip:bob@192.0.2.1")
				invite := bob.Expect("INVITE", soon)
				bob.Reply(invite, 180)
				cancel := bob.Expect("CANCEL", 5100*time.Millisecond)
				bob.Reply(cancel, 200)
				alice.ACK(alice.Expect("4xx", 1100*time.Millisecond))

				bob.Reply(invite, 200)
				ack, bye := bob.Expect("ACK", soon), bob.Expect("BYE", soon)
				for _, m := range []*sip.Message{ack, bye} {
					if m.URIText() != bob.Contact() || m.CallID() != invite.CallID() || m.FromTag() != invite.FromTag() || m.ToTag() == "" || m.Has(sip.Route) {
						t.Errorf("not of this dialog:\n%v", m)
					}
				}
				if header(ack, "CSeq") != "1 ACK" || header(bye, "CSeq") != "2 BYE" {
					t.Errorf("CSeq %q and %q", header(ack, "CSeq"), header(bye, "CSeq"))
				}
				bob.Reply(invite, 200) // the ACK was lost
				bob.Expect("ACK", soon)
				bob.Reply(bye, 200)
				bob.ExpectNone(time.Minute, "BYE")
				alice.ExpectNone(soon)
				if n := srv.Engine.Counters.Total("late_answer"); n != 1 {
					t.Errorf("%d late answers counted", n)
				}
			})
		})
	}
}

func TestALate2xxOfANattedPhoneIsEndedByItsFlow(t *testing.T) {
	script := strings.Replace(registrarScript, "lookup(req.uri))", "lookup(req.uri), { timeout = 5 })", 1)
	play(t, script, Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
		alice, bob := alice(s), s.UA("bob", "192.0.2.20:40002", sip.UDP)
		natted(bob, "sip:bob@192.0.2.1")
		alice.Request("INVITE", "sip:bob@192.0.2.1")
		invite := bob.Expect("INVITE", soon)
		alice.Expect("408", 5100*time.Millisecond)
		bob.Reply(invite, 200, siptest.Set("Contact", "<sip:bob@10.0.0.1:5060>"))
		bob.Expect("ACK", soon)
		bob.Reply(bob.Expect("BYE", soon), 200)
	})
}

func TestALate2xxGoesByTheProxiesBehindUs(t *testing.T) {
	play(t, proxyTo(`"`+toBob+`"`, "{ timeout = 5 }"), Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
		alice, bob := alice(s), bob(s) // bob is a proxy here, with another between it and the phone
		alice.Request("INVITE", "sip:bob@192.0.2.1", siptest.Header("Record-Route", "<sip:192.0.2.10;lr>"))
		invite := bob.Expect("INVITE", soon)
		alice.Expect("408", 5100*time.Millisecond)
		bob.Reply(invite, 200, siptest.Set("Contact", "<sip:phone@10.0.0.1>"), func(m *sip.Message) {
			m.Prepend("Record-Route", "<sip:192.0.2.20;lr>")
			m.Prepend("Record-Route", "<sip:192.0.2.98;lr>")
		})
		for _, method := range []string{"ACK", "BYE"} {
			m := bob.Expect(method, soon)
			if got := strings.Join(list(m, sip.Route), " "); got != "<sip:192.0.2.20;lr> <sip:192.0.2.98;lr>" || m.URIText() != "sip:phone@10.0.0.1" {
				t.Errorf("Route %q of %s", got, m.URIText())
			}
		}
	})
}

func TestALate2xxPassesWhileTheScriptRingsOthersOrHasAnswered(t *testing.T) {
	t.Run("between two forks", func(t *testing.T) {
		script := `
			sip.on("INVITE", function(req)
				req:proxy("` + toBob + `", { timeout = 5 })
				sleep(10)
				log.info("then", { ok = pcall(req.proxy, req, "` + toCarol + `") })
			end)`
		play(t, script, Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
			alice, bob, carol := alice(s), bob(s), carol(s)
			alice.Request("INVITE", "sip:team@192.0.2.1")
			invite := bob.Expect("INVITE", soon)
			time.Sleep(7 * time.Second)
			bob.Reply(invite, 200)
			alice.Expect("200", soon)
			carol.ExpectNone(20 * time.Second)
			alice.ExpectNone(soon)
			logged(t, srv, "ok=false")
		})
	})
	t.Run("after the script's own 200", func(t *testing.T) {
		script := `
			sip.on("INVITE", function(req)
				req:proxy("` + toBob + `", { timeout = 5 })
				req:reply(200)
			end)`
		play(t, script, Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
			alice, bob := alice(s), bob(s)
			alice.Request("INVITE", "sip:team@192.0.2.1")
			invite := bob.Expect("INVITE", soon)
			alice.Expect("200", 6*time.Second)
			bob.Reply(invite, 200)
			if got := alice.Expect("200", soon); !strings.HasPrefix(got.ToTag(), "bob") {
				t.Errorf("answered by %q", got.ToTag())
			}
			bob.ExpectNone(soon, "ACK", "BYE")
		})
	})
}

func TestTheScriptGoesOnAtTheEndOfAForkAndForksAgain(t *testing.T) {
	script := `
		sip.on("INVITE", function(req)
			for i = 1, 50 do
				local result = req:proxy({ "tel:+49" .. i, "sip:nobody@nowhere.example", serial = true })
				if result.code < 400 then return end
			end
			req:proxy("` + toBob + `")
			req:proxy("` + toCarol + `")
		end)`
	play(t, script, Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
		alice, bob, carol := alice(s), bob(s), carol(s)
		alice.Request("INVITE", "sip:team@192.0.2.1")
		refuse(bob, bob.Expect("INVITE", soon), 486)
		carol.Reply(carol.Expect("INVITE", soon), 200)
		alice.Expect("200", soon)
	})
}
