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
	Types     []*Type // objects whose methods and fields belong to the reference of this module
	// Setup, when set, adds to the table what is no function: constants, sub-tables.
	Setup func(vm *VM, table *lua.LTable)
}

// Function is one Go function that scripts can call.
type Function struct {
	Name      string
	Signature string // as in the reference: "(seconds)" or "(targets [, options]) → result"
	Doc       string
	Phases    Phase // where it may be called; 0 is anywhere
	Waits     bool  // it may wait, and so may not be called where nothing may
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
	fn, allowed, waits := f.Fn, f.Phases, f.Waits
	if allowed == 0 {
		allowed = Anywhere
	}
	if waits || allowed != Anywhere {
		fn = func(L *lua.LState) int {
			phase := vm.now.phase
			if phase&allowed == 0 {
				Raisef(L, "may not be called in %s, only in %s", phase, allowed)
			}
			if waits && phase&MayWait == 0 {
				Raisef(L, "may not wait in %s", phase)
			}
			return f.Fn(L)
		}
	}
	bound := vm.root.NewFunction(fn)
	vm.names[bound] = name
	return bound
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
	if vm.now.phase != Init {
		Raisef(L, "'%s' has not been loaded; a module is loaded while the script loads", name)
	}
	c, err := vm.program.module(name)
	if err != nil {
		Raisef(L, "%s", strings.TrimSpace(err.Error()))
	}
	vm.loaded[name] = nil
	top := L.GetTop()
	L.Push(vm.chunk(c))
	L.Push(lua.LString(name))
	// An error leaves the module marked as being loaded: the version does not go live anyway.
	L.Call(1, 1)
	result := L.Get(top + 1)
	if result == lua.LNil {
		result = lua.LTrue
	}
	vm.loaded[name] = result
	L.SetTop(top)
	L.Push(result)
	return 1
}
