package api

import (
	"errors"
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/sipscript/sipscript/engine"
	"github.com/sipscript/sipscript/engine/call"
	"github.com/sipscript/sipscript/engine/cdr"
	"github.com/sipscript/sipscript/engine/ivr"
	"github.com/sipscript/sipscript/lua/rt"
)

// leg is a call in a script: one dialog that ends here. It belongs to the script's shard; the leg itself may live on
// another one, so that it is asked by posts there (at), whose answers come back by posts (home).
type leg struct {
	script *Script
	c      *call.Call
	value  *lua.LUserData
	run    *rt.Run     // whose caller it is: that handler ends with it; nil for a leg that a handler has dialed
	req    *request    // the INVITE that it was made of, or was dialed for; nil: there was none
	record *cdr.Record // of a call that this server has made by itself, or that was dialed for that one; nil: it is another's
	vars   *lua.LTable // where there is no record of either kind

	ours     bool // the script has ended it, and need not be told
	gone     bool // it has ended, and the script was told
	detached bool // it lives in the engine, whatever becomes of the script
	stops    []*stopper
	events   events
	seen     call.Snapshot // of a leg on another shard

	terminator string // that has ended the last gather
}

// stopper ends an operation of a call.
type stopper struct{ stop func() }

// newLeg makes the object of a leg, which is told what happens to it from now on. seen is how the leg was.
func (s *Script) newLeg(c *call.Call, seen call.Snapshot, run *rt.Run, req *request) *leg {
	o := &leg{script: s, c: c, run: run, req: req, seen: seen}
	o.value = s.vm.NewObject(s.types.call, o)
	if o.here() {
		o.record = engine.RecordOf(c)
	}
	o.at(func(c *call.Call) {
		c.Data = o
		c.Events(func(ev call.Event) { o.home(func() { o.happened(ev) }) })
		if c.Over() {
			o.home(func() { o.happened(call.Event{Kind: call.Ended}) }) // on the way here
		}
	})
	return o
}

// view is the leg as it is, or as it was when something was last heard from its shard.
func (o *leg) view() call.Snapshot {
	v := o.seen
	if o.here() {
		v = o.c.Snapshot()
		if o.c.Over() {
			v.State = "over" // whatever it is still joined with for a moment
		}
	}
	return v
}

func (o *leg) bridged() bool {
	v := o.view()
	return stateOf(&v) == "bridged"
}

// here reports whether the leg lives on the script's shard.
func (o *leg) here() bool { return o.c.Here(o.script.loop.Index()) }

// at runs fn on the leg's shard: at once when that is the script's.
func (o *leg) at(fn func(c *call.Call)) {
	if o.here() {
		fn(o.c)
		return
	}
	o.c.On(fn)
}

// home runs fn on the script's shard, from the leg's.
func (o *leg) home(fn func()) {
	if o.here() {
		fn()
		return
	}
	seen := o.c.Snapshot()
	o.script.loop.Post(func() {
		o.seen = seen
		fn()
	})
}

// meet looks at a leg on its shard and tells then on the script's. What was posted to the leg before has reached it by then.
func (s *Script) meet(c *call.Call, then func(seen call.Snapshot)) {
	c.On(func(c *call.Call) {
		seen := c.Snapshot()
		s.loop.Post(func() { then(seen) })
	})
}

// checkCall reads argument n as a call.
func checkCall(L *lua.LState, n int) *leg { return checkObject[*leg](L, n, "call") }

// liveCall reads argument 1 as a call to do something with. A caller who has gone raises; when another leg has, ok is
// false and nil, err have been pushed.
func liveCall(L *lua.LState) (o *leg, ok bool) {
	o = checkCall(L, 1)
	if !o.over() {
		return o, true
	}
	o.raiseHangup(L)
	rt.Fail(L, engine.CauseHangup, "the call is over", o.view().Cause.Code)
	return o, false
}

// over reports whether nobody can talk to the peer any more.
func (o *leg) over() bool {
	v := o.view()
	return o.gone || stateOf(&v) == "over"
}

// raiseHangup raises when the call is that of a caller, whose end is the handler's. o may be nil, which is nobody's call.
func (o *leg) raiseHangup(L *lua.LState) {
	if o != nil && o.run != nil {
		rt.Raise(L, &rt.Error{Cause: engine.CauseHangup, Message: "the caller is gone"})
	}
}

// unanswered reads argument 1 as a caller that has not been answered yet.
func unanswered(L *lua.LState) *leg {
	o := checkCall(L, 1)
	switch v := o.view(); {
	case v.Dialled:
		rt.Raisef(L, "the call was dialed by this server; only a caller can be told that")
	case o.over():
		rt.Raise(L, &rt.Error{Cause: engine.CauseHangup, Message: "the caller is gone"})
	case !v.AnsweredAt.IsZero():
		rt.Raisef(L, "the call has been answered")
	}
	return o
}

