package rt

import (
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// leg is something that runs own.
type leg struct {
	name string
	log  *[]string
}

func (l *leg) Abandon(cause string) {
	*l.log = append(*l.log, strings.TrimSpace("end "+l.name+" "+cause))
}

// bench is a VM whose scripts have tasks, and waits that tell what becomes of them.
type bench struct {
	*world
	seen  []string
	owned int
	gates map[string]func(string)
}

// tasks loads a script that has task, defer, note(word), op(name) → value (a wait that the test ends, or sleep does) and
// own(name) → leg.
func tasks(t testing.TB, source string) *bench {
	t.Helper()
	b := &bench{gates: map[string]func(string){}}
	legs := &Type{Name: "leg"}
	handle := &Type{Name: "task", Fields: []Field{{Name: "ended", Get: TaskEnded}}, Methods: []Function{
		{Name: "wait", Waits: true, Fn: TaskWait}, {Name: "cancel", Fn: TaskCancel},
	}}
	op := func(wait func(*lua.LState, func(func(string)) func()) (string, error)) lua.LGFunction {
		return func(L *lua.LState) int {
			name := CheckString(L, 1)
			v, err := wait(L, func(resume func(string)) func() {
				b.gates[name] = resume
				return func() { b.note("undo " + name) }
			})
			if err != nil {
				return Raise(L, err)
			}
			L.Push(lua.LString(v))
			return 1
		}
	}
	b.world = load(t, source, func(cfg *VMConfig) {
		cfg.Modules = append(cfg.Modules,
			Module{Name: "task", Types: []*Type{handle, legs}, Functions: []Function{
				{Name: "any", Waits: true, Fn: TaskAny}, {Name: "all", Waits: true, Fn: TaskAll},
				{Name: "spawn", Phases: MayWait, Fn: TaskSpawn(handle)},
			}},
			Module{Functions: []Function{
				{Name: "defer", Phases: MayWait, Fn: Defer},
				{Name: "note", Fn: func(L *lua.LState) int { b.note(CheckString(L, 1)); return 0 }},
				{Name: "op", Waits: true, Fn: op(Await[string])},
				{Name: "whole", Waits: true, Fn: op(AwaitFinish[string])},
				{Name: "talk", Waits: true, Fn: op(AwaitEnd[string])},
				{Name: "own", Fn: func(L *lua.LState) int {
					b.owned++
					l := &leg{name: CheckString(L, 1), log: &b.seen}
					Current(L).Own(l)
					L.Push(VMOf(L).NewObject(legs, l))
					return 1
				}},
			}})
		cfg.Failed = func(r *Run, e *RunError) { b.note("failed " + r.Name() + " " + e.Cause) }
	})
	return b
}

func (b *bench) note(word string) { b.seen = append(b.seen, word) }

// open ends the wait of this name.
func (b *bench) open(name, value string) {
	b.t.Helper()
	resume := b.gates[name]
	if resume == nil {
		b.t.Fatalf("nothing waits at %s", name)
	}
	resume(value)
	b.loop.drain()
}

// saw checks what has happened since the last look.
func (b *bench) saw(want ...string) {
	b.t.Helper()
	if !slices.Equal(b.seen, want) {
		b.t.Errorf("saw  %q\nwant %q", b.seen, want)
	}
	b.seen = nil
}

// begin starts f and turns the loop until nothing is posted.
func (b *bench) begin() *outcome {
	b.t.Helper()
	o := b.start("f")
	b.loop.drain()
	return o
}

func TestAnyTakesTheFirstValueAndCancelsTheRest(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, body, want string
		took             time.Duration
	}{
		{"first", `task.any{function() return sleep(3, "a") end, function() return sleep(1, "b"), "c" end}`, "2 b c", time.Second},
		{"names", `task.any{desk = function() return sleep(3, "a") end, mobile = function() return sleep(2, "b") end}`, "mobile b", 2 * time.Second},
		{"at once", `task.any{function() return "now" end, function() sleep(9) end}`, "1 now", 0},
		{"nil and false do not win", `task.any{function() return nil, 1 end, function() return false end, function() return sleep(1, 0) end}`, "3 0", time.Second},
		{"none", `task.any{function() sleep(1) end, function() sleep(2) return false end}`, "nil none: no task has returned a value", 2 * time.Second},
		{"no members", `task.any{}`, "nil none: no task has returned a value", 0},
		{"timeout", `task.any{function() return sleep(3, "a") end, timeout = 2}`, "nil timeout: no task has returned a value in time", 2 * time.Second},
		{"in time", `task.any{function() return sleep(1, "a") end, timeout = 2}`, "1 a", time.Second},
		{"one in another", `task.any{x = function() return task.any{function() return sleep(1, "a") end} end}`, "x 1 a", time.Second},
		{"all", `(function() local r = task.all{function() return sleep(2, "a"), "b" end, x = function() return sleep(1, "c") end, y = function() end} return r[1], r.x, r.y end)()`,
			"a c nil", 2 * time.Second},
		{"all of nothing", `next(task.all{})`, "nil", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := tasks(t, `
local function shown(...) local words = {} for i = 1, select("#", ...) do words[i] = tostring((select(i, ...))) end return unpack(words) end
function f() return shown(`+tt.body+`) end`)
				started := time.Now()
				o := b.run("f")
				if took := time.Since(started); took != tt.took {
					t.Errorf("took %v, want %v", took, tt.took)
				}
				o.want(t, strings.Fields(tt.want)...)
				if b.Live() != 0 {
					t.Errorf("%d runs are left", b.Live())
				}
				time.Sleep(time.Minute) // what was armed must not matter
				b.loop.drain()
			})
		})
	}
}

