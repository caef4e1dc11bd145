package scenario

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/sipscript/sipscript/engine"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

// stall keeps a shard from its work for a time, as a stop of the machine or a bug does.
func (s *Server) stall(d time.Duration) {
	for _, loop := range s.Engine.Shards() {
		loop.Post(func() { time.Sleep(d) })
	}
	time.Sleep(time.Microsecond) // they have begun
}

// retryAfter fails the test unless a 503 says to come back in 5 to 30 seconds, and returns in how many.
func retryAfter(t *testing.T, refused *sip.Message) int {
	t.Helper()
	v, _ := refused.Value(sip.RetryAfter)
	n, err := strconv.Atoi(v)
	if err != nil || n < 5 || n > 30 {
		t.Errorf("Retry-After of a 503 is %q, want 5 to 30", v)
	}
	return n
}

func TestStalledShardRefusesNewWorkAndServesWhatItAccepted(t *testing.T) {
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		srv := Start(t, s, `
			sip.on("INVITE", function(req) req:proxy("sip:bob@192.0.2.20") end)
			sip.on("OPTIONS", function(req) req:reply(200) end)`, Options{Engine: engine.Config{Shards: 1}})
		alice := s.UA("alice", "192.0.2.10:5060", sip.UDP)
		bob := s.UA("bob", "192.0.2.20:5060", sip.UDP)
		call := siptest.Call(alice, bob, "sip:bob@192.0.2.1")
		ringing := alice.Request(sip.INVITE, "sip:bob@192.0.2.1")
		accepted := alice.Request(sip.INVITE, "sip:bob@192.0.2.1")
		alice.Expect("100", time.Second)
		alice.Expect("100", time.Second)
		invite := bob.Expect(sip.INVITE, time.Second)
		bob.Expect(sip.INVITE, time.Second)
		bob.Reply(invite, 180)
		alice.Expect("180", time.Second)

		srv.stall(2 * time.Second)
		bye := call.Caller.BYE()
		alice.SendAgain(accepted)
		alice.CANCEL(ringing)
		for range 10 {
			alice.Request(sip.INVITE, "sip:bob@192.0.2.1")
		}
		alice.ExpectNone(1900 * time.Millisecond)
		seen := map[int]bool{}
		for range 10 {
			seen[retryAfter(t, alice.Expect("503 INVITE", 200*time.Millisecond))] = true
		}
		if len(seen) < 4 {
			t.Errorf("all are sent back after the same time: %v", seen)
		}
		alice.Expect("100 INVITE", 0)
		alice.Expect("200 CANCEL", 0)
		bob.Reply(bob.Expect(sip.BYE, time.Second), 200)
		if got := alice.Final(bye); got.Status() != 200 {
			t.Errorf("BYE got %d", got.Status())
		}
		bob.Reply(bob.Expect(sip.CANCEL, time.Second), 200)
		bob.Reply(invite, 487)
		if got := alice.Final(ringing); got.Status() != 487 {
			t.Errorf("the cancelled call got %d", got.Status())
		}
		if n := srv.Engine.Counters.Total("refused_overload"); n != 10 {
			t.Errorf("%d refusals were counted, want 10", n)
		}
		// The queue is short again: the valve opens.
		alice.Request(sip.OPTIONS, "sip:192.0.2.1")
		alice.Expect("200 OPTIONS", time.Second)
	})
}

func TestRefusalsAreStatelessAndAlike(t *testing.T) {
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		srv := Start(t, s, `sip.on("INVITE", function(req) req:reply(480) end)`, Options{Engine: engine.Config{Shards: 1}})
		alice := s.UA("alice", "192.0.2.10:5060", sip.UDP)
		srv.stall(time.Second)
		invite := alice.Request(sip.INVITE, "sip:bob@192.0.2.1")
		alice.SendAgain(invite)
		first := alice.Expect("503", 2*time.Second)
		second := alice.Expect("503", time.Second)
		if first.ToTag() == "" || first.ToTag() != second.ToTag() {
			t.Errorf("To tags %q and %q, want the same (RFC 3261 §8.2.7)", first.ToTag(), second.ToTag())
		}
		alice.ACK(first)
		alice.ExpectNone(time.Minute) // nothing is retransmitted, nothing answers the ACK
	})
}

