package call_test

import (
	"testing"
	"time"

	"github.com/sipscript/sipscript/engine/call"
	"github.com/sipscript/sipscript/sip/siptest"
)

// B152: a call that says until when it is to be answered is ended then, and one that rings for long is kept alive.
func TestB152ACallExpiresAsItsInviteSays(t *testing.T) {
	play(t, b2bua(call.DialOptions{}, toBob), func(s *stage) {
		s.alice.Request("INVITE", "sip:bob@192.0.2.1", with("alice"), siptest.Header("Expires", "130"))
		out := s.bob.Expect("INVITE", soon)
		s.bob.Reply(out, 180)
		s.alice.Expect("180", soon)
		for range 2 {
			s.alice.ExpectNone(59*time.Second, "180")
			s.alice.Expect("180", 2*time.Second)
		}
		s.alice.ACK(s.alice.Expect("487", 11*time.Second))
		s.bob.Reply(s.bob.Expect("CANCEL", soon), 200)
		refuse(s.bob, out, 487)
	})
}
