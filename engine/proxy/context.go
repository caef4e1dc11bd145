package proxy

import (
	"slices"
	"strconv"
	"strings"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/transaction"
)

// Context is the response context of one server transaction, RFC 3261 §16. It belongs to the transaction and not to
// the script that forks: a second 2xx that comes after the script has ended is still passed on.
type Context struct {
	env      *Env
	server   *transaction.Server // nil: a dialer asks
	dialer   Dialer              // nil: the request is passed on for server
	*origin                      // nil once the final has gone up
	invite   bool
	inDialog bool

	fork     *fork     // the one that runs; nil: none
	open     []*branch // branches without a final, also of forks that have reported
	finals   []*answer // what branches have ended with, until the final goes up
	hungUp   []string  // To tags of late answers that have got their BYE
	canceled bool
	cancel   string // Reason of the CANCEL received, passed on (RFC 3326 §2)
	final    bool   // some final has gone up
}

// origin is what only an unanswered request needs.
type origin struct {
	owner   Owner
	request *sip.Message // routes preprocessed, with the script's edits
	from    sip.Flow
	routing Routing
	history *history // nil: nobody wants to know
}

// Owner is who answers the request that a Context proxies.
type Owner interface {
	// LocalTag is the To tag of all that is answered without a response from downstream.
	LocalTag() string
}

// New makes the context of a request that server answers. The request is Preprocess'ed already.
func New(env *Env, owner Owner, server *transaction.Server, request *sip.Message, from sip.Flow, r Routing) *Context {
	return &Context{
		env: env, server: server, origin: &origin{owner: owner, request: request, from: from, routing: r},
		invite: request.Method() == sip.INVITE, inDialog: request.ToTag() != "",
	}
}

// Fork tries the groups one after the other and calls done, once, with the result. In a dialog groups is empty:
// the route set decides. It may call done before it returns. Only one fork of a context runs at a time.
func (c *Context) Fork(groups []Group, o Options, done func(Result)) {
	if o.Timeout == 0 {
		o.Timeout = defaultTimeout
	}
	if c.inDialog {
		groups = []Group{{{}}}
	}
	f := &fork{ctx: c, groups: groups, options: o, done: done}
	f.timeout.Bind(f)
	c.fork = f
	f.advance()
}

// Cancel is the caller's CANCEL: every branch without a final is cancelled, no group is started any more, and the
// fork reports when all have ended. reason is the Reason header of the CANCEL. It returns false when no branch is
// open, so that the caller of Cancel has to answer by itself.
func (c *Context) Cancel(reason string) bool {
	c.canceled, c.cancel = true, strings.Clone(reason)
	open := c.Alive()
	c.cancelAll()
	return open
}

// Alive reports whether a branch may still bring a final response.
func (c *Context) Alive() bool { return len(c.open) > 0 }

// Detach says that nobody waits for the fork any more: its branches are cancelled and its result is dropped.
func (c *Context) Detach() {
	if f := c.fork; f != nil {
		c.fork = nil
		f.timeout.Stop()
		f.letGo()
	}
	c.cancelAll()
}

// cancelAll gives up every branch. Each may end at once, and let the fork and its owner go on.
func (c *Context) cancelAll() {
	for _, b := range slices.Clone(c.open) {
		b.cancel()
	}
}

// Finish sends the best of all responses upstream when no final has gone there yet, RFC 3261 §16.7(6). It returns
// false when there is none to send: the caller has to answer by itself.
func (c *Context) Finish() bool {
	if c.final {
		return true
	}
	best := c.best(c.finals)
	switch {
	case best == nil:
		return false
	case best.code == 408 && !c.invite:
		// A proxy must not answer a non-INVITE with 408 (RFC 4320 §4.2): the client gives up at the same moment, and a
		// late 408 only adds to the congestion that made it late. Its retransmissions are absorbed until then.
		c.end()
	case best.full:
		c.Forward(c.full())
	case best.code == 503:
		// A 503 would tell the client that this proxy can serve nothing at all (RFC 3261 §16.7(6)).
		c.Forward(c.made(500))
	case best.reply == nil:
		c.Forward(c.made(best.code))
	default:
		c.Forward(best.reply)
	}
	return true
}

// Forward sends a final response upstream: one that a Result holds, or one made for this request.
func (c *Context) Forward(r *sip.Message) {
	if c.final {
		return
	}
	if code := r.Status(); code == 401 || code == 407 {
		r = challenges(r, c.finals)
	}
	c.respond(r)
	c.end()
}

// Answered is called when the server transaction got its final from elsewhere. What still rings is cancelled.
func (c *Context) Answered() {
	c.end()
	c.cancelAll()
}

// end lets go of what only an unanswered request needs.
func (c *Context) end() {
	c.final = true
	c.finals, c.origin = nil, nil
}

func (c *Context) made(code int) *sip.Message {
	return sip.NewResponse(c.request, code, "", c.owner.LocalTag())
}

// full is what a client is told of a server without room: to go elsewhere, or to try again (RFC 3261 §21.5.4).
func (c *Context) full() *sip.Message {
	r := c.made(503)
	r.Add("Retry-After", strconv.Itoa(RoomAgain))
	return r
}

// RoomAgain is after how many seconds there may be room again on a server that has had none: its ports rest for some when
// a call is over.
const RoomAgain = 5

// NewTag makes a tag of 64 random bits, RFC 3261 §19.3.
func NewTag(random func() uint64) string {
	var b [markLetters]byte
	return string(AppendBase32(b[:0], random()))
}

// gone reports whether nobody waits upstream any more.
func (c *Context) gone() bool { return c.server != nil && c.server.State() == transaction.Terminated }

// answered reports whether a 2xx has gone up.
func (c *Context) answered() bool {
	if c.server == nil {
		return c.final
	}
	return c.server.LastStatus()/100 == 2
}

// unwrap takes our Via off a response and reports whether it goes on from here: to the next Via, or to the dialer, whose
// request had no other (RFC 3261 §16.7(3)).
func (c *Context) unwrap(r *sip.Message) bool {
	r.RemoveTop(sip.Via)
	return r.Has(sip.Via) == (c.dialer == nil)
}

// respond encodes r and hands it to the server transaction.
func (c *Context) respond(r *sip.Message) {
	status := r.Status()
	c.retell(r)
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

// provisional passes a 1xx other than 100 up at once, RFC 3261 §16.7(5); 100 is hop by hop, and a non-INVITE
// transaction knows no other (RFC 4320 §4.1).
func (c *Context) provisional(b *branch, r *sip.Message) {
	if !c.unwrap(r) {
		c.env.trace(EventStrayResponse)
		return
	}
	if p := b.passing; p != nil {
		p.Response(r, b.client.Flow(), func(refused int) {
			if refused == 0 && !c.final && !b.lingers() {
				p.Restore(r)
				c.pass(b, r)
			}
		})
		return
	}
	c.pass(b, r)
}

// pass hands a provisional to whoever waits for it.
func (c *Context) pass(b *branch, r *sip.Message) {
	if on := b.fork.options.OnReply; on != nil && !on(r, b.target) || c.final {
		return
	}
	if c.dialer != nil {
		c.dialer.Progress(r, b.peer())
		return
	}
	c.respond(r)
}
