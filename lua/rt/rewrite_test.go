package rt

import (
	"fmt"
	"strings"
	"testing"

	lua "github.com/yuin/gopher-lua"
)

// An independent evaluator of and-or expressions, against which all small ones are compared in all places where
// gopher-lua compiles expressions differently.

// leaf is the end of an expression: how it is written, and what it gives when the variable r has a value.
type leaf struct {
	text string
	eval func(e *evaluation) any
}

// evaluation is one evaluation of an expression.
type evaluation struct {
	r     any
	calls strings.Builder
}

var leaves = []leaf{
	{"r", func(e *evaluation) any { return e.r }},
	{"T()", func(e *evaluation) any { e.calls.WriteByte('t'); return "T" }},
	{"N()", func(e *evaluation) any { e.calls.WriteByte('n'); return nil }},
	{"false", func(*evaluation) any { return false }},
	{"7", func(*evaluation) any { return 7 }},
	{"(r == 7)", func(e *evaluation) any { return e.r == 7 }},
	{"nil", func(*evaluation) any { return nil }},
	{"not r", func(e *evaluation) any { return e.r == nil || e.r == false }},
	{"(get())", func(e *evaluation) any { e.calls.WriteByte('g'); return e.r }},
}

// tree is an expression.
type tree struct {
	leaf        *leaf
	and         bool
	left, right *tree
}

func (x *tree) text() string {
	if x.leaf != nil {
		return x.leaf.text
	}
	op := " or "
	if x.and {
		op = " and "
	}
	return "(" + x.left.text() + op + x.right.text() + ")"
}

func (x *tree) eval(e *evaluation) any {
	if x.leaf != nil {
		return x.leaf.eval(e)
	}
	left := x.left.eval(e)
	if truth := left != nil && left != false; truth != x.and {
		return left
	}
	return x.right.eval(e)
}

// trees calls fn with every expression of n leaves out of the first kinds ones.
func trees(n, kinds int, fn func(*tree)) {
	if n == 1 {
		for i := range kinds {
			fn(&tree{leaf: &leaves[i]})
		}
		return
	}
	for left := 1; left < n; left++ {
		trees(left, kinds, func(l *tree) {
			trees(n-left, kinds, func(r *tree) {
				fn(&tree{and: true, left: l, right: r})
				fn(&tree{and: false, left: l, right: r})
			})
		})
	}
}

// places where an expression X can stand; each returns its value.
var expressionPlaces = []string{
	"local function get() return r end r = X return r",
	"local function get() return r end local a = 1 a, r = 2, X return r",
	"local function get() return r end local a a, r = X, 5 return a",
	"local function get() return r end local a = X return a",
	"local function get() return r end return X",
	"local function get() return r end local t = {X} return t[1]",
	"local function get() return r end local t = {} t.x = X return t.x",
	"local function get() return r end local function set() r = X end set() return r",
	"local function get() return r end if X then return r else return 'else', r end",
	"local function get() return r end while X do return 'body' end return 'end'",
}

func TestLogicalExpressionsAgainstAnEvaluator(t *testing.T) {
	t.Parallel()
	var all []*tree
	trees(2, len(leaves), func(x *tree) { all = append(all, x) })
	trees(3, len(leaves), func(x *tree) { all = append(all, x) })
	i := 0
	trees(4, 4, func(x *tree) {
		if i++; i%11 == 0 {
			all = append(all, x)
		}
	})
	step := 1
	if raceEnabled || testing.Short() {
		step = 37
	}
	programs, wrong := 0, 0
	for first := 0; first < len(all); first += 200 * step {
		var batch []*tree
		for i := first; i < len(all) && len(batch) < 200; i += step {
			batch = append(batch, all[i])
		}
		p, bad := checkExpressions(t, batch)
		programs += p
		wrong += bad
	}
	t.Logf("%d programs", programs)
	if wrong > 0 {
		t.Errorf("%d of %d programs are wrong", wrong, programs)
	}
}

