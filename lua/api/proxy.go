package api

import (
	"errors"

	lua "github.com/yuin/gopher-lua"

	"github.com/sipscript/sipscript/engine"
	"github.com/sipscript/sipscript/engine/proxy"
	"github.com/sipscript/sipscript/lua/rt"
	"github.com/sipscript/sipscript/sip"
)

func proxyOptions() *rt.OptionSet {
	return rt.NewOptionSet(
		rt.Option{Name: "timeout", Kind: rt.Seconds, Default: "180", Doc: "for a final response, of each group"},
		rt.Option{Name: "response_timeout", Kind: rt.Seconds, Doc: "for any response at all: a gateway that is silent for so long is dead; if not given, 64·T1 (32)"},
		rt.Option{Name: "next_on", Kind: rt.Table, Type: "(string|integer)[]", Doc: "causes or codes after which the next group is tried; if not given, all but 6xx"},
		rt.Option{Name: "record_route", Kind: rt.Bool, Doc: "whether the dialog's later requests come by here; if not given, for INVITE, SUBSCRIBE and REFER"},
		rt.Option{Name: "failover", Kind: rt.Bool, Default: "true", Doc: "the next address of a host on 503, timeout or transport error (RFC 3263 §4.3)"},
		rt.Option{Name: "recurse", Kind: rt.Bool, Default: "false", Doc: "follows 3xx, of requests to domains of this server (RFC 3261 §16.5)"},
		rt.Option{Name: "max_duration", Kind: rt.Seconds, Doc: "how long the call may last after its answer: then both sides get a BYE"},
		callerIDOption(), credentialsOption(), diversionOption(),
		rt.Option{Name: "on_branch", Kind: rt.Func, Type: "fun(branch: branch, target: any): boolean?", Doc: "`fn(branch, target)` edits what one branch sends; returning false leaves the target out. May not wait"},
		rt.Option{Name: "on_reply", Kind: rt.Func, Type: "fun(reply: reply, target: any): boolean?", Doc: "`fn(reply, target)` reads or edits a response; returning false drops a 1xx. May not wait"},
	)
}

func proxyMethod() rt.Function {
	options := rt.NewOptionSet(append(proxyOptions().List, mediaOption())...)
	return rt.Function{
		Name: "proxy", Signature: "(targets?: targets, options?) → result", Options: options,
		Phases: rt.Handler | rt.Task | rt.Ack, Waits: true,
		Doc: "Sends the request on and waits for the final response. 1xx and 2xx go upstream by themselves; a negative response goes when the handler ends, or by `req:reply(result)`. In a dialog the route set decides and there are no targets. An ACK is sent on and nothing is waited for.",
		Fn:  func(L *lua.LState) int { return doProxy(L, options) },
	}
}

func mediaOption() rt.Option {
	return rt.Option{Name: "media", Kind: rt.String, Choices: []string{"none", "relay"}, Default: `"none"`,
		Doc: "`relay` leads the media of the call through this server: it follows re-INVITEs by itself, and ends with the call. A call without media gets a BYE after `media.timeout`"}
}

func doProxy(L *lua.LState, options *rt.OptionSet) int {
	o := checkRequest(L, 1)
	o.untaken(L)
	var groups []proxy.Group
	if L.Get(2) != lua.LNil {
		groups = checkTargets(L, 2)
	}
	given := rt.CheckOptions(L, 3, options)
	opts := o.options(L, given)
	opts.MaxDuration = given.Seconds("max_duration", 0)
	opts.Relay = given.String("media", "none") == "relay"
	if given.Has("record_route") {
		opts.RecordRoute = proxy.RecordRouteNever
		if given.Bool("record_route", false) {
			opts.RecordRoute = proxy.RecordRouteAlways
		}
	}
	switch {
	case !o.req.Transaction():
		if err := o.req.Forward(first(groups)); err != nil {
			raise(L, err)
		}
		return 0
	case L.Get(2) == lua.LNil && !o.req.InDialog():
		rt.ArgError(L, 2, "targets expected: outside a dialog a request goes nowhere by itself (to the request URI: req:proxy(req.uri))")
	case L.Get(2) != lua.LNil && o.req.InDialog():
		rt.ArgError(L, 2, "in a dialog the route set decides where a request goes")
	}
	var refused error
	res, err := rt.Await(L, func(resume func(proxy.Result)) func() {
		// A result that comes at once is one nobody has to park for.
		if refused = o.req.Proxy(groups, opts, resume); refused != nil {
			resume(proxy.Result{})
		}
		run := rt.Current(L)
		return func() { o.req.Unproxy(run.Unwinding()) }
	})
	if refused != nil {
		raise(L, refused)
	}
	if err != nil {
		rt.Raise(L, err)
	}
	o.last = &result{Result: res, of: o.req}
	L.Push(rt.VMOf(L).NewObject(o.script.types.result, o.last))
	return 1
}

// untaken raises when the request has been taken as a call.
func (o *request) untaken(L *lua.LState) {
	if o.call != nil {
		rt.Raisef(L, "the request has been taken as a call; use call:dial and call:bridge")
	}
}

