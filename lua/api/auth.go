package api

import (
	"net/netip"
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/sipscript/sipscript/engine"
	"github.com/sipscript/sipscript/engine/auth"
	"github.com/sipscript/sipscript/lua/rt"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/digest"
)

func authModule() rt.Module {
	options := rt.NewOptionSet(
		rt.Option{Name: "realm", Kind: rt.String, Doc: "whose passwords these are; if not given, the first of the server's domains, or its first address"},
		rt.Option{Name: "users", Kind: rt.Callable, Must: true, Type: "table<string, string|table>|fun(user: string, realm: string): any, any", Doc: "a table `name = password`, or a function `(user, realm)` that may wait and returns a password, a record with `password` or `ha1`, nil (no such user), or `nil, err`"},
		rt.Option{Name: "identity", Kind: rt.String, Choices: []string{"strict", "any"}, Default: `"strict"`, Doc: "`strict`: From (in a REGISTER: To) must be the user, else 403"},
		rt.Option{Name: "algorithms", Kind: rt.Table, Type: "string[]", Default: `{"MD5"}`, Doc: "of `MD5`, `SHA-256`, `SHA-512-256`, the most preferred first. MD5 alone, because older phones give up when they see another"},
		rt.Option{Name: "qop", Kind: rt.Table, Type: "string[]", Default: `{"auth"}`, Doc: "of `auth`, `auth-int`"},
		rt.Option{Name: "proxy", Kind: rt.Bool, Doc: "407 instead of 401; if not given, for all methods but REGISTER"},
	)
	return rt.Module{
		Name: "auth",
		Doc:  "Digest authentication (RFC 7616, RFC 8760).",
		Functions: []rt.Function{
			{Name: "require", Signature: "(req: request, options) → user: string|true|nil, record: any", Options: options,
				Phases: rt.Handler | rt.Task, Waits: true,
				Doc: "Lets a request through that carries the right credentials, and sets `req.user`. Any other is answered: 401 or 407, 403 when From is another user, 503 when `users` fails, so that a dead database is not a wrong password. The nonce holds no state; replays are noticed.",
				Fn:  func(L *lua.LState) int { return authRequire(L, options) }},
			{Name: "ban", Signature: "(ip: string, seconds: number)", Doc: "Remembers an address as banned for so many seconds, on all shards. Nothing is refused by itself: a handler asks `auth.banned` and drops.", Fn: authBan},
			{Name: "banned", Signature: "(ip: string) → boolean", Doc: "Whether an address is banned at the moment.", Fn: authBanned},
		},
	}
}

func authRequire(L *lua.LState, options *rt.OptionSet) int {
	s, o := scriptOf(L), checkRequest(L, 1)
	opts := rt.CheckOptions(L, 2, options)
	p := auth.Params{
		Realm:      opts.String("realm", s.Engine.Names().Domain()),
		Proxy:      opts.Bool("proxy", o.message().Method() != sip.REGISTER),
		Algorithms: checkAlgorithms(L, opts.Table("algorithms")),
		QOP:        checkQOP(L, opts.Table("qop")),
		Serves:     s.Engine.Names().IsLocal,
	}
	guard := s.Engine.Auth
	attempt := guard.Check(o.message(), p)
	verdict := attempt.Verdict
	record := lua.LNil
	name := attempt.User
	if verdict == auth.Pending {
		secret, found, known, failed := lookUp(L, opts.Value("users"), &attempt, p.Realm)
		if failed {
			return answered(L, o, 503, sip.Field{Name: "Retry-After", Value: "10"})
		}
		record, name = found, known
		verdict = guard.Finish(o.message(), &attempt, secret, time.Now())
	}
	switch verdict {
	case auth.OK:
	case auth.Exempt:
		L.Push(lua.LTrue)
		return 1
	case auth.Malformed:
		return answered(L, o, 400)
	case auth.Misdirected:
		return answered(L, o, 403)
	default:
		_, stale := verdict.Challenge()
		return challenge(L, o, guard, p, stale)
	}
	if opts.String("identity", "strict") == "strict" && !auth.Identity(o.message(), name) {
		return answered(L, o, 403)
	}
	auth.Strip(o.message(), p.Realm)
	o.user = lua.LString(name)
	o.req.User = name
	L.Push(o.user)
	L.Push(record)
	return 2
}

