package rt

import (
	"errors"
	"strings"
	"testing"

	lua "github.com/yuin/gopher-lua"
)

func TestErrorsSayWhatWhereAndWhy(t *testing.T) {
	t.Parallel()
	w := loadFiles(t, memory{
		"main.lua": `
local lib = require "lib.deep"
function text() error("wrong") end
function text_without_position() error("wrong", 0) end
function caller() lib.blame("x") end
function deep() lib.fail() end
function value() error({cause = "busy", message = "all agents busy", code = 486}) end
function bare() error({cause = "busy"}) end
function other() error({}) end
function number() error(42) end
function none() error() end
function index() local t return t.x end
function binding() sleep(-1) end
function method() local s = ("x"):rep({}) end
function in_coroutine() coroutine.wrap(function() lib.fail() end)() end
function rethrown() local ok, e = pcall(lib.fail) error(e, 0) end
function raised() raise() end
function missing() return nothing(1) .. tostring(2) end
function missing_method() local o = {} o:nothing() end
function length() local t return #t end`,
		"lib/deep.lua": `
local lib = {}
function lib.fail()
  local x = nil + 1
end
function lib.blame(v) error("bad value " .. v, 2) end
return lib`,
	}, func(cfg *VMConfig) {
		cfg.Modules = append(cfg.Modules, Module{Functions: []Function{{Name: "raise", Fn: func(L *lua.LState) int {
			return Raise(L, &Error{Cause: "timeout", Message: "no answer", Code: 408})
		}}}})
	})
	for _, tt := range []struct {
		name, cause string
		code        int
		message, at string
	}{
		{"text", CauseScript, 0, "main.lua:3: wrong", "main.lua:3"},
		{"text_without_position", CauseScript, 0, "wrong", "main.lua:4"},
		{"caller", CauseScript, 0, "main.lua:5: bad value x", "main.lua:5"},
		{"deep", CauseScript, 0, "lib/deep.lua:4: cannot perform add operation between nil and number", "lib/deep.lua:4"},
		{"value", "busy", 486, "busy (486): all agents busy", "main.lua:7"},
		{"bare", "busy", 0, "busy", "main.lua:8"},
		{"other", CauseScript, 0, "(error object is a table value)", "main.lua:9"},
		{"number", CauseScript, 0, "main.lua:10: 42", "main.lua:10"},
		{"none", CauseScript, 0, "(error object is a nil value)", "main.lua:11"},
		{"index", CauseScript, 0, "main.lua:12: attempt to index a nil value (key 'x')", "main.lua:12"},
		{"binding", CauseScript, 0, "main.lua:13: sleep: bad argument #1 (seconds, 0 or more, expected)", "main.lua:13"},
		{"method", CauseScript, 0, "main.lua:14: string.rep: bad argument #2 (number expected, got table)", "main.lua:14"},
		{"in_coroutine", CauseScript, 0, "lib/deep.lua:4: cannot perform add operation between nil and number", "lib/deep.lua:4"},
		{"rethrown", CauseScript, 0, "lib/deep.lua:4: cannot perform add operation between nil and number", "lib/deep.lua:4"},
		{"missing", CauseScript, 0, "main.lua:18: attempt to call 'nothing' or 'tostring', which is no function", "main.lua:18"},
		{"missing_method", CauseScript, 0, "main.lua:19: attempt to call 'nothing', which is no function", "main.lua:19"},
		{"length", CauseScript, 0, "main.lua:20: attempt to get the length of a value that has none", "main.lua:20"},
		{"raised", "timeout", 408, "timeout (408): no answer", "main.lua:17"},
	} {
		e := w.start(tt.name).fails(t, tt.cause)
		if e.Message != tt.message || e.At != tt.at || e.Code != tt.code || e.Handler != tt.name {
			t.Errorf("%s: %q at %s, code %d, handler %s; want %q at %s, code %d", tt.name, e.Message, e.At, e.Code, e.Handler, tt.message, tt.at, tt.code)
		}
		if want := tt.name + ": " + tt.message; e.Error() != want {
			t.Errorf("Error() is %q, want %q", e.Error(), want)
		}
	}
}

func TestTraceback(t *testing.T) {
	t.Parallel()
	w := load(t, `
local function inner(v)
  error("x" .. v)
end
local function middle() inner("y") end
function f()
  middle()
end
function through_coroutine()
  local co = coroutine.wrap(function() middle() end)
  co()
end`)
	e := w.start("f").fails(t, CauseScript)
	if want := strings.Join([]string{
		"[Go]: in function 'error'", "main.lua:3: in function 'inner'", "main.lua:5: in function 'middle'", "main.lua:7: in f",
	}, "\n"); e.Traceback != want {
		t.Errorf("got\n%s\nwant\n%s", e.Traceback, want)
	}
	e = w.start("through_coroutine").fails(t, CauseScript)
	for _, want := range []string{"main.lua:3: in function 'inner'", "main.lua:10: in a coroutine", "main.lua:11: in through_coroutine"} {
		if !strings.Contains(e.Traceback, want) {
			t.Errorf("no %q in\n%s", want, e.Traceback)
		}
	}
}