func TestMembersBeginInOrder(t *testing.T) {
	t.Parallel()
	b := tasks(t, `function f() task.all{z = function() note("z") end, function() note("1") end, a = function() note("a") end, function() note("2") end} end`)
	b.begin().want(t)
	b.saw("1", "2", "a", "z")
}

func TestCancelUndoesWaitsInReverseOrder(t *testing.T) {
	t.Parallel()
	b := tasks(t, `
function f()
  task.any {
    function() pcall(op, "first") note("go on") op("again") end,
    function() task.any { function() op("inner 1") end, function() op("inner 2") end } end,
    function() return op("winner") end }
  note("parent")
end`)
	o := b.begin()
	b.saw()
	b.open("winner", "x")
	b.saw("undo inner 2", "undo inner 1", "undo first", "go on", "parent")
	o.want(t)
	if b.Live() != 0 {
		t.Errorf("%d runs are left", b.Live())
	}
}

func TestSpawnBeginsAtTheNextWaitAndEndsWithItsHandler(t *testing.T) {
	t.Parallel()
	b := tasks(t, `
function f()
  task.spawn(function(a, b) note("task " .. a .. b) op("task") end, "x", "y")
  note("handler")
  op("handler")
  task.spawn(function() note("never") end)
end`)
	o := b.begin()
	b.saw("handler", "task xy")
	b.open("handler", "")
	b.saw("undo task")
	o.want(t)
	if b.Live() != 0 {
		t.Errorf("%d runs are left", b.Live())
	}
}

