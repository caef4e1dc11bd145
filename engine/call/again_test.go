package call_test

import (
	"strings"
	"testing"
	"time"

	"github.com/sipscript/sipscript/engine/call"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/dialog"
	"github.com/sipscript/sipscript/sip/siptest"
)

// B106: of several targets the one that finds the session interval too short is asked once more; the others go on ringing.
func TestB106OneTargetOfAForkIsAskedForALongerInterval(t *testing.T) {
	play(t, b2bua(timed(dialog.SessionPolicy{Interval: 30 * time.Minute}), toBob, toCarol), func(s *stage) {
		s.alice.Request("INVITE", "sip:team@192.0.2.1", with("alice"))
		one, two := s.bob.Expect("INVITE", soon), s.carol.Expect("INVITE", soon)
		s.carol.Reply(two, 180)
		s.bob.Reply(one, 422, siptest.Header("Min-SE", "3600"))
		s.bob.Expect("ACK", soon)
		out := s.bob.Expect("INVITE", soon)
		if header(out, "Session-Expires") != "3600" || header(out, "Min-SE") != "3600" || number(t, out) != 2 {
			t.Errorf("asked again with\n%v", out)
		}
		s.bob.Reply(out, 422, siptest.Header("Min-SE", "4000"))
		s.bob.Expect("ACK", soon)
		out = s.bob.Expect("INVITE", soon)
		if header(out, "Session-Expires") != "4000" || number(t, out) != 3 {
			t.Errorf("asked a third time with\n%v", out)
		}
		s.carol.ExpectNone(soon, "INVITE", "CANCEL")
		s.bob.Reply(out, 200, agrees("4000;refresher=uac"), with("bob"))
		if ack := s.bob.Expect("ACK", soon); header(ack, "CSeq") != "3 ACK" {
			t.Errorf("acknowledged with\n%v", ack)
		}
		s.carol.Reply(s.carol.Expect("CANCEL", soon), 200)
		s.carol.Reply(two, 487)
		s.carol.Expect("ACK", soon)
		s.alice.Expect("180", soon)
		alice := s.alice.Dialog(s.alice.Expect("200 INVITE", soon))
		alice.ACK()
		s.refreshed(2)
		refresh := s.bob.Expect("INVITE", 201*time.Second) // at half of what this target has agreed to
		if header(refresh, "Session-Expires") != "4000;refresher=uac" || header(refresh, "Min-SE") != "4000" {
			t.Errorf("refreshed with\n%v", refresh)
		}
		s.bob.Reply(refresh, 200, agrees("4000;refresher=uac"), with("bob"))
		s.bob.Expect("ACK", soon)
		s.down(alice)
	})
}

// refreshed has the caller, whose session has 30 minutes, take so many refreshes.
func (s *stage) refreshed(times int) {
	for range times {
		s.alice.Reply(s.alice.Expect("INVITE", 901*time.Second), 200, with("alice"))
		s.alice.Expect("ACK", soon)
	}
}

// The other target has the interval that it was offered.
func TestB106IntervalsOfTargetsAreTheirOwn(t *testing.T) {
	play(t, b2bua(timed(dialog.SessionPolicy{Interval: 30 * time.Minute}), toBob, toCarol), func(s *stage) {
		s.alice.Request("INVITE", "sip:team@192.0.2.1", with("alice"))
		one, two := s.bob.Expect("INVITE", soon), s.carol.Expect("INVITE", soon)
		s.bob.Reply(one, 422, siptest.Header("Min-SE", "3600"))
		s.bob.Expect("ACK", soon)
		one = s.bob.Expect("INVITE", soon)
		s.carol.Reply(two, 200, agrees("1800;refresher=uac"), with("carol"))
		if ack := s.carol.Expect("ACK", soon); header(ack, "CSeq") != "1 ACK" {
			t.Errorf("acknowledged with\n%v", ack)
		}
		s.bob.Reply(one, 180)
		s.bob.Reply(s.bob.Expect("CANCEL", soon), 200)
		s.bob.Reply(one, 487)
		s.bob.Expect("ACK", soon)
		alice := s.alice.Dialog(s.alice.Expect("200 INVITE", soon))
		alice.ACK()
		s.refreshed(1)
		refresh := s.carol.Expect("INVITE", time.Second)
		if got := header(refresh, "Session-Expires"); got != "1800;refresher=uac" || refresh.Has(sip.MinSE) {
			t.Errorf("refreshed with\n%v", refresh)
		}
		s.carol.Reply(refresh, 200, agrees("1800;refresher=uac"), with("carol"))
		s.carol.Expect("ACK", soon)
		alice.BYE()
		s.alice.Expect("200 BYE", soon)
		s.carol.Reply(s.carol.Expect(sip.BYE, soon), 200)
	})
}

