package scenario

import (
	"testing"
	"time"

	"github.com/sipscript/sipscript/engine"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

// officeUA is a phone of one of the office's users.
func officeUA(s *siptest.Scene, name, addr, password string) *siptest.UA {
	return s.UA(name, addr, sip.UDP).Reliable().Credentials(name, password)
}

// office plays a test in the office example with the phones of alice, bob and carol, of which the first two have
// registered. What happened is compared with the ladder of this name.
func office(t *testing.T, ladder string, f func(t *testing.T, s *siptest.Scene, alice, bob, carol *siptest.UA)) {
	t.Helper()
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		Start(t, s, Example(t, "office.lua"), Options{})
		nameServer(s)
		alice := officeUA(s, "alice", "192.0.2.10:5060", "wonderland")
		bob := officeUA(s, "bob", "192.0.2.20:5060", "builder")
		carol := officeUA(s, "carol", "192.0.2.30:5060", "christmas")
		for _, u := range []*siptest.UA{alice, bob} {
			if got := u.Register("", ""); got.Status() != 200 {
				t.Fatalf("registering %s: %d", u.Name(), got.Status())
			}
		}
		f(t, s, alice, bob, carol)
		siptest.Golden(t, "testdata/office_"+ladder+".ladder", s.Ladder())
	})
}

func TestOfficeConnectsTwoUsers(t *testing.T) {
	office(t, "call", func(t *testing.T, s *siptest.Scene, alice, bob, _ *siptest.UA) {
		siptest.Call(alice, bob, "sip:bob@192.0.2.1").Hangup()
	})
}

func TestOfficeForwardsWhenBusy(t *testing.T) {
	office(t, "busy", func(t *testing.T, s *siptest.Scene, alice, bob, carol *siptest.UA) {
		carol.Register("", "")
		bob.Handle(nil)
		alice.Request(sip.INVITE, "sip:bob@192.0.2.1", siptest.SDP(alice.Addr().Addr()))
		bob.Reply(bob.Expect(sip.INVITE, time.Second), 486)
		invite := carol.Expect(sip.INVITE, time.Second)
		carol.Reply(invite, 180)
		alice.Expect("180", time.Second)
		carol.Reply(invite, 200, siptest.SDP(carol.Addr().Addr()))
		d := alice.Dialog(alice.Expect("200 INVITE", time.Second))
		d.ACK()
		carol.Expect(sip.ACK, time.Second)
		d.BYE()
		carol.Reply(carol.Expect(sip.BYE, time.Second), 200)
		alice.Expect("200 BYE", time.Second)
	})
}

func TestOfficeForwardsWhenThereIsNoAnswer(t *testing.T) {
	office(t, "no_answer", func(t *testing.T, s *siptest.Scene, alice, bob, carol *siptest.UA) {
		carol.Register("", "")
		bob.AutoAnswer(time.Hour)
		carol.AutoAnswer(2 * time.Second)
		alice.Request(sip.INVITE, "sip:bob@192.0.2.1", siptest.SDP(alice.Addr().Addr()))
		d := alice.Dialog(alice.Expect("200 INVITE", 30*time.Second))
		d.ACK()
		d.BYE()
		alice.Expect("200 BYE", time.Second)
	})
}

func TestOfficeSaysBusyWhenTheDeputyIsNotThere(t *testing.T) {
	office(t, "busy_alone", func(t *testing.T, s *siptest.Scene, alice, bob, _ *siptest.UA) {
		bob.AutoReply(486)
		alice.Request(sip.INVITE, "sip:bob@192.0.2.1", siptest.SDP(alice.Addr().Addr()))
		alice.Expect("486", time.Second)
	})
}

func TestOfficeCallerHangsUpWhileItRings(t *testing.T) {
	office(t, "cancel", func(t *testing.T, s *siptest.Scene, alice, bob, carol *siptest.UA) {
		carol.Register("", "")
		bob.AutoAnswer(time.Hour)
		invite := alice.Request(sip.INVITE, "sip:bob@192.0.2.1", siptest.SDP(alice.Addr().Addr()))
		alice.Expect("180", time.Second)
		alice.CANCEL(invite)
		alice.Expect("200 CANCEL", time.Second)
		alice.Expect("487", time.Second)
		carol.ExpectNone(30 * time.Second)
	})
}

