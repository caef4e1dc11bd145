package api

import (
	"errors"

	lua "github.com/yuin/gopher-lua"

	"github.com/sipscript/sipscript/engine/call"
	"github.com/sipscript/sipscript/engine/ivr"
	"github.com/sipscript/sipscript/lua/rt"
)

// playHandleMethod is call:play for who does not have the call: a warning from an administrator, say.
func playHandleMethod() rt.Function {
	options := rt.NewOptionSet(playOptions()...)
	return rt.Function{
		Name: "play", Signature: "(what: string|string[], options?) → {stopped_by: string, played: number}?, err: error?", Options: options, Waits: true,
		Doc: "Plays something to its peer and waits until it is over: see `call:play`. It takes the place of what plays there, and whoever bridges the call goes on hearing the other side.",
		Fn:  func(L *lua.LState) int { return playToHandle(L, options) },
	}
}

func playToHandle(L *lua.LState, options *rt.OptionSet) int {
	h := checkObject[*handle](L, 1, "handle")
	what, opts := checkPrompt(L, 2), rt.CheckOptions(L, 3, options)
	how := ivr.PlayOptions{Turns: checkTurns(L, opts), Volume: opts.Number("volume", 0)}
	if h.seen.Proxied() {
		return failProxied(L)
	}
	p, err := rt.Await(L, func(resume func(played)) func() {
		var stop func() // the call's shard alone touches it
		home := func(p ivr.Played, err error) { h.script.loop.Post(func() { resume(played{p, err}) }) }
		h.seen.Call.On(func(c *call.Call) {
			if c.Over() {
				home(ivr.Played{}, call.ErrGone)
				return
			}
			stop = h.script.Engine.Studio.Play(c, what, how, home)
		})
		return func() {
			h.seen.Call.On(func(*call.Call) {
				if stop != nil {
					stop()
				}
			})
		}
	})
	switch {
	case err != nil:
		return rt.Raise(L, err)
	case p.err == nil:
		return pushPlayed(L, p.Played, "")
	case errors.Is(p.err, call.ErrState):
		return rt.Fail(L, causeUnsupported, cannotHear, 0)
	}
	if cause, message := whyUnheard(p.err); cause != "" {
		return rt.Fail(L, cause, message, 0)
	}
	return failHandle(L, p.err)
}
