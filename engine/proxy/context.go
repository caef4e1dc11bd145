package proxy

import (
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/transaction"
)

// Context is the response context of one server transaction, RFC 3261 §16. It belongs to the transaction and not to
// the script that forks: a second 2xx that comes after the script has ended is still passed on.
type Context struct {
	env      *Env
	server   *transaction.Server
	request  *sip.Message // routes preprocessed, with the script's edits; nil once the final has gone up
	from     sip.Flow
	routing  Routing
	invite   bool
	inDialog bool

	fork     *fork     // the one that runs; nil: none
	open     []*branch // branches without a final, also of forks that have reported
	finals   []*answer // what branches have ended with, until the final goes up
	canceled bool
	cancel   string // Reason of the CANCEL received, passed on (RFC 3326 §2)
	accepted bool   // a 2xx has gone up
	final    bool   // some final has gone up
}

// New makes the context of a request that server answers. The request is Preprocess'ed already.
func New(env *Env, server *transaction.Server, request *sip.Message, from sip.Flow, r Routing) *Context {
	return &Context{
		env: env, server: server, request: request, from: from, routing: r,
		invite: request.Method() == sip.INVITE, inDialog: request.ToTag() != "",
	}
}

// Fork tries the groups one after the other and calls done, once, with the result. In a dialog groups is empty:
// the route set decides. It may call done before it returns. Only one fork of a context runs at a time.
func (c *Context) Fork(groups []Group, o Options, done func(Result)) {
	if o.Timeout == 0 {
		o.Timeout = defaultTimeout
	}
	f := &fork{ctx: c, groups: groups, options: o, done: done}
	f.timeout.Init(f.timedOut)
	c.fork = f
	f.next()
}

// Cancel is the caller's CANCEL: every branch without a final is cancelled, no group is started any more, and the
// fork reports when all have ended. reasons are the Reason header of the CANCEL. It returns false when no branch is
// open, so that the caller of Cancel has to answer by itself.
func (c *Context) Cancel(reason string) bool {
	c.canceled, c.cancel = true, reason
	open := false
	for _, b := range c.snapshot() {
		open = true
		b.cancel()
	}
	return open
}

// Canceled reports whether the caller has given up.
func (c *Context) Canceled() bool { return c.canceled }

// Alive reports whether a branch may still bring a final response.
func (c *Context) Alive() bool { return len(c.open) > 0 }

// Detach says that nobody waits for the fork any more: its branches are cancelled and its result is dropped.
func (c *Context) Detach() {
	if f := c.fork; f != nil {
		f.done = nil
		c.fork = nil
		f.timeout.Stop()
		f.groups = nil
	}
	for _, b := range c.snapshot() {
		b.cancel()
	}
}

// Finish sends the best of all responses upstream when no final has gone there yet, RFC 3261 §16.7(6). It returns
// false when there is none to send: the caller has to answer by itself.
func (c *Context) Finish() bool {
	if c.final {
		return true
	}
	var best *answer
	for _, a := range c.finals {
		if a.better(best) {
			best = a
		}
	}
	if best == nil {
		return false
	}
	c.Forward(c.response(best, c.finals))
	return true
}

// Forward sends a final response upstream: one that a Result holds, or one made for this request.
func (c *Context) Forward(r *sip.Message) {
	if c.final {
		return
	}
	if r == nil {
		// Nothing may be said (RFC 4320 §4.2): the client has given up at the same moment.
		c.end()
		c.server.Dissolve()
		return
	}
	c.respond(r)
	c.end()
}

// Answered is called when the server transaction got its final from elsewhere. What still rings is cancelled.
func (c *Context) Answered() {
	c.end()
	for _, b := range c.snapshot() {
		b.cancel()
	}
}

// end lets go of what only an unanswered request needs.
func (c *Context) end() {
	c.final = true
	c.finals = nil
	c.request = nil
}

// response is the message an answer goes upstream as; nil: none may be sent.
func (c *Context) response(a *answer, all []*answer) *sip.Message {
	switch {
	case a.code == 503:
		// A 503 would tell the client that this proxy can serve nothing at all (RFC 3261 §16.7(6)).
		return c.made(500, "")
	case a.code == 408 && !c.invite:
		// A proxy must not answer a timed-out non-INVITE with 408 (RFC 4320 §4.2): the client has given up at the
		// same moment, and a late 408 only adds to the congestion that made it late.
		return nil
	case a.reply == nil:
		return c.made(a.code, a.reason)
	case a.code == 401 || a.code == 407:
		return challenges(a, all)
	}
	return a.reply
}

func (c *Context) made(code int, reason string) *sip.Message {
	return sip.NewResponse(c.request, code, reason, NewTag(c.env.Random))
}

// NewTag makes a tag of 64 random bits, RFC 3261 §19.3.
func NewTag(random func() uint64) string {
	var b [markLetters]byte
	return string(AppendBase32(b[:0], random()))
}

// respond encodes r and hands it to the server transaction.
func (c *Context) respond(r *sip.Message) {
	status := r.Status()
	if status >= 200 && status < 300 && c.invite {
		c.env.Confirmed(r)
	}
	// A failed send is the transport's to report; it does not end the transaction (RFC 6026 §8.8).
	if c.invite && status >= 200 && status < 300 {
		_ = c.server.Respond(status, c.env.encode(r, c.server.Flow())) // not sent again by the transaction (RFC 6026 §7.1)
		return
	}
	_ = c.server.Respond(status, r.Append(make([]byte, 0, r.Size())))
}

// snapshot is a copy of the open branches, since cancelling one may end it.
func (c *Context) snapshot() []*branch { return append([]*branch(nil), c.open...) }

// provisional passes a 1xx up at once, RFC 3261 §16.7(5); a non-INVITE transaction knows none but 100
// (RFC 4320 §4.1), and 100 is hop by hop.
func (c *Context) provisional(b *branch, r *sip.Message) {
	if !c.invite || c.final || r.Status() == 100 || b.lingers() {
		return
	}
	r.RemoveTop(sip.Via)
	if !r.Has(sip.Via) {
		c.env.trace(EventStrayResponse)
		return
	}
	if on := b.fork.options.OnReply; on != nil && !on(r, b.target) {
		return
	}
	c.respond(r)
}

// success passes a 2xx up. For an INVITE every one of them goes, since each makes a dialog that the caller has to
// know of (RFC 3261 §16.7(5)); of a non-INVITE the first.
func (c *Context) success(b *branch, r *sip.Message) {
	r.RemoveTop(sip.Via)
	if !r.Has(sip.Via) {
		c.env.trace(EventStrayResponse)
		return
	}
	if on := b.fork.options.OnReply; on != nil {
		on(r, b.target)
	}
	switch {
	case c.final && !c.accepted && c.invite:
		c.hangUp(b, r)
	case c.final && !c.invite:
		c.env.trace(EventStrayResponse)
	default:
		c.accepted = true
		c.respond(r)
		c.end()
		if f := c.fork; f != nil && f != b.fork {
			// A target given up earlier has answered after all; whoever is being tried now is not needed.
			f.branchEnded(b, &answer{code: r.Status(), reply: r, branch: b})
		}
	}
}
