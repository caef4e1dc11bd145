package engine

import (
	"github.com/sipscript/sipscript/engine/call"
	"github.com/sipscript/sipscript/engine/proxy"
)

// replace lets the call of an INVITE with Replaces take the place of the one that it names, instead of calling anybody. It reports whether the INVITE is
// such a one; one that cannot be read gets 400.
//
// Whoever has seen one message of a call knows the three names of its dialog: they are no proof that he may end it, and hear what is said. So only who
// has authenticated may (RFC 3891 §8), or who the handler vouches for; anybody else gets 403.
func (r *Request) replace(leg *call.Call, vouched bool, done func(proxy.Result, *call.Call)) bool {
	v, ok, err := r.Message.Replaces()
	refuse := func(code int, reason string) {
		_ = leg.Reject(code, reason)
		done(proxy.Result{Code: code, Reason: reason, Cause: proxy.Rejected}, nil)
	}
	switch {
	case !ok:
		return false
	case err != nil:
		refuse(400, "Bad Replaces")
	case r.User == "" && !vouched:
		refuse(403, "Replaces Not Authorized")
	default:
		leg.Replace(v, done)
	}
	return true
}
