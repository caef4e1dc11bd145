package api

import (
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"github.com/sipscript/sipscript/lua/rt"
	"github.com/sipscript/sipscript/sip"
)

// holder is an object with a SIP message in it.
type holder interface {
	message() *sip.Message
	// readable raises when the message is not there any more.
	readable(L *lua.LState)
	// writable raises when the message is not to be changed any more.
	writable(L *lua.LState)
}

// headerMethods are the methods of every object that is a message. They are called on a T.
func headerMethods[T holder](name string) []rt.Function {
	get := func(L *lua.LState) T {
		o := checkObject[T](L, 1, name)
		o.readable(L)
		return o
	}
	return []rt.Function{
		{Name: "header", Signature: "(name: string) → string?", Doc: "The first value of a header field. Compact and long names are the same.",
			Fn: func(L *lua.LState) int {
				v, ok := get(L).message().Get(rt.CheckString(L, 2))
				if !ok {
					L.Push(lua.LNil)
				} else {
					L.Push(lua.LString(v))
				}
				return 1
			}},
		{Name: "headers", Signature: "(name: string) → string[]", Doc: "All values of a header field, in order.",
			Fn: func(L *lua.LState) int {
				list := L.NewTable()
				for v := range get(L).message().GetAll(rt.CheckString(L, 2)) {
					list.Append(lua.LString(v))
				}
				L.Push(list)
				return 1
			}},
		{Name: "set_header", Signature: "(name: string, value: string|number|uri|address)", Doc: "Replaces a header field, or adds it. Via, Call-ID, CSeq, Record-Route and tags cannot be written.",
			Fn: func(L *lua.LState) int {
				o, name, value := get(L), checkHeaderName(L, 2), checkHeaderValue(L, 3)
				o.writable(L)
				checkSameTag(L, o.message(), name, value)
				o.message().Set(name, value)
				return 0
			}},
		{Name: "add_header", Signature: "(name: string, value: string|number|uri|address)", Doc: "Adds a header field behind those of its name.",
			Fn: func(L *lua.LState) int {
				o, name, value := get(L), checkHeaderName(L, 2), checkHeaderValue(L, 3)
				o.writable(L)
				switch sip.LookupName(name) {
				case sip.From, sip.To, sip.MaxForwards:
					rt.ArgError(L, 2, "%s stands once in a message; use set_header", name)
				}
				o.message().Add(name, value)
				return 0
			}},
		{Name: "remove_header", Signature: "(name: string)", Doc: "Removes all header fields of this name.",
			Fn: func(L *lua.LState) int {
				o, name := get(L), checkHeaderName(L, 2)
				o.writable(L)
				switch sip.LookupName(name) {
				case sip.From, sip.To:
					rt.ArgError(L, 2, "%s cannot be removed", name)
				}
				o.message().Remove(name)
				return 0
			}},
	}
}

// checkHeaderName refuses what belongs to the protocol and not to a script.
func checkHeaderName(L *lua.LState, n int) string {
	name := rt.CheckString(L, n)
	if name == "" || strings.ContainsFunc(name, notToken) {
		rt.ArgError(L, n, "%q is no header name", name)
	}
	switch sip.LookupName(name) {
	case sip.Via, sip.CallID, sip.CSeq, sip.RecordRoute, sip.ContentLength:
		rt.ArgError(L, n, "%s is the server's to write", name)
	}
	return name
}

func notToken(r rune) bool {
	return r <= ' ' || r >= 0x7f || strings.ContainsRune(`()<>@,;:\"/[]?={}`, r)
}

// checkHeaderValue reads argument n as the value of a header field.
func checkHeaderValue(L *lua.LState, n int) string {
	value := ""
	switch v := L.Get(n).(type) {
	case *lua.LUserData:
		value = printed(L, v)
	default:
		value = rt.CheckString(L, n)
	}
	if !oneLine(value) {
		rt.ArgError(L, n, "a header value has no line ends")
	}
	return value
}

// checkSameTag lets From and To be rewritten, but not their tags: those name the dialog.
func checkSameTag(L *lua.LState, m *sip.Message, name, value string) {
	tag := ""
	switch sip.LookupName(name) {
	case sip.From:
		tag = m.FromTag()
	case sip.To:
		tag = m.ToTag()
	default:
		return
	}
	a, err := sip.ParseAddress(value)
	if err != nil {
		rt.ArgError(L, 3, "%q is no address", value)
	}
	if a.Tag() != tag {
		rt.ArgError(L, 3, "the tag of %s names the dialog and must stay %q", name, tag)
	}
}

// fieldsOf reads a table of header fields, each value a string or a list, in the order of their names.
func fieldsOf(L *lua.LState, t *lua.LTable) []sip.Field {
	if t == nil {
		return nil
	}
	var fields []sip.Field
	t.ForEach(func(k, v lua.LValue) {
		name, ok := k.(lua.LString)
		if !ok {
			rt.Raisef(L, "headers must be a table of names and values")
		}
		if list, ok := rt.Plain(v).(*lua.LTable); ok {
			for i := 1; i <= list.Len(); i++ {
				fields = append(fields, sip.Field{Name: string(name), Value: list.RawGetInt(i).String()})
			}
			return
		}
		value := v.String()
		if ud, ok := v.(*lua.LUserData); ok {
			value = printed(L, ud)
		}
		fields = append(fields, sip.Field{Name: string(name), Value: value})
	})
	slices.SortStableFunc(fields, func(a, b sip.Field) int { return strings.Compare(a.Name, b.Name) })
	for _, f := range fields {
		if f.Name == "" || strings.ContainsFunc(f.Name, notToken) || !oneLine(f.Value) {
			rt.Raisef(L, "headers: %q: %q is no header field", f.Name, f.Value)
		}
		switch sip.LookupName(f.Name) {
		case sip.Via, sip.CallID, sip.CSeq, sip.RecordRoute, sip.ContentLength, sip.From, sip.To:
			rt.Raisef(L, "headers: %s is the server's to write", f.Name)
		}
	}
	return fields
}
