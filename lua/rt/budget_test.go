package rt

import (
	"runtime"
	"strings"
	"testing"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// hostile are functions that never end, or would take minutes or all memory, by themselves.
var hostile = map[string]string{
	"loop":                    `while true do end`,
	"loop in pcall":           `while true do pcall(function() while true do end end) end`,
	"loop in wrap":            `coroutine.wrap(function() while true do end end)()`,
	"loop in resume":          `while true do coroutine.resume(coroutine.create(function() while true do end end)) end`,
	"loop in pcall in wrap":   `while true do pcall(coroutine.wrap(function() while true do pcall(function() while true do end end) end end)) end`,
	"loop in xpcall handler":  `xpcall(error, function() while true do end end)`,
	"loop in metamethod":      `local t = setmetatable({}, {__index = function() while true do end end}) return t.x`,
	"loop in comparator":      `table.sort({3, 2, 1}, function() while true do end end)`,
	"loop in gsub":            `string.gsub("abc", ".", function() while true do end end)`,
	"loop in tostring":        `tostring(setmetatable({}, {__tostring = function() while true do end end}))`,
	"loop in iterator":        `for _ in function() while true do end end do end`,
	"endless iterator":        `for _ in function() return 1 end do end`,
	"endless coroutines":      `while true do pcall(coroutine.wrap(function() coroutine.yield() end)) end`,
	"goto":                    `::again:: goto again`,
	"pattern: lazy":           `string.find(("a"):rep(2000), "(.-)(.-)(.-)(.-)x")`,
	"pattern: greedy":         `string.find(("a"):rep(20000), ".*.*.*x")`,
	"pattern: in pcall":       `while true do pcall(string.find, ("a"):rep(2000), "(.-)(.-)(.-)x") end`,
	"pattern: optional":       `string.match(("a"):rep(30), ("a?"):rep(30) .. ("a"):rep(30))`,
	"pattern: balance":        `string.find(("("):rep(100000), "%b()x")`,
	"pattern: gmatch":         `for _ in string.gmatch(("a"):rep(100000), "a-b") do end`,
	"pattern: gsub":           `string.gsub(("a"):rep(100000), "a-b", "")`,
	"pattern: backref":        `string.find(("a"):rep(5000), "(a*)(a*)%1%2b")`,
	"growing string":          `local s = "x" while true do s = s .. s end`,
	"slowly growing string":   `local s = "" while true do s = s .. "0123456789" end`,
	"growing by concat":       `local t = {("x"):rep(1000000)} for i = 2, 1000 do t[i] = t[1] end while true do pcall(table.concat, t) end`,
	"rep in a loop":           `while true do pcall(string.rep, "x", 1e9); local s = ("x"):rep(1e6) end`,
	"format in a loop":        `while true do local s = string.format("%99.99f", 1) end`,
	"gsub doubling":           `local s = "xx" while true do s = s:gsub(".", "%0%0") end`,
	"upper in a loop":         `local s = ("x"):rep(1e6) while true do s:upper() s:reverse() end`,
	"insert at the front":     `local t = {} for i = 1, 1e5 do t[i] = i end while true do table.insert(t, 1, 0) end`,
	"remove from the front":   `local t = {} for i = 1, 1e5 do t[i] = i end while true do table.remove(t, 1) table.insert(t, 1) end`,
	"unpack in a loop":        `local t = {} for i = 1, 7000 do t[i] = i end while true do select("#", unpack(t)) end`,
	"byte in a loop":          `local s = ("x"):rep(7000) while true do select("#", s:byte(1, -1)) end`,
	"maxn in a loop":          `local t = {} for i = 1, 1e5 do t[i] = i end while true do table.maxn(t) end`,
	"sorting in a loop":       `local t = {} for i = 1, 1e4 do t[i] = -i end while true do table.sort(t) end`,
	"print in a loop":         `local s = ("x"):rep(1e6) while true do print(s) end`,
	"comparing by Go":         `local t = {} for i = 1, 1e4 do t[i] = i end while true do table.sort(t, rawequal) end`,
	"recursion":               `local function f() return (pcall(f)) end while true do f() end`,
	"tail recursion":          `local function f() return f() end f()`,
	"coroutine in coroutine":  `local function f() coroutine.wrap(f)() end while true do pcall(f) end`,
	"error in error handlers": `local function f() xpcall(error, f) end while true do f() end`,
	"gsub in gsub":            `local function f(s) return s:gsub(".", f) end while true do pcall(f, "ab") end`,
}

func TestBudgetStopsWhatNeverEnds(t *testing.T) {
	t.Parallel()
	for name, body := range hostile {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := load(t, "function f() "+body+" end", func(cfg *VMConfig) { cfg.Log = nil })
			started := time.Now()
			w.start("f").fails(t, CauseBudget)
			t.Logf("stopped after %v", time.Since(started))
			// The next call has a budget of its own.
			if _, err := w.Call(nil, "f", w.fn("f"), Branch); err == nil || err.(*RunError).Cause != CauseBudget {
				t.Errorf("as a call: %v", err)
			}
		})
	}
}

