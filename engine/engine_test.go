package engine

import (
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sipscript/sipscript/engine/proxy"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
	"github.com/sipscript/sipscript/sip/transport"
)

// rig runs an engine with a script in Go on the scene's network.
func rig(t *testing.T, s *siptest.Scene, cfg Config, script ScriptFunc) (*Engine, *written) {
	t.Helper()
	spec, err := transport.ParseListen("udp:192.0.2.1:5060")
	if err != nil {
		t.Fatal(err)
	}
	log := &written{}
	cfg.Listen = []transport.ListenSpec{spec}
	cfg.Log = slog.New(slog.NewTextHandler(log, nil))
	e, err := New(cfg, Seams{Net: s.Net.Host(netip.MustParseAddr("192.0.2.1")), Seed: &[32]byte{1}})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Start(script); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	synctest.Wait()
	return e, log
}

// written is a log.
type written struct {
	mu sync.Mutex
	b  strings.Builder
}

func (w *written) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.Write(p)
}

func (w *written) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.String()
}

func toBob() []proxy.Group { return []proxy.Group{{{URI: "sip:bob@192.0.2.20"}}} }

func TestPanicAfterTheAnswerBringsNoOther(t *testing.T) {
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		rig(t, s, Config{Shards: 1}, func(r *Request) {
			r.Message.Keep() // whoever panics still reads it
			_ = r.Reply(202, "", Content{})
			_ = r.End()
			panic("after the answer")
		})
		alice := s.UA("alice", "192.0.2.10:5060", sip.UDP)
		if got := alice.Final(alice.Request(sip.MESSAGE, "sip:x@192.0.2.1")); got.Status() != 202 {
			t.Errorf("answered with %d", got.Status())
		}
		alice.ExpectNone(time.Second, "500")
	})
}

func TestPanicEndsTheRequestItBelongsToAndNoOther(t *testing.T) {
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		var waiting []*Request
		e, log := rig(t, s, Config{Shards: 1}, func(r *Request) {
			switch r.Message.Method() {
			case sip.INFO:
				panic("at once")
			case sip.INVITE:
				_ = r.Proxy(toBob(), proxy.Options{OnReply: func(m *sip.Message, _ *proxy.Target) bool {
					if m.Status() == 486 {
						panic("at its response")
					}
					return true
				}}, func(proxy.Result) { _ = r.End() })
			case sip.MESSAGE:
				waiting = append(waiting, r)
			case sip.NOTIFY:
				r.Loop().Post(func() { panic("in a post") })
				r.Loop().After(time.Second, func() { panic("in a timer") })
				_ = r.Reply(200, "", Content{})
				_ = r.End()
			case sip.OPTIONS:
				_ = r.Reply(200, "", Content{})
				_ = r.End()
			}
		})
		alice := s.UA("alice", "192.0.2.10:5060", sip.UDP).Reliable()
		bob := s.UA("bob", "192.0.2.20:5060", sip.UDP).Reliable()
		held := alice.Request(sip.MESSAGE, "sip:x@192.0.2.1")
		ringing := alice.Request(sip.INVITE, "sip:bob@192.0.2.1")
		bob.Reply(bob.Expect(sip.INVITE, time.Second), 180)

		if got := alice.Final(alice.Request(sip.INFO, "sip:x@192.0.2.1")); got.Status() != 500 {
			t.Errorf("a panic in the handler: %d, want 500", got.Status())
		}
		hurt := alice.Request(sip.INVITE, "sip:bob@192.0.2.1")
		bob.Reply(bob.Expect(sip.INVITE, time.Second), 486)
		if got := alice.Final(hurt); got.Status() != 500 {
			t.Errorf("a panic at its response: %d, want 500", got.Status())
		}
		alice.Final(alice.Request(sip.NOTIFY, "sip:x@192.0.2.1"))
		time.Sleep(2 * time.Second)
		if n := e.Counters.Total("panic"); n != 4 {
			t.Errorf("%d panics were counted, want 4", n)
		}
		for _, words := range []string{"at once", "at its response", "in a post", "in a timer"} {
			if !strings.Contains(log.String(), words) || !strings.Contains(log.String(), "engine_test.go") {
				t.Errorf("%q is not logged with a stack", words)
			}
		}

		// The shard goes on, with all it had before.
		e.Shards()[0].Post(func() {
			_ = waiting[0].Reply(202, "", Content{})
			_ = waiting[0].End()
		})
		if got := alice.Final(held); got.Status() != 202 {
			t.Errorf("a request from before: %d, want 202", got.Status())
		}
		alice.CANCEL(ringing)
		bob.Expect(sip.CANCEL, time.Second)
		if got := alice.Final(alice.Request(sip.OPTIONS, "sip:192.0.2.1")); got.Status() != 200 {
			t.Errorf("a request after it: %d, want 200", got.Status())
		}
		begun := time.Now()
		alice.Final(ringing) // bob says nothing: 64·T1 after the CANCEL
		e.Drain(time.Minute, nil)
		if took := time.Since(begun); took > 33*time.Second {
			t.Errorf("draining took %v: a request that panicked still counts", took)
		}
	})
}

