package proxy

import (
	"errors"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/transaction"
)

// ClientResponse implements transaction.ClientUser.
func (b *branch) ClientResponse(client *transaction.Client, r *sip.Message) {
	switch r.Status() / 100 {
	case 1:
		b.progress(r)
	case 2:
		b.success(client, r)
	default:
		b.failure(r)
	}
}

// progress is a 1xx. RFC 3261 §16.7(2): 101 to 199 start Timer C again.
func (b *branch) progress(r *sip.Message) {
	switch {
	case b.state == calling, b.state == proceeding && r.Status() > 100:
		b.to(proceeding)
	case b.state == holding:
		b.to(cancelled)
		b.sendCancel()
	}
	if r.Status() >= 180 {
		b.rang, b.fork.rang = true, true
	}
	if b.ctx.invite && !b.ctx.final && r.Status() != 100 && !b.lingers() {
		b.ctx.tell(b.target, 0, r)
		b.ctx.provisional(b, r)
	}
}

// success is a 2xx, the first or, for an INVITE, a further one.
func (b *branch) success(client *transaction.Client, r *sip.Message) {
	if b.state != ended {
		b.to(ended)
	}
	if !b.ctx.unwrap(r) {
		b.notForUs()
		return
	}
	if b.passing == nil || !b.ctx.takes() {
		b.accept(client, r, 0)
		return
	}
	b.passing.Response(r, client.Flow(), func(refused int) { b.accept(client, r, refused) })
}

// takes reports whether a 2xx goes up from here. Of an INVITE every one goes, since each makes a dialog that the caller has to know of (RFC 3261
// §16.7(5)).
func (c *Context) takes() bool {
	return c.dialer != nil || !c.final && !c.gone() || c.invite && c.answered()
}

// accept passes a 2xx up, or ends the call that it would make when nobody can take it or it was refused on its way.
func (b *branch) accept(client *transaction.Client, r *sip.Message, refused int) {
	c := b.ctx
	up := refused == 0 && c.takes()
	if up && b.passing != nil {
		b.passing.Restore(r)
	}
	if f := b.fork; f != nil && f.options.OnReply != nil {
		f.options.OnReply(r, b.target)
	}
	a := &answer{code: r.Status(), reply: r, branch: b}
	c.tell(b.target, 0, r)
	switch {
	case up && c.dialer != nil:
		peer := b.peer()
		peer.Flow = client.Flow()
		c.end()
		c.dialer.Answer(r, peer)
	case up:
		c.respond(r)
		c.end()
	case c.invite:
		c.hangUp(b, client.Flow(), r)
		a = &answer{code: max(refused, 487), branch: b, full: refused == 503}
		b.leave()
	default:
		c.env.trace(EventStrayResponse)
		b.leave()
	}
	b.reported = true
	if f := c.fork; f != nil {
		f.branchEnded(a) // even if it is another: a target given up earlier has answered after all
	}
	if b.fork != nil && b.fork.options.OnReply == nil {
		b.fork, b.target = nil, nil // it stands for 32 s more, and further 2xx pass without them
		if c.server != nil && c.invite && c.answered() && b.passing == nil {
			client.PassOn(c.server.Flow())
		}
	}
}

// RelayFurther sends a further 2xx to an INVITE upstream by flow, when its client transaction needed nobody to do so
// (RFC 3261 §16.7(5)).
func (e *Env) RelayFurther(r *sip.Message, flow sip.Flow) {
	r.RemoveTop(sip.Via)
	if !r.Has(sip.Via) {
		e.trace(EventStrayResponse)
		return
	}
	e.Confirmed(r)
	e.Send(flow, "", e.encode(r, flow))
}

// failure is a 3xx to 6xx.
func (b *branch) failure(r *sip.Message) {
	if r.Status() == 503 && b.failsOver() {
		b.again()
		return
	}
	if b.repeats(r) {
		return
	}
	if !b.ctx.unwrap(r) {
		b.notForUs()
		return
	}
	r.Keep() // it may be the best
	if b.passing != nil {
		b.passing.Restore(r)
	}
	if on := b.fork.options.OnReply; on != nil && !b.reported {
		on(r, b.target)
	}
	b.end(&answer{code: r.Status(), reply: r})
}

// notForUs ends the branch for a final response that would go to nobody: its only Via was ours, though the request had
// others (RFC 3261 §16.7(3)).
func (b *branch) notForUs() {
	b.ctx.env.trace(EventStrayResponse)
	if b.state != ended {
		b.to(ended)
	}
	b.leave()
	b.report(&answer{code: 502})
}

// ClientFailed implements transaction.ClientUser: no response (a 408), or none could be asked for (a 503),
// RFC 3261 §16.7(6), §16.9.
func (b *branch) ClientFailed(_ *transaction.Client, err error) {
	switch {
	case b.state == ended:
	case b.failsOver():
		b.again()
	case errors.Is(err, transaction.ErrTimeout):
		b.end(&answer{code: 408})
	default:
		b.end(&answer{code: 503})
	}
}

// ClientEnded implements transaction.ClientUser.
func (b *branch) ClientEnded(*transaction.Client) {}

var _ transaction.ClientUser = (*branch)(nil)
