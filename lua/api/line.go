package api

import (
	"strconv"
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/sipscript/sipscript/engine/call"
	"github.com/sipscript/sipscript/engine/ivr"
	"github.com/sipscript/sipscript/engine/proxy"
	"github.com/sipscript/sipscript/lua/rt"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/wheel"
)

// line is the place of a call in a queue: what it hears there, whom it dials, and what its wait ends by. It belongs to the script's shard. Agents are
// dialed and bridged as the script itself would do it, so that all that holds for a call holds here.
type line struct {
	o      *leg
	q      ivr.Queue
	waiter *ivr.Waiter
	run    *rt.Run
	came   time.Time

	ring, every time.Duration
	exits       string
	music       ivr.Prompt
	says        ivr.Prompt     // what is announced, or
	place       bool           // its number, or
	tell        *lua.LFunction // what this says

	pending []turn // that nobody has taken yet
	resume  func(turn)
	cancel  func()       // what is dialed
	sounds  func()       // stops what the call hears; the leg's shard's
	quiet   bool         // nothing more is to be heard
	again   *wheel.Timer // of the next announcement
	teller  *rt.Run      // who makes this one
	undo    []func()
}

// turn is what is to be done next: agents are to be dialed, or the wait is over.
type turn struct {
	agents     []string
	cause      string // "": it is not over
	agent, key string
	waited     time.Duration
}

// begin takes the place.
func (l *line) begin(limit time.Duration) {
	o := l.o
	s := &stopper{stop: func() { l.turn(turn{cause: ivr.ByStopped}) }}
	o.stops = append(o.stops, s)
	l.undo = append(l.undo,
		func() { o.unlist(s) },
		o.events.claim(&claim{digit: l.exit, gone: func() { l.turn(turn{cause: ivr.ByCaller}) }}))
	if limit > 0 {
		t := o.script.loop.After(limit, func() { l.turn(turn{cause: rt.CauseTimeout}) })
		l.undo = append(l.undo, func() { t.Stop() })
	}
	o.hear()
	o.events.ahead(l.exit)
	l.entertain()
	l.q.Enter(l.waiter)
	if l.says != nil || l.place || l.tell != nil {
		l.announce()
	}
}

// leave gives the place up.
func (l *line) leave() {
	l.hush()
	l.q.Leave(l.waiter)
	for _, undo := range l.undo {
		undo()
	}
}

func (l *line) waited() time.Duration { return l.o.script.loop.Wheel().Now().Sub(l.came) }

// ended reports whether the wait is over.
func (l *line) ended() bool {
	for i := range l.pending {
		if l.pending[i].cause != "" {
			return true
		}
	}
	return false
}

// turn is told what is to be done next. The end of the wait ends what is dialed.
func (l *line) turn(t turn) {
	if l.quiet || l.ended() {
		return
	}
	if resume := l.resume; resume != nil {
		l.resume = nil
		resume(t)
		return
	}
	l.pending = append(l.pending, t)
	if t.cause != "" && l.cancel != nil {
		l.cancel()
	}
}

// next waits for what is to be done. The end of the wait comes before all else.
func (l *line) next(L *lua.LState) turn {
	if l.o.over() {
		return turn{cause: ivr.ByCaller}
	}
	for _, t := range l.pending {
		if t.cause != "" {
			return t
		}
	}
	t, err := rt.AwaitEnd(L, func(resume func(turn)) func() {
		if len(l.pending) > 0 {
			t := l.pending[0]
			l.pending = l.pending[1:]
			resume(t)
			return nil
		}
		l.resume = resume
		return func() { l.resume = nil }
	})
	if err != nil {
		rt.Raise(L, err)
	}
	return t
}

