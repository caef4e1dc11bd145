package call_test

import (
	"strings"
	"testing"
	"time"

	"github.com/sipscript/sipscript/engine"
	"github.com/sipscript/sipscript/engine/call"
	"github.com/sipscript/sipscript/engine/proxy"
	"github.com/sipscript/sipscript/sip/siptest"
)

// Of two callees that answer, one is talked to; the other gets ACK and BYE.
func TestB099ASecondAnswerIsAcknowledgedAndEnded(t *testing.T) {
	play(t, b2bua(call.DialOptions{}, toBob, toCarol), func(s *stage) {
		s.alice.Request("INVITE", "sip:team@192.0.2.1", with("alice"))
		one, two := s.bob.Expect("INVITE", soon), s.carol.Expect("INVITE", soon)
		s.bob.Reply(one, 180)
		s.carol.Reply(two, 180)
		s.alice.Expect("180", soon)
		s.bob.Reply(one, 200, with("bob"))
		s.bob.Expect("ACK", soon)
		cancel := s.carol.Expect("CANCEL", soon)
		if got := header(cancel, "Reason"); !strings.Contains(got, "cause=200") { // B115
			t.Errorf("Reason %q", got)
		}
		s.carol.Reply(two, 200, with("carol"))
		s.carol.Reply(cancel, 200)
		s.carol.Expect("ACK", soon)
		s.carol.Reply(s.carol.Expect("BYE", soon), 200)
		ok := s.alice.Expect("200", soon)
		holds(t, ok, "bob")
		dialog := s.alice.Dialog(ok)
		dialog.ACK()
		s.alice.ExpectNone(soon, "200")
		dialog.BYE()
		s.alice.Expect("200 BYE", soon)
		s.bob.Reply(s.bob.Expect("BYE", soon), 200)
	})
}

// The caller has one dialog with us whatever rings. What it was shown early is repeated in the 200, and what has
// answered in its place is offered in a re-INVITE (RFC 3261 §13.2.1).
func TestB099WhoAnswersAfterAnotherHasBeenHeardIsOfferedAnew(t *testing.T) {
	play(t, b2bua(call.DialOptions{}, toBob, toCarol), func(s *stage) {
		s.alice.Request("INVITE", "sip:team@192.0.2.1", with("alice"))
		one, two := s.bob.Expect("INVITE", soon), s.carol.Expect("INVITE", soon)
		s.bob.Reply(one, 183, with("bob"))
		first := s.alice.Expect("183", soon)
		holds(t, first, "bob")
		s.carol.Reply(two, 183, with("carol"))
		second := s.alice.Expect("183", soon)
		if len(second.Body()) > 0 || second.ToTag() != first.ToTag() {
			t.Errorf("To tag %q after %q, with %q", second.ToTag(), first.ToTag(), second.Body())
		}
		s.carol.Reply(two, 200, with("carol"))
		s.carol.Expect("ACK", soon)
		ok := s.alice.Expect("200 INVITE", soon)
		holds(t, ok, "bob")
		if ok.ToTag() != first.ToTag() {
			t.Errorf("To tag %q after %q", ok.ToTag(), first.ToTag())
		}
		s.bob.Reply(s.bob.Expect("CANCEL", soon), 200)
		refuse(s.bob, one, 487)
		dialog := s.alice.Dialog(ok)
		dialog.ACK()
		in := s.alice.Expect("INVITE", soon)
		holds(t, in, "carol")
		s.alice.Reply(in, 200, with("alice"))
		s.alice.Expect("ACK", soon)
		dialog.BYE()
		s.alice.Expect("200 BYE", soon)
		s.carol.Reply(s.carol.Expect("BYE", soon), 200)
	})
}

// A 183 with a description is early media, which the caller hears, or hears something else in place of (RFC 3960 §3.1).
func TestB099EarlyMediaIsPassedAsTheCallerIsToHearIt(t *testing.T) {
	for _, test := range []struct {
		name  string
		early call.Early
		want  string // what becomes of a 183 with a description
		media bool
	}{
		{"pass", call.EarlyPass, "183", true},
		{"last", call.EarlyLast, "183", true},
		{"ringback", call.EarlyRingback, "180", false},
		{"none", call.EarlyNone, "183", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			play(t, b2bua(call.DialOptions{Early: test.early}, toBob), func(s *stage) {
				invite := s.alice.Request("INVITE", "sip:bob@192.0.2.1", with("alice"))
				out := s.bob.Expect("INVITE", soon)
				s.bob.Reply(out, 183, with("bob"))
				if m := s.alice.Expect(test.want, soon); (len(m.Body()) > 0) != test.media {
					t.Errorf("%d with %q", m.Status(), m.Body())
				}
				s.bob.Reply(out, 200, with("bob"))
				s.bob.Expect("ACK", soon)
				ok := s.alice.Expect("200", soon)
				holds(t, ok, "bob")
				dialog := s.alice.Dialog(ok)
				dialog.ACK()
				s.alice.ExpectNone(soon, "INVITE")
				dialog.BYE()
				s.alice.Expect("200 BYE", soon)
				s.bob.Reply(s.bob.Expect("BYE", soon), 200)
				_ = invite
			})
		})
	}
}

