package rt

import (
	"math"
	"slices"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// typeName names argument n for error messages.
func typeName(L *lua.LState, n int) string {
	if n > L.GetTop() {
		return "no value"
	}
	return L.Get(n).Type().String()
}

// CheckString returns argument n, a string or a number.
func CheckString(L *lua.LState, n int) string {
	s, ok := text(L.Get(n))
	if !ok {
		ArgError(L, n, "string expected, got %s", typeName(L, n))
	}
	return s
}

// OptString is CheckString for an argument that may be nil or missing.
func OptString(L *lua.LState, n int, otherwise string) string {
	if L.Get(n) == lua.LNil {
		return otherwise
	}
	return CheckString(L, n)
}

// CheckNumber returns argument n, a number or a numeric string.
func CheckNumber(L *lua.LState, n int) float64 {
	f, ok := number(L.Get(n))
	if !ok {
		ArgError(L, n, "number expected, got %s", typeName(L, n))
	}
	return f
}

// CheckInt returns argument n, cut to an integer. What is too large for an int becomes the largest.
func CheckInt(L *lua.LState, n int) int {
	return toInt(CheckNumber(L, n))
}

// OptInt is CheckInt for an argument that may be nil or missing.
func OptInt(L *lua.LState, n, otherwise int) int {
	if L.Get(n) == lua.LNil {
		return otherwise
	}
	return CheckInt(L, n)
}

// CheckSeconds returns argument n, a number of seconds that is not negative.
func CheckSeconds(L *lua.LState, n int) time.Duration {
	d, ok := seconds(CheckNumber(L, n))
	if !ok {
		ArgError(L, n, "seconds, 0 or more, expected")
	}
	return d
}

// OptSeconds is CheckSeconds for an argument that may be nil or missing.
func OptSeconds(L *lua.LState, n int, otherwise time.Duration) time.Duration {
	if L.Get(n) == lua.LNil {
		return otherwise
	}
	return CheckSeconds(L, n)
}

// CheckCode returns argument n, a SIP status code: a number or a string of digits, 100 to 699.
func CheckCode(L *lua.LState, n int) int {
	code, ok := number(L.Get(n))
	if !ok || code != math.Trunc(code) || code < 100 || code > 699 {
		ArgError(L, n, "status code from 100 to 699 expected, got %s", tostring(L, L.Get(n)))
	}
	return int(code)
}

// CheckChoice returns argument n, which must be one of the candidates. what names it in the message.
func CheckChoice(L *lua.LState, n int, what string, candidates []string) string {
	s := CheckString(L, n)
	if !slices.Contains(candidates, s) {
		ArgError(L, n, "%s", Unknown(what, s, candidates))
	}
	return s
}

// CheckFunction returns argument n, a function of Lua or Go.
func CheckFunction(L *lua.LState, n int) *lua.LFunction {
	fn, ok := L.Get(n).(*lua.LFunction)
	if !ok {
		ArgError(L, n, "function expected, got %s", typeName(L, n))
	}
	return fn
}

// CheckTable returns argument n, a table to be read.
func CheckTable(L *lua.LState, n int) *lua.LTable {
	t, ok := Plain(L.Get(n)).(*lua.LTable)
	if !ok {
		ArgError(L, n, "table expected, got %s", typeName(L, n))
	}
	return t
}

func seconds(f float64) (time.Duration, bool) {
	const most = float64(math.MaxInt64 / int64(time.Second))
	if math.IsNaN(f) || f < 0 {
		return 0, false
	}
	return time.Duration(min(f, most-1) * float64(time.Second)), true
}

// toInt cuts a number to an integer as C would, but without its undefined cases.
func toInt(f float64) int {
	switch {
	case math.IsNaN(f):
		return 0
	case f >= math.MaxInt64:
		return math.MaxInt64
	case f <= math.MinInt64:
		return math.MinInt64
	}
	return int(f)
}
