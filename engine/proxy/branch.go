package proxy

import (
	"slices"
	"time"

	"github.com/sipscript/sipscript/engine/shard"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/transaction"
	"github.com/sipscript/sipscript/sip/wheel"
)

// branchState is where a branch stands.
//
//	state       event                        → state       actions
//	            Target.After                   waiting     start it
//	waiting     it has passed, or others fail  resolving   make the request, look for its address
//	waiting     cancel, time is up             ended
//	resolving   addresses are known            calling     send to the first in a client transaction
//	resolving   none, cancel, time is up       ended
//	calling     503, timeout, error            calling     send to the next address (RFC 3263 §4.3)
//	calling     401, 407, 422 and an answer    calling     send to the same address again (RFC 3261 §22.2)
//	calling     1xx                            proceeding  start Timer C (INVITE)
//	calling     cancel, time is up             holding     no CANCEL before a provisional (RFC 3261 §9.1)
//	holding     1xx                            cancelled   send CANCEL (INVITE), start 64·T1
//	proceeding  101-199                        proceeding  start Timer C again
//	proceeding  401, 407, 422 and an answer    calling     send to the same address again
//	proceeding  cancel, time is up, Timer C    cancelled   send CANCEL (INVITE), start 64·T1
//	cancelled   64·T1                          ended
//	the rest    final, timeout, error          ended
//
// The fork is told of the end once: when it comes, or earlier when the time is up and nobody waits for it any more.
// A 2xx of an INVITE ends the branch too, but its client transaction hands it further ones for 64·T1 (RFC 6026 §7.2).
type branchState uint8

const (
	waiting branchState = iota
	resolving
	calling
	holding
	proceeding
	cancelled
	ended
)

func (s branchState) String() string {
	return [...]string{"waiting", "resolving", "calling", "holding", "proceeding", "cancelled", "ended"}[s]
}

// branch is one target's attempt.
type branch struct {
	ctx    *Context
	fork   *fork   // nil when nobody will ask
	target *Target // the same
	state  branchState

	bound    bool // sent by the flow that the target has registered over
	rang     bool
	expired  bool // its time was up: what a CANCEL brings is not why it was given up
	reported bool // the fork knows of its end

	passing *passing // nil: nobody watches

	*attempt // nil once it has ended
}

// attempt is what only a branch without a final needs.
type attempt struct {
	breadth int
	message *sip.Message // what it sends, without Via and Record-Route; nil: can be made again of the request
	hops    []hop        // addresses still to be tried
	client  *transaction.Client
	scope   *shard.Scope
	clock   wheel.Timer // of the state: Target.After, Options.ResponseTimeout, Timer C, 64·T1 after a CANCEL
	limit   wheel.Timer // Target.Timeout, then the second that what a CANCEL brings is waited for
}

func newBranch(f *fork, t *Target, breadth int) *branch {
	b := &branch{ctx: f.ctx, fork: f, target: t, attempt: &attempt{breadth: breadth}}
	b.clock.Bind(b)
	b.limit.Bind(b)
	f.group = append(f.group, b)
	f.ctx.open = append(f.ctx.open, b)
	return b
}

// to is the only writer of the state. A clock never outlives the state that started it.
func (b *branch) to(next branchState) {
	b.clock.Stop()
	b.state = next
	switch next {
	case waiting:
		b.tick(b.target.After)
	case resolving, calling:
		b.tick(b.fork.options.ResponseTimeout)
	case proceeding:
		if b.ctx.invite {
			b.tick(b.ctx.env.timerC())
		}
	case cancelled:
		if b.ctx.invite {
			b.tick(b.ctx.env.transactionEnd())
		}
	case ended:
		b.limit.Stop()
		if b.scope != nil {
			b.scope.Close()
		}
		b.attempt = nil
		if i := slices.Index(b.ctx.open, b); i >= 0 {
			b.ctx.open = slices.Delete(b.ctx.open, i, i+1)
		}
	}
}

// TimerFired implements wheel.Owner.
func (b *branch) TimerFired(t *wheel.Timer) {
	switch {
	case t == &b.limit && !b.expired:
		b.expire()
	case t == &b.limit:
		b.report(&answer{code: 408})
	case b.state == waiting:
		b.begin()
	case b.state == resolving, b.state == calling:
		b.unanswered()
	case b.state == proceeding: // Timer C (RFC 3261 §16.8)
		b.expire()
	case b.state == cancelled:
		b.client.Abandon()
		b.end(&answer{code: 408})
	}
}

// end ends the branch with a.
func (b *branch) end(a *answer) {
	b.to(ended)
	b.leave()
	b.report(a)
}

// report tells the fork how the branch ended, once. The fork may report in turn, and its owner fork again: nothing of
// the fork is to be relied on afterwards.
func (b *branch) report(a *answer) {
	if b.reported {
		return
	}
	if b.expired && a.code == 487 {
		a = &answer{code: 408}
	}
	b.reported = true
	b.ctx.tell(b.target, a.code, a.reply)
	a.branch = b
	b.fork.branchEnded(a)
}

// ServerOf is the transaction of the request that a client transaction is a branch of; nil: it is no branch.
func ServerOf(c *transaction.Client) *transaction.Server {
	if b, ok := c.User().(*branch); ok {
		return b.ctx.server
	}
	return nil
}

// lingers reports whether its fork has no interest in its provisionals any more.
func (b *branch) lingers() bool {
	return b.reported || b.state == holding || b.state == cancelled || b.fork.done == nil
}

func (b *branch) tick(d time.Duration) {
	if d > 0 {
		b.ctx.env.Loop.Wheel().Schedule(&b.clock, d)
	}
}
