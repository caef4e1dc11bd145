package engine

import (
	"errors"
	"fmt"

	"github.com/sipscript/sipscript/engine/call"
	"github.com/sipscript/sipscript/engine/cdr"
	"github.com/sipscript/sipscript/engine/proxy"
	"github.com/sipscript/sipscript/sip"
)

// Accept makes a call of the request: this server is its user agent from now on, and the call answers it. It returns
// ErrAnswered where the request had to be refused, as one that has come twice (RFC 3261 §8.2.2.2) or that asks for what
// no call here can do.
func (r *Request) Accept(o call.Options) (*call.Call, error) {
	switch err := r.state(); {
	case err != nil:
		return nil, err
	case r.proxying:
		return nil, ErrBusy
	case !r.invite() || r.InDialog():
		return nil, ErrNoCall
	case r.leg != nil:
		return r.leg, nil
	case !r.BecomeUAS():
		return nil, ErrAnswered
	}
	r.Message.Keep()
	from := &origin{r: r}
	leg, err := r.core.legs.Accept(from, o)
	var refused *call.StatusError
	switch {
	case errors.As(err, &refused):
		r.refuse(refused)
		return nil, ErrAnswered
	case err != nil:
		return nil, err
	}
	r.leg, r.origin, r.taken = leg, from, true
	return leg, nil
}

// refuse answers an INVITE that no call can be made of.
func (r *Request) refuse(why *call.StatusError) {
	var content Content
	switch why.Code {
	case 415:
		content.Headers = []sip.Field{{Name: "Accept", Value: "application/sdp"}, {Name: "Accept-Encoding", Value: "identity"}}
	case 422:
		content.Headers = []sip.Field{{Name: "Min-SE", Value: why.Reason}}
	case 420:
		content.Headers = []sip.Field{{Name: "Unsupported", Value: why.Reason}}
	}
	_ = r.Reply(why.Code, "", content) // its state was asked
}

// B2BUA calls targets in a dialog of this server's own and joins the caller with who answers; done is called once with
// the result, and with the caller's leg when there is a conversation, which then lives by itself. A 1xx goes to the
// caller by itself, a negative final when the handler ends, or by ReplyResult.
func (r *Request) B2BUA(groups []proxy.Group, o call.DialOptions, done func(proxy.Result, *call.Call)) (cancel func(), err error) {
	leg, err := r.Accept(o.Leg.ForCaller())
	if err != nil {
		return nil, err
	}
	r.server.Trying()
	if r.replace(leg, o.Replaces, func(res proxy.Result, caller *call.Call) { r.paired = caller != nil; done(res, caller) }) {
		return func() {}, nil
	}
	return leg.B2BUA(groups, o, func(res proxy.Result, callee *call.Call) {
		if callee == nil {
			done(res, nil)
			return
		}
		r.paired = true
		done(res, leg)
	}), nil
}

// Leg is the call that was made of the request, or nil.
func (r *Request) Leg() *call.Call { return r.leg }

// forsake gives up a call that has answered nothing, for a request that goes another way.
func (r *Request) forsake() {
	if leg := r.leg; leg != nil {
		r.leg, r.taken = nil, false
		leg.Yield()
	}
}

// origin is a request as the call that answers it sees it.
type origin struct {
	r       *Request // nil once o stands for it alone: what is below then is what is left of it
	settled bool

	core   *core
	record *cdr.Record
	user   string
}

// Invite implements call.Origin.
func (o *origin) Invite() *sip.Message {
	if o.r == nil {
		return nil
	}
	return o.r.Message
}

// From implements call.Origin.
func (o *origin) From() sip.Flow { return o.r.Flow }

// Routing implements call.Origin.
func (o *origin) Routing() proxy.Routing {
	if o.r == nil {
		return proxy.Routing{}
	}
	return o.r.routing
}

// Tag implements call.Origin.
func (o *origin) Tag() string { return o.r.LocalTag() }

// Respond implements call.Origin.
func (o *origin) Respond(m *sip.Message) {
	r := o.r
	if r.server == nil || r.server.Final() {
		return
	}
	if m.Status() < 200 {
		r.rang = true
	} else {
		r.legOver = true
	}
	_ = r.server.Respond(m.Status(), encode(m)) // a failed send is reported by the transport
	if m.Status() >= 200 {
		r.close()
	}
}

// Settled implements call.Origin.
func (o *origin) Settled() {
	o.settled = true
	o.slim()
}

// slim lets go of all that a call does not need which may stand for hours, once its handler has ended, too. The transaction
// stands for 64·T1 from its answer, absorbing the INVITE, and needs nothing of the request for that.
func (o *origin) slim() {
	r := o.r
	if r == nil || !o.settled || !r.over {
		return
	}
	o.r, o.core, o.record, o.user = nil, r.core, r.record, r.User
	if r.uas != 0 {
		r.core.merged.removeAt(r.uas, r.core.shard.Wheel().Now().Add(64*r.core.engine.cfg.Timers.T1).UnixNano())
	}
	if r.server != nil {
		r.server.Abandon()
	}
	*r = Request{Flow: r.Flow, core: r.core, server: r.server, over: true, taken: true}
}

// Repeat implements call.Origin.
func (o *origin) Repeat(code int, b []byte) {
	if o.r != nil && o.r.server != nil {
		_ = o.r.server.Respond(code, b) // its transaction may have ended with the time of the ACK
	}
}

// Vars implements call.Origin.
func (o *origin) Vars() map[string]any {
	if rec := o.recorded(); rec != nil {
		return rec.Vars()
	}
	return nil
}

// recorded is the record of the call, nil when nobody has asked for one.
func (o *origin) recorded() *cdr.Record {
	if o.r == nil {
		return o.record
	}
	return o.r.record
}

// User implements call.Origin.
func (o *origin) User() string {
	if o.r == nil {
		return o.user
	}
	return o.r.User
}

// Over implements call.Origin.
func (o *origin) Over(c *call.Call) {
	if rec := o.recorded(); rec != nil && !rec.Over() {
		o.conclude(rec, c)
	}
}

// openLegs gives each shard what its calls share.
func (e *Engine) openLegs() {
	envs := make([]*call.Env, len(e.cores))
	for i, c := range e.cores {
		c.legs = &call.Env{
			Loop: &c.shard.Loop, Proxy: c.env, T1: e.cfg.Timers.T1, T2: e.cfg.Timers.T2, Log: e.cfg.Log,
			ShardOf: e.shardOf, Trace: e.count, Apart: e.cfg.Apart, Relay: e.seams.Media, Transfers: c.transfer, Record: c.account,
		}
		envs[i] = c.legs
	}
	call.Join(envs)
}

// Leaks says what is left of calls that are over: tests ask when all is said. Not for a shard's goroutine.
func (e *Engine) Leaks() []string {
	type left struct {
		legs  int
		lines []string
	}
	each := make(chan left, len(e.cores))
	for _, c := range e.cores {
		c.shard.Post(func() { each <- left{c.legs.Len(), append(c.legs.Leaks(), e.Studio.Leaks(c.shard.Index())...)} })
	}
	var all []string
	for range e.cores {
		l := <-each
		if l.legs > 0 {
			all = append(all, fmt.Sprintf("%d legs", l.legs))
		}
		all = append(all, l.lines...)
	}
	return all
}