func first(groups []proxy.Group) *proxy.Target {
	if len(groups) == 0 || len(groups[0]) == 0 {
		return nil
	}
	return &groups[0][0]
}

// options reads the options of proxy that dialing has, too.
func (o *request) options(L *lua.LState, opts rt.Options) proxy.Options {
	out := proxy.Options{
		Timeout:         opts.Seconds("timeout", 0),
		ResponseTimeout: opts.Seconds("response_timeout", 0),
		NoFailover:      !opts.Bool("failover", true),
		Recurse:         opts.Bool("recurse", false),
	}
	out.Identity = checkCallerID(L, opts.Value("caller_id"))
	out.Credentials = checkCredentials(L, opts.Value("credentials"))
	out.Diverts = diversionOf(opts)
	if t := opts.Table("next_on"); t != nil {
		out.NextOn = checkNextOn(L, t)
	}
	vm, run := rt.VMOf(L), rt.Current(L)
	if fn := opts.Func("on_branch"); fn != nil {
		if o.req != nil {
			o.message() // a branch shares its bytes
		}
		out.OnBranch = func(m *sip.Message, t *proxy.Target) error {
			b := &branch{m: m}
			keep, err := o.script.hook(run, "on_branch", fn, rt.Branch, vm.NewObject(o.script.types.branch, b), t)
			b.over = true
			if err == nil && !keep {
				return proxy.ErrLeftOut
			}
			return err
		}
	}
	if fn := opts.Func("on_reply"); fn != nil {
		out.OnReply = func(m *sip.Message, t *proxy.Target) bool {
			m.Keep() // the script may remember it
			r := &response{m: m}
			pass, err := o.script.hook(run, "on_reply", fn, rt.Reply, vm.NewObject(o.script.types.reply, r), t)
			r.over = true
			return pass || err != nil
		}
	}
	return out
}

// hook calls on_branch or on_reply. It returns false when the function does, and an error, which it has logged, when it
// raises: an error in on_branch fails its branch, after one in on_reply the reply passes as it is.
func (s *Script) hook(r *rt.Run, name string, fn *lua.LFunction, phase rt.Phase, object lua.LValue, t *proxy.Target) (bool, error) {
	results, err := s.vm.Call(r, name, fn, phase, object, targetValue(s.vm, t))
	if errors.Is(err, rt.ErrClosed) {
		return true, nil // the version is gone; its proxied calls go on under the engine's defaults
	}
	if err != nil {
		s.failed(r, err)
		return false, err
	}
	return len(results) == 0 || results[0] != lua.LFalse, nil
}

var causes = []string{
	string(proxy.Answered), string(proxy.Busy), string(proxy.NoAnswer), string(proxy.Unavailable), string(proxy.Rejected),
	string(proxy.NotFound), string(proxy.Redirected), string(proxy.Challenged), string(proxy.Failed), string(proxy.Canceled),
}

// checkNextOn reads a list of causes and codes.
func checkNextOn(L *lua.LState, t *lua.LTable) func(proxy.Cause, int) bool {
	codes, words := map[int]bool{}, map[proxy.Cause]bool{}
	for i := 1; i <= t.Len(); i++ {
		v := t.RawGetInt(i)
		if n, ok := lua.LVAsNumber(v), lua.LVCanConvToString(v); ok && n >= 300 && n <= 699 {
			codes[int(n)] = true
			continue
		}
		word := v.String()
		if !contains(causes, word) {
			rt.Raisef(L, "next_on: %s", rt.Unknown("cause", word, causes))
		}
		words[proxy.Cause(word)] = true
	}
	return func(c proxy.Cause, code int) bool { return codes[code] || words[c] }
}

func contains(list []string, s string) bool {
	for _, v := range list {
		if v == s {
			return true
		}
	}
	return false
}

func forwardMethod() rt.Function {
	return rt.Function{
		Name: "forward", Signature: "(target?: string|uri|address|target|target_options)", Phases: rt.Handler | rt.Ack,
		Doc: "Sends the request on without keeping a transaction (RFC 3261 §16.11): its responses pass, retransmissions and CANCEL are sent on alike, nothing is remembered. Raises once anything was answered. Without a target Route and request URI decide.",
		Fn: func(L *lua.LState) int {
			o := checkRequest(L, 1)
			var t *proxy.Target
			switch {
			case L.Get(2) != lua.LNil:
				one := checkTarget(L, 2, L.Get(2))
				t = &one
			case !o.req.InDialog() && !o.peek().Has(sip.Route) && o.script.Engine.Names().IsLocal(must(o.peek().URI())):
				rt.ArgError(L, 2, "target expected: the request URI names this server itself")
			}
			if err := o.req.Forward(t); err != nil {
				if errors.Is(err, engine.ErrAnswered) {
					rt.Raisef(L, "the request has been answered or proxied; forward has to come first")
				}
				raise(L, err)
			}
			return 0
		},
	}
}

// must is for what the server has read without an error before.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
