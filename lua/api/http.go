package api

import (
	"bytes"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"github.com/sipscript/sipscript/engine"
	"github.com/sipscript/sipscript/engine/shard"
	"github.com/sipscript/sipscript/engine/web"
	"github.com/sipscript/sipscript/lua/rt"
)

func httpModule(t *types) rt.Module {
	shared := []rt.Option{
		{Name: "headers", Kind: rt.Table, Type: "table<string, string>", Doc: "of the request"},
		{Name: "timeout", Kind: rt.Seconds, Default: "10", Doc: "for all of it"},
	}
	get := rt.NewOptionSet(shared...)
	request := rt.NewOptionSet(append(slices.Clone(shared),
		rt.Option{Name: "url", Kind: rt.String, Must: true, Doc: "`http://…` or `https://…`"},
		rt.Option{Name: "method", Kind: rt.String, Default: `"GET"`, Doc: "any"},
		rt.Option{Name: "body", Kind: rt.Any, Type: "string|table", Doc: "what is sent: a string, or a table as JSON"},
	)...)
	const result = " → response: response?, err: error?"
	return rt.Module{
		Name: "http",
		Doc: "Other servers, by HTTP. Each function waits for the answer, whatever its status. At most 10 MB are taken, and three redirections followed.\n\n" +
			"Returns nil and an error with cause `timeout`, `unreachable`, `too_large`, `redirected` (too often), or `overload` where too many requests wait already. A request that was begun comes to its end, also when the caller hangs up meanwhile: the line behind it runs, and knows what has become of it.",
		Types: []*rt.Type{t.response},
		Functions: []rt.Function{
			{Name: "get", Signature: "(url: string, options?)" + result, Options: get, Waits: true, Doc: "Asks for a page.",
				Fn: func(L *lua.LState) int {
					return askPage(L, web.Request{URL: checkPage(L, 1, L.Get(1))}, 2, rt.CheckOptions(L, 2, get))
				}},
			{Name: "post", Signature: "(url: string, body?: string|table, options?)" + result, Options: get, Waits: true,
				Doc: "Sends a body: a string, as `text/plain` unless `headers` say otherwise, or a table, as JSON.",
				Fn: func(L *lua.LState) int {
					r := web.Request{Method: http.MethodPost, URL: checkPage(L, 1, L.Get(1))}
					setBody(L, 2, &r, L.Get(2))
					return askPage(L, r, 3, rt.CheckOptions(L, 3, get))
				}},
			{Name: "request", Signature: "(options)" + result, Options: request, Waits: true, Doc: "Sends any request.",
				Fn: func(L *lua.LState) int {
					opts := rt.CheckOptions(L, 1, request)
					r := web.Request{Method: strings.Clone(opts.String("method", http.MethodGet)), URL: checkPage(L, 1, opts.Value("url"))}
					if r.Method == "" || strings.ContainsFunc(r.Method, notToken) {
						rt.ArgError(L, 1, "option 'method': %q is no method", r.Method)
					}
					setBody(L, 1, &r, opts.Value("body"))
					return askPage(L, r, 1, opts)
				}},
		},
	}
}

// checkPage reads v, which is argument n or part of it, as an address of HTTP.
func checkPage(L *lua.LState, n int, v lua.LValue) string {
	s, ok := v.(lua.LString)
	if !ok {
		rt.ArgError(L, n, "address expected, got %s", v.Type())
	}
	if err := web.CheckURL(string(s)); err != nil {
		rt.ArgError(L, n, "%s", err)
	}
	return strings.Clone(string(s))
}

// setBody reads v, which is argument n or part of it, as what is sent.
func setBody(L *lua.LState, n int, r *web.Request, v lua.LValue) {
	kind := "text/plain; charset=utf-8"
	switch v := rt.Plain(v).(type) {
	case *lua.LNilType:
		return
	case lua.LString:
		r.Body = []byte(v)
	case *lua.LTable:
		kind = "application/json"
		var b bytes.Buffer
		writeJSON(L, &b, v, 0)
		r.Body = b.Bytes()
	default:
		rt.ArgError(L, n, "string or table expected as the body, got %s", v.Type())
	}
	r.Header = http.Header{"Content-Type": {kind}}
}

