package media

import (
	"cmp"
	"slices"
	"time"
)

// sweepEvery is how often silence is looked for.
const sweepEvery = time.Second

// armSweep starts the sweeps; it is for who holds wiring.
func (r *Relay) armSweep() {
	if r.config.Timeout < 0 || len(r.terminals) != 1 {
		return
	}
	if r.sweeper == nil {
		r.sweeper = time.AfterFunc(sweepEvery, r.sweep)
	} else {
		r.sweeper.Reset(sweepEvery)
	}
}

// stopSweep ends the sweeps; it is for who holds wiring.
func (r *Relay) stopSweep() {
	if r.sweeper != nil {
		r.sweeper.Stop()
	}
}

// sweep tells the terminals that have been silent for too long, and goes on while there are any terminals.
func (r *Relay) sweep() {
	for _, t := range r.silent() {
		if t.events != nil {
			t.events(Event{Kind: EventTimeout, Terminal: t})
		}
	}
}

// silent are the terminals to be told, in the order they were opened.
func (r *Relay) silent() []*terminal {
	r.wiring.Lock()
	defer r.wiring.Unlock()
	if r.closed || len(r.terminals) == 0 {
		return nil
	}
	r.sweeper.Reset(sweepEvery)
	now := r.now()
	var all []*terminal
	for t := range r.terminals {
		if since, ok := t.expects(); ok && now-max(since, t.told) >= int64(r.config.Timeout) {
			t.told = now
			all = append(all, t)
		}
	}
	slices.SortFunc(all, func(a, b *terminal) int { return cmp.Compare(a.number, b.number) })
	return all
}

// expects reports whether the peer ought to send, and since when nothing has come: a leg of which one m-line is heard is alive.
func (t *terminal) expects() (since int64, ok bool) {
	for _, s := range t.streams {
		if s == nil {
			continue
		}
		if heard, wanted := s.expects(); wanted {
			since, ok = max(since, heard), true
		}
	}
	return since, ok
}
