package api

import (
	"slices"
	"strconv"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/sipscript/sipscript/engine/location"
	"github.com/sipscript/sipscript/engine/proxy"
	"github.com/sipscript/sipscript/lua/rt"
	"github.com/sipscript/sipscript/sip"
)

// target is a registered contact in a script: what location.lookup returns. It holds the flow the phone opened, so
// that it is reached through its NAT or over its connection.
type target struct {
	location.Binding
	URI string // without what may not stand in a request URI
}

func newTargetType() *rt.Type {
	return &rt.Type{
		Name: "target",
		Doc:  "A contact that has registered, as a place to send requests to. It prints itself as its URI.",
		Fields: []rt.Field{
			targetField("uri", "string", "its URI", func(_ *lua.LState, t *target) lua.LValue { return lua.LString(t.URI) }),
			targetField("q", "number", "its preference, 0 to 1", func(_ *lua.LState, t *target) lua.LValue { return lua.LNumber(float64(t.Q) / 1000) }),
			targetField("path", "string[]", "the proxies in front of it (RFC 3327)", func(L *lua.LState, t *target) lua.LValue {
				list := L.NewTable()
				for _, p := range t.Path {
					list.Append(lua.LString(p))
				}
				return list
			}),
			targetField("received", "string", "address and port it was seen to register from", func(_ *lua.LState, t *target) lua.LValue {
				return lua.LString(t.Source.String())
			}),
			targetField("transport", "string", "`udp`, `tcp` or `tls`", func(_ *lua.LState, t *target) lua.LValue { return lua.LString(t.transport()) }),
			targetField("user_agent", "string?", "its User-Agent", func(_ *lua.LState, t *target) lua.LValue { return textOrNil(t.UserAgent) }),
			targetField("instance", "string?", "its `+sip.instance` (RFC 5626)", func(_ *lua.LState, t *target) lua.LValue { return textOrNil(t.Instance) }),
			targetField("expires", "integer", "seconds until the registration ends", func(_ *lua.LState, t *target) lua.LValue {
				return lua.LNumber(max(0, int(time.Until(t.Expires).Seconds())))
			}),
		},
	}
}

func targetField(name, typ, doc string, get func(*lua.LState, *target) lua.LValue) rt.Field {
	return rt.Field{Name: name, Type: typ, Doc: doc, Get: func(L *lua.LState, o any) lua.LValue { return get(L, o.(*target)) }}
}

// transport is by what it is reached.
func (t *target) transport() string {
	if t.Flow != (sip.Flow{}) {
		return t.Flow.Transport.Param()
	}
	u, err := sip.ParseURI(t.URI)
	if tr, ok := u.Transport(); err == nil && ok {
		return tr.Param()
	}
	return sip.UDP.Param()
}

func newTarget(b location.Binding) *target {
	t := &target{Binding: b, URI: b.URI}
	if strings.IndexByte(b.URI, '?') >= 0 {
		if u, err := sip.ParseURI(b.URI); err == nil {
			u.Headers = ""
			t.URI = u.String()
		}
	}
	return t
}

func qText(q int) string { return strconv.FormatFloat(float64(q)/1000, 'f', -1, 64) }

func targetOptions() *rt.OptionSet {
	return rt.NewOptionSet(
		rt.Option{Name: "uri", Kind: rt.Any, Must: true, Type: "string|uri|address|target", Doc: "where to send"},
		rt.Option{Name: "after", Kind: rt.Seconds, Default: "0", Doc: "rings so much later than the others of its group, or at once when all of them have failed"},
		rt.Option{Name: "timeout", Kind: rt.Seconds, Doc: "for a final response from here, where it is to be less than that of the group"},
		rt.Option{Name: "headers", Kind: rt.Table, Type: "table<string, string|string[]>", Doc: "header fields that only this branch sends"},
		callerIDOption(), credentialsOption(),
	)
}

// checkTargets reads argument n as targets: a URI, a target, a list of them that ring in parallel (one after the other
// with serial = true), or a list of lists, which are serial groups. Registered contacts side by side ring in the order
// of their q.
func checkTargets(L *lua.LState, n int) []proxy.Group {
	t, isTable := rt.Plain(L.Get(n)).(*lua.LTable)
	if !isTable || isTarget(t) {
		return []proxy.Group{{checkTarget(L, n, L.Get(n))}}
	}
	var groups []proxy.Group
	var flat proxy.Group
	for i := 1; i <= t.Len(); i++ {
		member := t.RawGetInt(i)
		if list, ok := rt.Plain(member).(*lua.LTable); ok && !isTarget(list) {
			if len(flat) > 0 {
				rt.ArgError(L, n, "member %d is a list among targets; either all members are lists or none", i)
			}
			groups = append(groups, checkGroup(L, n, list)...)
			continue
		}
		if len(groups) > 0 {
			rt.ArgError(L, n, "member %d is a target among lists; either all members are lists or none", i)
		}
		flat = append(flat, checkTarget(L, n, member))
	}
	if len(flat) > 0 {
		groups = arrange(flat, lua.LVAsBool(t.RawGetString("serial")))
	}
	return groups
}

