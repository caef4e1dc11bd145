package api

import (
	lua "github.com/yuin/gopher-lua"

	"github.com/sipscript/sipscript/engine/proxy"
	"github.com/sipscript/sipscript/lua/rt"
)

func callerIDOption() rt.Option {
	return rt.Option{Name: "caller_id", Kind: rt.Any, Type: "string|{number: string, name?: string, privacy?: boolean}",
		Doc: "whom the callee sees calling: a number, or `{number=, name=, privacy=}`. It stands in From and P-Asserted-Identity (RFC 3325); with `privacy` From is anonymous (RFC 3323). The caller does not notice"}
}

func credentialsOption() rt.Option {
	return rt.Option{Name: "credentials", Kind: rt.Any, Type: "string|{username: string, password: string}",
		Doc: "answers a gateway's 401 or 407, in the INVITE and for the rest of the dialog: a name under `credentials` in the config, or `{username=, password=}`"}
}

func diversionOption() rt.Option {
	return rt.Option{Name: "diversion", Kind: rt.String, Choices: []string{"busy", "no-answer", "unconditional", "unavailable", "do-not-disturb", "deflection", "follow-me", "time-of-day"},
		Doc: "the targets are somebody else than was called, for this reason: they are told by Diversion (RFC 5806) and History-Info (RFC 7044)"}
}

// diversionOf reads the option diversion, whose words are those of RFC 5806 §4 but for one.
func diversionOf(opts rt.Options) string {
	why := opts.String("diversion", "")
	if why == "busy" {
		return "user-busy"
	}
	return why
}

// checkCallerID reads the option caller_id.
func checkCallerID(L *lua.LState, v lua.LValue) *proxy.Identity {
	switch v := rt.Plain(v).(type) {
	case *lua.LNilType:
		return nil
	case lua.LString, lua.LNumber:
		return &proxy.Identity{Number: v.String()}
	case *lua.LTable:
		o := readMembers(L, "caller_id", v, "number", "name", "privacy")
		number := textMember(L, "caller_id", o, "number")
		if number == "" {
			rt.Raisef(L, "caller_id: number expected")
		}
		return &proxy.Identity{Number: number, Name: textMember(L, "caller_id", o, "name"), Private: lua.LVAsBool(v.RawGetString("privacy"))}
	default:
		rt.Raisef(L, "caller_id: number or {number=, name=, privacy=} expected, got %s", v.Type())
	}
	return nil
}

// checkCredentials reads the option credentials. A name is looked up now: what the config says later is for later calls.
func checkCredentials(L *lua.LState, v lua.LValue) *proxy.Credentials {
	switch v := rt.Plain(v).(type) {
	case *lua.LNilType:
		return nil
	case lua.LString:
		return namedCredentials(L, string(v))
	case *lua.LTable:
		o := readMembers(L, "credentials", v, "username", "password")
		c := &proxy.Credentials{Username: textMember(L, "credentials", o, "username"), Password: textMember(L, "credentials", o, "password")}
		if c.Username == "" {
			rt.Raisef(L, "credentials: username expected")
		}
		return c
	default:
		rt.Raisef(L, "credentials: name in the config or {username=, password=} expected, got %s", v.Type())
	}
	return nil
}

// namedCredentials are those of the config.
func namedCredentials(L *lua.LState, name string) *proxy.Credentials {
	e := scriptOf(L).Engine
	if c, ok := e.Credentials(name); ok {
		return &c
	}
	known := e.CredentialNames()
	if len(known) == 0 {
		rt.Raisef(L, "credentials: unknown name '%s' (there are none in the config)", name)
	}
	rt.Raisef(L, "credentials: %s", rt.Unknown("name", name, known))
	return nil
}

// readMembers refuses a table in which something else stands than known.
func readMembers(L *lua.LState, option string, t *lua.LTable, known ...string) *lua.LTable {
	t.ForEach(func(k, _ lua.LValue) {
		if name, ok := k.(lua.LString); !ok || !contains(known, string(name)) {
			rt.Raisef(L, "%s: %s", option, rt.Unknown("field", k.String(), known))
		}
	})
	return t
}

// textMember is a string in the table, "" where there is none.
func textMember(L *lua.LState, option string, t *lua.LTable, name string) string {
	switch v := t.RawGetString(name).(type) {
	case *lua.LNilType:
		return ""
	case lua.LString:
		return string(v)
	case lua.LNumber:
		return v.String()
	default:
		rt.Raisef(L, "%s: %s: string expected, got %s", option, name, v.Type())
	}
	return ""
}