func TestTaskWait(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, body string
		want       string
	}{
		{"results", `local t = task.spawn(function() return sleep(1, "a"), "b" end) return t:wait()`, "a b"},
		{"ended", `local t = task.spawn(function() end) local before = t.ended t:wait() return before, t.ended`, "false true"},
		{"again", `local t = task.spawn(function() return "a" end) t:wait() return t:wait()`, "a"},
		{"in time", `local t = task.spawn(function() return sleep(1, "a") end) return t:wait(2)`, "a"},
		{"too late", `local t = task.spawn(function() sleep(3) end) local v, e = t:wait(2) return v, e.cause`, "nil timeout"},
		{"later after all", `local t = task.spawn(function() return sleep(3, "a") end) t:wait(2) return t:wait()`, "a"},
		{"canceled", `local t = task.spawn(function() sleep(3) end) sleep(1) t:cancel() local v, e = t:wait() return v, e.cause`, "nil canceled"},
		{"canceled before it began", `local t = task.spawn(function() note("never") end) t:cancel() local v, e = t:wait() return v, e.cause`, "nil canceled"},
		{"canceled by another", `local t = task.spawn(function() sleep(3) end) task.spawn(function() t:cancel() end) local v, e = t:wait() return v, e.cause`, "nil canceled"},
		{"canceled after its end", `local t = task.spawn(function() return "a" end) t:wait() t:cancel() return t:wait()`, "a"},
		{"several wait", `local t = task.spawn(function() return sleep(1, "a") end)
			local r = task.all { function() return (t:wait()) end, function() return (t:wait()) end } return r[1], r[2]`, "a a"},
		{"by itself", `local t; t = task.spawn(function() sleep(1) return select(2, pcall(function() t:wait() end)) end) return (t:wait())`,
			"main.lua:1: task:wait: a task cannot wait for its own end"},
		{"cancels itself", `local t; t = task.spawn(function() t:cancel() note("goes on") sleep(1) note("not further") end) return select(2, t:wait()).cause`, "canceled"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := tasks(t, "function f() "+tt.body+" end")
				b.run("f").want(t, strings.Fields(tt.want)...)
				if slices.Contains(b.seen, "never") || slices.Contains(b.seen, "not further") {
					t.Error("a canceled task went on")
				}
				if b.Live() != 0 {
					t.Errorf("%d runs are left", b.Live())
				}
			})
		})
	}
}

func TestErrorOfATaskIsOneOfItsHandler(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, body string
		seen       []string
	}{
		{"spawned", `defer(function() note("defer") end)
			task.spawn(function() op("other") end)
			task.spawn(function() sleep(1) error("boom") end)
			note(select(2, pcall(op, "handler")).cause) op("further")`, []string{"undo other", "undo handler", "script", "defer"}},
		{"of a task", `task.spawn(function() task.spawn(function() sleep(1) error("boom") end) op("parent") end) op("handler")`,
			[]string{"undo parent", "undo handler"}},
		{"swallowed", `task.spawn(function() sleep(1) error("boom") end) pcall(op, "handler") return "fine"`, []string{"undo handler"}},
		{"waited for", `local t = task.spawn(function() sleep(1) error("boom") end) t:wait() note("not reached")`, nil},
		{"in any", `task.any{function() sleep(1) error("boom") end, function() op("other") end}`, []string{"undo other"}},
		{"in all", `task.all{function() sleep(1) error("boom") end, function() op("other") end}`, []string{"undo other"}},
		{"while it is canceled", `task.any{function() sleep(1) return 1 end, function() pcall(op, "other") error("boom") end} op("handler")`, []string{"undo other"}},
		{"at the handler's end", `task.spawn(function() pcall(op, "other") error("boom") end) sleep(1)`, []string{"undo other"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := tasks(t, "function f() "+tt.body+" end")
				err := b.run("f").fails(t, CauseScript)
				if !strings.HasSuffix(err.Message, "boom") || !strings.Contains(err.Traceback, "main.lua:") {
					t.Errorf("the error is %q with %q", err.Message, err.Traceback)
				}
				b.loop.drain()
				b.saw(tt.seen...)
				if b.Live() != 0 {
					t.Errorf("%d runs are left", b.Live())
				}
			})
		})
	}
}

func TestErrorInAnyCanBeCaught(t *testing.T) {
	t.Parallel()
	b := tasks(t, `function f() local ok, e = pcall(task.any, {function() error({cause = "mine"}) end}) op("on") return ok, e.cause end`)
	o := b.begin()
	b.open("on", "")
	o.want(t, "false", "mine")
}

