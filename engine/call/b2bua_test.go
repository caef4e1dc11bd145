package call_test

import (
	"strings"
	"testing"

	"github.com/sipscript/sipscript/engine/call"
	"github.com/sipscript/sipscript/sip"
)

// B096: both legs have their own Call-ID, tags, CSeq, Contact and Via, and nothing of one side is seen on the other.
func TestB096TheTwoDialogsOfACallShareNothing(t *testing.T) {
	play(t, b2bua(call.DialOptions{}, toBob), func(s *stage) {
		invite := s.alice.Request("INVITE", "sip:bob@192.0.2.1", with("alice"))
		out := s.bob.Expect("INVITE", soon)
		for _, secret := range []string{invite.CallID(), invite.FromTag(), "192.0.2.10", header(invite, "User-Agent")} {
			if secret != "" && strings.Contains(out.String(), secret) {
				t.Errorf("%q of the caller's is in\n%v", secret, out)
			}
		}
		if string(out.Body()) != sdp("alice") {
			t.Errorf("offered %q", out.Body())
		}
		if got := header(out, "Max-Forwards"); got != "69" {
			t.Errorf("Max-Forwards %s", got)
		}
		s.bob.Reply(out, 180)
		s.alice.Expect("180", soon)
		s.bob.Reply(out, 200, with("bob"))
		s.bob.Expect("ACK", soon)
		ok := s.alice.Expect("200", soon)
		if string(ok.Body()) != sdp("bob") {
			t.Errorf("answered %q", ok.Body())
		}
		for _, secret := range []string{out.CallID(), out.FromTag(), "192.0.2.20"} {
			if strings.Contains(ok.String(), secret) {
				t.Errorf("%q of the callee's is in\n%v", secret, ok)
			}
		}
		dialog := s.alice.Dialog(ok)
		dialog.ACK()
		dialog.BYE()
		s.alice.Expect("200 BYE", soon)
		s.bob.Reply(s.bob.Expect(sip.BYE, soon), 200)
	})
}

func TestTheCalleeEndsACall(t *testing.T) {
	play(t, b2bua(call.DialOptions{}, toBob), func(s *stage) {
		s.alice.Request("INVITE", "sip:bob@192.0.2.1", with("alice"))
		out := s.bob.Expect("INVITE", soon)
		s.bob.Reply(out, 200, with("bob"))
		s.bob.Expect("ACK", soon)
		ok := s.alice.Expect("200", soon)
		s.alice.Dialog(ok).ACK()
		s.bob.Dialog(out).BYE()
		s.bob.Expect("200 BYE", soon)
		s.alice.Reply(s.alice.Expect(sip.BYE, soon), 200)
	})
}
