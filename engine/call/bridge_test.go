package call_test

import (
	"sync"
	"testing"
	"time"

	"github.com/sipscript/sipscript/engine"
	"github.com/sipscript/sipscript/engine/call"
	"github.com/sipscript/sipscript/engine/proxy"
)

// scripted is a script that accepts every caller and hands it on.
func scripted(f func(r *engine.Request, c *call.Call)) engine.ScriptFunc {
	return func(r *engine.Request) {
		if r.InDialog() {
			r.FollowRoutes()
			return
		}
		r.Park()
		c, err := r.Accept(call.Options{})
		if err != nil {
			_ = r.End()
			return
		}
		f(r, c)
	}
}

// ends collects what scripts on several shards have seen.
type ends struct {
	mu   sync.Mutex
	list []call.BridgeEnd
}

func (e *ends) add(end call.BridgeEnd) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.list = append(e.list, end)
}

func (e *ends) are(t *testing.T, want ...string) {
	t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	for i, end := range e.list {
		if i >= len(want) || end.By != want[i] {
			t.Errorf("ended by %q (%v), want %q", end.By, end.Err, want)
		}
	}
	if len(e.list) != len(want) {
		t.Errorf("%d ends, want %q", len(e.list), want)
	}
	e.list = nil
}

// dialAndBridge dials bob for the caller and bridges.
func dialAndBridge(s *stage, o call.BridgeOptions, then func(c *call.Call)) engine.Script {
	return scripted(func(r *engine.Request, c *call.Call) {
		c.Dial(targets(toBob), call.DialOptions{}, func(leg *call.Call, res proxy.Result) {
			if leg == nil {
				_ = c.RefuseWith(&res)
				_ = r.End()
				return
			}
			c.Bridge(leg, o, func(end call.BridgeEnd) {
				s.seen.add(end)
				then(c)
				_ = r.End()
			})
		})
	})
}

func hangUp(c *call.Call) { c.Hangup(call.Cause{By: call.ByServer}) }

func TestABridgeEndsWithWhoGoesFirst(t *testing.T) {
	playFor(t, func(s *stage) engine.Script { return dialAndBridge(s, call.BridgeOptions{}, hangUp) }, func(s *stage) {
		c := s.connect()
		c.callee.BYE()
		s.bob.Expect("200 BYE", soon)
		s.alice.Reply(s.alice.Expect("BYE", soon), 200) // the script's
		s.seen.are(t, call.EndCallee)
		c = s.connect()
		s.hangUp(c)
		s.seen.are(t, call.EndCaller)
	})
}

func TestABridgeHasAnEndOfItsOwn(t *testing.T) {
	playFor(t, func(s *stage) engine.Script {
		return dialAndBridge(s, call.BridgeOptions{MaxDuration: 30 * time.Second}, func(c *call.Call) {
			if c.Over() {
				t.Error("the caller has not outlived the bridge")
			}
			hangUp(c)
		})
	}, func(s *stage) {
		s.connect()
		s.bob.Reply(s.bob.Expect("BYE", 31*time.Second), 200)
		s.alice.Reply(s.alice.Expect("BYE", soon), 200)
		s.seen.are(t, call.EndLimit)
	})
}

// A caller whom this server has answered by itself is joined with a leg that is dialled later.
func TestAnAnsweredCallerIsJoinedWithADialledLeg(t *testing.T) {
	script := func(s *stage) engine.Script {
		return scripted(func(r *engine.Request, c *call.Call) {
			c.Answer(func(err error) {
				if err != nil {
					t.Error(err)
				}
			})
			r.Loop().After(time.Second, func() {
				c.Dial(targets(toBob), call.DialOptions{}, func(leg *call.Call, _ proxy.Result) {
					c.Bridge(leg, call.BridgeOptions{}, func(end call.BridgeEnd) { s.seen.add(end); hangUp(c); _ = r.End() })
				})
			})
		})
	}
	playFor(t, script, func(s *stage) {
		s.alice.Request("INVITE", "sip:bob@192.0.2.1", with("alice"))
		dialog := s.alice.Dialog(s.alice.Expect("200", soon))
		dialog.ACK()
		out := s.bob.Expect("INVITE", time.Second+soon)
		holds(t, out, "alice")
		s.bob.Reply(out, 200, with("bob"))
		s.bob.Expect("ACK", soon)
		in := s.alice.Expect("INVITE", soon)
		holds(t, in, "bob")
		s.alice.Reply(in, 200, with("alice"))
		s.alice.Expect("ACK", soon)
		dialog.BYE()
		s.alice.Expect("200 BYE", soon)
		s.bob.Reply(s.bob.Expect("BYE", soon), 200)
		s.seen.are(t, call.EndCaller)
	})
}

