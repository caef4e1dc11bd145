package shard

import (
	"context"
	"sync"
)

// Outcome is what blocking work hands back. Exactly one of the two runs, on the shard: Deliver while the scope
// lives, Discard after it has ended (it gives back what the work opened). Either may be nil.
type Outcome struct{ Deliver, Discard func() }

// Pool bounds one kind of blocking work (name resolution, disk …), so that a dead database cannot starve DNS.
// It is shared by all shards and safe from any goroutine.
type Pool struct {
	mu      sync.Mutex
	idle    *sync.Cond
	queue   []func()
	running int
	workers int
	backlog int

	ctx    context.Context //nolint:containedctx // of all work, until Close
	cancel context.CancelFunc
}

// NewPool makes a pool that does workers things at once and lets backlog more wait.
func NewPool(workers, backlog int) *Pool {
	p := &Pool{workers: workers, backlog: backlog}
	p.idle = sync.NewCond(&p.mu)
	p.ctx, p.cancel = context.WithCancel(context.Background())
	return p
}

// Go runs work off the shard and posts what it returns. The context ends with the scope, and with the pool. It returns
// ErrOverload when the pool is full and ErrClosed when it or the scope has ended; work does not run then.
func (l *Loop) Go(scope *Scope, p *Pool, work func(ctx context.Context) Outcome) error {
	if scope.closed {
		return ErrClosed
	}
	parent := scope.context()
	return p.start(func() {
		ctx, cancel := context.WithCancel(parent)
		defer cancel()
		defer context.AfterFunc(p.ctx, cancel)()
		out := work(ctx)
		l.Post(func() {
			fn := out.Deliver
			if scope.closed {
				fn = out.Discard
			}
			if fn != nil {
				fn()
			}
		})
	})
}

func (p *Pool) start(job func()) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.ctx.Err() != nil:
		return ErrClosed
	case p.running < p.workers:
		p.running++
		go p.work(job)
	case len(p.queue) < p.backlog:
		p.queue = append(p.queue, job)
	default:
		return ErrOverload
	}
	return nil
}

// work does its job and then what has queued up meanwhile; an idle pool holds no goroutine.
func (p *Pool) work(job func()) {
	for job != nil {
		job()
		p.mu.Lock()
		job = nil
		if len(p.queue) > 0 {
			job, p.queue[0] = p.queue[0], nil
			p.queue = p.queue[1:]
		} else {
			p.running--
			p.idle.Broadcast()
		}
		p.mu.Unlock()
	}
}

// Close ends what runs, drops what waits and returns when nothing runs any more. Whoever waits for a result is gone by
// then: results are not delivered.
func (p *Pool) Close() {
	p.cancel()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.queue = nil
	for p.running > 0 {
		p.idle.Wait()
	}
}
