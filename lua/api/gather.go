package api

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/sipscript/sipscript/engine"
	"github.com/sipscript/sipscript/engine/call"
	"github.com/sipscript/sipscript/engine/ivr"
	"github.com/sipscript/sipscript/lua/rt"
)

const promptType = "string|string[]"

// askOptions are those that gather and menu share.
func askOptions(own ...rt.Option) *rt.OptionSet {
	return rt.NewOptionSet(append(own,
		rt.Option{Name: "prompt", Kind: rt.Any, Type: promptType, Doc: "what the caller is asked by, as of `call:play`"},
		rt.Option{Name: "invalid", Kind: rt.Any, Type: promptType, Doc: "what is played after a wrong input"},
		rt.Option{Name: "timeout", Kind: rt.Seconds, Default: "5", Doc: "for the first digit, from the end of the prompt"},
		rt.Option{Name: "digit_timeout", Kind: rt.Seconds, Default: "3", Doc: "for each other one"},
		rt.Option{Name: "barge_in", Kind: rt.Bool, Default: "true", Doc: "a digit ends the prompt; without it those that are pressed meanwhile count at its end"},
		rt.Option{Name: "flush", Kind: rt.Bool, Default: "false", Doc: "forget what was typed ahead"},
	)...)
}

func gatherMethods() []rt.Function {
	gather := askOptions(
		rt.Option{Name: "max", Kind: rt.Integer, Doc: "the input is over after so many digits; without it by a terminator or a pause"},
		rt.Option{Name: "min", Kind: rt.Integer, Default: "1", Doc: "fewer are a wrong input"},
		rt.Option{Name: "terminators", Kind: rt.String, Default: `"#"`, Doc: "digits that end the input and are none of it"},
		rt.Option{Name: "pattern", Kind: rt.String, Doc: "a regular expression (RE2) that the whole input has to match"},
		rt.Option{Name: "tries", Kind: rt.Integer, Default: "1", Doc: "how often the caller is asked at most"},
	)
	menu := askOptions(
		rt.Option{Name: "choices", Kind: rt.Table, Type: "table<string, fun(digits: string): any>", Must: true, Doc: "functions by the digits that choose them, `{[\"1\"] = fn}`"},
		rt.Option{Name: "tries", Kind: rt.Integer, Default: "3", Doc: "how often the caller is asked at most"},
	)
	return []rt.Function{
		{Name: "gather", Signature: "(options?) → digits: string?, err: error?", Options: gather, Phases: rt.MayWait, Waits: true,
			Doc: "Asks for digits and returns them. They come from telephone-events (RFC 4733), INFO, or tones in the voice where no events were agreed on; those typed ahead count, and where they are enough no prompt is played. The terminator that has ended them is in `call.last_terminator`.\n\n" +
				"Returns nil and an error with cause `timeout` where nothing was pressed, `invalid` where the last input was wrong; its `digits` are what was pressed. A prompt that cannot be played ends it with the error of `call:play`.",
			Fn: func(L *lua.LState) int { return gatherDigits(L, gather) }},
		{Name: "menu", Signature: "(options) → ...: any", Options: menu, Phases: rt.MayWait, Waits: true,
			Doc: "Asks for one of the choices, calls its function with the digits, and returns what that returns. Otherwise as `call:gather`.",
			Fn:  func(L *lua.LState) int { return chooseFrom(L, menu) }},
	}
}

func gatherDigits(L *lua.LState, options *rt.OptionSet) int {
	o, ok := liveCall(L)
	if !ok {
		return 2
	}
	opts := rt.CheckOptions(L, 2, options)
	most, least := opts.Int("max", 0), opts.Int("min", 1)
	switch {
	case opts.Has("max") && (most < 1 || most > mostKept):
		rt.ArgError(L, 2, "option 'max': 1 to %d expected, got %d", mostKept, most)
	case least < 0 || most > 0 && least > most:
		rt.ArgError(L, 2, "option 'min': 0 to max expected, got %d", least)
	}
	var pattern *regexp.Regexp
	if text := opts.String("pattern", ""); text != "" {
		var err error
		if pattern, err = regexp.Compile("^(?:" + text + ")$"); err != nil {
			rt.ArgError(L, 2, "option 'pattern': %s", err)
		}
	}
	g, ok := o.ask(L, opts, func(digits string, finished bool) ivr.Verdict {
		switch {
		case !finished && len(digits) != most && len(digits) < mostKept:
			return ivr.More
		case len(digits) >= least && (pattern == nil || pattern.MatchString(digits)):
			return ivr.Taken
		}
		return ivr.Refused
	}, optionDigits(L, 2, opts, "terminators", "#"), opts.Int("tries", 1))
	if !ok {
		return 2
	}
	L.Push(lua.LString(g.Digits))
	return 1
}

