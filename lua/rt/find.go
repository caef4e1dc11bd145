package rt

import (
	"strings"

	lua "github.com/yuin/gopher-lua"
)

const patternSpecials = "^$*+?.([%-"

// checkPattern compiles argument n.
func checkPattern(L *lua.LState, n int, anchors bool) *pattern {
	p, err := VMOf(L).patterns.get(CheckString(L, n), anchors)
	if err != nil {
		Raisef(L, "%s", err)
	}
	return p
}

// checkInit returns where in s argument n says to start, which is counted from 1, or from the end when negative.
func checkInit(L *lua.LState, n int, s string) int {
	init := OptInt(L, n, 1)
	switch {
	case init > len(s):
		return len(s)
	case init > 0:
		return init - 1
	case init < -len(s):
		return 0
	case init < 0:
		return len(s) + init
	}
	return 0
}

func stringFind(L *lua.LState) int {
	s, text := CheckString(L, 1), CheckString(L, 2)
	init := checkInit(L, 3, s)
	if L.ToBool(4) || !strings.ContainsAny(text, patternSpecials) {
		Charge(L, (len(s)-init)/64)
		at := strings.Index(s[init:], text)
		if at < 0 {
			L.Push(lua.LNil)
			return 1
		}
		L.Push(lua.LNumber(init + at + 1))
		L.Push(lua.LNumber(init + at + len(text)))
		return 2
	}
	vm := VMOf(L)
	m := vm.newMatcher(s, checkPattern(L, 2, true))
	start, stop, ok := m.search(init)
	m.settle(L, vm.meter)
	if !ok {
		L.Push(lua.LNil)
		return 1
	}
	L.Push(lua.LNumber(start + 1))
	L.Push(lua.LNumber(stop))
	return 2 + m.pushCaptures(L, start, stop, false)
}

func stringMatch(L *lua.LState) int {
	s := CheckString(L, 1)
	vm := VMOf(L)
	m := vm.newMatcher(s, checkPattern(L, 2, true))
	start, stop, ok := m.search(checkInit(L, 3, s))
	m.settle(L, vm.meter)
	if !ok {
		L.Push(lua.LNil)
		return 1
	}
	return m.pushCaptures(L, start, stop, true)
}

func stringGmatch(L *lua.LState) int {
	vm := VMOf(L)
	m := vm.newMatcher(CheckString(L, 1), checkPattern(L, 2, false))
	at := 0
	L.Push(L.NewFunction(func(L *lua.LState) int {
		if at > len(m.s) {
			L.Push(lua.LNil)
			return 1
		}
		m.steps = vm.meter.left * stepsPerInstruction
		start, stop, ok := m.search(at)
		m.settle(L, vm.meter)
		if !ok {
			at = len(m.s) + 1
			L.Push(lua.LNil)
			return 1
		}
		if at = stop; stop == start {
			at++
		}
		return m.pushCaptures(L, start, stop, true)
	}))
	return 1
}