func TestDebugTraceback(t *testing.T) {
	t.Parallel()
	w := load(t, `
local function fail() error("x") end
function handled() local _, trace = xpcall(fail, debug.traceback) return trace end
function plain() return debug.traceback("here") end
function odd() local t = {} return debug.traceback(t) == t, debug.traceback(nil) ~= nil end`)
	o := w.start("handled")
	for _, want := range []string{"main.lua:2: x\nstack traceback:", "[Go]: in function 'error'", "main.lua:2: in"} {
		if !strings.Contains(o.results[0], want) {
			t.Errorf("no %q in\n%s", want, o.results[0])
		}
	}
	if o := w.start("plain"); !strings.HasPrefix(o.results[0], "here\nstack traceback:\n\tmain.lua:4: in ") {
		t.Errorf("got %q", o.results[0])
	}
	w.start("odd").want(t, "true", "true")
}

func TestPanicInABindingIsAnErrorOfTheScript(t *testing.T) {
	t.Parallel()
	w := load(t, `
function f()
  explode()
end
function caught() return pcall(explode) end
function in_coroutine() return pcall(coroutine.wrap(explode)) end
function after() return "alive" end`)
	e := w.start("f").fails(t, CauseBug)
	if e.Message != "main.lua:3: internal error: boom" || e.At != "main.lua:3" {
		t.Errorf("message %q at %q", e.Message, e.At)
	}
	w.start("caught").want(t, "false", "internal error: boom")
	w.start("in_coroutine").want(t, "false", "internal error: boom")
	w.start("after").want(t, "alive")
	if len(w.logs) != 3 {
		t.Fatalf("%d lines in the log, want one for each panic: %q", len(w.logs), w.logs)
	}
	for _, line := range w.logs {
		if !strings.Contains(line, "ERROR a Go function called by the script panicked") || !strings.Contains(line, "rt_test.go") {
			t.Errorf("no Go stack of the binding in the log: %s", line)
		}
	}
}

func TestErrorWithoutDoneIsLogged(t *testing.T) {
	t.Parallel()
	g := &gate{}
	w := load(t, `
function f() error("unheard") end
function waits() gate() end`, withGate(g))
	w.Start("on_end", w.fn("f"), Event, nil, nil, nil)
	w.Start("quiet", w.fn("waits"), Event, nil, nil, nil).Unwind(CauseCancel)
	if len(w.logs) != 1 || !strings.Contains(w.logs[0], "script failed") || !strings.Contains(w.logs[0], "main.lua:2: unheard") {
		t.Errorf("logged %q", w.logs)
	}
}

func TestErrorValuesInScripts(t *testing.T) {
	t.Parallel()
	w := load(t, `
function f()
  local nothing, e = fails()
  return tostring(nothing), e.cause, e.message, e.code, tostring(e), type(e)
end
function own() local e = {cause = "mine", message = "m"} local ok, got = pcall(error, e) return got == e, got.cause end
function edited() local _, e = fails() e.cause = nil return tostring(e) end`, func(cfg *VMConfig) {
		cfg.Modules = append(cfg.Modules, Module{Functions: []Function{{Name: "fails", Fn: func(L *lua.LState) int {
			return Fail(L, "unreachable", "no route to host", 503)
		}}}})
	})
	w.start("f").want(t, "nil", "unreachable", "no route to host", "503", "unreachable (503): no route to host", "table")
	w.start("own").want(t, "true", "mine")
	w.start("edited").want(t, "error")
}

func TestErrorStrings(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		err  error
		want string
	}{
		{&Error{Cause: "busy"}, "busy"},
		{&Error{Cause: "busy", Message: "m"}, "busy: m"},
		{&Error{Cause: "busy", Message: "m", Code: 486}, "busy (486): m"},
		{&Error{Cause: "busy", Code: 486}, "busy (486)"},
		{SourceError{"a.lua", 3, "m"}, "a.lua:3: m"},
		{SourceError{"a.lua", 0, "m"}, "a.lua: m"},
		{&LoadError{Errors: []SourceError{{"a.lua", 3, "m"}}}, "a.lua:3: m"},
	} {
		if got := tt.err.Error(); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

func TestRaiseOfOtherErrors(t *testing.T) {
	t.Parallel()
	w := load(t, "function f()\n raise() end", func(cfg *VMConfig) {
		cfg.Modules = append(cfg.Modules, Module{Name: "", Functions: []Function{{Name: "raise", Fn: func(L *lua.LState) int {
			return Result(L, errors.New("disk full"))
		}}}})
	})
	if e := w.start("f").fails(t, CauseScript); e.Message != "main.lua:2: raise: disk full" {
		t.Errorf("message %q", e.Message)
	}
}
