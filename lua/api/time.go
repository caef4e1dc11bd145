package api

import (
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/sipscript/sipscript/lua/rt"
)

func timeModule() rt.Module {
	return rt.Module{
		Name: "time",
		Doc:  "The clock.",
		Functions: []rt.Function{{
			Name: "now", Signature: "() → seconds", Doc: "Seconds since 1970, with their fraction.",
			Fn: func(L *lua.LState) int {
				L.Push(lua.LNumber(float64(time.Now().UnixMicro()) / 1e6))
				return 1
			},
		}},
	}
}

// globalModule holds what is no module's: sleep, and the table config.
func globalModule() rt.Module {
	return rt.Module{
		Functions: []rt.Function{{
			Name: "sleep", Signature: "(seconds)", Waits: true, Fn: sleep, Doc: "Waits. Other calls go on meanwhile.",
		}},
		Setup: func(vm *rt.VM, globals *lua.LTable) {
			globals.RawSetString("config", fromGo(vm.State(), configOf(vm)))
		},
	}
}

func configOf(vm *rt.VM) map[string]any {
	c := vm.Env().(*Script).Config
	if c == nil {
		c = map[string]any{}
	}
	return c
}

func sleep(L *lua.LState) int {
	d := rt.CheckSeconds(L, 1)
	_, err := rt.Await(L, func(resume func(struct{})) func() {
		return rt.VMOf(L).Loop().After(d, func() { resume(struct{}{}) })
	})
	if err != nil {
		rt.Raise(L, err)
	}
	return 0
}
