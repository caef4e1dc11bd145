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

func bridgeOptions() *rt.OptionSet {
	return rt.NewOptionSet(
		rt.Option{Name: "max_duration", Kind: rt.Seconds, Doc: "how long the conversation may last: then `ended_by` is `limit`"},
		rt.Option{Name: "dtmf", Kind: rt.String, Choices: []string{"pass", "block"}, Default: `"pass"`, Doc: "whether each hears the digits of the other"},
		rt.Option{Name: "keys", Kind: rt.Table, Type: "table<string, fun(call: call)>", Doc: "functions by the digits that one of the two presses, `{[\"*1\"] = fn}`: called as tasks, with the call whose digits they were"},
		rt.Option{Name: "keep_callee", Kind: rt.Bool, Default: "false", Doc: "the other call is not hung up when the conversation ends"},
		rt.Option{Name: "detach", Kind: rt.Bool, Default: "false", Doc: "returns at once: the pair lives in the engine, whatever becomes of the handler"},
	)
}

func bridgeMethod() rt.Function {
	options := bridgeOptions()
	return rt.Function{
		Name: "bridge", Signature: "(leg: call, options?) → {ended_by: string, duration: number}?, err: error?", Options: options, Phases: rt.MayWait, Waits: true,
		Doc: "Joins two calls and waits until one side ends; answers this one if need be. `ended_by` is `caller`, `callee`, `limit`, `transfer` or `stopped` (by `call:stop`). The other call is hung up then, this one stays. With `detach` it returns true. Raises when the call is bridged already.",
		Fn:  func(L *lua.LState) int { return bridge(L, options) },
	}
}

func bridge(L *lua.LState, options *rt.OptionSet) int {
	o, ok := liveCall(L)
	if !ok {
		return 2
	}
	other, given := checkCall(L, 2), rt.CheckOptions(L, 3, options)
	opts := call.BridgeOptions{
		MaxDuration: given.Seconds("max_duration", 0),
		KeepCallee:  given.Bool("keep_callee", false),
		BlockDigits: given.String("dtmf", "pass") == "block",
	}
	switch {
	case other == o:
		rt.ArgError(L, 2, "a call cannot be bridged with itself")
	case o.bridged():
		rt.Raisef(L, "the call is bridged already; end that by call:stop first")
	case other.over():
		return rt.Fail(L, engine.CauseHangup, "the other call is over", other.view().Cause.Code)
	}
	if given.Bool("detach", false) {
		return o.detach(L, other, opts)
	}
	keys := newKeys(L, given.Table("keys"))
	defer keys.listen(L, o, other)()
	return o.converse(L, other.c, other, func(c *call.Call, done func(call.BridgeEnd)) func() { return c.Bridge(other.c, opts, done) })
}

