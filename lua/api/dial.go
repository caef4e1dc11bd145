package api

import (
	"slices"

	lua "github.com/yuin/gopher-lua"

	"github.com/sipscript/sipscript/engine"
	"github.com/sipscript/sipscript/engine/call"
	"github.com/sipscript/sipscript/engine/proxy"
	"github.com/sipscript/sipscript/lua/rt"
	"github.com/sipscript/sipscript/sip"
)

// dialOptions are those of proxy that mean something where this server calls by itself, and those of the call that is
// made. but names what a kind of dialing has no use for.
func dialOptions(but ...string) *rt.OptionSet {
	var list []rt.Option
	for _, o := range append(proxyOptions().List, legOptions()...) {
		if o.Name != "record_route" && !contains(but, o.Name) && !listsOption(list, o.Name) {
			list = append(list, o)
		}
	}
	if !contains(but, "early_media") {
		list = append(list, rt.Option{Name: "early_media", Kind: rt.String, Choices: []string{"pass", "last", "ringback", "none"}, Default: `"pass"`,
			Doc: "what an unanswered caller hears: what the callee sends, of several the first or the last that sends something; its own ringing tone; nothing"})
	}
	return rt.NewOptionSet(list...)
}

func listsOption(list []rt.Option, name string) bool {
	for i := range list {
		if list[i].Name == name {
			return true
		}
	}
	return false
}

// dialOptionsOf reads them.
func (s *Script) dialOptionsOf(L *lua.LState, opts rt.Options, early bool) call.DialOptions {
	out := call.DialOptions{Options: (&request{script: s}).options(L, opts), Leg: legOptionsOf(L, opts)}
	if out.OnBranch != nil || out.OnReply != nil {
		out.At = s.loop // they are functions of this VM
	}
	if early {
		switch opts.String("early_media", "pass") {
		case "last":
			out.Early = call.EarlyLast
		case "ringback":
			out.Early = call.EarlyRingback
		case "none":
			out.Early = call.EarlyNone
		}
	}
	return out
}

// showIdentities lets each branch of a dial show the identity that its target was given.
func showIdentities(groups []proxy.Group, o *call.DialOptions) {
	given := func(t proxy.Target) bool { return t.Identity != nil }
	if !slices.ContainsFunc(groups, func(g proxy.Group) bool { return slices.ContainsFunc(g, given) }) {
		return
	}
	edit := o.OnBranch
	o.OnBranch = func(m *sip.Message, t *proxy.Target) error {
		if t.Identity != nil {
			t.Identity.Show(m)
		}
		if edit != nil {
			return edit(m, t)
		}
		return nil
	}
}

// dialed is how dialing has ended.
type dialed struct {
	leg    *call.Call // nil: nobody has answered
	seen   call.Snapshot
	result proxy.Result
}

func dialMethod() rt.Function {
	options := dialOptions("max_duration")
	return rt.Function{
		Name: "dial", Signature: "(targets: targets, options?) → leg: call?, result: result?", Options: options, Phases: rt.Handler | rt.Timer | rt.Task | rt.Event, Waits: true,
		Doc: "Calls targets for this call and waits for the answer: a new INVITE, which has nothing of the caller's but what may cross. Returns the call to who has answered, or nil and the result. 18x pass to an unanswered caller, as `early_media` says. Several may run at once (`task.any`). The leg ends with the handler or task that has dialed it, unless a task returns it.",
		Fn: func(L *lua.LState) int {
			o, ok := liveCall(L)
			if !ok {
				return 2
			}
			groups, opts := checkTargets(L, 2), o.script.dialOptionsOf(L, rt.CheckOptions(L, 3, options), true)
			showIdentities(groups, &opts)
			res := o.dial(L, func(c *call.Call, done func(*call.Call, proxy.Result)) func() {
				return c.Dial(groups, opts, done)
			})
			if res.leg != nil {
				L.Push(o.adopt(L, &res).value)
				return 1
			}
			L.Push(lua.LNil)
			L.Push(o.script.newResult(&res.result, nil))
			return 2
		},
	}
}

