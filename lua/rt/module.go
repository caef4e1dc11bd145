package rt

import (
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// Module is a table of Go functions for scripts: the one place that says what a module offers. It becomes a global
// and the result of require. With an empty name its functions become globals themselves.
type Module struct {
	Name      string
	Doc       string // sentences
	Functions []Function
	Values    []Value // what Setup adds, for the reference
	Shapes    []Shape // what scripts write as arguments, for the reference
	Types     []*Type // objects whose methods and fields belong to the reference of this module
	// Setup, when set, adds to the table what is no function: constants, sub-tables.
	Setup func(vm *VM, table *lua.LTable)
}

// Value is something in a module that is no function.
type Value struct {
	Name string
	Type string // as in Signature
	Doc  string
}

// Shape is a kind of argument that is made of tables: one with certain keys, or what Type says.
type Shape struct {
	Name string // as it stands in signatures
	Type string // of an alias
	Doc  string
	Keys *OptionSet
}

// Function is one Go function that scripts can call.
type Function struct {
	Name string
	// Signature is what the reference and the editor show: parameters with their types, a ? behind those that may be
	// left out, then what comes back: "(key: string, ttl?: number) → value: any". The types are those of the Lua
	// language server; "options" without a type is the table that Options describes, and "..." any number of values.
	Signature string
	Doc       string
	Phases    Phase // where it may be called; 0 is anywhere, or anywhere that may wait when it waits
	Waits     bool
	Options   *OptionSet
	Fn        lua.LGFunction
}

// openModule makes the table of m in the VM.
func (vm *VM) openModule(m *Module) {
	for _, t := range m.Types {
		vm.openType(t)
	}
	table := vm.globals
	if m.Name != "" {
		table = vm.root.CreateTable(0, len(m.Functions))
		vm.globals.RawSetString(m.Name, table)
		vm.loaded[m.Name] = table
	}
	for i := range m.Functions {
		f := &m.Functions[i]
		name := f.Name
		if m.Name != "" {
			name = m.Name + "." + f.Name
		}
		table.RawSetString(f.Name, vm.bind(name, f))
	}
	if m.Setup != nil {
		m.Setup(vm, table)
	}
}

// bind makes the Lua function of f, which checks the phase first.
func (vm *VM) bind(name string, f *Function) *lua.LFunction {
	fn, allowed := f.Fn, f.Phases
	switch {
	case allowed == 0 && f.Waits:
		allowed = MayWait
	case allowed == 0:
		allowed = Anywhere
	}
	if allowed != Anywhere {
		fn = func(L *lua.LState) int {
			if phase := vm.now.phase; phase&allowed == 0 {
				refuse(L, phase, allowed, f.Waits)
			}
			return f.Fn(L)
		}
	}
	bound := vm.root.NewFunction(fn)
	vm.names[bound] = name
	return bound
}

// refuse raises that a function may not be called in a phase.
func refuse(L *lua.LState, phase, allowed Phase, waits bool) {
	switch {
	case waits && phase&MayWait == 0:
		Raisef(L, "may not wait in %s", phase)
	case phase == Init:
		Raisef(L, "may not be called in %s", phase)
	}
	Raisef(L, "may not be called in %s, only in %s", phase, allowed)
}

// Function makes a Lua function of fn that is called name in error messages, for callbacks and handles that belong to
// no module.
func (vm *VM) Function(name string, fn lua.LGFunction) *lua.LFunction {
	return vm.bind(name, &Function{Fn: fn})
}

// Names returns the names of the modules, for Load.
func Names(modules []Module) []string {
	var names []string
	for i := range modules {
		if modules[i].Name != "" {
			names = append(names, modules[i].Name)
		}
	}
	return names
}

// require is the global function of this name.
func (vm *VM) require(L *lua.LState) int {
	name := CheckString(L, 1)
	if v, ok := vm.loaded[name]; ok {
		if v == nil {
			Raisef(L, "loop: '%s' is being loaded already", name)
		}
		L.Push(v)
		return 1
	}
	c, err := vm.program.module(name, vm.now.phase == Init)
	if err != nil {
		Raisef(L, "%s", strings.TrimSpace(err.Error()))
	}
	// An error leaves the module marked as being loaded: the version does not go live anyway.
	vm.loaded[name] = nil
	result := vm.runModule(L, name, vm.chunk(c))
	if result == lua.LNil {
		result = lua.LTrue
	}
	vm.loaded[name] = result
	L.Push(result)
	return 1
}

// runModule runs the main chunk of a module. While the script loads that is part of loading; later it is a call in
// which nothing waits, so that no other run meets a module half loaded.
func (vm *VM) runModule(L *lua.LState, name string, main *lua.LFunction) lua.LValue {
	if vm.now.phase == Init {
		L.Push(main)
		L.Push(lua.LString(name))
		L.Call(1, 1)
		result := L.Get(-1)
		L.Pop(1)
		return result
	}
	late := scene{run: vm.now.run, phase: Late, depth: vm.now.depth, handler: "module " + name, owner: &vm.coroutines}
	results, err := vm.call(late, main, []lua.LValue{lua.LString(name)})
	if err != nil {
		delete(vm.loaded, name)
		L.Error(err.(*RunError).Value, 0) //nolint:errorlint // call returns no other
	}
	if len(results) == 0 {
		return lua.LNil
	}
	return results[0]
}
