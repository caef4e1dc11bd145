package call_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/sipscript/sipscript/engine/call"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/dialog"
	"github.com/sipscript/sipscript/sip/siptest"
)

// timed are the options of a call whose legs both want this of session timers.
func timed(p dialog.SessionPolicy) call.DialOptions {
	return call.DialOptions{Leg: call.Options{Session: p}}
}

// up connects the two and returns their dialogs, and the INVITE and the 200 that went out.
func (s *stage) up(caller, callee []siptest.Option) (alice, bob *siptest.Dialog, out, ok *sip.Message) {
	s.alice.Request("INVITE", "sip:bob@192.0.2.1", append(caller, with("alice"))...)
	out = s.bob.Expect("INVITE", soon)
	s.bob.Reply(out, 200, append(callee, with("bob"))...)
	s.bob.Expect("ACK", soon)
	ok = s.alice.Expect("200 INVITE", soon)
	alice = s.alice.Dialog(ok)
	alice.ACK()
	return alice, s.bob.Dialog(out), out, ok
}

// down has the caller hang up.
func (s *stage) down(alice *siptest.Dialog) {
	alice.BYE()
	s.alice.Expect("200 BYE", soon)
	s.bob.Reply(s.bob.Expect(sip.BYE, soon), 200)
}

// expires is a Session-Expires of a peer that has session timers.
func expires(value string) siptest.Option {
	return func(m *sip.Message) {
		m.Add("Supported", "timer")
		m.Add("Session-Expires", value)
	}
}

// agrees is a 2xx that takes a session timer.
func agrees(value string) siptest.Option {
	return func(m *sip.Message) {
		m.Add("Require", "timer")
		m.Add("Session-Expires", value)
	}
}

var takesUpdate = siptest.Header("Allow", "INVITE, ACK, BYE, CANCEL, UPDATE")

func TestB106EachLegHasItsOwnSessionTimer(t *testing.T) {
	play(t, b2bua(timed(dialog.SessionPolicy{Interval: 30 * time.Minute}), toBob), func(s *stage) {
		alice, _, out, ok := s.up([]siptest.Option{expires("600;refresher=uac")}, []siptest.Option{agrees("900;refresher=uas")})
		if got := header(out, "Session-Expires"); got != "1800" {
			t.Errorf("the callee is asked for %q", got)
		}
		if got := header(ok, "Session-Expires"); got != "600;refresher=uac" || !ok.HasOption(sip.Require, "timer") {
			t.Errorf("the caller is told %q in\n%v", got, ok)
		}
		s.down(alice)
	})
}

func TestB106NobodyAsksForATimer(t *testing.T) {
	play(t, b2bua(call.DialOptions{}, toBob), func(s *stage) {
		alice, _, out, ok := s.up([]siptest.Option{supports("timer")}, nil)
		if out.Has(sip.SessionExpires) || ok.Has(sip.SessionExpires) || !out.HasOption(sip.Supported, "timer") || !ok.HasOption(sip.Supported, "timer") {
			t.Errorf("the callee gets\n%v\nand the caller\n%v", out, ok)
		}
		time.Sleep(3 * time.Hour)
		s.alice.ExpectNone(soon)
		s.bob.ExpectNone(soon)
		s.down(alice)
	})
}

func TestB106TooSmallAnInterval(t *testing.T) {
	play(t, b2bua(timed(dialog.SessionPolicy{Min: 5 * time.Minute}), toBob), func(s *stage) {
		s.alice.Request("INVITE", "sip:bob@192.0.2.1", with("alice"), expires("120"))
		refusal := s.alice.Expect("422", soon)
		if got := header(refusal, "Min-SE"); got != "300" {
			t.Errorf("Min-SE %q", got)
		}
		s.alice.ACK(refusal)
		s.alice.Request("INVITE", "sip:bob@192.0.2.1", with("alice"), expires("soon"))
		s.alice.ACK(s.alice.Expect("400", soon))
		alice, _, _, ok := s.up([]siptest.Option{expires("300;refresher=uac"), siptest.Header("Min-SE", "300")}, nil)
		if got := header(ok, "Session-Expires"); got != "300;refresher=uac" {
			t.Errorf("Session-Expires %q", got)
		}
		alice.Request(sip.UPDATE, expires("90;refresher=uac"))
		if got := header(s.alice.Expect("422 UPDATE", soon), "Min-SE"); got != "300" {
			t.Errorf("Min-SE %q in the dialog", got)
		}
		s.down(alice)
	})
}

