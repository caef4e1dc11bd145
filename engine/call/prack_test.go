package call_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sipscript/sipscript/engine/call"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

func supports(tag string) siptest.Option { return siptest.Header("Supported", tag) }

func requires(tag string) siptest.Option { return siptest.Header("Require", tag) }

// numbered makes a response of an endpoint a reliable one.
func numbered(rseq int) siptest.Option {
	return func(m *sip.Message) {
		m.Add("Require", "100rel")
		m.Add("RSeq", strconv.Itoa(rseq))
	}
}

// prackFor acknowledges a reliable response.
func prackFor(d *siptest.Dialog, r *sip.Message, opts ...siptest.Option) *sip.Message {
	return d.Request(sip.PRACK, append(opts, siptest.Header("RAck", header(r, "RSeq")+" "+header(r, "CSeq")))...)
}

// Both legs do what their own peer wants: the callee's reliable response is acknowledged here, and shown to a caller that
// knows nothing of it as an unreliable one.
func TestB100CalleeAloneIsReliable(t *testing.T) {
	play(t, b2bua(call.DialOptions{}, toBob), func(s *stage) {
		s.alice.Request("INVITE", "sip:bob@192.0.2.1", with("alice"))
		out := s.bob.Expect("INVITE", soon)
		if !out.HasOption(sip.Supported, "100rel") {
			t.Errorf("Supported: %s", header(out, "Supported"))
		}
		s.bob.Reply(out, 183, numbered(700), with("bob"))
		prack := s.bob.Expect("PRACK", soon)
		if got, want := header(prack, "RAck"), "700 "+header(out, "CSeq"); got != want {
			t.Errorf("RAck %s, want %s", got, want)
		}
		s.bob.Reply(prack, 200)
		ringing := s.alice.Expect("183", soon)
		if ringing.Has(sip.RSeq) || string(ringing.Body()) != sdp("bob") {
			t.Errorf("the caller is told\n%v", ringing)
		}
		s.bob.Reply(out, 180, numbered(701))
		s.bob.Reply(s.bob.Expect("PRACK", soon), 200)
		s.alice.Expect("180", soon)
		s.bob.Reply(out, 180, numbered(701)) // a copy is neither shown nor acknowledged
		s.bob.Reply(out, 180, numbered(703)) // and one before its turn neither
		s.bob.ExpectNone(soon, "PRACK")
		s.bob.Reply(out, 200)
		s.bob.Expect("ACK", soon)
		ok := s.alice.Expect("200", soon)
		if string(ok.Body()) != sdp("bob") {
			t.Errorf("the answer comes to the caller as %q", ok.Body())
		}
		if n := len(s.alice.Unread()); n > 1 { // the 100
			t.Errorf("the caller got %q", s.alice.Unread())
		}
		dialog := s.alice.Dialog(ok)
		dialog.ACK()
		dialog.BYE()
		s.alice.Expect("200 BYE", soon)
		s.bob.Reply(s.bob.Expect(sip.BYE, soon), 200)
	})
}

func TestB100CallerAloneIsReliable(t *testing.T) {
	rows := []struct {
		name   string
		option siptest.Option
	}{{"supported", supports("100rel")}, {"required", requires("100rel")}}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			play(t, b2bua(call.DialOptions{}, toBob), func(s *stage) {
				s.alice.Request("INVITE", "sip:bob@192.0.2.1", with("alice"), row.option)
				out := s.bob.Expect("INVITE", soon)
				if out.Has(sip.Require) {
					t.Errorf("what the caller requires is between it and us:\n%v", out)
				}
				s.bob.Reply(out, 183, with("bob"))
				first := s.alice.Expect("183", soon)
				if !first.HasOption(sip.Require, "100rel") || string(first.Body()) != sdp("bob") {
					t.Fatalf("the caller is told\n%v", first)
				}
				dialog := s.alice.Dialog(first)
				prackFor(dialog, first)
				s.alice.Expect("200 PRACK", soon)
				prackFor(dialog, first)
				s.alice.Expect("481 PRACK", soon)
				s.bob.Reply(out, 200, with("bob"))
				s.bob.Expect("ACK", soon)
				ok := s.alice.Expect("200 INVITE", soon)
				if len(ok.Body()) > 0 {
					t.Errorf("the answer is repeated: %q", ok.Body())
				}
				dialog.Accepted(ok)
				dialog.ACK()
				dialog.BYE()
				s.alice.Expect("200 BYE", soon)
				s.bob.Reply(s.bob.Expect(sip.BYE, soon), 200)
			})
		})
	}
}

