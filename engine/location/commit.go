package location

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// op is one thing for the committer to do.
type op struct {
	cause Cause
	aor   string // of an update, or of a row that is due
	conn  uint64 // of a closed flow
	now   time.Time
	apply func([]Binding) ([]Binding, error)
	done  func(Result, error)
}

// An expiry that the journal refuses is tried again after this time. Lookups leave expired bindings out meanwhile.
const retryExpiry = time.Second

// committer is the only writer of the store. Its fields belong to its goroutine.
type committer struct {
	store  *Store
	expiry expiry
	flows  flows
	packer *packer

	// of the group that is being committed
	byAOR   map[string]*pending
	pending []*pending
	changes []Change
	results []answer
}

// pending is an AOR that the group has changed.
type pending struct {
	aor           string
	before, after *row // committed and to be committed; nil: none
	old, new      []Binding
	due           bool // its deadline has come up
}

// answer is what an update's done is going to get.
type answer struct {
	done   func(Result, error)
	result Result
	err    error
}

func newCommitter(s *Store) *committer {
	return &committer{store: s, flows: newFlows(), packer: newPacker(), byAOR: make(map[string]*pending)}
}

// run is the committer's goroutine.
func (c *committer) run() {
	defer close(c.store.ended)
	alarm := time.NewTimer(0)
	defer alarm.Stop()
	var spare []op
	for {
		ops, closed := c.store.take(spare)
		for rest := ops; len(rest) > 0; {
			n := groupLen(rest)
			c.commit(rest[:n])
			rest = rest[n:]
		}
		clear(ops)
		spare = ops[:0]
		if closed {
			if len(ops) == 0 {
				return
			}
			continue
		}
		if len(c.expiry) > 0 {
			alarm.Reset(time.Until(time.Unix(0, c.expiry[0].at)))
		}
		select {
		case <-c.store.wake:
		case <-alarm.C:
			c.expire(time.Now())
		}
	}
}

// groupLen returns how many of the operations are committed as one: all, up to a closed flow that follows an update. Which AORs a
// flow has is known only when the updates before it have been committed.
func groupLen(ops []op) int {
	updates := false
	for i := range ops {
		switch {
		case ops[i].cause != FlowClosed:
			updates = true
		case updates:
			return i
		}
	}
	return len(ops)
}

// expire commits the rows whose deadline has come up: without their expired bindings, or not at all.
func (c *committer) expire(now time.Time) {
	var due []op
	for len(c.expiry) > 0 && c.expiry[0].at <= now.UnixNano() {
		d := c.expiry[0]
		if r := c.store.table.get(d.aor); r.due > now.UnixNano() {
			d.at = r.due // refreshed since
		} else {
			due = append(due, op{cause: Expired, aor: d.aor, now: now, apply: keep})
			d.at = now.Add(retryExpiry).UnixNano()
		}
		c.expiry.fix(d)
	}
	if len(due) > 0 {
		c.commit(due)
	}
}

func keep(old []Binding) ([]Binding, error) { return old, nil }

// commit applies a group, hands it to the journal, makes it visible and tells everybody: all of it or nothing.
func (c *committer) commit(ops []op) {
	now := time.Now()
	for i := range ops {
		c.evaluate(&ops[i], now)
	}
	err := c.write()
	if err == nil && len(c.changes) > 0 {
		c.store.cfg.Changed(c.changes)
		c.changes = nil // the receiver's now
	}
	for _, a := range c.results {
		if err != nil {
			a.result, a.err = Result{}, err
		}
		a.done(a.result, a.err)
	}
	clear(c.byAOR)
	clear(c.pending)
	clear(c.changes)
	clear(c.results)
	c.pending, c.changes, c.results = c.pending[:0], c.changes[:0], c.results[:0]
}

func (c *committer) evaluate(o *op, now time.Time) {
	if o.cause == FlowClosed {
		for _, aor := range c.flows.aors(o.conn) {
			// Without this connection's bindings; apply never fails.
			_, _ = c.apply(FlowClosed, aor, now, func(old []Binding) ([]Binding, error) {
				return slices.DeleteFunc(slices.Clone(old), func(b Binding) bool { return b.Flow.Conn == o.conn }), nil
			})
		}
		return
	}
	if o.now.IsZero() {
		o.now = now
	}
	result, err := c.apply(o.cause, o.aor, o.now, o.apply)
	if o.done != nil {
		c.results = append(c.results, answer{o.done, result, err})
	}
}

