package lua

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/sipscript/sipscript/lua/rt"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

// asleep is a script whose handlers say, when their sleep is over or broken off, who they are and why.
func asleep(word string, seconds int) string {
	return saying(word) + fmt.Sprintf(`
		sip.on("MESSAGE", function(req)
			req:reply(202)
			local ok, err = pcall(sleep, %d)
			log.info("woken", { by = ok and "time" or err.cause, said = %q })
		end)`, seconds, word)
}

// woken lists who has said so and why, in order.
func woken(r *rig) (all []string) {
	for line := range strings.Lines(r.log.String()) {
		if !strings.Contains(line, "msg=woken") {
			continue
		}
		_, cause, _ := strings.Cut(line, " by=")
		_, word, _ := strings.Cut(line, " said=")
		all = append(all, strings.Fields(word)[0]+" "+strings.Fields(cause)[0])
	}
	return all
}

// ask sends a request and lets it arrive.
func ask(u *siptest.UA, method string) *sip.Message {
	req := u.Request(method, "sip:bob@192.0.2.1")
	time.Sleep(10 * time.Millisecond)
	return req
}

func TestHandlerAsleepAcrossAReloadEndsOnItsOwnVersion(t *testing.T) {
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		r := start(t, s, disk{"main.lua": asleep("one", 60)}, 4)
		alice := s.UA("alice", "192.0.2.10:5060", sip.UDP)
		alice.Final(ask(alice, sip.MESSAGE))
		r.change(asleep("two", 60))
		alice.Final(ask(alice, sip.MESSAGE))
		if got := greeting(alice); got != "two" {
			t.Errorf("a new request was handled by %q", got)
		}
		if v := len(r.host.held()); v != 2 {
			t.Errorf("%d versions are held, want 2", v)
		}
		time.Sleep(2 * time.Minute)
		if got := woken(r); !slices.Equal(got, []string{"one time", "two time"}) {
			t.Errorf("woken: %q", got)
		}
		if v := len(r.host.held()); v != 1 {
			t.Errorf("%d versions are held when all handlers have ended, want 1", v)
		}
	})
}

func TestOneVersionTooManyRetiresTheOldest(t *testing.T) {
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		r := start(t, s, disk{"main.lua": asleep("v1", 1800)}, 1)
		alice := s.UA("alice", "192.0.2.10:5060", sip.UDP)
		for i := 2; i <= 6; i++ {
			alice.Final(ask(alice, sip.MESSAGE))
			r.change(asleep(fmt.Sprint("v", i), 1800))
			time.Sleep(time.Millisecond)
			if v := len(r.host.held()); v > mostVersions {
				t.Errorf("%d versions are held after change %d, want at most %d", v, i, mostVersions)
			}
		}
		if got := woken(r); !slices.Equal(got, []string{"v1 retired", "v2 retired"}) {
			t.Errorf("woken by the fifth and sixth version: %q", got)
		}
		time.Sleep(time.Hour)
		if got := woken(r)[2:]; !slices.Equal(got, []string{"v3 time", "v4 time", "v5 time"}) {
			t.Errorf("woken later: %q", got)
		}
	})
}

func TestVersionIsRetiredAnHourAfterItWasSuperseded(t *testing.T) {
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		r := start(t, s, disk{"main.lua": asleep("one", 86400)}, 2)
		alice := s.UA("alice", "192.0.2.10:5060", sip.UDP)
		alice.Final(ask(alice, sip.MESSAGE))
		r.change(asleep("two", 86400))
		time.Sleep(time.Hour - time.Second)
		if got := woken(r); len(got) > 0 {
			t.Errorf("woken too early: %q", got)
		}
		time.Sleep(2 * time.Second)
		if got := woken(r); !slices.Equal(got, []string{"one retired"}) {
			t.Errorf("woken: %q", got)
		}
		if v := len(r.host.held()); v != 1 {
			t.Errorf("%d versions are held, want 1", v)
		}
	})
}

