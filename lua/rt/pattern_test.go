package rt

import (
	"strings"
	"testing"

	lua "github.com/yuin/gopher-lua"
)

func TestPatternErrors(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]error{
		"%": errPercent, "a%": errPercent, "[a": errBracket, "[^": errBracket, "[]": errBracket, "[%": errBracket, "[a-": errBracket,
		"%b": errBalance, "%bx": errBalance, "%f": errFrontier, "%fa": errFrontier, "%f[a": errBracket, "(": errUnfinished, "(()": errUnfinished,
		")": errUnopened, "())": errUnopened, "%1": errBackref, "(%1)": errBackref, "()%2": errBackref, "%0": errBackref,
		strings.Repeat("()", 33): errCaptures, strings.Repeat("a", maxItems+1): errItems,
		"^(a)%1%f[%w]%b()[]a-][^]]%a*b-c+d?.$": nil, "": nil, "^": nil, "$": nil, "^$": nil, "a$b": nil, "[a-]": nil, "[]]": nil,
	} {
		if _, err := compilePattern(text, true); err != want {
			t.Errorf("%.20q: %v, want %v", text, err, want)
		}
	}
}

func TestPatternsAreCompiledOnce(t *testing.T) {
	t.Parallel()
	w := load(t, `
function f() for i = 1, 100 do ("x"):find("[a-z]%d*") end end
function many() for i = 1, 2000 do ("x"):find("[x]" .. i) end end`)
	w.start("f").want(t)
	if n := len(w.patterns.anchored); n != 1 {
		t.Errorf("%d patterns are kept, want 1", n)
	}
	w.start("many").want(t)
	if n := len(w.patterns.anchored); n > maxPatterns {
		t.Errorf("%d patterns are kept, want at most %d", n, maxPatterns)
	}
}

// Each callback may wait and use patterns itself.
func TestCallbacksOfGsubMayUseTheSamePattern(t *testing.T) {
	t.Parallel()
	g := &gate{}
	w := load(t, `
function f()
  return (("ab cd"):gsub("(%a)(%a)", function(a, b)
    local inner = gate()
    return b .. inner .. (a .. b):gsub("(%a)(%a)", "%2%1")
  end))
end`, withGate(g))
	o := w.start("f")
	g.resume("1")
	g.resume("2")
	o.want(t, "b1ba d2dc")
}

func FuzzPattern(f *testing.F) {
	for _, seed := range [][2]string{{"hello world", "(o) (w)"}, {"[[x]]", "%b[]"}, {"THE (quick) fox", "%f[%a]%a+"}, {"aXb", "[^X]*"}, {"", "^$"}} {
		f.Add(seed[0], seed[1])
	}
	w := load(f, `
function f(s, p)
  if not pcall(string.gsub, "", p, "") or not pcall(string.gmatch, "", p) then return end
  local found = {pcall(string.find, s, p)}
  if found[2] then
    assert(found[2] >= 1 and found[3] <= #s and found[3] >= found[2] - 1)
  end
  local n = 0
  for _ in s:gmatch(p) do n = n + 1 end
  assert(n <= #s + 1)
  assert((s:gsub(p, "%0")) == s)
end`)
	fn := w.fn("f")
	f.Fuzz(func(t *testing.T, s, p string) {
		o := &outcome{}
		w.Start("f", fn, Handler, nil, []lua.LValue{lua.LString(s), lua.LString(p)}, o.done)
		if o.err != nil && o.err.Cause != CauseBudget {
			t.Errorf("%q with %q: %v", s, p, o.err)
		}
	})
}
