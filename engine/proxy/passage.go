package proxy

import "github.com/sipscript/sipscript/sip"

// Passage sees what a branch passes on, both ways, and may edit it: how a call is tracked, shown under another number, let in by a gateway that
// wants a password, or has its media relayed. Nearly no branch has one, and then it costs nothing. All methods are called on the shard.
type Passage interface {
	// Request is called once before m is sent on, again for a request that Answers was asked about not. m has everything but our Via and
	// Record-Route. next is called exactly once, at once or later, with 0 or with the status that the branch fails with.
	Request(m *sip.Message, next func(refused int))
	// Response is called for each 1xx but 100 and each 2xx that is about to go upstream, our Via taken off: a body may be edited. by is the flow the
	// request went by. next is called as for Request; a 1xx that is refused is dropped, a 2xx gets ACK and BYE. Whoever calls it later keeps r.
	Response(r *sip.Message, by sip.Flow, next func(refused int))
	// Restore puts into r what the upstream side expects where Request has put something else: CSeq, From, To. It is called right before r goes
	// there, and not for what this server acknowledges by itself.
	Restore(r *sip.Message)
	// Answers puts the answer to r, a 401, 407 or 422, into m, the request as Request has left it, which is sent again then. False: it cannot.
	Answers(r, m *sip.Message) bool
	// Failed says that the branch has ended without a 2xx.
	Failed()
}

// passing is the Passage of a branch, or of several that try addresses of one target.
type passing struct {
	Passage
	branches int
}

// enter finds out whether the branch has a Passage.
func (b *branch) enter() {
	if of := b.fork.options.Passage; of != nil && b.passing == nil {
		if p := of(b.target); p != nil {
			b.passing = &passing{Passage: p, branches: 1}
		}
	}
}

// present shows the request to the Passage before it is sent. It is apart from begin because what a closure holds is on the heap, also for branches
// without one.
func (b *branch) present(m *sip.Message, next nextHop) {
	b.passing.Request(m, func(refused int) {
		switch {
		case b.state != resolving: // given up meanwhile
		case refused != 0:
			b.end(&answer{code: refused, full: refused == 503})
		default:
			b.find(next)
		}
	})
}

// leave says that the branch has ended without a 2xx.
func (b *branch) leave() {
	p := b.passing
	if p == nil {
		return
	}
	b.passing = nil
	if p.branches--; p.branches == 0 {
		p.Failed()
	}
}

// repeats reports whether r asks for something that the branch has answered, credentials or a longer session interval: the same request goes to
// the same address again, in a new transaction (RFC 3261 §22.2, RFC 4028 §7.3).
func (b *branch) repeats(r *sip.Message) bool {
	if code := r.Status(); code != 401 && code != 407 && code != 422 || b.passing == nil {
		return false
	}
	if b.state != calling && b.state != proceeding || b.reported || !b.fork.open() || !b.passing.Answers(r, b.message) {
		return false
	}
	same := hop{flow: b.client.Flow(), serverName: b.client.ServerName()}
	b.hops = append([]hop{same}, b.hops...)
	b.try()
	return true
}
