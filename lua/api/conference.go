package api

import (
	"errors"

	lua "github.com/yuin/gopher-lua"

	"github.com/sipscript/sipscript/engine"
	"github.com/sipscript/sipscript/engine/call"
	"github.com/sipscript/sipscript/engine/ivr"
	"github.com/sipscript/sipscript/lua/rt"
)

func conferenceModule() rt.Module {
	join := rt.NewOptionSet(
		rt.Option{Name: "moderator", Kind: rt.Bool, Default: "false", Doc: "the call is one of the room's moderators"},
		rt.Option{Name: "wait_for_moderator", Kind: rt.Bool, Default: "false", Doc: "it waits, and hears `music`, until there is a moderator"},
		rt.Option{Name: "end_with_moderator", Kind: rt.Bool, Default: "false", Doc: "its stay ends when the last moderator leaves; that of a moderator: everybody's"},
		rt.Option{Name: "muted", Kind: rt.Bool, Default: "false", Doc: "nobody hears it"},
		rt.Option{Name: "tones", Kind: rt.Bool, Default: "true", Doc: "two tones tell of its coming and going"},
		rt.Option{Name: "music", Kind: rt.Any, Type: promptType, Doc: "what who is alone hears, and who waits for a moderator"},
		rt.Option{Name: "pin", Kind: rt.String, Doc: "what the caller has given as the PIN of the room, which is that of the first one there"},
		rt.Option{Name: "max", Kind: rt.Integer, Doc: "how many calls may be in the room, with this one"},
		rt.Option{Name: "keys", Kind: rt.Table, Type: "table<string, fun(call: call)>", Doc: "functions by the digits that the call presses, `{[\"*6\"] = fn}`: called as tasks, with the call"},
	)
	record := rt.NewOptionSet(formatOption(), rt.Option{Name: "max_time", Kind: rt.Seconds, Doc: "ends it"})
	return rt.Module{
		Name: "conference",
		Doc:  "Rooms in which any number of calls talk. A room has a name and is there while somebody is in it, whichever shards and scripts' versions its calls are of; whoever knows its name can ask for it, from any handler.\n\nWhere nobody is in the room, or a call is not in it, functions return nil and an error with cause `gone`.",
		Functions: []rt.Function{
			{Name: "join", Signature: "(call: call, room: string, options?) → {ended_by: string, duration: number}?, err: error?", Options: join, Phases: rt.MayWait, Waits: true,
				Doc: "Brings the call into the room and waits until it has left. `ended_by` is `caller` (it has hung up, which is a normal end: the line after `join` runs), `kicked`, `moderator` or `stopped` (by `call:stop`). What plays to the call alone is mixed over what it hears of the room.\n\n" +
					"Returns nil and an error with cause `pin` or `full`. Raises when the call is bridged, or neither answered nor in early media.",
				Fn: func(L *lua.LState) int { return conferenceJoin(L, join) }},
			{Name: "room", Signature: "(call: call|handle) → string?", Phases: rt.MayWait, Waits: true, Fn: conferenceRoom,
				Doc: "The room that a call is in; nil when it is in none. An INVITE with a Join (RFC 3911) names such a call: `req.joins`."},
			{Name: "members", Signature: "(room: string) → {id: string, from: string, moderator: boolean, muted: boolean, waiting: boolean, talking: boolean, joined_at: number}[]", Phases: rt.MayWait, Waits: true, Fn: conferenceMembers,
				Doc: "Who is there, in the order in which they came; an empty list for a room that is not there."},
			{Name: "mute", Signature: "(room: string, member: string|call|handle, on?: boolean) → boolean?, err: error?", Phases: rt.MayWait, Waits: true,
				Doc: "Keeps what a member says from the others; with false no longer. The member is a call, or its `id`.",
				Fn: func(L *lua.LState) int {
					on := L.Get(3) == lua.LNil || lua.LVAsBool(L.Get(3))
					return inRoom(L, func(c ivr.Conference, id string, done func(error)) { c.Mute(id, on, done) })
				}},
			{Name: "kick", Signature: "(room: string, member: string|call|handle) → boolean?, err: error?", Phases: rt.MayWait, Waits: true,
				Doc: "Takes a member out: its `join` returns with `kicked`.",
				Fn: func(L *lua.LState) int {
					return inRoom(L, func(c ivr.Conference, id string, done func(error)) { c.Kick(id, done) })
				}},
			{Name: "play", Signature: "(room: string, what: string|string[]) → {stopped_by: string, played: number}?, err: error?", Phases: rt.MayWait, Waits: true, Fn: conferencePlay,
				Doc: "Plays something to all who are there, as of `call:play`, and waits until it is over. One prompt comes after the other."},
			{Name: "record", Signature: "(room: string, path: string, options?) → recording", Options: record, Phases: rt.MayWait,
				Doc: "Records what is said in the room into a file of the folder `recordings`, until `recording:stop` or until the room is empty; also when the handler ends before.",
				Fn:  func(L *lua.LState) int { return conferenceRecord(L, record) }},
		},
	}
}