// A caller that refreshes keeps the call, and one that does not loses it a third of the interval, or 32 s, before its end.
func TestB106ThePeerRefreshesOrIsHungUp(t *testing.T) {
	play(t, b2bua(call.DialOptions{}, toBob), func(s *stage) {
		alice, _, _, _ := s.up([]siptest.Option{expires("120;refresher=uac")}, nil)
		for range 3 {
			time.Sleep(60 * time.Second)
			alice.Request(sip.UPDATE, expires("120;refresher=uac"))
			if ok := s.alice.Expect("200 UPDATE", soon); header(ok, "Session-Expires") != "120;refresher=uac" {
				t.Fatalf("the refresh is answered\n%v", ok)
			}
		}
		s.bob.ExpectNone(soon) // it is between this server and the caller
		time.Sleep(88*time.Second - 3*soon)
		s.alice.ExpectNone(soon, sip.BYE)
		bye := s.alice.Expect(sip.BYE, 2*soon)
		if got := header(bye, "Reason"); got != `SIP;cause=408;text="Session expired"` {
			t.Errorf("Reason %q", got)
		}
		s.alice.Reply(bye, 200)
		s.bob.Reply(s.bob.Expect(sip.BYE, soon), 200)
	})
}

// We refresh where the callee wants that: by UPDATE without an offer, at half the interval.
func TestB106WeRefreshByUpdate(t *testing.T) {
	play(t, b2bua(timed(dialog.SessionPolicy{Interval: 30 * time.Minute}), toBob), func(s *stage) {
		alice, bob, _, _ := s.up(nil, []siptest.Option{agrees("100;refresher=uac"), takesUpdate})
		for range 3 {
			time.Sleep(50*time.Second - 4*soon)
			s.bob.ExpectNone(soon)
			update := s.bob.Expect(sip.UPDATE, 4*soon)
			if len(update.Body()) > 0 || header(update, "Session-Expires") != "100;refresher=uac" || !update.HasOption(sip.Supported, "timer") {
				t.Fatalf("the refresh is\n%v", update)
			}
			s.bob.Reply(update, 200, agrees("100;refresher=uac"))
		}
		_ = bob
		s.down(alice)
	})
}

// Without UPDATE a re-INVITE offers what stands.
func TestB106WeRefreshByReinvite(t *testing.T) {
	play(t, b2bua(timed(dialog.SessionPolicy{Interval: 30 * time.Minute}), toBob), func(s *stage) {
		alice, _, out, _ := s.up(nil, []siptest.Option{agrees("100;refresher=uac"), siptest.Header("Allow", "INVITE, ACK, BYE")})
		for range 2 {
			time.Sleep(50*time.Second - 4*soon)
			again := s.bob.Expect(sip.INVITE, 6*soon)
			if header(again, "Session-Expires") != "100;refresher=uac" || string(again.Body()) != string(out.Body()) {
				t.Fatalf("the refresh is\n%v", again)
			}
			s.bob.Reply(again, 200, agrees("100;refresher=uac"), with("bob"))
			s.bob.Expect("ACK", soon)
		}
		s.alice.ExpectNone(soon)
		s.down(alice)
	})
}

// A peer without session timers is refreshed by us when we want one, and hung up when it is gone.
func TestB106PeerThatHasVanishedIsHungUp(t *testing.T) {
	play(t, b2bua(timed(dialog.SessionPolicy{Interval: 90 * time.Second}), toBob), func(s *stage) {
		s.up([]siptest.Option{takesUpdate}, []siptest.Option{takesUpdate})
		s.Net.Partition(s.bob.Host(), s.Net.Host(netip.MustParseAddr("192.0.2.1")))
		s.alice.ExpectNone(45*time.Second-soon, sip.BYE)
		update := s.alice.Expect(sip.UPDATE, 2*soon) // the caller's leg has a timer, too
		s.alice.Reply(update, 200)
		// UPDATE is given up after 32 s, before the session would expire.
		bye := s.alice.Expect(sip.BYE, 33*time.Second)
		s.alice.Reply(bye, 200)
	})
}

