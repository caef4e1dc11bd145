package scenario

import (
	"strings"
	"testing"
	"time"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

// messages plays a test with the message example, where alice, bob and carol have registered.
func messages(t *testing.T, ladder string, f func(t *testing.T, s *siptest.Scene, srv *Server, alice, bob, carol *siptest.UA)) {
	t.Helper()
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		srv := Start(t, s, Example(t, "message.lua"), Options{Config: map[string]any{"messages_per_minute": 3}})
		nameServer(s)
		alice := s.UA("alice", "192.0.2.10:5060", sip.UDP).Reliable()
		bob := s.UA("bob", "192.0.2.20:5060", sip.UDP).AutoReply(200)
		carol := s.UA("carol", "192.0.2.30:5060", sip.UDP).AutoReply(200)
		for _, u := range []*siptest.UA{alice, bob, carol} {
			u.Register("", "")
		}
		f(t, s, srv, alice, bob, carol)
		siptest.Golden(t, "testdata/message_"+ladder+".ladder", s.Ladder())
	})
}

// text sends one and returns the status of the answer.
func text(from *siptest.UA, to, words string) int {
	return from.Final(from.Request(sip.MESSAGE, "sip:"+to+"@192.0.2.1", siptest.Body("text/plain", words))).Status()
}

func TestMessageExampleDelivers(t *testing.T) {
	messages(t, "one", func(t *testing.T, s *siptest.Scene, srv *Server, alice, bob, carol *siptest.UA) {
		bob.Handle(nil)
		req := alice.Request(sip.MESSAGE, "sip:bob@192.0.2.1", siptest.Body("text/plain", "lunch?"))
		m := bob.Expect(sip.MESSAGE, time.Second)
		if string(m.Body()) != "lunch?" {
			t.Errorf("bob reads %q", m.Body())
		}
		bob.Reply(m, 200)
		if got := alice.Final(req).Status(); got != 200 {
			t.Errorf("delivered: %d", got)
		}
		if want := "bytes=6 cause=answered from=sip:alice@192.0.2.1 to=sip:bob@192.0.2.1"; !strings.Contains(srv.Log.String(), want) {
			t.Errorf("no %s in the log:\n%s", want, srv.Log)
		}
	})
}

func TestMessageExampleCopiesToAGroup(t *testing.T) {
	messages(t, "group", func(t *testing.T, s *siptest.Scene, _ *Server, alice, bob, carol *siptest.UA) {
		if got := text(alice, "team", "lunch?"); got != 200 {
			t.Errorf("to the team: %d", got)
		}
		time.Sleep(time.Second) // for carol's answer
	})
}

func TestMessageExampleSaysWhenNobodyIsThere(t *testing.T) {
	messages(t, "unavailable", func(t *testing.T, s *siptest.Scene, _ *Server, alice, bob, carol *siptest.UA) {
		if got := text(alice, "dave", "lunch?"); got != 480 {
			t.Errorf("to who has not registered: %d", got)
		}
	})
}

func TestMessageExampleLimitsSenders(t *testing.T) {
	messages(t, "limit", func(t *testing.T, s *siptest.Scene, _ *Server, alice, bob, carol *siptest.UA) {
		for i, want := range []int{200, 200, 200, 480} {
			if got := text(alice, "bob", "lunch?"); got != want {
				t.Errorf("message %d: %d, want %d", i+1, got, want)
			}
		}
		time.Sleep(time.Minute)
		if got := text(alice, "bob", "dinner?"); got != 200 {
			t.Errorf("a minute later: %d", got)
		}
	})
}

func TestMessageExampleRefuses(t *testing.T) {
	messages(t, "refused", func(t *testing.T, s *siptest.Scene, _ *Server, alice, bob, carol *siptest.UA) {
		eve := s.UA("eve", "192.0.2.66:5060", sip.UDP).Reliable()
		if got := text(eve, "bob", "spam"); got != 403 {
			t.Errorf("from who has not registered: %d", got)
		}
		req := alice.Request(sip.MESSAGE, "sip:bob@example.com", siptest.Body("text/plain", "x"))
		if got := alice.Final(req).Status(); got != 403 {
			t.Errorf("to elsewhere: %d", got)
		}
		got := alice.Final(alice.Request(sip.MESSAGE, "sip:bob@192.0.2.1", siptest.Body("text/html", "<b>x</b>")))
		if accept, _ := got.Value(sip.Accept); got.Status() != 415 || accept != "text/plain" {
			t.Errorf("HTML: %d, Accept %q", got.Status(), accept)
		}
	})
}
