package rt

import (
	"fmt"
	"strings"
	"testing"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// checks is a module whose functions are the checkers themselves.
func checks() Module {
	function := func(name string, fn func(L *lua.LState) any) Function {
		return Function{Name: name, Fn: func(L *lua.LState) int {
			L.Push(lua.LString(fmt.Sprint(fn(L))))
			return 1
		}}
	}
	set := NewOptionSet(
		Option{Name: "timeout", Kind: Seconds}, Option{Name: "serial", Kind: Bool}, Option{Name: "name", Kind: String},
		Option{Name: "cause", Kind: String, Choices: []string{"busy", "no_answer"}}, Option{Name: "count", Kind: Integer},
		Option{Name: "weight", Kind: Number}, Option{Name: "code", Kind: Code}, Option{Name: "list", Kind: Table},
		Option{Name: "fn", Kind: Func}, Option{Name: "users", Kind: Callable}, Option{Name: "anything"},
	)
	return Module{Name: "check", Functions: []Function{
		function("string", func(L *lua.LState) any { return CheckString(L, 1) }),
		function("opt_string", func(L *lua.LState) any { return OptString(L, 1, "default") }),
		function("number", func(L *lua.LState) any { return CheckNumber(L, 1) }),
		function("int", func(L *lua.LState) any { return CheckInt(L, 1) }),
		function("opt_int", func(L *lua.LState) any { return OptInt(L, 2, 7) }),
		function("seconds", func(L *lua.LState) any { return CheckSeconds(L, 1) }),
		function("opt_seconds", func(L *lua.LState) any { return OptSeconds(L, 1, time.Minute) }),
		function("code", func(L *lua.LState) any { return CheckCode(L, 1) }),
		function("choice", func(L *lua.LState) any { return CheckChoice(L, 1, "event", []string{"register", "expire"}) }),
		function("func", func(L *lua.LState) any { return CheckFunction(L, 1) != nil }),
		function("table", func(L *lua.LState) any { return CheckTable(L, 1) != nil }),
		function("options", func(L *lua.LState) any {
			o := CheckOptions(L, 2, set)
			return strings.TrimSpace(fmt.Sprintln(o.Seconds("timeout", time.Hour), o.Bool("serial", true), o.String("name", "none"), o.String("cause", "none"),
				o.Int("count", -1), o.Number("weight", 0.5), o.Int("code", 0), o.Table("list") != nil, o.Func("fn") != nil,
				o.Has("users"), o.Value("anything"), o.Raw() != nil))
		}),
	}}
}

func TestArgumentsAreChecked(t *testing.T) {
	t.Parallel()
	const defaults = "1h0m0s true none none -1 0.5 0 false false false nil "
	for _, tt := range []struct{ call, want string }{
		{`string("x")`, "x"}, {`string(12)`, "12"}, {`string()`, "!bad argument #1 (string expected, got no value)"},
		{`string(nil)`, "!bad argument #1 (string expected, got nil)"}, {`string({})`, "!bad argument #1 (string expected, got table)"},
		{`opt_string()`, "default"}, {`opt_string("x")`, "x"}, {`opt_string(true)`, "!bad argument #1 (string expected, got boolean)"},
		{`number("1.5")`, "1.5"}, {`number("x")`, "!bad argument #1 (number expected, got string)"},
		{`int(1.9)`, "1"}, {`int("-3")`, "-3"}, {`int(1e300)`, "9223372036854775807"}, {`int(0/0)`, "0"}, {`int(-1e300)`, "-9223372036854775808"},
		{`opt_int(1)`, "7"}, {`opt_int(1, 2)`, "2"}, {`opt_int(1, {})`, "!bad argument #2 (number expected, got table)"},
		{`seconds(1.5)`, "1.5s"}, {`seconds("2")`, "2s"}, {`seconds(0)`, "0s"}, {`seconds(-1)`, "!bad argument #1 (seconds, 0 or more, expected)"},
		{`seconds(0/0)`, "!bad argument #1 (seconds, 0 or more, expected)"}, {`seconds(1e300)`, "2562047h47m15.000000512s"}, {`opt_seconds()`, "1m0s"},
		{`code(404)`, "404"}, {`code("404")`, "404"}, {`code(99)`, "!bad argument #1 (status code from 100 to 699 expected, got 99)"},
		{`code(404.5)`, "!bad argument #1 (status code from 100 to 699 expected, got 404.5)"}, {`code("x")`, "!bad argument #1 (status code from 100 to 699 expected, got x)"},
		{`choice("register")`, "register"}, {`choice("registr")`, "!bad argument #1 (unknown event 'registr' (did you mean 'register'?))"},
		{`choice("zzzzzzzz")`, "!bad argument #1 (unknown event 'zzzzzzzz' (known: register, expire))"},
		{`func(print)`, "true"}, {`func("x")`, "!bad argument #1 (function expected, got string)"},
		{`table({})`, "true"}, {`table(1)`, "!bad argument #1 (table expected, got number)"},
		{`options(1)`, defaults + "false"}, {`options(1, {})`, defaults + "true"},
		{`options(1, {timeout = 2, serial = false, name = 5, cause = "busy", count = 3, weight = "1.5", code = "486", list = {}, fn = print, users = {}, anything = 1})`,
			"2s false 5 busy 3 1.5 486 true true true 1 true"},
		{`options(1, 5)`, "!bad argument #2 (table of options expected, got number)"},
		{`options(1, {timout = 2})`, "!bad argument #2 (unknown option 'timout' (did you mean 'timeout'?))"},
		{`options(1, {zz = 1, TimeOut = 2})`, "!bad argument #2 (unknown option 'TimeOut' (did you mean 'timeout'?))"},
		{`options(1, {"x"})`, "!bad argument #2 (unknown option '1'"},
		{`options(1, {timeout = -1})`, "!bad argument #2 (option 'timeout': seconds expected, got number)"},
		{`options(1, {serial = 1})`, "!bad argument #2 (option 'serial': boolean expected, got number)"},
		{`options(1, {name = {}})`, "!bad argument #2 (option 'name': string expected, got table)"},
		{`options(1, {cause = "bussy"})`, "!bad argument #2 (option 'cause': unknown value 'bussy' (did you mean 'busy'?))"},
		{`options(1, {count = 1.5})`, "!bad argument #2 (option 'count': integer expected, got number)"},
		{`options(1, {code = 1000})`, "!bad argument #2 (option 'code': status code expected, got number)"},
		{`options(1, {list = 1})`, "!bad argument #2 (option 'list': table expected, got number)"},
		{`options(1, {fn = {}})`, "!bad argument #2 (option 'fn': function expected, got table)"},
		{`options(1, {users = 1})`, "!bad argument #2 (option 'users': function or table expected, got number)"},
	} {
		w := load(t, "function f() return check."+tt.call+" end", func(cfg *VMConfig) { cfg.Modules = append(cfg.Modules, checks()) })
		o := w.start("f")
		want, failing := strings.CutPrefix(tt.want, "!")
		if failing {
			name, _, _ := strings.Cut(tt.call, "(")
			want = "main.lua:1: check." + name + ": " + want
			if o.err == nil || !strings.HasPrefix(o.err.Message, want) {
				t.Errorf("%s: %v %v, want error %s", tt.call, o.results, o.err, want)
			}
			continue
		}
		if o.err != nil || o.results[0] != want {
			t.Errorf("%s: %v %v, want %s", tt.call, o.results, o.err, want)
		}
	}
}

func TestSuggest(t *testing.T) {
	t.Parallel()
	candidates := []string{"timeout", "response_timeout", "next_on", "media", "max_duration", "record_route"}
	for name, want := range map[string]string{
		"timout": "timeout", "TIMEOUT": "timeout", "nexton": "next_on", "medai": "media", "recordroute": "record_route",
		"maxduration": "max_duration", "x": "", "completely_other": "", strings.Repeat("timeout", 100): "",
	} {
		if got := Suggest(name, candidates); got != want {
			t.Errorf("Suggest(%.20q) = %q, want %q", name, got, want)
		}
	}
	if got := Suggest("x", nil); got != "" {
		t.Errorf("out of nothing: %q", got)
	}
}
