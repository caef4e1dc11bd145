package scenario

import (
	"testing"
	"time"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

func TestB106AScriptWantsASessionTimer(t *testing.T) {
	perform(t, `
		sip.on("INVITE", function(req)
		  req:b2bua("sip:bob@192.0.2.20", { session_expires = 1800, session_min = 300, refresher = "server" })
		end)`, func(s *stage) {
		s.call(siptest.Header("Supported", "timer"), siptest.Header("Session-Expires", "200"))
		if shortest, _ := s.alice.Expect("422", time.Second).Get("Min-SE"); shortest != "300" {
			t.Errorf("Min-SE %q", shortest)
		}
		s.call(siptest.Header("Supported", "timer"), siptest.Header("Session-Expires", "600"))
		out := s.bob.Expect("INVITE", time.Second)
		if got, _ := out.Get("Session-Expires"); got != "1800;refresher=uac" {
			t.Errorf("the callee is asked for %q", got)
		}
		s.bob.Reply(out, 200, siptest.SDP(s.bob.Addr().Addr()))
		ok := s.alice.Expect("200 INVITE", time.Second)
		if got, _ := ok.Get("Session-Expires"); got != "600;refresher=uas" {
			t.Errorf("the caller is told %q", got)
		}
		alice := s.alice.Dialog(ok)
		alice.ACK()
		s.bob.Expect("ACK", time.Second)
		again := s.alice.Expect(sip.INVITE, 301*time.Second)
		s.alice.Reply(again, 200, siptest.Header("Session-Expires", "600;refresher=uac"), siptest.SDP(s.alice.Addr().Addr()))
		s.alice.Expect("ACK", time.Second)
		alice.BYE()
		s.alice.Expect("200 BYE", time.Second)
		s.bob.Reply(s.bob.Expect(sip.BYE, time.Second), 200)
	})
}

func TestASessionTimerThatIsTooShort(t *testing.T) {
	perform(t, `
		sip.on("INVITE", function(req)
		  local good, err = pcall(req.accept, req, { session_expires = 60 })
		  log.info(good and "taken" or err.message or tostring(err))
		  req:reply(486)
		end)`, func(s *stage) {
		s.call()
		s.alice.Expect("486", time.Second)
		s.wantSaid("request:accept: session_expires: at least 90 expected (RFC 4028 §4), got 60")
	})
}
