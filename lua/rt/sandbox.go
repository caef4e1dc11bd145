package rt

import (
	lua "github.com/yuin/gopher-lua"
)

// openSandbox fills the globals with what every script has.
func (vm *VM) openSandbox() {
	vm.openErrors()
	for name, fn := range vm.baseFunctions() {
		vm.globals.RawSetString(name, vm.Function(name, fn))
	}
	vm.globals.RawSetString("_G", vm.globals)
	vm.globals.RawSetString("_VERSION", lua.LString("Lua 5.1"))
	vm.loaded["_G"] = vm.globals
	for name, functions := range map[string]map[string]lua.LGFunction{
		"coroutine": coroutineFunctions,
	} {
		vm.openLibrary(name, functions)
	}
}

// openLibrary makes a table of functions a global and a module.
func (vm *VM) openLibrary(name string, functions map[string]lua.LGFunction) *lua.LTable {
	table := vm.root.CreateTable(0, len(functions))
	for fn, g := range functions {
		table.RawSetString(fn, vm.Function(name+"."+fn, g))
	}
	vm.globals.RawSetString(name, table)
	vm.loaded[name] = table
	return table
}
func (vm *VM) freezeGlobals()                           {}
func (vm *VM) baseFunctions() map[string]lua.LGFunction { return nil }

type patternCache struct{}

func tostring(L *lua.LState, v lua.LValue) string { return v.String() }

var coroutineFunctions = map[string]lua.LGFunction{}
