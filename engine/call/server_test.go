package call_test

import (
	"strings"
	"testing"
	"time"

	"github.com/sipscript/sipscript/engine"
	"github.com/sipscript/sipscript/engine/call"
	"github.com/sipscript/sipscript/engine/proxy"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

// A server that goes down lets calls end by themselves for a while, and then hangs up.
func TestDrainingEndsTheCallsThatStand(t *testing.T) {
	play(t, b2bua(call.DialOptions{}, toBob), func(s *stage) {
		s.connect()
		done := make(chan time.Duration, 1)
		go func() {
			began := time.Now()
			s.engine.Drain(10*time.Second, nil)
			done <- time.Since(began)
		}()
		s.alice.ExpectNone(9*time.Second, "BYE")
		s.alice.Reply(s.alice.Expect("BYE", 2*time.Second), 200)
		s.bob.Reply(s.bob.Expect("BYE", soon), 200)
		if took := <-done; took < 10*time.Second || took > 12*time.Second {
			t.Errorf("drained in %s", took)
		}
		s.carol.Request("INVITE", "sip:bob@192.0.2.1", with("carol"))
		s.carol.ACK(s.carol.Expect("503", soon))
	})
}

func TestDrainingEndsWithTheLastCall(t *testing.T) {
	play(t, b2bua(call.DialOptions{}, toBob), func(s *stage) {
		c := s.connect()
		done := make(chan time.Duration, 1)
		go func() {
			began := time.Now()
			s.engine.Drain(30*time.Second, nil)
			done <- time.Since(began)
		}()
		time.Sleep(5 * time.Second)
		s.hangUp(c)
		if took := <-done; took > 6*time.Second {
			t.Errorf("drained in %s", took)
		}
	})
}

// A panic in what belongs to a leg ends that leg, and what it is joined with; other calls do not notice.
func TestAPanicEndsTheCallThatItBelongsTo(t *testing.T) {
	script := engine.ScriptFunc(func(r *engine.Request) {
		if r.InDialog() {
			r.FollowRoutes()
			return
		}
		r.Park()
		_, err := r.B2BUA(targets(toBob), call.DialOptions{}, func(_ proxy.Result, leg *call.Call) {
			_ = r.End()
			leg.Events(func(ev call.Event) {
				if ev.Kind == call.Info {
					panic("as the test wants it")
				}
			})
		})
		if err != nil {
			t.Error(err)
		}
	})
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, sc *siptest.Scene) {
		s := &stage{Scene: sc, t: t, sturdy: true}
		s.start(script, engine.Config{Shards: 1})
		s.alice, s.bob = sc.UA("alice", "192.0.2.10:5060", sip.UDP), sc.UA("bob", "192.0.2.20:5060", sip.UDP)
		other, c := s.connect(), s.connect()
		c.caller.Request("INFO", siptest.Body("text/plain", "boo"))
		s.alice.Reply(s.alice.Expect("BYE", soon), 200)
		s.bob.Reply(s.bob.Expect("BYE", soon), 200)
		s.hangUp(other)
		s.clean()
	})
}

// One record for each call, with both Call-IDs and how it ended.
func TestACallLeavesARecord(t *testing.T) {
	playFor(t, func(s *stage) engine.Script { return b2bua(call.DialOptions{}, toBob) }, func(s *stage) {
		c := s.connect()
		time.Sleep(10 * time.Second)
		c.callee.BYE()
		s.bob.Expect("200 BYE", soon)
		s.alice.Reply(s.alice.Expect("BYE", soon), 200)
		time.Sleep(soon)
		lines := strings.Split(strings.TrimSpace(s.records.String()), "\n")
		if len(lines) != 1 {
			t.Fatalf("records: %q", lines)
		}
		for _, want := range []string{c.caller.CallID, c.callee.CallID, `"cause":"answered"`, `"ended_by":"callee"`, `"code":200`, toBob} {
			if !strings.Contains(lines[0], want) {
				t.Errorf("no %s in %s", want, lines[0])
			}
		}
		invite := s.alice.Request("INVITE", "sip:bob@192.0.2.1", with("alice"))
		out := s.bob.Expect("INVITE", soon)
		s.bob.Reply(out, 180)
		s.alice.Expect("180", soon)
		s.alice.CANCEL(invite)
		s.alice.ACK(s.alice.Expect("487", soon))
		s.bob.Reply(s.bob.Expect("CANCEL", soon), 200)
		refuse(s.bob, out, 487)
		time.Sleep(soon)
		last := s.records.String()
		if !strings.Contains(last, `"cause":"canceled"`) || !strings.Contains(last, `"ended_by":"caller"`) {
			t.Errorf("records: %s", last)
		}
	})
}
