package rt

import (
	"slices"
	"strings"
	"testing"

	lua "github.com/yuin/gopher-lua"
)

func TestGlobalsAreExactlyThese(t *testing.T) {
	t.Parallel()
	w := load(t, `
function names(t)
  local out = {}
  for k in pairs(t) do out[#out + 1] = k end
  table.sort(out)
  return table.concat(out, " ")
end
function globals() return names(_G) end
function members(name) return names(_G[name]) end`)
	w.start("globals").want(t, "_G _VERSION assert collectgarbage coroutine debug declare error explode getmetatable globals ipairs math "+
		"members names next os pairs pcall print rawequal rawget rawset require select setmetatable sleep string table tonumber tostring "+
		"type unpack xpcall")
	for name, want := range map[string]string{
		"os":        "clock date difftime getenv time",
		"debug":     "traceback",
		"string":    "byte char find format gmatch gsub len lower match rep reverse sub upper",
		"table":     "concat insert maxn remove sort",
		"coroutine": "create isyieldable resume running status wrap yield",
		"math": "abs acos asin atan atan2 ceil cos cosh deg exp floor fmod frexp huge ldexp log log10 max min modf pi pow rad random " +
			"randomseed sin sinh sqrt tan tanh",
	} {
		w.start("members", lua.LString(name)).want(t, want)
	}
}

func TestEscapesFail(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, body, want string }{
		{"undeclared global", `undeclared = 1`, "main.lua:1: attempt to write undeclared global 'undeclared': declare it in the main chunk, or make it local"},
		{"through _G", `_G.undeclared = 1`, "attempt to write undeclared global 'undeclared'"},
		{"through rawset", `rawset(_G, "undeclared", 1)`, "attempt to write undeclared global 'undeclared'"},
		{"global that is no name", `_G[1] = 1`, "attempt to write undeclared global '1'"},
		{"metatable of the globals", `setmetatable(_G, {})`, "cannot change a protected metatable"},
		{"behind the metatable of the globals", `getmetatable(_G).__newindex = nil`, "attempt to index"},
		{"metatable of a string", `setmetatable("", {})`, "table expected"},
		{"metatable of a function", `setmetatable(print, {})`, "table expected"},
		{"metatable of an error", `local _, e = pcall(fail) setmetatable(e, {})`, "cannot change a protected metatable"},
		{"bytecode", `string.dump(print)`, "attempt to call"},
		{"load", `loadstring("x = 1")()`, "attempt to call"},
		{"environment", `setfenv(1, {})`, "attempt to call"},
		{"files", `io.open("/etc/passwd")`, "attempt to index"},
		{"exit", `os.exit()`, "attempt to call"},
		{"hooks", `debug.sethook(print)`, "attempt to call"},
		{"registry", `debug.getregistry()`, "attempt to call"},
		{"package", `package.loaded.string = nil`, "attempt to index"},
		{"thread that is no coroutine", `coroutine.resume({})`, "thread expected"},
	} {
		w := load(t, "function f() "+tt.body+" end", func(cfg *VMConfig) {
			cfg.Modules = append(cfg.Modules, Module{Functions: []Function{{Name: "fail", Fn: func(L *lua.LState) int {
				return Raise(L, &Error{Cause: "test"})
			}}}})
		})
		if e := w.start("f").fails(t, CauseScript); !strings.Contains(e.Message, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, e.Message, tt.want)
		}
	}
}

func TestDeclaredGlobalsMayChange(t *testing.T) {
	t.Parallel()
	w := load(t, `
counter = 0
gone = 1
function count() counter = counter + 1 return counter, tostring(missing) end
function clear() gone = nil gone = 2 _G.gone = _G.gone + 1 rawset(_G, "gone", gone + 1) return gone end`)
	w.start("count").want(t, "1", "nil")
	w.start("count").want(t, "2", "nil")
	w.start("clear").want(t, "4")
}

func TestGlobalsOfAModuleAreDeclarations(t *testing.T) {
	t.Parallel()
	w := loadFiles(t, memory{
		"main.lua":  `require "other" function f() shared = shared + 1 return shared end`,
		"other.lua": `shared = 1`,
	})
	w.start("f").want(t, "2")
}

