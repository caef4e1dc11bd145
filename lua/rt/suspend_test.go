package rt

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// places are functions that wait wherever a script can, each with what it must return for the argument "id".
const places = `
function plain(id) return sleep(1, id), id end
function in_pcall(id)
  local ok, v = pcall(function() local v = sleep(1, id); return v .. "!" end)
  return ok, v
end
function pcall_direct(id) return pcall(sleep, 1, id) end
function in_xpcall(id)
  return xpcall(function() sleep(1); error(id, 0) end, function(e) sleep(1); return e .. "?" end)
end
function error_after_wait(id)
  local ok, e = pcall(function() sleep(1); error({cause = id}) end)
  sleep(1)
  return ok, e.cause
end
local waits = setmetatable({}, {
  __index = function(t, k) return sleep(1, k) end,
  __add = function(a, b) return sleep(1, b) end,
  __concat = function(a, b) return sleep(1, b) end,
  __eq = function(a, b) return sleep(1, true) end,
  __lt = function(a, b) return sleep(1, true) end,
  __call = function(self, v) return sleep(1, v) end,
  __tostring = function() return sleep(1, "string") end,
})
function in_metamethods(id)
  local other = setmetatable({}, getmetatable(waits))
  return waits[id], waits + id, waits .. id, waits == other, waits < other, waits(id), tostring(waits)
end
function in_newindex(id)
  local t = setmetatable({}, {__newindex = function(t, k, v) rawset(t, k, sleep(1, v)) end})
  t.x = id
  return t.x
end
function in_sort(id)
  local t = {3, 1, 2}
  table.sort(t, function(a, b) sleep(0.1); return a < b end)
  return id, table.concat(t, ",")
end
function in_iterator(id)
  local out = {}
  for k in function(_, n) n = (n or 0) + 1; sleep(1); if n < 4 then return n end end do out[#out + 1] = k end
  return id .. table.concat(out)
end
function in_coroutine(id)
  local co = coroutine.wrap(function(a)
    local v = sleep(1, a)
    local b = coroutine.yield(v .. 1)
    sleep(1)
    local c = coroutine.yield(b .. 2)
    return c .. 3
  end)
  return co(id), co("b"), co("c")
end
function in_coroutines(id)
  local function nest(n)
    if n == 0 then return sleep(1, id) end
    return coroutine.wrap(function() return (nest(n - 1)) end)()
  end
  return nest(10)
end
function yield_in_pcall(id)
  local co = coroutine.wrap(function()
    local ok, v = pcall(function() local v = coroutine.yield("y"); sleep(1); error(v, 0) end)
    return tostring(ok) .. v
  end)
  return co(), co(id)
end
function in_gsub(id)
  return (("a-b-c"):gsub("%a", function(c) return sleep(0.5, c .. c) end)), id
end
function in_gmatch(id)
  local out = ""
  for w in ("x y z"):gmatch("%a") do out = out .. sleep(1, w) end
  return out .. id
end
function in_tail_call(id) return sleep(1, id) end
function in_varargs(...) local a = {...}; sleep(1); return select("#", ...), a[1], ... end
function in_closure(id)
  local n = 0
  local function add() n = n + 1; return n end
  for i = 1, 3 do sleep(0.1); add() end
  pcall(function() sleep(0.1); add(); error("x") end)
  n = n + 10
  return add(), n, id
end
`

var placesWant = []struct {
	name string
	want []string
}{
	{"plain", []string{"id", "id"}},
	{"in_pcall", []string{"true", "id!"}},
	{"pcall_direct", []string{"true", "id"}},
	{"in_xpcall", []string{"false", "id?"}},
	{"error_after_wait", []string{"false", "id"}},
	{"in_metamethods", []string{"id", "id", "id", "true", "true", "id", "string"}},
	{"in_newindex", []string{"id"}},
	{"in_sort", []string{"id", "1,2,3"}},
	{"in_iterator", []string{"id123"}},
	{"in_coroutine", []string{"id1", "b2", "c3"}},
	{"in_coroutines", []string{"id"}},
	{"yield_in_pcall", []string{"y", "falseid"}},
	{"in_gsub", []string{"aa-bb-cc", "id"}},
	{"in_gmatch", []string{"xyzid"}},
	{"in_tail_call", []string{"id"}},
	{"in_varargs", []string{"1", "id", "id"}},
	{"in_closure", []string{"15", "15", "id"}},
}

