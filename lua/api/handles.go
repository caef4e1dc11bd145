package api

import (
	"errors"
	"reflect"

	lua "github.com/yuin/gopher-lua"

	"github.com/sipscript/sipscript/engine"
	"github.com/sipscript/sipscript/engine/call"
	"github.com/sipscript/sipscript/lua/rt"
	"github.com/sipscript/sipscript/sip"
)

// handle is any call of the server in a script that need not be its own: a copy of its fields, and how to reach it.
type handle struct {
	script *Script
	seen   engine.Standing
}

func (s *Script) newHandle(seen engine.Standing) *lua.LUserData {
	return s.vm.NewObject(s.types.handle, &handle{script: s, seen: seen})
}

func newHandleType() *rt.Type {
	return &rt.Type{
		Name: "handle",
		Doc:  "Any call of this server, as it was when it was looked for. What is done with it returns nil and an error with cause `gone` when it is over, and never raises for what has become of it.\n\nA call that was proxied is one where it is followed to its end: because of `on_end`, `vars`, `limit`, a file of call records, or an option of `proxy`. Its parties talk past this server, so that all but `hangup` returns nil and an error with cause `proxied`.",
		Fields: []rt.Field{
			handleField("id", "string", "the call's id", func(_ *lua.LState, v *call.Snapshot) lua.LValue { return lua.LString(v.ID) }),
			handleField("call_id", "string?", "the Call-ID of its dialog", func(_ *lua.LState, v *call.Snapshot) lua.LValue { return textOrNil(v.CallID) }),
			handleField("direction", "string", "`in` or `out`", func(_ *lua.LState, v *call.Snapshot) lua.LValue { return lua.LString(v.Direction) }),
			{Name: "proxied", Type: "boolean", Doc: "whether it was proxied, and does not end here", Get: func(_ *lua.LState, o any) lua.LValue { return lua.LBool(o.(*handle).seen.Proxied()) }},
			handleField("state", "string", "`unanswered`, `answered`, `bridged` or `over`; a proxied call is never `bridged`", func(_ *lua.LState, v *call.Snapshot) lua.LValue { return stateOf(v) }),
			handleField("from", "uri", "who calls", func(L *lua.LState, v *call.Snapshot) lua.LValue { return uriOrNil(L, v.From) }),
			handleField("to", "uri", "whom", func(L *lua.LState, v *call.Snapshot) lua.LValue { return uriOrNil(L, v.To) }),
			handleField("peer", "string?", "the id of the call it was bridged with", func(_ *lua.LState, v *call.Snapshot) lua.LValue { return textOrNil(v.Peer) }),
			handleField("source", "string?", "where its peer is, of a proxied call the caller, as in `udp:192.0.2.10:5060`", func(_ *lua.LState, v *call.Snapshot) lua.LValue { return textOrNil(v.Source) }),
			handleField("answered_at", "number?", "when it was answered, as `time.now` counts", func(_ *lua.LState, v *call.Snapshot) lua.LValue { return answeredAt(v) }),
			handleField("duration", "number", "seconds since its answer", func(_ *lua.LState, v *call.Snapshot) lua.LValue { return durationOf(v) }),
			handleField("codec", "string?", "the audio codec that was agreed on; nil for a proxied call", func(_ *lua.LState, v *call.Snapshot) lua.LValue { return textOrNil(v.Codec) }),
			handleField("media", mediaFigures, "of what its peer has sent, as of a call; of a proxied call what the caller has sent, where its media is relayed", callMedia),
			handleField("vars", "table<string, any>", "a copy of its `vars`", func(L *lua.LState, v *call.Snapshot) lua.LValue { return plainVars(L, v.Vars) }),
		},
		Methods: []rt.Function{
			{Name: "hangup", Signature: "(cause?: string|integer) → boolean?, err: error?", Waits: true, Fn: hangUpHandle,
				Doc: "Ends it: BYE to its peer, of a proxied call to both parties; an unanswered caller gets 480 or the code of the cause, and whoever rings CANCEL."},
			{Name: "transfer", Signature: "(target: string|uri|address|target) → boolean?, err: error?", Waits: true, Doc: "Asks its peer to call somebody else.",
				Fn: func(L *lua.LState) int {
					uri := checkURI(L, 2).String()
					return reach(L, func(c *call.Call, done func(error)) { c.Transfer(uri, done) })
				}},
			playHandleMethod(),
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
	return rt.Field{Name: name, Type: typ, Doc: doc, Get: func(L *lua.LState, o any) lua.LValue { return get(L, &o.(*handle).seen.Snapshot) }}
}

func hangUpHandle(L *lua.LState) int {
	h, why := checkObject[*handle](L, 1, "handle"), checkCause(L, 2)
	failed, err := rt.Await(L, func(resume func(error)) func() {
		h.script.Engine.HangUp(h.script.loop, &h.seen, why, resume)
		return nil
	})
	return reached(L, failed, err)
}

// reach does something with the call of the handle that is argument 1, on its shard, and waits for the outcome.
func reach(L *lua.LState, do func(c *call.Call, done func(error))) int {
	h := checkObject[*handle](L, 1, "handle")
	if h.seen.Proxied() {
		return failProxied(L)
	}
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
	return reached(L, failed, err)
}

// reached is the end of what was done with a handle.
func reached(L *lua.LState, failed, err error) int {
	switch {
	case err != nil:
		return rt.Raise(L, err)
	case failed != nil:
		return failHandle(L, failed)
	}
	L.Push(lua.LTrue)
	return 1
}

// engineCall reads argument n as a call or a handle; nil for that of a proxied call.
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
			return pushFound(L, s, func(then func(engine.Standing, bool)) { s.Engine.LookupCall(s.loop, id, then) })
		},
	}
}