// checkGroup reads a list inside a list.
func checkGroup(L *lua.LState, n int, list *lua.LTable) []proxy.Group {
	var flat proxy.Group
	for i := 1; i <= list.Len(); i++ {
		flat = append(flat, checkTarget(L, n, list.RawGetInt(i)))
	}
	return arrange(flat, lua.LVAsBool(list.RawGetString("serial")))
}

// arrange makes groups of a flat list: one after the other, or together, contacts of different q one after the other.
func arrange(flat proxy.Group, serial bool) []proxy.Group {
	if len(flat) == 0 {
		return nil
	}
	if serial {
		groups := make([]proxy.Group, len(flat))
		for i := range flat {
			groups[i] = flat[i : i+1 : i+1]
		}
		return groups
	}
	first, registered := flat[0].Value.(*target)
	same := true
	for i := range flat {
		b, ok := flat[i].Value.(*target)
		registered = registered && ok
		same = same && registered && b.Q == first.Q
	}
	if !registered || same {
		return []proxy.Group{flat}
	}
	sorted := slices.Clone(flat)
	slices.SortStableFunc(sorted, func(a, b proxy.Target) int { return b.Value.(*target).Q - a.Value.(*target).Q })
	var groups []proxy.Group
	for i := range sorted {
		if i == 0 || sorted[i].Value.(*target).Q != sorted[i-1].Value.(*target).Q {
			groups = append(groups, nil)
		}
		groups[len(groups)-1] = append(groups[len(groups)-1], sorted[i])
	}
	return groups
}

// isTarget reports whether a table is a target of its own and not a list.
func isTarget(t *lua.LTable) bool { return t.RawGetString("uri") != lua.LNil }

func checkTarget(L *lua.LState, n int, v lua.LValue) proxy.Target {
	switch plain := rt.Plain(v).(type) {
	case *lua.LUserData:
		if t, ok := plain.Value.(*target); ok {
			return registered(t)
		}
	case *lua.LTable:
		return checkTargetTable(L, n, v, plain)
	}
	text, u := uriArg(L, v)
	if u != nil {
		return proxy.Target{URI: u.String(), Value: v}
	}
	if text == "" && v.Type() != lua.LTString {
		rt.ArgError(L, n, "target expected (a URI, a contact, {uri = …} or a list of them), got %s", v.Type())
	}
	if _, err := sip.ParseURI(text); err != nil {
		rt.ArgError(L, n, "%q is no URI", text)
	}
	return proxy.Target{URI: text, Value: v}
}

func registered(t *target) proxy.Target {
	return proxy.Target{URI: t.Binding.URI, Path: t.Path, Flow: t.Flow, Value: t}
}

// checkTargetTable reads a target of which more is said than its URI. given is t as the script sees it.
func checkTargetTable(L *lua.LState, n int, given lua.LValue, t *lua.LTable) proxy.Target {
	opts, message := rt.ReadOptions(t, scriptOf(L).targetOptions)
	if message != "" {
		rt.ArgError(L, n, "target: %s", message)
	}
	at := opts.Value("uri")
	if at.Type() == lua.LTTable {
		rt.ArgError(L, n, "target: option 'uri': URI or contact expected, got table")
	}
	out := checkTarget(L, n, at)
	out.After = opts.Seconds("after", 0)
	out.Timeout = opts.Seconds("timeout", 0)
	out.Headers = fieldsOf(L, opts.Table("headers"))
	out.Identity = checkCallerID(L, opts.Value("caller_id"))
	out.Credentials = checkCredentials(L, opts.Value("credentials"))
	if _, contact := out.Value.(*target); !contact {
		out.Value = given
	}
	return out
}

// targetValue is what a script sees of a target: what it has given.
func targetValue(vm *rt.VM, t *proxy.Target) lua.LValue {
	if t == nil {
		return lua.LNil
	}
	switch v := t.Value.(type) {
	case *target:
		return vm.NewObject(typesOf(vm).target, v)
	case lua.LValue:
		return v
	}
	return lua.LNil
}