// fail turns what an operation of a leg has failed by into what a script sees: wrong use raises, and so does a caller
// who has gone; the rest is nil, err.
func (o *leg) fail(L *lua.LState, err error) int {
	var status *call.StatusError
	switch {
	case errors.Is(err, call.ErrOver):
		o.raiseHangup(L)
		return rt.Fail(L, engine.CauseHangup, "the call is over", 0)
	case errors.Is(err, call.ErrGone):
		return rt.Fail(L, causeGone, "there is no such call any more", 0)
	case errors.As(err, &status):
		return rt.Fail(L, string(causeOf(status.Code)), status.Error(), status.Code)
	case errors.Is(err, call.ErrBusy):
		return rt.Fail(L, causeBusy, err.Error(), 0)
	case errors.Is(err, call.ErrState):
		return rt.Raisef(L, "%s", err.Error())
	}
	return rt.Fail(L, causeFailed, err.Error(), 0)
}

// Causes that only calls have.
const (
	causeGone   = "gone"
	causeBusy   = "busy"
	causeFailed = "failed"
)

// ask starts an operation of a leg and waits for its outcome. start runs on the leg's shard, and so do done and cancel,
// which may be nil and is called when the wait is broken off.
func ask[T any](L *lua.LState, o *leg, wait func(*lua.LState, func(func(T)) func()) (T, error), start func(c *call.Call, done func(T)) (cancel func(cause string))) (T, error) {
	return wait(L, func(resume func(T)) func() {
		var cancel func(string) // the leg's shard alone touches it
		o.at(func(c *call.Call) {
			cancel = start(c, func(v T) { o.home(func() { resume(v) }) })
		})
		run := rt.Current(L)
		return func() {
			cause := run.Unwinding()
			o.at(func(*call.Call) {
				if cancel != nil {
					cancel(cause)
				}
			})
		}
	})
}

// asking is ask for what ends with an error or without.
func asking(L *lua.LState, o *leg, start func(c *call.Call, done func(error))) error {
	failed, err := ask(L, o, rt.Await[error], func(c *call.Call, done func(error)) func(string) {
		start(c, done)
		return nil
	})
	if err != nil {
		rt.Raise(L, err)
	}
	return failed
}

// callerGone is told that the leg is over before anything that ends by it: the handler's wait raises, unless that is a
// normal end for it. What the script has hung up by itself needs no telling.
func (o *leg) callerGone() {
	if o.gone {
		return
	}
	o.gone = true
	if o.run != nil && !o.ours && !o.detached {
		o.run.Unwind(engine.CauseHangup)
	}
}

// Abandon implements rt.Owned: the handler or task that has dialed the leg has ended. A version that is retired by force
// leaves conversations to the engine.
func (o *leg) Abandon(cause string) {
	o.ours = true
	o.giveUp(cause, call.Cause{By: call.ByServer})
}

// giveUp hangs the leg up, unless it lives in the engine: because it was detached, or because it is in a conversation or a conference and
// its version of the script is retired by force.
func (o *leg) giveUp(cause string, why call.Cause) {
	detached := o.detached
	o.at(func(c *call.Call) {
		if detached || cause == engine.CauseRetired && (c.Bridged() || ivr.Meets(c)) {
			c.Data = nil
			c.Events(nil)
			return
		}
		c.Hangup(why)
	})
}

// release leaves the leg to the engine.
func (o *leg) release() {
	o.detached = true
	o.giveUp("", call.Cause{})
}

// handlerEnded ends the call of a caller whose handler has ended. One that has not been answered gets the answer that its
// request does.
func (o *leg) handlerEnded(r *rt.Run, failed bool) {
	if !o.over() && (o.detached || o.answered() || failed) {
		o.ours = true
		o.giveUp(r.Unwinding(), call.Cause{By: call.ByServer, Code: 500})
	}
}

