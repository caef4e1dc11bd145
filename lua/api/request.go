package api

import (
	"errors"
	"fmt"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"github.com/sipscript/sipscript/engine"
	"github.com/sipscript/sipscript/lua/rt"
	"github.com/sipscript/sipscript/sip"
)

// request is a script's view of a request. Reading it stays valid for ever; acting on it after its handler has ended
// raises.
type request struct {
	script *Script
	req    *engine.Request
	over   bool       // its handler has ended
	uri    lua.LValue // made on first read
	user   lua.LValue // who has authenticated
	sdp    lua.LValue // made on first read
	last   *result    // what proxy returned last
	call   *leg       // the call that was made of it
	run    *rt.Run    // its handler, once that has waited

	archive []byte       // the request as it was when its handler ended, if nobody had read it until then
	reread  *sip.Message // made of it when somebody reads it after all, or the one that had been read
}

// message is the request for whoever may hold a string of it, for ever: it is the garbage collector's from then on.
func (o *request) message() *sip.Message {
	m := o.peek()
	m.Keep()
	return m
}

// peek is the request for whoever is done with it at once. The engine takes one that nobody has kept back when its
// handler has ended; a script that has put the object aside reads a copy.
func (o *request) peek() *sip.Message {
	if o.archive == nil && o.reread == nil {
		return o.req.Message
	}
	if o.reread == nil {
		o.reread = must(sip.RereadSent(o.archive))
	}
	return o.reread
}

// end is called when the handler has ended, before the engine hears of it.
func (o *request) end() {
	o.over = true
	if m := o.req.Message; m.Kept() {
		o.reread = m // the engine may let go of it
	} else {
		o.archive = m.Append(make([]byte, 0, m.Size()))
	}
	if o.last != nil && o.last.Reply != nil && !o.last.Reply.Kept() {
		o.last.Reply = nil // nobody has looked at it, and it is going to be another message
	}
}

// Unwind implements engine.Unwinder. A caller whose request was taken as a call is one whose end that call tells.
func (o *request) Unwind(cause string) {
	if o.call == nil || cause != engine.CauseHangup {
		o.run.Unwind(cause)
	}
}

func (o *request) readable(*lua.LState) {}

func (o *request) writable(L *lua.LState) {
	if o.over {
		rt.Raisef(L, "the request's handler has ended")
	}
}

// check reads argument 1 as a request that can still be acted on.
func checkRequest(L *lua.LState, n int) *request {
	o := checkObject[*request](L, n, "request")
	if o.over {
		rt.Raisef(L, "the request's handler has ended")
	}
	if o.call != nil && o.call.over() {
		o.call.raiseHangup(L)
	}
	return o
}

