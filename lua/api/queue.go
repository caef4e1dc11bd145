package api

import (
	"errors"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/sipscript/sipscript/engine/ivr"
	"github.com/sipscript/sipscript/lua/rt"
)

func queueModule() rt.Module {
	enter := rt.NewOptionSet(
		rt.Option{Name: "music", Kind: rt.Any, Type: promptType, Doc: "what the caller hears while it waits; without it that of `call:music`"},
		rt.Option{Name: "announce", Kind: rt.Any, Type: "string|string[]|fun(call: call, position: integer)", Doc: "what the caller is told again and again: a prompt, `\"position\"` for the number of its place, or a function that says it"},
		rt.Option{Name: "every", Kind: rt.Seconds, Default: "30", Doc: "how often"},
		rt.Option{Name: "max_wait", Kind: rt.Seconds, Doc: "ends the wait, with the cause `timeout`"},
		rt.Option{Name: "max", Kind: rt.Integer, Doc: "how many may wait, with this call; one too many has the cause `full`"},
		rt.Option{Name: "exit_keys", Kind: rt.String, Default: `""`, Doc: "digits that end the wait, with the cause `key`"},
		rt.Option{Name: "strategy", Kind: rt.String, Choices: ivr.Strategies(), Default: `"ring_all"`, Doc: "which of the free agents ring: all, one after the other, or the one who has been idle for longest"},
		rt.Option{Name: "ring", Kind: rt.Seconds, Default: "15", Doc: "for how long an agent rings"},
		rt.Option{Name: "wrap_up", Kind: rt.Seconds, Default: "0", Doc: "how long an agent is left alone after the call"},
	)
	return rt.Module{
		Name: "queue",
		Doc:  "Calls that wait for agents. A queue has a name, and is there while calls wait in it or agents have logged in, whichever shards and versions these are of. An agent is an address: one of this server's own is rung where it has registered. An agent who does not answer is left alone for 5 seconds.",
		Functions: []rt.Function{
			{Name: "enter", Signature: "(call: call, queue: string, options?) → {cause: string, waited: number, agent: string?, key: string?, ended_by: string?, duration: number?}", Options: enter, Phases: rt.Handler | rt.Timer | rt.Task | rt.Event, Waits: true,
				Doc: "Has the call wait its turn for an agent, and waits until their talk is over. `cause` is `answered` (then `agent` is who, and `ended_by` and `duration` are as of `call:bridge`), `timeout`, `key`, `empty` (nobody has logged in), `full`, `caller` (it has hung up, which is a normal end: the line after `enter` runs) or `stopped` (by `call:stop`). `waited` is in seconds. Raises when the call is bridged.",
				Fn:  func(L *lua.LState) int { return queueEnter(L, enter) }},
			{Name: "login", Signature: "(queue: string, agent: string|uri|address)", Phases: rt.MayWait, Waits: true, Doc: "Has an agent rung for the calls of the queue, until it logs out; one who is paused is no longer.",
				Fn: func(L *lua.LState) int {
					q, uri := queueOf(L, 1), checkURI(L, 2).String()
					return atDesk(L, func(done func(error)) { q.Login(uri, func() { done(nil) }) })
				}},
			{Name: "logout", Signature: "(queue: string, agent: string|uri|address) → boolean?, err: error?", Phases: rt.MayWait, Waits: true, Doc: "Ends that; a call that the agent has goes on. Returns nil and an error with cause `gone` for one who has not logged in.",
				Fn: func(L *lua.LState) int {
					q, uri := queueOf(L, 1), checkURI(L, 2).String()
					return atDesk(L, func(done func(error)) { q.Logout(uri, done) })
				}},
			{Name: "pause", Signature: "(queue: string, agent: string|uri|address, on?: boolean) → boolean?, err: error?", Phases: rt.MayWait, Waits: true, Doc: "Has an agent not rung for a while; with false again. Returns nil and an error with cause `gone` for one who has not logged in.",
				Fn: func(L *lua.LState) int {
					q, uri, on := queueOf(L, 1), checkURI(L, 2).String(), L.Get(3) == lua.LNil || lua.LVAsBool(L.Get(3))
					return atDesk(L, func(done func(error)) { q.Pause(uri, on, done) })
				}},
			{Name: "status", Signature: "(queue: string) → {waiting: integer, agents: {agent: string, paused: boolean, busy: boolean}[]}", Phases: rt.MayWait, Waits: true, Fn: queueStatus,
				Doc: "How many calls wait, and who has logged in."},
		},
	}
}

// Causes that only queues have.
const (
	causeAnswered = "answered"
	causeKey      = "key"
	causeEmpty    = "empty"
)