func newCallType() *rt.Type {
	t := &rt.Type{
		Name: "call",
		Doc: "One dialog that ends here (others say leg or channel): the caller's, from `req:accept` or `req:answer`, and each one that `dial` or `sip.originate` brings. It ends with the handler or task that has it; reading it stays valid for ever.\n\n" +
			"When the caller goes, the wait that its handler is in raises an error with cause `hangup`, and so does everything that is done with the call later; where a hang-up is a normal end (`dial`, `b2bua`, `bridge`, `pickup`, `park`, `record`, `conference.join`, `queue.enter`), that returns and only the next operation on the call raises. Leaving the handler by it is no error. When another call goes, operations on it return nil and an error with cause `hangup`.",
		Fields: []rt.Field{
			callField("id", "string", "a name of our own for it, safe in a file name", func(_ *lua.LState, _ *leg, v *call.Snapshot) lua.LValue { return lua.LString(v.ID) }),
			callField("call_id", "string?", "the Call-ID of its dialog", func(_ *lua.LState, _ *leg, v *call.Snapshot) lua.LValue { return textOrNil(v.CallID) }),
			callField("direction", "string", "`in`: it came as an INVITE; `out`: this server has called", func(_ *lua.LState, _ *leg, v *call.Snapshot) lua.LValue { return lua.LString(v.Direction) }),
			callField("state", "string", "`unanswered`, `answered`, `bridged` or `over`", func(_ *lua.LState, _ *leg, v *call.Snapshot) lua.LValue { return stateOf(v) }),
			callField("from", "uri", "who calls", func(L *lua.LState, _ *leg, v *call.Snapshot) lua.LValue { return uriOrNil(L, v.From) }),
			callField("to", "uri", "whom", func(L *lua.LState, _ *leg, v *call.Snapshot) lua.LValue { return uriOrNil(L, v.To) }),
			callField("source", "string?", "where the peer is, as in `udp:192.0.2.10:5060`", func(_ *lua.LState, _ *leg, v *call.Snapshot) lua.LValue { return textOrNil(v.Source) }),
			callField("peer", "string?", "the id of the call that it is bridged with, while it is", func(_ *lua.LState, _ *leg, v *call.Snapshot) lua.LValue { return textOrNil(v.Peer) }),
			callField("answered_at", "number?", "when it was answered, as `time.now` counts", func(_ *lua.LState, _ *leg, v *call.Snapshot) lua.LValue { return answeredAt(v) }),
			callField("duration", "number", "seconds since the answer, to the end where there was one; 0 before", func(_ *lua.LState, _ *leg, v *call.Snapshot) lua.LValue { return durationOf(v) }),
			callField("codec", "string?", "the audio codec that was agreed on", func(_ *lua.LState, _ *leg, v *call.Snapshot) lua.LValue { return textOrNil(v.Codec) }),
			callField("media", mediaFigures, "of what its peer has sent: the share of packets lost, jitter in seconds, estimated quality from 1 to 4.5, packets received", func(L *lua.LState, _ *leg, v *call.Snapshot) lua.LValue { return callMedia(L, v) }),
			{Name: "last_terminator", Type: "string?", Doc: "the digit that has ended the last `gather`, where one has", Get: func(_ *lua.LState, o any) lua.LValue { return textOrNil(o.(*leg).terminator) }},
			{Name: "vars", Type: "table<string, any>", Doc: "values of the script's own that stay with the call: those of the request it was made from, or dialed for", Get: func(L *lua.LState, o any) lua.LValue { return o.(*leg).varsTable(L) }},
		},
	}
	t.Methods = append(t.Methods, acceptMethods()...)
	t.Methods = append(t.Methods, dialMethod(), bridgeMethod(), pickupMethod(), parkMethod(), stopMethod())
	t.Methods = append(t.Methods, holdMethods()...)
	t.Methods = append(t.Methods, transferMethods()...)
	t.Methods = append(t.Methods, eventMethods()...)
	t.Methods = append(t.Methods, sayMethods()...)
	t.Methods = append(t.Methods, playMethod())
	t.Methods = append(t.Methods, speakMethods()...)
	t.Methods = append(t.Methods, gatherMethods()...)
	t.Methods = append(t.Methods, recordMethods()...)
	t.Methods = append(t.Methods, streamMethod())
	return t
}

func callField(name, typ, doc string, get func(*lua.LState, *leg, *call.Snapshot) lua.LValue) rt.Field {
	return rt.Field{Name: name, Type: typ, Doc: doc, Get: func(L *lua.LState, object any) lua.LValue {
		o := object.(*leg)
		v := o.view()
		return get(L, o, &v)
	}}
}

// callStates are the words of the field state.
var callStates = []string{"unanswered", "answered", "bridged", "over"}

func stateOf(v *call.Snapshot) lua.LString {
	switch v.State {
	case "incoming", "calling":
		return "unanswered"
	case "answered", "confirmed":
		return "answered"
	case "bridged":
		return "bridged"
	}
	return "over"
}

func durationOf(v *call.Snapshot) lua.LValue {
	if v.AnsweredAt.IsZero() {
		return lua.LNumber(0)
	}
	end := v.Ended
	if end.IsZero() {
		end = time.Now()
	}
	return lua.LNumber(end.Sub(v.AnsweredAt).Seconds())
}

// mediaFigures documents callMedia.
const mediaFigures = "{loss: number, jitter: number, mos: number?, packets: integer}"

func callMedia(L *lua.LState, v *call.Snapshot) lua.LValue {
	t := L.CreateTable(0, 4)
	t.RawSetString("loss", lua.LNumber(v.Media.Received.Loss()))
	t.RawSetString("jitter", lua.LNumber(v.Media.Received.Jitter.Seconds()))
	t.RawSetString("packets", lua.LNumber(v.Media.Received.Packets))
	if v.Media.MOS > 0 {
		t.RawSetString("mos", lua.LNumber(v.Media.MOS))
	}
	return t
}

func (o *leg) varsTable(L *lua.LState) lua.LValue {
	switch {
	case o.req != nil:
		return varsOf(L, o.req.req.Record())
	case o.record != nil:
		return varsOf(L, o.record)
	case o.vars == nil:
		o.vars = L.NewTable()
	}
	return o.vars
}
