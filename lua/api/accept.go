package api

import (
	"errors"

	lua "github.com/yuin/gopher-lua"

	"github.com/sipscript/sipscript/engine"
	"github.com/sipscript/sipscript/engine/call"
	"github.com/sipscript/sipscript/engine/media/description"
	"github.com/sipscript/sipscript/engine/proxy"
	"github.com/sipscript/sipscript/lua/rt"
)

// legOptions are the options of every call: what its peer is offered and what is accepted from it.
func legOptions() []rt.Option {
	return append([]rt.Option{
		{Name: "media", Kind: rt.String, Choices: []string{"relay", "direct"}, Default: `"relay"`, Doc: "`direct` keeps RTP out of this server"},
		{Name: "codecs", Kind: rt.Table, Type: "string[]", Doc: "the audio codecs it may use, in this order: `{\"PCMA\", \"opus/48000/2\"}`; `\"*\"` stands for all others, and with a minus before it a codec is left out. If not given, all, in the order of the other side"},
		{Name: "video_codecs", Kind: rt.Table, Type: "string[]", Doc: "likewise for video"},
		{Name: "srtp", Kind: rt.String, Choices: []string{"follow", "off", "require"}, Default: `"follow"`, Doc: "whether its media is encrypted (SDES, RFC 4568): as on the other side, never, or always"},
		{Name: "headers", Kind: rt.Table, Type: "table<integer|string, string|string[]>", Doc: "names in the list are header fields that may cross between the two sides, `{\"Subject\", \"X-*\"}`, all others are hidden; values by name are sent to this side, `{[\"X-Queue\"] = \"sales\"}`"},
	}, sessionOptions()...)
}

// legOptionsOf reads them.
func legOptionsOf(L *lua.LState, opts rt.Options) call.Options {
	out := call.Options{Direct: opts.String("media", "relay") == "direct", Session: sessionPolicy(L, opts)}
	out.Media.Audio = checkWords(L, "codecs", opts.Table("codecs"))
	out.Media.Video = checkWords(L, "video_codecs", opts.Table("video_codecs"))
	switch opts.String("srtp", "follow") {
	case "off":
		out.Media.SRTP = description.SRTPOff
	case "require":
		out.Media.SRTP = description.SRTPRequired
	}
	if t := opts.Table("headers"); t != nil {
		named := L.NewTable()
		t.ForEach(func(k, v lua.LValue) {
			if _, isNumber := k.(lua.LNumber); !isNumber {
				named.RawSet(k, v)
			}
		})
		out.Headers = checkWords(L, "headers", t)
		out.Extra = fieldsOf(L, named)
	}
	return out
}

// checkWords reads the list part of a table.
func checkWords(L *lua.LState, what string, t *lua.LTable) []string {
	if t == nil {
		return nil
	}
	var words []string
	for i := 1; i <= t.Len(); i++ {
		word, ok := t.RawGetInt(i).(lua.LString)
		if !ok || word == "" || !oneLine(string(word)) {
			rt.Raisef(L, "%s: member %d: name expected, got %s", what, i, t.RawGetInt(i).Type())
		}
		words = append(words, string(word))
	}
	return words
}

// takeMethods are the methods of a request that make a call of it.
func takeMethods() []rt.Function {
	options := rt.NewOptionSet(legOptions()...)
	return []rt.Function{
		{Name: "accept", Signature: "(options?) → call", Options: options, Phases: rt.Handler | rt.Task,
			Doc: "Takes an INVITE as a call that ends here, not answered yet. The call is the handler's: it ends with it.",
			Fn: func(L *lua.LState) int {
				L.Push(accept(L, options).value)
				return 1
			}},
		{Name: "answer", Signature: "(options?) → call", Options: options, Phases: rt.Handler | rt.Task, Waits: true,
			Doc: "`accept` and `call:answer` in one.",
			Fn: func(L *lua.LState) int {
				o := accept(L, options)
				answer(L, o)
				L.Push(o.value)
				return 1
			}},
	}
}

func accept(L *lua.LState, options *rt.OptionSet) *leg {
	o := checkRequest(L, 1)
	if o.call != nil {
		rt.Raisef(L, "the request has been taken as a call already")
	}
	opts := legOptionsOf(L, rt.CheckOptions(L, 2, options))
	o.message() // the call refers to it
	c, err := o.req.Accept(opts)
	if err != nil {
		refused(L, err)
	}
	o.call = o.script.newLeg(c, c.Snapshot(), rt.Current(L).Root(), o)
	return o.call
}