// queueOf is the queue that argument n names.
func queueOf(L *lua.LState, n int) ivr.Queue {
	s := scriptOf(L)
	return ivr.Queue{Studio: s.Engine.Studio, Name: checkName(L, n, "queue"), Loop: s.loop}
}

func atDesk(L *lua.LState, do func(done func(error))) int {
	failed, err := rt.Await(L, func(resume func(error)) func() {
		do(resume)
		return nil
	})
	switch {
	case err != nil:
		return rt.Raise(L, err)
	case failed != nil:
		return rt.Fail(L, causeGone, failed.Error(), 0)
	}
	L.Push(lua.LTrue)
	return 1
}

func queueStatus(L *lua.LState) int {
	type status struct {
		waiting int
		agents  []ivr.Desk
	}
	q := queueOf(L, 1)
	v, err := rt.Await(L, func(resume func(status)) func() {
		q.Status(func(waiting int, agents []ivr.Desk) { resume(status{waiting, agents}) })
		return nil
	})
	if err != nil {
		return rt.Raise(L, err)
	}
	list := L.NewTable()
	for _, a := range v.agents {
		t := L.CreateTable(0, 3)
		t.RawSetString("agent", lua.LString(a.Agent))
		t.RawSetString("paused", lua.LBool(a.Paused))
		t.RawSetString("busy", lua.LBool(a.Busy))
		list.Append(t)
	}
	t := L.CreateTable(0, 2)
	t.RawSetString("waiting", lua.LNumber(v.waiting))
	t.RawSetString("agents", list)
	L.Push(t)
	return 1
}

func queueEnter(L *lua.LState, options *rt.OptionSet) int {
	o, ok := unbridged(L)
	if !ok {
		return 2
	}
	q, opts := queueOf(L, 2), rt.CheckOptions(L, 3, options)
	l := &line{
		o: o, q: q, run: rt.Current(L), came: o.script.loop.Wheel().Now(), music: optionPrompt(L, 3, opts, "music"),
		ring: opts.Seconds("ring", 15*time.Second), every: opts.Seconds("every", 30*time.Second), exits: optionDigits(L, 3, opts, "exit_keys", ""),
	}
	l.announcement(L, opts)
	l.waiter = &ivr.Waiter{
		Strategy: ivr.Strategy(opts.String("strategy", string(ivr.RingAll))), WrapUp: opts.Seconds("wrap_up", 0), Most: opts.Int("max", 0),
		Offer: func(agents []string) { q.Loop.Post(func() { l.turn(turn{agents: agents}) }) },
		End:   func(err error) { q.Loop.Post(func() { l.turn(turn{cause: deserted(err)}) }) },
	}
	l.begin(opts.Seconds("max_wait", 0))
	defer l.leave()
	for {
		t := l.next(L)
		if t.cause != "" {
			return l.push(L, L.CreateTable(0, 3), t)
		}
		leg, agent := l.dial(L, t.agents)
		if leg == nil {
			q.Declined(l.waiter)
			continue
		}
		q.Taken(l.waiter, agent)
		l.hush()
		waited := l.waited()
		if n := o.converse(L, leg.c, leg, o.bridging(leg)); n == 1 {
			result := L.Get(-1).(*lua.LTable)
			L.Pop(1)
			return l.push(L, result, turn{cause: causeAnswered, agent: agent, waited: waited})
		}
		l.run.Disown(leg)
		leg.Abandon("")
		return 2
	}
}

func deserted(err error) string {
	if errors.Is(err, ivr.ErrFull) {
		return causeFull
	}
	return causeEmpty
}

// announcement reads the option announce.
func (l *line) announcement(L *lua.LState, opts rt.Options) {
	switch v := opts.Value("announce").(type) {
	case *lua.LFunction:
		l.tell = v
	case lua.LString:
		if l.place = v == "position"; !l.place {
			l.says = optionPrompt(L, 3, opts, "announce")
		}
	default:
		l.says = optionPrompt(L, 3, opts, "announce")
	}
}

// push makes the result.
func (l *line) push(L *lua.LState, result *lua.LTable, t turn) int {
	if t.waited == 0 {
		t.waited = l.waited()
	}
	result.RawSetString("cause", lua.LString(t.cause))
	result.RawSetString("waited", lua.LNumber(t.waited.Seconds()))
	for _, f := range [...]struct{ name, value string }{{"agent", t.agent}, {"key", t.key}} {
		if f.value != "" {
			result.RawSetString(f.name, lua.LString(f.value))
		}
	}
	L.Push(result)
	return 1
}

// exit reports whether a digit ends the wait.
func (l *line) exit(d byte) bool {
	if l.quiet || l.ended() || strings.IndexByte(l.exits, d) < 0 {
		return false
	}
	l.turn(turn{cause: causeKey, key: string(d)})
	return true
}
