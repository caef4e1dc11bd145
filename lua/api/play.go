package api

import (
	"strings"

	lua "github.com/yuin/gopher-lua"

	"github.com/sipscript/sipscript/engine/call"
	"github.com/sipscript/sipscript/engine/ivr"
	"github.com/sipscript/sipscript/lua/rt"
)

// played is how a prompt has ended.
type played struct {
	ivr.Played
	err error
}

// playOptions are those of all that is played.
func playOptions() []rt.Option {
	return []rt.Option{
		{Name: "loop", Kind: rt.Any, Type: "boolean|integer", Default: "1", Doc: "how often it is played; `true`: until something ends it"},
		{Name: "volume", Kind: rt.Number, Default: "0", Doc: "in decibels: -6 is half as loud"},
	}
}

func playMethod() rt.Function {
	options := rt.NewOptionSet(append(playOptions(),
		rt.Option{Name: "stop_on", Kind: rt.String, Default: `""`, Doc: "digits that end it, each of them; those typed ahead count"})...)
	return rt.Function{
		Name: "play", Signature: "(what: string|string[], options?) → {stopped_by: string, played: number, digit: string?}?, err: error?", Options: options, Phases: rt.MayWait, Waits: true,
		Doc: "Plays something and waits until it is over. `what` is a file in the folder of the script or among the recordings (WAV with PCM, μ-law or A-law of any rate, MP3, raw `.ulaw`, `.alaw`, `.sln`, `.g722`), `tone:425/1000,0/4000` (frequency, milliseconds; `+` and a second frequency; or a name such as `tone:busy-de`, `tone:beep`), `silence:1` (seconds), `say:1234`, `say:digits:0401`, `say:date:2026-11-22`, `say:time:14:05` (in English, or by `say-zh:` in Chinese, from the files in `prompts/en` and `prompts/zh`), the address `https://…` of a file (fetched once, asked for again after a minute), or a list of these.\n\n" +
			"`stopped_by` is `end`, `digit`, `replaced` (a newer prompt took its place) or `stopped` (by `call:stop`); `played` is in seconds. Returns nil and an error with cause `not_found` where there is no such file, `unreadable` where it is no sound, `timeout` or `unreachable` where another server does not bring it. While the call is bridged, its own party hears the prompt above the conversation. Raises when the call is neither answered nor in early media.",
		Fn: func(L *lua.LState) int { return play(L, options) },
	}
}

func play(L *lua.LState, options *rt.OptionSet) int {
	o, ok := liveCall(L)
	if !ok {
		return 2
	}
	what, opts := checkPrompt(L, 2), rt.CheckOptions(L, 3, options)
	how := ivr.PlayOptions{Turns: checkTurns(L, opts), Volume: opts.Number("volume", 0)}
	return o.present(L, what, how, optionDigits(L, 3, opts, "stop_on", ""))
}

// present plays a prompt and pushes how it has ended. Digits of stopOn end it.
func (o *leg) present(L *lua.LState, what ivr.Prompt, how ivr.PlayOptions, stopOn string) int {
	digit := ""
	stops := func(d byte) bool {
		if digit == "" && strings.IndexByte(stopOn, d) >= 0 {
			digit = string(d)
			return true
		}
		return false
	}
	if o.events.ahead(stops); digit != "" {
		return pushPlayed(L, ivr.Played{By: ivr.ByStopped}, digit)
	}
	var drop func()
	p, err := perform(L, o, rt.Await[played], func(stop func()) {
		drop = o.events.claim(&claim{digit: func(d byte) bool {
			if !stops(d) {
				return false
			}
			stop()
			return true
		}})
	}, func(c *call.Call, done func(played)) func() {
		return o.script.Engine.Studio.Play(c, what, how, func(p ivr.Played, err error) { done(played{p, err}) })
	})
	if drop != nil {
		drop()
	}
	switch {
	case err != nil:
		return rt.Raise(L, err)
	case p.err != nil:
		return o.unheard(L, p.err)
	}
	return pushPlayed(L, p.Played, digit)
}

func checkTurns(L *lua.LState, opts rt.Options) int {
	switch v := opts.Value("loop").(type) {
	case lua.LBool:
		if v {
			return 0
		}
	case lua.LNumber:
		if v < 1 || v != lua.LNumber(int(v)) {
			rt.ArgError(L, 3, "option 'loop': true, or how often, at least 1, expected, got %v", v)
		}
		return int(v)
	case *lua.LNilType:
	default:
		rt.ArgError(L, 3, "option 'loop': true or a number expected, got %s", v.Type())
	}
	return 1
}

func pushPlayed(L *lua.LState, p ivr.Played, digit string) int {
	t := L.CreateTable(0, 3)
	by := p.By
	if digit != "" { // also where the prompt has ended by itself before that reached it
		by = "digit"
		t.RawSetString("digit", lua.LString(digit))
	}
	t.RawSetString("stopped_by", lua.LString(by))
	t.RawSetString("played", lua.LNumber(p.Length.Seconds()))
	L.Push(t)
	return 1
}