// dial rings agents, and returns the call to the one who has answered.
func (l *line) dial(L *lua.LState, agents []string) (*leg, string) {
	o := l.o
	group := o.script.agents(agents)
	if len(group) == 0 {
		return nil, ""
	}
	given, _ := rt.ReadOptions(L.NewTable(), dialOptions())
	opts := o.script.dialOptionsOf(L, given, false)
	opts.Timeout, opts.Early = l.ring, call.EarlyNone
	var cancel func() // the leg's shard's
	l.cancel = func() { o.at(func(*call.Call) { cancel() }) }
	res := o.dial(L, func(c *call.Call, done func(*call.Call, proxy.Result)) func() {
		cancel = c.Dial([]proxy.Group{group}, opts, done)
		return cancel
	})
	l.cancel = nil
	switch {
	case res.leg == nil:
		return nil, ""
	case l.ended(): // at the same time
		hangUp(res.leg)
		return nil, ""
	}
	agent := agents[0]
	if t := res.result.Target; t != nil {
		if uri, ok := t.Value.(lua.LString); ok {
			agent = string(uri)
		}
	}
	return o.adopt(L, &res), agent
}

// agents are the targets of agents: those of this server's own domain are where they have registered.
func (s *Script) agents(uris []string) (group proxy.Group) {
	for _, uri := range uris {
		u, err := sip.ParseURI(uri)
		if err != nil {
			continue
		}
		if !s.Engine.Names().IsLocal(&u) {
			group = append(group, proxy.Target{URI: uri, Value: lua.LString(uri)})
			continue
		}
		bindings, _ := s.Engine.Location.Lookup(s.Engine.Names().AOR(&u), time.Now())
		for _, b := range bindings {
			t := registered(newTarget(b))
			t.Value = lua.LString(uri)
			group = append(group, t)
		}
	}
	return group
}

// bridging joins the call with a leg.
func (o *leg) bridging(leg *leg) func(*call.Call, func(call.BridgeEnd)) func() {
	return func(c *call.Call, done func(call.BridgeEnd)) func() {
		return c.Bridge(leg.c, call.BridgeOptions{}, done)
	}
}

// sound lets the call hear a prompt in the place of what it hears, and then is called when that has ended by itself.
func (l *line) sound(what ivr.Prompt, turns int, then func()) {
	o := l.o
	o.at(func(c *call.Call) {
		l.sounds = o.script.Engine.Studio.Play(c, what, ivr.PlayOptions{Turns: turns}, func(p ivr.Played, err error) {
			if p.By == ivr.ByEnd || err != nil {
				o.home(then)
			}
		})
	})
}

// entertain lets the call hear music.
func (l *line) entertain() {
	if l.music != nil && !l.quiet && !l.o.over() {
		l.sound(l.music, 0, func() {})
	}
}

// hush ends what the call hears, for good.
func (l *line) hush() {
	l.quiet = true
	if l.again != nil {
		l.again.Stop()
	}
	if l.teller != nil {
		l.teller.Unwind(rt.CauseCancel)
	}
	l.o.at(func(*call.Call) {
		if stop := l.sounds; stop != nil {
			l.sounds = nil
			stop()
		}
	})
}

// announce tells the caller where it stands, unless agents ring for it just now, and again after a while.
func (l *line) announce() {
	again := func() {
		if l.every > 0 && !l.quiet {
			l.again = l.o.script.loop.After(l.every, l.announce)
		}
	}
	if l.cancel != nil || l.quiet || l.o.over() {
		again()
		return
	}
	done := func() {
		l.entertain()
		again()
	}
	if l.says != nil {
		l.sound(l.says, 1, done)
		return
	}
	l.q.Position(l.waiter, func(position int) {
		switch {
		case position == 0 || l.quiet:
		case l.tell != nil && !l.run.Ended() && !l.run.Crowded():
			l.teller = l.run.Spawn(l.run.Name()+"/announce", l.tell, []lua.LValue{l.o.value, lua.LNumber(position)}, func(t *rt.Run, _ []lua.LValue, err error) {
				t.Escalate(err)
				l.teller = nil
				done()
			})
		case l.place:
			p, err := ivr.ParsePrompt("say:" + strconv.Itoa(position))
			if err == nil {
				l.sound(p, 1, done)
			}
		}
	})
}
