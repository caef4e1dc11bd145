package api

import (
	"strings"

	lua "github.com/yuin/gopher-lua"

	"github.com/sipscript/sipscript/engine/call"
	"github.com/sipscript/sipscript/lua/rt"
)

// slotPrefix begins the name of a slot where a call might stand.
const slotPrefix = "park:"

// kept is how a call was fetched, and how its conversation ended.
type kept struct {
	call.BridgeEnd
	err error
}

func parkMethod() rt.Function {
	options := rt.NewOptionSet(rt.Option{Name: "music", Kind: rt.Any, Type: promptType, Doc: "what the call hears meanwhile; without it that of `call:music`"})
	return rt.Function{
		Name: "park", Signature: "(slot: string, timeout?: number, options?) → {ended_by: string, duration: number}?, err: error?", Options: options, Phases: rt.MayWait, Waits: true,
		Doc: "Puts the call into a slot, from which another call fetches it by `call:pickup(\"park:\" .. slot)`, and waits until their conversation is over; as of `call:bridge`, this call then stays. `ended_by` is `caller` also where it hangs up before anybody came.\n\n" +
			"Returns nil and an error with cause `timeout` when nobody came within so many seconds, `busy` when another call is in the slot.",
		Fn: func(L *lua.LState) int {
			o, ok := unbridged(L)
			if !ok {
				return 2
			}
			slot, limit, opts := checkName(L, 2, "slot"), rt.OptSeconds(L, 3, 0), rt.CheckOptions(L, 4, options)
			music := optionPrompt(L, 4, opts, "music")
			return o.talk(L, func(c *call.Call, done func(kept)) func() {
				return o.script.Engine.Studio.Park(c, slot, music, limit, func(end call.BridgeEnd, err error) { done(kept{end, err}) })
			})
		},
	}
}

// fetch takes the call out of the slot that where names, and talks to it.
func (o *leg) fetch(L *lua.LState, where string) int {
	slot, ok := strings.CutPrefix(where, slotPrefix)
	if !ok || slot == "" {
		rt.ArgError(L, 2, "call, handle or \"park:\" with a slot expected, got %q", where)
	}
	return o.talk(L, func(c *call.Call, done func(kept)) func() {
		return o.script.Engine.Studio.Fetch(c, slot, func(end call.BridgeEnd, err error) { done(kept{end, err}) })
	})
}

// talk waits for the end of what start begins, and pushes how it was.
func (o *leg) talk(L *lua.LState, start func(c *call.Call, done func(kept)) (stop func())) int {
	v, err := linger(L, o, start)
	switch {
	case err != nil:
		return rt.Raise(L, err)
	case v.err != nil:
		return o.outside(L, v.err)
	}
	t := L.CreateTable(0, 2)
	t.RawSetString("ended_by", lua.LString(v.By))
	t.RawSetString("duration", lua.LNumber(v.Duration.Seconds()))
	L.Push(t)
	return 1
}