// dial waits for what start dials, whose cancel ends it.
func (o *leg) dial(L *lua.LState, start func(c *call.Call, done func(*call.Call, proxy.Result)) (cancel func())) dialed {
	torn := false
	res, err := rt.AwaitEnd(L, func(resume func(dialed)) func() {
		var cancel func()
		o.at(func(c *call.Call) {
			cancel = start(c, func(leg *call.Call, res proxy.Result) {
				over := c.Over()
				o.home(func() {
					if over {
						o.callerGone()
					}
					o.script.dialed(leg, res, &torn, resume)
				})
			})
		})
		return func() {
			torn = true
			o.at(func(*call.Call) {
				if cancel != nil {
					cancel()
				}
			})
		}
	})
	if err != nil {
		rt.Raise(L, err)
	}
	return res
}

// dialed resumes with what dialing has brought. A leg that comes when nobody waits for it any more is hung up.
func (s *Script) dialed(leg *call.Call, res proxy.Result, torn *bool, resume func(dialed)) {
	if leg == nil {
		resume(dialed{result: res})
		return
	}
	s.meet(leg, func(seen call.Snapshot) {
		if *torn {
			hangUp(leg)
			return
		}
		resume(dialed{leg: leg, seen: seen, result: res})
	})
}

func hangUp(c *call.Call) {
	c.On(func(c *call.Call) { c.Hangup(call.Cause{By: call.ByServer}) })
}

// adopt makes a leg that was dialed for o one of the run that executes.
func (o *leg) adopt(L *lua.LState, d *dialed) *leg {
	leg := o.script.newLeg(d.leg, d.seen, nil, o.req)
	leg.record = o.record
	rt.Current(L).Own(leg)
	return leg
}

// newResult makes a script's object of a result. It can answer of, which may be nil.
func (s *Script) newResult(res *proxy.Result, of *engine.Request) *lua.LUserData {
	if res.Reply != nil {
		res.Reply.Keep()
	}
	return s.vm.NewObject(s.types.result, &result{Result: *res, of: of})
}

func b2buaMethod() rt.Function {
	options := dialOptions()
	options.List = append(options.List, rt.Option{Name: "replaces", Kind: rt.Bool, Default: "false",
		Doc: "an INVITE with Replaces (RFC 3891) may take the place of the call that it names, although `auth.require` has not found out who sends it: for senders that the script knows by other means. Without it such an INVITE gets 403"})
	return rt.Function{
		Name: "b2bua", Signature: "(targets: targets, options?) → result", Options: options, Phases: rt.Handler | rt.Task, Waits: true,
		Doc: "`proxy` with two dialogs: calls the targets by itself and joins the caller with who answers. Returns at the final response; the pair then lives in the engine, without the script, and `result.call` is the caller's side of it. A negative response goes to the caller when the handler ends, or by `req:reply(result)`.",
		Fn: func(L *lua.LState) int {
			o := checkRequest(L, 1)
			o.untaken(L)
			groups, given := checkTargets(L, 2), rt.CheckOptions(L, 3, options)
			opts := o.script.dialOptionsOf(L, given, true)
			opts.MaxDuration = given.Seconds("max_duration", 0)
			opts.Replaces = given.Bool("replaces", false)
			showIdentities(groups, &opts)
			o.message() // the call refers to it
			var refusal error
			var caller *call.Call
			res, err := rt.AwaitEnd(L, func(resume func(proxy.Result)) func() {
				cancel, err := o.req.B2BUA(groups, opts, func(res proxy.Result, c *call.Call) {
					caller = c
					resume(res)
				})
				if err != nil {
					refusal = err
					resume(proxy.Result{})
				}
				run := rt.Current(L)
				return func() {
					if cancel != nil && run.Unwinding() != engine.CauseRetired {
						cancel()
					}
				}
			})
			if refusal != nil {
				refused(L, refusal)
			}
			if err != nil {
				rt.Raise(L, err)
			}
			v := o.script.newResult(&res, o.req)
			o.last = v.Value.(*result)
			o.last.call = caller
			L.Push(v)
			return 1
		},
	}
}

