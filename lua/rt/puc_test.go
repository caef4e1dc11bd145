package rt

import (
	"bytes"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	lua "github.com/yuin/gopher-lua"
)

// Here scripts are run by this package and by the reference implementation, PUC Lua 5.1, and what they print must be
// the same.

// puc runs a script with the reference implementation.
func puc(t *testing.T, source string) []string {
	t.Helper()
	path, err := exec.LookPath("lua5.1")
	if err != nil {
		t.Skip("DIFFERENTIAL TEST SKIPPED: lua5.1, the reference implementation, is not installed (apt-get install lua5.1)")
	}
	cmd := exec.Command(path, "-")
	cmd.Stdin = strings.NewReader(source)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("lua5.1: %v\n%s", err, stderr.String())
	}
	return strings.Split(strings.TrimSuffix(stdout.String(), "\n"), "\n")
}

// ours runs a script with this package, as a main chunk.
func ours(t *testing.T, source string) []string {
	t.Helper()
	var out strings.Builder
	_, err := tryLoad(t, memory{"main.lua": source}, func(cfg *VMConfig) {
		cfg.Log = func(_ *Run, level slog.Level, msg string, attrs ...any) {
			if level > slog.LevelInfo {
				t.Errorf("logged: %s %v", msg, attrs)
			}
			out.WriteString(msg + "\n")
		}
		cfg.Modules = append(cfg.Modules, Module{Name: "io", Functions: []Function{{Name: "write", Fn: func(L *lua.LState) int {
			for i := 1; i <= L.GetTop(); i++ {
				out.WriteString(CheckString(L, i))
			}
			return 0
		}}}})
	})
	if err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	return strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
}

// compare runs a script both ways. Positions name the script differently; addresses never match.
func compare(t *testing.T, source string) {
	t.Helper()
	want, got := puc(t, source), ours(t, source)
	wrong := 0
	for i := range max(len(want), len(got)) {
		w, g := "(nothing)", "(nothing)"
		if i < len(want) {
			w = strings.ReplaceAll(want[i], "stdin:", "main.lua:")
		}
		if i < len(got) {
			g = got[i]
		}
		if w != g {
			if wrong++; wrong > 20 {
				t.Fatal("and more")
			}
			t.Errorf("line %d:\n got  %s\n want %s", i+1, g, w)
		}
	}
}

