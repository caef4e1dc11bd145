package api

import (
	"strings"

	lua "github.com/yuin/gopher-lua"

	"github.com/sipscript/sipscript/engine"
	"github.com/sipscript/sipscript/engine/call"
	"github.com/sipscript/sipscript/lua/rt"
	"github.com/sipscript/sipscript/sip"
)

func holdMethods() []rt.Function {
	change := func(what string, do func(c *call.Call, done func(error))) lua.LGFunction {
		return func(L *lua.LState) int {
			o, ok := liveCall(L)
			if !ok {
				return 2
			}
			if !o.answered() {
				rt.Raisef(L, "only a call that was answered can be %s", what)
			}
			return o.agreed(L, asking(L, o, do))
		}
	}
	return []rt.Function{
		{Name: "hold", Signature: "() → boolean?, err: error?", Waits: true, Fn: change("held", (*call.Call).Hold),
			Doc: "Puts the peer on hold by a re-INVITE. Returns true, or nil and an error when the peer refuses."},
		{Name: "unhold", Signature: "() → boolean?, err: error?", Waits: true, Fn: change("taken back", (*call.Call).Unhold), Doc: "Takes that back."},
		{Name: "hangup", Signature: "(cause?: string|integer)", Phases: rt.MayWait, Fn: hangup,
			Doc: "Ends the call: BYE, to both where it is bridged; an unanswered caller gets 480 or the code of the cause (`busy`, `rejected`, …, or a code). Does nothing when it is over."},
	}
}

func (o *leg) answered() bool {
	v := o.view()
	return !v.AnsweredAt.IsZero()
}

// agreed is the end of a function that returns true, or nil and an error.
func (o *leg) agreed(L *lua.LState, err error) int {
	if err != nil {
		return o.fail(L, err)
	}
	L.Push(lua.LTrue)
	return 1
}

func hangup(L *lua.LState) int {
	o := checkCall(L, 1)
	why := checkCause(L, 2)
	if !o.over() {
		o.ours = true
		o.at(func(c *call.Call) { c.Hangup(why) })
	}
	return 0
}

// checkCause reads argument n as why a call is hung up.
func checkCause(L *lua.LState, n int) call.Cause {
	why := call.Cause{By: call.ByServer}
	word, isWord := L.Get(n).(lua.LString)
	isWord = isWord && strings.Trim(string(word), "0123456789") != ""
	switch {
	case L.Get(n) == lua.LNil:
	case isWord:
		words := make([]string, len(refusals))
		for i := range refusals {
			words[i] = refusals[i].cause
		}
		why.Code = codeOf(rt.CheckChoice(L, n, "cause", words))
	default:
		why.Code = checkRefusal(L, n)
	}
	return why
}

func transferMethods() []rt.Function {
	return []rt.Function{
		{Name: "transfer", Signature: "(target: string|uri|address|target) → boolean?, err: error?", Waits: true,
			Doc: "Asks the peer to call somebody else (REFER, RFC 3515). Returns true at its last NOTIFY, or nil and an error.",
			Fn: func(L *lua.LState) int {
				o, ok := transferable(L)
				if !ok {
					return 2
				}
				uri := checkURI(L, 2).String()
				return o.agreed(L, asking(L, o, func(c *call.Call, done func(error)) { c.Transfer(uri, done) }))
			}},
		{Name: "transfer_to", Signature: "(other: call) → boolean?, err: error?", Waits: true,
			Doc: "Asks the peer to take this server's place in its dialog with another call (REFER with Replaces, RFC 3891). Returns true at its last NOTIFY, or nil and an error.",
			Fn: func(L *lua.LState) int {
				o, ok := transferable(L)
				if !ok {
					return 2
				}
				other := checkCall(L, 2)
				if other == o {
					rt.ArgError(L, 2, "a call cannot be transferred to itself")
				}
				return o.agreed(L, asking(L, o, func(c *call.Call, done func(error)) { c.TransferTo(other.c, done) }))
			}},
	}
}

// transferable reads argument 1 as a call that can be transferred.
func transferable(L *lua.LState) (*leg, bool) {
	o, ok := liveCall(L)
	if ok && !o.answered() {
		rt.Raisef(L, "only a call that was answered can be transferred")
	}
	return o, ok
}

func sipOnTransfer(L *lua.LState) int {
	s, fn := scriptOf(L), rt.CheckFunction(L, 1)
	once(L, s.onTransfer == nil, "a handler")
	s.onTransfer = fn
	s.names[fn] = "on_transfer"
	return 0
}

// transferType documents what on_transfer is given.
const transferType = "{by: handle, call?: handle, to: uri, attended: boolean}"

// Transfer implements engine.TransferDecider: a peer wants to send whom it talks with to somebody else.
func (s *Script) Transfer(t *engine.Transfer) bool {
	if s.onTransfer == nil {
		return false
	}
	v := s.vm.State().CreateTable(0, 4)
	v.RawSetString("by", s.newHandle(engine.StandingLeg(t.By.Snapshot())))
	if peer := t.By.Peer(); peer != nil {
		v.RawSetString("call", s.newHandle(engine.StandingLeg(call.Snapshot{ID: peer.ID(), Call: peer})))
	}
	v.RawSetString("to", newURI(s.vm, must(sip.ParseURI(t.Target)), nil))
	v.RawSetString("attended", lua.LBool(t.Attended))
	decide := s.vm.Function("on_transfer", func(L *lua.LState) int {
		L.Push(s.onTransfer)
		L.Push(v)
		L.Call(1, 1)
		if L.Get(-1) != lua.LNil {
			groups, opts := checkTargets(L, L.GetTop()), call.DialOptions{}
			showIdentities(groups, &opts)
			t.Accept(groups, opts)
		}
		return 0
	})
	s.vm.Start("on_transfer", decide, rt.Event, nil, nil, func(r *rt.Run, _ []lua.LValue, err error) {
		code := 603
		if err != nil && !unwound(err) {
			s.failed(r, err)
			code = 500
		}
		t.Refuse(code) // nothing happens if it has been accepted
	})
	return true
}