func sipOriginateFunction() rt.Function {
	options := dialOptions("early_media")
	options.List = append(options.List,
		rt.Option{Name: "vars", Kind: rt.Table, Type: "table<string, any>", Doc: "the call's `vars` from the beginning: its record has them also when nobody answers"},
		rt.Option{Name: "from", Kind: rt.Any, Type: "string|uri|address", Doc: "who calls, as the callee sees it; if not given, this server"})
	return rt.Function{
		Name: "originate", Signature: "(targets: targets, options?, fn?: fun(call: call)) → call?, result: result?", Options: options, Phases: rt.MayWait, Waits: true,
		Doc: "Calls somebody and waits for the answer. Returns the call, or nil and the result. With `fn` that is the call's handler: it runs by itself, and the call is its caller and ends with it. Without, the call ends with the handler or task that has made it.",
		Fn:  func(L *lua.LState) int { return originate(L, options) },
	}
}

func originate(L *lua.LState, options *rt.OptionSet) int {
	s := scriptOf(L)
	groups := checkTargets(L, 1)
	n := 2
	if _, isFunction := L.Get(2).(*lua.LFunction); !isFunction {
		n = 3
	}
	var given rt.Options
	if n == 3 {
		given = rt.CheckOptions(L, 2, options)
	} else {
		given, _ = rt.ReadOptions(L.NewTable(), options)
	}
	var fn *lua.LFunction
	if L.Get(n) != lua.LNil {
		fn = rt.CheckFunction(L, n)
	}
	opts := s.dialOptionsOf(L, given, false)
	opts.MaxDuration = given.Seconds("max_duration", 0)
	if from := given.Value("from"); from != lua.LNil {
		opts.From = fromValue(L, from)
	}
	if t := given.Table("vars"); t != nil {
		vars, ok := plainValue(L, t, 0).(map[string]any)
		if !ok {
			rt.Raisef(L, "vars: names with values expected, got a list")
		}
		opts.Vars = vars
	}
	showIdentities(groups, &opts)
	torn := false
	res, err := rt.Await(L, func(resume func(dialed)) func() {
		cancel := s.Engine.Originate(s.loop, groups, opts, func(c *call.Call, res proxy.Result) {
			s.dialed(c, res, &torn, resume)
		})
		return func() {
			torn = true
			cancel()
		}
	})
	if err != nil {
		rt.Raise(L, err)
	}
	if res.leg == nil {
		L.Push(lua.LNil)
		L.Push(s.newResult(&res.result, nil))
		return 2
	}
	if fn == nil {
		o := s.newLeg(res.leg, res.seen, nil, nil)
		rt.Current(L).Own(o)
		L.Push(o.value)
		return 1
	}
	L.Push(s.handleCall("originate", &res, fn).value)
	return 1
}

// fromValue is who calls as the value of a From.
func fromValue(L *lua.LState, v lua.LValue) string {
	if ud, ok := v.(*lua.LUserData); ok {
		if a, ok := ud.Value.(*address); ok {
			without := a.Address
			without.Params = without.Params.Without("tag")
			return without.String()
		}
	}
	return "<" + uriValue(L, v) + ">"
}

// handleCall starts a handler whose caller the call is.
func (s *Script) handleCall(name string, d *dialed, fn *lua.LFunction) *leg {
	o := s.newLeg(d.leg, d.seen, nil, nil)
	o.run = s.vm.Start(name, fn, rt.Handler, o, []lua.LValue{o.value}, func(r *rt.Run, _ []lua.LValue, err error) {
		if err != nil && !unwound(err) {
			s.failed(r, err)
		}
		o.handlerEnded(r, err != nil)
	})
	if o.gone {
		o.run.Unwind(engine.CauseHangup)
	}
	return o
}