// supplant makes so many versions, each held by a handler, that the one in force now is retired.
func supplant(r *rig, u *siptest.UA) {
	for i := range mostVersions {
		r.change(asleep(fmt.Sprint("later", i), 7200))
		u.Final(ask(u, sip.MESSAGE))
	}
}

func TestHandlerThatDefiesRetirementIsStopped(t *testing.T) {
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		r := start(t, s, disk{"main.lua": `sip.on("INVITE", function(req) while true do pcall(sleep, 3600) end end)`}, 2)
		alice := s.UA("alice", "192.0.2.10:5060", sip.UDP).Reliable()
		invite := ask(alice, sip.INVITE)
		supplant(r, alice)
		if final := alice.Final(invite); final.Status() != 500 {
			t.Errorf("the request of a stopped handler got %d, want 500", final.Status())
		}
		if held := r.host.held(); held[0] != 2 {
			t.Errorf("versions %v are held, the first is not to be", held)
		}
	})
}

// A hundred thousand handlers may wait in a version. Ending them all at once would stop the shard for a second.
func TestRetiredRunsAreEndedAFewAtATime(t *testing.T) {
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		const runs = 5*atOnce + 7
		r := start(t, s, disk{"main.lua": `sip.on("MESSAGE", function(req) req:reply(202) pcall(sleep, 86400) end)`}, 1)
		lane := r.host.lanes[0]
		alice := s.UA("alice", "192.0.2.10:5060", sip.UDP)
		for range runs {
			ask(alice, sip.MESSAGE)
		}
		lane.loop.Post(func() {
			for range runs {
				unstoppable(lane.current.VM())
			}
		})
		r.change(saying("two"))
		woken := endings(lane, func(o *superseded) { lane.force(o) })
		if most := slices.Max(woken); most != atOnce {
			t.Errorf("at most %d handlers were woken between two looks at the network, want %d", most, atOnce)
		}
		killed := endings(lane, lane.kill)
		if most := slices.Max(killed); most != atOnce {
			t.Errorf("at most %d runs were killed between two looks at the network, want %d", most, atOnce)
		}
		if held := r.host.held(); len(held) != 1 {
			t.Errorf("versions %v are held, want one", held)
		}
	})
}

func TestWhatRetirementDoesNotEndIsKilledAfterTheGrace(t *testing.T) {
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		r := start(t, s, disk{"main.lua": saying("one")}, 1)
		lane := r.host.lanes[0]
		lane.loop.Post(func() { unstoppable(lane.current.VM()) })
		r.change(saying("two"))
		lane.loop.Post(func() { lane.end(1) })
		time.Sleep(grace - 2*time.Millisecond)
		if held := r.host.held(); len(held) != 2 {
			t.Errorf("versions %v are held before the grace is over, want two", held)
		}
		time.Sleep(4 * time.Millisecond)
		if held := r.host.held(); len(held) != 1 {
			t.Errorf("versions %v are held after it, want one", held)
		}
	})
}

// unstoppable starts a run that waits for what must come to its end, and never does.
func unstoppable(vm *rt.VM) {
	stuck := vm.State().NewFunction(func(L *lua.LState) int {
		_, _ = rt.AwaitFinish(L, func(func(int)) func() { return nil })
		return 0
	})
	vm.Start("stuck", stuck, rt.Task, nil, nil, func(*rt.Run, []lua.LValue, error) {})
}

// endings does something to the version that was superseded last, and returns by how many its runs became fewer from
// one item of the shard's queue to the next, until they stayed as many as they were.
func endings(l *lane, do func(*superseded)) (steps []int) {
	done := make(chan struct{})
	l.loop.Post(func() {
		o := l.old[0]
		last, same := o.script.VM().Live(), 0
		var look func()
		look = func() {
			live := o.script.VM().Live()
			steps = append(steps, last-live)
			if same++; live != last {
				same = 0
			}
			last = live
			if same == 3 {
				close(done)
				return
			}
			l.loop.Post(look)
		}
		do(o)
		look()
	})
	<-done
	return steps
}

