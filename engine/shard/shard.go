package shard

import (
	"runtime/debug"
	"sync"
	"time"

	"github.com/sipscript/sipscript/sip/wheel"
)

const (
	turnItems    = 64               // items between two looks at the timers and two flushes
	defaultQueue = 65_536           // messages that may wait before the network is refused
	retry        = time.Millisecond // to the next turn, when a socket was full and nothing else comes
)

// Config is what a shard needs. M is the message type, which only the engine knows.
type Config[M any] struct {
	Index  int
	Queue  int                             // messages that may wait; 0: 65,536
	Handle func(m M, waited time.Duration) // one message from the network; waited: how long it stood in the queue
	Flush  func() (more bool)              // end of a turn: send what was gathered; more: not all of it could be sent
	// Panicked is told of a panic while m was handled (nil: a post or a timer). Nil, as in tests: a panic ends the program.
	Panicked func(m *M, v any, stack []byte)
}

// Shard is a Loop with a queue and the goroutine that empties it. Offer, Admit and Post may be called from any
// goroutine.
type Shard[M any] struct {
	Loop
	cfg  Config[M]
	wake chan struct{}

	mu       sync.Mutex
	queue    []item[M]
	messages int           // of them from the network
	room     chan struct{} // closed when the queue has been taken; nil when nobody waits
}

type item[M any] struct {
	at  time.Time
	msg M
	fn  func() // a post when not nil
}

// New makes a shard; Run starts it.
func New[M any](cfg Config[M]) *Shard[M] {
	if cfg.Queue == 0 {
		cfg.Queue = defaultQueue
	}
	s := &Shard[M]{cfg: cfg, wake: make(chan struct{}, 1)}
	s.Loop = Loop{index: cfg.Index, wheel: wheel.New(time.Now()), post: s.push}
	return s
}

func (s *Shard[M]) push(fn func()) {
	s.mu.Lock()
	s.queue = append(s.queue, item[M]{fn: fn})
	s.mu.Unlock()
	s.signal()
}

// Offer queues those of a batch whose number in of is this shard's, under one lock and with one wake. It returns
// how many it refused because the queue is full.
func (s *Shard[M]) Offer(batch []M, of []int, at time.Time) (refused int) {
	added := false
	s.mu.Lock()
	for i, n := range of {
		if n != s.index {
			continue
		}
		if s.messages >= s.cfg.Queue {
			refused++
			continue
		}
		s.messages++
		s.queue = append(s.queue, item[M]{at: at, msg: batch[i]})
		added = true
	}
	s.mu.Unlock()
	if added {
		s.signal()
	}
	return refused
}

// Admit queues m, and waits while the queue is full: the way in for streams, whose senders TCP can slow down.
// It returns false when quit closes first.
func (s *Shard[M]) Admit(m M, at time.Time, quit <-chan struct{}) bool {
	for {
		s.mu.Lock()
		if s.messages < s.cfg.Queue {
			s.messages++
			s.queue = append(s.queue, item[M]{at: at, msg: m})
			s.mu.Unlock()
			s.signal()
			return true
		}
		if s.room == nil {
			s.room = make(chan struct{})
		}
		room := s.room
		s.mu.Unlock()
		select {
		case <-room:
		case <-quit:
			return false
		}
	}
}

func (s *Shard[M]) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// take swaps the whole queue for an empty one.
func (s *Shard[M]) take(empty []item[M]) []item[M] {
	s.mu.Lock()
	full := s.queue
	s.queue, s.messages = empty, 0
	if s.room != nil {
		close(s.room)
		s.room = nil
	}
	s.mu.Unlock()
	return full
}

// Run is the shard's goroutine. It returns after quit is closed and what had queued up by then is done.
func (s *Shard[M]) Run(quit <-chan struct{}) {
	alarm := time.NewTimer(time.Hour)
	defer alarm.Stop()
	var set time.Time // what alarm is set to
	var spare []item[M]
	for {
		batch := s.take(spare)
		if len(batch) > 0 {
			s.turns(batch)
			clear(batch)
			spare = batch[:0]
			continue
		}
		spare = batch
		s.advance(time.Now())
		more := s.cfg.Flush()
		next, ok := s.wheel.Next()
		if more {
			soon := time.Now().Add(retry)
			if !ok || soon.Before(next) {
				next, ok = soon, true
			}
		}
		if ok && !next.Equal(set) {
			alarm.Reset(max(0, time.Until(next)))
			set = next
		}
		select {
		case <-s.wake:
		case <-alarm.C:
			set = time.Time{}
		case <-quit:
			if s.idle() {
				return
			}
		}
	}
}

func (s *Shard[M]) idle() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.queue) == 0
}

func (s *Shard[M]) turns(batch []item[M]) {
	for len(batch) > 0 {
		n := min(turnItems, len(batch))
		now := time.Now()
		s.advance(now)
		for i := range batch[:n] {
			s.do(&batch[i], now)
		}
		batch = batch[n:]
		if len(batch) > 0 {
			s.cfg.Flush()
		}
	}
}

// advance fires the due timers. A panic in one ends that one alone: those behind it fire in the next turn.
func (s *Shard[M]) advance(now time.Time) {
	if s.cfg.Panicked != nil {
		defer s.caught(nil)
	}
	s.wheel.Advance(now)
}

func (s *Shard[M]) do(it *item[M], now time.Time) {
	if s.cfg.Panicked != nil {
		defer s.caught(it)
	}
	if it.fn != nil {
		it.fn()
		return
	}
	s.cfg.Handle(it.msg, now.Sub(it.at))
}

// caught is deferred around each unit of work: one broken call must not take its shard's other calls with it.
func (s *Shard[M]) caught(it *item[M]) {
	v := recover()
	if v == nil {
		return
	}
	var m *M
	if it != nil && it.fn == nil {
		m = &it.msg
	}
	s.cfg.Panicked(m, v, debug.Stack())
}
