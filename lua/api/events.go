package api

import (
	"slices"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/sipscript/sipscript/engine"
	"github.com/sipscript/sipscript/engine/call"
	"github.com/sipscript/sipscript/lua/rt"
)

// Names of events. Those that begin with app. are the script's own.
const (
	eventHangup = "hangup"
	eventDigit  = "dtmf"
	appPrefix   = "app."
)

var eventNames = []string{eventDigit, eventHangup, "hold", "unhold", "info", "message", "transfer", "media_timeout"}

const (
	allDigits = "0123456789*#ABCD"
	// mostKept bounds the digits that are typed ahead, the events of the script's own that nobody has taken yet, and those that
	// wait for a handler: a peer may send any number.
	mostKept = 256
)

// event is something that has happened to a call.
type event struct {
	name  string
	digit string
	kind  string // content type
	data  any    // plain
}

// events are who wants to know what happens to a call, and what nobody has taken yet.
type events struct {
	kept     []event // digits and the script's own, in order
	waits    []*eventWait
	handlers map[string]*lua.LFunction
	run      *rt.Run // whose tasks the handlers are
	backlog  []event // for handlers, while one runs
	busy     bool
	keys     func(digit string)
	claims   []*claim
}

// eventWait is a call:wait.
type eventWait struct {
	names  []string
	resume func(event)
}

// happened takes an event of the engine.
func (o *leg) happened(ev call.Event) {
	e := event{name: ev.Kind.String()}
	switch ev.Kind {
	case call.Digit:
		e.digit = ev.Digit
	case call.Info, call.Message:
		e.kind, e.data = ev.Type, string(ev.Body)
	case call.Ended:
		o.ended(e)
		return
	case call.LegEnded:
		return // it has events of its own
	}
	o.events.take(e)
}

// ended is the end of the call. A wait for it is a normal end of that; a handler of it has begun before the script's wait
// raises.
func (o *leg) ended(e event) {
	awaited := slices.ContainsFunc(o.events.waits, func(w *eventWait) bool { return slices.Contains(w.names, e.name) })
	if !awaited {
		o.events.take(e)
	}
	o.callerGone()
	if awaited {
		o.events.take(e)
	}
	waits := o.events.waits
	o.events.waits = nil
	for _, w := range waits {
		w.resume(event{})
	}
	for _, c := range slices.Clone(o.events.claims) {
		if c.gone != nil {
			c.gone()
		}
	}
}

// take gives a digit to what listens to the call, an event to who waits for it, else to the keys of a conversation, else to a handler, and else keeps it if
// it is a digit or one of the script's own.
func (q *events) take(e event) {
	if e.name == eventDigit && q.claimed(e.digit) {
		return
	}
	for i, w := range q.waits {
		if slices.Contains(w.names, e.name) {
			q.waits = slices.Delete(q.waits, i, i+1)
			w.resume(e)
			return
		}
	}
	switch {
	case e.name == eventDigit && q.keys != nil:
		q.keys(e.digit)
	case q.handlers[e.name] != nil:
		if len(q.backlog) < mostKept || e.name == eventHangup {
			q.backlog = append(q.backlog, e)
		}
		q.handle()
	case (e.name == eventDigit || strings.HasPrefix(e.name, appPrefix)) && len(q.kept) < mostKept:
		q.kept = append(q.kept, e)
	}
}

// handle calls the handlers of what has happened, one after the other.
func (q *events) handle() {
	if q.busy || len(q.backlog) == 0 {
		return
	}
	e := q.backlog[0]
	q.backlog = q.backlog[1:]
	fn := q.handlers[e.name]
	if fn == nil || q.run.Ended() {
		q.handle()
		return
	}
	q.busy = true
	q.run.Spawn(q.run.Name()+"/on "+e.name, fn, []lua.LValue{e.table(q.run.VM().State())}, func(t *rt.Run, _ []lua.LValue, err error) {
		q.busy = false
		t.Escalate(err)
		q.handle()
	})
}

func (e *event) table(L *lua.LState) *lua.LTable {
	t := L.CreateTable(0, 4)
	t.RawSetString("name", lua.LString(e.name))
	for _, f := range [...]struct{ name, value string }{{"digit", e.digit}, {"content_type", e.kind}} {
		if f.value != "" {
			t.RawSetString(f.name, lua.LString(f.value))
		}
	}
	if e.data != nil {
		t.RawSetString("data", fromGo(L, e.data))
	}
	return t
}

