package call_test

import (
	"slices"
	"testing"
	"time"

	"github.com/sipscript/sipscript/engine/call"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

// talking is a call between alice and bob.
type talking struct {
	caller, callee *siptest.Dialog // towards the server
	out            *sip.Message    // the INVITE that bob got
}

// connect calls bob and answers.
func (s *stage) connect() *talking {
	s.t.Helper()
	s.alice.Request("INVITE", "sip:bob@192.0.2.1", with("alice"))
	out := s.bob.Expect("INVITE", soon)
	s.bob.Reply(out, 200, with("bob"))
	s.bob.Expect("ACK", soon)
	ok := s.alice.Expect("200", soon)
	c := &talking{caller: s.alice.Dialog(ok), callee: s.bob.Dialog(out), out: out}
	c.caller.ACK()
	time.Sleep(soon)
	return c
}

// hangUp ends the call from alice's side.
func (s *stage) hangUp(c *talking) {
	s.t.Helper()
	c.caller.BYE()
	s.alice.Expect("200 BYE", soon)
	s.bob.Reply(s.bob.Expect("BYE", soon), 200)
}

func TestACancelledCallEndsOnBothSides(t *testing.T) {
	play(t, b2bua(call.DialOptions{}, toBob), func(s *stage) {
		invite := s.alice.Request("INVITE", "sip:bob@192.0.2.1", with("alice"))
		out := s.bob.Expect("INVITE", soon)
		s.bob.Reply(out, 180)
		s.alice.Expect("180", soon)
		s.alice.CANCEL(invite, siptest.Header("Reason", `Q.850;cause=16`))
		s.alice.Expect("200 CANCEL", soon)
		s.alice.ACK(s.alice.Expect("487", soon))
		cancel := s.bob.Expect("CANCEL", soon)
		if got := header(cancel, "Reason"); got != "Q.850;cause=16" { // B115
			t.Errorf("Reason %q", got)
		}
		s.bob.Reply(cancel, 200)
		refuse(s.bob, out, 487)
	})
}

// B105: the 200 of a callee that crosses the caller's CANCEL is acknowledged and ended.
func TestB105AnAnswerThatCrossesACancelIsEnded(t *testing.T) {
	play(t, b2bua(call.DialOptions{}, toBob), func(s *stage) {
		invite := s.alice.Request("INVITE", "sip:bob@192.0.2.1", with("alice"))
		out := s.bob.Expect("INVITE", soon)
		s.bob.Reply(out, 180)
		s.alice.Expect("180", soon)
		s.alice.CANCEL(invite)
		time.Sleep(1500 * time.Microsecond)
		s.bob.Reply(out, 200, with("bob")) // while the CANCEL is on its way
		s.alice.ACK(s.alice.Expect("487", soon))
		s.bob.Expect("ACK", soon)
		s.bob.Reply(s.bob.Expect("BYE", soon), 200)
		s.bob.Reply(out, 200, with("bob")) // the ACK was lost
		s.bob.Expect("ACK", soon)
		s.bob.ExpectNone(time.Minute, "BYE")
	})
}

// B104: the 2xx is repeated until the ACK, at T1 doubling to T2; without one both sides get BYE after 64·T1, and the
// callee's leg gets none before.
func TestB104A2xxThatIsNeverAcknowledgedEndsTheCall(t *testing.T) {
	play(t, b2bua(call.DialOptions{}, toBob), func(s *stage) {
		s.alice.Request("INVITE", "sip:bob@192.0.2.1", with("alice"))
		out := s.bob.Expect("INVITE", soon)
		s.bob.Reply(out, 200, with("bob"))
		s.bob.Expect("ACK", soon)
		s.alice.Expect("200", soon)
		for _, wait := range []int{500, 1000, 2000, 4000, 4000} {
			s.alice.ExpectNone(time.Duration(wait)*time.Millisecond-soon, "200")
			s.alice.Expect("200", 2*soon)
		}
		s.alice.Reply(s.alice.Expect("BYE", 25*time.Second), 200)
		s.bob.Reply(s.bob.Expect("BYE", soon), 200)
	})
}

// B105: a caller may hang up before it has acknowledged the answer; the ACK that comes later changes nothing.
func TestB105AByeBeforeTheAckEndsTheCall(t *testing.T) {
	play(t, b2bua(call.DialOptions{}, toBob), func(s *stage) {
		s.alice.Request("INVITE", "sip:bob@192.0.2.1", with("alice"))
		out := s.bob.Expect("INVITE", soon)
		s.bob.Reply(out, 200, with("bob"))
		s.bob.Expect("ACK", soon)
		dialog := s.alice.Dialog(s.alice.Expect("200", soon))
		dialog.BYE()
		s.alice.Expect("200 BYE", soon)
		s.bob.Reply(s.bob.Expect("BYE", soon), 200)
		dialog.ACK()
		s.alice.ExpectNone(5*time.Second, "200")
	})
}

// B105: a callee that hangs up at once is not passed on before the caller's ACK (RFC 3261 §15).
func TestB105NoByeGoesToACallerBeforeItsAck(t *testing.T) {
	play(t, b2bua(call.DialOptions{}, toBob), func(s *stage) {
		s.alice.Request("INVITE", "sip:bob@192.0.2.1", with("alice"))
		out := s.bob.Expect("INVITE", soon)
		s.bob.Reply(out, 200, with("bob"))
		s.bob.Expect("ACK", soon)
		ok := s.alice.Expect("200", soon)
		s.bob.Dialog(out).BYE()
		s.bob.Expect("200 BYE", soon)
		s.alice.ExpectNone(2*time.Second, "BYE")
		s.alice.Dialog(ok).ACK()
		s.alice.Reply(s.alice.Expect("BYE", soon), 200)
	})
}

func TestB105ByesThatCrossAreBothAnswered(t *testing.T) {
	play(t, b2bua(call.DialOptions{}, toBob), func(s *stage) {
		c := s.connect()
		c.caller.BYE()
		c.callee.BYE()
		s.alice.Expect("200 BYE", soon)
		s.bob.Expect("200 BYE", soon)
		for _, u := range []*siptest.UA{s.alice, s.bob} { // whoever was second has been told by then
			if slices.Contains(u.Unread(), "BYE") {
				u.Reply(u.Expect("BYE", soon), 200)
			}
		}
		time.Sleep(soon)
		c.caller.BYE() // once more
		s.alice.Expect("481", soon)
	})
}

// A leg whose peer has lost the dialog ends, and with it the other one (RFC 3261 §12.2.1.2).
func TestB103A481ToAReinviteEndsTheCall(t *testing.T) {
	play(t, b2bua(call.DialOptions{}, toBob), func(s *stage) {
		c := s.connect()
		c.caller.ReINVITE(with("alice"))
		refuse(s.bob, s.bob.Expect("INVITE", soon), 481)
		s.alice.ACK(s.alice.Expect("481", soon))
		s.bob.Reply(s.bob.Expect("BYE", soon), 481)
		s.alice.Reply(s.alice.Expect("BYE", soon), 200)
	})
}

func TestACalleeThatVanishesEndsTheCallAtTheNextRequest(t *testing.T) {
	play(t, b2bua(call.DialOptions{}, toBob), func(s *stage) {
		c := s.connect()
		s.bob.Close()
		c.caller.ReINVITE(with("alice"))
		s.alice.ACK(s.alice.Expect("4xx", 40*time.Second))
		s.alice.Reply(s.alice.Expect("BYE", soon), 200)
	})
}

// refuse answers an INVITE with a failure and takes the ACK.
func refuse(u *siptest.UA, invite *sip.Message, code int, opts ...siptest.Option) {
	u.Reply(invite, code, opts...)
	u.Expect("ACK", soon)
}

// A BYE that is faster than the 200 of the re-INVITE before it, which was lost: the 200 is repeated until its ACK, or the
// peer would wait for a final response in vain.
func TestA200IsRepeatedAfterTheEndOfItsCall(t *testing.T) {
	play(t, b2bua(call.DialOptions{}, toBob), func(s *stage) {
		c := s.connect()
		c.caller.ReINVITE(with("alice"))
		in := s.bob.Expect("INVITE", soon)
		s.Net.Lose(1, nil, s.alice.Host(), siptest.Matching("200 INVITE"))
		s.bob.Reply(in, 200, with("bob"))
		s.bob.Expect("ACK", soon)
		c.caller.BYE()
		s.alice.Expect("200 BYE", soon)
		s.bob.Reply(s.bob.Expect("BYE", soon), 200)
		c.caller.Accepted(s.alice.Expect("200 INVITE", time.Second)).ACK()
		s.alice.ExpectNone(5*time.Second, "200 INVITE")
	})
}
