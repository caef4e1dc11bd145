package rt

import (
	"maps"
	"slices"

	lua "github.com/yuin/gopher-lua"
)

// Type is a kind of object that Go code gives to scripts: a userdata with fields computed when they are read, and
// methods. Reading or writing a field that does not exist raises with a suggestion.
//
// Reading a field of a userdata takes 250 ns, one of a table that has been filled in 60 ns; but a table of six fields
// takes 1.5 µs and 1 KB to make, a userdata nothing, and few scripts read eight fields of a request. A method of a type
// without fields is found through a table, in 180 ns; where there are fields, all members go through one Go function,
// because gopher-lua does not tell the function at the end of a chain of tables which object was meant. (Benchmarks in
// object_test.go.)
type Type struct {
	Name    string // "request"
	Doc     string
	Fields  []Field
	Methods []Function // the object is argument 1
}

// Field is a field of an object.
type Field struct {
	Name string
	Type string // as in Function.Signature, for the reference
	Doc  string
	Get  func(L *lua.LState, object any) lua.LValue
	Set  func(L *lua.LState, object any, v lua.LValue) // nil: read-only
}

// member is what a name means on an object.
type member struct {
	method *lua.LFunction
	field  *Field
}

// openType makes the metatable of t.
func (vm *VM) openType(t *Type) *lua.LTable {
	if meta, ok := vm.types[t]; ok {
		return meta
	}
	members := make(map[string]member, len(t.Fields)+len(t.Methods))
	methods := vm.root.CreateTable(0, len(t.Methods))
	for i := range t.Methods {
		f := &t.Methods[i]
		fn := vm.bind(t.Name+":"+f.Name, f)
		members[f.Name] = member{method: fn}
		methods.RawSetString(f.Name, fn)
	}
	for i := range t.Fields {
		members[t.Fields[i].Name] = member{field: &t.Fields[i]}
	}
	known := slices.Sorted(maps.Keys(members))

	meta := vm.root.CreateTable(0, 4)
	meta.RawSetString("__metatable", lua.LString(t.Name))
	meta.RawSetString("__newindex", vm.root.NewFunction(func(L *lua.LState) int {
		ud, name := L.CheckUserData(1), tostring(L, L.Get(2))
		m, ok := members[name]
		switch {
		case !ok:
			Raisef(L, "%s: %s", t.Name, Unknown("field", name, known))
		case m.field == nil || m.field.Set == nil:
			Raisef(L, "%s: field '%s' cannot be written", t.Name, name)
		}
		m.field.Set(L, ud.Value, L.Get(3))
		return 0
	}))
	if len(t.Fields) == 0 {
		meta.RawSetString("__index", methods)
	} else {
		meta.RawSetString("__index", vm.root.NewFunction(func(L *lua.LState) int {
			ud, _ := L.Get(1).(*lua.LUserData)
			name, _ := L.Get(2).(lua.LString)
			m, ok := members[string(name)]
			if !ok || ud == nil {
				Raisef(L, "%s: %s", t.Name, Unknown("field", tostring(L, L.Get(2)), known))
			}
			if m.method != nil {
				L.Push(m.method)
			} else {
				L.Push(m.field.Get(L, ud.Value))
			}
			return 1
		}))
	}
	vm.types[t] = meta
	return meta
}

// SetMeta adds a metamethod, "__tostring" for instance, to all objects of a type in this VM.
func (vm *VM) SetMeta(t *Type, event string, fn lua.LGFunction) {
	vm.openType(t).RawSetString(event, vm.root.NewFunction(fn))
}

// NewObject makes an object of type t that stands for value.
func (vm *VM) NewObject(t *Type, value any) *lua.LUserData {
	return &lua.LUserData{Value: value, Env: vm.globals, Metatable: vm.openType(t)}
}

// CheckObject returns the Go value of argument n, which must be an object for a T; what is the name of its type.
func CheckObject[T any](L *lua.LState, n int, what string) T {
	if ud, ok := L.Get(n).(*lua.LUserData); ok {
		if v, ok := ud.Value.(T); ok {
			return v
		}
	}
	ArgError(L, n, "%s expected, got %s", what, typeName(L, n))
	panic("not reached: ArgError raises")
}

// Object returns the Go value of v when it is an object for a T.
func Object[T any](v lua.LValue) (T, bool) {
	if ud, ok := v.(*lua.LUserData); ok {
		value, ok := ud.Value.(T)
		return value, ok
	}
	var none T
	return none, false
}