func eventMethods() []rt.Function {
	const eventType = "{name: string, digit?: string, data?: any, content_type?: string}"
	return []rt.Function{
		{Name: "wait", Signature: "(events: string|string[], timeout?: number) → event: " + eventType + "?, err: error?", Waits: true, Fn: waitEvent,
			Doc: "Waits for an event: `dtmf`, `hangup`, `hold`, `unhold`, `info`, `message`, `transfer`, `media_timeout`, or `app.` and a name of the script's own, which `call:send` sends. Digits that were typed ahead and the script's own events wait until somebody takes them. Returns nil and an error with cause `timeout` after so many seconds."},
		{Name: "on", Signature: "(event: string, fn?: fun(event: " + eventType + "))", Phases: rt.MayWait, Fn: onEvent,
			Doc: "Calls `fn(event)` for each event of this name that no `wait` takes, as a task of the handler, one after the other. Without a function that ends."},
		{Name: "send", Signature: "(name: string, data?: any) → boolean", Fn: func(L *lua.LState) int {
			o := checkCall(L, 1)
			e := checkOwnEvent(L)
			if o.over() {
				return rt.Fail(L, causeGone, "the call is over", 0)
			}
			o.events.take(e)
			L.Push(lua.LTrue)
			return 1
		}, Doc: "Makes an event of the script's own happen to the call: `app.` and a name, with data, which are copied. It is kept until a `wait` or `on` takes it."},
	}
}

func waitEvent(L *lua.LState) int {
	o := checkCall(L, 1)
	names, limit := checkEvents(L, 2), rt.OptSeconds(L, 3, -1)
	if o.over() {
		o.raiseHangup(L)
		return rt.Fail(L, engine.CauseHangup, "the call is over", 0)
	}
	wait := rt.Await[event]
	if slices.Contains(names, eventHangup) {
		wait = rt.AwaitEnd[event]
	}
	timeout := false
	e, err := wait(L, func(resume func(event)) func() {
		if i := slices.IndexFunc(o.events.kept, func(e event) bool { return slices.Contains(names, e.name) }); i >= 0 {
			e := o.events.kept[i]
			o.events.kept = slices.Delete(o.events.kept, i, i+1)
			resume(e)
			return nil
		}
		return o.events.await(rt.VMOf(L).Loop(), names, limit, resume, func() {
			timeout = true
			resume(event{})
		})
	})
	switch {
	case err != nil:
		return rt.Raise(L, err)
	case timeout:
		return rt.Fail(L, rt.CauseTimeout, "nothing has happened in time", 0)
	case e.name == "":
		o.raiseHangup(L)
		return rt.Fail(L, engine.CauseHangup, "the call is over", 0)
	}
	L.Push(e.table(L))
	return 1
}

// await puts resume among those who wait. late is called instead when the limit comes first; a negative one is none.
func (q *events) await(loop rt.Loop, names []string, limit time.Duration, resume func(event), late func()) (undo func()) {
	stop := func() {}
	w := &eventWait{names: names}
	w.resume = func(e event) {
		stop()
		resume(e)
	}
	leave := func() {
		stop()
		q.waits = slices.DeleteFunc(q.waits, func(other *eventWait) bool { return other == w })
	}
	if limit >= 0 {
		stop = loop.After(limit, func() {
			leave()
			late()
		})
	}
	q.waits = append(q.waits, w)
	return leave
}

func onEvent(L *lua.LState) int {
	o, name := checkCall(L, 1), checkEvent(L, 2, L.Get(2))
	q := &o.events
	if L.Get(3) == lua.LNil {
		delete(q.handlers, name)
		return 0
	}
	fn := rt.CheckFunction(L, 3)
	if q.handlers == nil {
		q.handlers = map[string]*lua.LFunction{}
	}
	q.handlers[name], q.run = fn, rt.Current(L).Root()
	q.kept = slices.DeleteFunc(q.kept, func(e event) bool {
		if e.name == name {
			q.backlog = append(q.backlog, e)
		}
		return e.name == name
	})
	q.handle()
	return 0
}

// checkEvents reads argument n as the name of an event or a list of names.
func checkEvents(L *lua.LState, n int) []string {
	t, isTable := rt.Plain(L.Get(n)).(*lua.LTable)
	if !isTable {
		return []string{checkEvent(L, n, L.Get(n))}
	}
	var names []string
	for i := 1; i <= t.Len(); i++ {
		names = append(names, checkEvent(L, n, t.RawGetInt(i)))
	}
	if len(names) == 0 {
		rt.ArgError(L, n, "name of an event expected, got an empty list")
	}
	return names
}

func checkEvent(L *lua.LState, n int, v lua.LValue) string {
	name, ok := v.(lua.LString)
	switch {
	case !ok:
		rt.ArgError(L, n, "name of an event expected, got %s", v.Type())
	case strings.HasPrefix(string(name), appPrefix) && len(name) > len(appPrefix):
	case !contains(eventNames, string(name)):
		rt.ArgError(L, n, "%s", rt.Unknown("event", string(name), eventNames))
	}
	return strings.Clone(string(name))
}

// checkOwnEvent reads arguments 2 and 3 as an event of the script's own.
func checkOwnEvent(L *lua.LState) event {
	name := rt.CheckString(L, 2)
	if !strings.HasPrefix(name, appPrefix) || name == appPrefix {
		rt.ArgError(L, 2, "'%s' is no event of the script's own; their names begin with app.", name)
	}
	return event{name: strings.Clone(name), data: plainValue(L, L.Get(3), 0)}
}