// Where the caller only can, what shows no answer goes unreliably; where it requires, nothing but the 100 does.
func TestB100WhatIsSentReliably(t *testing.T) {
	play(t, b2bua(call.DialOptions{}, toBob), func(s *stage) {
		s.alice.Request("INVITE", "sip:bob@192.0.2.1", with("alice"), supports("100rel"))
		out := s.bob.Expect("INVITE", soon)
		s.bob.Reply(out, 180)
		if r := s.alice.Expect("180", soon); r.Has(sip.RSeq) {
			t.Errorf("a 180 without a description is reliable:\n%v", r)
		}
		s.bob.Reply(out, 486)
		s.bob.Expect("ACK", soon)
		s.alice.ACK(s.alice.Expect("486", soon))

		s.alice.Request("INVITE", "sip:bob@192.0.2.1", with("alice"), requires("100rel"))
		out = s.bob.Expect("INVITE", soon)
		s.bob.Reply(out, 180)
		r := s.alice.Expect("180", soon)
		if !r.HasOption(sip.Require, "100rel") {
			t.Errorf("a 180 is not reliable:\n%v", r)
		}
		prackFor(s.alice.Dialog(r), r)
		s.alice.Expect("200 PRACK", soon)
		s.bob.Reply(out, 486)
		s.bob.Expect("ACK", soon)
		s.alice.ACK(s.alice.Expect("486", soon))
	})
}

// Where several ring for a caller that has made no offer none of them may make one before it answers: only one could be
// answered.
func TestB098B100LateOfferIsNotMadeEarly(t *testing.T) {
	play(t, b2bua(call.DialOptions{}, toBob, toCarol), func(s *stage) {
		s.alice.Request("INVITE", "sip:bob@192.0.2.1", supports("100rel"))
		out := s.bob.Expect("INVITE", soon)
		if out.HasOption(sip.Supported, "100rel") {
			t.Errorf("Supported: %s", header(out, "Supported"))
		}
		s.bob.Reply(out, 180)
		other := s.carol.Expect("INVITE", soon)
		s.carol.Reply(other, 180)
		if r := s.alice.Expect("180", soon); r.Has(sip.RSeq) {
			t.Errorf("reliable without an offer:\n%v", r)
		}
		s.bob.Reply(out, 200, with("bob"))
		ok := s.alice.Expect("200", soon)
		dialog := s.alice.Dialog(ok)
		dialog.ACK(with("alice"))
		if ack := s.bob.Expect("ACK", soon); string(ack.Body()) != sdp("alice") {
			t.Errorf("the answer in the ACK is %q", ack.Body())
		}
		s.carol.Reply(s.carol.Expect("CANCEL", soon), 200)
		refuse(s.carol, other, 487)
		dialog.BYE()
		s.alice.Expect("200 BYE", soon)
		s.bob.Reply(s.bob.Expect(sip.BYE, soon), 200)
	})
}

