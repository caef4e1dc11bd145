package location

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/sipscript/sipscript/sip"
)

// Config is what a Store needs; the zero value is useful.
type Config struct {
	Journal Journal        // nil: Discard; restart
	Changed func([]Change) // called by the committer once for each group after it has become visible, before its done callbacks; must not block; restart
	Queue   int            // updates that may wait for the committer; 0: 65,536; restart
	// Known is for how long an AOR whose last binding has gone is still a known one without contacts (480) and not an unknown one (404);
	// 0: 24 hours; restart.
	Known time.Duration
}

// Update is a change of one address of record.
type Update struct {
	AOR string
	Now time.Time // when it was asked for: bindings that had expired by then do not exist; zero: when it is committed
	// Apply returns the new bindings for the old ones, which it must not write; an error refuses the update. It is a pure function and runs
	// on the committer, where it sees what the updates before it made. The strings it returns are copied before they are kept.
	Apply func(old []Binding) ([]Binding, error)
}

// Result is what an update led to.
type Result struct {
	Bindings []Binding // of the AOR after the update, by q, then latest first
}

// Store holds the bindings. All methods may be called from any goroutine.
type Store struct {
	cfg   Config
	table table
	names atomic.Pointer[[]string] // of User-Agents, by the numbers in packed bindings
	count atomic.Int64

	mu     sync.Mutex // of the queue; a leaf
	queue  []op
	closed bool
	wake   chan struct{} // capacity 1: the queue has something, or closed is set
	ended  chan struct{} // closed by the committer
}

// New returns an empty store and starts its committer, which Close ends.
func New(cfg Config) *Store {
	if cfg.Journal == nil {
		cfg.Journal = Discard{}
	}
	if cfg.Changed == nil {
		cfg.Changed = func([]Change) {}
	}
	if cfg.Queue == 0 {
		cfg.Queue = 65_536
	}
	if cfg.Known == 0 {
		cfg.Known = 24 * time.Hour
	}
	s := &Store{cfg: cfg, table: newTable(), wake: make(chan struct{}, 1), ended: make(chan struct{})}
	s.names.Store(&[]string{})
	go newCommitter(s).run()
	return s
}

// Close commits what has been queued, ends the committer and waits for it. Later updates get ErrClosed; lookups go on working.
func (s *Store) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.signal()
	<-s.ended
}

// Lookup returns the bindings of an address of record that are live at now, by q, then latest first. known tells an AOR that has or lately
// had bindings from one never heard of (480 and 404 of RFC 3261 §16.5).
func (s *Store) Lookup(aor string, now time.Time) (bindings []Binding, known bool) {
	r := s.table.get(aor)
	if r == nil {
		return nil, false
	}
	// The row may name an agent newer than names loaded before it was read.
	return r.bindings.unpack(now, *s.names.Load()), true
}

// Update queues u. done, if not nil, is called once: by the committer after the update has become visible or has failed with the error of
// Apply or ErrJournal, or before Update returns with ErrOverload or ErrClosed. It must not block.
func (s *Store) Update(u Update, done func(Result, error)) {
	if done == nil {
		done = func(Result, error) {}
	}
	s.mu.Lock()
	var err error
	switch {
	case s.closed:
		err = ErrClosed
	case len(s.queue) >= s.cfg.Queue:
		err = ErrOverload
	default:
		s.queue = append(s.queue, op{aor: u.AOR, now: u.Now, apply: u.Apply, done: done})
	}
	s.mu.Unlock()
	if err != nil {
		done(Result{}, err)
		return
	}
	s.signal()
}

// FlowClosed removes every binding that came by a stream connection which has ended (RFC 5626 §7): they can be reached by nothing else. A
// flow without a connection number is ignored. It is never refused, as nobody would ask again.
func (s *Store) FlowClosed(flow sip.Flow) {
	if flow.Conn == 0 {
		return
	}
	s.mu.Lock()
	closed := s.closed
	if !closed {
		s.queue = append(s.queue, op{cause: FlowClosed, conn: flow.Conn})
	}
	s.mu.Unlock()
	if !closed {
		s.signal()
	}
}

// Count returns the number of bindings, of all addresses of record together.
func (s *Store) Count() int { return int(s.count.Load()) }

// Each calls fn for every address of record with live bindings, in the order of the AORs, until it returns false. All are of one moment;
// updates go on meanwhile.
func (s *Store) Each(fn func(aor string, bindings []Binding) bool) {
	now := time.Now()
	s.table.each(func(r *row) bool {
		live := r.bindings.unpack(now, *s.names.Load())
		return len(live) == 0 || fn(r.deadline.aor, live)
	})
}

func (s *Store) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// take swaps the whole queue for an empty one.
func (s *Store) take(empty []op) (full []op, closed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	full, s.queue = s.queue, empty
	return full, s.closed
}
