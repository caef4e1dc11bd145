package kv

import "time"

// One stripe a tick: the whole store every 16 s, and never more than a 64th of it under one lock.
const sweepTick = 250 * time.Millisecond

// sweep drops entries whose time has run out and which nobody reads any more. It sleeps while nothing can expire.
func (s *Store) sweep() {
	defer close(s.swept)
	for {
		select {
		case <-s.done:
			return
		case <-s.wake:
		}
		if !s.sweepWhileExpiring() {
			return
		}
	}
}

// sweepWhileExpiring goes round the stripes until no entry can expire, and reports false when the store is closed.
func (s *Store) sweepWhileExpiring() bool {
	tick := time.NewTicker(sweepTick)
	defer tick.Stop()
	for i := 0; s.expiring.Load() > 0; i = (i + 1) % stripes {
		select {
		case <-s.done:
			return false
		case <-tick.C:
			s.sweepStripe(&s.stripes[i])
		}
	}
	return true
}

func (s *Store) sweepStripe(st *stripe) {
	st.mu.Lock()
	defer st.mu.Unlock()
	now := s.now()
	for key, e := range st.entries {
		if e.dead(now) {
			s.put(st, key, entry{})
		}
	}
}