func TestOfficeDeliversMessages(t *testing.T) {
	office(t, "message", func(t *testing.T, s *siptest.Scene, alice, bob, carol *siptest.UA) {
		alice.Request(sip.MESSAGE, "sip:bob@192.0.2.1", siptest.Body("text/plain", "lunch?"))
		m := bob.Expect(sip.MESSAGE, time.Second)
		if string(m.Body()) != "lunch?" {
			t.Errorf("bob reads %q", m.Body())
		}
		bob.Reply(m, 200)
		alice.Expect("200 MESSAGE", time.Second)
		alice.Request(sip.MESSAGE, "sip:carol@192.0.2.1", siptest.Body("text/plain", "you too?"))
		alice.Expect("480 MESSAGE", time.Second)
	})
}

func TestOfficeAnswersWhoIsNotThere(t *testing.T) {
	office(t, "unknown", func(t *testing.T, s *siptest.Scene, alice, _, _ *siptest.UA) {
		for _, c := range []struct{ uri, want string }{
			{"sip:carol@192.0.2.1", "480 INVITE"}, // has not registered
			{"sip:nobody@192.0.2.1", "404 INVITE"},
			{"sip:192.0.2.1", "404 INVITE"},
		} {
			alice.Request(sip.INVITE, c.uri, siptest.SDP(alice.Addr().Addr()))
			alice.Expect(c.want, time.Second)
		}
	})
}

func TestOfficeLetsInNobodyWithoutThePassword(t *testing.T) {
	office(t, "password", func(t *testing.T, s *siptest.Scene, alice, bob, _ *siptest.UA) {
		mallory := s.UA("mallory", "192.0.2.66:5060", sip.UDP).Reliable()
		mallory.Credentials("bob", "guessed")
		if got := mallory.Register("sip:bob@192.0.2.1", ""); got.Status() != 401 {
			t.Errorf("a wrong password registers: %d", got.Status())
		}
		mallory.Credentials("mallory", "")
		if got := mallory.Register("", ""); got.Status() != 401 {
			t.Errorf("somebody unknown registers: %d", got.Status())
		}
		alice.Credentials("alice", "wonderland")
		if got := alice.Register("sip:bob@192.0.2.1", ""); got.Status() != 403 {
			t.Errorf("alice registers bob: %d", got.Status())
		}
		mallory.Credentials("", "")
		mallory.Request(sip.INVITE, "sip:bob@192.0.2.1", siptest.Set("From", "<sip:alice@192.0.2.1>;tag=1"))
		mallory.Expect("407", time.Second)
		bob.ExpectNone(time.Second)
	})
}

func TestOfficeIsNoOpenRelay(t *testing.T) {
	office(t, "relay", func(t *testing.T, s *siptest.Scene, alice, bob, _ *siptest.UA) {
		eve := s.UA("eve", "192.0.2.66:5060", sip.UDP).Reliable().Domain("example.com")
		eve.Request(sip.INVITE, "sip:premium@192.0.2.99", siptest.SDP(eve.Addr().Addr()))
		eve.Expect("403", time.Second)
		alice.Request(sip.MESSAGE, "sip:premium@192.0.2.99")
		alice.Expect("403", time.Second)
		// Anybody may call the users, though.
		bob.AutoReply(603)
		eve.Request(sip.INVITE, "sip:bob@192.0.2.1", siptest.SDP(eve.Addr().Addr()))
		eve.Expect("603", time.Second)
	})
}

func TestOfficeReadsItsConfig(t *testing.T) {
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		Start(t, s, Example(t, "office.lua"), Options{
			Engine: engine.Config{Domains: []string{"example.org"}},
			Config: map[string]any{
				"users":   map[string]any{"100": "x", "101": "y"},
				"forward": map[string]any{"100": "101"},
				"ring":    5,
			},
		})
		nameServer(s)
		one := s.UA("100", "192.0.2.10:5060", sip.UDP).Domain("example.org").Credentials("100", "x").AutoAnswer(time.Hour)
		two := s.UA("101", "192.0.2.20:5060", sip.UDP).Domain("example.org").Credentials("101", "y").Reliable()
		for _, u := range []*siptest.UA{one, two} {
			if got := u.Register("", ""); got.Status() != 200 {
				t.Fatalf("registering %s: %d", u.Name(), got.Status())
			}
		}
		two.Request(sip.INVITE, "sip:100@example.org", siptest.SDP(two.Addr().Addr()))
		two.Reply(two.Expect(sip.INVITE, 6*time.Second), 486)
		two.Expect("486", time.Second)
		two.Request(sip.INVITE, "sip:alice@example.org", siptest.SDP(two.Addr().Addr()))
		two.Expect("404", time.Second)
		siptest.Golden(t, "testdata/office_config.ladder", s.Ladder())
	})
}