// Causes that only places have where calls meet.
const (
	causePin  = "pin"
	causeFull = "full"
)

// linger waits for what ends of itself, a hang-up included, and may last for longer than a version of the script: one that is retired by
// force leaves the call there. start runs on the leg's shard, and so does done.
func linger[T any](L *lua.LState, o *leg, start func(c *call.Call, done func(T)) (stop func())) (T, error) {
	run, s := rt.Current(L), new(stopper)
	defer o.unlist(s)
	return rt.AwaitEnd(L, func(resume func(T)) func() {
		var stop func()
		loose := false // both are the leg's shard's
		o.at(func(c *call.Call) {
			stop = start(c, func(v T) {
				if loose {
					c.Hangup(call.Cause{By: call.ByOther})
					return
				}
				over := c.Over()
				o.home(func() {
					if over {
						o.callerGone()
					}
					resume(v)
				})
			})
		})
		s.stop = func() { o.at(func(*call.Call) { stop() }) }
		o.stops = append(o.stops, s)
		return func() {
			if run.Unwinding() == engine.CauseRetired {
				o.at(func(*call.Call) { loose = true })
				return
			}
			s.stop()
		}
	})
}

// unbridged reads argument 1 as a call that talks to nobody.
func unbridged(L *lua.LState) (*leg, bool) {
	o, ok := liveCall(L)
	if ok && o.bridged() {
		rt.Raisef(L, "the call is bridged already; end that by call:stop first")
	}
	return o, ok
}

func checkName(L *lua.LState, n int, what string) string {
	name := rt.CheckString(L, n)
	if name == "" {
		rt.ArgError(L, n, "name of a %s expected, got an empty string", what)
	}
	return name
}

func conferenceJoin(L *lua.LState, options *rt.OptionSet) int {
	o, ok := unbridged(L)
	if !ok {
		return 2
	}
	room, opts := checkName(L, 2, "room"), rt.CheckOptions(L, 3, options)
	how := ivr.JoinOptions{
		Moderator: opts.Bool("moderator", false), WaitForModerator: opts.Bool("wait_for_moderator", false), EndWithModerator: opts.Bool("end_with_moderator", false),
		Muted: opts.Bool("muted", false), Silent: !opts.Bool("tones", true), Music: optionPrompt(L, 3, opts, "music"), Pin: opts.String("pin", ""), Most: opts.Int("max", 0),
	}
	type stayed struct {
		ivr.Stay
		err error
	}
	k := newKeys(L, opts.Table("keys"))
	defer k.listen(L, o)()
	v, err := linger(L, o, func(c *call.Call, done func(stayed)) func() {
		leave := o.script.Engine.Studio.Join(c, room, how, func(s ivr.Stay, err error) { done(stayed{s, err}) })
		return func() { leave(ivr.ByStopped) }
	})
	switch {
	case err != nil:
		return rt.Raise(L, err)
	case v.err != nil:
		return o.outside(L, v.err)
	}
	t := L.CreateTable(0, 2)
	t.RawSetString("ended_by", lua.LString(v.By))
	t.RawSetString("duration", lua.LNumber(v.Length.Seconds()))
	L.Push(t)
	return 1
}

