package scenario

import (
	"strings"
	"testing"
	"time"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

// refer sends a REFER in a dialog and takes the NOTIFYs about it, the last of which has this status line.
func (s *stage) refer(u *siptest.UA, d *siptest.Dialog, to string) {
	s.t.Helper()
	d.Request(sip.REFER, siptest.Header("Refer-To", to))
	u.Expect("202 REFER", time.Second)
	s.takes(u, sip.NOTIFY)
}

// told takes NOTIFYs until one is the last, and checks what that says.
func (s *stage) told(u *siptest.UA, want string) {
	s.t.Helper()
	for {
		m := s.takes(u, sip.NOTIFY)
		if state, _ := m.Get("Subscription-State"); !strings.HasPrefix(state, "terminated") {
			continue
		}
		if got := strings.TrimSpace(string(m.Body())); got != want {
			s.t.Errorf("%s is told %q in the end, want %q", u.Name(), got, want)
		}
		return
	}
}

func transferring(t *testing.T, ladder string, f func(s *stage)) {
	t.Helper()
	household(t, "transfer.lua", "transfer_"+ladder, Options{Config: map[string]any{
		"users": map[string]any{"alice": "wonderland", "bob": "builder", "carol": "christmas"},
	}}, f)
}

func TestTransferExampleSendsACallerOn(t *testing.T) {
	transferring(t, "blind", func(s *stage) {
		alice, bob := s.talk(s.alice, s.bob, "sip:bob@192.0.2.1")
		time.Sleep(2 * time.Second)
		s.refer(s.bob, bob, "<sip:carol@192.0.2.1>")
		invite := s.carol.Expect(sip.INVITE, time.Second)
		if by, _ := invite.Get("Referred-By"); strings.Contains(invite.String(), "192.0.2.10") {
			s.t.Errorf("carol sees alice's address, referred by %q", by)
		}
		s.carol.Reply(invite, 180)
		s.carol.Reply(invite, 200, siptest.SDP(s.carol.Addr().Addr()))
		s.carol.Expect(sip.ACK, time.Second)
		s.told(s.bob, "SIP/2.0 200 OK")
		s.takes(s.bob, sip.BYE)
		time.Sleep(5 * time.Second)
		alice.BYE()
		s.alice.Expect("200 BYE", time.Second)
		s.takes(s.carol, sip.BYE)
		time.Sleep(time.Second)
	})
}

func TestTransferExampleKeepsTheCallWhenTheTargetFails(t *testing.T) {
	transferring(t, "failed", func(s *stage) {
		alice, bob := s.talk(s.alice, s.bob, "sip:bob@192.0.2.1")
		time.Sleep(2 * time.Second)
		s.refer(s.bob, bob, "<sip:carol@192.0.2.1>")
		s.carol.Reply(s.carol.Expect(sip.INVITE, time.Second), 486)
		s.told(s.bob, "SIP/2.0 486 Busy Here")
		time.Sleep(2 * time.Second)
		alice.BYE()
		s.alice.Expect("200 BYE", time.Second)
		s.takes(s.bob, sip.BYE)
		time.Sleep(time.Second)
	})
}

func TestTransferExampleIsNoFreeCall(t *testing.T) {
	transferring(t, "refused", func(s *stage) {
		alice, bob := s.talk(s.alice, s.bob, "sip:bob@192.0.2.1")
		time.Sleep(2 * time.Second)
		for _, to := range []string{"<sip:+4930999@192.0.2.1>", "<sip:carol@192.0.2.66>"} {
			bob.Request(sip.REFER, siptest.Header("Refer-To", to))
			s.bob.Expect("603 REFER", time.Second)
		}
		if !s.logged("transfer refused", "by=bob", "4930999") {
			s.t.Error("it is not in the log")
		}
		alice.BYE()
		s.alice.Expect("200 BYE", time.Second)
		s.takes(s.bob, sip.BYE)
		time.Sleep(time.Second)
	})
}

// B108: bob talks with alice, holds her, asks carol, and connects the two by Replaces.
func TestTransferExampleConnectsTwoCallsOfAPhone(t *testing.T) {
	transferring(t, "attended", func(s *stage) {
		alice, bob := s.talk(s.alice, s.bob, "sip:bob@192.0.2.1")
		time.Sleep(2 * time.Second)
		s.bob.Request(sip.INVITE, "sip:carol@192.0.2.1", siptest.SDP(s.bob.Addr().Addr()))
		invite := s.carol.Expect(sip.INVITE, time.Second)
		s.carol.Reply(invite, 200, siptest.SDP(s.carol.Addr().Addr()))
		s.carol.Expect(sip.ACK, time.Second)
		ok := s.bob.Expect("200 INVITE", time.Second)
		consultation := s.bob.Dialog(ok)
		consultation.ACK()
		time.Sleep(2 * time.Second)
		replaces := strings.NewReplacer("@", "%40", ";", "%3B", "=", "%3D").Replace(ok.CallID() + ";to-tag=" + ok.ToTag() + ";from-tag=" + ok.FromTag())
		for _, u := range []*siptest.UA{s.carol, s.alice} {
			u.Handle(func(m *sip.Message) {
				if m.Method() == sip.INVITE {
					u.Reply(m, 200, siptest.SDP(u.Addr().Addr()))
				} else if m.Method() != sip.ACK {
					u.Reply(m, 200)
				}
			})
		}
		s.refer(s.bob, bob, "<sip:carol@192.0.2.1?Replaces="+replaces+">")
		s.told(s.bob, "SIP/2.0 200 OK")
		s.takes(s.bob, sip.BYE)
		s.takes(s.bob, sip.BYE)
		time.Sleep(5 * time.Second)
		alice.BYE()
		s.alice.Expect("200 BYE", time.Second)
		time.Sleep(time.Second)
	})
}

func TestTransferExampleSendsACallerToTheDeskByKey(t *testing.T) {
	transferring(t, "key", func(s *stage) {
		alice, bob := s.talk(s.alice, s.bob, "sip:bob@192.0.2.1")
		time.Sleep(2 * time.Second)
		s.carol.AutoAnswer(time.Second)
		s.alice.Handle(func(m *sip.Message) {
			if m.Method() != sip.ACK {
				s.alice.Reply(m, 200, siptest.SDP(s.alice.Addr().Addr()))
			}
		})
		for _, digit := range []string{"*", "1"} {
			bob.Request(sip.INFO, siptest.Body("application/dtmf-relay", "Signal="+digit+"\r\nDuration=160\r\n"))
			s.bob.Expect("200 INFO", time.Second)
		}
		s.takes(s.bob, sip.BYE)
		time.Sleep(5 * time.Second)
		alice.BYE()
		s.alice.Expect("200 BYE", time.Second)
		time.Sleep(time.Second)
	})
}

func TestTransferExamplePicksUp(t *testing.T) {
	transferring(t, "pickup", func(s *stage) {
		s.alice.Request(sip.INVITE, "sip:bob@192.0.2.1", siptest.SDP(s.alice.Addr().Addr()))
		s.bob.Reply(s.bob.Expect(sip.INVITE, time.Second), 180)
		s.alice.Expect("180", time.Second)
		s.carol.Handle(func(m *sip.Message) {
			if m.Method() == sip.INVITE {
				s.carol.Reply(m, 200, siptest.SDP(s.carol.Addr().Addr()))
			} else if m.Method() != sip.ACK {
				s.carol.Reply(m, 200)
			}
		})
		s.carol.Request(sip.INVITE, "sip:*8bob@192.0.2.1", siptest.SDP(s.carol.Addr().Addr()))
		s.carol.Dialog(s.carol.Expect("200 INVITE", time.Second)).ACK()
		s.takes(s.bob, sip.CANCEL)
		d := s.alice.Dialog(s.alice.Expect("200 INVITE", time.Second))
		d.ACK()
		time.Sleep(5 * time.Second)
		d.BYE()
		s.alice.Expect("200 BYE", time.Second)
		time.Sleep(time.Second)
		if got := s.carol.Final(s.carol.Request(sip.INVITE, "sip:*8bob@192.0.2.1")).Status(); got != 404 {
			s.t.Errorf("picking up what does not ring: %d", got)
		}
		time.Sleep(time.Second)
	})
}