func chooseFrom(L *lua.LState, options *rt.OptionSet) int {
	o, ok := liveCall(L)
	if !ok {
		return 2
	}
	opts := rt.CheckOptions(L, 2, options)
	choices := map[string]*lua.LFunction{}
	var keys []string
	opts.Table("choices").ForEach(func(k, v lua.LValue) {
		key := k.String()
		fn, isFunction := v.(*lua.LFunction)
		switch {
		case key == "" || strings.Trim(key, allDigits) != "":
			rt.ArgError(L, 2, "option 'choices': digits of %s expected as a key, got %q", allDigits, key)
		case !isFunction:
			rt.ArgError(L, 2, "option 'choices': function expected for %q, got %s", key, v.Type())
		}
		choices[key], keys = fn, append(keys, key)
	})
	if len(keys) == 0 {
		rt.ArgError(L, 2, "option 'choices': it is empty")
	}
	g, ok := o.ask(L, opts, func(digits string, finished bool) ivr.Verdict {
		longer := slices.ContainsFunc(keys, func(key string) bool { return len(key) > len(digits) && strings.HasPrefix(key, digits) })
		switch {
		case longer && !finished:
			return ivr.More
		case choices[digits] != nil:
			return ivr.Taken
		}
		return ivr.Refused
	}, "", opts.Int("tries", 3))
	if !ok {
		return 2
	}
	top := L.GetTop()
	L.Push(choices[g.Digits])
	L.Push(lua.LString(g.Digits))
	L.Call(1, lua.MultRet)
	return L.GetTop() - top
}

// asked is how asking has ended.
type asked struct {
	ivr.Gathered
	err error
}

// ask waits for digits; false: nil and an error have been pushed.
func (o *leg) ask(L *lua.LState, opts rt.Options, judge ivr.Judge, terminators string, tries int) (ivr.Gathered, bool) {
	if tries < 1 {
		rt.ArgError(L, 2, "option 'tries': at least 1 expected, got %d", tries)
	}
	b := &booth{o: o, prompt: optionPrompt(L, 2, opts, "prompt"), complaint: optionPrompt(L, 2, opts, "invalid")}
	if opts.Bool("flush", false) {
		o.events.ahead(func(byte) bool { return true })
	}
	if v := o.view(); stateOf(&v) == "unanswered" && o.here() {
		if _, err := o.c.Voice(); errors.Is(err, call.ErrState) {
			o.unheard(L, err)
		}
	}
	a, err := rt.Await(L, func(resume func(asked)) func() {
		g := ivr.NewGather(b, ivr.GatherOptions{
			Judge: judge, Terminators: terminators, Tries: tries, BargeIn: opts.Bool("barge_in", true),
			Timeout: opts.Seconds("timeout", 5*time.Second), DigitTimeout: opts.Seconds("digit_timeout", 3*time.Second),
		}, func(g ivr.Gathered) {
			b.leave() // before the run goes on: digits that come until then go behind those that are handed on
			resume(asked{Gathered: g})
		})
		end := func(err error) {
			g.Stop()
			resume(asked{err: err})
		}
		s := &stopper{func() { end(errStopped) }}
		drop := o.events.claim(&claim{digit: g.Digit, gone: func() { end(call.ErrOver) }})
		o.stops = append(o.stops, s)
		left := false
		b.failed, b.leave = end, func() {
			if left {
				return
			}
			left = true
			o.unlist(s)
			drop()
			for _, digit := range []byte(g.Rest()) {
				o.events.take(event{name: eventDigit, digit: string(digit)})
			}
		}
		o.hear()
		o.events.ahead(g.Digit)
		g.Start()
		return g.Stop
	})
	if b.leave != nil {
		b.leave()
	}
	switch {
	case err != nil:
		rt.Raise(L, err)
	case errors.Is(a.err, errStopped):
		rt.Fail(L, engine.CauseCanceled, "call:stop has ended it", 0)
		return a.Gathered, false
	case a.err != nil:
		o.unheard(L, a.err)
		return a.Gathered, false
	}
	o.terminator = a.Terminator
	if a.By == ivr.ByDigits {
		return a.Gathered, true
	}
	cause, message := rt.CauseTimeout, "nothing was pressed"
	if a.By == ivr.ByInvalid {
		cause, message = causeInvalid, "the input was wrong"
	}
	failDigits(L, cause, message, a.Digits)
	return a.Gathered, false
}

// causeInvalid says that a caller has pressed something else than it was asked for.
const causeInvalid = "invalid"

var errStopped = errors.New("stopped")

// failDigits is rt.Fail with what was pressed.
func failDigits(L *lua.LState, cause, message, digits string) {
	rt.Fail(L, cause, message, 0)
	L.Get(-1).(*lua.LTable).RawSetString("digits", lua.LString(digits))
}

// hear makes sure that the digits of the peer come, in its voice where there are no events.
func (o *leg) hear() {
	o.at(func(c *call.Call) { _, _ = c.Voice() })
}

// booth is where a caller is asked for digits.
type booth struct {
	o                 *leg
	prompt, complaint ivr.Prompt
	failed            func(error)
	leave             func()
}

// Prompt implements ivr.Stage.
func (b *booth) Prompt(done func()) (stop func()) { return b.play(b.prompt, done) }

// Complain implements ivr.Stage.
func (b *booth) Complain(done func()) (stop func()) { return b.play(b.complaint, done) }

func (b *booth) play(what ivr.Prompt, done func()) (stop func()) {
	if what == nil {
		done()
		return func() {}
	}
	cut := false
	var end func() // the leg's shard alone touches it
	b.o.at(func(c *call.Call) {
		end = b.o.script.Engine.Studio.Play(c, what, ivr.PlayOptions{Turns: 1}, func(_ ivr.Played, err error) {
			b.o.home(func() {
				switch {
				case cut:
				case err != nil:
					b.failed(err)
				default:
					done()
				}
			})
		})
	})
	return func() {
		if !cut {
			cut = true
			b.o.at(func(*call.Call) { end() })
		}
	}
}

// After implements ivr.Stage.
func (b *booth) After(d time.Duration, fn func()) (stop func()) {
	t := b.o.script.loop.After(d, fn)
	return func() { t.Stop() }
}
