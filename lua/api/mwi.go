package api

import (
	lua "github.com/yuin/gopher-lua"

	"github.com/sipscript/sipscript/engine"
	"github.com/sipscript/sipscript/lua/rt"
)

func mwiModule() rt.Module {
	return rt.Module{
		Name: "mwi",
		Doc:  "The lamp on a phone that says a message is waiting (RFC 3842).",
		Functions: []rt.Function{{
			Name: "set", Signature: "(aor: string|uri|address, new: integer, old?: integer)", Phases: ^rt.Init, Fn: mwiSet,
			Doc: "Says how many messages a user has not heard yet, and how many of those heard are kept. All phones of the address of record are told at once by a NOTIFY that they need not subscribe to, and each again whenever it registers, until this is said anew. It does not wait for them.",
		}},
	}
}

func mwiSet(L *lua.LState) int {
	user := checkURI(L, 1)
	fresh, old := rt.CheckInt(L, 2), rt.OptInt(L, 3, 0)
	if fresh < 0 {
		rt.ArgError(L, 2, "number of messages expected, got %d", fresh)
	}
	if old < 0 {
		rt.ArgError(L, 3, "number of messages expected, got %d", old)
	}
	scriptOf(L).Engine.SetWaiting(user, engine.Waiting{New: fresh, Old: old})
	return 0
}