func TestGetenvSeesWhatIsAllowed(t *testing.T) {
	t.Parallel()
	w := load(t, `function f() return os.getenv("HOME"), tostring(os.getenv("PATH")) end`, func(cfg *VMConfig) {
		cfg.Getenv = func(name string) (string, bool) { return "/home/" + name, name == "HOME" }
	})
	w.start("f").want(t, "/home/HOME", "nil")
	load(t, `function f() return tostring(os.getenv("HOME")) end`).start("f").want(t, "nil")
}

func TestPrintGoesToTheLog(t *testing.T) {
	t.Parallel()
	w := load(t, `print("loading", 1, nil) function f() print(setmetatable({}, {__tostring = function() return "object" end}), true) end`)
	w.start("f").want(t)
	if want := []string{"loading\t1\tnil", "object\ttrue"}; !slices.Equal(w.logs, want) {
		t.Errorf("logged %q, want %q", w.logs, want)
	}
}

func TestRandomNumbersComeFromTheSeed(t *testing.T) {
	t.Parallel()
	const source = `function f() return math.random(1e9), math.random(1e9), math.random() end`
	a, b := load(t, source).start("f"), load(t, source).start("f")
	if !slices.Equal(a.results, b.results) {
		t.Errorf("the same seed gives %v and %v", a.results, b.results)
	}
	c := load(t, source, func(cfg *VMConfig) { cfg.Seed = [2]uint64{3, 4} }).start("f")
	d := load(t, source, func(cfg *VMConfig) { cfg.Seed = [2]uint64{} }).start("f")
	if slices.Equal(a.results, c.results) || slices.Equal(a.results, d.results) {
		t.Errorf("other seeds give the same: %v %v %v", a.results, c.results, d.results)
	}
}

func TestOddArgumentsOfTheLibraries(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ expr, want string }{
		{`os.date("!%Y", 1e18)`, "31688740476"}, {`os.date("%", 0)`, "%"}, {`os.date("%Q", 0)`, "%Q"}, {`type(os.time({year = 1e15, month = 1e15, day = 1e15}))`, "number"},
		{`("abc"):sub(-math.huge, math.huge)`, "abc"}, {`("abc"):sub(0/0, 2)`, "ab"}, {`(("abc"):byte(math.huge))`, "nil"},
		{`string.format("%d", 2^63)`, "-9223372036854775808"}, {`string.format("%d", -2^70)`, "-9223372036854775808"}, {`string.format("%x", 2^64 - 2048)`, "fffffffffffff800"},
		{`string.format("%s|%s", nil, {} ~= nil)`, "nil|true"}, {`string.format("%5s", true)`, " true"},
		{`select("#", select(math.huge, 1))`, "0"}, {`collectgarbage("count")`, "0"}, {`tostring(math.random(-math.huge, math.huge)) ~= nil`, "true"},
		{`tostring(2^53)`, "9007199254740992"}, {`491512345678901 .. ""`, "491512345678901"}, {`1e15`, "1000000000000000"}, {`0/0`, "nan"}, {`tostring(-1/0)`, "-inf"},
		{`tonumber("inf")`, "nil"}, {`tonumber("nan")`, "nil"}, {`tonumber("0x1p4")`, "nil"}, {`tonumber("1_000")`, "nil"}, {`tonumber("٣")`, "nil"},
		{`table.concat({}, "x", 1, -math.huge)`, ""}, {`("x"):rep(0/0)`, ""}, {`#("x"):rep(2.9)`, "2"}, {`tostring(setmetatable({}, {__tostring = function() return 5 end}))`, "5"},
		{`coroutine.isyieldable()`, "false"}, {`coroutine.wrap(coroutine.isyieldable)()`, "true"},
	} {
		w := load(t, "function f() return "+tt.expr+" end")
		o := w.start("f")
		if o.err != nil {
			t.Errorf("%s: %v", tt.expr, o.err)
			continue
		}
		if got := strings.Join(o.results, " "); got != tt.want {
			t.Errorf("%s = %q, want %q", tt.expr, got, tt.want)
		}
	}
}
