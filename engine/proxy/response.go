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
		b.ctx.provisional(b, r)
	}
}

// success is a 2xx, the first or, for an INVITE, a further one.
func (b *branch) success(client *transaction.Client, r *sip.Message) {
	if b.state != ended {
		b.to(ended)
	}
	r.RemoveTop(sip.Via)
	if !r.Has(sip.Via) {
		b.notForUs()
		return
	}
	if f := b.fork; f != nil && f.options.OnReply != nil {
		f.options.OnReply(r, b.target)
	}
	c := b.ctx
	a := &answer{code: r.Status(), reply: r, branch: b}
	switch {
	case !c.final && c.server.State() != transaction.Terminated, c.invite && c.server.LastStatus()/100 == 2:
		// Of an INVITE every one goes up, since each makes a dialog that the caller has to know of (RFC 3261 §16.7(5)).
		c.respond(r)
		c.end()
	case c.invite:
		c.hangUp(b, client.Flow(), r)
		a = &answer{code: 487, branch: b}
	default:
		c.env.trace(EventStrayResponse)
	}
	b.reported = true
	if f := c.fork; f != nil {
		f.branchEnded(a) // even if it is another: a target given up earlier has answered after all
	}
	if b.fork != nil && b.fork.options.OnReply == nil {
		b.fork, b.target = nil, nil // it stands for 32 s more, and further 2xx pass without them
		if c.invite && c.server.LastStatus()/100 == 2 {
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
	r.RemoveTop(sip.Via)
	if !r.Has(sip.Via) {
		b.notForUs()
		return
	}
	r.Keep() // it may be the best
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