func TestErrorOfATaskWhoseHandlerIsOverIsReported(t *testing.T) {
	t.Parallel()
	b := tasks(t, `function f() task.spawn(function() whole("sql") error("boom") end) op("handler") end`)
	o := b.begin()
	b.open("handler", "")
	o.want(t)
	b.open("sql", "")
	b.saw("failed f/task script")
	if b.Live() != 0 {
		t.Errorf("%d runs are left", b.Live())
	}
}

func TestDefersRunLastFirstHoweverTheRunEnds(t *testing.T) {
	t.Parallel()
	const setup = `function f() defer(function() note("first") end) defer(function() note("last") sleep(1) note("waited") end) `
	for _, tt := range []struct {
		name, body string
		act        func(*outcome)
		cause      string
		seen       []string
	}{
		{"return", `return 1`, nil, "", nil},
		{"error", `error("boom")`, nil, CauseScript, nil},
		{"budget", `while true do end`, nil, CauseBudget, nil},
		{"hang-up", `op("x")`, func(o *outcome) { o.Unwind(CauseHangup) }, CauseHangup, []string{"undo x"}},
		{"retired", `op("x")`, func(o *outcome) { o.Unwind(CauseRetired) }, CauseRetired, []string{"undo x"}},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := tasks(t, setup+tt.body+" end")
			o := b.start("f")
			if tt.act != nil {
				tt.act(o)
				o.Unwind(CauseRetired) // does not reach the defers
				b.Runs(func(r *Run) bool { r.Unwind(CauseRetired); return true })
			}
			if o.ends != 1 {
				t.Errorf("%s: ended %d times before the defers waited, want once", tt.name, o.ends)
			}
			if tt.cause != "" {
				o.fails(t, tt.cause)
			}
			b.loop.settle(b.VM)
			b.saw(append(tt.seen, "last", "waited", "first")...)
		})
	}
}

func TestDefersOfATaskHaveBegunBeforeItsResultsAreUsed(t *testing.T) {
	t.Parallel()
	b := tasks(t, `function f() task.any{function() defer(function() note("defer") op("defer") note("late") end) return 1 end} note("handler") end`)
	b.begin().want(t)
	b.saw("defer", "handler")
	b.open("defer", "")
	b.saw("late")
}

func TestDeferMayTakeThirtySeconds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := tasks(t, `function f() defer(function() note("next") error("boom") end) defer(function() op("stuck") end) end`)
		b.start("f").want(t)
		started := time.Now()
		b.loop.settle(b.VM)
		if took := time.Since(started); took != 30*time.Second {
			t.Errorf("took %v", took)
		}
		b.saw("undo stuck", "failed f/defer timeout", "next", "failed f/defer script")
	})
}

func TestKillLeavesNothingToTasksAndDefers(t *testing.T) {
	t.Parallel()
	for _, whole := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			b := tasks(t, `
function f()
  defer(function() note("defer") end)
  own("leg")
  task.spawn(function() own("task's") while true do pcall(op, "task") end end)
  task.any{function() defer(function() note("defer") end) while true do pcall(op, "member") end end, timeout = 5}
end`)
			o := b.begin()
			if whole {
				b.Close()
			} else {
				o.Kill("")
			}
			o.fails(t, CauseKilled)
			b.saw("undo member", "undo task", "end task's killed", "end leg killed")
			if b.Live() != 0 {
				t.Errorf("%d runs are left", b.Live())
			}
			time.Sleep(time.Minute)
			b.loop.drain()
			b.saw()
		})
	}
}