func newRequestType() *rt.Type {
	t := &rt.Type{
		Name: "request",
		Doc:  "A request that a handler decides about. Reading it stays valid for ever; answering or proxying it after its handler has ended raises.",
		Fields: []rt.Field{
			{Name: "method", Type: "string", Doc: "the method", Get: func(_ *lua.LState, o any) lua.LValue {
				return lua.LString(strings.Clone(o.(*request).peek().Method()))
			}},
			{Name: "uri", Type: "uri", Doc: "the request URI, as the last hop left it; its parts are writable too", Get: getRequestURI, Set: setRequestURI},
			addressField("from", "the From header field", (*sip.Message).From),
			addressField("to", "the To header field", (*sip.Message).To),
			{Name: "contact", Type: "address?", Doc: "the first Contact; nil when there is none, or a `*`", Get: func(L *lua.LState, o any) lua.LValue {
				contacts, err := o.(*request).message().Contacts()
				if err != nil || len(contacts) == 0 || contacts[0].Star {
					return lua.LNil
				}
				return newAddress(rt.VMOf(L), &contacts[0])
			}},
			textField("call_id", "the Call-ID", (*sip.Message).CallID),
			{Name: "cseq", Type: "integer", Doc: "the number in CSeq", Get: func(_ *lua.LState, o any) lua.LValue {
				c, err := o.(*request).message().CSeq()
				if err != nil {
					return lua.LNil
				}
				return lua.LNumber(c.Number)
			}},
			headerField("user_agent", "the User-Agent", sip.UserAgent),
			headerField("content_type", "the Content-Type", sip.ContentType),
			{Name: "body", Type: "string", Doc: "the body as it came, empty when there is none", Get: func(_ *lua.LState, o any) lua.LValue {
				return lua.LString(o.(*request).message().Body())
			}},
			{Name: "sdp", Type: sdpType + "?", Doc: "the session description in the body, read-only: each m-line with its kind (`audio`, `video`, `image` …), where media is wanted, which way it is to flow as the sender sees it, and the codecs in the order of preference. nil when there is none, or none that can be read", Get: getSDP},
			{Name: "diversions", Type: "address[]", Doc: "who has diverted the call on its way here, the last one first, each with `params.reason` and what else RFC 5806 has; empty when nobody has", Get: getDiversions},
			{Name: "replaces", Type: "handle?", Doc: "the call that the sender wants to take the place of (RFC 3891); nil when it wants none, or there is none. Waits for the answer of the shard that the call lives on", Get: getReplaces},
			{Name: "joins", Type: "handle?", Doc: "the call whose conversation the sender wants to join (RFC 3911); nil when it wants none, or there is none. If it is in a conference, `conference.room(req.joins)` is which one; whether the sender may is for the script to say. Waits as `replaces` does", Get: getJoins},
			{Name: "emergency", Type: "boolean", Doc: "whether it calls for help: `urn:service:sos` and what is under it (RFC 5031), or a number that the config lists under `emergency`, at this server or as a `tel` URI. Such a call is let in however great the load, and `limit` never refuses it", Get: func(_ *lua.LState, o any) lua.LValue {
				return lua.LBool(o.(*request).req.Emergency())
			}},
			{Name: "source", Type: "{ip: string, port: integer, transport: string, listener: string}", Doc: "where the request was seen to come from, and the address of ours it came to: `{ip = \"192.0.2.10\", port = 5060, transport = \"udp\", listener = \"udp:192.0.2.1:5060\"}`", Get: getSource},
			{Name: "user", Type: "string?", Doc: "the user that `auth.require` has let in, nil before", Get: func(_ *lua.LState, o any) lua.LValue {
				if u := o.(*request).user; u != nil {
					return u
				}
				return lua.LNil
			}},
			{Name: "vars", Type: "table<string, any>", Doc: "values of the script's own that stay with the call: strings, numbers, booleans, and tables of them, which are copied. They are there in later handlers of the call (`sip.on_indialog`), when it ends (`sip.on_end`), and in its line of the file of call records. A call is followed from the first time that its INVITE's vars are read or written, before it is answered", Get: func(L *lua.LState, o any) lua.LValue {
				return varsOf(L, o.(*request).req.Record())
			}},
		},
	}
	t.Methods = append(headerMethods[*request]("request"), answerMethods()...)
	t.Methods = append(t.Methods, takeMethods()...)
	t.Methods = append(t.Methods, b2buaMethod(), proxyMethod(), forwardMethod(), limitMethod())
	return t
}

func textField(name, doc string, get func(*sip.Message) string) rt.Field {
	return rt.Field{Name: name, Type: "string", Doc: doc, Get: func(_ *lua.LState, o any) lua.LValue {
		return lua.LString(get(o.(*request).message()))
	}}
}

func headerField(name, doc string, h sip.Name) rt.Field {
	return rt.Field{Name: name, Type: "string?", Doc: doc, Get: func(_ *lua.LState, o any) lua.LValue {
		v, ok := o.(*request).message().Value(h)
		if !ok {
			return lua.LNil
		}
		return lua.LString(v)
	}}
}

func addressField(name, doc string, get func(*sip.Message) (*sip.Address, error)) rt.Field {
	return rt.Field{Name: name, Type: "address", Doc: doc, Get: func(L *lua.LState, o any) lua.LValue {
		a, err := get(o.(*request).message())
		if err != nil {
			return lua.LNil
		}
		return newAddress(rt.VMOf(L), a)
	}}
}

func getRequestURI(L *lua.LState, o any) lua.LValue {
	r := o.(*request)
	if r.uri == nil {
		// Nearly every script reads it, and that alone is no reason to keep the whole request.
		u, err := sip.ParseURI(strings.Clone(r.peek().URIText()))
		if err != nil {
			return lua.LNil
		}
		r.uri = newURI(rt.VMOf(L), u, func(L *lua.LState, text string) {
			r.writable(L)
			r.peek().SetURI(text)
		})
	}
	return r.uri
}

func setRequestURI(L *lua.LState, o any, v lua.LValue) {
	r := o.(*request)
	r.writable(L)
	r.peek().SetURI(uriValue(L, v))
	r.uri = nil
}

func getSource(L *lua.LState, o any) lua.LValue {
	f := o.(*request).req.Flow
	t := L.CreateTable(0, 4)
	t.RawSetString("ip", lua.LString(f.Remote.Addr().String()))
	t.RawSetString("port", lua.LNumber(f.Remote.Port()))
	t.RawSetString("transport", lua.LString(f.Transport.Param()))
	t.RawSetString("listener", lua.LString(fmt.Sprintf("%s:%s", f.Transport.Param(), f.Local)))
	return t
}

// raise turns what the engine refuses into the error a script sees: the caller's hang-up unwinds, anything else is
// wrong use.
func raise(L *lua.LState, err error) {
	if errors.Is(err, engine.ErrHangup) {
		rt.Raise(L, &rt.Error{Cause: engine.CauseHangup, Message: err.Error()})
	}
	rt.Raisef(L, "%s", err.Error())
}
