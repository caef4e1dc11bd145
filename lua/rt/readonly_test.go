package rt

import (
	"strings"
	"testing"

	lua "github.com/yuin/gopher-lua"
)

// settings gives scripts a read-only table of this content.
func settings(cfg *VMConfig) {
	cfg.Modules = append(cfg.Modules, Module{Setup: func(vm *VM, globals *lua.LTable) {
		list, inner, t := &lua.LTable{}, &lua.LTable{}, &lua.LTable{}
		for _, s := range []string{"c", "a", "b"} {
			list.Append(lua.LString(s))
		}
		inner.RawSetString("depth", lua.LNumber(2))
		t.RawSetString("name", lua.LString("office"))
		t.RawSetString("list", list)
		t.RawSetString("inner", inner)
		globals.RawSetString("settings", vm.ReadOnly(t))
	}})
}

func TestReadOnlyTablesReadAsAnyOther(t *testing.T) {
	t.Parallel()
	for expression, want := range map[string]string{
		`settings.name`:                            "office",
		`settings.inner.depth`:                     "2",
		`tostring(settings.nothing)`:               "nil",
		`#settings.list`:                           "3",
		`settings.list[2]`:                         "a",
		`table.concat(settings.list, ",")`:         "c,a,b",
		`select("#", unpack(settings.list))`:       "3",
		`table.maxn(settings.list)`:                "3",
		`type(settings)`:                           "table",
		`getmetatable(settings)`:                   "read-only",
		`rawget(settings, "name")`:                 "office",
		`(next(settings.inner))`:                   "depth",
		`tostring(settings.list == settings.list)`: "true",
		`(function() local n = {} for k in pairs(settings) do n[#n + 1] = k end table.sort(n) return table.concat(n, ",") end)()`: "inner,list,name",
		`(function() local n = "" for i, v in ipairs(settings.list) do n = n .. i .. v end return n end)()`:                       "1c2a3b",
	} {
		load(t, "function f() return "+expression+" end", settings).run("f").want(t, strings.Fields(want)[0])
	}
}

func TestReadOnlyTablesAreNotWritten(t *testing.T) {
	t.Parallel()
	for statement, want := range map[string]string{
		`settings.name = "x"`:            "main.lua:1: attempt to write field 'name' of a read-only table",
		`settings.new = "x"`:             "main.lua:1: attempt to write field 'new' of a read-only table",
		`settings.inner.depth = 3`:       "main.lua:1: attempt to write field 'depth' of a read-only table",
		`settings.list[1] = "x"`:         "main.lua:1: attempt to write field '1' of a read-only table",
		`table.insert(settings.list, 1)`: "main.lua:1: table.insert: bad argument #1 (the table is read-only)",
		`table.remove(settings.list)`:    "main.lua:1: table.remove: bad argument #1 (the table is read-only)",
		`table.sort(settings.list)`:      "main.lua:1: table.sort: bad argument #1 (the table is read-only)",
		`rawset(settings, "name", "x")`:  "main.lua:1: rawset: bad argument #1 (the table is read-only)",
		`setmetatable(settings, {})`:     "main.lua:1: setmetatable: bad argument #1 (the table is read-only)",
	} {
		w := load(t, "function f() "+statement+" end function g() return settings.name .. settings.inner.depth .. table.concat(settings.list) end", settings)
		if got := w.run("f").fails(t, CauseScript).Message; got != want {
			t.Errorf("%s raised %q, want %q", statement, got, want)
		}
		w.run("g").want(t, "office2cab")
	}
}

func TestMetatableThatOnlyClaimsToBeReadOnlyIsHarmless(t *testing.T) {
	t.Parallel()
	load(t, `
		local claims = setmetatable({ own = 1 }, { __metatable = "read-only", __index = function() return 2 end })
		function f() claims.own = 3; return claims.own, claims.other end`).run("f").want(t, "3", "2")
}