// Reliable responses go one by one: the second waits for the PRACK of the first, and the 2xx for that of a description.
func TestB153WhatFollowsWaitsForThePrack(t *testing.T) {
	play(t, b2bua(call.DialOptions{}, toBob), func(s *stage) {
		s.alice.Request("INVITE", "sip:bob@192.0.2.1", with("alice"), requires("100rel"))
		out := s.bob.Expect("INVITE", soon)
		s.bob.Reply(out, 180)
		first := s.alice.Expect("180", soon)
		s.bob.Reply(out, 183, with("bob"))
		s.alice.ExpectNone(soon, "183")
		dialog := s.alice.Dialog(first)
		prackFor(dialog, first)
		s.alice.Expect("200 PRACK", soon)
		second := s.alice.Expect("183", soon)
		one, _, _ := first.RSeq()
		if two, _, err := second.RSeq(); err != nil || two != one+1 || string(second.Body()) != sdp("bob") {
			t.Errorf("after RSeq %d comes\n%v", one, second)
		}
		s.bob.Reply(out, 200, with("bob"))
		s.bob.Expect("ACK", soon)
		s.alice.ExpectNone(soon, "200 INVITE")
		prackFor(dialog, second)
		s.alice.Expect("200 PRACK", soon)
		ok := s.alice.Expect("200 INVITE", soon)
		dialog.Accepted(ok)
		dialog.ACK()
		dialog.BYE()
		s.alice.Expect("200 BYE", soon)
		s.bob.Reply(s.bob.Expect(sip.BYE, soon), 200)
	})
}

// Without a PRACK the response is repeated at T1, doubling without a bound, and the caller refused after 64·T1; the callee
// gets CANCEL.
func TestB100B153NoPrackEndsTheCall(t *testing.T) {
	play(t, b2bua(call.DialOptions{}, toBob), func(s *stage) {
		s.alice.Request("INVITE", "sip:bob@192.0.2.1", with("alice"), requires("100rel"))
		out := s.bob.Expect("INVITE", soon)
		s.bob.Reply(out, 180)
		first := s.alice.Expect("180", soon)
		for wait := 500 * time.Millisecond; wait < 32*time.Second; wait *= 2 {
			s.alice.ExpectNone(wait-soon, "180")
			if copied := s.alice.Expect("180", 2*soon); header(copied, "RSeq") != header(first, "RSeq") {
				t.Fatalf("after %v comes\n%v", wait, copied)
			}
		}
		refusal := s.alice.Expect("5xx", time.Second)
		if refusal.Status() != 504 {
			t.Errorf("refused with %d", refusal.Status())
		}
		s.alice.ACK(refusal)
		s.bob.Reply(s.bob.Expect("CANCEL", soon), 200)
		s.bob.Reply(out, 487)
		s.bob.Expect("ACK", soon)
	})
}

// An answered call does not wait for the PRACK of a response that has shown nothing, and answers it when it comes.
func TestB153PrackAfterTheAnswer(t *testing.T) {
	play(t, b2bua(call.DialOptions{}, toBob), func(s *stage) {
		s.alice.Request("INVITE", "sip:bob@192.0.2.1", with("alice"), requires("100rel"))
		out := s.bob.Expect("INVITE", soon)
		s.bob.Reply(out, 180)
		first := s.alice.Expect("180", soon)
		s.bob.Reply(out, 200, with("bob"))
		s.bob.Expect("ACK", soon)
		ok := s.alice.Expect("200 INVITE", soon)
		dialog := s.alice.Dialog(ok)
		prackFor(dialog, first)
		s.alice.Expect("200 PRACK", soon)
		dialog.ACK()
		s.alice.ExpectNone(2*time.Second, "180")
		dialog.BYE()
		s.alice.Expect("200 BYE", soon)
		s.bob.Reply(s.bob.Expect(sip.BYE, soon), 200)
	})
}

