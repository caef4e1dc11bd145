package rt

import (
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	lua "github.com/yuin/gopher-lua"
)

func TestCoroutinesEndWithTheirRun(t *testing.T) {
	t.Parallel()
	w := load(t, `
kept = nil
reached = false
function f()
  kept = coroutine.create(function()
    pcall(function() coroutine.yield(1) end)
    reached = true
  end)
  return coroutine.resume(kept)
end
function later() return coroutine.status(kept), reached, coroutine.resume(kept) end`)
	w.start("f").want(t, "true", "1")
	w.start("later").want(t, "dead", "false", "false", "cannot resume dead coroutine")
}

func TestCoroutinesOfTheMainChunkLiveOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := load(t, `
local ids = coroutine.wrap(function() local n = 0 while true do n = n + 1 coroutine.yield(n) end end)
ids()
local slow = coroutine.create(function() while true do sleep(1) coroutine.yield("slept") end end)
function next_id() return ids() end
function use() return coroutine.resume(slow) end
function peek() return coroutine.status(slow), coroutine.resume(slow) end`)
		w.start("next_id").want(t, "2")
		w.start("next_id").want(t, "3")
		// It waits on behalf of the run that resumed it; no other run can resume it meanwhile.
		first := w.start("use")
		w.start("peek").want(t, "running", "false", "cannot resume running coroutine")
		w.loop.settle(w.VM)
		first.want(t, "true", "slept")
		second := w.start("use")
		second.Kill("")
		second.fails(t, CauseKilled)
		w.start("peek").want(t, "dead", "false", "cannot resume dead coroutine")
	})
}

func TestCoroutineThatIsDroppedWhileItWaitsIsUndone(t *testing.T) {
	t.Parallel()
	g := &gate{}
	w := load(t, `function f() coroutine.wrap(function() coroutine.wrap(gate)() end)() end`, withGate(g))
	o := w.start("f")
	o.Unwind(CauseCancel)
	o.fails(t, CauseCancel)
	if g.undone != 1 {
		t.Errorf("undone %d times", g.undone)
	}
}

func TestSuspendedCoroutinesAreBounded(t *testing.T) {
	t.Parallel()
	w := load(t, fmt.Sprintf(`
function f()
  local n = 0
  for i = 1, %d do
    local co = coroutine.wrap(function() coroutine.yield() end)
    if pcall(co) then n = n + 1 end
  end
  return n
end
function finished()
  for i = 1, %d do coroutine.wrap(function() return i end)() end
  return "ok"
end`, maxCoroutines+10, maxCoroutines+10), func(cfg *VMConfig) { cfg.Budget = 100_000_000 })
	w.start("f").want(t, fmt.Sprint(maxCoroutines))
	w.start("finished").want(t, "ok")
}

func TestNoGoroutineIsLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := load(t, places+`
function abandons()
  for i = 1, 20 do
    local co = coroutine.wrap(function() pcall(coroutine.yield) coroutine.yield() end)
    co()
    if i > 10 then co() end
  end
  sleep(1)
  error("and fails")
end`, func(cfg *VMConfig) { cfg.MaxIdle = 8 })
		for i := range 50 {
			w.start("abandons")
			w.start("in_coroutines", lua.LString("x"))
			if i%3 == 0 {
				w.start("in_pcall", lua.LString("x")).Kill("")
			}
		}
		w.loop.settle(w.VM)
		if w.Idle() > 8 {
			t.Errorf("%d coroutines are kept, want at most 8", w.Idle())
		}
		w.Close()
		time.Sleep(time.Second)
		// The bubble fails the test when a goroutine is left.
	})
}

// A coroutine of Go that finished long ago must serve again without anything of the run before.
func TestFibersServeAgainClean(t *testing.T) {
	t.Parallel()
	w := load(t, `
local held
function leaves_open() local x = 1 held = function() x = x + 1 return x end error("gone") end
function reads() local a, b, c = 7, 8, 9 return held(), a, b, c end
function overflows() local function f(n) held = function() return n end return 1 + f(n + 1) end f(1) end
function reads_overflow() local a, b, c, d = 1, 2, 3, 4 return tostring(held()), a, b, c, d end
function depth(n) if n == 0 then return 0 end return 1 + depth(n - 1) end`, func(cfg *VMConfig) { cfg.MaxIdle = 1 })
	for i := 2; i < 20; i++ {
		w.start("leaves_open").fails(t, CauseScript)
		w.start("reads").want(t, "2", "7", "8", "9")
		w.start("reads").want(t, "3", "7", "8", "9")
	}
	w.start("overflows").fails(t, CauseScript)
	w.start("reads_overflow").want(t, "nil", "1", "2", "3", "4")
	w.start("depth", lua.LNumber(190)).want(t, "190")
	w.start("depth", lua.LNumber(190)).want(t, "190")
}

func TestReleasedRunsAreCollected(t *testing.T) {
	w := load(t, `function f(v) local ok = pcall(function() return v end) return v end`)
	collected := make(chan bool, 1)
	func() {
		ud := w.NewObject(&Type{Name: "thing"}, new(int))
		runtime.AddCleanup(ud, func(int) { collected <- true }, 0)
		w.Start("f", w.fn("f"), Handler, nil, []lua.LValue{ud}, nil)
	}()
	w.Start("f", w.fn("f"), Handler, nil, nil, nil)
	for range 10 {
		runtime.GC()
		select {
		case <-collected:
			return
		case <-time.After(10 * time.Millisecond):
		}
	}
	t.Error("an argument of a run that has ended is still referred to")
}