func TestKillEndsADeferAndThoseBehindIt(t *testing.T) {
	t.Parallel()
	b := tasks(t, `function f() defer(function() note("behind") end) defer(function() while true do pcall(op, "x") end end) end`)
	b.start("f").want(t)
	b.Runs(func(r *Run) bool { r.Kill(CauseRetired); return true })
	b.saw("undo x", "failed f/defer retired")
	if b.Live() != 0 {
		t.Errorf("%d runs are left", b.Live())
	}
}

func TestHangUpReachesTasksFirst(t *testing.T) {
	t.Parallel()
	b := tasks(t, `function f() task.spawn(function() op("task") end) op("handler") end`)
	o := b.begin()
	o.Unwind(CauseHangup)
	b.saw("undo task", "undo handler")
	o.fails(t, CauseHangup)
}

func TestHangUpRaisesInTaskWait(t *testing.T) {
	t.Parallel()
	b := tasks(t, `function f() local t = task.spawn(function() op("task") end) t:wait() note("not reached") end`)
	o := b.begin()
	o.Unwind(CauseHangup)
	if err := o.fails(t, CauseHangup); !err.Quiet {
		t.Error("worth a log line")
	}
	b.saw("undo task")
}

// The line behind the recording runs for the caller who has hung up to finish it, and may wait.
func TestHangUpIsTheEndOfSomeWaits(t *testing.T) {
	t.Parallel()
	b := tasks(t, `function f() task.spawn(function() op("task") end) local v = talk("record") return v, op("sql") end`)
	o := b.begin()
	o.Unwind(CauseHangup)
	b.saw("undo task")
	b.open("record", "caller")
	b.open("sql", "stored")
	o.want(t, "caller", "stored")
}

func TestHangUpWhileTheResultIsOnItsWay(t *testing.T) {
	t.Parallel()
	b := tasks(t, `function f() local v = talk("record") return v, op("sql") end`)
	o := b.begin()
	b.now.phase = Handler // as if another run executed
	b.gates["record"]("stopped")
	if o.state != woken {
		t.Fatalf("state %d, want woken", o.state)
	}
	o.Unwind(CauseHangup)
	b.now.phase = 0
	b.loop.drain()
	b.open("sql", "stored")
	o.want(t, "stopped", "stored")
}

func TestOtherCausesTearWhatHangUpEnds(t *testing.T) {
	t.Parallel()
	for _, cause := range []string{CauseCancel, CauseRetired} {
		b := tasks(t, `function f() talk("bridge") end`)
		o := b.begin()
		o.Unwind(cause)
		b.saw("undo bridge")
		o.fails(t, cause)
	}
}

func TestHangUpInAny(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, members string
		open          string
		want          string
	}{
		{"nothing is left", `function() op("a") end, function() op("b") end`, "", CauseHangup},
		{"one ends by it", `function() return talk("a") end, function() op("b") end`, "a", "1 over on"},
		{"one ends by it without a value", `function() talk("a") end, function() op("b") end`, "a", CauseHangup},
		{"caught", `function() pcall(op, "a") end, function() pcall(op, "b") end`, "", CauseHangup},
		{"one must finish", `function() return whole("a") end, function() op("b") end`, "a", "1 over on"},
		{"one in another", `function() return task.any{function() return talk("a") end, function() op("c") end} end`, "a", "1 1 over on"},
		{"raised by what has noticed", `function() error({cause = "hangup"}) end, function() op("a") end`, "", CauseHangup},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := tasks(t, `
function f() local r = { task.any{`+tt.members+`} } r[#r + 1] = op("on") return unpack(r) end`)
			o := b.begin()
			if o.ends == 0 {
				o.Unwind(CauseHangup)
			}
			if tt.open != "" {
				if o.ends != 0 {
					t.Fatal("did not wait for what ends by the hang-up")
				}
				b.open(tt.open, "over")
			}
			if tt.want == CauseHangup {
				if err := o.fails(t, CauseHangup); !err.Quiet {
					t.Error("worth a log line")
				}
			} else {
				b.open("on", "on")
				o.want(t, strings.Fields(tt.want)...)
			}
			if b.Live() != 0 {
				t.Errorf("%d runs are left", b.Live())
			}
		})
	}
}

