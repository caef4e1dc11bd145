package rt

import (
	"math"

	lua "github.com/yuin/gopher-lua"
)

// stringGsub is string.gsub. The function it calls for each match may wait.
func stringGsub(L *lua.LState) int {
	s, p := CheckString(L, 1), checkPattern(L, 2, true)
	replace := replacement(L, L.Get(3))
	most := OptInt(L, 4, math.MaxInt)
	vm := VMOf(L)
	m := vm.newMatcher(s, p)
	out := make([]byte, 0, len(s))
	at, count := 0, 0
	for count < most {
		stop := m.match(at, 0)
		m.settle(L, vm.meter)
		if stop >= 0 {
			count++
			before := len(out)
			out = replace(m, out, at, stop)
			checkLength(L, len(out))
			// What the function did, or that it waited, has changed what is left.
			vm.meter.charge(L, 1+(len(out)-before)/16)
			m.steps = vm.meter.left * stepsPerInstruction
		}
		switch {
		case stop > at:
			at = stop
		case at < len(s):
			out = append(out, s[at])
			at++
		default:
			at++
		}
		if at > len(s) || p.anchored {
			break
		}
	}
	if at < len(s) {
		out = append(out, s[at:]...)
	}
	L.SetTop(0)
	L.Push(lua.LString(out))
	L.Push(lua.LNumber(count))
	return 2
}

// replacement returns what appends that with which v replaces a match.
func replacement(L *lua.LState, v lua.LValue) func(m *matcher, out []byte, start, stop int) []byte {
	switch v := v.(type) {
	case lua.LString, lua.LNumber:
		s, _ := text(v)
		return func(m *matcher, out []byte, start, stop int) []byte {
			return m.expand(L, out, s, start, stop)
		}
	case *lua.LTable:
		return func(m *matcher, out []byte, start, stop int) []byte {
			key := m.firstCapture(start, stop)
			return m.appendValue(L, out, L.GetTable(v, key), start, stop)
		}
	case *lua.LFunction:
		return func(m *matcher, out []byte, start, stop int) []byte {
			L.Push(v)
			L.Call(m.pushCaptures(L, start, stop, true), 1)
			value := L.Get(-1)
			L.Pop(1)
			return m.appendValue(L, out, value, start, stop)
		}
	}
	ArgError(L, 3, "string, function or table expected, got %s", typeName(L, 3))
	return nil
}

func (m *matcher) firstCapture(start, stop int) lua.LValue {
	if m.p.captures == 0 {
		return lua.LString(m.s[start:stop])
	}
	return m.capture(0)
}

// appendValue appends what a table or function gave: nil and false keep the match.
func (m *matcher) appendValue(L *lua.LState, out []byte, v lua.LValue, start, stop int) []byte {
	if lua.LVIsFalse(v) {
		return append(out, m.s[start:stop]...)
	}
	s, ok := text(v)
	if !ok {
		Raisef(L, "invalid replacement value (a %s)", v.Type())
	}
	return append(out, s...)
}

// expand appends a replacement string, in which %0 is the match and %1 to %9 are its captures.
func (m *matcher) expand(L *lua.LState, out []byte, replace string, start, stop int) []byte {
	for i := 0; i < len(replace); i++ {
		c := replace[i]
		if c != '%' || i+1 == len(replace) {
			out = append(out, c)
			continue
		}
		i++
		switch c := replace[i]; {
		case !isDigit(c):
			out = append(out, c)
		case c == '0', c == '1' && m.p.captures == 0:
			out = append(out, m.s[start:stop]...)
		case int(c-'1') >= m.p.captures:
			Raisef(L, "invalid capture index %%%c in replacement string", c)
		default:
			s, _ := text(m.capture(int(c - '1')))
			out = append(out, s...)
		}
	}
	return out
}
