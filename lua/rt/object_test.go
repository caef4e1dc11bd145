package rt

import (
	"strings"
	"testing"

	lua "github.com/yuin/gopher-lua"
)

// phone is what objects of tests stand for.
type phone struct {
	number string
	rung   int
}

var phoneType = &Type{
	Name: "phone",
	Fields: []Field{
		{Name: "number", Get: func(_ *lua.LState, o any) lua.LValue { return lua.LString(o.(*phone).number) },
			Set: func(L *lua.LState, o any, v lua.LValue) { o.(*phone).number = v.String() }},
		{Name: "rung", Get: func(_ *lua.LState, o any) lua.LValue { return lua.LNumber(o.(*phone).rung) }},
	},
	Methods: []Function{{Name: "ring", Fn: func(L *lua.LState) int {
		p := CheckObject[*phone](L, 1, "phone")
		p.rung += OptInt(L, 2, 1)
		L.Push(L.Get(1))
		return 1
	}}},
}

// bellType has methods only.
var bellType = &Type{Name: "bell", Methods: []Function{{Name: "ring", Fn: func(L *lua.LState) int {
	CheckObject[*phone](L, 1, "bell").rung++
	return 0
}}}}

func withPhone(p *phone) func(*VMConfig) {
	return func(cfg *VMConfig) {
		cfg.Modules = append(cfg.Modules, Module{Types: []*Type{phoneType, bellType}, Setup: func(vm *VM, table *lua.LTable) {
			vm.SetMeta(bellType, "__tostring", func(L *lua.LState) int { L.Push(lua.LString("a bell")); return 1 })
			table.RawSetString("phone", vm.NewObject(phoneType, p))
			table.RawSetString("bell", vm.NewObject(bellType, p))
		}})
	}
}

func TestObjects(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ body, want string }{
		{`return phone.number, phone:ring():ring(2).rung`, "100 3"},
		{`phone.number = 200 return phone.number`, "200"},
		{`bell:ring() return phone.rung, tostring(bell)`, "1 a bell"},
		{`return type(phone), tostring(phone):match("^phone: "), getmetatable(phone)`, "userdata phone:  phone"},
		{`local ring = phone.ring return ring(phone) == phone, phone ~= bell`, "true true"},
		{`return phone.numbr`, "!main.lua:1: phone: unknown field 'numbr' (did you mean 'number'?)"},
		{`return phone[1]`, "!main.lua:1: phone: unknown field '1'"},
		{`phone.rung = 1`, "!main.lua:1: phone: field 'rung' cannot be written"},
		{`phone.ring = 1`, "!main.lua:1: phone: field 'ring' cannot be written"},
		{`phone.other = 1`, "!main.lua:1: phone: unknown field 'other'"},
		{`phone.ring()`, "!main.lua:1: phone:ring: called without its object, use ':' (phone expected, got no value)"},
		{`phone.ring({})`, "!main.lua:1: phone:ring: called without its object, use ':' (phone expected, got table)"},
		{`phone:ring({})`, "!main.lua:1: phone:ring: bad argument #1 (number expected, got table)"},
		{`bell:rang()`, "!main.lua:1: attempt to call 'rang', which is no function"},
		{`setmetatable(phone, {})`, "!main.lua:1: setmetatable: bad argument #1 (table expected, got userdata)"},
	} {
		w := load(t, "function f() "+tt.body+" end", withPhone(&phone{number: "100"}))
		o := w.start("f")
		if want, failing := strings.CutPrefix(tt.want, "!"); failing {
			if o.err == nil || !strings.HasPrefix(o.err.Message, want) {
				t.Errorf("%s: %v %v, want error %s", tt.body, o.results, o.err, want)
			}
		} else if o.err != nil || strings.Join(o.results, " ") != tt.want {
			t.Errorf("%s: %v %v, want %s", tt.body, o.results, o.err, tt.want)
		}
	}
}

func TestObjectOfAValue(t *testing.T) {
	t.Parallel()
	p := &phone{}
	w := load(t, "", withPhone(p))
	if got, ok := Object[*phone](w.globals.RawGetString("phone")); !ok || got != p {
		t.Errorf("got %v, %v", got, ok)
	}
	for _, v := range []lua.LValue{lua.LNil, lua.LString("x"), &lua.LUserData{Value: 5}} {
		if _, ok := Object[*phone](v); ok {
			t.Errorf("%v is a phone", v)
		}
	}
}

// These compare how scripts may reach members of an object: what Type says of it comes from here.
const memberScript = `
function fields() for i = 1, 10 do local _ = phone.number end end
function methods() for i = 1, 10 do phone:ring() end end
function bells() for i = 1, 10 do bell:ring() end end
local t = {number = "100", ring = function() end}
function filled() for i = 1, 10 do local _ = t.number end end`

func benchMembers(b *testing.B, name string) {
	w := load(b, memberScript, withPhone(&phone{number: "100"}))
	fn := w.fn(name)
	b.ReportAllocs()
	for b.Loop() {
		w.Start(name, fn, Handler, nil, nil, nil)
	}
}

func BenchmarkTenFieldsOfAUserdata(b *testing.B)            { benchMembers(b, "fields") }
func BenchmarkTenMethodsOfAUserdataWithFields(b *testing.B) { benchMembers(b, "methods") }
func BenchmarkTenMethodsOfAUserdata(b *testing.B)           { benchMembers(b, "bells") }
func BenchmarkTenFieldsOfATable(b *testing.B)               { benchMembers(b, "filled") }

func BenchmarkNewUserdata(b *testing.B) {
	w := load(b, "", withPhone(&phone{}))
	p := &phone{}
	b.ReportAllocs()
	for b.Loop() {
		w.NewObject(phoneType, p)
	}
}

func BenchmarkNewTableOfSixFields(b *testing.B) {
	w := load(b, "")
	b.ReportAllocs()
	for b.Loop() {
		t := w.State().CreateTable(0, 6)
		for _, name := range [...]string{"method", "uri", "from", "to", "call_id", "source"} {
			t.RawSetString(name, lua.LTrue)
		}
	}
}
