package rt

import (
	"fmt"

	lua "github.com/yuin/gopher-lua"
)

// openSandbox fills the globals with what every script has. Nothing of gopher-lua's own libraries is taken over but
// most of math: they lack budgets, some of their functions end the process, and others are not what Lua says.
func (vm *VM) openSandbox() {
	vm.openErrors()
	for _, f := range vm.baseLibrary() {
		vm.globals.RawSetString(f.name, vm.Function(f.name, f.fn))
	}
	vm.globals.RawSetString("_G", vm.globals)
	vm.globals.RawSetString("_VERSION", lua.LString("Lua 5.1"))
	vm.loaded["_G"] = vm.globals

	strings := vm.openLibrary("string", stringLibrary())
	vm.openLibrary("table", tableLibrary())
	vm.openLibrary("coroutine", coroutineLibrary())
	vm.openLibrary("debug", library{{"traceback", debugTraceback}})
	vm.openLibrary("os", vm.osLibrary())
	vm.openMath()

	// ("x"):rep(3)
	meta := vm.root.NewTable()
	meta.RawSetString("__index", strings)
	vm.root.SetMetatable(lua.LString(""), meta)

	vm.concat = vm.Function("", concat)
	vm.globals.Metatable = vm.globalsMeta()
}

// openLibrary makes a table of functions a global and a module.
func (vm *VM) openLibrary(name string, functions library) *lua.LTable {
	table := vm.root.CreateTable(0, len(functions))
	for _, f := range functions {
		table.RawSetString(f.name, vm.Function(name+"."+f.name, f.fn))
	}
	vm.globals.RawSetString(name, table)
	vm.loaded[name] = table
	return table
}

// globalsMeta is the metatable of the globals. It is there from the start, so that no script puts in its own.
func (vm *VM) globalsMeta() *lua.LTable {
	meta := vm.root.NewTable()
	meta.RawSetString("__metatable", lua.LString("globals"))
	meta.RawSetString("__newindex", vm.root.NewFunction(func(L *lua.LState) int {
		vm.checkGlobal(L, L.Get(2))
		L.RawSet(vm.globals, L.Get(2), L.Get(3))
		return 0
	}))
	return meta
}

// freezeGlobals ends the declaration of globals: a misspelt name must not silently become state that the calls of one
// shard share and those of another do not see.
func (vm *VM) freezeGlobals() {
	vm.globals.ForEach(func(k, _ lua.LValue) { vm.declared[k] = true })
	vm.frozen = true
}

// checkGlobal raises unless a global may be written: while the script loads any, which declares it even when the value
// is nil; afterwards those it has declared.
func (vm *VM) checkGlobal(L *lua.LState, name lua.LValue) {
	if !vm.frozen {
		vm.declared[name] = true
	}
	if vm.declared[name] {
		return
	}
	raiseAt(L, "%s", fmt.Sprintf("attempt to write undeclared global '%s': declare it in the main chunk, or make it local", tostring(L, name)))
}