func TestRunsWaitAnywhere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := load(t, places)
		const each = 84 // about 1,400 runs at once
		started := time.Now()
		outcomes := map[string]*outcome{}
		for i := range each {
			for _, p := range placesWant {
				id := lua.LString(fmt.Sprintf("id%d", i))
				outcomes[fmt.Sprint(p.name, i)] = w.start(p.name, id)
			}
		}
		if w.Live() != each*len(placesWant) {
			t.Errorf("%d runs wait, want all %d", w.Live(), each*len(placesWant))
		}
		w.loop.settle(w.VM)
		for i := range each {
			for _, p := range placesWant {
				want := make([]string, len(p.want))
				for j, s := range p.want {
					want[j] = replaceID(s, i)
				}
				o := outcomes[fmt.Sprint(p.name, i)]
				if o.err != nil {
					t.Fatalf("%s: %v", p.name, o.err)
				}
				if got := fmt.Sprint(o.results); got != fmt.Sprint(want) {
					t.Errorf("%s: got %v, want %v", p.name, got, want)
				}
			}
		}
		if took := time.Since(started); took > 8*time.Second {
			t.Errorf("took %v of virtual time: the runs waited one after the other", took)
		}
	})
}

// replaceID puts the number of a run behind each "id".
func replaceID(s string, i int) string {
	out := ""
	for j := 0; j < len(s); {
		if j+2 <= len(s) && s[j:j+2] == "id" {
			out += fmt.Sprint("id", i)
			j += 2
			continue
		}
		out += s[j : j+1]
		j++
	}
	return out
}

func TestResumeBeforeStartReturnsDoesNotPark(t *testing.T) {
	t.Parallel()
	w := load(t, `function f() return now() end`, func(cfg *VMConfig) {
		cfg.Modules = append(cfg.Modules, Module{Functions: []Function{{Name: "now", Waits: true, Fn: func(L *lua.LState) int {
			v, err := Await(L, func(resume func(int)) func() {
				resume(7)
				resume(8)
				return func() { t.Error("undo was called") }
			})
			if err != nil {
				return Raise(L, err)
			}
			L.Push(lua.LNumber(v))
			return 1
		}}}})
	})
	o := w.start("f")
	o.want(t, "7")
}

// gate is a binding whose wait the test ends by hand.
type gate struct {
	resume func(string)
	undone int
	finish bool
}

func (g *gate) module() Module {
	return Module{Functions: []Function{{Name: "gate", Waits: true, Fn: func(L *lua.LState) int {
		wait := Await[string]
		if g.finish {
			wait = AwaitFinish[string]
		}
		v, err := wait(L, func(resume func(string)) func() {
			g.resume = resume
			return func() { g.undone++ }
		})
		if err != nil {
			return Raise(L, err)
		}
		L.Push(lua.LString(v))
		return 1
	}}}}
}

func withGate(g *gate) func(*VMConfig) {
	return func(cfg *VMConfig) { cfg.Modules = append(cfg.Modules, g.module()) }
}

func TestUnwindRaisesInTheWaitAndInEachLaterOne(t *testing.T) {
	t.Parallel()
	g := &gate{}
	w := load(t, `
function f()
  local ok, e = pcall(gate)
  local again, e2 = pcall(gate)
  seen = tostring(ok) .. e.cause .. tostring(again) .. e2.cause
  error(e)
end
seen = ""`, withGate(g))
	o := w.start("f")
	o.Unwind(CauseHangup)
	err := o.fails(t, CauseHangup)
	if !err.Quiet {
		t.Error("unwinding by hangup is worth no log line")
	}
	if got := w.globals.RawGetString("seen").String(); got != "falsehangupfalsehangup" {
		t.Errorf("the script saw %q", got)
	}
	if g.undone != 1 {
		t.Errorf("undone %d times, want once", g.undone)
	}
	g.resume("late")
	if o.ends != 1 {
		t.Error("a late result reached a run that is over")
	}
}

func TestUnwindCauses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		cause string
		quiet bool
	}{{CauseHangup, true}, {CauseCancel, true}, {CauseRetired, false}} {
		g := &gate{}
		w := load(t, `function f() gate() end`, withGate(g))
		o := w.start("f")
		o.Unwind(tt.cause)
		o.Unwind("other")
		if err := o.fails(t, tt.cause); err.Quiet != tt.quiet {
			t.Errorf("%s: quiet is %v", tt.cause, err.Quiet)
		}
	}
}

