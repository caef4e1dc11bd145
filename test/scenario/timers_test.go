package scenario

import (
	"testing"
	"time"

	"github.com/sipscript/sipscript/engine"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

func TestTimerCCancelsAPhoneThatRingsForEver(t *testing.T) {
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		srv := Start(t, s, `
			sip.on("INVITE", function(req)
				local result = req:proxy("sip:bob@192.0.2.20", { timeout = 3600 })
				log.info("over", { code = result.code, cause = result.cause, rang = result.rang })
			end)`, Options{})
		alice := s.UA("alice", "192.0.2.10:5060", sip.UDP).Reliable()
		bob := s.UA("bob", "192.0.2.20:5060", sip.UDP).Reliable()
		request := alice.Request(sip.INVITE, "sip:bob@192.0.2.1")
		invite := bob.Expect(sip.INVITE, time.Second)
		bob.Reply(invite, 180)
		time.Sleep(100 * time.Second)
		bob.Reply(invite, 183) // each 101 to 199 starts it anew (RFC 3261 §16.7(2))
		begun := time.Now()
		bob.Reply(bob.Expect(sip.CANCEL, 200*time.Second), 200)
		if took := time.Since(begun).Round(time.Second); took != 181*time.Second {
			t.Errorf("the CANCEL came %v after the last provisional, want more than 3 minutes", took)
		}
		bob.Reply(invite, 487)
		if got := alice.Final(request); got.Status() != 487 && got.Status() != 408 {
			t.Errorf("the caller got %d", got.Status())
		}
		srv.logs("msg=over", "rang=true")
	})
}

func TestTimerHEndsAFailureThatNobodyAcknowledges(t *testing.T) {
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		srv := Start(t, s, `
			sip.on("INVITE", function(req) kv.incr("ran") req:reply(486) end)`, Options{})
		alice := s.UA("alice", "192.0.2.10:5060", sip.UDP)
		invite := alice.Request(sip.INVITE, "sip:bob@192.0.2.1")
		time.Sleep(31 * time.Second)
		alice.SendAgain(invite)
		time.Sleep(2 * time.Second)
		if n := srv.Engine.KV.Get("ran").Number(); n != 1 {
			t.Errorf("within 64·T1 the handler ran %v times", n)
		}
		alice.ExpectNone(time.Minute) // it has ended
		alice.SendAgain(invite)
		time.Sleep(time.Second)
		if n := srv.Engine.KV.Get("ran").Number(); n != 2 {
			t.Errorf("after it the same request is a new one, but the handler ran %v times", n)
		}
	})
}

func TestTimersAreConfigured(t *testing.T) {
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		Start(t, s, `
			sip.on("INVITE", function(req) req:proxy("sip:bob@192.0.2.20", { timeout = 3600 }) end)
			sip.on("MESSAGE", function(req) req:proxy("sip:bob@192.0.2.20") end)`,
			Options{Engine: engine.Config{Timers: engine.Timers{T1: 100 * ms, T2: 400 * ms, C: 10 * time.Second}}})
		alice := s.UA("alice", "192.0.2.10:5060", sip.UDP)
		bob := s.UA("bob", "192.0.2.20:5060", sip.UDP)
		alice.Request(sip.MESSAGE, "sip:bob@192.0.2.1")
		alice.Request(sip.INVITE, "sip:bob@192.0.2.1")
		bob.Reply(bob.Expect(sip.INVITE, time.Second), 180)
		bob.Expect(sip.CANCEL, 11*time.Second)
		wantSends(t, "MESSAGE", sends(s, "192.0.2.1", "192.0.2.20", "MESSAGE ")[:6], 0, 100*ms, 300*ms, 700*ms, 1100*ms, 1500*ms)
		alice.Expect("100 MESSAGE", 0)
	})
}