func TestMoreWaitingHandlersThanAllowedAreRefused(t *testing.T) {
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		srv := Start(t, s, `
			sip.on("INVITE", function(req) sleep(10) req:reply(480) end)
			sip.on("MESSAGE", function(req) req:reply(202) sleep(10) end)
			sip.on("INFO", function(req) req:drop() sleep(10) end)
			sip.on("OPTIONS", function(req) req:reply(200) end)`,
			Options{Engine: engine.Config{Limits: engine.Limits{ParkedRuns: 3}}})
		alice := s.UA("alice", "192.0.2.10:5060", sip.UDP)
		alice.Request(sip.OPTIONS, "sip:192.0.2.1")
		alice.Expect("200 OPTIONS", time.Second)
		// An answered and a dropped request hold their handler as well.
		first := alice.Request(sip.INVITE, "sip:bob@192.0.2.1")
		alice.Request(sip.MESSAGE, "sip:bob@192.0.2.1")
		alice.Request(sip.INFO, "sip:bob@192.0.2.1")
		alice.Expect("202", time.Second)
		time.Sleep(time.Second)
		alice.Request(sip.INVITE, "sip:bob@192.0.2.1")
		retryAfter(t, alice.Expect("503 INVITE", time.Second))
		alice.Request(sip.OPTIONS, "sip:192.0.2.1")
		retryAfter(t, alice.Expect("503 OPTIONS", time.Second))
		alice.SendAgain(first)
		alice.Expect("100 INVITE", time.Second)
		alice.CANCEL(first)
		alice.Expect("200 CANCEL", time.Second)
		if got := alice.Final(first); got.Status() != 487 {
			t.Errorf("the cancelled request got %d", got.Status())
		}
		if n := srv.Engine.Counters.Total("refused_parked"); n != 2 {
			t.Errorf("%d refusals were counted, want 2", n)
		}
		alice.Request(sip.INVITE, "sip:bob@192.0.2.1") // there is room again
		alice.Expect("100 INVITE", time.Second)
	})
}

func TestFullQueueDropsDatagramsAndLetsStreamsWait(t *testing.T) {
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		srv := Start(t, s, `sip.on("MESSAGE", function(req) req:reply(202) end)`,
			Options{Engine: engine.Config{Shards: 1, Queue: 10}})
		alice := s.UA("alice", "192.0.2.10:5060", sip.UDP)
		bob := s.UA("bob", "192.0.2.20:5060", sip.TCP)
		bob.Request(sip.MESSAGE, "sip:x@192.0.2.1")
		bob.Expect("202", time.Second)

		srv.stall(150 * time.Millisecond) // short of the valve
		for range 30 {
			alice.Request(sip.MESSAGE, "sip:x@192.0.2.1")
		}
		time.Sleep(10 * time.Millisecond)
		for range 30 {
			bob.Request(sip.MESSAGE, "sip:x@192.0.2.1")
		}
		time.Sleep(time.Second)
		if got := len(alice.Unread()); got != 10 {
			t.Errorf("%d datagrams were answered, want the 10 that the queue holds", got)
		}
		if n := srv.Engine.Counters.Total("queue_full"); n != 20 {
			t.Errorf("%d dropped datagrams were counted, want 20", n)
		}
		if got := len(bob.Unread()); got != 30 {
			t.Errorf("%d of 30 messages of a stream were answered", got)
		}
	})
}

