package api

import (
	"errors"
	"reflect"

	lua "github.com/yuin/gopher-lua"

	"github.com/sipscript/sipscript/engine/call"
	"github.com/sipscript/sipscript/lua/rt"
	"github.com/sipscript/sipscript/sip"
)

// handle is any call of the server in a script that need not be its own: a copy of its fields, and how to reach it.
type handle struct {
	script *Script
	seen   call.Snapshot
}

func (s *Script) newHandle(seen call.Snapshot) *lua.LUserData {
	return s.vm.NewObject(s.types.handle, &handle{script: s, seen: seen})
}

func newHandleType() *rt.Type {
	return &rt.Type{
		Name: "handle",
		Doc:  "Any call of this server, as it was when it was looked for. What is done with it returns nil and an error with cause `gone` when it is over.",
		Fields: []rt.Field{
			handleField("id", "string", "the call's id", func(_ *lua.LState, v *call.Snapshot) lua.LValue { return lua.LString(v.ID) }),
			handleField("direction", "string", "`in` or `out`", func(_ *lua.LState, v *call.Snapshot) lua.LValue { return lua.LString(v.Direction) }),
			handleField("state", "string", "`unanswered`, `answered`, `bridged` or `over`", func(_ *lua.LState, v *call.Snapshot) lua.LValue { return stateOf(v) }),
			handleField("from", "uri", "who calls", func(L *lua.LState, v *call.Snapshot) lua.LValue { return uriOrNil(L, v.From) }),
			handleField("to", "uri", "whom", func(L *lua.LState, v *call.Snapshot) lua.LValue { return uriOrNil(L, v.To) }),
			handleField("peer", "string?", "the id of the call it was bridged with", func(_ *lua.LState, v *call.Snapshot) lua.LValue { return textOrNil(v.Peer) }),
			handleField("duration", "number", "seconds since its answer", func(_ *lua.LState, v *call.Snapshot) lua.LValue { return durationOf(v) }),
		},
		Methods: []rt.Function{
			{Name: "hangup", Signature: "(cause?: string|integer) → boolean?, err: error?", Waits: true, Doc: "Ends it.",
				Fn: func(L *lua.LState) int {
					why := checkCause(L, 2)
					return reach(L, func(c *call.Call, done func(error)) {
						c.Hangup(why)
						done(nil)
					})
				}},
			{Name: "transfer", Signature: "(target: string|uri|address|target) → boolean?, err: error?", Waits: true, Doc: "Asks its peer to call somebody else.",
				Fn: func(L *lua.LState) int {
					uri := checkURI(L, 2).String()
					return reach(L, func(c *call.Call, done func(error)) { c.Transfer(uri, done) })
				}},
			{Name: "send", Signature: "(name: string, data?: any) → boolean?, err: error?", Waits: true, Doc: "Makes an event of the script's own happen to it, for the handler that has it: see `call:send`.",
				Fn: func(L *lua.LState) int {
					e := checkOwnEvent(L)
					return reach(L, func(c *call.Call, done func(error)) {
						o, ok := c.Data.(*leg)
						if !ok {
							done(call.ErrGone)
							return
						}
						o.home(func() { o.events.take(e) })
						done(nil)
					})
				}},
		},
	}
}

func handleField(name, typ, doc string, get func(*lua.LState, *call.Snapshot) lua.LValue) rt.Field {
	return rt.Field{Name: name, Type: typ, Doc: doc, Get: func(L *lua.LState, o any) lua.LValue { return get(L, &o.(*handle).seen) }}
}

// reach does something with the call of the handle that is argument 1, on its shard, and waits for the outcome.
func reach(L *lua.LState, do func(c *call.Call, done func(error))) int {
	h := checkObject[*handle](L, 1, "handle")
	failed, err := rt.Await(L, func(resume func(error)) func() {
		home := func(err error) { h.script.loop.Post(func() { resume(err) }) }
		h.seen.Call.On(func(c *call.Call) {
			if c.Over() {
				home(call.ErrGone)
				return
			}
			do(c, home)
		})
		return nil
	})
	switch {
	case err != nil:
		return rt.Raise(L, err)
	case failed != nil:
		return failHandle(L, failed)
	}
	L.Push(lua.LTrue)
	return 1
}