// checkExpressions compiles each expression in each place, as one script, and compares.
func checkExpressions(t *testing.T, batch []*tree) (programs, wrong int) {
	var src strings.Builder
	src.WriteString(`
calls = ""
local function T() calls = calls .. "t" return "T" end
local function N() calls = calls .. "n" return nil end
`)
	src.WriteString("P = {}\n")
	for _, x := range batch {
		for _, place := range expressionPlaces {
			body := strings.ReplaceAll(place, "X", x.text())
			body = strings.ReplaceAll(body, "return r end", `calls = calls .. "g" return r end`)
			// A function of one parameter, whose register is the one that calls are computed in.
			fmt.Fprintf(&src, "P[#P+1] = function(r) %s end\n", body)
		}
	}
	src.WriteString("function run(i, r) calls = '' local v, w = P[i](r) return tostring(v), tostring(w), calls end")
	w := load(t, src.String())
	fn := w.fn("run")
	i := 0
	for _, x := range batch {
		for _, place := range expressionPlaces {
			i++
			for _, r := range []any{nil, 7} {
				programs++
				arg := lua.LNil
				if r != nil {
					arg = lua.LNumber(7)
				}
				results, err := w.Call(nil, "run", fn, Branch, lua.LNumber(i), arg)
				if err != nil {
					t.Fatalf("%s in %q: %v", x.text(), place, err)
				}
				got := fmt.Sprint(results)
				if want := expected(x, place, r); got != want {
					wrong++
					if wrong <= 10 {
						t.Errorf("%s with r = %v in %q: got %s, want %s", x.text(), r, place, got, want)
					}
				}
			}
		}
	}
	return programs, wrong
}

// expected is what the program of a place gives by the evaluator.
func expected(x *tree, place string, r any) string {
	e := &evaluation{r: r}
	v := x.eval(e)
	first, second := show(v), "nil"
	switch {
	case strings.Contains(place, "a, r = X, 5"):
	case strings.HasPrefix(place[strings.Index(place, "end")+4:], "if"):
		if v != nil && v != false {
			first = show(r)
		} else {
			first, second = "else", show(r)
		}
	case strings.Contains(place, "while"):
		if first = "end"; v != nil && v != false {
			first = "body"
		}
	}
	return fmt.Sprintf("[%s %s %s]", first, second, e.calls.String())
}

func show(v any) string {
	if v == nil {
		return "nil"
	}
	return fmt.Sprint(v)
}