func TestWhatATaskOwnsEndsWithItUnlessReturned(t *testing.T) {
	t.Parallel()
	b := tasks(t, `
function f()
  own("a")
  local key, leg = task.any {
    function() own("b") return op("b") end,
    function() own("c") return own("d"), op("c") end,
    function() local x = own("e") op("e") return x end }
  note("won")
  local t = task.spawn(function() own("g") return { own("h") } end)
  t:wait()
  note("waited")
  task.spawn(function() own("i") op("i") end)
  op("end")
end`)
	o := b.begin()
	b.open("c", "x")
	b.saw("end c", "undo e", "end e canceled", "undo b", "end b canceled", "won", "end g", "waited")
	b.open("end", "x")
	b.saw("undo i", "end i canceled", "end h", "end d", "end a")
	o.want(t)
}

// Two tasks end in the same turn: the second one's leg is nobody's.
func TestLegOfALoserInTheSameTurnEnds(t *testing.T) {
	t.Parallel()
	b := tasks(t, `
function f()
  local key, leg = task.any { function() op("a") return own("a") end, function() op("b") return own("b") end }
  note(tostring(key))
  op("end")
end
`)
	o := b.begin()
	b.now.phase = Handler // as if another run executed
	b.gates["a"]("x")
	b.gates["b"]("x")
	b.now.phase = 0
	b.loop.drain()
	b.saw("1", "end b canceled")
	b.open("end", "")
	b.saw("end a")
	o.want(t)
}

func TestOwnAfterTheEndAndDisown(t *testing.T) {
	t.Parallel()
	b := tasks(t, `function f() own("a") op("x") end`)
	o := b.begin()
	kept := o.family.owned[0]
	o.Disown(kept)
	b.open("x", "")
	b.saw()
	o.Own(kept)
	b.saw("end a")
}

func TestTasksAreBounded(t *testing.T) {
	t.Parallel()
	b := tasks(t, `
function f()
  local n = 0
  local ok, e = pcall(function() while true do task.spawn(function() op("x") end) n = n + 1 end end)
  return n, e
end
function g()
  local n = 0
  local ok, e = pcall(function() while true do defer(function() n = n - 1 if n == 0 then note("all") end end) n = n + 1 end end)
  return n, e
end`)
	b.begin().want(t, "256", "main.lua:4: task.spawn: too many tasks: a handler has at most 256")
	b.start("g").want(t, "200", "main.lua:9: defer: too many deferred functions: a handler or task has at most 200")
	b.loop.drain()
	b.saw("all")
	if b.Live() != 0 {
		t.Errorf("%d runs are left", b.Live())
	}
}

func TestTasksAreRefusedWhereNothingMayWait(t *testing.T) {
	t.Parallel()
	b := tasks(t, `
function spawns() return select(2, pcall(task.spawn, function() end)) end
function gathers() return select(2, pcall(task.any, {})) end
function defers() return select(2, pcall(defer, function() end)) end`)
	for name, want := range map[string]string{
		"spawns":  "task.spawn: may not be called in on_branch, only in a handler or a timer or an event handler or a task",
		"gathers": "task.any: may not wait in on_branch",
		"defers":  "defer: may not be called in on_branch, only in a handler or a timer or an event handler or a task",
	} {
		results, err := b.Call(nil, name, b.fn(name), Branch)
		if err != nil || !strings.HasSuffix(results[0].String(), want) {
			t.Errorf("%s: %v %v, want %s", name, results, err, want)
		}
	}
}