// optionTexts reads an option as a table of texts by name; nil where it was not given.
func optionTexts(L *lua.LState, n int, opts rt.Options, name string) map[string]string {
	t := opts.Table(name)
	if t == nil {
		return nil
	}
	texts := map[string]string{}
	t.ForEach(func(k, v lua.LValue) {
		switch v.(type) {
		case lua.LString, lua.LNumber, lua.LBool:
		default:
			rt.ArgError(L, n, "option '%s': text expected for %s, got %s", name, k, v.Type())
		}
		texts[strings.Clone(k.String())] = strings.Clone(v.String())
	})
	return texts
}

// optionHeader reads an option as header fields of HTTP.
func optionHeader(L *lua.LState, n int, opts rt.Options, name string) http.Header {
	texts := optionTexts(L, n, opts, name)
	header := make(http.Header, len(texts))
	for _, k := range slices.Sorted(maps.Keys(texts)) {
		if k == "" || strings.ContainsFunc(k, notToken) || !oneLine(texts[k]) {
			rt.ArgError(L, n, "option '%s': %q: %q is no header field", name, k, texts[k])
		}
		header.Set(k, texts[k])
	}
	return header
}

// page is what a server has answered.
type page struct {
	answer *web.Response
	err    error
}

// askPage sends r, with what the options, argument n, say beside.
func askPage(L *lua.LState, r web.Request, n int, opts rt.Options) int {
	r.Timeout = opts.Seconds("timeout", web.DefaultTimeout)
	for k, values := range optionHeader(L, n, opts, "headers") {
		if r.Header == nil {
			r.Header = http.Header{}
		}
		r.Header[k] = values
	}
	s := scriptOf(L)
	p, err := rt.AwaitFinish(L, func(resume func(page)) func() {
		return s.Engine.Web.Do(s.loop, r, func(answer *web.Response, err error) { resume(page{answer, err}) })
	})
	switch {
	case err != nil:
		return rt.Raise(L, err)
	case p.err != nil:
		return rt.Fail(L, causeOfPage(p.err), p.err.Error(), 0)
	}
	L.Push(s.vm.NewObject(s.types.response, &document{p.answer, lua.LString(p.answer.Body)}))
	return 1
}

// causeOfPage is the word for why a page did not come.
func causeOfPage(err error) string {
	switch {
	case errors.Is(err, web.ErrTimeout):
		return engine.CauseTimeout
	case errors.Is(err, web.ErrTooLarge):
		return "too_large"
	case errors.Is(err, web.ErrRedirects):
		return "redirected"
	case errors.Is(err, shard.ErrOverload):
		return engine.CauseOverload
	}
	return engine.CauseUnreachable
}

// document is an answer in a script.
type document struct {
	*web.Response
	body lua.LString
}

func newResponseType() *rt.Type {
	field := func(name, typ, doc string, get func(*lua.LState, *document) lua.LValue) rt.Field {
		return rt.Field{Name: name, Type: typ, Doc: doc, Get: func(L *lua.LState, o any) lua.LValue { return get(L, o.(*document)) }}
	}
	return &rt.Type{
		Name: "response",
		Doc:  "What another server has answered by HTTP.",
		Fields: []rt.Field{
			field("status", "integer", "its code", func(_ *lua.LState, r *document) lua.LValue { return lua.LNumber(r.Status) }),
			field("body", "string", "all of it", func(_ *lua.LState, r *document) lua.LValue { return r.body }),
			field("headers", "table<string, string>", "by their names in small letters; several of one name are joined by commas", headersOf),
			field("url", "string", "which has answered, behind redirections", func(_ *lua.LState, r *document) lua.LValue { return lua.LString(r.URL) }),
		},
		Methods: []rt.Function{
			{Name: "json", Signature: "() → value: any, err: error?", Doc: "The body decoded, as by `json.decode`.", Fn: func(L *lua.LState) int {
				r := checkObject[*document](L, 1, "response")
				return decodeJSON(L, r.Body)
			}},
		},
	}
}

func headersOf(L *lua.LState, r *document) lua.LValue {
	t := L.CreateTable(0, len(r.Header))
	for _, k := range slices.Sorted(maps.Keys(r.Header)) {
		t.RawSetString(strings.ToLower(k), lua.LString(strings.Join(r.Header[k], ", ")))
	}
	return t
}
