package rt

import (
	"math"
	"math/rand/v2"

	lua "github.com/yuin/gopher-lua"
)

// openMath takes over gopher-lua's math but for what is wrong there: huge, and random numbers out of one generator
// shared by the whole process.
func (vm *VM) openMath() {
	vm.root.Push(vm.root.NewFunction(lua.OpenMath))
	vm.root.Call(0, 1)
	vm.root.Pop(1)
	theirs := vm.globals.RawGetString("math").(*lua.LTable)

	table := vm.openLibrary("math", library{{"random", vm.mathRandom}, {"randomseed", vm.mathRandomseed}})
	for _, name := range [...]string{
		"abs", "acos", "asin", "atan", "atan2", "ceil", "cos", "cosh", "deg", "exp", "floor", "fmod", "frexp", "ldexp",
		"log", "log10", "max", "min", "modf", "pow", "rad", "sin", "sinh", "sqrt", "tan", "tanh",
	} {
		table.RawSetString(name, theirs.RawGetString(name))
	}
	table.RawSetString("pi", lua.LNumber(math.Pi))
	table.RawSetString("huge", lua.LNumber(math.Inf(1)))
}

func (vm *VM) mathRandom(L *lua.LState) int {
	f := rand.New(vm.random).Float64()
	if L.GetTop() > 0 {
		low, high := 1.0, math.Floor(CheckNumber(L, 1))
		if L.GetTop() > 1 {
			low, high = high, math.Floor(CheckNumber(L, 2))
		}
		if !(low <= high) {
			ArgError(L, L.GetTop(), "interval is empty")
		}
		f = low + math.Floor(f*(high-low+1))
	}
	L.Push(lua.LNumber(f))
	return 1
}

func (vm *VM) mathRandomseed(L *lua.LState) int {
	vm.random.Seed(math.Float64bits(CheckNumber(L, 1)), 0)
	return 0
}