// pushFound waits for what ask brings, and pushes its handle, or nil.
func pushFound(L *lua.LState, s *Script, ask func(then func(engine.Standing, bool))) int {
	type found struct {
		seen engine.Standing
		ok   bool
	}
	f, err := rt.Await(L, func(resume func(found)) func() {
		ask(func(seen engine.Standing, ok bool) { resume(found{seen, ok}) })
		return nil
	})
	if err != nil {
		return rt.Raise(L, err)
	}
	if f.ok {
		L.Push(s.newHandle(f.seen))
	} else {
		L.Push(lua.LNil)
	}
	return 1
}

// getReplaces is the field replaces of a request.
func getReplaces(L *lua.LState, object any) lua.LValue {
	v, ok, err := object.(*request).message().Replaces()
	return namedCall(L, v, ok && err == nil)
}

// getJoins is the field joins: a Join is written as a Replaces is (RFC 3911 §7.1).
func getJoins(L *lua.LState, object any) lua.LValue {
	value, ok := object.(*request).message().Get("Join")
	v, err := sip.ParseReplaces(value)
	return namedCall(L, v, ok && err == nil)
}

// namedCall is the handle of the call whose dialog a header field names, nil where there is none.
func namedCall(L *lua.LState, v sip.ReplacesValue, ok bool) lua.LValue {
	if !ok {
		return lua.LNil
	}
	s := scriptOf(L)
	pushFound(L, s, func(then func(engine.Standing, bool)) { s.Engine.LookupDialog(s.loop, v, then) })
	h := L.Get(-1)
	L.Pop(1)
	return h
}

func sipCallsFunction() rt.Function {
	options := rt.NewOptionSet(
		rt.Option{Name: "state", Kind: rt.String, Choices: callStates[:3], Doc: "only calls in this state"},
		rt.Option{Name: "user", Kind: rt.String, Doc: "only calls from or to this user"},
		rt.Option{Name: "vars", Kind: rt.Table, Type: "table<string, any>", Doc: "only calls whose `vars` have these values"},
	)
	return rt.Function{
		Name: "calls", Signature: "(options?) → handle[]", Options: options, Phases: rt.MayWait, Waits: true,
		Doc: "All calls that end here, on all shards, and those that were proxied and are followed to their end, the oldest first. The two sides of a conversation that ends here are two calls, a proxied one is one.",
		Fn: func(L *lua.LState) int {
			s, opts := scriptOf(L), rt.CheckOptions(L, 1, options)
			state, user := opts.String("state", ""), opts.String("user", "")
			vars := map[string]any{}
			if t := opts.Table("vars"); t != nil {
				t.ForEach(func(k, v lua.LValue) { vars[k.String()] = plainValue(L, v, 0) })
			}
			all, err := rt.Await(L, func(resume func([]engine.Standing)) func() {
				s.Engine.ListCalls(s.loop, resume)
				return nil
			})
			if err != nil {
				return rt.Raise(L, err)
			}
			list := L.NewTable()
			for i := range all {
				v := &all[i].Snapshot
				if state != "" && string(stateOf(v)) != state || user != "" && !isUser(v.From, user) && !isUser(v.To, user) || !hasVars(v, vars) {
					continue
				}
				list.Append(s.newHandle(all[i]))
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

// causeProxied is why nothing but hangup can be done with a call.
const causeProxied = "proxied"

// failProxied is nil, err for what cannot be done with a proxied call.
func failProxied(L *lua.LState) int {
	return rt.Fail(L, causeProxied, "the call was proxied: its parties talk past this server", 0)
}

func answeredAt(v *call.Snapshot) lua.LValue {
	if v.AnsweredAt.IsZero() {
		return lua.LNil
	}
	return seconds(v.AnsweredAt)
}

func plainVars(L *lua.LState, vars map[string]any) lua.LValue {
	if vars == nil {
		return L.NewTable()
	}
	return fromGo(L, vars)
}

func uriOrNil(L *lua.LState, text string) lua.LValue {
	u, err := sip.ParseURI(text)
	if err != nil {
		return lua.LNil
	}
	return newURI(rt.VMOf(L), u, nil)
}