// A call of nobody's: one leg is called, then another one for it.
func TestClickToCall(t *testing.T) {
	play(t, func(r *engine.Request) { r.FollowRoutes() }, func(s *stage) {
		loop := s.engine.Shards()[0]
		loop.Post(func() {
			s.engine.Originate(loop, targets(toBob), call.DialOptions{From: `"Desk" <sip:desk@example.org>`}, func(c *call.Call, res proxy.Result) {
				if c == nil {
					t.Errorf("bob: %d", res.Code)
					return
				}
				c.On(func(c *call.Call) {
					c.Dial(targets(toCarol), call.DialOptions{}, func(leg *call.Call, _ proxy.Result) {
						c.Bridge(leg, call.BridgeOptions{}, func(end call.BridgeEnd) { s.seen.add(end); hangUp(c) })
					})
				})
			})
		})
		out := s.bob.Expect("INVITE", soon)
		if got, _ := out.From(); got.Name != "Desk" || got.URI.User != "desk" {
			t.Errorf("From %v", got)
		}
		s.bob.Reply(out, 200, with("bob"))
		s.bob.Expect("ACK", soon)
		second := s.carol.Expect("INVITE", soon)
		holds(t, second, "bob")
		s.carol.Reply(second, 200, with("carol"))
		s.carol.Expect("ACK", soon)
		in := s.bob.Expect("INVITE", soon)
		holds(t, in, "carol")
		s.bob.Reply(in, 200, with("bob"))
		s.bob.Expect("ACK", soon)
		s.carol.Dialog(second).BYE()
		s.carol.Expect("200 BYE", soon)
		s.bob.Reply(s.bob.Expect("BYE", soon), 200)
		s.seen.are(t, call.EndCallee)
	})
}

// Somebody picks up what rings for somebody else: the phone that rang is told that it was answered elsewhere.
func TestAPickedUpCallIsAnsweredByWhoPicksUp(t *testing.T) {
	script := func(s *stage) engine.Script {
		return scripted(func(r *engine.Request, c *call.Call) {
			if uri, _ := r.Message.URI(); uri.User == "pickup" {
				c.Pickup(s.ringing.Load(), func(end call.BridgeEnd) { s.seen.add(end); hangUp(c); _ = r.End() })
				return
			}
			s.ringing.Store(c)
			c.Dial(targets(toBob), call.DialOptions{}, func(leg *call.Call, res proxy.Result) {
				if leg == nil {
					t.Errorf("dial: %d", res.Code)
					_ = r.End()
					return
				}
				c.Bridge(leg, call.BridgeOptions{}, func(end call.BridgeEnd) { s.seen.add(end); hangUp(c); _ = r.End() })
			})
		})
	}
	playFor(t, script, func(s *stage) {
		s.alice.Request("INVITE", "sip:bob@192.0.2.1", with("alice"))
		out := s.bob.Expect("INVITE", soon)
		s.bob.Reply(out, 180)
		s.alice.Expect("180", soon)
		s.carol.Request("INVITE", "sip:pickup@192.0.2.1", with("carol"))
		ok := s.carol.Expect("200", soon)
		picker := s.carol.Dialog(ok)
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
		s.carol.Reply(s.carol.Expect("BYE", soon), 200)
	})
}

// A callee that is kept outlives the bridge, and ends with the caller that has dialled it.
func TestAKeptCalleeOutlivesTheBridge(t *testing.T) {
	playFor(t, func(s *stage) engine.Script {
		o := call.BridgeOptions{MaxDuration: 5 * time.Second, KeepCallee: true}
		return dialAndBridge(s, o, func(*call.Call) {})
	}, func(s *stage) {
		c := s.connect()
		s.bob.ExpectNone(20*time.Second, "BYE")
		s.seen.are(t, call.EndLimit)
		s.hangUp(c)
	})
}
