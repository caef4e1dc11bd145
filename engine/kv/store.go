// Package kv is the memory that scripts share across shards and versions: keys with string, number, boolean or
// table values, a time to live, and the atomic operations (Incr, CAS) that counting and claiming need.
package kv

import (
	"hash/maphash"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Config is what a Store needs; the zero value is useful.
type Config struct {
	Size int // most that one key and its value may take together, in bytes as Value.Size counts; 0: 1 MiB; restart
}

// A power of two well above any number of shards, so that two shards rarely want the same lock.
const stripes = 64

// Store holds the keys. Every method may be called from any goroutine; an operation takes one leaf lock, that of its
// key's stripe, and never blocks under it.
type Store struct {
	size  int
	seed  maphash.Seed
	start time.Time // expiry is counted from here on the monotonic clock: a stepped wall clock expires nothing

	stripes  [stripes]stripe
	expiring atomic.Int64  // entries with a time to live; the sweeper sleeps while there are none
	wake     chan struct{} // capacity 1: expiring left 0
	done     chan struct{} // closed by Close
	swept    chan struct{} // closed by the sweeper when it has ended
	closing  sync.Once
}

type stripe struct {
	mu      sync.Mutex
	entries map[string]entry
	_       [40]byte // neighbours on separate cache lines
}

type entry struct {
	value   Value
	expires time.Duration // since Store.start; 0: never
}

// New returns an empty store and starts its sweeper, which Close ends.
func New(cfg Config) *Store {
	if cfg.Size == 0 {
		cfg.Size = 1 << 20
	}
	s := &Store{
		size:  cfg.Size,
		seed:  maphash.MakeSeed(),
		start: time.Now(),
		wake:  make(chan struct{}, 1),
		done:  make(chan struct{}),
		swept: make(chan struct{}),
	}
	for i := range s.stripes {
		s.stripes[i].entries = make(map[string]entry)
	}
	go s.sweep()
	return s
}

// Close ends the sweeper and waits for it. The store stays readable; keys then expire only when they are read.
func (s *Store) Close() {
	s.closing.Do(func() { close(s.done) })
	<-s.swept
}

// Get returns the value of key, the Nil value when there is none or its time has run out.
func (s *Store) Get(key string) Value {
	st := s.lock(key)
	defer st.mu.Unlock()
	return s.live(st, key).value
}

// Set gives key a value for ttl, for ever when ttl is 0 or less. Setting the Nil value deletes the key.
// It returns ErrTooLarge, and changes nothing, when key and value together exceed Config.Size.
func (s *Store) Set(key string, v Value, ttl time.Duration) error {
	if len(key)+v.Size() > s.size {
		return ErrTooLarge
	}
	st := s.lock(key)
	defer st.mu.Unlock()
	s.put(st, key, entry{v, s.deadline(ttl)})
	return nil
}

// Delete removes key and reports whether it was there.
func (s *Store) Delete(key string) bool {
	st := s.lock(key)
	defer st.mu.Unlock()
	was := !s.live(st, key).value.IsNil()
	s.put(st, key, entry{})
	return was
}

// Incr adds delta to the number at key and returns the sum; a missing key counts as 0. ttl applies only to a key
// that this call creates: a counter of calls in a minute must end with its minute, however busy it is.
// It returns ErrNotNumber, and changes nothing, when key holds something else.
func (s *Store) Incr(key string, delta float64, ttl time.Duration) (float64, error) {
	if len(key)+valueOverhead > s.size {
		return 0, ErrTooLarge
	}
	st := s.lock(key)
	defer st.mu.Unlock()
	e := s.live(st, key)
	switch e.value.kind {
	case Nil:
		e.expires = s.deadline(ttl)
	case Number:
	default:
		return 0, ErrNotNumber
	}
	sum := e.value.Number() + delta
	e.value = NewNumber(sum)
	s.put(st, key, e)
	return sum, nil
}

// CAS sets key to value for ttl (0: for ever) if it now holds old, and reports whether it did. The Nil value as old means
// that the key must not exist, as value that it is deleted.
// It returns ErrTooLarge, and changes nothing, when key and value together exceed Config.Size.
func (s *Store) CAS(key string, old, value Value, ttl time.Duration) (bool, error) {
	if len(key)+value.Size() > s.size {
		return false, ErrTooLarge
	}
	st := s.lock(key)
	defer st.mu.Unlock()
	if !s.live(st, key).value.Equal(old) {
		return false, nil
	}
	s.put(st, key, entry{value, s.deadline(ttl)})
	return true, nil
}

// Len returns the number of keys, those included whose time has run out and which nobody has read or swept since.
func (s *Store) Len() int {
	n := 0
	for i := range s.stripes {
		st := &s.stripes[i]
		st.mu.Lock()
		n += len(st.entries)
		st.mu.Unlock()
	}
	return n
}

func (s *Store) lock(key string) *stripe {
	st := &s.stripes[maphash.String(s.seed, key)%stripes]
	st.mu.Lock()
	return st
}

func (s *Store) now() time.Duration { return time.Since(s.start) }

func (s *Store) deadline(ttl time.Duration) time.Duration {
	if ttl <= 0 {
		return 0
	}
	if now := s.now(); ttl < 1<<63-1-now {
		return now + ttl
	}
	return 0 // further away than the clock counts
}

func (e entry) dead(now time.Duration) bool { return e.expires != 0 && e.expires <= now }

// live returns the entry of key, dropping one whose time has run out. The stripe is locked.
func (s *Store) live(st *stripe, key string) entry {
	e, ok := st.entries[key]
	if ok && e.expires != 0 && e.dead(s.now()) {
		s.put(st, key, entry{})
		return entry{}
	}
	return e
}

// put replaces the entry of key, removes it when e is Nil, and keeps count of what can expire. The stripe is locked.
func (s *Store) put(st *stripe, key string, e entry) {
	change := int64(0)
	if old, ok := st.entries[key]; ok && old.expires != 0 {
		change--
	}
	if e.value.IsNil() {
		delete(st.entries, key)
	} else {
		st.entries[strings.Clone(key)] = e // key may be a piece of a message, which it would keep in memory
		if e.expires != 0 {
			change++
		}
	}
	if change != 0 && s.expiring.Add(change) == 1 && change > 0 {
		select {
		case s.wake <- struct{}{}:
		default:
		}
	}
}
