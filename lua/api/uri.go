package api

import (
	"sort"
	"strconv"

	lua "github.com/yuin/gopher-lua"

	"github.com/sipscript/sipscript/lua/rt"
	"github.com/sipscript/sipscript/sip"
)

// uri is a URI in a script. Where writing to it means something, changed says to whom.
type uri struct {
	sip.URI
	changed func(*sip.URI)
}

func newURIType() *rt.Type {
	return &rt.Type{
		Name: "uri",
		Doc:  "A sip, sips or tel URI. It prints itself, `..` takes it, and two are equal as RFC 3261 §19.1.4 has it. Text that is no URI any more when a part is written raises. Only the URI of a request or branch is connected to its message: writing to another changes nothing but the object.",
		Fields: []rt.Field{
			uriText("scheme", "string", "`sip`, `sips` or `tel`", func(u *sip.URI) *string { return &u.Scheme }),
			uriText("user", "string?", "the part before the @, escapes as they came", func(u *sip.URI) *string { return &u.User }),
			uriText("password", "string?", "deprecated, and better never logged", func(u *sip.URI) *string { return &u.Password }),
			uriText("host", "string", "domain or address, IPv6 in brackets", func(u *sip.URI) *string { return &u.Host }),
			{Name: "port", Type: "integer?", Doc: "nil when none is given",
				Get: func(_ *lua.LState, o any) lua.LValue {
					if p := o.(*uri).Port; p != 0 {
						return lua.LNumber(p)
					}
					return lua.LNil
				},
				Set: func(L *lua.LState, o any, v lua.LValue) {
					u := o.(*uri)
					n, err := strconv.ParseUint(v.String(), 10, 16)
					if v == lua.LNil {
						n, err = 0, nil
					}
					if err != nil {
						rt.Raisef(L, "port must be 1 to 65535 or nil, got %s", v.String())
					}
					u.Port = uint16(n)
					u.write()
				}},
			{Name: "params", Type: "table<string, string|true>", Doc: "the parameters by name, `true` for one without a value: a copy, so that changing one takes assigning the table",
				Get: func(L *lua.LState, o any) lua.LValue { return paramsTable(L, o.(*uri).Params) },
				Set: func(L *lua.LState, o any, v lua.LValue) {
					u := o.(*uri)
					u.Params = checkParams(L, v)
					u.write()
				}},
			{Name: "headers", Type: "string?", Doc: "the part behind the ?, as it came",
				Get: func(_ *lua.LState, o any) lua.LValue { return textOrNil(o.(*uri).Headers) }},
			{Name: "number", Type: "string?", Doc: "of a tel URI, what stands behind the scheme",
				Get: func(_ *lua.LState, o any) lua.LValue { return textOrNil(o.(*uri).Opaque) }},
		},
	}
}

func uriText(name, typ, doc string, at func(*sip.URI) *string) rt.Field {
	return rt.Field{Name: name, Type: typ, Doc: doc,
		Get: func(_ *lua.LState, o any) lua.LValue { return textOrNil(*at(&o.(*uri).URI)) },
		Set: func(L *lua.LState, o any, v lua.LValue) {
			u := o.(*uri)
			before := u.URI
			switch v := v.(type) {
			case lua.LString:
				*at(&u.URI) = string(v)
			case lua.LNumber:
				*at(&u.URI) = v.String()
			case *lua.LNilType:
				*at(&u.URI) = ""
			default:
				rt.Raisef(L, "uri: %s must be a string, got %s", name, v.Type())
			}
			// Text that would change the meaning of the rest must not get in.
			again, err := sip.ParseURI(u.String())
			if err != nil || !again.Equal(&u.URI) {
				bad := *at(&u.URI)
				u.URI = before
				rt.Raisef(L, "uri: %q is no %s", bad, name)
			}
			u.write()
		}}
}

func (u *uri) write() {
	if u.changed != nil {
		u.changed(&u.URI)
	}
}

func textOrNil(s string) lua.LValue {
	if s == "" {
		return lua.LNil
	}
	return lua.LString(s)
}

// newURI makes a script's URI.
func newURI(vm *rt.VM, u sip.URI, changed func(*sip.URI)) lua.LValue {
	return vm.NewObject(typesOf(vm).uri, &uri{URI: u, changed: changed})
}

