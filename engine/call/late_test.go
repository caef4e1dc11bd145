package call_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sipscript/sipscript/engine/call"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
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

// proffer has bob make his offer before he answers, and takes it to alice.
func (s *stage) proffer(opts ...siptest.Option) (invite, out, shown *sip.Message, caller *siptest.Dialog) {
	s.t.Helper()
	invite = s.alice.Request("INVITE", "sip:bob@192.0.2.1", opts...)
	out = s.bob.Expect("INVITE", soon)
	if len(out.Body()) > 0 || !out.HasOption(sip.Supported, "100rel") {
		s.t.Errorf("bob is asked for an offer by\n%v", out)
	}
	s.bob.Reply(out, 183, numbered(1), with("bob offers"))
	shown = s.alice.Expect("183", soon)
	holds(s.t, shown, "bob offers")
	if !shown.Has(sip.RSeq) {
		s.t.Errorf("an offer that may be lost:\n%v", shown)
	}
	s.bob.ExpectNone(soon, "PRACK") // it has to bring the answer
	return invite, out, shown, s.alice.Dialog(shown)
}

// B098: the offer that an INVITE without one asks for may stand in the first reliable provisional response, and its answer in the PRACK (RFC 3262 §5).
func TestB098AnOfferInAReliableResponseIsAnsweredInThePrack(t *testing.T) {
	for name, option := range map[string]siptest.Option{"supported": supports("100rel"), "required": requires("100rel")} {
		t.Run(name, func(t *testing.T) {
			play(t, b2bua(call.DialOptions{}, toBob), func(s *stage) {
				_, out, shown, caller := s.proffer(option)
				prackFor(caller, shown, with("alice answers"))
				s.alice.Expect("200 PRACK", soon)
				prack := s.bob.Expect("PRACK", soon)
				holds(t, prack, "alice answers")
				s.bob.Reply(prack, 200)
				s.bob.Reply(out, 180)
				s.alice.Expect("180", soon)
				s.bob.Reply(out, 200)
				s.bob.Expect("ACK", soon)
				ok := s.alice.Expect("200 INVITE", soon)
				if len(ok.Body()) > 0 {
					t.Errorf("the answered session is described once more:\n%s", ok.Body())
				}
				caller.Accepted(ok).ACK()
				time.Sleep(soon)

				// It is a session as any other.
				callee := s.bob.Dialog(out)
				callee.ReINVITE(with("bob holds"))
				in := s.alice.Expect("INVITE", soon)
				holds(t, in, "bob holds")
				s.alice.Reply(in, 200, with("alice is held"))
				s.alice.Expect("ACK", soon)
				again := s.bob.Expect("200 INVITE", soon)
				holds(t, again, "alice is held")
				callee.Accepted(again).ACK()
				caller.BYE()
				s.alice.Expect("200 BYE", soon)
				s.bob.Reply(s.bob.Expect("BYE", soon), 200)
			})
		})
	}
}

// Whoever goes while such an offer is open, or says nothing to it, leaves nothing behind.
func TestB098AnOfferInAReliableResponseThatComesToNothing(t *testing.T) {
	for name, end := range map[string]func(s *stage, invite, out, shown *sip.Message, caller *siptest.Dialog){
		"the caller cancels": func(s *stage, invite, out, _ *sip.Message, _ *siptest.Dialog) {
			s.alice.CANCEL(invite)
			s.alice.Expect("200 CANCEL", soon)
			s.alice.ACK(s.alice.Expect("487", soon))
			s.bob.Reply(s.bob.Expect("CANCEL", soon), 200)
			refuse(s.bob, out, 487)
		},
		"the callee refuses": func(s *stage, _, out, _ *sip.Message, _ *siptest.Dialog) {
			refuse(s.bob, out, 486)
			s.alice.ACK(s.alice.Expect("486", soon))
		},
		"the caller says nothing": func(s *stage, _, out, _ *sip.Message, _ *siptest.Dialog) {
			s.alice.ACK(s.alice.Expect("504", 40*time.Second))
			s.bob.Reply(s.bob.Expect("CANCEL", soon), 200)
			refuse(s.bob, out, 487)
		},
		"the PRACK holds no answer": func(s *stage, _, out, shown *sip.Message, caller *siptest.Dialog) {
			prackFor(caller, shown)
			s.alice.Expect("200 PRACK", soon)
			s.alice.ACK(s.alice.Expect("488", soon))
			s.bob.Reply(s.bob.Expect("CANCEL", soon), 200)
			refuse(s.bob, out, 487)
		},
		"the callee answers before the PRACK": func(s *stage, _, out, _ *sip.Message, _ *siptest.Dialog) {
			s.bob.Reply(out, 200, with("bob offers"))
			s.bob.Expect("ACK", soon)
			s.bob.Reply(s.bob.Expect("BYE", soon), 200)
			s.alice.ACK(s.alice.Expect("488", soon))
		},
		"another of its phones offers, too": func(s *stage, invite, out, shown *sip.Message, caller *siptest.Dialog) {
			head, _, _ := strings.Cut(ringingOf(out, "other"), "Content-Length")
			s.bob.Send(fmt.Sprintf("%sRequire: 100rel\r\nRSeq: 7\r\nContent-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s", head, len(sdp("other")), sdp("other")))
			prackFor(caller, shown, with("alice answers"))
			s.alice.Expect("200 PRACK", soon)
			holds(s.t, s.bob.Expect("PRACK", soon), "alice answers")
			s.alice.CANCEL(invite)
			s.alice.Expect("200 CANCEL", soon)
			s.alice.ACK(s.alice.Expect("487", soon))
			s.bob.Reply(s.bob.Expect("CANCEL", soon), 200)
			refuse(s.bob, out, 487)
		},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, b2bua(call.DialOptions{}, toBob), func(s *stage) {
				invite, out, shown, caller := s.proffer(supports("100rel"))
				end(s, invite, out, shown, caller)
			})
		})
	}
}

// What a caller has answered in its ACK is what a new peer is offered for it.
func TestACallerWithALateOfferIsTransferred(t *testing.T) {
	playScript(t, transferring{b2bua(call.DialOptions{}, toBob)}, func(s *stage) {
		s.alice.Request("INVITE", "sip:bob@192.0.2.1")
		out := s.bob.Expect("INVITE", soon)
		s.bob.Reply(out, 200, with("bob"))
		caller := s.alice.Dialog(s.alice.Expect("200", soon))
		caller.ACK(with("alice"))
		s.bob.Expect("ACK", soon)
		time.Sleep(soon)
		s.bob.Dialog(out).Request("REFER", siptest.Header("Refer-To", "<sip:carol@192.0.2.1>"))
		s.bob.Expect("202", soon)
		in := s.carol.Expect("INVITE", soon)
		holds(t, in, "alice")
		refuse(s.carol, in, 486)
		s.heardOf(s.bob, "100 Trying", "active")
		s.heardOf(s.bob, "486 Busy Here", "terminated")
		caller.BYE()
		s.alice.Expect("200 BYE", soon)
		s.bob.Reply(s.bob.Expect("BYE", soon), 200)
	})
}
