package api

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"github.com/sipscript/sipscript/engine"
	"github.com/sipscript/sipscript/engine/call"
	"github.com/sipscript/sipscript/engine/ivr/stream"
	"github.com/sipscript/sipscript/lua/rt"
)

// streamed is how a stream has ended.
type streamed struct {
	stream.Ended
	err error
}

// streamMethod is call:stream.
func streamMethod() rt.Function {
	options := rt.NewOptionSet(
		rt.Option{Name: "url", Kind: rt.String, Must: true, Doc: "where the agent is, `wss://…` or `ws://…`"},
		rt.Option{Name: "protocol", Kind: rt.String, Choices: []string{string(stream.Twilio), string(stream.L16)}, Default: `"twilio"`, Doc: "`twilio`: the messages of Twilio's Media Streams; `l16`: samples as they are"},
		rt.Option{Name: "rate", Kind: rt.Integer, Default: "16000", Doc: "of `l16`, in Hz: 8000, 16000 or 24000"},
		rt.Option{Name: "bidirectional", Kind: rt.Bool, Default: "true", Doc: "the caller hears the agent; without it the agent only listens"},
		rt.Option{Name: "params", Kind: rt.Table, Type: "table<string, string|number|boolean>", Doc: "what the agent is told at the start: `customParameters`"},
		rt.Option{Name: "headers", Kind: rt.Table, Type: "table<string, string>", Doc: "of the request that opens the connection, such as `Authorization`"},
		rt.Option{Name: "reconnect", Kind: rt.Integer, Default: "0", Doc: "how often a connection that cannot be made, or is lost, is tried again"},
		rt.Option{Name: "on_message", Kind: rt.Func, Type: "fun(message: any)", Doc: "is called with each message of the agent that the protocol does not know, JSON decoded, as a task, one after the other"},
	)
	return rt.Function{
		Name: "stream", Options: options, Phases: rt.MayWait, Waits: true,
		Signature: "(options) → {ended_by: string, cause: string?, reason: string?, duration: number, wrong: integer}?, err: error?",
		Doc: "Has the caller talk with a voice agent over a WebSocket, and waits until that is over. `ended_by` is `agent` (it has closed the connection), `caller` (who has hung up: the line after `stream` runs), `stopped` (by `call:stop`) or `error`: `cause` is then `timeout`, `unreachable`, `refused`, `lost` or `slow` (it does not read), and `reason` says more. `duration` is in seconds from the first connection, `wrong` the number of messages that were not understood.\n\n" +
			"Digits go to the agent, and to whoever waits for one. A prompt that is played meanwhile is heard instead of the agent, who goes on behind it. Raises when the call is neither answered nor in early media, or bridged.",
		Fn: func(L *lua.LState) int { return streamCall(L, options) },
	}
}

func streamCall(L *lua.LState, options *rt.OptionSet) int {
	o, ok := liveCall(L)
	if !ok {
		return 2
	}
	opts := rt.CheckOptions(L, 2, options)
	how := stream.Options{
		URL: strings.Clone(opts.String("url", "")), Protocol: stream.Protocol(opts.String("protocol", "twilio")), Rate: opts.Int("rate", 16000),
		Deaf: !opts.Bool("bidirectional", true), Reconnect: opts.Int("reconnect", 0),
		Params: optionTexts(L, 2, opts, "params"), Header: optionHeader(L, 2, opts, "headers"),
	}
	if err := stream.CheckURL(how.URL); err != nil {
		rt.ArgError(L, 2, "option 'url': %s", err)
	}
	switch {
	case how.Protocol == stream.L16 && !slices.Contains([]int{8000, 16000, 24000}, how.Rate):
		rt.ArgError(L, 2, "option 'rate': 8000, 16000 or 24000 expected, got %d", how.Rate)
	case how.Reconnect < 0:
		rt.ArgError(L, 2, "option 'reconnect': 0 or more expected, got %d", how.Reconnect)
	case o.bridged():
		rt.Raisef(L, "the call is bridged; stop that first")
	}
	if fn := opts.Func("on_message"); fn != nil {
		m := &messages{run: rt.Current(L), fn: fn}
		how.Message = func(text string) { o.home(func() { m.take(text) }) }
	}
	var s *stream.Stream // the leg's shard alone touches it
	drop := o.events.claim(&claim{digit: func(d byte) bool {
		o.at(func(*call.Call) { s.Digit(d) })
		return !o.events.wanted(eventDigit)
	}})
	e, err := perform(L, o, rt.AwaitEnd[streamed], nil, func(c *call.Call, done func(streamed)) func() {
		s = o.script.Engine.Agents.Stream(c, how, func(e stream.Ended, err error) { done(streamed{e, err}) })
		return s.Stop
	})
	drop()
	switch {
	case err != nil:
		return rt.Raise(L, err)
	case e.err != nil:
		return o.unheard(L, e.err)
	}
	L.Push(streamResult(L, &e.Ended))
	return 1
}

func streamResult(L *lua.LState, e *stream.Ended) *lua.LTable {
	t := L.CreateTable(0, 5)
	t.RawSetString("ended_by", lua.LString(e.By))
	if e.Err != nil {
		t.RawSetString("cause", lua.LString(streamCause(e.Err)))
		t.RawSetString("reason", lua.LString(e.Err.Error()))
	}
	t.RawSetString("duration", lua.LNumber(e.Length.Seconds()))
	t.RawSetString("wrong", lua.LNumber(e.Wrong))
	return t
}

func streamCause(err error) string {
	switch {
	case errors.Is(err, stream.ErrTimeout):
		return rt.CauseTimeout
	case errors.Is(err, stream.ErrUnreachable):
		return engine.CauseUnreachable
	case errors.Is(err, stream.ErrRefused):
		return "refused"
	case errors.Is(err, stream.ErrDeaf):
		return "slow"
	}
	return "lost"
}

// wanted reports whether somebody waits for such an event.
func (q *events) wanted(name string) bool {
	return q.handlers[name] != nil || slices.ContainsFunc(q.waits, func(w *eventWait) bool { return slices.Contains(w.names, name) })
}

// messages are what an agent says to the script.
type messages struct {
	run  *rt.Run
	fn   *lua.LFunction
	kept []string
	busy bool
}

func (m *messages) take(text string) {
	if len(m.kept) < mostKept {
		m.kept = append(m.kept, text)
	}
	m.handle()
}

func (m *messages) handle() {
	if m.busy || len(m.kept) == 0 || m.run.Ended() {
		return
	}
	text := m.kept[0]
	m.kept = m.kept[1:]
	m.busy = true
	L := m.run.VM().State()
	m.run.Spawn(m.run.Name()+"/on_message", m.fn, []lua.LValue{decodedOr(L, text)}, func(t *rt.Run, _ []lua.LValue, err error) {
		m.busy = false
		t.Escalate(err)
		m.handle()
	})
}

// decodedOr is what text says as JSON, or text.
func decodedOr(L *lua.LState, text string) lua.LValue {
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		return lua.LString(text)
	}
	return fromGo(L, v)
}
