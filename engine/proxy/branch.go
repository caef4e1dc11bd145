package proxy

import (
	"errors"

	"github.com/sipscript/sipscript/engine/shard"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/transaction"
	"github.com/sipscript/sipscript/sip/wheel"
)

// branchState is where a branch stands.
//
//	state       event                       → state
//	waiting     its time has come             resolving
//	resolving   an address is known           calling     a client transaction sends the request
//	calling     1xx                           proceeding  a held CANCEL is sent; INVITE: Timer C starts
//	calling     503, timeout, error           calling     the next address, a new transaction (RFC 3263 §4.3)
//	proceeding  101-199                       proceeding  Timer C again
//	proceeding  Timer C                       proceeding  CANCEL
//	any         final, timeout, error         ended
//	waiting, resolving   cancelled            ended
type branchState uint8

const (
	waiting branchState = iota
	resolving
	calling
	proceeding
	ended
)

func (s branchState) String() string {
	return [...]string{"waiting", "resolving", "calling", "proceeding", "ended"}[s]
}

// branch is one target's attempt. A 2xx of an INVITE ends it too, but its client transaction goes on to hand it
// further ones for 64·T1 (RFC 6026 §7.2).
type branch struct {
	ctx    *Context
	fork   *fork
	target *Target
	state  branchState

	rang      bool
	cancelled bool // it is to end; the CANCEL may be held until a provisional (RFC 3261 §9.1)
	expired   bool // its own time was up, not the caller's patience
	reported  bool // the fork has counted it already

	*attempt // nil once it has ended
}

// attempt is what only a branch without a final needs.
type attempt struct {
	breadth int
	message *sip.Message // what it sends, without Via and Record-Route; nil: can be made again of the request
	hops    []hop        // addresses still to be tried
	client  *transaction.Client
	scope   *shard.Scope
	start   wheel.Timer // Target.After
	limit   wheel.Timer // Target.Timeout, then 64·T1 for what a CANCEL brings
	silence wheel.Timer // Options.ResponseTimeout, then the second a CANCEL is given when the time is up
	timerC  wheel.Timer
}

func newBranch(f *fork, t *Target, breadth int) *branch {
	b := &branch{ctx: f.ctx, fork: f, target: t, attempt: &attempt{breadth: breadth}}
	for _, t := range [...]*wheel.Timer{&b.attempt.start, &b.limit, &b.silence, &b.timerC} {
		t.Bind(b)
	}
	return b
}

// TimerFired implements wheel.Owner.
func (b *branch) TimerFired(t *wheel.Timer) {
	switch t {
	case &b.attempt.start:
		b.begin()
	case &b.limit:
		b.overdue()
	case &b.silence:
		b.silent()
	case &b.timerC:
		b.cancel()
	}
}

func (b *branch) wheel() *wheel.Wheel { return b.ctx.env.Loop.Wheel() }

// lingers reports whether its fork has no interest in its provisionals any more.
func (b *branch) lingers() bool { return b.cancelled || b.fork.done == nil }

func (b *branch) start() {
	if b.target.After > 0 {
		b.wheel().Schedule(&b.attempt.start, b.target.After)
		return
	}
	b.begin()
}

// begin makes the request and finds where to send it. Mostly that is done within this turn, and then the shard's
// draft serves; what a script has edited, or what has to wait for an address, is a message of its own.
func (b *branch) begin() {
	b.attempt.start.Stop()
	b.state = resolving
	on := b.fork.options.OnBranch
	m := &b.ctx.env.draft
	if on != nil {
		b.message = new(sip.Message)
		m = b.message
	}
	if refused := b.ctx.outgoing(m, b.target, b.breadth); refused != nil {
		b.finish(refused)
		return
	}
	if on != nil && !on(m, b.target) {
		b.finish(&answer{code: 480})
		return
	}
	next, refused := b.ctx.nextHop(m, b.target)
	if refused != nil {
		b.finish(refused)
		return
	}
	b.find(next)
}

// find turns the next hop into addresses, off the shard where a name has to be looked up.
func (b *branch) find(next nextHop) {
	if next.flow != (sip.Flow{}) {
		b.hops = []hop{{flow: next.flow}}
		b.try()
		return
	}
	if next.numeric {
		b.hops = []hop{next.hop(next.addr)}
		b.try()
		return
	}
	if b.message == nil {
		b.message = new(sip.Message)
		b.ctx.env.draft.CloneTo(b.message)
	}
	b.scope = shard.NewScope(nil)
	err := b.ctx.env.lookUp(b.scope, next, func(hops []hop, err error) {
		if err != nil {
			b.finish(&answer{code: 503})
			return
		}
		b.hops = hops
		b.try()
	})
	if err != nil {
		b.finish(&answer{code: 503})
	}
}

// try sends to the next address. The draft is what begin has left there, unless the branch has a message of its own.
func (b *branch) try() {
	env := b.ctx.env
	m := &env.draft
	for len(b.hops) > 0 {
		at := b.hops[0]
		b.hops = b.hops[1:]
		if b.message != nil {
			b.message.CloneTo(m)
		}
		flow, mark, ok := b.ctx.stamp(m, at, stateful, b.fork.options.RecordRoute, b.target)
		if !ok {
			continue
		}
		b.state = calling
		if b.target.Timeout > 0 && !b.limit.Armed() {
			b.wheel().Schedule(&b.limit, b.target.Timeout)
		}
		if t := b.fork.options.ResponseTimeout; t > 0 {
			b.wheel().Schedule(&b.silence, t)
		}
		b.client = env.Table.NewClient(transaction.ClientRequest{
			Method: m.Method(), Branch: mark, CallID: m.CallID(),
			Flow: flow, ServerName: at.serverName, Bytes: m.Append(make([]byte, 0, m.Size())),
		}, b)
		return
	}
	b.finish(&answer{code: 503})
}

