package call_test

import (
	"testing"
	"time"

	"github.com/sipscript/sipscript/engine/call"
	"github.com/sipscript/sipscript/sip"
)

// A callee whose 2xx is an offer may hang up while its answer is still asked for: its 2xx has to have an ACK all the same
// (RFC 3261 §13.2.2.4), or it repeats that for 32 s.
func TestACalleeThatHangsUpBeforeItsOfferIsAnsweredGetsItsAck(t *testing.T) {
	play(t, b2bua(call.DialOptions{}, toBob), func(s *stage) {
		s.alice.Request("INVITE", "sip:bob@192.0.2.1")
		out := s.bob.Expect("INVITE", soon)
		ok := s.bob.Reply(out, 200, with("bob"))
		answer := s.alice.Expect("200", soon)
		s.bob.Dialog(out).BYE()
		s.bob.Expect("200 BYE", soon)
		s.bob.Expect("ACK", soon)
		s.bob.Send(ok.String()) // the ACK was lost
		s.bob.Expect("ACK", soon)
		s.alice.Dialog(answer).ACK(with("alice"))
		s.alice.Reply(s.alice.Expect("BYE", soon), 200)
	})
}

// The same in a re-INVITE that asks for an offer: whoever hangs up then, the 2xx that holds it gets its ACK, before the BYE.
func TestAnOfferInA2xxToAReinviteGetsItsAckWhoeverHangsUp(t *testing.T) {
	for _, who := range []string{"caller", "callee"} {
		t.Run(who, func(t *testing.T) {
			play(t, b2bua(call.DialOptions{}, toBob), func(s *stage) {
				c := s.connect()
				c.caller.ReINVITE()
				in := s.bob.Expect("INVITE", soon)
				s.bob.Reply(in, 200, with("bob offers"))
				ok := s.alice.Expect("200 INVITE", soon)
				if who == "callee" {
					c.callee.BYE()
					s.bob.Expect("200 BYE", soon)
					s.bob.Expect("ACK", soon)
					c.caller.Accepted(ok).ACK(with("alice answers"))
					s.alice.Reply(s.alice.Expect("BYE", soon), 200)
					return
				}
				c.caller.BYE()
				s.alice.Expect("200 BYE", soon)
				s.bob.Expect("ACK", soon)
				s.bob.Reply(s.bob.Expect(sip.BYE, soon), 200)
				time.Sleep(soon)
				c.caller.Accepted(ok).ACK(with("alice answers"))
			})
		})
	}
}
