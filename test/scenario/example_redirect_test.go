package scenario

import (
	"slices"
	"testing"
	"time"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

func TestRedirectExampleSaysWhereToGo(t *testing.T) {
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		Start(t, s, Example(t, "redirect.lua"), Options{})
		nameServer(s)
		caller := s.UA("caller", "192.0.2.10:5060", sip.UDP).Reliable()
		for _, c := range []struct {
			method, user, want string
			contacts           []string
		}{
			{"INVITE", "alice", "301", []string{"<sip:alice@example.com>"}},
			{"INVITE", "2101", "302", []string{"<sip:2101@berlin.example.org>", "<sip:2101@berlin-2.example.org>"}},
			{"MESSAGE", "2201", "302", []string{"<sip:2201@hamburg.example.org>"}},
			{"INVITE", "bob", "404", nil},
			{"OPTIONS", "bob", "405", nil},
		} {
			caller.Request(c.method, "sip:"+c.user+"@192.0.2.1")
			got := caller.Expect(c.want, time.Second)
			if contacts := slices.Collect(got.List(sip.Contact)); !slices.Equal(contacts, c.contacts) {
				t.Errorf("%s %s: contacts %q, want %q", c.method, c.user, contacts, c.contacts)
			}
		}
		time.Sleep(time.Second) // for the last ACK
		siptest.Golden(t, "testdata/redirect.ladder", s.Ladder())
	})
}