func TestB106RefreshThatIsRefused(t *testing.T) {
	rows := []struct {
		name    string
		refuse  func(s *stage, update *sip.Message)
		expired bool
	}{
		{"422: again with a longer interval", func(s *stage, update *sip.Message) {
			s.bob.Reply(update, 422, siptest.Header("Min-SE", "200"))
			longer := s.bob.Expect(sip.UPDATE, soon)
			if header(longer, "Session-Expires") != "200;refresher=uac" || header(longer, "Min-SE") != "200" {
				s.t.Errorf("then comes\n%v", longer)
			}
			s.bob.Reply(longer, 200, agrees("200;refresher=uac"))
		}, false},
		{"481: the peer has forgotten it", func(s *stage, update *sip.Message) { s.bob.Reply(update, 481) }, true},
		{"503: it expires", func(s *stage, update *sip.Message) {
			s.bob.Reply(update, 503)
			s.bob.ExpectNone(17*time.Second, sip.BYE) // 100 s less 32 s after the 200
		}, true},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			play(t, b2bua(timed(dialog.SessionPolicy{Interval: 30 * time.Minute}), toBob), func(s *stage) {
				alice, _, _, _ := s.up(nil, []siptest.Option{agrees("100;refresher=uac"), takesUpdate})
				time.Sleep(50 * time.Second)
				row.refuse(s, s.bob.Expect(sip.UPDATE, soon))
				if row.expired {
					s.bob.Reply(s.bob.Expect(sip.BYE, 2*time.Second), 200)
					s.alice.Reply(s.alice.Expect(sip.BYE, soon), 200)
					return
				}
				s.down(alice)
			})
		})
	}
}

// An INVITE that asks for too short a session goes out once more, with the same Call-ID and the next CSeq.
func TestB106InviteAgainAfter422(t *testing.T) {
	play(t, b2bua(timed(dialog.SessionPolicy{Interval: 30 * time.Minute}), toBob), func(s *stage) {
		s.alice.Request("INVITE", "sip:bob@192.0.2.1", with("alice"))
		first := s.bob.Expect("INVITE", soon)
		s.bob.Reply(first, 422, siptest.Header("Min-SE", "3600"))
		s.bob.Expect("ACK", soon)
		out := s.bob.Expect("INVITE", soon)
		if header(out, "Session-Expires") != "3600" || header(out, "Min-SE") != "3600" || out.CallID() != first.CallID() || out.FromTag() != first.FromTag() {
			t.Errorf("first\n%v\nthen\n%v", first, out)
		}
		if cseq, _ := out.CSeq(); cseq.Number != 2 {
			t.Errorf("CSeq %v", cseq)
		}
		s.bob.Reply(out, 200, agrees("3600;refresher=uas"), with("bob"))
		if ack := s.bob.Expect("ACK", soon); header(ack, "CSeq") != "2 ACK" {
			t.Errorf("acknowledged with\n%v", ack)
		}
		ok := s.alice.Expect("200 INVITE", soon)
		alice := s.alice.Dialog(ok)
		alice.ACK()
		alice.BYE()
		s.alice.Expect("200 BYE", soon)
		bye := s.bob.Expect(sip.BYE, soon)
		if header(bye, "CSeq") != "3 BYE" {
			t.Errorf("hung up with\n%v", bye)
		}
		s.bob.Reply(bye, 200)
	})
}

// A 422 that asks for no more than was offered is the end of it.
func TestB106Senseless422IsPassedOn(t *testing.T) {
	play(t, b2bua(timed(dialog.SessionPolicy{Interval: 30 * time.Minute}), toBob), func(s *stage) {
		s.alice.Request("INVITE", "sip:bob@192.0.2.1", with("alice"))
		out := s.bob.Expect("INVITE", soon)
		s.bob.Reply(out, 422, siptest.Header("Min-SE", "90"))
		s.bob.Expect("ACK", soon)
		s.bob.ExpectNone(soon, "INVITE")
		s.alice.ACK(s.alice.Expect("4xx", soon))
	})
}