func TestBudgetOfTheMainChunk(t *testing.T) {
	t.Parallel()
	_, err := tryLoad(t, memory{"main.lua": "\nwhile true do end"}, func(cfg *VMConfig) { cfg.InitBudget = 100_000 })
	e, ok := err.(*RunError)
	if !ok || e.Cause != CauseBudget || e.At != "main.lua:2" {
		t.Fatalf("got %+v", err)
	}
}

func TestBudgetIsExactAndFreshAfterEachWait(t *testing.T) {
	t.Parallel()
	g := &gate{}
	w := load(t, `
function f(n) for i = 1, n do end return "ok" end
function g(n) for i = 1, 20 do f(n); gate() end return "ok" end`, withGate(g), func(cfg *VMConfig) { cfg.Budget = 1000 })
	// A loop takes one instruction a turn, and the function a few more.
	w.start("f", lua.LNumber(980)).want(t, "ok")
	w.start("f", lua.LNumber(1000)).fails(t, CauseBudget)
	for range 3 {
		w.start("f", lua.LNumber(980)).want(t, "ok")
	}
	o := w.start("g", lua.LNumber(900))
	for range 20 {
		g.resume("")
	}
	o.want(t, "ok")
}

func TestSpentBudgetCannotBeSwallowed(t *testing.T) {
	t.Parallel()
	w := load(t, `
reached = false
function f()
  pcall(function() while true do end end)
  reached = true
end`)
	err := w.start("f").fails(t, CauseBudget)
	if w.globals.RawGetString("reached") != lua.LFalse {
		t.Error("the script went on after its budget was spent")
	}
	if !strings.Contains(err.Message, "instruction budget spent") || !strings.HasPrefix(err.At, "main.lua:") {
		t.Errorf("message %q at %q", err.Message, err.At)
	}
}

func TestBudgetWithinCallsCountsForTheRun(t *testing.T) {
	t.Parallel()
	var w *world
	w = load(t, `
local function spin() for i = 1, 400 do end end
function f() for i = 1, 3 do hook(spin) end end`, func(cfg *VMConfig) {
		cfg.Budget = 1000
		cfg.Modules = append(cfg.Modules, Module{Functions: []Function{{Name: "hook", Fn: func(L *lua.LState) int {
			_, err := w.Call(Current(L), "on_branch", CheckFunction(L, 1), Branch)
			if err != nil && err.(*RunError).Cause != CauseBudget {
				t.Errorf("cause of the call: %v", err)
			}
			return 0
		}}}})
	})
	w.start("f").fails(t, CauseBudget)
}

func TestCharge(t *testing.T) {
	t.Parallel()
	w := load(t, `function f(n) charge(n) return "ok" end`, func(cfg *VMConfig) {
		cfg.Budget = 1000
		cfg.Modules = append(cfg.Modules, Module{Functions: []Function{{Name: "charge", Fn: func(L *lua.LState) int {
			Charge(L, CheckInt(L, 1))
			return 0
		}}}})
	})
	w.start("f", lua.LNumber(900)).want(t, "ok")
	w.start("f", lua.LNumber(1001)).fails(t, CauseBudget)
	w.start("f", lua.LNumber(1e300)).fails(t, CauseBudget)
}