func TestB100RackThatMatchesNothing(t *testing.T) {
	play(t, b2bua(call.DialOptions{}, toBob), func(s *stage) {
		s.alice.Request("INVITE", "sip:bob@192.0.2.1", with("alice"), supports("100rel"))
		out := s.bob.Expect("INVITE", soon)
		s.bob.Reply(out, 180)
		dialog := s.alice.Dialog(s.alice.Expect("180", soon))
		for rack, want := range map[string]string{"1 1 INVITE": "481 PRACK", "nonsense": "400 PRACK"} {
			dialog.Request(sip.PRACK, siptest.Header("RAck", rack))
			s.alice.Expect(want, soon)
		}
		s.bob.Reply(out, 183, with("bob"))
		r := s.alice.Expect("183", soon)
		dialog.Request(sip.PRACK, siptest.Header("RAck", "1 "+header(r, "CSeq")))
		s.alice.Expect("481 PRACK", soon)
		prackFor(dialog, r, siptest.Body("text/plain", "hello"))
		s.alice.Expect("415 PRACK", soon)
		prackFor(dialog, r)
		s.alice.Expect("200 PRACK", soon)
		s.bob.Reply(out, 486)
		s.bob.Expect("ACK", soon)
		s.alice.ACK(s.alice.Expect("486", soon))
	})
}

// A callee that never hears our PRACK repeats its response, which is nothing new to the caller.
func TestB100LostPrackIsRepeatedByItsTransaction(t *testing.T) {
	play(t, b2bua(call.DialOptions{}, toBob), func(s *stage) {
		s.alice.Request("INVITE", "sip:bob@192.0.2.1", with("alice"))
		out := s.bob.Expect("INVITE", soon)
		s.Net.Lose(1, nil, s.bob.Host(), siptest.Matching("PRACK"))
		s.bob.Reply(out, 183, numbered(1), with("bob"))
		s.alice.Expect("183", soon)
		s.bob.Reply(out, 183, numbered(1), with("bob"))
		s.alice.ExpectNone(soon, "183")
		s.bob.Reply(s.bob.Expect("PRACK", time.Second), 200)
		s.bob.Reply(out, 503)
		s.bob.Expect("ACK", soon)
		s.alice.ACK(s.alice.Expect("5xx", soon))
		if left := strings.Join(s.bob.Unread(), " "); strings.Contains(left, "PRACK") {
			t.Errorf("left for the callee: %s", left)
		}
	})
}

// A re-INVITE may be answered in a reliable response as well.
func TestB100ReliableAnswerToAReinvite(t *testing.T) {
	play(t, b2bua(call.DialOptions{}, toBob), func(s *stage) {
		alice, _, _, _ := s.up(nil, nil)
		alice.ReINVITE(described("alice", "5000"))
		again := s.bob.Expect("INVITE", soon)
		s.bob.Reply(again, 183, numbered(9), described("bob", "6000"))
		prack := s.bob.Expect("PRACK", soon)
		if header(prack, "RAck") != "9 "+header(again, "CSeq") {
			t.Errorf("RAck %s", header(prack, "RAck"))
		}
		s.bob.Reply(prack, 200)
		s.bob.Reply(again, 200)
		s.bob.Expect("ACK", soon)
		ok := s.alice.Expect("200 INVITE", soon)
		if !says(ok, "bob", "6000") {
			t.Errorf("the caller is answered\n%v", ok)
		}
		alice.Accepted(ok).ACK()
		s.down(alice)
	})
}

// Gateways show an answer in an unreliable response and leave it out of the 200. It counts (RFC 3261 §13.2.1).
func TestAnswerThatWasOnlyPreviewedCounts(t *testing.T) {
	play(t, b2bua(call.DialOptions{Early: call.EarlyNone}, toBob), func(s *stage) {
		s.alice.Request("INVITE", "sip:bob@192.0.2.1", with("alice"))
		out := s.bob.Expect("INVITE", soon)
		s.bob.Reply(out, 183, with("bob"))
		if r := s.alice.Expect("183", soon); len(r.Body()) > 0 {
			t.Errorf("the caller hears early media in\n%v", r)
		}
		s.bob.Reply(out, 200)
		s.bob.Expect("ACK", soon)
		ok := s.alice.Expect("200 INVITE", soon)
		if string(ok.Body()) != sdp("bob") {
			t.Errorf("the caller is answered\n%v", ok)
		}
		alice := s.alice.Dialog(ok)
		alice.ACK()
		s.down(alice)
	})
}
