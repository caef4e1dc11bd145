package api

import (
	"strings"

	lua "github.com/yuin/gopher-lua"

	"github.com/sipscript/sipscript/engine"
	"github.com/sipscript/sipscript/engine/proxy"
	"github.com/sipscript/sipscript/lua/rt"
	"github.com/sipscript/sipscript/sip"
)

func replyOptions() *rt.OptionSet {
	return rt.NewOptionSet(
		rt.Option{Name: "headers", Kind: rt.Table, Type: "table<string, string|string[]>", Doc: "header fields by name, each with its value or a list of values"},
		rt.Option{Name: "body", Kind: rt.String, Doc: "the body"},
		rt.Option{Name: "content_type", Kind: rt.String, Default: `"text/plain"`, Doc: "of the body"},
	)
}

func answerMethods() []rt.Function {
	options := replyOptions()
	return []rt.Function{
		{Name: "reply", Signature: "(code: integer|string|result, reason?: string, options?)", Options: options,
			Doc: "Answers the request. A 1xx may be sent any number of times, to an INVITE. With the result of `proxy` the response that came is passed on.",
			Fn:  func(L *lua.LState) int { return reply(L, options) }},
		{Name: "redirect", Signature: "(contacts: targets, code?: integer|string)", Fn: redirect,
			Doc: "Answers 302, or another 3xx, with these contacts: one URI or a list, or what `location.lookup` returned."},
		{Name: "drop", Signature: "()", Fn: drop, Doc: "Answers nothing, on purpose."},
	}
}

func reply(L *lua.LState, options *rt.OptionSet) int {
	o := checkRequest(L, 1)
	if res, ok := rt.Object[*result](L.Get(2)); ok {
		if res.of != o.req {
			rt.ArgError(L, 2, "the result belongs to another request")
		}
		o.endsCall(res.Code)
		if err := o.req.ReplyResult(&res.Result); err != nil {
			raise(L, err)
		}
		return 0
	}
	code := rt.CheckCode(L, 2)
	reason, next := "", 3
	if _, isTable := rt.Plain(L.Get(3)).(*lua.LTable); !isTable {
		reason = rt.OptString(L, 3, "")
		next = 4
	}
	opts := rt.CheckOptions(L, next, options)
	content := engine.Content{
		Headers:     fieldsOf(L, opts.Table("headers")),
		ContentType: opts.String("content_type", "text/plain"),
		Body:        []byte(opts.String("body", "")),
	}
	if !oneLine(reason) {
		rt.ArgError(L, 3, "a reason phrase has no line ends")
	}
	if !oneLine(content.ContentType) {
		rt.ArgError(L, next, "option 'content_type': %q is no header value", content.ContentType)
	}
	o.endsCall(code)
	if err := o.req.Reply(code, reason, content); err != nil {
		raise(L, err)
	}
	return 0
}

// endsCall says that the script ends the call of the request by an answer of the request's own.
func (o *request) endsCall(code int) {
	if o.call != nil && code >= 200 && !o.call.answered() {
		o.call.ours = true
	}
}

// oneLine reports whether s can stand in a message: whoever makes it of what a peer has sent must not let that add header
// fields.
func oneLine(s string) bool { return !strings.ContainsAny(s, "\r\n\x00") }

func redirect(L *lua.LState) int {
	o := checkRequest(L, 1)
	code := 302
	if L.Get(3) != lua.LNil {
		code = rt.CheckCode(L, 3)
	}
	if code < 300 || code > 399 {
		rt.ArgError(L, 3, "a redirection is 300 to 399, got %d", code)
	}
	var contacts []sip.Field
	self := o.peek().URIText()
	for _, g := range checkTargets(L, 2) {
		for _, t := range g {
			if sameURI(t.URI, self) {
				continue // never to where the request has just been (RFC 3261 §8.3)
			}
			contacts = append(contacts, sip.Field{Name: "Contact", Value: contactValue(&t)})
		}
	}
	if len(contacts) == 0 {
		rt.ArgError(L, 2, "no contact to redirect to")
	}
	o.endsCall(code)
	if err := o.req.Reply(code, "", engine.Content{Headers: contacts}); err != nil {
		raise(L, err)
	}
	return 0
}

func sameURI(a, b string) bool {
	x, err := sip.ParseURI(a)
	y, err2 := sip.ParseURI(b)
	return err == nil && err2 == nil && x.Equal(&y)
}

func contactValue(t *proxy.Target) string {
	v := "<" + t.URI + ">"
	if b, ok := t.Value.(*target); ok && b.Q >= 0 && b.Q < 1000 {
		v += ";q=" + qText(b.Q)
	}
	return v
}

func drop(L *lua.LState) int {
	o := checkRequest(L, 1)
	o.endsCall(200)
	if err := o.req.Drop(); err != nil {
		raise(L, err)
	}
	return 0
}