func TestCorpusAgainstPUC(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/puc/*.lua")
	if err != nil || len(files) == 0 {
		t.Fatalf("no corpus: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			source, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			compare(t, string(source))
		})
	}
}

// seeded gives each generated test the same programs in each run.
func seeded(n uint64) *rand.Rand { return rand.New(rand.NewPCG(n, 51)) }

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

func TestRandomPatternsAgainstPUC(t *testing.T) {
	t.Parallel()
	r := seeded(1)
	classes := []string{"a", "b", ".", "%a", "%d", "%w", "%s", "%p", "%A", "%D", "%S", "%.", "%%", "[ab]", "[^a]", "[%w_]", "[a-c]", "[^%s]", "[]]", "[%]]", "[a-]", "[%a-z]", "x", "1", " ", "%z", "\\200", "[\\128-\\255]"}
	subjects := []string{"", "a", "ab", "aab", "abab", "a b 1", "x1.b", "aaa]bbb", "(a(b)a)", "a-b_c", "  ab  ", "aXbXc", "1.2.3", "\\200\\201a", "abc\\0def", "%a%", "^a$"}
	var item func(depth int, captures *int) string
	item = func(depth int, captures *int) string {
		switch n := r.IntN(20); {
		case n < 2 && depth < 2 && *captures < 4:
			*captures++
			s := "("
			for range r.IntN(3) {
				s += item(depth+1, captures)
			}
			return s + ")"
		case n == 2:
			return pick(r, []string{"%b()", "%bab", "%baa", "%f[%w]", "%f[%W]", "%f[%z]", "%f[^a]"})
		case n == 3:
			return pick(r, []string{"^", "$", "-", "]"})
		default:
			return pick(r, classes) + pick(r, []string{"", "", "", "*", "+", "-", "?"})
		}
	}
	var src strings.Builder
	src.WriteString(`
local function show(...)
  local out = {}
  for i = 1, select("#", ...) do out[i] = tostring((select(i, ...))) end
  print((table.concat(out, "|"):gsub("[%z\1-\31\127-\255]", function(c) return "\\" .. c:byte() end)))
end
`)
	quote := func(s string) string { return `"` + s + `"` }
	for range 4000 {
		captures := 0
		p := pick(r, []string{"", "", "", "^"})
		for range 1 + r.IntN(4) {
			p += item(0, &captures)
		}
		p += pick(r, []string{"", "", "$"})
		s := quote(pick(r, subjects))
		fmt.Fprintf(&src, "show(pcall(string.find, %s, %s, %d))\n", s, quote(p), r.IntN(8)-3)
		switch r.IntN(4) {
		case 0:
			fmt.Fprintf(&src, "show(pcall(string.gsub, %s, %s, %s))\n", s, quote(p), quote(pick(r, []string{"", "x", "<%0>", "%%", "%1"})))
		case 1:
			fmt.Fprintf(&src, "show(pcall(string.match, %s, %s))\n", s, quote(p))
		case 2:
			fmt.Fprintf(&src, "do local out = {} for a, b in string.gmatch(%s, %s) do out[#out + 1] = tostring(a) .. tostring(b) end show(unpack(out)) end\n", s, quote(strings.TrimPrefix(p, "^")))
		}
	}
	compare(t, src.String())
}

func TestRandomFormatsAgainstPUC(t *testing.T) {
	t.Parallel()
	r := seeded(2)
	numbers := []string{"0", "1", "-1", "7", "42", "-42", "255", "65535", "2^31", "-2^31", "2^40", "0.5", "-0.5", "1.5", "2.5", "0.1", "1/3", "123456.789", "1e15", "1e16", "1e100", "1e-10", "-1e-300", "99999.5", "999999.5", "0.0001", "0.00001", "1/0", "-1/0", "100", "1e5", "1e6"}
	var src strings.Builder
	for range 5000 {
		f := "%"
		for _, flag := range "-+ #0" {
			if r.IntN(5) == 0 {
				f += string(flag)
			}
		}
		if r.IntN(2) == 0 {
			f += fmt.Sprint(1 + r.IntN(20))
		}
		if r.IntN(2) == 0 {
			f += fmt.Sprint(".", pick(r, []string{"", "0", "1", "2", "5", "17", "20"}))
		}
		verb := pick(r, []string{"d", "i", "x", "X", "o", "e", "E", "f", "g", "G", "s", "c"})
		value := pick(r, numbers)
		switch verb {
		case "c":
			value = fmt.Sprint(32 + r.IntN(95))
			f = strings.ReplaceAll(f, "0", "") // C leaves it open
			if i := strings.IndexByte(f, '.'); i >= 0 {
				f = f[:i]
			}
		case "s":
			value = pick(r, []string{`""`, `"x"`, `"hello world"`, "12"})
			f = strings.NewReplacer("%0", "%", "#", "", "+", "", " ", "").Replace(f)
			f = strings.ReplaceAll(f, "-0", "-")
		case "g", "G":
			f = strings.ReplaceAll(f, "#", "") // where rounding adds a digit, the C library forgets the zeros
		case "d", "i", "x", "X", "o":
			value = "math.floor(" + value + ")"
			if strings.Contains(value, "/0") || strings.Contains(value, "e100") {
				value = "12" // C leaves out of range open
			}
			if verb != "d" && verb != "i" {
				f = strings.NewReplacer("+", "", " ", "").Replace(f)
			} else {
				f = strings.ReplaceAll(f, "#", "")
			}
		}
		fmt.Fprintf(&src, "print(%q, string.format(%q, %s))\n", f+verb, "["+f+verb+"]", value)
	}
	compare(t, src.String())
}

func TestRandomNumbersAgainstPUC(t *testing.T) {
	t.Parallel()
	r := seeded(3)
	var src strings.Builder
	for range 3000 {
		s := ""
		for range 1 + r.IntN(7) {
			s += pick(r, []string{"0", "1", "9", "5", ".", "e", "E", "-", "+", "x", "f", " ", "0x", "1e", "00"})
		}
		// Hexadecimal exponents and fractions are C99's, not Lua 5.1's.
		if strings.Contains(s, "x") && strings.ContainsAny(s, ".pP") {
			continue
		}
		fmt.Fprintf(&src, "print(%q, tonumber(%q))\n", s, s)
	}
	for range 2000 {
		f := r.NormFloat64() * []float64{1e-8, 1e-3, 1, 1e3, 1e8, 1e13}[r.IntN(6)]
		fmt.Fprintf(&src, "print(%v, %v .. '', tostring(math.floor(%v)))\n", f, f, f)
	}
	compare(t, src.String())
}

// programHeader is what random programs call.
const programHeader = `
function s(v) if v == nil then return "nil" end return (tostring(v):gsub("^table:.*", "table")):sub(-20) end
function n(v) if type(v) == "number" then return v % 1000 end if v then return 1 end return 0 end
function v(...) return ... end
function h(v) return v, v end
local lines = 0
function log(...)
  local out = {}
  for i = 1, select("#", ...) do out[i] = s((select(i, ...))) end
  lines = lines + 1
  if lines < 40 then print(table.concat(out, " ")) end
end
`

// program writes random statements over a few variables, in which each expression has a value and each loop ends.
type program struct {
	r     *rand.Rand
	out   strings.Builder
	depth int
}

func (p *program) expr(depth int) string {
	if depth <= 0 || p.r.IntN(4) == 0 {
		return pick(p.r, []string{"a", "b", "c", "t[1]", "t.x", "u.x", "g", "1", "2", "nil", "true", "false", `"s"`, "f()", "h(a)", "(v(b, c))"})
	}
	x, y := p.expr(depth-1), p.expr(depth-1)
	switch p.r.IntN(9) {
	case 0, 1:
		return "(" + x + " and " + y + ")"
	case 2, 3:
		return "(" + x + " or " + y + ")"
	case 4:
		return "(not " + x + ")"
	case 5:
		return "(" + x + " == " + y + ")"
	case 6:
		return "(s(" + x + ") .. s(" + y + "))"
	case 7:
		return "(n(" + x + ")" + pick(p.r, []string{" + ", " - ", " * "}) + "n(" + y + "))"
	default:
		return "v(" + x + ", " + y + ")"
	}
}

func (p *program) targets() (string, int) {
	all := []string{"a", "b", "c", "g", "t[1]", "t.x", "u.x", "t[n(a)]"}
	n := 1 + p.r.IntN(3)
	list := make([]string, n)
	for i := range list {
		list[i] = pick(p.r, all)
		for j := range i {
			if list[j] == list[i] || strings.HasPrefix(list[i], "t[") && strings.HasPrefix(list[j], "t[") {
				list[i] = "g" + fmt.Sprint(i) // the order among equal targets is open
			}
		}
	}
	return strings.Join(list, ", "), n
}

func (p *program) block() {
	p.depth++
	for range 1 + p.r.IntN(4) {
		p.stmt()
	}
	p.depth--
}

func (p *program) stmt() {
	w := func(format string, args ...any) { fmt.Fprintf(&p.out, format, args...) }
	n := p.r.IntN(22)
	if p.depth > 3 {
		n = p.r.IntN(6)
	}
	switch n {
	case 0, 1, 2, 3:
		targets, count := p.targets()
		values := make([]string, max(1, count+p.r.IntN(3)-1))
		for i := range values {
			values[i] = p.expr(2)
		}
		w("%s = %s\n", targets, strings.Join(values, ", "))
	case 4:
		w("local %s = %s\n", pick(p.r, []string{"a", "b", "a, b", "c, a"}), p.expr(3))
	case 5:
		w("log(%s, %s)\n", p.expr(2), p.expr(1))
	case 6:
		w("if %s then\n", p.expr(3))
		p.block()
		if p.r.IntN(2) == 0 {
			w("else\n")
			p.block()
		}
		w("end\n")
	case 7:
		w("for i = 1, %d do\n", p.r.IntN(4))
		p.block()
		if p.r.IntN(3) == 0 {
			w("if %s then break end\n", p.expr(2))
		}
		w("end\n")
	case 8:
		w("do local k = 0 while k < 3 and %s do k = k + 1\n", p.expr(2))
		p.block()
		w("end end\n")
	case 9:
		w("do local k = 0 repeat local z = %s k = k + 1\n", p.expr(1))
		p.block()
		w("until k > 2 or z end\n")
	case 10:
		w("log(pcall(function(a)\n")
		p.block()
		if p.r.IntN(2) == 0 {
			w("error(s(%s), 0)\n", p.expr(1))
		} else {
			w("if a then return %s end\n", p.expr(2))
		}
		w("end, %s))\n", p.expr(1))
	case 11:
		x, y := pick(p.r, []string{"a", "b", "c and 1", "a or b"}), pick(p.r, []string{"a", "b", "c", "1", "g"})
		w("f = function() g = %s return %s end\n", x, y)
	case 12:
		w("do local co = coroutine.wrap(function(a)\n")
		p.block()
		w("b = coroutine.yield(a)\n")
		p.block()
		w("return c end) log(co(%s)) log(co(%s)) end\n", p.expr(1), p.expr(1))
	case 14:
		w("while %s do\n", pick(p.r, []string{"true", "1", "not false", "(true or a)", "(a or true)"}))
		p.block()
		w("do break end end\n")
	case 15:
		w("for i, a in ipairs({v(%s, %s), n(%s)}) do\n", p.expr(1), p.expr(1), p.expr(1))
		p.block()
		w("log(i, a) end\n")
	case 16:
		w("do local fs = {} for i = 1, 3 do local z = n(%s)\n", p.expr(1))
		p.block()
		w("fs[i] = function(x) i = i + 1 z = z + n(x) a = %s return i, z, a end end\n", pick(p.r, []string{"i", "z", "b", "x"}))
		w("for i = 1, 3 do if fs[i] then log(fs[i](%s)) end end end\n", p.expr(1))
	case 17:
		w("do local function va(...) local a, b = %s, ... \n", p.expr(1))
		p.block()
		w("return select('#', ...), b, ... end log(va(%s, va(%s))) log((va(%s))) end\n", p.expr(1), p.expr(1), p.expr(1))
	case 18:
		w("do local o = {k = %s, %s, [n(%s) + 11] = %s, v(%s, 2)} function o:m(x, y)\n", p.expr(1), p.expr(1), p.expr(1), p.expr(1), p.expr(1))
		p.block()
		w("self.k = %s return x, y end log(o:m(%s, %s)) log(o.k, o[1], o[12], o.m ~= nil) end\n", p.expr(2), p.expr(1), p.expr(1))
	case 19:
		w("do local m = setmetatable({}, {__index = function(m, k)\n")
		p.block()
		w("return %s end, __call = function(m, a, ...) return ..., a end, __newindex = function(_, k, v) g = v end})\n", p.expr(2))
		w("log(m.x, m[%s or 1]) log(m(%s, %s)) m.y = %s end\n", p.expr(1), p.expr(1), p.expr(1), p.expr(1))
	case 20:
		w("log((s(%s):gsub('.', function(x)\n", p.expr(2))
		p.block()
		w("return x .. s(%s) end, 2)))\n", p.expr(1))
	case 21:
		w("do local function rec(d, a) if d == 0 then return %s end local x, y = rec(d - 1, %s), %s\n", p.expr(1), p.expr(1), p.expr(1))
		p.block()
		w("return (y and x or a), %s end log(rec(3, %s)) end\n", p.expr(1), p.expr(1))
	case 13:
		w("do local function r(a, b)\n")
		p.block()
		w("return %s, a end log(r(%s)) end\n", p.expr(1), p.expr(1))
	}
}

func TestRandomProgramsAgainstPUC(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		compare(t, randomPrograms(seeded(100+seed), 150))
	}
}

// randomPrograms returns n programs as one script, each of which starts by printing its number.
func randomPrograms(r *rand.Rand, n int) string {
	p := &program{r: r}
	p.out.WriteString(programHeader)
	for i := range n {
		fmt.Fprintf(&p.out, "lines = 0 print('program %d') g, g0, g1, g2 = nil\n", i)
		p.out.WriteString("do local a, b, c, t, u, f = 1, nil, 'c', {1, x = 2}, {}, function() end\n")
		p.block()
		p.block()
		p.out.WriteString("log(a, b, c, t[1], t.x, u.x, t[0], g) end\n")
	}
	return p.out.String()
}
