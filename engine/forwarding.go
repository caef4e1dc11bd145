package engine

import (
	"github.com/sipscript/sipscript/engine/proxy"
	"github.com/sipscript/sipscript/sip"
)

// Forward sends the request on without keeping a transaction (RFC 3261 §16.11). It must come before any answer.
func (r *Request) Forward(t *proxy.Target) error {
	if r.server != nil {
		if err := r.state(); err != nil {
			return err
		}
		if r.server.LastStatus() != 0 || r.ctx != nil {
			return ErrAnswered
		}
		if hopsUsedUp(r.Message) { // it was for this server, and let in as such
			r.answerAlone(483)
			return nil
		}
		r.silence()
	} else if r.silent {
		return ErrAnswered
	}
	r.silent = true
	m := r.Message // it may be let go before a name is found or not
	var p proxy.Passage
	if r.passing != nil {
		p = r.passing
	}
	r.core.env.Relay(m, r.Flow, r.routing, t, p, func(code int) { r.core.reply(m, r.Flow, code) })
	r.leave(0)
	return nil
}

// Proxy forks the request to groups of targets and calls done once with the result, perhaps before it returns. In a
// dialog there are no targets: the route set decides. A 1xx or 2xx goes upstream by itself.
func (r *Request) Proxy(groups []proxy.Group, o proxy.Options, done func(proxy.Result)) error {
	if err := r.state(); err != nil {
		return err
	}
	if r.proxying {
		return ErrBusy
	}
	if o.Relay && r.core.engine.seams.Media == nil {
		return ErrNoRelay
	}
	if !r.InDialog() && len(groups) == 0 {
		r.nowhere = true
		done(proxy.Result{Code: 480, Reason: sip.Reason(480), Cause: proxy.Unavailable})
		return nil
	}
	if hopsUsedUp(r.Message) {
		_ = r.Reply(483, "", Content{}) // state was asked
		done(proxy.Result{Code: 483, Reason: sip.Reason(483), Cause: proxy.Rejected})
		return nil
	}
	r.forsake()
	if r.ctx == nil {
		r.ctx = proxy.New(r.core.env, r, r.server, r.Message, r.Flow, r.routing)
	}
	if r.invite() {
		r.server.Trying()
	}
	r.proxying = true
	r.follow(groups, &o)
	r.ctx.Fork(groups, o, func(res proxy.Result) {
		r.proxying = false
		r.note(&res)
		if res.Code/100 == 2 {
			r.close()
		}
		if r.over {
			_ = r.settle() // an answer there is: the best of the branches
			r.letGo()
			return
		}
		if r.hungUp && r.open {
			r.finish(487)
		}
		done(res)
		if !r.over && res.Reply != nil {
			res.Reply.Keep() // whoever goes on may look at it later
		}
	})
	return nil
}

// Unproxy ends a Proxy that its handler waits for no longer, for this cause. When the handler was retired with its
// version, neither the caller nor the phones that ring have anything to do with it: they go on, and the best response
// goes up in the end.
func (r *Request) Unproxy(cause string) {
	if r.ctx != nil && r.proxying && cause != CauseRetired {
		r.proxying = false
		r.ctx.Detach()
	}
}

// FollowRoutes sends an in-dialog request along its route set without a script: what happens to it when none asks.
func (r *Request) FollowRoutes() {
	switch {
	case r.server == nil:
		if r.Routable() {
			_ = r.Forward(nil) // an ACK has nobody to tell
		}
	case !r.Routable():
		r.answerAlone(481)
		_ = r.End()
	default:
		if err := r.Proxy(nil, proxy.Options{}, func(proxy.Result) { _ = r.End() }); err != nil {
			_ = r.End()
		}
	}
}

// RelayCancel sends a CANCEL that matches nothing on without a transaction, as its request was (RFC 3261 §16.10): what
// happens to it when no script asks. Where this server would be whom it is for, there is nothing to cancel.
func (r *Request) RelayCancel() {
	if uri, err := r.Message.URI(); err == nil && !r.Message.Has(sip.Route) && r.core.engine.names.IsLocal(uri) {
		r.core.reply(r.Message, r.Flow, 481)
		return
	}
	_ = r.Forward(nil) // what cannot be sent has been answered
}

// Routable reports whether an in-dialog request may go on: it came by our Route, or its dialog was confirmed here.
// Anything else would make this server an open relay.
func (r *Request) Routable() bool {
	return r.routing.Ours || r.core.dialogs.has(r.Message)
}

// ForServer reports whether the request is for this server itself: an own address or domain without a user.
func (r *Request) ForServer() bool {
	uri, err := r.Message.URI()
	return err == nil && uri.User == "" && !r.Message.Has(sip.Route) && r.core.engine.names.IsLocal(uri)
}
