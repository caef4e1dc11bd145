package api

import (
	lua "github.com/yuin/gopher-lua"

	"github.com/sipscript/sipscript/lua/rt"
)

// types are the kinds of objects that scripts see, one set for each VM.
type types struct{ request, uri, address, target, result, reply, branch, task, call, handle, recording, response *rt.Type }

func newTypes() types {
	return types{
		request: newRequestType(), uri: newURIType(), address: newAddressType(), target: newTargetType(),
		result: newResultType(), reply: newReplyType(), branch: newBranchType(), task: newTaskType(), call: newCallType(), handle: newHandleType(), recording: newRecordingType(), response: newResponseType(),
	}
}

func typesOf(vm *rt.VM) *types { return &vm.Env().(*Script).types }

// checkObject reads argument n as an object for a T, which scripts know by this name.
func checkObject[T any](L *lua.LState, n int, name string) T {
	v, ok := rt.Object[T](L.Get(n))
	if !ok {
		rt.ArgError(L, n, "%s expected, got %s", name, L.Get(n).Type())
	}
	return v
}