// A gateway may ask for both, in either order; no count of its nonce comes twice.
func TestTargetMayWantCredentialsAndALongerInterval(t *testing.T) {
	o := gateway()
	o.Leg.Session = dialog.SessionPolicy{Interval: 30 * time.Minute}
	play(t, b2bua(o, toBob), func(s *stage) {
		s.alice.Request("INVITE", "sip:bob@192.0.2.1", with("alice"))
		s.bob.Reply(s.bob.Expect("INVITE", soon), 401, siptest.Header("WWW-Authenticate", challenge))
		s.bob.Expect("ACK", soon)
		s.bob.Reply(s.bob.Expect("INVITE", soon), 422, siptest.Header("Min-SE", "3600"))
		s.bob.Expect("ACK", soon)
		out := s.bob.Expect("INVITE", soon)
		if got := header(out, "Authorization"); !strings.Contains(got, "nc=00000002") || out.Count(sip.Authorization) != 1 || header(out, "Session-Expires") != "3600" || number(t, out) != 3 {
			t.Errorf("the third INVITE is\n%v", out)
		}
		s.bob.Reply(out, 486)
		s.bob.Expect("ACK", soon)
		s.alice.ACK(s.alice.Expect("486", soon))
	})
}

// B106: a proxy on the way has put in an interval that one target finds too short. When all have failed, that one is asked again.
func TestB106OnlyWhoFindsTheIntervalOfAProxyTooShortIsAskedAgain(t *testing.T) {
	play(t, b2bua(call.DialOptions{}, toBob, toCarol), func(s *stage) {
		s.alice.Request("INVITE", "sip:team@192.0.2.1", with("alice"))
		one, two := s.bob.Expect("INVITE", soon), s.carol.Expect("INVITE", soon)
		s.bob.Reply(one, 422, siptest.Header("Min-SE", "3600"))
		s.bob.Expect("ACK", soon)
		s.carol.Reply(two, 500)
		s.carol.Expect("ACK", soon)
		out := s.bob.Expect("INVITE", soon)
		if header(out, "Min-SE") != "3600" || number(t, out) != 2 {
			t.Errorf("asked again with\n%v", out)
		}
		s.carol.ExpectNone(soon, "INVITE")
		s.bob.Reply(out, 486)
		s.bob.Expect("ACK", soon)
		s.alice.ACK(s.alice.Expect("486", soon))
	})
}

// What is sent in a dialog is sent once more with credentials when the callee asks for them, and only once.
func TestChallengedRequestsOfADialogAreSentOnceMore(t *testing.T) {
	for _, method := range []string{sip.INFO, sip.MESSAGE} {
		for _, tt := range []struct {
			name   string
			code   int
			header string
			fields string
		}{{"401", 401, "WWW-Authenticate", "Authorization"}, {"407", 407, "Proxy-Authenticate", "Proxy-Authorization"}} {
			t.Run(method+" "+tt.name, func(t *testing.T) {
				play(t, b2bua(gateway(), toBob), func(s *stage) {
					alice, _, _, _ := s.up(nil, nil)
					alice.Request(method, siptest.Body("text/plain", "hello"))
					s.alice.Expect("200 "+method, soon)
					first := s.bob.Expect(method, soon)
					s.bob.Reply(first, tt.code, siptest.Header(tt.header, challenge))
					again := s.bob.Expect(method, soon)
					if !strings.Contains(header(again, tt.fields), `username="us"`) || number(t, again) != number(t, first)+1 || string(again.Body()) != "hello" {
						t.Errorf("first\n%v\nthen\n%v", first, again)
					}
					s.bob.Reply(again, tt.code, siptest.Header(tt.header, challenge)) // they were wrong
					s.bob.ExpectNone(soon, method)
					s.down(alice)
				})
			})
		}
	}
}

// Where there are no credentials, or no answer to the challenge, that is the end of it; the call goes on.
func TestChallengeInADialogWithoutAnAnswer(t *testing.T) {
	for name, o := range map[string]call.DialOptions{"no credentials": {}, "no challenge": gateway()} {
		t.Run(name, func(t *testing.T) {
			play(t, b2bua(o, toBob), func(s *stage) {
				alice, _, _, _ := s.up(nil, nil)
				alice.Request(sip.INFO, siptest.Body("text/plain", "hello"))
				s.alice.Expect("200 INFO", soon)
				s.bob.Reply(s.bob.Expect(sip.INFO, soon), 401)
				s.bob.ExpectNone(soon, sip.INFO)
				s.down(alice)
			})
		})
	}
}