func TestErrorAfterUnwindIsNotQuiet(t *testing.T) {
	t.Parallel()
	g := &gate{}
	w := load(t, `function f() pcall(gate); local t = nil; t.x = 1 end`, withGate(g))
	o := w.start("f")
	o.Unwind(CauseHangup)
	if err := o.fails(t, CauseScript); err.Quiet {
		t.Error("a mistake while unwinding must be logged")
	}
}

func TestUnwindLetsAFinishingWaitFinish(t *testing.T) {
	t.Parallel()
	g := &gate{finish: true}
	w := load(t, `function f() local v = gate(); local ok, e = pcall(gate); return v, ok, e.cause end`, withGate(g))
	o := w.start("f")
	o.Unwind(CauseHangup)
	if o.ends != 0 || g.undone != 0 {
		t.Fatal("the wait was torn")
	}
	g.resume("debited")
	o.want(t, "debited", "false", "hangup")
}

func TestUnwindBetweenResultAndNextSliceKeepsTheResult(t *testing.T) {
	t.Parallel()
	g := &gate{}
	w := load(t, `
function f() local v = gate(); return v, pcall(gate) end
function other() wake() end`, withGate(g), func(cfg *VMConfig) {
		cfg.Modules = append(cfg.Modules, Module{Functions: []Function{{Name: "wake", Fn: func(L *lua.LState) int {
			g.resume("result")
			return 0
		}}}})
	})
	o := w.start("f")
	w.start("other").want(t)
	if o.ends != 0 {
		t.Fatal("a run was resumed inside another")
	}
	o.Unwind(CauseCancel)
	w.loop.drain()
	if o.err != nil || len(o.results) != 3 || o.results[0] != "result" || o.results[1] != "false" {
		t.Errorf("got %v, %v", o.results, o.err)
	}
}

func TestKillEndsWhatResists(t *testing.T) {
	t.Parallel()
	for name, source := range map[string]string{
		"pcall loop":     `function f() while true do pcall(sleep, 1) end end`,
		"nested":         `function f() while true do pcall(function() while true do pcall(sleep, 1) end end) end end`,
		"coroutine":      `function f() while true do pcall(coroutine.wrap(function() while true do pcall(sleep, 1) end end)) end end`,
		"sort by sleep":  `function f() local t = {1,2,3,4,5} while true do pcall(table.sort, t, sleep) end end`,
		"gsub by sleep":  `function f() while true do pcall(string.gsub, "123", ".", sleep) end end`,
		"xpcall handler": `function f() xpcall(function() error(1) end, function() while true do pcall(sleep, 1) end end) end`,
		"metamethod":     `function f() local t = setmetatable({}, {__index = function() while true do pcall(sleep, 1) end end}); return t.x end`,
	} {
		synctest.Test(t, func(t *testing.T) {
			w := load(t, source)
			o := w.start("f")
			for range 3 {
				(<-w.loop)()
			}
			if o.ends != 0 {
				t.Fatalf("%s: ended by itself: %v", name, o.err)
			}
			o.Kill("")
			o.fails(t, CauseKilled)
			if w.Live() != 0 {
				t.Errorf("%s: still alive", name)
			}
			time.Sleep(time.Minute) // timers of the killed run must not matter
			w.loop.drain()
		})
	}
}

func TestKillFromWithinIsCarriedOut(t *testing.T) {
	t.Parallel()
	var victim *Run
	w := load(t, `
function suicide() pcall(kill); while true do pcall(sleep, 1) end end
function parked() sleep(1) end
function murder() kill() return "done" end`, func(cfg *VMConfig) {
		cfg.Modules = append(cfg.Modules, Module{Functions: []Function{{Name: "kill", Fn: func(L *lua.LState) int {
			if victim == nil {
				Current(L).Kill("mine")
			} else {
				victim.Kill("yours")
			}
			return 0
		}}}})
	})
	w.start("suicide").fails(t, "mine")
	other := w.start("parked")
	victim = other.Run
	w.start("murder").want(t, "done")
	w.loop.drain()
	other.fails(t, "yours")
}

