package api

import (
	"slices"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"github.com/sipscript/sipscript/lua/rt"
	"github.com/sipscript/sipscript/sip"
)

// uri is a URI in a script. Where writing to it means something, changed does it, or raises.
type uri struct {
	sip.URI
	changed func(L *lua.LState, text string)
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
					next := u.URI
					next.Port = 0
					if v != lua.LNil {
						n, err := strconv.ParseUint(v.String(), 10, 16)
						if err != nil || n == 0 {
							rt.Raisef(L, "uri: port must be 1 to 65535 or nil, got %s", v.String())
						}
						next.Port = uint16(n)
					}
					u.write(L, next)
				}},
			{Name: "params", Type: "table<string, string|true>", Doc: "the parameters by name, `true` for one without a value: a copy, so that changing one takes assigning the table",
				Get: func(L *lua.LState, o any) lua.LValue { return paramsTable(L, o.(*uri).Params) },
				Set: func(L *lua.LState, o any, v lua.LValue) {
					u := o.(*uri)
					next := u.URI
					next.Params = checkParams(L, v)
					u.write(L, next)
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
			next := u.URI
			switch v := v.(type) {
			case lua.LString:
				*at(&next) = string(v)
			case lua.LNumber:
				*at(&next) = v.String()
			case *lua.LNilType:
				*at(&next) = ""
			default:
				rt.Raisef(L, "uri: %s must be a string, got %s", name, v.Type())
			}
			// Text that would change the meaning of the rest must not get in.
			again, err := sip.ParseURI(next.String())
			if err != nil || again != next {
				rt.Raisef(L, "uri: %q is no %s", *at(&next), name)
			}
			u.write(L, next)
		}}
}

// write makes next of u, and of what u belongs to.
func (u *uri) write(L *lua.LState, next sip.URI) {
	if u.changed != nil {
		u.changed(L, next.String())
	}
	u.URI = next
}

func textOrNil(s string) lua.LValue {
	if s == "" {
		return lua.LNil
	}
	return lua.LString(s)
}

// newURI makes a script's URI.
func newURI(vm *rt.VM, u sip.URI, changed func(L *lua.LState, text string)) lua.LValue {
	return vm.NewObject(typesOf(vm).uri, &uri{URI: u, changed: changed})
}

// setupText lets the objects that are text in a script print themselves, and URIs be compared.
func setupText(vm *rt.VM) {
	t := typesOf(vm)
	for _, printing := range [...]*rt.Type{t.uri, t.address, t.target} {
		vm.SetMeta(printing, "__tostring", func(L *lua.LState) int {
			L.Push(lua.LString(printed(L, L.Get(1))))
			return 1
		})
		vm.SetMeta(printing, "__concat", concat)
	}
	vm.SetMeta(t.uri, "__eq", func(L *lua.LState) int {
		a, b := checkObject[*uri](L, 1, "uri"), checkObject[*uri](L, 2, "uri")
		L.Push(lua.LBool(a.Equal(&b.URI)))
		return 1
	})
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
	if text == "" && L.Get(n).Type() != lua.LTString {
		rt.ArgError(L, n, "URI expected, got %s", L.Get(n).Type())
	}
	parsed, err := sip.ParseURI(text)
	if err != nil {
		rt.ArgError(L, n, "%q is no URI", text)
	}
	return &parsed
}

// uriValue is the text of a value that is assigned to a field uri.
func uriValue(L *lua.LState, v lua.LValue) string {
	text, u := uriArg(L, v)
	switch {
	case u != nil:
		return u.String()
	case text == "" && v.Type() != lua.LTString:
		rt.Raisef(L, "uri: URI expected, got %s", v.Type())
	}
	if _, err := sip.ParseURI(text); err != nil {
		rt.Raisef(L, "uri: %q is no URI", text)
	}
	return text
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
		rt.Raisef(L, "uri: params must be a table, got %s", v.Type())
	}
	var given []sip.Field
	t.ForEach(func(k, v lua.LValue) {
		switch v {
		case lua.LTrue:
			given = append(given, sip.Field{Name: k.String()})
		case lua.LFalse:
		default:
			given = append(given, sip.Field{Name: k.String(), Value: v.String()})
		}
	})
	slices.SortFunc(given, func(a, b sip.Field) int { return strings.Compare(a.Name, b.Name) })
	var all strings.Builder
	for _, p := range given {
		all.WriteString(checkParam(L, p.Name, p.Value))
	}
	return sip.Params(all.String())
}

// checkParam writes one parameter of a URI, which must not become more than that.
func checkParam(L *lua.LState, name, value string) string {
	text := ";" + name
	if value != "" {
		text += "=" + value
	}
	u, err := sip.ParseURI("sip:host" + text)
	read := 0
	for n, v := range u.Params.All() {
		if n == name && v == value {
			read++
		} else {
			read = -1
		}
	}
	if err != nil || read != 1 || u.Headers != "" {
		rt.Raisef(L, "uri: %q = %q is no parameter", name, value)
	}
	return text
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