func TestStackOverflowIsAnError(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"function":   `local function f(n) return 1 + f(n + 1) end f(1)`,
		"pcall":      `local n = 0 local function f() n = n + 1 local ok, e = pcall(f) if not ok then error(e, 0) end end f()`,
		"metamethod": `local t = setmetatable({}, {}) getmetatable(t).__index = function(t, k) return t[k .. 1] end return t.x`,
		"coroutine":  `local function f() return coroutine.wrap(f)() end f()`,
		"gsub":       `local function f(s) return (s:gsub(".", f)) end f("x")`,
		"sort":       `local function f(a, b) table.sort({1, 2}, f) return a < b end f(1, 2)`,
		"tostring":   `local t = setmetatable({}, {__tostring = function(t) return tostring(t) end}) tostring(t)`,
		"__call":     `local t = setmetatable({}, {__call = function(t) return 1 + t() end}) t()`,
	} {
		w := load(t, "function f() "+body+" end\nfunction ok() return pcall(f) end\nfunction after() return 'alive' end")
		e := w.start("f").fails(t, CauseScript)
		if !strings.HasPrefix(e.Message, "main.lua:1: ") || !strings.HasSuffix(e.Message, "stack overflow") {
			t.Errorf("%s: message %q", name, e.Message)
		}
		o := w.start("ok")
		if o.err != nil || o.results[0] != "false" {
			t.Errorf("%s: in pcall: %v %v", name, o.results, o.err)
		}
		w.start("after").want(t, "alive")
		if len(w.logs) > 0 {
			t.Errorf("%s: logged %q", name, w.logs)
		}
	}
}

// At some depth the frame of pcall itself is the last that fits: there gopher-lua lost frames.
func TestStackOverflowAtEveryDepthOfPcall(t *testing.T) {
	t.Parallel()
	w := load(t, `
local function deep(n, fn) if n == 0 then return (fn()) end return (deep(n - 1, fn)) end
local function recurse() return 1 + recurse() end
function f()
  for depth = 1, 250 do
    local marker = {}
    local ok, e = pcall(deep, depth, function()
      local ok, e = pcall(recurse)
      assert(not ok and e:find("stack overflow"), tostring(e))
      return marker
    end)
    assert(e == marker or not ok and e:find("stack overflow"), tostring(e))
  end
  return "ok"
end`)
	w.start("f").want(t, "ok")
}

func TestSizesAreCapped(t *testing.T) {
	t.Parallel()
	w := load(t, `
local function try(...) local ok, e = pcall(...) return tostring(e) end
function rep() return try(string.rep, "x", 1e9) end
function rep_huge() return try(string.rep, "xy", math.huge) end
function concat() local t = {} for i = 1, 100 do t[i] = ("x"):rep(2e5) end return try(table.concat, t) end
function operator() local s = ("x"):rep(9e6) return try(function() return s .. s end) end
function width() return try(string.format, "%100d", 1) end
function precision() return try(string.format, "%.100f", 1) end
function unpacked() return try(unpack, {}, 1, 1e8) end
function huge_unpack() return try(unpack, {}, -math.huge, math.huge) end
function bytes() return try(string.byte, ("x"):rep(10000), 1, -1) end
function insert() return try(table.insert, {}, 1e7, 1) end
function captures() return try(string.find, "a", ("()"):rep(33)) end
function items() return try(string.find, "a", ("a?"):rep(2000)) end
`, func(cfg *VMConfig) { cfg.Budget = 10_000_000 })
	for name, want := range map[string]string{
		"rep": "resulting string too large", "rep_huge": "resulting string too large", "concat": "resulting string too large",
		"operator": "resulting string too large", "width": "width or precision too long", "precision": "width or precision too long",
		"unpacked": "too many results to unpack", "huge_unpack": "too many results to unpack", "bytes": "string slice too long",
		"insert": "position out of bounds", "captures": "too many captures", "items": "pattern too complex",
	} {
		o := w.start(name)
		if o.err != nil || !strings.Contains(o.results[0], want) {
			t.Errorf("%s: %v %v, want %q", name, o.results, o.err, want)
		}
	}
}

// A number that a peer sent must not allocate an array up to it. The test is not parallel: it reads a counter of the
// whole process.
func TestSparseTablesStaySmall(t *testing.T) {
	w := load(t, `
function f()
  local t = {}
  t[67000000] = "a"
  t[5551234] = "b"
  return t[67000000], t[5551234], #t
end`)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	w.start("f").want(t, "a", "b", "0")
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
		t.Errorf("%d bytes allocated", n)
	}
}

// An instruction that fills an array takes milliseconds.
func TestSlowInstructionsAreStoppedByTime(t *testing.T) {
	t.Parallel()
	w := load(t, `
function f() while true do local t = {} t[262000] = 1 end end
function g() for i = 1, 1000 do end return "ok" end`)
	w.sliceTime = 20 * time.Millisecond
	started := time.Now()
	w.start("f").fails(t, CauseBudget)
	t.Logf("stopped after %v", time.Since(started))
	w.sliceTime = 0
	w.start("g").want(t, "ok")
}