func TestAssignmentsThatGopherLuaMiscompiles(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, body, want string }{
		{"swap", `local a, b = 1, 2 a, b = b, a return a, b`, "2 1"},
		{"rotate", `local a, b, c = 1, 2, 3 a, b, c = b, c, a return a, b, c`, "2 3 1"},
		{"swap upvalues", `local a, b = 1, 2 (function() a, b = b, a end)() return a, b`, "2 1"},
		{"last parameter in parentheses", `local function f(a) a = (string.upper(a)) return a end return f("x")`, "X"},
		{"last parameter among several", `local function f(a) local b a, b = string.upper(a), 1 return a, b end return f("x")`, "X 1"},
		{"index before assignment", `local i, t = 1, {} i, t[i] = i + 1, 20 return i, t[1], tostring(t[2])`, "2 20 nil"},
		{"table and variable", `local t = {} local o = t t, t[1] = 5, 7 return t, o[1]`, "5 7"},
		{"table in table", `local t = {u = {}} local u = t.u t, t.u.x = 1, 2 return t, u.x`, "1 2"},
		{"more values", `local a, b a, b = 1, 2, 3 return a, b`, "1 2"},
		{"more targets", `local a, b, c a, b, c = 1, 2 return a, b, tostring(c)`, "1 2 nil"},
		{"call at the end", `local a, b, c a, b, c = 1, unpack({2, 3}) return a, b, c`, "1 2 3"},
		{"call in the middle", `local a, b, c a, b, c = unpack({1, 9}), 2, 3 return a, b, c`, "1 2 3"},
		{"varargs", `local function f(...) local a, b = 9, 9 a, b = ... return a, b end return f(1, 2)`, "1 2"},
		{"varargs in parentheses", `local function f(...) local a, b = 9, 9 a, b = (...) return a, tostring(b) end return f(1, 2)`, "1 nil"},
		{"closure sees the old value", `local r = 1 local function f() return r end r = f() == 1 and f() + 1 or 0 return r`, "2"},
		{"closure sees the new value", `local r = 1 local function f() return r end r = 2 return f()`, "2"},
		{"goto continue", `local s = 0 for i = 1, 5 do local v = i v = v and v or 0 if v == 3 then goto continue end s = s + v ::continue:: end return s`, "12"},
		{"globals and fields", `local t, v, w = {}, 1, 2 g, t.x = v, w return g, t.x`, "1 2"},
		{"fields and upvalues", `local a, t, v, w = 0, {}, 1, 2 local function set() a, t.x, g = v, w, 3 end set() return a, t.x, g`, "1 2 3"},
		{"constant condition first in a loop", `local n = 0 while true do if false then n = 100 end n = n + 1 if n > 3 then break end end return n`, "4"},
		{"constant condition first in an iteration", `local n = 0 for _ in pairs({1, 2, 3}) do if nil then n = 100 else n = n + 1 end end return n`, "3"},
		{"constant expression first in a loop", `local n = 0 repeat local z = false and f() n = n + 1 until n > 2 or z return n, tostring(z)`, "3 nil"},
		{"constant condition of a loop", `local n = 0 repeat n = n + 1 while false do n = 100 end until n == 3 return n`, "3"},
		{"break at once", `local n = 0 for _ in pairs({1, 2, 3}) do break end for i = 1, 3 do while true do break end n = n + i end return n`, "6"},
		{"folding keeps one value", `local function f() return 1, 2 end local function g() return true and f() end return select("#", g())`, "1"},
		{"goto keeps captured variables", `local n = 0 local function get() return n end for i = 1, 3 do if i == 2 then goto next end n = n + 1 ::next:: end return n, get()`, "2 2"},
		{"goto closes variables of the loop", `local fs = {} for i = 1, 3 do local j = i * 10 fs[i] = function() j = j + 1 return j end if i == 2 then goto next end j = j + 5 ::next:: end return fs[1](), fs[2](), fs[3]()`, "16 21 36"},
		{"goto back", `local k = 0 local function inc() k = k + 1 return k end ::top:: if k < 3 then inc() goto top end return k, inc()`, "3 4"},
		{"goto back over a closure", `local gs, i = {}, 0 ::more:: local x = i gs[#gs + 1] = function() x = x + 10 return x end i = i + 1 if i < 3 then goto more end return gs[1](), gs[2](), gs[3](), gs[1]()`, "10 11 12 20"},
		{"goto out of loops", `local n = 0 while true do for i = 1, 3 do n = n + 1 if n == 5 then goto out end end end ::out:: return n`, "5"},
		{"in a repeat", `local r repeat local x = 1 x = x and x + 1 r = x until x == 2 return r`, "2"},
		{"concatenation", `local s = "a" s = s .. s .. 1 .. 2 return s`, "aa12"},
		{"concatenation of calls", `local function f() return "x", "y" end local s = f() .. f() return s`, "xx"},
		{"concatenation of varargs", `local function f(...) return ... .. "!" end return f("a", "b")`, "a!"},
		{"concatenation binds from the right", `return 2 .. 3 ^ 2 .. (1 .. 2) .. #"abc"`, "29123"},
		{"concatenation in a condition", `local a = "x" if a .. "y" == "xy" then return "yes" end return "no"`, "yes"},
		{"leading zeros", `return 010, 0010 + 1, 00, 0, 0x10, 08, 0.5, 00.5`, "10 11 0 0 16 8 0.5 0.5"},
	} {
		w := load(t, "g = 0 function f() "+tt.body+" end")
		o := w.start("f")
		if o.err != nil {
			t.Errorf("%s: %v", tt.name, o.err)
			continue
		}
		if got := strings.Join(o.results, " "); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

// Errors in rewritten code are at the line where the script has them.
func TestRewritingKeepsLines(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		source string
		line   string
	}{
		{"function f()\n local r = 1\n r = r and\n  nothing()\nend", "4"},
		{"function f()\n local r = 1\n r = r and\n  nothing() and\n 2\nend", "4"},
		{"function f()\n local a, b = 1, 2\n a, b = b,\n  a.x.y\nend", "4"},
		{"function f()\n local s = 'a'\n s = s ..\n 'b' .. nothing() ..\n 'c'\nend", "4"},
		{"function f()\n local s = 'a'\n s = s .. nil\nend", "3"},
		{"function f()\n local s\n\n\n return 'a' .. s\nend", "5"},
		{"#!/usr/bin/sipscript\nfunction f()\n error('x')\nend", "3"},
		{"\xef\xbb\xbffunction f()\n error('x')\nend", "2"},
		{"function f()\r\n error('x')\r\nend", "2"},
	} {
		w := load(t, tt.source)
		if e := w.start("f").fails(t, CauseScript); e.At != "main.lua:"+tt.line || !strings.HasPrefix(e.Message, e.At+": ") {
			t.Errorf("%q: %s at %s, want line %s", tt.source, e.Message, e.At, tt.line)
		}
	}
}

func TestRewritingNeedsNoLocalsToSpare(t *testing.T) {
	t.Parallel()
	var src strings.Builder
	src.WriteString("function f()\n")
	for i := range 190 {
		fmt.Fprintf(&src, "local v%d = %d\n", i, i)
	}
	src.WriteString("v0 = v0 and v1 or v2\nv0, v1 = v1, v0\nreturn v0 .. ',' .. v1\nend")
	load(t, src.String()).start("f").want(t, "1,1")
}