// setupURI gives URIs their metamethods in a VM.
func setupURI(vm *rt.VM) {
	t := typesOf(vm)
	vm.SetMeta(t.uri, "__tostring", func(L *lua.LState) int {
		L.Push(lua.LString(checkObject[*uri](L, 1, "uri").String()))
		return 1
	})
	vm.SetMeta(t.uri, "__concat", concat)
	vm.SetMeta(t.uri, "__eq", func(L *lua.LState) int {
		a, b := checkObject[*uri](L, 1, "uri"), checkObject[*uri](L, 2, "uri")
		L.Push(lua.LBool(a.Equal(&b.URI)))
		return 1
	})
	vm.SetMeta(t.address, "__tostring", func(L *lua.LState) int {
		L.Push(lua.LString(checkObject[*address](L, 1, "address").text))
		return 1
	})
	vm.SetMeta(t.address, "__concat", concat)
}

// concat is .. for objects that print themselves.
func concat(L *lua.LState) int {
	L.Push(lua.LString(printed(L, L.Get(1)) + printed(L, L.Get(2))))
	return 1
}

func printed(L *lua.LState, v lua.LValue) string {
	switch v := v.(type) {
	case lua.LString, lua.LNumber:
		return v.String()
	case *lua.LUserData:
		if s, ok := objectText(v); ok {
			return s
		}
	}
	rt.Raisef(L, "attempt to concatenate a %s value", v.Type())
	return ""
}

// objectText is an object as text, if it is one that prints itself.
func objectText(v *lua.LUserData) (string, bool) {
	switch o := v.Value.(type) {
	case *uri:
		return o.String(), true
	case *address:
		return o.text, true
	case *target:
		return o.URI, true
	}
	return "", false
}

// checkURI reads argument n as a URI: text, a URI, an address or a target.
func checkURI(L *lua.LState, n int) *sip.URI {
	text, u := uriArg(L, L.Get(n))
	if u != nil {
		return u
	}
	if text == "" {
		rt.ArgError(L, n, "URI expected, got %s", L.Get(n).Type())
	}
	parsed, err := sip.ParseURI(text)
	if err != nil {
		rt.ArgError(L, n, "%q is no URI", text)
	}
	return &parsed
}

// uriArg is a value that stands for a URI: as text, or parsed already.
func uriArg(_ *lua.LState, v lua.LValue) (string, *sip.URI) {
	switch v := v.(type) {
	case lua.LString:
		return string(v), nil
	case *lua.LUserData:
		switch o := v.Value.(type) {
		case *uri:
			return "", &o.URI
		case *address:
			return "", &o.URI
		case *target:
			return o.URI, nil
		}
	}
	return "", nil
}

func paramsTable(L *lua.LState, p sip.Params) *lua.LTable {
	t := L.NewTable()
	for name, value := range p.All() {
		if value == "" {
			t.RawSetString(name, lua.LTrue)
		} else {
			t.RawSetString(name, lua.LString(value))
		}
	}
	return t
}

func checkParams(L *lua.LState, v lua.LValue) sip.Params {
	t, ok := rt.Plain(v).(*lua.LTable)
	if !ok {
		rt.Raisef(L, "params must be a table, got %s", v.Type())
	}
	values := map[string]string{}
	t.ForEach(func(k, v lua.LValue) {
		if v == lua.LTrue {
			values[k.String()] = ""
		} else if v != lua.LFalse {
			values[k.String()] = v.String()
		}
	})
	names := make([]string, 0, len(values))
	for n := range values {
		names = append(names, n)
	}
	sort.Strings(names)
	var p sip.Params
	for _, n := range names {
		p = p.With(n, values[n])
	}
	return p
}

// address is From, To or Contact in a script.
type address struct {
	sip.Address
	URI  sip.URI
	text string
}

func newAddressType() *rt.Type {
	return &rt.Type{
		Name: "address",
		Doc:  "The value of a From, To or Contact header field. It prints itself, and `..` takes it.",
		Fields: []rt.Field{
			{Name: "uri", Type: "uri", Doc: "its URI", Get: func(L *lua.LState, o any) lua.LValue {
				return newURI(rt.VMOf(L), o.(*address).URI, nil)
			}},
			{Name: "name", Type: "string?", Doc: "its display name", Get: func(_ *lua.LState, o any) lua.LValue {
				return textOrNil(o.(*address).Name)
			}},
			{Name: "tag", Type: "string?", Doc: "the tag of a From or To", Get: func(_ *lua.LState, o any) lua.LValue {
				return textOrNil(o.(*address).Tag())
			}},
			{Name: "params", Type: "table<string, string|true>", Doc: "the parameters behind the URI: a copy", Get: func(L *lua.LState, o any) lua.LValue {
				return paramsTable(L, o.(*address).Params)
			}},
		},
	}
}

func newAddress(vm *rt.VM, a *sip.Address) lua.LValue {
	return vm.NewObject(typesOf(vm).address, &address{Address: *a, URI: a.URI, text: a.String()})
}