func TestStartWithinARunIsPosted(t *testing.T) {
	t.Parallel()
	var order []string
	var w *world
	w = load(t, `
function outer() begin(); note("outer") end
function inner() note("inner") end`, func(cfg *VMConfig) {
		cfg.Modules = append(cfg.Modules, Module{Functions: []Function{
			{Name: "note", Fn: func(L *lua.LState) int { order = append(order, CheckString(L, 1)); return 0 }},
			{Name: "begin", Fn: func(L *lua.LState) int {
				w.Start("inner", w.fn("inner"), Event, nil, nil, nil)
				return 0
			}},
		}})
	})
	w.run("outer").want(t)
	w.loop.drain()
	if fmt.Sprint(order) != "[outer inner]" {
		t.Errorf("order %v", order)
	}
}

func TestDoneMayStartTheNextRun(t *testing.T) {
	t.Parallel()
	w := load(t, `function f(n) return n end`)
	total := 0
	var next func(n int)
	next = func(n int) {
		w.Start("f", w.fn("f"), Handler, nil, []lua.LValue{lua.LNumber(n)}, func(_ *Run, results []lua.LValue, _ error) {
			if n > 0 {
				next(n - 1)
			}
			total += int(results[0].(lua.LNumber)) // still valid although another run has ended meanwhile
		})
	}
	next(10)
	if total != 55 {
		t.Errorf("total %d, want 55", total)
	}
}

func TestNothingWaitsWhereItMayNot(t *testing.T) {
	t.Parallel()
	w := load(t, `
function waits() return pcall(sleep, 1) end
function hidden() return pcall(coroutine.wrap(function() sleep(1) end)) end
function sorted() return pcall(table.sort, {2, 1}, function() sleep(1) end) end`)
	for _, phase := range []Phase{Branch, Reply, Ack} {
		for _, name := range []string{"waits", "hidden", "sorted"} {
			results, err := w.Call(nil, name, w.fn(name), phase)
			if err != nil {
				t.Fatal(err)
			}
			if want := "may not wait in " + phase.String(); results[0] != lua.LFalse || !hasSuffix(results[1].String(), want) {
				t.Errorf("%s in %s: %v", name, phase, results)
			}
			var o outcome
			w.Start(name, w.fn(name), phase, nil, nil, o.done)
			if o.ends != 1 || o.results[0] != "false" {
				t.Errorf("%s as a run in %s: %v %v", name, phase, o.results, o.err)
			}
		}
	}
	if _, err := tryLoad(t, memory{"main.lua": "\nsleep(1)"}); err == nil || err.Error() != "main chunk: main.lua:2: sleep: may not wait in the main chunk" {
		t.Errorf("in the main chunk: %v", err)
	}
}

func hasSuffix(s, suffix string) bool {
	return len(s) >= len(suffix) && s[len(s)-len(suffix):] == suffix
}

func TestPhaseOfAFunctionIsChecked(t *testing.T) {
	t.Parallel()
	w := load(t, `declare() function f() declare() end`)
	err := w.start("f").fails(t, CauseScript)
	if want := "main.lua:1: declare: may not be called in a handler, only in the main chunk"; err.Message != want {
		t.Errorf("message %q, want %q", err.Message, want)
	}
}

func TestCallRunsInsideTheRun(t *testing.T) {
	t.Parallel()
	var w *world
	w = load(t, `
function outer() local v = hook(function(a) return a .. "!", phase() end); return v, phase() end
function fails() local v = hook(function() error("in hook") end); return v end
function yields()
  return coroutine.wrap(function() return hook(function() coroutine.yield(1) end) end)()
end`, func(cfg *VMConfig) {
		cfg.Modules = append(cfg.Modules, Module{Functions: []Function{
			{Name: "phase", Fn: func(L *lua.LState) int { L.Push(lua.LString(VMOf(L).Phase().String())); return 1 }},
			{Name: "hook", Fn: func(L *lua.LState) int {
				results, err := w.Call(Current(L), "on_branch", CheckFunction(L, 1), Branch, lua.LString("x"))
				if err != nil {
					L.Push(lua.LString(err.Error()))
					return 1
				}
				if len(results) != 2 || results[1].String() != "on_branch" {
					t.Errorf("results %v", results)
				}
				L.Push(results[0])
				return 1
			}},
		}})
	})
	w.start("outer").want(t, "x!", "a handler")
	w.start("fails").want(t, "on_branch: main.lua:3: in hook")
	w.start("yields").want(t, "on_branch: main.lua:5: coroutine.yield: attempt to yield from outside a coroutine")
}