func TestProxiedCallsSurviveTheForcedRetirementOfTheirVersion(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		code  int
		codes string // what the caller gets
	}{
		{"answered", 200, "200"}, {"busy", 486, "486"}, {"failed", 503, "500"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
				r := start(t, s, disk{"main.lua": `
					sip.on("INVITE", function(req)
						req:proxy("sip:bob@192.0.2.20", { timeout = 7200, on_reply = function(reply) log.info("seen " .. reply.code) end })
						log.info("went on")
					end)`}, 2)
				alice := s.UA("alice", "192.0.2.10:5060", sip.UDP).Reliable()
				bob := s.UA("bob", "192.0.2.20:5060", sip.UDP).Reliable()
				request := alice.Request(sip.INVITE, "sip:bob@192.0.2.1", siptest.SDP(alice.Addr().Addr()))
				invite := bob.Expect(sip.INVITE, time.Second)
				bob.Reply(invite, 180)
				alice.Expect("180", time.Second)
				supplant(r, s.UA("carol", "192.0.2.30:5060", sip.UDP))
				if held := r.host.held(); held[0] != 2 {
					t.Errorf("versions %v are held, the first is not to be", held)
				}
				bob.Reply(invite, test.code)
				final := alice.Final(request)
				if fmt.Sprint(final.Status()) != test.codes {
					t.Errorf("the caller got %d, want %s", final.Status(), test.codes)
				}
				if final.Status() == 200 {
					d := alice.Dialog(final)
					d.ACK()
					bob.Expect(sip.ACK, time.Second)
					d.BYE()
					bob.Reply(bob.Expect(sip.BYE, time.Second), 200)
					alice.Expect("200 BYE", time.Second)
				}
				if log := r.log.String(); strings.Contains(log, "went on") || strings.Contains(log, "seen 200") || !strings.Contains(log, "seen 180") {
					t.Errorf("the retired version has taken part:\n%s", log)
				}
			})
		})
	}
}

func TestOnlyTheNewestVersionStartsAndTicksOnOneShard(t *testing.T) {
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		script := func(word string) string {
			return strings.ReplaceAll(`
				sip.on_start(function() kv.incr("WORD start") end)
				sip.every(10, function() kv.incr("WORD tick") end)
				sip.every(1, function() kv.incr("WORD slow") sleep(3.5) end)
				sip.after(15, function() kv.incr("WORD after") end)
				sip.on("MESSAGE", function(req) req:reply(202) sleep(600) end)
				sip.on("INFO", function(req)
					local got = {}
					for _, word in ipairs { "one", "two" } do
						for _, what in ipairs { "start", "tick", "slow", "after" } do
							got[#got + 1] = tostring(kv.get(word .. " " .. what))
						end
					end
					req:reply(200, table.concat(got, " "))
				end)`, "WORD", word)
		}
		r := start(t, s, disk{"main.lua": script("one")}, 4)
		alice := s.UA("alice", "192.0.2.10:5060", sip.UDP)
		counts := func(want string) {
			t.Helper()
			if got := alice.Final(alice.Request(sip.INFO, "sip:192.0.2.1")).Reason(); got != want {
				t.Errorf("starts, ticks, slow ticks and afters of the first and of the second version: %s, want %s", got, want)
			}
		}
		alice.Final(ask(alice, sip.MESSAGE)) // holds the version, whose timers end all the same
		time.Sleep(25 * time.Second)
		counts("1 2 7 1 nil nil nil nil") // a tick is skipped while the last one still runs
		if skipped := r.engine.Counters.Total("tick_skipped"); skipped < 15 {
			t.Errorf("%d skipped ticks were counted", skipped)
		}
		if err := r.save("main.lua", "broken ="); err == nil {
			t.Fatal("broken, and live")
		}
		time.Sleep(6 * time.Second)
		counts("1 3 8 1 nil nil nil nil")
		r.change(script("two"))
		time.Sleep(25 * time.Second)
		counts("1 3 8 1 1 2 7 1")
	})
}