// converse waits for the end of a conversation with another call that start begins, whose stop ends it. A version that is
// retired by force leaves it to the engine. peer is the other call where the script has it.
func (o *leg) converse(L *lua.LState, other *call.Call, peer *leg, start func(c *call.Call, done func(call.BridgeEnd)) (stop func())) int {
	run := rt.Current(L)
	s := new(stopper)
	end, err := rt.AwaitEnd(L, func(resume func(call.BridgeEnd)) func() {
		var stop func()
		loose := false // both are the leg's shard's
		o.at(func(c *call.Call) {
			stop = start(c, func(end call.BridgeEnd) {
				if loose && end.By != call.EndTransfer {
					c.Hangup(call.Cause{By: call.ByOther})
				}
				over := c.Over()
				o.home(func() {
					if end.By == call.EndTransfer && peer != nil {
						// The other one talks with somebody else by now. It must not end with the handler of the call that has passed it on, and
						// not with that call either, whose BYE may be here before the handler has been told.
						run.Disown(peer)
						peer.release()
					}
					if over {
						o.callerGone()
					}
					o.script.loop.Post(func() { // when the other call has been told
						o.script.meet(other, func(seen call.Snapshot) {
							if peer != nil {
								peer.seen = seen
							}
							resume(end)
						})
					})
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
	o.unlist(s)
	if err != nil {
		rt.Raise(L, err)
	}
	if end.Err != nil {
		return o.fail(L, end.Err)
	}
	t := L.CreateTable(0, 2)
	t.RawSetString("ended_by", lua.LString(end.By))
	t.RawSetString("duration", lua.LNumber(end.Duration.Seconds()))
	L.Push(t)
	return 1
}

// detach joins two calls and leaves them to the engine: when one goes, so does the other.
func (o *leg) detach(L *lua.LState, other *leg, opts call.BridgeOptions) int {
	joined, err := rt.Await(L, func(resume func(error)) func() {
		o.at(func(c *call.Call) {
			told := false
			tell := func(err error) {
				if !told {
					told = true
					o.home(func() { resume(err) })
				}
			}
			c.Bridge(other.c, opts, func(end call.BridgeEnd) {
				tell(end.Err)
				if end.Err == nil && end.By != call.EndTransfer {
					c.Hangup(call.Cause{By: call.ByOther})
				}
			})
			tell(nil)
		})
		return nil
	})
	switch {
	case err != nil:
		rt.Raise(L, err)
	case joined != nil:
		return o.fail(L, joined)
	}
	run := rt.Current(L)
	for _, leg := range []*leg{o, other} {
		run.Disown(leg)
		leg.release()
	}
	L.Push(lua.LTrue)
	return 1
}

func pickupMethod() rt.Function {
	return rt.Function{
		Name: "pickup", Signature: "(other: call|handle|string) → {ended_by: string, duration: number}?, err: error?", Phases: rt.MayWait, Waits: true,
		Doc: "Makes this call the answer to another one's ringing `dial`, or fetches `\"park:701\"`, the call that was parked in that slot; answers this one if need be, and waits until the conversation is over. Returns nil and an error when nothing rings there any more, or nobody is in the slot (`gone`).",
		Fn: func(L *lua.LState) int {
			o, ok := liveCall(L)
			if !ok {
				return 2
			}
			if o.bridged() {
				rt.Raisef(L, "the call is bridged already; end that by call:stop first")
			}
			if where, ok := L.Get(2).(lua.LString); ok {
				return o.fetch(L, string(where))
			}
			other := engineCall(L, 2)
			if other == nil {
				return failProxied(L)
			}
			return o.converse(L, other, nil, func(c *call.Call, done func(call.BridgeEnd)) func() { return c.Pickup(other, done) })
		},
	}
}

func stopMethod() rt.Function {
	return rt.Function{
		Name: "stop", Signature: "()", Phases: rt.MayWait,
		Doc: "Ends what the call is busy with in another task or handler: `bridge`, `pickup`, `park`, `play`, `record`, `stream`, `conference.join` and `queue.enter` return with `stopped`, `gather` with an error of cause `canceled`.",
		Fn: func(L *lua.LState) int {
			o := checkCall(L, 1)
			for _, s := range slices.Clone(o.stops) {
				s.stop()
			}
			return 0
		},
	}
}

// keys are functions that digits call during a conversation.
type keys struct {
	run     *rt.Run
	fns     map[string]*lua.LFunction
	pressed map[*leg]*pressed
}

// pressed are the digits of one party that may become a key.
type pressed struct {
	digits string
	stop   func() // of the time for the next one
}

// keyTime is how long the next digit of a key may take.
const keyTime = 3 * time.Second

// newKeys reads the option keys; nil when it was not given.
func newKeys(L *lua.LState, t *lua.LTable) *keys {
	if t == nil {
		return nil
	}
	k := &keys{run: rt.Current(L), fns: map[string]*lua.LFunction{}, pressed: map[*leg]*pressed{}}
	t.ForEach(func(key, v lua.LValue) {
		fn, ok := v.(*lua.LFunction)
		if name := key.String(); name == "" || strings.Trim(name, allDigits) != "" || !ok {
			rt.ArgError(L, 3, "option 'keys': digits with a function each expected, got %s = %s", name, v.Type())
		}
		k.fns[key.String()] = fn
	})
	return k
}

// listen gives the digits of both parties to the keys until the function it returns is called.
func (k *keys) listen(L *lua.LState, parties ...*leg) (stop func()) {
	if k == nil {
		return func() {}
	}
	loop := rt.VMOf(L).Loop()
	for _, o := range parties {
		k.pressed[o] = &pressed{}
		o.events.keys = func(digit string) { k.press(loop, o, digit) }
	}
	return func() {
		for _, o := range parties {
			o.events.keys = nil
			k.pressed[o].reset("")
		}
	}
}

// press takes a digit. A key that is the beginning of another one is called when the time for the next digit is over.
func (k *keys) press(loop rt.Loop, o *leg, digit string) {
	p := k.pressed[o]
	p.reset(p.digits + digit)
	for p.digits != "" {
		whole, begun := k.fns[p.digits], false
		for name := range k.fns {
			begun = begun || name != p.digits && strings.HasPrefix(name, p.digits)
		}
		switch {
		case begun:
			p.stop = loop.After(keyTime, func() {
				p.reset("")
				k.call(o, whole)
			})
			return
		case whole != nil:
			p.reset("")
			k.call(o, whole)
			return
		}
		p.digits = p.digits[1:]
	}
}

func (k *keys) call(o *leg, fn *lua.LFunction) {
	if fn != nil && !k.run.Ended() && !k.run.Crowded() {
		k.run.Spawn(k.run.Name()+"/keys", fn, []lua.LValue{o.value}, nil)
	}
}

func (p *pressed) reset(digits string) {
	if p.stop != nil {
		p.stop()
		p.stop = nil
	}
	p.digits = digits
}
