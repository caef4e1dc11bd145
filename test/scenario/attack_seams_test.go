package scenario

import (
	"testing"
	"time"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

// A dialog outlives the server: what its sides send afterwards carries Routes with tokens that no key fits any more.
func TestACallGoesOnWhenTheServerHasBeenStartedAnew(t *testing.T) {
	script := `sip.on("INVITE", function(req) req:proxy("` + toBob + `") end)`
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		first := New(t, s, script, Options{Seed: 1})
		if err := first.Engine.Start(first.Host); err != nil {
			t.Fatal(err)
		}
		first.Host.Start(false)
		alice, bob := alice(s), bob(s)
		call := siptest.Call(alice, bob, "sip:bob@192.0.2.1")
		first.Host.Stop()
		first.Engine.Close()
		first.Host.Close()
		Start(t, s, script, Options{Seed: 2})
		call.Callee.ReINVITE()
		invite := alice.Expect(sip.INVITE, soon)
		alice.Reply(invite, 200)
		call.Callee.Accepted(bob.Expect("200 INVITE", soon)).ACK()
		alice.Expect(sip.ACK, soon)
		call.Hangup()
	})
}

func TestARequestOfAnEarlyDialogFollowsTheRouteSet(t *testing.T) {
	for _, method := range []string{sip.PRACK, sip.UPDATE, sip.INFO, "WHATEVER"} {
		t.Run(method, func(t *testing.T) {
			play(t, proxyTo(`"`+toBob+`"`), Options{}, func(t *testing.T, s *siptest.Scene, _ *Server) {
				alice, bob := alice(s), bob(s)
				alice.Request(sip.INVITE, "sip:bob@192.0.2.1")
				invite := bob.Expect(sip.INVITE, soon)
				bob.Reply(invite, 183, siptest.Header("RSeq", "1"), siptest.Header("Require", "100rel"))
				early := alice.Expect("183", soon)
				if early.Count(sip.RecordRoute) != 1 || header(early, "Require") != "100rel" {
					t.Errorf("the 183 came as\n%s", early)
				}
				d := alice.Dialog(early)
				d.Request(method)
				bob.Reply(bob.Expect(method, soon), 200)
				alice.Expect("200 "+method, soon)
				bob.Reply(invite, 200)
				d.Accepted(alice.Expect("200 INVITE", soon)).BYE() // before the ACK
				bob.Reply(bob.Expect(sip.BYE, soon), 200)
				alice.Expect("200 BYE", soon)
				d.ACK()
				bob.Expect(sip.ACK, soon)
			})
		})
	}
}

func TestACallOverIPv6(t *testing.T) {
	script := `
		sip.on("REGISTER", function(req) registrar.save(req) end)
		sip.on("INVITE", function(req) req:proxy(location.lookup(req.uri)) end)`
	for _, transport := range []sip.Transport{sip.UDP, sip.TCP} {
		t.Run(transport.String(), func(t *testing.T) {
			t.Parallel()
			siptest.Run(t, siptest.Setting{Server: "[2001:db8::1]:5060"}, func(t *testing.T, s *siptest.Scene) {
				Start(t, s, script, Options{Addr: "2001:db8::1", Listen: []string{"udp:[2001:db8::1]:5060", "tcp:[2001:db8::1]:5060"}})
				alice := s.UA("alice", "[2001:db8::10]:5060", transport).Domain("[2001:db8::1]")
				bob := s.UA("bob", "[2001:db8::20]:5060", transport).Domain("[2001:db8::1]")
				bob.Register("sip:bob@[2001:db8::1]", "<"+bob.Contact()+">")
				call := siptest.Call(alice, bob, "sip:bob@[2001:DB8:0::1]")
				time.Sleep(time.Second)
				call.HangupByCallee()
			})
		})
	}
}

// Two phones of one user answer: each 2xx makes a dialog, and each dialog ends by itself.
func TestEachOfTwoAnswersIsADialogOfItsOwn(t *testing.T) {
	play(t, proxyTo(bothAtOnce), Options{}, func(t *testing.T, s *siptest.Scene, _ *Server) {
		alice, bob, carol := alice(s), bob(s), carol(s)
		alice.Request(sip.INVITE, "sip:team@192.0.2.1")
		one, two := bob.Expect(sip.INVITE, soon), carol.Expect(sip.INVITE, soon)
		bob.Reply(one, 180)
		carol.Reply(two, 180)
		alice.Expect("180", soon)
		alice.Expect("180", soon)
		bob.Reply(one, 200)
		carol.Reply(two, 200) // crosses its CANCEL
		a, b := alice.Dialog(alice.Expect("200", soon)), alice.Dialog(alice.Expect("200", soon))
		if a.Target == carol.Contact() { // they came in either order
			a, b = b, a
		}
		a.ACK()
		b.ACK()
		bob.Expect(sip.ACK, soon)
		carol.Expect(sip.ACK, soon)
		b.BYE()
		carol.Reply(carol.Expect(sip.BYE, soon), 200)
		alice.Expect("200 BYE", soon)
		bob.ExpectNone(time.Second, sip.BYE)
		a.BYE()
		bob.Reply(bob.Expect(sip.BYE, soon), 200)
		alice.Expect("200 BYE", soon)
	})
}