// ICMP may quote no more than the first bytes of a request: the branch, in the topmost header, and no Call-ID.
func TestNetworkErrorWithoutACallIDFindsItsRequest(t *testing.T) {
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		results := make(chan proxy.Result, 1)
		e, _ := rig(t, s, Config{Shards: 8, Fragile: true}, func(r *Request) {
			_ = r.Proxy(toBob(), proxy.Options{}, func(res proxy.Result) {
				results <- res
				_ = r.End()
			})
		})
		alice := s.UA("alice", "192.0.2.10:5060", sip.UDP).Reliable()
		bob := s.UA("bob", "192.0.2.20:5060", sip.UDP)
		for i := range 16 { // on different shards
			request := alice.Request(sip.INVITE, "sip:bob@192.0.2.1")
			via, err := bob.Expect(sip.INVITE, time.Second).Via()
			if err != nil {
				t.Fatal(err)
			}
			e.failed(transport.Failure{Branch: via.Branch, Response: true}) // not about the request
			e.failed(transport.Failure{Branch: via.Branch + "x"})
			synctest.Wait()
			if len(results) > 0 {
				t.Fatal("the request has failed for another's error")
			}
			e.failed(transport.Failure{Branch: via.Branch})
			if got := alice.Final(request); got.Status() != 500 {
				t.Errorf("request %d got %d", i, got.Status())
			}
			if res := <-results; res.Cause != proxy.Failed {
				t.Errorf("the result is %v", res.Cause)
			}
		}
	})
}

func TestCallsAreSpreadOverTheShardsAndStay(t *testing.T) {
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		shards := map[string][]int{}
		var mu sync.Mutex
		rig(t, s, Config{Shards: 4, Fragile: true}, func(r *Request) {
			mu.Lock()
			id := strings.Clone(r.Message.CallID())
			shards[id] = append(shards[id], r.Loop().Index())
			mu.Unlock()
			_ = r.Reply(480, "", Content{})
			_ = r.End()
		})
		alice := s.UA("alice", "192.0.2.10:5060", sip.UDP).Reliable()
		for range 40 {
			first := alice.Request(sip.MESSAGE, "sip:x@192.0.2.1")
			alice.Final(first)
			again := func(m *sip.Message) { m.Set("Call-ID", first.CallID()); m.Set("CSeq", "2 MESSAGE") }
			alice.Final(alice.Request(sip.MESSAGE, "sip:x@192.0.2.1", again))
		}
		mu.Lock()
		defer mu.Unlock()
		used := map[int]bool{}
		for id, on := range shards {
			if len(slices.Compact(on)) != 1 {
				t.Errorf("call %s was on shards %v", id, on)
			}
			used[on[0]] = true
		}
		if len(shards) != 40 || len(used) != 4 {
			t.Errorf("%d calls were on %d shards", len(shards), len(used))
		}
	})
}

func TestEngineThatCannotOpenIsClosedAndSaysWhy(t *testing.T) {
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		answer := func(r *Request) { _ = r.End() }
		rig(t, s, Config{Shards: 2}, answer)
		spec := transport.ListenSpec{Transport: sip.UDP, Addr: netip.MustParseAddrPort("192.0.2.1:5060")}
		e, err := New(Config{Listen: []transport.ListenSpec{spec}}, Seams{Net: s.Net.Host(netip.MustParseAddr("192.0.2.1"))})
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Start(ScriptFunc(answer)); err == nil || !strings.Contains(err.Error(), "udp 192.0.2.1:5060") {
			t.Errorf("starting on a taken port: %v", err)
		}
		e.Close() // nothing is left, and it does no harm
		e.Close()
	})
}