// engineCall reads argument n as a call or a handle.
func engineCall(L *lua.LState, n int) *call.Call {
	if o, ok := rt.Object[*leg](L.Get(n)); ok {
		return o.c
	}
	return checkObject[*handle](L, n, "call or handle").seen.Call
}

func sipCallFunction() rt.Function {
	return rt.Function{
		Name: "call", Signature: "(id: string) → handle?", Phases: rt.MayWait, Waits: true,
		Doc: "The call with this id, on whichever shard it is; nil when there is none any more.",
		Fn: func(L *lua.LState) int {
			s, id := scriptOf(L), rt.CheckString(L, 1)
			type found struct {
				seen call.Snapshot
				ok   bool
			}
			f, err := rt.Await(L, func(resume func(found)) func() {
				s.Engine.LookupCall(s.loop, id, func(seen call.Snapshot, ok bool) { resume(found{seen, ok}) })
				return nil
			})
			if err != nil {
				return rt.Raise(L, err)
			}
			if !f.ok {
				L.Push(lua.LNil)
				return 1
			}
			L.Push(s.newHandle(f.seen))
			return 1
		},
	}
}

func sipCallsFunction() rt.Function {
	options := rt.NewOptionSet(
		rt.Option{Name: "state", Kind: rt.String, Choices: callStates[:3], Doc: "only calls in this state"},
		rt.Option{Name: "user", Kind: rt.String, Doc: "only calls from or to this user"},
		rt.Option{Name: "vars", Kind: rt.Table, Type: "table<string, any>", Doc: "only calls whose `vars` have these values"},
	)
	return rt.Function{
		Name: "calls", Signature: "(options?) → handle[]", Options: options, Phases: rt.MayWait, Waits: true,
		Doc: "All calls that end here, on all shards, the oldest first. The two sides of a conversation are two calls.",
		Fn: func(L *lua.LState) int {
			s, opts := scriptOf(L), rt.CheckOptions(L, 1, options)
			state, user := opts.String("state", ""), opts.String("user", "")
			vars := map[string]any{}
			if t := opts.Table("vars"); t != nil {
				t.ForEach(func(k, v lua.LValue) { vars[k.String()] = plainValue(L, v, 0) })
			}
			all, err := rt.Await(L, func(resume func([]call.Snapshot)) func() {
				s.Engine.ListCalls(s.loop, nil, resume)
				return nil
			})
			if err != nil {
				return rt.Raise(L, err)
			}
			list := L.NewTable()
			for _, seen := range all {
				if state != "" && string(stateOf(&seen)) != state || user != "" && !isUser(seen.From, user) && !isUser(seen.To, user) || !hasVars(&seen, vars) {
					continue
				}
				list.Append(s.newHandle(seen))
			}
			L.Push(list)
			return 1
		},
	}
}

func isUser(text, user string) bool {
	u, err := sip.ParseURI(text)
	return err == nil && u.User == user
}

// hasVars reports whether all of want are among a call's vars.
func hasVars(v *call.Snapshot, want map[string]any) bool {
	for name, value := range want {
		if !reflect.DeepEqual(v.Vars[name], value) {
			return false
		}
	}
	return true
}

// failHandle is nil, err: a handle never raises for what has become of its call.
func failHandle(L *lua.LState, err error) int {
	var status *call.StatusError
	switch {
	case errors.Is(err, call.ErrOver), errors.Is(err, call.ErrGone):
		return rt.Fail(L, causeGone, "there is no such call any more", 0)
	case errors.As(err, &status):
		return rt.Fail(L, string(causeOf(status.Code)), status.Error(), status.Code)
	}
	return rt.Fail(L, causeFailed, err.Error(), 0)
}

func uriOrNil(L *lua.LState, text string) lua.LValue {
	u, err := sip.ParseURI(text)
	if err != nil {
		return lua.LNil
	}
	return newURI(rt.VMOf(L), u, nil)
}
