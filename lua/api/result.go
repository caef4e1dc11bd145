package api

import (
	"strings"

	lua "github.com/yuin/gopher-lua"

	"github.com/sipscript/sipscript/engine"
	"github.com/sipscript/sipscript/engine/call"
	"github.com/sipscript/sipscript/engine/proxy"
	"github.com/sipscript/sipscript/lua/rt"
	"github.com/sipscript/sipscript/sip"
)

// result is what proxy returns.
type result struct {
	proxy.Result
	of   *engine.Request // which alone it can answer: its response bears that one's Via and tags
	call *call.Call      // the caller's side of the conversation that it has brought, of b2bua
}

func newResultType() *rt.Type {
	return &rt.Type{
		Name: "result",
		Doc:  "How a proxied request ended.",
		Fields: []rt.Field{
			resultField("code", "integer", "status of the best response", func(_ *lua.LState, r *result) lua.LValue { return lua.LNumber(r.Code) }),
			resultField("reason", "string", "its reason phrase", func(_ *lua.LState, r *result) lua.LValue { return lua.LString(strings.Clone(r.Reason)) }),
			resultField("cause", "string", "`answered` (2xx), `busy` (486, 600), `no_answer` (it rang, then 408 or the time was up), `unavailable` (480, or no targets), `rejected` (403, 603, other 4xx and 6xx), `not_found` (404, 410, 484, 604), `redirected` (3xx), `challenged` (401, 407), `failed` (5xx, transport error, no response), `canceled`",
				func(_ *lua.LState, r *result) lua.LValue { return lua.LString(r.Cause) }),
			resultField("q850", "integer?", "the Q.850 cause number of the Reason header field (RFC 3326)", func(_ *lua.LState, r *result) lua.LValue {
				if r.Q850 == 0 {
					return lua.LNil
				}
				return lua.LNumber(r.Q850)
			}),
			resultField("rang", "boolean", "whether a target sent 180 to 199", func(_ *lua.LState, r *result) lua.LValue { return lua.LBool(r.Rang) }),
			resultField("reply", "reply?", "the best response, nil when it was made here (408, 480, 503); to be read before the handler ends", func(L *lua.LState, r *result) lua.LValue {
				if r.Reply == nil {
					return lua.LNil
				}
				r.Reply.Keep() // the script may hold it, or a string of it
				return rt.VMOf(L).NewObject(scriptOf(L).types.reply, &response{m: r.Reply, over: true})
			}),
			resultField("target", "any", "whose response it is, as it was given to `proxy`", func(L *lua.LState, r *result) lua.LValue { return targetValue(rt.VMOf(L), r.Target) }),
			resultField("call", "handle?", "of `b2bua`: the caller's side of the conversation", func(L *lua.LState, r *result) lua.LValue {
				if r.call == nil {
					return lua.LNil
				}
				return scriptOf(L).newHandle(engine.StandingLeg(r.call.Snapshot()))
			}),
			resultField("branches", "{target: any, code: integer, reason: string, cause: string}[]", "how each target's own attempt ended, in the order of the ends", func(L *lua.LState, r *result) lua.LValue {
				list := L.NewTable()
				for i := range r.Branches {
					b, t := &r.Branches[i], L.CreateTable(0, 4)
					t.RawSetString("target", targetValue(rt.VMOf(L), b.Target))
					t.RawSetString("code", lua.LNumber(b.Code))
					t.RawSetString("reason", lua.LString(strings.Clone(b.Reason)))
					t.RawSetString("cause", lua.LString(b.Cause))
					list.Append(t)
				}
				return list
			}),
		},
	}
}

func resultField(name, typ, doc string, get func(*lua.LState, *result) lua.LValue) rt.Field {
	return rt.Field{Name: name, Type: typ, Doc: doc, Get: func(L *lua.LState, o any) lua.LValue { return get(L, o.(*result)) }}
}

// response is a response in a script: in on_reply it can be edited.
type response struct {
	m    *sip.Message
	over bool
}

func (o *response) message() *sip.Message { return o.m }

func (o *response) readable(*lua.LState) {}

func (o *response) writable(L *lua.LState) {
	if o.over {
		rt.Raisef(L, "a response can be edited in on_reply only")
	}
}

func newReplyType() *rt.Type {
	return &rt.Type{
		Name: "reply",
		Doc:  "A response. In `on_reply` its header fields can be edited.",
		Fields: []rt.Field{
			{Name: "code", Type: "integer", Doc: "its status", Get: func(_ *lua.LState, o any) lua.LValue { return lua.LNumber(o.(*response).m.Status()) }},
			{Name: "reason", Type: "string", Doc: "its reason phrase", Get: func(_ *lua.LState, o any) lua.LValue { return lua.LString(o.(*response).m.Reason()) }},
			{Name: "body", Type: "string", Doc: "its body", Get: func(_ *lua.LState, o any) lua.LValue { return lua.LString(o.(*response).m.Body()) }},
		},
		Methods: headerMethods[*response]("reply"),
	}
}

// branch is what one branch of a fork is about to send.
type branch struct {
	m    *sip.Message
	over bool // it has been sent, and its memory will be another message
}

func (o *branch) message() *sip.Message { return o.m }

func (o *branch) readable(L *lua.LState) {
	if o.over {
		rt.Raisef(L, "a branch can be used in on_branch only")
	}
}

func (o *branch) writable(L *lua.LState) { o.readable(L) }

func newBranchType() *rt.Type {
	return &rt.Type{
		Name: "branch",
		Doc:  "What one branch of a fork is about to send. It can be used in `on_branch` only.",
		Fields: []rt.Field{{
			Name: "uri", Type: "uri", Doc: "the request URI of this branch; its parts are writable too",
			Get: func(L *lua.LState, o any) lua.LValue {
				b := o.(*branch)
				b.readable(L)
				u, err := b.m.URI()
				if err != nil {
					return lua.LNil
				}
				return newURI(rt.VMOf(L), *u, func(L *lua.LState, text string) {
					b.writable(L)
					b.m.SetURI(text)
				})
			},
			Set: func(L *lua.LState, o any, v lua.LValue) {
				b := o.(*branch)
				b.writable(L)
				b.m.SetURI(uriValue(L, v))
			},
		}},
		Methods: headerMethods[*branch]("branch"),
	}
}
