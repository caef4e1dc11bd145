package api

import (
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/sipscript/sipscript/engine/call"
	"github.com/sipscript/sipscript/lua/rt"
)

// sessionOptions are those of the session timer with a peer (RFC 4028).
func sessionOptions() []rt.Option {
	return []rt.Option{
		{Name: "session_expires", Kind: rt.Seconds, Default: "0", Doc: "after how long a session that nobody has refreshed ends, at least 90 (RFC 4028); 0 leaves it to the peer whether there is such a limit"},
		{Name: "session_min", Kind: rt.Seconds, Default: "90", Doc: "the least that a peer may ask for; below it gets 422"},
		{Name: "refresher", Kind: rt.String, Choices: []string{"peer", "server"}, Default: `"peer"`, Doc: "who is to refresh the session where this side may choose; a peer that cannot is refreshed by the server"},
	}
}

// sessionPolicy reads them.
func sessionPolicy(L *lua.LState, opts rt.Options) call.SessionPolicy {
	p := call.SessionPolicy{Interval: opts.Seconds("session_expires", 0), Min: opts.Seconds("session_min", 0)}
	if p.Interval > 0 && p.Interval < 90*time.Second {
		rt.Raisef(L, "session_expires: at least 90 expected (RFC 4028 §4), got %g", p.Interval.Seconds())
	}
	if opts.String("refresher", "peer") == "server" {
		p.Prefer = call.RefreshHere
	}
	return p
}
