package api

import (
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/sipscript/sipscript/engine/location"
	"github.com/sipscript/sipscript/lua/rt"
	"github.com/sipscript/sipscript/sip"
)

func locationModule() rt.Module {
	return rt.Module{
		Name: "location",
		Doc:  "Where users have registered.",
		Functions: []rt.Function{
			{Name: "lookup", Signature: "(aor: string|uri|address) → target[]", Phases: ^rt.Init, Fn: locationLookup,
				Doc: "The contacts of an address of record, best first, for `proxy` or `redirect`; an empty list when there are none. As targets, those of equal q ring together, the others after them."},
			{Name: "known", Signature: "(aor: string|uri|address) → boolean", Phases: ^rt.Init, Fn: locationKnown,
				Doc: "Whether anybody has registered under this address of record lately: tells 480 (not there now) from 404 (unknown)."},
			{Name: "wait", Signature: "(aor: string|uri|address, timeout: number) → target[]?, err: error?", Phases: rt.MayWait, Waits: true, Fn: locationWait,
				Doc: "Waits for the next REGISTER under an address of record, such as that of a phone which has just been woken, and returns the contacts that it brings or renews. Returns nil and an error with cause `timeout` when none has come within so many seconds."},
			{Name: "add", Signature: "(aor: string|uri|address, uri: string|uri, expires?: number) → true?, err: error?", Phases: rt.MayWait, Waits: true, Fn: locationAdd,
				Doc: "Adds or renews a contact by hand, for `expires` seconds (default 3600)."},
			{Name: "remove", Signature: "(aor: string|uri|address, uri?: string|uri|target) → true?, err: error?", Phases: rt.MayWait, Waits: true, Fn: locationRemove,
				Doc: "Removes one contact, or all."},
			{Name: "bindings", Signature: "(aor: string|uri|address) → target[]", Phases: ^rt.Init, Fn: locationLookup,
				Doc: "The same list as `lookup`."},
			{Name: "count", Signature: "() → integer", Phases: ^rt.Init, Fn: locationCount, Doc: "How many contacts are registered."},
			{Name: "each", Signature: "(fn: fun(aor: string, targets: target[]): boolean?)", Phases: ^rt.Init, Fn: locationEach,
				Doc: "Calls `fn(aor, targets)` for each address of record; returning false ends it."},
		},
	}
}

// aorArg is argument n as the key of an address of record.
func aorArg(L *lua.LState, n int) string {
	return scriptOf(L).Engine.Names().AOR(checkURI(L, n))
}

func locationLookup(L *lua.LState) int {
	s := scriptOf(L)
	bindings, _ := s.Engine.Location.Lookup(aorArg(L, 1), time.Now())
	L.Push(targetList(L, bindings))
	return 1
}

func targetList(L *lua.LState, bindings []location.Binding) *lua.LTable {
	s := scriptOf(L)
	list := L.CreateTable(len(bindings), 0)
	for _, b := range bindings {
		list.Append(s.vm.NewObject(s.types.target, newTarget(b)))
	}
	return list
}

func locationKnown(L *lua.LState) int {
	_, known := scriptOf(L).Engine.Location.Lookup(aorArg(L, 1), time.Now())
	L.Push(lua.LBool(known))
	return 1
}

func locationWait(L *lua.LState) int {
	s, aor, limit := scriptOf(L), aorArg(L, 1), rt.CheckSeconds(L, 2)
	phones, err := rt.Await(L, func(resume func([]location.Binding)) func() {
		var forget func()
		stop := s.Engine.AwaitRegistration(aor, func(phones []location.Binding) {
			s.loop.Post(func() {
				forget()
				resume(phones)
			})
		})
		forget = rt.VMOf(L).Loop().After(limit, func() {
			stop()
			resume(nil)
		})
		return func() {
			forget()
			stop()
		}
	})
	if err != nil {
		rt.Raise(L, err)
	}
	if phones == nil {
		return rt.Fail(L, rt.CauseTimeout, "nobody has registered", 0)
	}
	L.Push(targetList(L, phones))
	return 1
}

func locationAdd(L *lua.LState) int {
	aor, contact := aorArg(L, 1), checkURI(L, 2)
	expires := rt.OptSeconds(L, 3, time.Hour)
	now := time.Now()
	added := location.Binding{URI: contact.String(), Q: 1000, Expires: now.Add(expires), Registered: now}
	return update(L, aor, func(old []location.Binding) []location.Binding {
		return append(without(old, contact), added)
	})
}

func locationRemove(L *lua.LState) int {
	aor := aorArg(L, 1)
	if L.Get(2) == lua.LNil {
		return update(L, aor, func([]location.Binding) []location.Binding { return nil })
	}
	contact := checkURI(L, 2)
	return update(L, aor, func(old []location.Binding) []location.Binding { return without(old, contact) })
}

func without(old []location.Binding, contact *sip.URI) []location.Binding {
	var kept []location.Binding
	for _, b := range old {
		if u, err := sip.ParseURI(b.URI); err != nil || !u.Equal(contact) {
			kept = append(kept, b)
		}
	}
	return kept
}

// update changes the bindings of an AOR and waits until that is stored.
func update(L *lua.LState, aor string, apply func([]location.Binding) []location.Binding) int {
	s := scriptOf(L)
	failed, err := rt.AwaitFinish(L, func(resume func(error)) func() {
		s.Engine.Location.Update(location.Update{AOR: aor, Now: time.Now(), Apply: func(old []location.Binding) ([]location.Binding, error) {
			return apply(old), nil
		}}, func(_ location.Result, err error) { s.loop.Post(func() { resume(err) }) })
		return nil
	})
	if err != nil {
		rt.Raise(L, err)
	}
	if failed != nil {
		return rt.Fail(L, "failed", failed.Error(), 0)
	}
	L.Push(lua.LTrue)
	return 1
}

func locationCount(L *lua.LState) int {
	L.Push(lua.LNumber(scriptOf(L).Engine.Location.Count()))
	return 1
}

func locationEach(L *lua.LState) int {
	fn := rt.CheckFunction(L, 1)
	scriptOf(L).Engine.Location.Each(func(aor string, bindings []location.Binding) bool {
		L.Push(fn)
		L.Push(lua.LString(aor))
		L.Push(targetList(L, bindings))
		L.Call(2, 1)
		more := L.Get(-1)
		L.Pop(1)
		return more != lua.LFalse
	})
	return 0
}
