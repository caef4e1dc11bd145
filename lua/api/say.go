package api

import (
	"errors"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"github.com/sipscript/sipscript/engine/call"
	"github.com/sipscript/sipscript/engine/media"
	"github.com/sipscript/sipscript/lua/rt"
	"github.com/sipscript/sipscript/sip"
)

// sayMethods are what a peer is told in the dialog.
func sayMethods() []rt.Function {
	info := rt.NewOptionSet(
		rt.Option{Name: "body", Kind: rt.String, Doc: "the body"},
		rt.Option{Name: "content_type", Kind: rt.String, Default: `"text/plain"`, Doc: "of the body"},
	)
	dtmf := rt.NewOptionSet(rt.Option{Name: "method", Kind: rt.String, Choices: []string{"media", "info"}, Doc: "how they go, whatever else would be possible"})
	return []rt.Function{
		{Name: "send_dtmf", Signature: "(digits: string, options?) → boolean?, err: error?", Options: dtmf, Waits: true,
			Doc: "Sends digits to the peer and waits until they are out; `w` is a pause of half a second. They go in its media, as telephone-events (RFC 4733) or as tones where none were agreed on, if this server handles that; else each in an INFO (application/dtmf-relay).",
			Fn:  func(L *lua.LState) int { return sendDigits(L, dtmf) }},
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

func sendDigits(L *lua.LState, options *rt.OptionSet) int {
	o, ok := speakable(L)
	if !ok {
		return 2
	}
	digits, how := strings.ToUpper(rt.CheckString(L, 2)), rt.CheckOptions(L, 3, options).String("method", "")
	if digits == "" || strings.Trim(digits, allDigits+"W") != "" {
		rt.ArgError(L, 2, "digits of %s and w expected, got %q", allDigits, digits)
	}
	err := asking(L, o, func(c *call.Call, done func(error)) {
		if how != "info" {
			err := c.Press(strings.ReplaceAll(digits, "W", "w"), done)
			if err == nil {
				return
			}
			if how == "media" {
				done(err)
				return
			}
		}
		c.SendDTMF(strings.ReplaceAll(digits, "W", ""), done)
	})
	if errors.Is(err, media.ErrUnsupported) {
		return o.unheard(L, err)
	}
	return o.agreed(L, err)
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