// refused raises why an INVITE could not be taken. What has been refused by its answer is over for the handler, too.
func refused(L *lua.LState, err error) {
	var status *call.StatusError
	switch {
	case errors.As(err, &status):
		rt.Raise(L, &rt.Error{Cause: engine.CauseHangup, Code: status.Code, Message: status.Error()})
	case errors.Is(err, engine.ErrAnswered):
		rt.Raisef(L, "the request has been answered or proxied; it cannot be taken as a call any more")
	}
	raise(L, err)
}

// acceptMethods are what a caller is told before the answer, and the answer.
func acceptMethods() []rt.Function {
	return []rt.Function{
		{Name: "ringing", Signature: "()", Doc: "Tells the caller that somebody rings: 180. Raises when the call has been answered.",
			Fn: func(L *lua.LState) int {
				o := unanswered(L)
				o.tell(L, func(c *call.Call) error { return c.Ringing() })
				return 0
			}},
		{Name: "progress", Signature: "()", Waits: true, Doc: "Opens early media: 183, with an answer of this server's own to what the caller has offered. Raises when the call has been answered.",
			Fn: func(L *lua.LState) int {
				o := unanswered(L)
				o.settled(L, asking(L, o, func(c *call.Call, done func(error)) { c.Progress(183, done) }))
				return 0
			}},
		{Name: "answer", Signature: "()", Waits: true, Doc: "Answers the call: 200. Does nothing when it has been answered. Where no codec can be agreed on the caller gets 488, and the handler is unwound.",
			Fn: func(L *lua.LState) int {
				o, ok := liveCall(L)
				if !ok {
					return 2
				}
				answer(L, o)
				return 0
			}},
		{Name: "reject", Signature: "(why: integer|string|result|error, reason?: string)", Doc: "Refuses the call with a code, with the result of `dial`, or with the code of an error. Raises when the call has been answered.",
			Fn: func(L *lua.LState) int { return reject(L, unanswered(L)) }},
	}
}

func answer(L *lua.LState, o *leg) {
	o.settled(L, asking(L, o, func(c *call.Call, done func(error)) { c.Answer(done) }))
}

// settled raises what an answer has failed by: the caller has been refused, and is over for the handler.
func (o *leg) settled(L *lua.LState, err error) {
	switch {
	case err == nil:
	case errors.Is(err, call.ErrState):
		rt.Raisef(L, "%s", err.Error())
	default:
		rt.Raise(L, &rt.Error{Cause: engine.CauseHangup, Code: o.view().Cause.Code, Message: err.Error()})
	}
}

// tell does something with an unanswered caller, who lives where its handler runs.
func (o *leg) tell(L *lua.LState, fn func(c *call.Call) error) {
	var err error
	o.at(func(c *call.Call) { err = fn(c) })
	o.settled(L, err)
}

func reject(L *lua.LState, o *leg) int {
	reason := rt.OptString(L, 3, "")
	if !oneLine(reason) {
		rt.ArgError(L, 3, "a reason phrase has no line ends")
	}
	if res, ok := rt.Object[*result](L.Get(2)); ok {
		if res.Code < 300 {
			rt.ArgError(L, 2, "the result of a call that was answered is no reason to refuse another one")
		}
		o.ours = true
		o.tell(L, func(c *call.Call) error { return c.RefuseWith(&res.Result) })
		return 0
	}
	code := checkRefusal(L, 2)
	o.ours = true
	o.tell(L, func(c *call.Call) error { return c.Reject(code, reason) })
	return 0
}

// checkRefusal reads argument n as a code to refuse with: a number, or an error that has one.
func checkRefusal(L *lua.LState, n int) int {
	if e, ok := rt.AsError(L.Get(n)); ok {
		if e.Code >= 300 {
			return e.Code
		}
		return codeOf(e.Cause)
	}
	code := rt.CheckCode(L, n)
	if code < 300 {
		rt.ArgError(L, n, "a call is refused with 300 to 699, got %d", code)
	}
	return code
}

// refusals are the codes that say a cause to a caller.
var refusals = []struct {
	cause string
	code  int
}{
	{string(proxy.Busy), 486}, {string(proxy.NoAnswer), 480}, {string(proxy.Unavailable), 480}, {string(proxy.Rejected), 603},
	{string(proxy.NotFound), 404}, {string(proxy.Challenged), 403}, {string(proxy.Failed), 500}, {string(proxy.Canceled), 487},
}

// codeOf is the code for a cause; 480 where it says nothing.
func codeOf(cause string) int {
	for _, r := range refusals {
		if r.cause == cause {
			return r.code
		}
	}
	return 480
}

// causeOf is the cause for a code.
func causeOf(code int) proxy.Cause { return proxy.CauseOf(code) }
