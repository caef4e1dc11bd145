package call_test

import (
	"testing"

	"github.com/sipscript/sipscript/engine/call"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

// tagged is a response of another phone behind the one target, which makes a dialog of its own by its To tag.
func tagged(invite *sip.Message, tag string) siptest.Option {
	return siptest.Set("To", header(invite, "To")+";tag="+tag)
}

// One target that forks behind us makes several early dialogs of the leg: each is known, has its own PRACKs and its own media, and
// to the caller they are one.
func TestB099EarlyDialogsOfOneLegAreOneToTheCaller(t *testing.T) {
	for _, test := range []struct {
		name  string
		early call.Early
	}{{"the first is heard", call.EarlyPass}, {"the last is heard", call.EarlyLast}} {
		t.Run(test.name, func(t *testing.T) {
			play(t, b2bua(call.DialOptions{Early: test.early}, toBob), func(s *stage) {
				s.alice.Request("INVITE", "sip:bob@192.0.2.1", with("alice"))
				out := s.bob.Expect("INVITE", soon)
				var shown *sip.Message
				for i, who := range []string{"desk", "mobile"} {
					s.bob.Reply(out, 183, tagged(out, who), numbered(1), with(who))
					prack := s.bob.Expect("PRACK", soon)
					if prack.ToTag() != who || header(prack, "RAck") != "1 1 INVITE" {
						t.Errorf("the 183 of the %s is acknowledged with\n%v", who, prack)
					}
					s.bob.Reply(prack, 200)
					r := s.alice.Expect("183", soon)
					switch {
					case i == 0:
						shown = r
						holds(t, r, who)
					case r.ToTag() != shown.ToTag() || len(r.Body()) > 0:
						t.Errorf("the caller is shown\n%v\nafter\n%v", r, shown)
					}
				}
				s.bob.Reply(out, 200, tagged(out, "mobile"))
				if ack := s.bob.Expect("ACK", soon); ack.ToTag() != "mobile" {
					t.Errorf("acknowledged with\n%v", ack)
				}
				ok := s.alice.Expect("200 INVITE", soon)
				holds(t, ok, "desk") // as it was shown: the answer must not change (RFC 3261 §13.2.1)
				if ok.ToTag() != shown.ToTag() {
					t.Errorf("To tag %q after %q", ok.ToTag(), shown.ToTag())
				}
				alice := s.alice.Dialog(ok)
				alice.ACK()
				in := s.alice.Expect("INVITE", soon)
				holds(t, in, "mobile")
				s.alice.Reply(in, 200, with("alice"))
				s.alice.Expect("ACK", soon)
				alice.BYE()
				s.alice.Expect("200 BYE", soon)
				bye := s.bob.Expect("BYE", soon)
				if bye.ToTag() != "mobile" {
					t.Errorf("hung up with\n%v", bye)
				}
				s.bob.Reply(bye, 200)
			})
		})
	}
}

// Every 2xx of one INVITE makes a dialog (RFC 3261 §13.2.2.4): the first is the call, any other is acknowledged and ended, and its copies are
// acknowledged again.
func TestB099SecondAnswerOfOneLegIsEnded(t *testing.T) {
	play(t, b2bua(call.DialOptions{}, toBob), func(s *stage) {
		s.alice.Request("INVITE", "sip:bob@192.0.2.1", with("alice"))
		out := s.bob.Expect("INVITE", soon)
		s.bob.Reply(out, 180, tagged(out, "desk"))
		s.bob.Reply(out, 180, tagged(out, "mobile"))
		s.alice.Expect("180", soon)
		s.alice.Expect("180", soon)
		s.bob.Reply(out, 200, tagged(out, "desk"), with("desk"))
		if ack := s.bob.Expect("ACK", soon); ack.ToTag() != "desk" {
			t.Errorf("acknowledged with\n%v", ack)
		}
		ok := s.alice.Expect("200 INVITE", soon)
		holds(t, ok, "desk")
		alice := s.alice.Dialog(ok)
		alice.ACK()
		for range 2 {
			s.bob.Reply(out, 200, tagged(out, "mobile"), with("mobile"))
			if ack := s.bob.Expect("ACK", soon); ack.ToTag() != "mobile" {
				t.Errorf("acknowledged with\n%v", ack)
			}
		}
		bye := s.bob.Expect("BYE", soon)
		if bye.ToTag() != "mobile" {
			t.Errorf("ended with\n%v", bye)
		}
		s.bob.Reply(bye, 200)
		s.alice.ExpectNone(soon)
		alice.BYE()
		s.alice.Expect("200 BYE", soon)
		if bye = s.bob.Expect("BYE", soon); bye.ToTag() != "desk" {
			t.Errorf("hung up with\n%v", bye)
		}
		s.bob.Reply(bye, 200)
	})
}
