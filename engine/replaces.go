package engine

import (
	"github.com/sipscript/sipscript/engine/call"
	"github.com/sipscript/sipscript/engine/proxy"
)

// replace lets the call of an INVITE with Replaces take the place of the one that it names, instead of calling anybody: who
// knows a dialog's three names has them from one of its two sides, and the handler has seen who asks (RFC 3891 §3 and §8).
// It reports whether the INVITE is such a one. One that cannot be read gets 400.
func (r *Request) replace(leg *call.Call, done func(proxy.Result, *call.Call)) bool {
	v, ok, err := r.Message.Replaces()
	switch {
	case !ok:
		return false
	case err != nil:
		_ = leg.Reject(400, "Bad Replaces")
		done(proxy.Result{Code: 400, Reason: "Bad Replaces", Cause: proxy.Rejected}, nil)
	default:
		leg.Replace(v, done)
	}
	return true
}