// outside turns what has kept a call from where others meet into what a script sees. o is nil for what is no call's.
func (o *leg) outside(L *lua.LState, err error) int {
	switch {
	case errors.Is(err, ivr.ErrPin):
		return rt.Fail(L, causePin, err.Error(), 0)
	case errors.Is(err, ivr.ErrFull):
		return rt.Fail(L, causeFull, err.Error(), 0)
	case errors.Is(err, ivr.ErrTaken):
		return rt.Fail(L, causeBusy, err.Error(), 0)
	case errors.Is(err, ivr.ErrLate):
		return rt.Fail(L, rt.CauseTimeout, err.Error(), 0)
	case errors.Is(err, ivr.ErrNoRoom), errors.Is(err, ivr.ErrNoMember), errors.Is(err, ivr.ErrEmpty):
		return rt.Fail(L, causeGone, err.Error(), 0)
	}
	return o.unheard(L, err)
}

func conferenceRoom(L *lua.LState) int {
	s, c := scriptOf(L), engineCall(L, 1)
	if c == nil {
		return 0 // it was proxied
	}
	name, err := rt.Await(L, func(resume func(string)) func() {
		c.On(func(c *call.Call) {
			name := ivr.RoomOf(c)
			s.loop.Post(func() { resume(name) })
		})
		return nil
	})
	if err != nil {
		return rt.Raise(L, err)
	}
	L.Push(textOrNil(name))
	return 1
}

// conferenceOf is the room that is argument 1.
func conferenceOf(L *lua.LState) ivr.Conference {
	s := scriptOf(L)
	return ivr.Conference{Studio: s.Engine.Studio, Name: checkName(L, 1, "room"), Loop: s.loop}
}

// inRoom does something with the member of a room that is argument 2.
func inRoom(L *lua.LState, do func(c ivr.Conference, id string, done func(error))) int {
	c, id := conferenceOf(L), memberID(L, 2)
	failed, err := rt.Await(L, func(resume func(error)) func() {
		do(c, id, resume)
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

// memberID reads argument n as a call, a handle, or the id of one.
func memberID(L *lua.LState, n int) string {
	if id, ok := L.Get(n).(lua.LString); ok {
		return string(id)
	}
	if o, ok := rt.Object[*leg](L.Get(n)); ok {
		return o.c.ID()
	}
	return checkObject[*handle](L, n, "call, handle or id").seen.ID
}

func conferenceMembers(L *lua.LState) int {
	c := conferenceOf(L)
	all, err := rt.Await(L, func(resume func([]ivr.Attendee)) func() {
		c.Members(resume)
		return nil
	})
	if err != nil {
		return rt.Raise(L, err)
	}
	list := L.NewTable()
	for i := range all {
		m := &all[i]
		t := L.CreateTable(0, 7)
		t.RawSetString("id", lua.LString(m.ID))
		t.RawSetString("from", lua.LString(m.From))
		t.RawSetString("moderator", lua.LBool(m.Moderator))
		t.RawSetString("muted", lua.LBool(m.Muted))
		t.RawSetString("waiting", lua.LBool(m.Waiting))
		t.RawSetString("talking", lua.LBool(m.Talking))
		t.RawSetString("joined_at", seconds(m.Since))
		list.Append(t)
	}
	L.Push(list)
	return 1
}

func conferencePlay(L *lua.LState) int {
	c, what := conferenceOf(L), checkPrompt(L, 2)
	p, err := rt.Await(L, func(resume func(played)) func() {
		c.Play(what, func(p ivr.Played, err error) { resume(played{p, err}) })
		return nil
	})
	switch {
	case err != nil:
		return rt.Raise(L, err)
	case p.err != nil:
		var nobody *leg
		return nobody.outside(L, p.err)
	}
	return pushPlayed(L, p.Played, "")
}

func conferenceRecord(L *lua.LState, options *rt.OptionSet) int {
	c, path, opts := conferenceOf(L), checkPath(L, 2), rt.CheckOptions(L, 3, options)
	a := new(taping)
	r := c.Record(path, ivr.RecordOptions{MaxTime: opts.Seconds("max_time", 0), Encoding: encodingOf(opts)}, func(r ivr.Recorded, err error) {
		a.it.set(recorded{r, err})
	})
	a.stop, a.pause = r.Stop, r.Pause
	L.Push(scriptOf(L).vm.NewObject(scriptOf(L).types.recording, a))
	return 1
}