func TestTaskArguments(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`task.any(1)`:                          "task.any: bad argument #1 (table expected, got number)",
		`task.any{b = 2, a = 1}`:               "task.any: bad argument #1 (a: function expected, got number)",
		`task.any{[true] = function() end}`:    "task.any: bad argument #1 (number or name expected as a key, got boolean)",
		`task.any{timeout = "soon"}`:           "task.any: bad argument #1 (timeout: seconds, 0 or more, expected, got soon)",
		`task.any{timeout = -1}`:               "task.any: bad argument #1 (timeout: seconds, 0 or more, expected, got -1)",
		`task.all{timeout = 1}`:                "task.all: bad argument #1 (timeout: function expected, got number)",
		`task.spawn(1)`:                        "task.spawn: bad argument #1 (function expected, got number)",
		`task.spawn(function() end):wait(-1)`:  "task:wait: bad argument #1 (seconds, 0 or more, expected)",
		`local t = task.spawn(print) t:wayt()`: "task: unknown field 'wayt' (did you mean 'wait'?)",
		`defer()`:                              "defer: bad argument #1 (function expected, got no value)",
	} {
		b := tasks(t, "function f() "+body+" end")
		if err := b.begin().fails(t, CauseScript); err.Message != "main.lua:1: "+want {
			t.Errorf("%s: %q, want %q", body, err.Message, want)
		}
	}
}

func TestIdleIsToldOnceEverythingHasEnded(t *testing.T) {
	t.Parallel()
	idle := 0
	b := tasks(t, `function f() defer(function() op("defer") end) task.spawn(function() whole("sql") end) op("x") end`)
	b.cfg.Idle = func() {
		if b.Live() == 0 {
			idle++
		}
	}
	o := b.begin()
	b.open("x", "")
	o.want(t)
	b.open("sql", "")
	if idle != 0 {
		t.Error("idle while a defer waits")
	}
	b.open("defer", "")
	if idle != 1 {
		t.Errorf("idle was told %d times, want once", idle)
	}
}

// Many handlers with tasks that are ended at random moments in every way leave nothing behind.
func TestTasksLeaveNothingBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := tasks(t, `
local function work(n)
  defer(function() sleep(math.random() * 2) end)
  own("leg")
  if n == 0 then return sleep(math.random() * 3, math.random() < 0.5 and own("won")) end
  local list = { timeout = math.random() < 0.3 and math.random() * 2 or nil }
  for i = 1, math.random(3) do
    list[i] = function() if math.random() < 0.05 then error("boom") end return work(n - 1) end
  end
  local spawned = task.spawn(function() return work(n - 1) end)
  if math.random() < 0.3 then spawned:cancel() end
  local key, value = (math.random() < 0.5 and list.timeout == nil) and task.all(list) or task.any(list)
  if math.random() < 0.3 then spawned:wait(1) end
  return value
end
function f() return work(math.random(0, 3)) end`)
		const runs = 300
		ends := 0
		before := runtime.NumGoroutine()
		for i := range runs {
			r := b.Start("f", b.fn("f"), Handler, nil, nil, func(*Run, []lua.LValue, error) { ends++ })
			switch i % 4 {
			case 1:
				b.loop.After(time.Duration(i)*17*time.Millisecond, func() { r.Unwind(CauseHangup) })
			case 2:
				b.loop.After(time.Duration(i)*11*time.Millisecond, func() { r.Unwind(CauseRetired) })
			case 3:
				b.loop.After(time.Duration(i)*13*time.Millisecond, func() { r.Kill("") })
			}
		}
		b.loop.settle(b.VM)
		if ends != runs {
			t.Errorf("%d handlers have ended, want %d", ends, runs)
		}
		time.Sleep(time.Minute)
		b.loop.drain()
		ended := 0
		for _, word := range b.seen {
			if strings.HasPrefix(word, "end ") {
				ended++
			}
		}
		if ended != b.owned || ended == 0 {
			t.Errorf("%d of %d things that were owned have ended", ended, b.owned)
		}
		b.Close()
		synctest.Wait()
		if after := runtime.NumGoroutine(); after > before {
			t.Errorf("%d goroutines, %d before", after, before)
		}
	})
}