// ClientResponse implements transaction.ClientUser.
func (b *branch) ClientResponse(_ *transaction.Client, r *sip.Message) {
	if b.state == ended {
		if r.Status()/100 == 2 && b.ctx.invite {
			b.ctx.success(b, r)
		}
		return
	}
	b.silence.Stop()
	status := r.Status()
	if status < 200 {
		b.progress(r)
		return
	}
	if status == 503 && b.failsOver() {
		b.again()
		return
	}
	if status/100 == 2 {
		b.ctx.success(b, r)
		b.finish(&answer{code: status, reply: r})
		return
	}
	r.Keep() // it may be the best
	r.RemoveTop(sip.Via)
	if !r.Has(sip.Via) {
		b.ctx.env.trace(EventStrayResponse)
		b.finish(&answer{code: 503})
		return
	}
	if on := b.fork.options.OnReply; on != nil {
		on(r, b.target)
	}
	b.finish(&answer{code: status, reply: r})
}

// progress is a 1xx.
func (b *branch) progress(r *sip.Message) {
	first := b.state == calling
	b.state = proceeding
	if first && b.cancelled {
		b.sendCancel()
	}
	if status := r.Status(); status > 100 && b.ctx.invite {
		if status >= 180 {
			b.rang, b.fork.rang = true, true
		}
		if !b.cancelled {
			b.wheel().Schedule(&b.timerC, b.ctx.env.timerC())
		}
	} else if first && b.ctx.invite && !b.cancelled {
		b.wheel().Schedule(&b.timerC, b.ctx.env.timerC())
	}
	b.ctx.provisional(b, r)
}

// ClientFailed implements transaction.ClientUser: no response (a 408), or none could be asked for (a 503),
// RFC 3261 §16.7(6), §16.9.
func (b *branch) ClientFailed(_ *transaction.Client, err error) {
	if b.state == ended {
		return
	}
	if b.failsOver() {
		b.again()
		return
	}
	if errors.Is(err, transaction.ErrTimeout) {
		b.finish(&answer{code: 408})
		return
	}
	b.finish(&answer{code: 503})
}

// ClientEnded implements transaction.ClientUser.
func (b *branch) ClientEnded(*transaction.Client) {}

// failsOver reports whether the next address is to be tried, RFC 3263 §4.3.
func (b *branch) failsOver() bool {
	return len(b.hops) > 0 && !b.fork.options.NoFailover && !b.cancelled && !b.fork.stopped
}

func (b *branch) again() {
	b.silence.Stop()
	b.timerC.Stop()
	b.client.Abandon()
	b.client = nil
	b.try()
}

// silent is the end of waiting for any response, or for what a CANCEL brings when the time was up. As far as the
// fork is concerned the branch has ended with a 408; its transaction lingers, in case of a late answer.
func (b *branch) silent() {
	if !b.cancelled && b.failsOver() {
		b.split()
		return
	}
	b.expired = true
	b.cancel()
	if b.state != ended && !b.reported {
		b.reported = true
		b.fork.branchEnded(b, &answer{code: 408, branch: b})
	}
}

// split leaves what was sent to one address to itself and goes on with the next in a branch of its own.
func (b *branch) split() {
	n := newBranch(b.fork, b.target, b.breadth)
	n.message, n.hops, b.hops = b.message, b.hops, nil
	n.state = resolving
	b.reported = true
	b.fork.group = append(b.fork.group, n)
	b.ctx.open = append(b.ctx.open, n)
	b.cancel()
	n.try()
}

// overdue is the end of the target's time for a final response; or, 64·T1 after a CANCEL, of all patience.
func (b *branch) overdue() {
	if b.cancelled {
		b.client.Abandon()
		b.finish(&answer{code: 408})
		return
	}
	b.expire()
}

// expire cancels the branch because its time is up. One that never answered counts as ended at once, another gets a
// second for what the CANCEL brings.
func (b *branch) expire() {
	switch b.state {
	case ended:
	case calling:
		b.silent()
	default:
		b.expired = true
		b.cancel()
		if b.state != ended {
			b.wheel().Schedule(&b.silence, cancelGrace)
		}
	}
}

// cancel ends the branch by a CANCEL, at once if a provisional has come, else when one comes (RFC 3261 §9.1).
func (b *branch) cancel() {
	if b.state == ended || b.cancelled {
		return
	}
	b.cancelled = true
	switch b.state {
	case waiting, resolving:
		b.finish(&answer{code: 487})
	case proceeding:
		b.sendCancel()
	}
}

func (b *branch) sendCancel() {
	b.timerC.Stop()
	if !b.ctx.invite {
		return // a non-INVITE is not cancelled (RFC 4320 has it end soon enough)
	}
	b.wheel().Schedule(&b.limit, b.ctx.env.transactionEnd())
	b.ctx.env.sendCancel(b.client, b.ctx.cancel)
}

// finish ends the branch with a.
func (b *branch) finish(a *answer) {
	if b.state == ended {
		return
	}
	a.branch = b
	if b.expired && a.code == 487 {
		a = &answer{code: 408, branch: b} // what our own CANCEL brought is not why the target was given up
	}
	b.state = ended
	b.attempt.start.Stop()
	b.limit.Stop()
	b.silence.Stop()
	b.timerC.Stop()
	if b.scope != nil {
		b.scope.Close()
	}
	b.attempt = nil
	for i, o := range b.ctx.open {
		if o == b {
			b.ctx.open = append(b.ctx.open[:i], b.ctx.open[i+1:]...)
			break
		}
	}
	if b.reported {
		return
	}
	b.reported = true
	b.fork.branchEnded(b, a)
}

var _ transaction.ClientUser = (*branch)(nil)
