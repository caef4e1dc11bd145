package rt

import (
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// osLibrary is what is left of os: the clock, and of the environment what the configuration allows.
func (vm *VM) osLibrary() library {
	return library{
		{"clock", vm.osClock}, {"date", osDate}, {"difftime", osDifftime}, {"getenv", vm.osGetenv}, {"time", osTime},
	}
}

// osClock counts from when the VM was made; it is real, not processor time.
func (vm *VM) osClock(L *lua.LState) int {
	L.Push(lua.LNumber(time.Since(vm.started).Seconds()))
	return 1
}

func osDifftime(L *lua.LState) int {
	L.Push(lua.LNumber(CheckNumber(L, 1) - CheckNumber(L, 2)))
	return 1
}

func (vm *VM) osGetenv(L *lua.LState) int {
	v, ok := vm.cfg.Getenv(CheckString(L, 1))
	if !ok {
		L.Push(lua.LNil)
		return 1
	}
	L.Push(lua.LString(v))
	return 1
}

func osTime(L *lua.LState) int {
	if L.Get(1) == lua.LNil {
		L.Push(lua.LNumber(time.Now().Unix()))
		return 1
	}
	t := CheckTable(L, 1)
	field := func(name string, otherwise int) int {
		f, ok := number(t.RawGetString(name))
		if !ok && otherwise < 0 {
			Raisef(L, "field '%s' missing in date table", name)
		}
		if !ok {
			return otherwise
		}
		return toInt(f)
	}
	at := time.Date(field("year", -1), time.Month(field("month", -1)), field("day", -1),
		field("hour", 12), field("min", 0), field("sec", 0), 0, time.Local)
	L.Push(lua.LNumber(at.Unix()))
	return 1
}

func osDate(L *lua.LState) int {
	format := OptString(L, 1, "%c")
	at := time.Now()
	if L.Get(2) != lua.LNil {
		at = time.Unix(int64(CheckInt(L, 2)), 0)
	}
	format, utc := strings.CutPrefix(format, "!")
	if utc {
		at = at.UTC()
	}
	if strings.HasPrefix(format, "*t") {
		L.Push(dateTable(L, at))
		return 1
	}
	Charge(L, len(format))
	L.Push(lua.LString(strftime(format, at)))
	return 1
}

func dateTable(L *lua.LState, at time.Time) *lua.LTable {
	t := L.CreateTable(0, 9)
	t.RawSetString("year", lua.LNumber(at.Year()))
	t.RawSetString("month", lua.LNumber(at.Month()))
	t.RawSetString("day", lua.LNumber(at.Day()))
	t.RawSetString("hour", lua.LNumber(at.Hour()))
	t.RawSetString("min", lua.LNumber(at.Minute()))
	t.RawSetString("sec", lua.LNumber(at.Second()))
	t.RawSetString("wday", lua.LNumber(at.Weekday()+1))
	t.RawSetString("yday", lua.LNumber(at.YearDay()))
	t.RawSetString("isdst", lua.LBool(at.IsDST()))
	return t
}
