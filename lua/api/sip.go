package api

import (
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/sipscript/sipscript/lua/rt"
	"github.com/sipscript/sipscript/sip"
)

func sipModule(t *types) rt.Module {
	return rt.Module{
		Name: "sip",
		Doc:  "Handlers of requests, timers, and what this server is called. In the main chunk a script says what it handles; a handler is a function that gets the request.",
		Functions: []rt.Function{
			{Name: "on", Signature: "(method: string, fn: fun(req: request))", Phases: rt.Init, Fn: sipOn,
				Doc: "Calls `fn(req)` for each request of this method outside a dialog. `\"*\"` takes the methods that have no handler of their own. A method without any handler is answered 405.\n\nA stateless proxy also has handlers for `CANCEL` and `ACK`: they get those that belong to nothing that is known here, because the request was forwarded. They may not wait."},
			{Name: "on_indialog", Signature: "(fn: fun(req: request))", Phases: rt.Init, Fn: sipOnInDialog,
				Doc: "Calls `fn(req)` for requests inside a dialog that this server record-routed, the ACK of a 2xx too. They have to be sent on: `req:proxy()`, without targets. Without this handler they follow their route set and no script runs."},
			{Name: "on_end", Signature: "(fn: fun(cdr: cdr))", Phases: rt.Init, Fn: sipOnEnd,
				Doc: "Calls `fn(cdr)` once for each INVITE whose call is over or has failed, however long ago its handler ended, in the newest version of the script; for one that `sip.originate` has sent, too. It may wait. An INVITE that this server has challenged by itself is not told of: it comes again with credentials; nor is one that was forwarded statelessly or dropped."},
			{Name: "count", Signature: "(key: string) → integer", Phases: ^rt.Init, Fn: sipCount,
				Doc: "How many calls count under a key of `req:limit` now, in the whole process."},
			{Name: "on_transfer", Signature: "(fn: fun(t: transfer): targets?)", Phases: rt.Init, Fn: sipOnTransfer,
				Doc: "Calls `fn(t)` when the peer of a call that ends here wants to send whom it talks with to somebody else (REFER, RFC 3515). It returns the targets to dial for `t.to`, or nil to refuse. It may wait. Without this handler only users that are registered here can be transferred to: a transfer must not be a free call."},
			sipOriginateFunction(), sipCallFunction(), sipCallsFunction(),
			{Name: "on_start", Signature: "(fn: fun())", Phases: rt.Init, Fn: sipOnStart,
				Doc: "Calls `fn()` once per process when this version of the script goes live. It may wait; requests are handled meanwhile."},
			{Name: "every", Signature: "(seconds: number, fn: fun())", Phases: rt.Init, Fn: sipEvery,
				Doc: "Calls `fn()` again and again, at least a millisecond apart: once per process, whatever the number of shards, and in the newest version of the script only. While the last call still runs the next is skipped."},
			{Name: "after", Signature: "(seconds: number, fn: fun())", Fn: sipAfter,
				Doc: "Calls `fn()` once, later. From a handler: in this version of the script, on this shard, whether the call still exists or not. In the main chunk: counted from when the version goes live, once per process, and not at all if a newer version has gone live before."},
			{Name: "is_local", Signature: "(uri: string|uri|address|target) → boolean", Phases: ^rt.Init, Fn: sipIsLocal,
				Doc: "Whether a request to `uri` is for this server to decide about: its host is a domain that the server serves, or an address of its own with no port or a port of its own."},
		},
		Shapes: []rt.Shape{
			{Name: "targets", Type: "string|uri|address|target|target_options|(string|uri|address|target|target_options|targets)[]",
				Doc: "Where to send a request: one target or a list of them. The members of a list ring in parallel; registered contacts side by side in the order of their q. With `serial = true` in the list they ring one after the other. A list of lists is a list of groups that are tried in turn."},
			{Name: "transfer", Type: transferType, Doc: "A transfer that is asked for: `by` whom (the call whose peer asks), the `call` that is to be sent, `to` where, and whether it is `attended`: `to` is in a call that is to be replaced."},
			{Name: "cdr", Type: cdrType, Doc: "The record of a call that is over."},
			{Name: "target_options", Keys: targetOptions(), Doc: "A target of which more is said than its URI."},
		},
		Types: []*rt.Type{t.request, t.uri, t.address, t.target, t.result, t.reply, t.branch, t.call, t.handle, t.recording},
		Setup: func(vm *rt.VM, _ *lua.LTable) { setupText(vm) },
	}
}

func sipOn(L *lua.LState) int {
	s, method, fn := scriptOf(L), rt.CheckString(L, 1), rt.CheckFunction(L, 2)
	if method == "*" {
		once(L, s.other == nil, "a handler for \"*\"")
		s.other = fn
		s.names[fn] = "*"
		return 0
	}
	if strings.ContainsFunc(method, notToken) || method == "" {
		rt.ArgError(L, 1, "%q is no method", method)
	}
	if meant := rt.Misspelt(method, knownMethods[:]); meant != "" && meant != method {
		rt.ArgError(L, 1, "unknown method '%s' (did you mean '%s'?)", method, meant)
	}
	switch method {
	case sip.BYE, sip.PRACK, sip.UPDATE:
		rt.ArgError(L, 1, "%s belongs to a dialog; use sip.on_indialog", method)
	}
	once(L, s.handlers[method] == nil, "a handler for "+method)
	s.handlers[method] = fn
	s.names[fn] = method
	return 0
}

// knownMethods are those a slip of the finger is noticed in. Others are good too: an extension may bring any.
var knownMethods = [...]string{
	sip.ACK, sip.BYE, sip.CANCEL, sip.INFO, sip.INVITE, sip.MESSAGE, sip.NOTIFY, sip.OPTIONS, sip.PRACK, sip.PUBLISH, sip.REFER,
	sip.REGISTER, sip.SUBSCRIBE, sip.UPDATE,
}

// once raises when something is registered a second time: the first handler would silently never run.
func once(L *lua.LState, first bool, what string) {
	if !first {
		rt.Raisef(L, "%s is registered already", what)
	}
}

func sipOnInDialog(L *lua.LState) int {
	s, fn := scriptOf(L), rt.CheckFunction(L, 1)
	once(L, s.inDialog == nil, "a handler")
	s.inDialog = fn
	s.names[fn] = "on_indialog"
	return 0
}

func sipOnStart(L *lua.LState) int {
	s, fn := scriptOf(L), rt.CheckFunction(L, 1)
	s.starts = append(s.starts, fn)
	return 0
}

func sipEvery(L *lua.LState) int {
	s, d, fn := scriptOf(L), rt.CheckSeconds(L, 1), rt.CheckFunction(L, 2)
	if d < time.Millisecond {
		rt.ArgError(L, 1, "must be at least 0.001")
	}
	s.ticks = append(s.ticks, tick{period: d, fn: fn})
	return 0
}

func sipAfter(L *lua.LState) int {
	s, d, fn := scriptOf(L), rt.CheckSeconds(L, 1), rt.CheckFunction(L, 2)
	if rt.VMOf(L).Phase() == rt.Init {
		s.ticks = append(s.ticks, tick{period: d, fn: fn, once: true})
	} else {
		s.armLater(d, fn)
	}
	return 0
}

func sipIsLocal(L *lua.LState) int {
	s := scriptOf(L)
	u := checkURI(L, 1)
	L.Push(lua.LBool(s.Engine.Names().IsLocal(u)))
	return 1
}
