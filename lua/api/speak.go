package api

import (
	"strings"

	lua "github.com/yuin/gopher-lua"

	"github.com/sipscript/sipscript/engine/call"
	"github.com/sipscript/sipscript/engine/ivr"
	"github.com/sipscript/sipscript/lua/rt"
)

func speakMethods() []rt.Function {
	speech := rt.NewOptionSet(
		rt.Option{Name: "voice", Kind: rt.String, Doc: "as the speech command or service knows it"},
		rt.Option{Name: "language", Kind: rt.String, Default: `"en"`, Doc: "likewise, such as `en` or `zh`"},
		rt.Option{Name: "volume", Kind: rt.Number, Default: "0", Doc: "in decibels"},
		rt.Option{Name: "stop_on", Kind: rt.String, Default: `""`, Doc: "digits that end it, each of them; those typed ahead count"},
	)
	music := rt.NewOptionSet(rt.Option{Name: "volume", Kind: rt.Number, Default: "0", Doc: "in decibels: -6 is half as loud"})
	return []rt.Function{
		{Name: "say", Signature: "(text: string, options?) → {stopped_by: string, played: number, digit: string?}?, err: error?", Options: speech, Phases: rt.MayWait, Waits: true,
			Doc: "Speaks a text, by the command or service that `speech` in the config file names, and waits until it is over; what was spoken once is kept. Otherwise as `call:play`. Returns nil and an error with cause `unsupported` where no speech is configured, `failed` where it has failed or taken longer than 10 seconds.",
			Fn: func(L *lua.LState) int {
				o, ok := liveCall(L)
				if !ok {
					return 2
				}
				text, opts := rt.CheckString(L, 2), rt.CheckOptions(L, 3, speech)
				words := ivr.Words{Text: strings.TrimSpace(text), Voice: speechName(L, opts, "voice", ""), Language: speechName(L, opts, "language", "en")}
				if words.Text == "" {
					rt.ArgError(L, 2, "there is nothing to say")
				}
				how := ivr.PlayOptions{Turns: 1, Volume: opts.Number("volume", 0)}
				return o.present(L, ivr.Say(words), how, optionDigits(L, 3, opts, "stop_on", ""))
			}},
		{Name: "music", Signature: "(what?: string|string[], options?) → boolean?, err: error?", Options: music, Phases: rt.MayWait, Waits: true,
			Doc: "Plays something over and over whenever the peer hears nothing else: between prompts, while somebody is dialed for it, while whom it talks with has put it on hold and sends nothing. Without an argument that ends. Returns true when it has begun, or nil and an error as of `call:play`.",
			Fn: func(L *lua.LState) int {
				o, ok := liveCall(L)
				if !ok {
					return 2
				}
				var what ivr.Prompt
				if L.Get(2) != lua.LNil {
					what = checkPrompt(L, 2)
				}
				how := ivr.PlayOptions{Volume: rt.CheckOptions(L, 3, music).Number("volume", 0)}
				if err := asking(L, o, func(c *call.Call, done func(error)) { o.script.Engine.Studio.Music(c, what, how, done) }); err != nil {
					return o.unheard(L, err)
				}
				L.Push(lua.LTrue)
				return 1
			}},
	}
}

// speechName reads an option that may become a word of a command.
func speechName(L *lua.LState, opts rt.Options, name, otherwise string) string {
	s := opts.String(name, otherwise)
	for _, c := range s {
		if !strings.ContainsRune("-_+.", c) && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			rt.ArgError(L, 3, "option '%s': letters, digits and -_+. expected, got %q", name, s)
		}
	}
	if strings.HasPrefix(s, "-") {
		rt.ArgError(L, 3, "option '%s': it begins with a letter or digit, got %q", name, s)
	}
	return s
}