// A callee that refuses is tried no more, the next group is; what the caller is told in the end is the best of it, and
// nothing of where it came from.
func TestTheNextGroupIsTriedAndTheBestIsTold(t *testing.T) {
	groups := []proxy.Group{{{URI: toBob}}, {{URI: toCarol}}}
	script := func(s *stage) engine.Script {
		return engine.ScriptFunc(func(r *engine.Request) {
			r.Park()
			_, err := r.B2BUA(groups, call.DialOptions{}, func(res proxy.Result, leg *call.Call) {
				s.result.Store(&res)
				if leg != nil {
					t.Error("a leg of a call that failed")
				}
				_ = r.End()
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	playFor(t, script, func(s *stage) {
		s.alice.Request("INVITE", "sip:team@192.0.2.1", with("alice"))
		refuse(s.bob, s.bob.Expect("INVITE", soon), 404, siptest.Header("Contact", "<sip:secret@192.0.2.77>"))
		refuse(s.carol, s.carol.Expect("INVITE", soon), 503, siptest.Header("Retry-After", "30"))
		no := s.alice.Expect("404", soon)
		if strings.Contains(no.String(), "secret") {
			t.Errorf("told\n%v", no)
		}
		s.alice.ACK(no)
		if result := s.result.Load(); result.Code != 404 || result.Cause != proxy.NotFound || len(result.Branches) != 2 {
			t.Errorf("%d %s of %d branches", result.Code, result.Cause, len(result.Branches))
		}
	})
}

// A dial that nobody answers in time is given up, and a callee that answers afterwards gets ACK and BYE.
func TestADialThatTakesTooLongIsGivenUp(t *testing.T) {
	o := call.DialOptions{}
	o.Timeout = 5 * time.Second
	play(t, b2bua(o, toBob), func(s *stage) {
		s.alice.Request("INVITE", "sip:bob@192.0.2.1", with("alice"))
		out := s.bob.Expect("INVITE", soon)
		s.bob.Reply(out, 180)
		s.bob.Reply(s.bob.Expect("CANCEL", 5*time.Second+soon), 200)
		s.alice.ACK(s.alice.Expect("408", 1100*time.Millisecond))
		s.bob.Reply(out, 200, with("bob"))
		s.bob.Expect("ACK", soon)
		s.bob.Reply(s.bob.Expect("BYE", soon), 200)
	})
}

// B096: a call that comes back to where it was made from is a loop, though its dialog is a new one each time.
func TestB096ACallThatComesBackIsALoop(t *testing.T) {
	play(t, b2bua(call.DialOptions{}, "sip:bob@192.0.2.1"), func(s *stage) {
		s.alice.Request("INVITE", "sip:bob@192.0.2.1", with("alice"))
		s.alice.ACK(s.alice.Expect("482", time.Second))
	})
}

func TestB096ACallThatMayGoNoFurtherIsRefused(t *testing.T) {
	play(t, b2bua(call.DialOptions{}, toBob), func(s *stage) {
		s.alice.Request("INVITE", "sip:bob@192.0.2.1", with("alice"), siptest.Set("Max-Forwards", "0"))
		s.alice.ACK(s.alice.Expect("483", soon))
		s.bob.ExpectNone(soon)
	})
}

// Header fields cross where they are listed, either way, and only then.
func TestListedHeadersCross(t *testing.T) {
	o := call.DialOptions{Leg: call.Options{Headers: []string{"Subject", "X-*"}}}
	play(t, b2bua(o, toBob), func(s *stage) {
		s.alice.Request("INVITE", "sip:bob@192.0.2.1", with("alice"), siptest.Header("Subject", "lunch"), siptest.Header("X-Account", "7"),
			siptest.Header("P-Asserted-Identity", "<sip:alice@secret.example>"), siptest.Header("Organization", "secret"))
		out := s.bob.Expect("INVITE", soon)
		if header(out, "Subject") != "lunch" || header(out, "X-Account") != "7" || strings.Contains(out.String(), "secret") {
			t.Errorf("the callee got\n%v", out)
		}
		s.bob.Reply(out, 180, siptest.Header("X-Ring", "soft"), siptest.Header("Organization", "secret"))
		if m := s.alice.Expect("180", soon); header(m, "X-Ring") != "soft" || strings.Contains(m.String(), "secret") {
			t.Errorf("the caller got\n%v", m)
		}
		s.bob.Reply(out, 486)
		s.bob.Expect("ACK", soon)
		s.alice.ACK(s.alice.Expect("486", soon))
	})
}
