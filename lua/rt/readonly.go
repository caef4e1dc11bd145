package rt

import (
	lua "github.com/yuin/gopher-lua"
)

// readOnly is what getmetatable says of a read-only table, and what it is known by.
const readOnly = lua.LString("read-only")

// ReadOnly returns a table that reads as t and all the tables in it, and that raises when it is written. An empty table
// stands before each, because Lua asks a metatable only about keys that are not there; our own pairs, next, # and
// whatever else takes a table look behind it. t must not be used otherwise any more.
func (vm *VM) ReadOnly(t *lua.LTable) *lua.LTable {
	t.ForEach(func(k, v lua.LValue) {
		if inner, ok := v.(*lua.LTable); ok {
			t.RawSet(k, vm.ReadOnly(inner))
		}
	})
	return vm.front(t, func(L *lua.LState, key, _ lua.LValue) {
		raiseAt(L, "attempt to write field '%s' of a read-only table", tostring(L, key))
	})
}

// Watched returns a table that reads as t, and whose assignments go to write, which puts into t what is to be seen. All else that writes a table
// takes it for a read-only one. Tables in t are the caller's affair.
func (vm *VM) Watched(t *lua.LTable, write func(L *lua.LState, key, value lua.LValue)) *lua.LTable {
	return vm.front(t, write)
}

// front is an empty table that stands before t.
func (vm *VM) front(t *lua.LTable, write func(L *lua.LState, key, value lua.LValue)) *lua.LTable {
	meta := vm.root.CreateTable(0, 4)
	meta.RawSetString("__index", t)
	meta.RawSetString("__newindex", vm.root.NewFunction(func(L *lua.LState) int {
		write(L, L.Get(2), L.Get(3))
		return 0
	}))
	meta.RawSetString("__len", vm.root.NewFunction(func(L *lua.LState) int {
		L.Push(lua.LNumber(t.Len()))
		return 1
	}))
	meta.RawSetString("__metatable", readOnly)
	front := vm.root.CreateTable(0, 0)
	front.Metatable = meta
	return front
}

// Plain returns the table behind v when v is a read-only one, else v: for whoever reads a table without the script's
// own means.
func Plain(v lua.LValue) lua.LValue {
	if front, ok := v.(*lua.LTable); ok {
		if meta, ok := front.Metatable.(*lua.LTable); ok && meta.RawGetString("__metatable") == readOnly {
			if t, ok := meta.RawGetString("__index").(*lua.LTable); ok {
				return t
			}
		}
	}
	return v
}

// checkWritable returns argument n, a table that may be written.
func checkWritable(L *lua.LState, n int) *lua.LTable {
	if t := CheckTable(L, n); t == L.Get(n) {
		return t
	}
	ArgError(L, n, "the table is read-only")
	panic("not reached: ArgError raises")
}
