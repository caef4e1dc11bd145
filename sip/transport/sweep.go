package transport

import (
	"runtime"
	"time"
)

// On a single processor nobody asks the poller while the garbage collector sweeps: the sweeper gives way to goroutines that
// can run, but the scheduler looks for datagrams only when there is none, or after 10 ms. A sweep takes 0.5 µs for each
// 8 KB of garbage; for so long nothing would be received, and the calls of that moment would wait. So a goroutine looks at
// the sockets itself then, woken by a timer, which the scheduler does look at.

const (
	lookEvery = 200 * time.Microsecond
	lookFor   = 50 * time.Millisecond // at most, after each collection
	alone     = time.Microsecond      // that giving way takes when nobody else can run
)

// looker is a PacketConn that can be looked at beside the goroutine that reads it.
type looker interface {
	// Look delivers what has come and nobody has been told of.
	Look()
}

// readWhileSwept reads from sockets whenever the garbage collector has begun to sweep, until the transport stops.
func (t *Transport) readWhileSwept(sockets []looker) {
	begun := make(chan struct{}, 1)
	t.onSweep(func() {
		select {
		case begun <- struct{}{}:
		default:
		}
	})
	for {
		select {
		case <-t.stopping:
			return
		case <-begun:
		}
		if runtime.GOMAXPROCS(0) > 1 {
			continue // another one asks the poller
		}
		for end := time.Now().Add(lookFor); othersRan() && time.Now().Before(end); {
			time.Sleep(lookEvery)
			for _, s := range sockets {
				s.Look()
			}
		}
	}
}

// onSweep calls fn at the beginning of each sweep, until the transport stops; fn must not block. Nothing refers to mark, so
// that each collection finds it, and its finalizer runs as soon as its block has been swept. That comes early, as blocks of
// small objects come first.
func (t *Transport) onSweep(fn func()) {
	mark := new(*byte)
	var swept func(mark **byte)
	swept = func(mark **byte) {
		fn()
		if !t.stopped() {
			runtime.SetFinalizer(mark, swept)
		}
	}
	runtime.SetFinalizer(mark, swept)
}

// othersRan reports whether another goroutine could run, the sweeper perhaps.
func othersRan() bool {
	now := time.Now()
	runtime.Gosched()
	return time.Since(now) > alone
}
