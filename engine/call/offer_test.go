package call_test

import (
	"slices"
	"testing"
	"time"

	"github.com/sipscript/sipscript/engine/call"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

func holds(t *testing.T, m *sip.Message, who string) {
	t.Helper()
	if got := string(m.Body()); got != sdp(who) {
		t.Errorf("%s %d holds %q, not what %s says", m.Method(), m.Status(), got, who)
	}
}

// B098: an INVITE without an offer gets one in the 200, and the answer in its ACK goes to who has made it.
func TestB098ALateOfferIsCarriedAcross(t *testing.T) {
	play(t, b2bua(call.DialOptions{}, toBob), func(s *stage) {
		s.alice.Request("INVITE", "sip:bob@192.0.2.1")
		out := s.bob.Expect("INVITE", soon)
		if len(out.Body()) > 0 {
			t.Errorf("offered %q", out.Body())
		}
		s.bob.Reply(out, 200, with("bob"))
		ok := s.alice.Expect("200", soon)
		holds(t, ok, "bob")
		s.bob.ExpectNone(soon, "ACK")
		dialog := s.alice.Dialog(ok)
		dialog.ACK(with("alice"))
		holds(t, s.bob.Expect("ACK", soon), "alice")
		dialog.BYE()
		s.alice.Expect("200 BYE", soon)
		s.bob.Reply(s.bob.Expect("BYE", soon), 200)
	})
}

// A caller that acknowledges an offer without an answer has agreed to nothing.
func TestAnAckWithoutTheAnswerThatIsDueEndsTheCall(t *testing.T) {
	play(t, b2bua(call.DialOptions{}, toBob), func(s *stage) {
		s.alice.Request("INVITE", "sip:bob@192.0.2.1")
		s.bob.Reply(s.bob.Expect("INVITE", soon), 200, with("bob"))
		s.alice.Dialog(s.alice.Expect("200", soon)).ACK()
		s.alice.Reply(s.alice.Expect("BYE", soon), 200)
		s.bob.Expect("ACK", soon)
		s.bob.Reply(s.bob.Expect("BYE", soon), 200)
	})
}

func TestAReinvitePassesBothWays(t *testing.T) {
	play(t, b2bua(call.DialOptions{}, toBob), func(s *stage) {
		c := s.connect()
		c.caller.ReINVITE(with("alice, again"))
		in := s.bob.Expect("INVITE", soon)
		holds(t, in, "alice, again")
		s.bob.Reply(in, 200, with("bob, again"))
		s.bob.Expect("ACK", soon)
		ok := s.alice.Expect("200 INVITE", soon)
		holds(t, ok, "bob, again")
		c.caller.Accepted(ok).ACK()
		time.Sleep(soon)

		c.callee.ReINVITE(with("bob holds"))
		in = s.alice.Expect("INVITE", soon)
		holds(t, in, "bob holds")
		s.alice.Reply(in, 200, with("alice is held"))
		s.alice.Expect("ACK", soon)
		ok = s.bob.Expect("200 INVITE", soon)
		holds(t, ok, "alice is held")
		c.callee.Accepted(ok).ACK()
		s.hangUp(c)
	})
}

func TestALateReinviteAsksTheOtherSideForItsOffer(t *testing.T) {
	play(t, b2bua(call.DialOptions{}, toBob), func(s *stage) {
		c := s.connect()
		c.caller.ReINVITE()
		in := s.bob.Expect("INVITE", soon)
		if len(in.Body()) > 0 {
			t.Errorf("offered %q", in.Body())
		}
		s.bob.Reply(in, 200, with("bob offers"))
		ok := s.alice.Expect("200 INVITE", soon)
		holds(t, ok, "bob offers")
		c.caller.Accepted(ok).ACK(with("alice answers"))
		holds(t, s.bob.Expect("ACK", soon), "alice answers")
		s.hangUp(c)
	})
}

// B101: an UPDATE goes on as one where the other side takes it, else as a re-INVITE.
func TestB101AnUpdatePasses(t *testing.T) {
	for _, test := range []struct{ allow, want string }{{"INVITE, ACK, BYE, UPDATE", "UPDATE"}, {"INVITE, ACK, BYE", "INVITE"}} {
		t.Run(test.want, func(t *testing.T) {
			play(t, b2bua(call.DialOptions{}, toBob), func(s *stage) {
				s.alice.Request("INVITE", "sip:bob@192.0.2.1", with("alice"))
				s.bob.Reply(s.bob.Expect("INVITE", soon), 200, with("bob"), siptest.Set("Allow", test.allow))
				s.bob.Expect("ACK", soon)
				dialog := s.alice.Dialog(s.alice.Expect("200", soon))
				dialog.ACK()
				dialog.Request("UPDATE", with("alice, again"))
				in := s.bob.Expect(test.want, soon)
				holds(t, in, "alice, again")
				s.bob.Reply(in, 200, with("bob, again"))
				holds(t, s.alice.Expect("200 UPDATE", soon), "bob, again")
				dialog.BYE()
				s.alice.Expect("200 BYE", soon)
				s.bob.Reply(s.bob.Expect("BYE", soon), 200)
			})
		})
	}
}

// B103: a re-INVITE that fails leaves the session as it was.
func TestB103AFailedReinviteChangesNothing(t *testing.T) {
	play(t, b2bua(call.DialOptions{}, toBob), func(s *stage) {
		c := s.connect()
		c.caller.ReINVITE(with("alice with video"))
		refuse(s.bob, s.bob.Expect("INVITE", soon), 488)
		s.alice.ACK(s.alice.Expect("488", soon))
		s.alice.ExpectNone(5*time.Second, "BYE")
		c.caller.ReINVITE(with("alice, again"))
		in := s.bob.Expect("INVITE", soon)
		s.bob.Reply(in, 200, with("bob, again"))
		ok := s.alice.Expect("200 INVITE", soon)
		c.caller.Accepted(ok).ACK()
		s.hangUp(c)
	})
}

// B102: re-INVITEs of both sides that cross are both refused with 491: one here, one by who has sent the other.
func TestB102ReinvitesThatCrossAreRefusedWith491(t *testing.T) {
	play(t, b2bua(call.DialOptions{}, toBob), func(s *stage) {
		c := s.connect()
		c.caller.ReINVITE(with("alice"))
		c.callee.ReINVITE(with("bob"))
		time.Sleep(soon)
		late, early := s.alice, s.bob
		if slices.Contains(s.bob.Unread(), "INVITE") {
			late, early = s.bob, s.alice
		}
		in := late.Expect("INVITE", soon)
		late.ACK(late.Expect("491", soon))
		refuse(late, in, 491)
		early.ACK(early.Expect("491", soon))
		s.hangUp(c)
	})
}

// B102: a second INVITE before the answer to the first gets 500 with Retry-After.
func TestB102ASecondReinviteHasToWait(t *testing.T) {
	play(t, b2bua(call.DialOptions{}, toBob), func(s *stage) {
		c := s.connect()
		c.caller.ReINVITE(with("alice"))
		in := s.bob.Expect("INVITE", soon)
		c.caller.ReINVITE(with("alice is impatient"))
		early := s.alice.Expect("500", soon)
		if header(early, "Retry-After") == "" {
			t.Error("500 without Retry-After")
		}
		s.alice.ACK(early)
		s.bob.Reply(in, 200, with("bob"))
		ok := s.alice.Expect("200 INVITE", soon)
		c.caller.Accepted(ok).ACK()
		s.hangUp(c)
	})
}

// B111: a body that has to be understood and is not gets 415 with what would be.
func TestB111AnUnknownBodyIsRefused(t *testing.T) {
	play(t, b2bua(call.DialOptions{}, toBob), func(s *stage) {
		s.alice.Request("INVITE", "sip:bob@192.0.2.1", siptest.Body("text/plain", "hello"))
		no := s.alice.Expect("415", soon)
		if header(no, "Accept") != "application/sdp" {
			t.Errorf("Accept %q", header(no, "Accept"))
		}
		s.alice.ACK(no)
		s.alice.Request("INVITE", "sip:bob@192.0.2.1", siptest.Header("Require", "telepathy"), with("alice"))
		no = s.alice.Expect("420", soon) // B112
		if header(no, "Unsupported") != "telepathy" {
			t.Errorf("Unsupported %q", header(no, "Unsupported"))
		}
		s.alice.ACK(no)
	})
}
