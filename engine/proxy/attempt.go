package proxy

import (
	"errors"
	"strconv"

	"github.com/sipscript/sipscript/engine/shard"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/transaction"
)

// start begins at once or when the target's time has come.
func (b *branch) start() {
	switch {
	case b.state != waiting: // something has ended it while the others were started
	case b.target.After > 0:
		b.to(waiting)
	default:
		b.begin()
	}
}

// begin makes the request and finds where to send it. Mostly that is done within this turn, and then the shard's
// draft serves; what a script has edited, or what has to wait for an address, is a message of its own.
func (b *branch) begin() {
	b.to(resolving)
	if t := b.target.Timeout; t > 0 {
		b.ctx.env.Loop.Wheel().Schedule(&b.limit, t)
	}
	on := b.fork.options.OnBranch
	m := &b.ctx.env.draft
	b.enter()
	if on != nil || b.passing != nil {
		b.message = new(sip.Message)
		m = b.message
	}
	if refused := b.ctx.outgoing(m, b.target, b.breadth); refused != nil {
		b.end(refused)
		return
	}
	b.ctx.divert(m, b.target, b.fork.options.Diverts)
	uri := m.URIText()
	if on != nil {
		err := on(m, b.target)
		switch {
		case b.state == ended:
			return // it has answered the request
		case errors.Is(err, ErrLeftOut):
			b.end(&answer{code: 480, leftOut: true})
			return
		case err != nil:
			b.end(&answer{code: 500})
			return
		}
	}
	next, refused := b.ctx.nextHop(m, b.target, m.URIText() != uri)
	if refused != nil {
		b.end(refused)
		return
	}
	b.bound = next.flow != (sip.Flow{})
	if b.passing != nil {
		b.present(m, next)
		return
	}
	b.find(next)
}

// find turns the next hop into addresses, off the shard where a name has to be looked up.
func (b *branch) find(next nextHop) {
	if next.immediate() {
		b.hops = []hop{next.hop(next.addr)}
		b.try()
		return
	}
	if b.message == nil {
		b.message = new(sip.Message)
		b.ctx.env.draft.CloneTo(b.message)
	}
	b.scope = shard.NewScope(nil)
	err := b.ctx.env.lookUp(b.scope, next, func(hops []hop, _ error) {
		b.hops = hops // none after an error
		b.try()
	})
	if err != nil {
		b.end(&answer{code: 503})
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
		flow, mark, ok := b.ctx.stamp(m, at, b.fork.options.RecordRoute, b.target)
		if !ok {
			continue
		}
		b.to(calling)
		b.client = env.Table.NewClient(transaction.ClientRequest{
			Method: m.Method(), Branch: mark, CallID: m.CallID(),
			Flow: flow, ServerName: at.serverName, Bytes: m.Append(make([]byte, 0, m.Size())),
		}, b)
		return
	}
	b.end(&answer{code: 503})
}

// failsOver reports whether the next address is to be tried, RFC 3263 §4.3.
func (b *branch) failsOver() bool {
	return len(b.hops) > 0 && (b.state == calling || b.state == proceeding) &&
		!b.fork.options.NoFailover && !b.reported && b.fork.open()
}

// again leaves an address that has failed for the next.
func (b *branch) again() {
	b.client.Abandon()
	b.try()
}

// unanswered is the end of waiting for any response at all.
func (b *branch) unanswered() {
	if b.failsOver() && b.ctx.breadth() > 0 {
		b.split()
	} else {
		b.expire()
	}
}

// split leaves what was sent to one address to itself, in case of a late answer, and goes on with the next in a branch
// of its own.
func (b *branch) split() {
	n := newBranch(b.fork, b.target, max(b.ctx.breadth()-keptBreadth, 1)) // the first may still answer, and holds its own
	n.message, n.hops, b.hops = b.message, b.hops, nil
	if n.passing = b.passing; n.passing != nil {
		n.passing.branches++
	}
	n.message.Set("Max-Breadth", strconv.Itoa(n.breadth))
	if due, ok := b.limit.Due(); ok {
		w := b.ctx.env.Loop.Wheel()
		w.Schedule(&n.limit, due.Sub(w.Now()))
		b.limit.Stop()
	}
	b.reported = true
	b.cancel()
	n.try()
}