func TestDrainRefusesNewWorkAndWaitsForCallsInSetUp(t *testing.T) {
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		srv := Start(t, s, `
			sip.on("INVITE", function(req) req:proxy("sip:bob@192.0.2.20") end)
			sip.on("MESSAGE", function(req) req:reply(202) sleep(12) end)
			sip.on("OPTIONS", function(req) req:reply(200) end)`, Options{})
		alice := s.UA("alice", "192.0.2.10:5060", sip.UDP)
		bob := s.UA("bob", "192.0.2.20:5060", sip.UDP)
		call := siptest.Call(alice, bob, "sip:bob@192.0.2.1")
		setup := alice.Request(sip.INVITE, "sip:bob@192.0.2.1")
		invite := bob.Expect(sip.INVITE, time.Second)
		bob.Reply(invite, 180)
		alice.Request(sip.MESSAGE, "sip:bob@192.0.2.1")
		alice.Expect("202 MESSAGE", time.Second)
		time.Sleep(time.Second)

		begun := time.Now()
		drained := make(chan time.Duration, 1)
		go func() {
			srv.Engine.Drain(30*time.Second, nil)
			drained <- time.Since(begun)
		}()
		time.Sleep(time.Millisecond)
		for _, method := range []string{sip.INVITE, sip.OPTIONS, sip.REGISTER} {
			alice.Request(method, "sip:192.0.2.1")
			retryAfter(t, alice.Expect("503 "+method, time.Second))
		}
		alice.SendAgain(setup)
		alice.Expect("180 INVITE", time.Second)
		bye := call.Caller.BYE()
		bob.Reply(bob.Expect(sip.BYE, time.Second), 200)
		if got := alice.Final(bye); got.Status() != 200 {
			t.Errorf("BYE got %d", got.Status())
		}
		time.Sleep(5 * time.Second)
		bob.Reply(invite, 200)
		d := alice.Dialog(alice.Final(setup))
		d.ACK()
		bob.Expect(sip.ACK, time.Second)
		// What waits now is the handler of the MESSAGE, though it has answered.
		if took := <-drained; took < 10900*time.Millisecond || took > 12*time.Second {
			t.Errorf("drained after %v, want when the last handler ended, after 11 s", took)
		}
	})
}

func TestDrainEndsAtItsLimitOrWhenItIsStopped(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		with func(srv *Server, stop chan struct{})
		want time.Duration
	}{
		{"limit", func(*Server, chan struct{}) {}, 30 * time.Second},
		{"stopped", func(_ *Server, stop chan struct{}) { time.AfterFunc(7*time.Second, func() { close(stop) }) }, 7 * time.Second},
		{"limit while a shard hangs", func(srv *Server, _ chan struct{}) { srv.stall(time.Minute) }, 30 * time.Second},
		{"stopped while a shard hangs", func(srv *Server, stop chan struct{}) {
			srv.stall(time.Minute)
			time.AfterFunc(7*time.Second, func() { close(stop) })
		}, 7 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
				srv := Start(t, s, `sip.on("INVITE", function(req) sleep(100) end)`, Options{})
				alice := s.UA("alice", "192.0.2.10:5060", sip.UDP)
				alice.Request(sip.INVITE, "sip:bob@192.0.2.1")
				alice.Expect("100", time.Second)
				stop := make(chan struct{})
				test.with(srv, stop)
				begun := time.Now()
				srv.Engine.Drain(30*time.Second, stop)
				if took := time.Since(begun).Round(time.Millisecond); took != test.want {
					t.Errorf("drained in %v, want %v", took, test.want)
				}
			})
		})
	}
}

func TestIdleServerDrainsAtOnce(t *testing.T) {
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		srv := Start(t, s, `
			sip.on("INVITE", function(req) req:reply(480) end)
			sip.every(1, function() sleep(100) end)`, Options{})
		alice := s.UA("alice", "192.0.2.10:5060", sip.UDP)
		for i := range 3 {
			alice.Request(sip.INVITE, fmt.Sprintf("sip:%d@192.0.2.1", i))
			alice.Expect("480", time.Second)
		}
		// Nobody sends the ACKs: the transactions stand for 32 s, absorbing, and are not waited for; nor are timers.
		begun := time.Now()
		srv.Engine.Drain(30*time.Second, nil)
		if took := time.Since(begun); took > 0 {
			t.Errorf("drained in %v", took)
		}
	})
}
