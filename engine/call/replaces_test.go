package call_test

import (
	"strings"
	"testing"
	"time"

	"github.com/sipscript/sipscript/engine"
	"github.com/sipscript/sipscript/engine/call"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

// replacing is a Replaces with a dialog as this server sees it: by what it has sent in it.
func replacing(callID, ours, theirs, more string) siptest.Option {
	return siptest.Header("Replaces", callID+";to-tag="+ours+";from-tag="+theirs+more)
}

// tagOf is the tag of who has this dialog.
func tagOf(d *siptest.Dialog) string {
	_, tag, _ := strings.Cut(d.Local, ";tag=")
	return tag
}

// B155: who comes with Replaces takes the place of who is named: 200, and BYE to that.
func TestB108B155ReplacesTakesTheConfirmedCallOver(t *testing.T) {
	for _, who := range []string{"caller", "callee"} {
		t.Run(who, func(t *testing.T) {
			play(t, b2bua(call.DialOptions{Replaces: true}, toBob), func(s *stage) {
				alice, bob, out, ok := s.up(nil, nil)
				time.Sleep(soon)
				left, stays, party, name := s.bob, alice, s.alice, "alice"
				option := replacing(out.CallID(), out.FromTag(), tagOf(bob), "")
				if who == "caller" {
					left, stays, party, name = s.alice, bob, s.bob, "bob"
					option = replacing(ok.CallID(), ok.ToTag(), ok.FromTag(), "")
				}
				s.carol.Request("INVITE", "sip:anybody@192.0.2.1", with("carol"), option)
				in := party.Expect("INVITE", soon)
				holds(t, in, "carol")
				left.ExpectNone(soon, "BYE")
				party.Reply(in, 200, with(name+" with carol"))
				party.Expect("ACK", soon)
				answer := s.carol.Expect("200 INVITE", soon)
				holds(t, answer, name+" with carol")
				s.carol.Dialog(answer).ACK()
				left.Reply(left.Expect(sip.BYE, soon), 200)
				time.Sleep(soon)
				stays.BYE()
				party.Expect("200 BYE", soon)
				s.carol.Reply(s.carol.Expect(sip.BYE, soon), 200)
			})
		})
	}
}

// B155: of a call that rings what rings gets CANCEL, and the caller talks to who has come.
func TestB155ReplacesAnswersWhatRings(t *testing.T) {
	play(t, b2bua(call.DialOptions{Replaces: true}, toBob), func(s *stage) {
		s.alice.Request("INVITE", "sip:bob@192.0.2.1", with("alice"))
		out := s.bob.Expect("INVITE", soon)
		rings := s.bob.Reply(out, 180)
		s.alice.Expect("180", soon)
		s.carol.Request("INVITE", "sip:bob@192.0.2.1", with("carol"), replacing(out.CallID(), out.FromTag(), rings.ToTag(), ";early-only"))
		picker := s.carol.Dialog(s.carol.Expect("200 INVITE", soon))
		picker.ACK()
		s.bob.Reply(s.bob.Expect("CANCEL", soon), 200)
		refuse(s.bob, out, 487)
		in := s.carol.Expect("INVITE", soon)
		holds(t, in, "alice")
		s.carol.Reply(in, 200, with("carol talks"))
		s.carol.Expect("ACK", soon)
		answer := s.alice.Expect("200 INVITE", soon)
		holds(t, answer, "carol talks")
		caller := s.alice.Dialog(answer)
		caller.ACK()
		time.Sleep(soon)
		caller.BYE()
		s.alice.Expect("200 BYE", soon)
		s.carol.Reply(s.carol.Expect(sip.BYE, soon), 200)
	})
}

// B155: a dialog that rings here because its peer has called may not be replaced: who would answer it is not known yet (RFC 3891 §3).
func TestB155ReplacesOfACallThatItsPeerHasBegun(t *testing.T) {
	play(t, b2bua(call.DialOptions{Replaces: true}, toBob), func(s *stage) {
		s.alice.Request("INVITE", "sip:bob@192.0.2.1", with("alice"))
		out := s.bob.Expect("INVITE", soon)
		s.bob.Reply(out, 180)
		rings := s.alice.Expect("180", soon)
		s.carol.Request("INVITE", "sip:bob@192.0.2.1", with("carol"), replacing(rings.CallID(), rings.ToTag(), rings.FromTag(), ""))
		s.carol.ACK(s.carol.Expect("481 INVITE", soon))
		s.bob.Reply(out, 200, with("bob")) // the call is as it was
		s.bob.Expect("ACK", soon)
		caller := s.alice.Dialog(s.alice.Expect("200 INVITE", soon))
		caller.ACK()
		s.down(caller)
	})
}

// B108, B155: what cannot be replaced is refused, and stays as it was.
func TestB108B155ReplacesThatIsRefused(t *testing.T) {
	play(t, b2bua(call.DialOptions{Replaces: true}, toBob), func(s *stage) {
		alice, bob, out, ok := s.up(nil, nil)
		time.Sleep(soon)
		ours, theirs := out.FromTag(), tagOf(bob)
		for _, row := range []struct {
			name   string
			option siptest.Option
			want   int
		}{
			{"no such dialog", replacing("nobody@nowhere", "a", "b", ""), 481},
			{"tags the wrong way round", replacing(out.CallID(), theirs, ours, ""), 481},
			{"the tag of somebody else", replacing(out.CallID(), ours, ok.FromTag(), ""), 481},
			{"early only", replacing(out.CallID(), ours, theirs, ";early-only"), 486},
			{"two", func(m *sip.Message) {
				replacing(out.CallID(), ours, theirs, "")(m)
				replacing(out.CallID(), ours, theirs, "")(m)
			}, 400},
			{"none that can be read", siptest.Header("Replaces", out.CallID()), 400},
		} {
			r := s.carol.Final(s.carol.Request("INVITE", "sip:bob@192.0.2.1", with("carol"), row.option))
			if r.Status() != row.want {
				t.Errorf("%s: %d, want %d", row.name, r.Status(), row.want)
			}
			s.carol.ACK(r)
		}
		alice.Request(sip.INFO, replacing(out.CallID(), ours, theirs, ""))
		s.alice.Expect("400 INFO", soon)
		s.bob.ExpectNone(soon)
		s.down(alice)
		time.Sleep(soon)
		gone := s.carol.Final(s.carol.Request("INVITE", "sip:bob@192.0.2.1", with("carol"), replacing(out.CallID(), ours, theirs, "")))
		if gone.Status() != 603 {
			t.Errorf("a call that has ended: %d, want 603", gone.Status())
		}
		s.carol.ACK(gone)
	})
}

// The names of a dialog stand in each of its messages: whoever has seen one may not take the call over for that. Who has authenticated may, and who the
// script vouches for (RFC 3891 §8).
func TestB108ReplacesNeedsMoreThanTheNamesOfADialog(t *testing.T) {
	for _, row := range []struct {
		name    string
		user    string
		vouched bool
		want    int
	}{{"nobody", "", false, 403}, {"carol", "carol", false, 200}, {"whom the script knows", "", true, 200}} {
		t.Run(row.name, func(t *testing.T) {
			play(t, func(r *engine.Request) {
				if !r.InDialog() {
					r.User = row.user
				}
				b2bua(call.DialOptions{Replaces: row.vouched}, toBob)(r)
			}, func(s *stage) {
				alice, bob, out, _ := s.up(nil, nil)
				time.Sleep(soon)
				s.carol.Request("INVITE", "sip:anybody@192.0.2.1", with("carol"), replacing(out.CallID(), out.FromTag(), tagOf(bob), ""))
				if row.want == 403 {
					s.carol.ACK(s.carol.Expect("403 INVITE", soon))
					s.alice.ExpectNone(soon)
					s.bob.ExpectNone(soon)
					s.down(alice)
					return
				}
				s.alice.Reply(s.alice.Expect("INVITE", soon), 200, with("alice with carol"))
				s.alice.Expect("ACK", soon)
				s.carol.Dialog(s.carol.Expect("200 INVITE", soon)).ACK()
				s.bob.Reply(s.bob.Expect(sip.BYE, soon), 200)
				time.Sleep(soon)
				alice.BYE()
				s.alice.Expect("200 BYE", soon)
				s.carol.Reply(s.carol.Expect(sip.BYE, soon), 200)
			})
		})
	}
}

// A script that waits in a bridge: its caller may be replaced, which ends the bridge by a transfer, or its callee, with whom it goes on.
func TestB155ReplacesInABridgeThatIsWaitedFor(t *testing.T) {
	for _, who := range []string{"caller", "callee"} {
		t.Run(who, func(t *testing.T) {
			playFor(t, func(s *stage) engine.Script {
				bridge := dialAndBridge(s, call.BridgeOptions{}, hangUp)
				return engine.ScriptFunc(func(r *engine.Request) {
					if r.Message.Has(sip.Replaces) {
						b2bua(call.DialOptions{Replaces: true}, toBob)(r)
						return
					}
					bridge.Handle(r)
				})
			}, func(s *stage) {
				alice, bob, out, ok := s.up(nil, nil)
				time.Sleep(soon)
				left, stays, party := s.bob, alice, s.alice
				option := replacing(out.CallID(), out.FromTag(), tagOf(bob), "")
				if who == "caller" {
					left, stays, party = s.alice, bob, s.bob
					option = replacing(ok.CallID(), ok.ToTag(), ok.FromTag(), "")
				}
				s.carol.Request("INVITE", "sip:anybody@192.0.2.1", with("carol"), option)
				party.Reply(party.Expect("INVITE", soon), 200, with("with carol"))
				party.Expect("ACK", soon)
				s.carol.Dialog(s.carol.Expect("200 INVITE", soon)).ACK()
				left.Reply(left.Expect(sip.BYE, soon), 200)
				time.Sleep(soon)
				if who == "caller" {
					s.seen.are(t, call.EndTransfer)
				} else {
					s.seen.are(t)
				}
				stays.BYE()
				party.Expect("200 BYE", soon)
				s.carol.Reply(s.carol.Expect(sip.BYE, soon), 200)
				time.Sleep(soon)
				if who == "callee" {
					s.seen.are(t, call.EndCaller)
				}
			})
		})
	}
}