func TestCloseEndsEverything(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := load(t, places+`
generator = coroutine.wrap(function() while true do coroutine.yield(1) end end)
generator()
function leaves() for i = 1, 10 do coroutine.wrap(function() coroutine.yield() end)() end; sleep(1) end`)
		var all []*outcome
		for range 10 {
			all = append(all, w.start("in_coroutines", lua.LString("x")), w.start("leaves"))
		}
		w.Close()
		for _, o := range all {
			o.fails(t, CauseKilled)
		}
		if w.Live() != 0 || w.Idle() != 0 {
			t.Errorf("%d live, %d idle", w.Live(), w.Idle())
		}
		late := &outcome{}
		late.Run = w.Start("f", w.fn("plain"), Handler, nil, nil, late.done)
		late.fails(t, CauseKilled)
		time.Sleep(time.Minute)
		// The bubble itself fails the test when a goroutine is left.
	})
}

// Runs that are to begin or to go on, when another kills them, execute nothing any more.
func TestKillReachesRunsThatArePosted(t *testing.T) {
	t.Parallel()
	g := &gate{}
	var w *world
	var woken, begun outcome
	reached := false
	w = load(t, `
function f() gate() reach() end
function g() reach() end
function killer() act() end`, withGate(g), func(cfg *VMConfig) {
		cfg.Modules = append(cfg.Modules, Module{Functions: []Function{
			{Name: "reach", Fn: func(*lua.LState) int { reached = true; return 0 }},
			{Name: "act", Fn: func(*lua.LState) int {
				g.resume("")
				woken.Kill("one")
				begun.Run = w.Start("g", w.fn("g"), Handler, nil, nil, begun.done)
				begun.Kill("two")
				w.Close()
				return 0
			}},
		}})
	})
	woken.Run = w.Start("f", w.fn("f"), Handler, nil, nil, woken.done)
	w.start("killer").want(t)
	w.loop.drain()
	woken.fails(t, "one")
	begun.fails(t, "two")
	if reached {
		t.Error("a killed run went on")
	}
	if !w.closed {
		t.Error("the VM was not closed")
	}
}

func TestInconsistentComparators(t *testing.T) {
	t.Parallel()
	w := load(t, `
function f(n)
  local t, sum = {}, 0
  for i = 1, n do t[i] = i end
  table.sort(t, function() return true end)
  table.sort(t, function() return math.random() < 0.5 end)
  table.sort(t, function(a, b) return a ~= b end)
  table.sort(t, function(a, b) t[a] = nil return a <= b end)
  for i = 1, n do sum = sum + t[i] end
  return sum
end`)
	for n := range 60 {
		w.start("f", lua.LNumber(n)).want(t, fmt.Sprint(n*(n+1)/2))
	}
}

// What start arms may end the run at once.
func TestUnwindWhileTheWaitIsArmed(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		end  func(r *Run)
		want string
	}{
		{"unwind", func(r *Run) { r.Unwind(CauseHangup) }, CauseHangup},
		{"kill", func(r *Run) { r.Kill("") }, CauseKilled},
	} {
		undone := 0
		w := load(t, `function f() arm() end`, func(cfg *VMConfig) {
			cfg.Modules = append(cfg.Modules, Module{Functions: []Function{{Name: "arm", Waits: true, Fn: func(L *lua.LState) int {
				_, err := Await(L, func(func(int)) func() {
					tt.end(Current(L))
					return func() { undone++ }
				})
				return Result(L, err)
			}}}})
		})
		w.start("f").fails(t, tt.want)
		if undone != 1 {
			t.Errorf("%s: undone %d times, want once", tt.name, undone)
		}
	}
}

func TestPhaseNames(t *testing.T) {
	t.Parallel()
	for phase, want := range map[Phase]string{
		Init: "the main chunk", Handler | Timer: "a handler or a timer", Ack: "the handler of an ACK", Late: "a module required late", Anywhere: "anywhere", 0: "",
	} {
		if got := phase.String(); got != want {
			t.Errorf("%b: %q, want %q", phase, got, want)
		}
	}
}
