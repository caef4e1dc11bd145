package api

import (
	"strings"

	lua "github.com/yuin/gopher-lua"

	"github.com/sipscript/sipscript/engine/call"
	"github.com/sipscript/sipscript/lua/rt"
	"github.com/sipscript/sipscript/sip"
)

// sayMethods are what a peer is told in the dialog.
func sayMethods() []rt.Function {
	info := rt.NewOptionSet(
		rt.Option{Name: "body", Kind: rt.String, Doc: "the body"},
		rt.Option{Name: "content_type", Kind: rt.String, Default: `"text/plain"`, Doc: "of the body"},
	)
	return []rt.Function{
		{Name: "send_dtmf", Signature: "(digits: string) → boolean?, err: error?", Waits: true,
			Doc: "Sends digits to the peer and waits until they are out: each in an INFO (application/dtmf-relay).",
			Fn: func(L *lua.LState) int {
				o, ok := speakable(L)
				if !ok {
					return 2
				}
				digits := strings.ToUpper(rt.CheckString(L, 2))
				if digits == "" || strings.Trim(digits, allDigits) != "" {
					rt.ArgError(L, 2, "digits of %s expected, got %q", allDigits, digits)
				}
				return o.agreed(L, asking(L, o, func(c *call.Call, done func(error)) { c.SendDTMF(digits, done) }))
			}},
		{Name: "send_info", Signature: "(options?) → boolean?, err: error?", Options: info, Waits: true,
			Doc: "Sends an INFO (RFC 6086). Returns true when the peer has taken it, or nil and an error.",
			Fn: func(L *lua.LState) int {
				o, ok := speakable(L)
				if !ok {
					return 2
				}
				opts := rt.CheckOptions(L, 2, info)
				return o.say(L, sip.INFO, opts.String("content_type", "text/plain"), opts.String("body", ""))
			}},
		{Name: "message", Signature: "(text: string) → boolean?, err: error?", Waits: true,
			Doc: "Sends a MESSAGE in the dialog (RFC 3428). Returns true when the peer has taken it, or nil and an error.",
			Fn: func(L *lua.LState) int {
				o, ok := speakable(L)
				if !ok {
					return 2
				}
				return o.say(L, sip.MESSAGE, "text/plain", rt.CheckString(L, 2))
			}},
	}
}

// speakable reads argument 1 as a call in whose dialog requests can be sent.
func speakable(L *lua.LState) (*leg, bool) {
	o, ok := liveCall(L)
	if ok && !o.answered() {
		rt.Raisef(L, "only to a call that was answered")
	}
	return o, ok
}

func (o *leg) say(L *lua.LState, method, kind, body string) int {
	if !oneLine(kind) {
		rt.ArgError(L, 2, "option 'content_type': %q is no header value", kind)
	}
	content := []byte(body)
	return o.agreed(L, asking(L, o, func(c *call.Call, done func(error)) {
		err := c.Send(method, kind, content, func(code int) {
			if code/100 != 2 {
				done(&call.StatusError{Code: code})
				return
			}
			done(nil)
		})
		if err != nil {
			done(err)
		}
	}))
}
