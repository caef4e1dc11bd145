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
			Name: "now", Signature: "() → seconds: number", Doc: "Seconds since 1970, with their fraction.",
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
		Doc:    "What belongs to no module. Of Lua 5.1 itself there is all but `io`, `load`, `loadstring`, `dofile`, `module`, `getfenv`, `setfenv`, `newproxy`, most of `os` and most of `debug`: the guide says more.",
		Values: []rt.Value{{Name: "config", Type: "table", Doc: "The `script` part of the config file, an empty table where there is none. It is read-only."}},
		Functions: []rt.Function{{
			Name: "sleep", Signature: "(seconds: number)", Waits: true, Fn: sleep, Doc: "Waits so long. Where the caller goes meanwhile it raises, and the handler ends.",
		}, deferFunction()},
		Setup: func(vm *rt.VM, globals *lua.LTable) {
			globals.RawSetString("config", vm.ReadOnly(fromGo(vm.State(), configOf(vm)).(*lua.LTable)))
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
