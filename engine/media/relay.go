package media

import (
	"io"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sipscript/sipscript/engine/media/description"
)

// Relay is the Backend of this process.
type Relay struct {
	config Config
	pools  []*pool
	loop   loop
	start  time.Time
	secret [16]byte // of the names that sources are given
	number atomic.Uint64

	// wiring guards who is connected to whom. It is taken after the lock of a terminal, and no system call is made under it.
	wiring    sync.Mutex
	terminals map[*terminal]struct{}
	sweeper   *time.Timer // armed while there are terminals
	closed    bool
}

var _ Backend = (*Relay)(nil)

// New starts a relay. Stop ends it.
func New(c Config) (*Relay, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c.applyDefaults()
	r := &Relay{config: c, start: time.Now(), terminals: map[*terminal]struct{}{}}
	for _, in := range c.Interfaces {
		p, err := newPool(in, c.Ports, c.Random)
		if err != nil {
			return nil, err
		}
		r.pools = append(r.pools, p)
	}
	if _, err := io.ReadFull(c.Random, r.secret[:]); err != nil {
		return nil, err
	}
	if c.Net != nil {
		r.loop = newGoroutines(c.Net, r.now)
		return r, nil
	}
	l, err := newLoop(c.Threads, r.now)
	if err != nil {
		return nil, err
	}
	r.loop = l
	return r, nil
}

// Stop closes all terminals and ends the relay threads; it returns when they have ended.
func (r *Relay) Stop() {
	r.wiring.Lock()
	r.closed = true
	all := make([]*terminal, 0, len(r.terminals))
	for t := range r.terminals {
		all = append(all, t)
	}
	r.stopSweep()
	r.wiring.Unlock()
	for _, t := range all {
		t.close()
	}
	r.loop.stop()
	// A voice that goes from one thread to another may have come when that one had ended.
	for ended := false; !ended; {
		ended = true
		for _, p := range r.loop.pacers() {
			ended = p.end() && ended
		}
	}
}

// now is the time that packets are treated at. It is never 0.
func (r *Relay) now() int64 { return int64(time.Since(r.start)) + 1 }

// Open implements Backend.
func (r *Relay) Open(id string, events func(Event)) (Terminal, error) {
	t := &terminal{relay: r, id: id, events: events, number: r.number.Add(1)}
	t.side = &description.Side{Random: r.config.Random}
	r.wiring.Lock()
	defer r.wiring.Unlock()
	if r.closed {
		return nil, ErrClosed
	}
	r.terminals[t] = struct{}{}
	r.armSweep()
	return t, nil
}

// Signalled implements Backend.
func (r *Relay) Signalled(t Terminal, local, remote netip.Addr) {
	if own, err := r.own(t); err == nil {
		own.mu.Lock()
		own.local, own.remote = local.Unmap(), remote.Unmap()
		own.mu.Unlock()
	}
}

// own is t as what it is here.
func (r *Relay) own(t Terminal) (*terminal, error) {
	own, ok := t.(*terminal)
	if !ok || own.relay != r {
		return nil, ErrForeign
	}
	return own, nil
}

// both locks two terminals, and returns how to unlock them.
func (r *Relay) both(a, b Terminal) (first, second *terminal, unlock func(), err error) {
	if first, err = r.own(a); err != nil {
		return nil, nil, nil, err
	}
	if second, err = r.own(b); err != nil {
		return nil, nil, nil, err
	}
	if first == second {
		return nil, nil, nil, ErrForeign
	}
	low, high := first, second
	if high.number < low.number {
		low, high = high, low
	}
	low.mu.Lock()
	high.mu.Lock()
	low.wake()
	high.wake()
	return first, second, func() {
		high.rest()
		low.rest()
		high.mu.Unlock()
		low.mu.Unlock()
	}, nil
}