// apply computes one change on top of those that the group has made so far.
func (c *committer) apply(cause Cause, aor string, now time.Time, fn func([]Binding) ([]Binding, error)) (Result, error) {
	p := c.byAOR[aor]
	if p == nil {
		p = &pending{before: c.store.table.get(aor)}
		p.after = p.before
		if p.before != nil {
			p.aor = p.before.deadline.aor
			p.old = p.before.bindings.unpack(time.Time{}, c.packer.agents.names)
			p.new = p.old
		}
	}
	old := p.new
	next, err := fn(live(old, now))
	if err != nil {
		return Result{}, err
	}
	slices.SortStableFunc(next, preferred)
	switch {
	case !same(old, next):
		c.change(p, cause, aor, now, next)
	case cause == Expired && p.after != nil && len(next) == 0:
		p.after = nil // had no bindings for as long as it was to be remembered
		c.join(p)
	}
	return Result{Bindings: next}, nil
}

// change notes the next bindings of an AOR.
func (c *committer) change(p *pending, cause Cause, aor string, now time.Time, next []Binding) {
	var d *deadline
	switch {
	case p.before != nil:
		d = p.before.deadline
	case p.after != nil:
		d = p.after.deadline
	default:
		p.aor = strings.Clone(aor)
		d = &deadline{aor: p.aor}
	}
	c.changes = append(c.changes, Change{AOR: p.aor, At: now, Cause: cause, Old: p.new, New: next})
	due := now.Add(c.store.cfg.Known)
	for i, b := range next {
		if i == 0 || b.Expires.Before(due) {
			due = b.Expires
		}
	}
	p.after = &row{deadline: d, bindings: c.packer.pack(next), due: due.UnixNano()}
	p.new, p.due = next, p.due || cause == Expired
	c.join(p)
}

func (c *committer) join(p *pending) {
	if _, ok := c.byAOR[p.aor]; !ok {
		c.byAOR[p.aor] = p
		c.pending = append(c.pending, p)
	}
}

// write hands the group to the journal and to the table, then brings expiry, flows and count in line with it.
func (c *committer) write() error {
	if len(c.changes) > 0 {
		if err := c.store.cfg.Journal.Append(c.changes); err != nil {
			return fmt.Errorf("%w: %w", ErrJournal, err)
		}
	}
	if len(c.pending) == 0 {
		return nil
	}
	if names := c.packer.agents.names; len(names) != len(*c.store.names.Load()) {
		c.store.names.Store(&names) // before any row that needs them can be read
	}
	if err := c.store.table.write(c.pending); err != nil {
		return err
	}
	for _, p := range c.pending {
		c.settle(p)
	}
	return nil
}

func (c *committer) settle(p *pending) {
	switch {
	case p.after == nil && p.before != nil:
		c.expiry.remove(p.before.deadline)
	case p.before == nil && p.after != nil:
		p.after.deadline.at = p.after.due
		c.expiry.push(p.after.deadline)
	case p.after != nil && (p.due || p.after.due < p.after.deadline.at):
		p.after.deadline.at = p.after.due
		c.expiry.fix(p.after.deadline)
	}
	conns(p.new, func(conn uint64) { c.flows.add(conn, p.aor) })
	conns(p.old, func(conn uint64) {
		if !slices.ContainsFunc(p.new, func(b Binding) bool { return b.Flow.Conn == conn }) {
			c.flows.remove(conn, p.aor)
		}
	})
	c.store.count.Add(int64(len(p.new) - len(p.old)))
}

// same reports whether an update has left everything as it was: no bindings, or the very slice it was given.
func same(old, next []Binding) bool {
	return len(old) == len(next) && (len(old) == 0 || &old[0] == &next[0])
}

// live returns the bindings that have not expired, without copying where all have not.
func live(bindings []Binding, now time.Time) []Binding {
	dead := func(b Binding) bool { return !b.Live(now) }
	if !slices.ContainsFunc(bindings, dead) {
		return bindings
	}
	return slices.DeleteFunc(slices.Clone(bindings), dead)
}

// preferred orders bindings by q, the latest first among equals.
func preferred(a, b Binding) int {
	if c := cmp.Compare(b.Q, a.Q); c != 0 {
		return c
	}
	return b.Registered.Compare(a.Registered)
}