func answered(L *lua.LState, o *request, code int, headers ...sip.Field) int {
	if err := o.req.Reply(code, "", engine.Content{Headers: headers}); err != nil {
		raise(L, err)
	}
	L.Push(lua.LNil)
	return 1
}

func challenge(L *lua.LState, o *request, guard *auth.Guard, p auth.Params, stale bool) int {
	var headers []sip.Field
	for _, v := range guard.Challenge(o.message(), p, stale, time.Now()) {
		headers = append(headers, sip.Field{Name: p.Header(), Value: v})
	}
	if err := o.req.Challenge(p.Status(), headers); err != nil {
		raise(L, err)
	}
	L.Push(lua.LNil)
	return 1
}

// lookUp asks users for the secret of whoever the credentials name.
func lookUp(L *lua.LState, users lua.LValue, a *auth.Attempt, realm string) (secret auth.Secret, record lua.LValue, name string, failed bool) {
	name = a.User
	var found lua.LValue
	if table, ok := rt.Plain(users).(*lua.LTable); ok {
		found = table.RawGetString(name)
		if a.UserHash {
			found, name = byHash(table, a)
		}
	} else {
		L.Push(users)
		L.Push(lua.LString(name))
		L.Push(lua.LString(realm))
		L.Call(2, 2)
		found = L.Get(-2)
		failed = found == lua.LNil && L.Get(-1) != lua.LNil
		L.Pop(2)
	}
	secret.Name = name
	switch found := rt.Plain(found).(type) {
	case lua.LString:
		secret.Password = string(found)
	case *lua.LTable:
		secret.Password = lua.LVAsString(found.RawGetString("password"))
		secret.HA1 = lua.LVAsString(found.RawGetString("ha1"))
		if secret.Password == "" && secret.HA1 == "" {
			rt.Raisef(L, "users: the record of %q has neither password nor ha1", name)
		}
	case lua.LNumber:
		rt.Raisef(L, "users: the password of %q is a number, which has no leading zeros; write it in quotes", name)
	case *lua.LNilType:
	case lua.LBool:
		if bool(found) {
			rt.Raisef(L, "users: password, record or nil expected for %q, got %s", name, found.Type())
		}
	default:
		rt.Raisef(L, "users: password, record or nil expected for %q, got %s", name, found.Type())
	}
	return secret, found, name, failed
}

// byHash finds the user of a table whose name has the hash that the credentials give.
func byHash(users *lua.LTable, a *auth.Attempt) (found lua.LValue, name string) {
	found = lua.LNil
	users.ForEach(func(k, v lua.LValue) {
		if s, ok := k.(lua.LString); ok && a.Is(string(s)) {
			found, name = v, string(s)
		}
	})
	return found, name
}

func checkAlgorithms(L *lua.LState, t *lua.LTable) []digest.Algorithm {
	if t == nil {
		return nil
	}
	var list []digest.Algorithm
	for i := 1; i <= t.Len(); i++ {
		a, ok := digest.ParseAlgorithm(t.RawGetInt(i).String())
		if !ok {
			rt.Raisef(L, "algorithms: %s", rt.Unknown("algorithm", t.RawGetInt(i).String(), []string{"MD5", "SHA-256", "SHA-512-256"}))
		}
		list = append(list, a)
	}
	return list
}

func checkQOP(L *lua.LState, t *lua.LTable) []string {
	if t == nil {
		return nil
	}
	var list []string
	for i := 1; i <= t.Len(); i++ {
		q := t.RawGetInt(i).String()
		if q != "auth" && q != "auth-int" {
			rt.Raisef(L, "qop: %s", rt.Unknown("value", q, []string{"auth", "auth-int"}))
		}
		list = append(list, q)
	}
	return list
}

func checkIP(L *lua.LState, n int) netip.Addr {
	a, err := netip.ParseAddr(rt.CheckString(L, n))
	if err != nil {
		rt.ArgError(L, n, "%q is no IP address", rt.CheckString(L, n))
	}
	return a
}

func authBan(L *lua.LState) int {
	scriptOf(L).Engine.Auth.Ban(checkIP(L, 1), rt.CheckSeconds(L, 2), time.Now())
	return 0
}

func authBanned(L *lua.LState) int {
	L.Push(lua.LBool(scriptOf(L).Engine.Auth.Banned(checkIP(L, 1), time.Now())))
	return 1
}
