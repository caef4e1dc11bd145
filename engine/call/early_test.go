package call_test

import (
	"strings"
	"testing"
	"time"

	"github.com/sipscript/sipscript/engine/call"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

// described is sdp with another port, so that each description is told from the others.
func described(who, port string) siptest.Option {
	return siptest.Body("application/sdp", strings.Replace(sdp(who), "4000", port, 1))
}

func says(m *sip.Message, who, port string) bool {
	return string(m.Body()) == strings.Replace(sdp(who), "4000", port, 1)
}

// early brings both legs to reliable early media, and returns the dialogs of both ends and the INVITE that went out.
func (s *stage) early(callee ...siptest.Option) (alice, bob *siptest.Dialog, out, shown *sip.Message) {
	s.alice.Request("INVITE", "sip:bob@192.0.2.1", with("alice"), supports("100rel"), takesUpdate)
	out = s.bob.Expect("INVITE", soon)
	s.bob.Reply(out, 183, append(callee, numbered(1), with("bob"))...)
	s.bob.Reply(s.bob.Expect("PRACK", soon), 200)
	shown = s.alice.Expect("183", soon)
	return s.alice.Dialog(shown), s.bob.Dialog(out), out, shown
}

// answer has the callee answer what was agreed early, and the caller hang up.
func (s *stage) answer(alice *siptest.Dialog, out *sip.Message) {
	s.t.Helper()
	s.bob.Reply(out, 200)
	s.bob.Expect("ACK", soon)
	alice.Accepted(s.alice.Expect("200 INVITE", soon))
	alice.ACK()
	s.alice.ExpectNone(soon, "INVITE", "UPDATE") // nothing has to be set right
	s.down(alice)
}

func TestB101UpdateOfTheCallerBeforeTheAnswer(t *testing.T) {
	play(t, b2bua(call.DialOptions{}, toBob), func(s *stage) {
		alice, _, out, shown := s.early(takesUpdate)
		alice.Request(sip.UPDATE, described("alice", "5000"))
		refusal := s.alice.Expect("500 UPDATE", soon) // the PRACK comes first (RFC 6337 §4.3)
		if !refusal.Has(sip.RetryAfter) {
			t.Errorf("refused with\n%v", refusal)
		}
		prackFor(alice, shown)
		s.alice.Expect("200 PRACK", soon)
		alice.Request(sip.UPDATE, described("alice", "5000"))
		update := s.bob.Expect("UPDATE", soon)
		if !says(update, "alice", "5000") {
			t.Errorf("the callee is offered\n%v", update)
		}
		s.bob.Reply(update, 200, described("bob", "6000"))
		if ok := s.alice.Expect("200 UPDATE", soon); !says(ok, "bob", "6000") {
			t.Errorf("the caller is answered\n%v", ok)
		}
		s.answer(alice, out)
	})
}

func TestB101UpdateOfTheCalleeBeforeTheAnswer(t *testing.T) {
	play(t, b2bua(call.DialOptions{}, toBob), func(s *stage) {
		alice, bob, out, shown := s.early(takesUpdate)
		bob.Request(sip.UPDATE, described("bob", "6000"))
		refusal := s.bob.Expect("500 UPDATE", soon) // the caller has not acknowledged the answer, so nothing can be offered to it
		if !refusal.Has(sip.RetryAfter) {
			t.Errorf("refused with\n%v", refusal)
		}
		prackFor(alice, shown)
		s.alice.Expect("200 PRACK", soon)
		bob.Request(sip.UPDATE, described("bob", "6000"))
		update := s.alice.Expect("UPDATE", soon)
		if !says(update, "bob", "6000") {
			t.Errorf("the caller is offered\n%v", update)
		}
		s.alice.Reply(update, 200, described("alice", "5000"))
		if ok := s.bob.Expect("200 UPDATE", soon); !says(ok, "alice", "5000") {
			t.Errorf("the callee is answered\n%v", ok)
		}
		s.answer(alice, out)
	})
}

func TestB100OfferInThePrack(t *testing.T) {
	play(t, b2bua(call.DialOptions{}, toBob), func(s *stage) {
		alice, _, out, shown := s.early(takesUpdate)
		prackFor(alice, shown, described("alice", "5000"))
		update := s.bob.Expect("UPDATE", soon)
		if !says(update, "alice", "5000") {
			t.Errorf("the callee is offered\n%v", update)
		}
		s.bob.Reply(update, 200, described("bob", "6000"))
		if ok := s.alice.Expect("200 PRACK", soon); !says(ok, "bob", "6000") {
			t.Errorf("the caller is answered\n%v", ok)
		}
		s.answer(alice, out)
	})
}

// A callee that takes no UPDATE cannot be offered anything: the caller sends its PRACK without an offer then.
func TestB100OfferInThePrackThatCannotBePassedOn(t *testing.T) {
	play(t, b2bua(call.DialOptions{}, toBob), func(s *stage) {
		alice, _, out, shown := s.early(siptest.Header("Allow", "INVITE, ACK, BYE, CANCEL, PRACK"))
		prackFor(alice, shown, described("alice", "5000"))
		s.alice.Expect("488 PRACK", soon)
		prackFor(alice, shown)
		s.alice.Expect("200 PRACK", soon)
		alice.Request(sip.UPDATE, described("alice", "5000"))
		s.alice.Expect("488 UPDATE", soon)
		s.answer(alice, out)
	})
}

func TestB101EarlyUpdateThatIsRefused(t *testing.T) {
	play(t, b2bua(call.DialOptions{}, toBob), func(s *stage) {
		alice, _, out, shown := s.early(takesUpdate)
		prackFor(alice, shown)
		s.alice.Expect("200 PRACK", soon)
		alice.Request(sip.UPDATE, described("alice", "5000"))
		s.bob.Reply(s.bob.Expect("UPDATE", soon), 488)
		s.alice.Expect("488 UPDATE", soon)
		alice.Request(sip.UPDATE, described("alice", "5002"))
		alice.Request(sip.UPDATE, described("alice", "5004"))
		s.alice.Expect("500 UPDATE", soon) // the one before is unanswered
		s.bob.Reply(s.bob.Expect("UPDATE", soon), 504)
		s.alice.Expect("504 UPDATE", soon)
		alice.Request(sip.UPDATE)
		s.alice.Expect("200 UPDATE", soon) // it offers nothing, and only refreshes
		s.answer(alice, out)
	})
}

// A dial that fails answers what was waiting for it.
func TestB101CalleeRefusesTheCallDuringAnUpdate(t *testing.T) {
	play(t, b2bua(call.DialOptions{}, toBob), func(s *stage) {
		alice, _, out, shown := s.early(takesUpdate)
		prackFor(alice, shown)
		s.alice.Expect("200 PRACK", soon)
		alice.Request(sip.UPDATE, described("alice", "5000"))
		update := s.bob.Expect("UPDATE", soon)
		s.bob.Reply(out, 486)
		s.bob.Expect("ACK", soon)
		s.alice.Expect("488 UPDATE", soon)
		s.alice.ACK(s.alice.Expect("486", soon))
		s.bob.Reply(update, 481)
	})
}

// The caller hangs up while its UPDATE waits.
func TestB105CancelDuringAnEarlyUpdate(t *testing.T) {
	play(t, b2bua(call.DialOptions{}, toBob), func(s *stage) {
		invite := s.alice.Request("INVITE", "sip:bob@192.0.2.1", with("alice"), supports("100rel"), takesUpdate)
		out := s.bob.Expect("INVITE", soon)
		s.bob.Reply(out, 183, takesUpdate, numbered(1), with("bob"))
		s.bob.Reply(s.bob.Expect("PRACK", soon), 200)
		shown := s.alice.Expect("183", soon)
		alice := s.alice.Dialog(shown)
		prackFor(alice, shown)
		s.alice.Expect("200 PRACK", soon)
		alice.Request(sip.UPDATE, described("alice", "5000"))
		update := s.bob.Expect("UPDATE", soon)
		s.alice.CANCEL(invite)
		s.alice.Expect("200 CANCEL", soon)
		s.alice.ACK(s.alice.Expect("487 INVITE", soon))
		s.alice.Expect("487 UPDATE", soon)
		s.bob.Reply(s.bob.Expect("CANCEL", soon), 200)
		s.bob.Reply(update, 200, described("bob", "6000"))
		s.bob.Reply(out, 487)
		s.bob.Expect("ACK", soon)
	})
}

// A callee that does not answer the offer must not keep the caller's PRACK from its response.
func TestB100OfferInThePrackThatIsNeverAnswered(t *testing.T) {
	play(t, b2bua(call.DialOptions{}, toBob), func(s *stage) {
		alice, _, out, shown := s.early(takesUpdate)
		prackFor(alice, shown, described("alice", "5000"))
		update := s.bob.Expect("UPDATE", soon)
		s.alice.Expect("504 PRACK", 17*time.Second)
		s.bob.Reply(update, 200, described("bob", "6000")) // too late for the caller
		prackFor(alice, shown)
		s.alice.Expect("200 PRACK", soon)
		s.bob.Reply(out, 200)
		s.bob.Expect("ACK", soon)
		alice.Accepted(s.alice.Expect("200 INVITE", soon)).ACK()
		again := s.alice.Expect("INVITE", soon) // the callee talks about another port now
		if !says(again, "bob", "6000") {
			t.Errorf("the caller is offered\n%v", again)
		}
		s.alice.Reply(again, 200, described("alice", "5000"))
		s.alice.Expect("ACK", soon)
		s.down(alice)
	})
}
