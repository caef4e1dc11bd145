package rt

import (
	"log/slog"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// library is a list of functions in the order in which pairs shows them.
type library []struct {
	name string
	fn   lua.LGFunction
}

func (vm *VM) baseLibrary() library {
	return library{
		{"assert", baseAssert}, {"collectgarbage", baseCollectgarbage}, {"error", baseError},
		{"getmetatable", baseGetmetatable}, {"ipairs", vm.ipairs()}, {"next", baseNext}, {"pairs", vm.pairs()},
		{"pcall", basePcall}, {"print", basePrint}, {"rawequal", baseRawequal}, {"rawget", baseRawget},
		{"rawset", vm.rawset}, {"require", vm.require}, {"select", baseSelect}, {"setmetatable", baseSetmetatable},
		{"tonumber", baseTonumber}, {"tostring", baseTostring}, {"type", baseType}, {"unpack", baseUnpack},
		{"xpcall", baseXpcall},
	}
}

func baseAssert(L *lua.LState) int {
	L.CheckAny(1)
	if L.ToBool(1) {
		return L.GetTop()
	}
	v := L.Get(2)
	if v == lua.LNil {
		v = lua.LString("assertion failed!")
	}
	return throw(L, v, 1)
}

// baseCollectgarbage does nothing: collecting would stop the whole server.
func baseCollectgarbage(L *lua.LState) int {
	L.Push(lua.LNumber(0))
	return 1
}

func baseError(L *lua.LState) int {
	return throw(L, L.Get(1), OptInt(L, 2, 1))
}

// throw raises v, text with the position of the function at a level of the stack in front.
func throw(L *lua.LState, v lua.LValue, level int) int {
	if s, ok := text(v); ok && level > 0 {
		v = lua.LString(prefix(frameAt(L, level), s))
	}
	L.Error(v, 0)
	return 0
}

// frameAt returns the file:line of the function at a level of the stack, "" when it is not Lua.
func frameAt(L *lua.LState, level int) string {
	at := L.Where(level)
	if strings.HasPrefix(at, "[G]") {
		return ""
	}
	return strings.TrimSuffix(at, ":")
}

func baseGetmetatable(L *lua.LState) int {
	L.CheckAny(1)
	L.Push(L.GetMetatable(L.Get(1)))
	return 1
}

func baseSetmetatable(L *lua.LState) int {
	t := checkWritable(L, 1)
	v := L.Get(2)
	meta, ok := v.(*lua.LTable)
	if !ok && (v != lua.LNil || L.GetTop() < 2) {
		ArgError(L, 2, "nil or table expected")
	}
	if old, ok := t.Metatable.(*lua.LTable); ok && old.RawGetString("__metatable") != lua.LNil {
		Raisef(L, "cannot change a protected metatable")
	}
	if meta != nil {
		t.Metatable = meta
	} else {
		t.Metatable = lua.LNil
	}
	L.SetTop(1)
	return 1
}

func (vm *VM) ipairs() lua.LGFunction {
	step := vm.root.NewFunction(func(L *lua.LState) int {
		t, ok := L.Get(1).(*lua.LTable)
		n, isNumber := L.Get(2).(lua.LNumber)
		if !ok || !isNumber {
			Raisef(L, "table and number expected")
		}
		v := at(t, int(n)+1)
		if v == lua.LNil {
			L.Push(lua.LNil)
			return 1
		}
		L.Push(n + 1)
		L.Push(v)
		return 2
	})
	return func(L *lua.LState) int {
		t := CheckTable(L, 1)
		L.Push(step)
		L.Push(t)
		L.Push(lua.LNumber(0))
		return 3
	}
}

func (vm *VM) pairs() lua.LGFunction {
	step := vm.root.NewFunction(baseNext)
	return func(L *lua.LState) int {
		t := CheckTable(L, 1)
		L.Push(step)
		L.Push(t)
		L.Push(lua.LNil)
		return 3
	}
}

func baseNext(L *lua.LState) int {
	k, v := CheckTable(L, 1).Next(L.Get(2))
	L.Push(k)
	if k == lua.LNil {
		return 1
	}
	L.Push(v)
	return 2
}

func basePrint(L *lua.LState) int {
	words := make([]string, L.GetTop())
	for i := range words {
		words[i] = tostring(L, L.Get(i+1))
	}
	line := strings.Join(words, "\t")
	chargeBytes(L, len(line))
	Charge(L, costLine)
	VMOf(L).log(slog.LevelInfo, line, "at", Where(L, 0))
	return 0
}

func baseRawequal(L *lua.LState) int {
	L.CheckAny(2)
	L.Push(lua.LBool(L.RawEqual(L.Get(1), L.Get(2))))
	return 1
}

func baseRawget(L *lua.LState) int {
	L.Push(CheckTable(L, 1).RawGet(L.Get(2)))
	return 1
}

func (vm *VM) rawset(L *lua.LState) int {
	t := checkWritable(L, 1)
	L.CheckAny(3)
	if t == vm.globals {
		vm.checkGlobal(L, L.Get(2))
	}
	L.RawSet(t, L.Get(2), L.Get(3))
	L.SetTop(1)
	return 1
}

func baseSelect(L *lua.LState) int {
	top := L.GetTop()
	if L.Get(1) == lua.LString("#") {
		L.Push(lua.LNumber(top - 1))
		return 1
	}
	n := CheckInt(L, 1)
	if n < 0 {
		n = top + n
	}
	if n < 1 {
		ArgError(L, 1, "index out of range")
	}
	return max(top-n, 0)
}

func baseTonumber(L *lua.LState) int {
	L.CheckAny(1)
	base := OptInt(L, 2, 10)
	var f float64
	var ok bool
	if base == 10 {
		f, ok = number(L.Get(1))
	} else {
		if base < 2 || base > 36 {
			ArgError(L, 2, "base out of range")
		}
		s := strings.Trim(CheckString(L, 1), space)
		digits, negative := strings.CutPrefix(s, "-")
		if base == 16 && len(digits) > 2 && digits[0] == '0' && digits[1]|0x20 == 'x' {
			digits = digits[2:]
		}
		if f, ok = parseDigits(digits, base); negative {
			f = -f
		}
	}
	if !ok {
		L.Push(lua.LNil)
		return 1
	}
	L.Push(lua.LNumber(f))
	return 1
}

func baseTostring(L *lua.LState) int {
	L.CheckAny(1)
	if _, ok := L.Get(1).(lua.LString); ok {
		L.SetTop(1)
		return 1
	}
	L.Push(lua.LString(tostring(L, L.Get(1))))
	return 1
}

func baseType(L *lua.LState) int {
	L.CheckAny(1)
	L.Push(lua.LString(L.Get(1).Type().String()))
	return 1
}

func baseUnpack(L *lua.LState) int {
	t := CheckTable(L, 1)
	first, last := OptInt(L, 2, 1), t.Len()
	if L.Get(3) != lua.LNil {
		last = CheckInt(L, 3)
	}
	if first > last {
		return 0
	}
	n := last - first + 1
	if n <= 0 || n > maxResults {
		Raisef(L, "too many results to unpack")
	}
	Charge(L, n)
	for i := range n {
		L.Push(at(t, first+i))
	}
	if n > 256 {
		L.Dead = true // its stack has grown: not for reuse
	}
	return n
}

// debugTraceback is debug.traceback. Called by the handler of xpcall it shows the stack on which the error was raised.
func debugTraceback(L *lua.LState) int {
	vm := VMOf(L)
	v := L.Get(1)
	message, ok := text(v)
	if !ok && v != lua.LNil {
		L.SetTop(1)
		return 1
	}
	stack := frames(vm.handling)
	if vm.handling == "" {
		stack = currentFrames(L)
	}
	if message != "" {
		message += "\n"
	}
	L.Push(lua.LString(message + luaStackHeader + "\n\t" + strings.Join(stack, "\n\t")))
	return 1
}

// raiseAt raises a message with the position of the script but without the name of the Go function: for what the
// language itself raises.
func raiseAt(L *lua.LState, format string, args ...any) {
	raise(L, "", format, args...)
}
