package siptest

import (
	"bytes"
	"container/heap"
	"time"
)

// agenda is what will arrive and when, in order of time and then of key.
//
// It delivers one arrival per nanosecond. What is due in the same one waits for the next: in a synctest bubble time
// stands still until everybody has dealt with the arrival before, so that no two arrivals are ever handled at once
// and the order of handling does not depend on the scheduler. A timer and not a goroutine drives it, so there is
// nothing to wait for when a test ends.
type agenda struct {
	due   arrivals
	timer *time.Timer
	last  time.Duration // of the latest arrival, -1 before the first
	ended bool
}

type arrival struct {
	at  time.Duration
	key [32]byte
	run func(now time.Duration) // with the network's mutex held
}

// at plans an arrival. The network's mutex is held.
func (n *Network) at(when time.Duration, key [32]byte, run func(now time.Duration)) {
	a := &arrival{at: when, key: key, run: run}
	heap.Push(&n.agenda.due, a)
	if n.agenda.due[0] == a {
		n.arm()
	}
}

func (n *Network) arm() {
	g := &n.agenda
	if g.ended || len(g.due) == 0 {
		return
	}
	now := n.now()
	when := max(g.due[0].at, now, g.last+1)
	if g.timer == nil {
		g.timer = time.AfterFunc(when-now, n.arrive)
		return
	}
	g.timer.Reset(when - now)
}

// arrive handles the arrival that is due and arms the timer for the next one. It may run early or twice for one
// instant, as planning something sooner resets a timer that has just fired.
func (n *Network) arrive() {
	n.mu.Lock()
	defer n.mu.Unlock()
	g := &n.agenda
	now := n.now()
	if !g.ended && len(g.due) > 0 && g.due[0].at <= now && g.last < now {
		g.last = now
		heap.Pop(&g.due).(*arrival).run(now)
	}
	n.arm()
}

func (g *agenda) stop() {
	g.ended = true
	if g.timer != nil {
		g.timer.Stop()
	}
}

type arrivals []*arrival

func (q arrivals) Len() int { return len(q) }
func (q arrivals) Less(i, j int) bool {
	if q[i].at != q[j].at {
		return q[i].at < q[j].at
	}
	return bytes.Compare(q[i].key[:], q[j].key[:]) < 0
}
func (q arrivals) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *arrivals) Push(x any)   { *q = append(*q, x.(*arrival)) }
func (q *arrivals) Pop() any {
	old := *q
	last := old[len(old)-1]
	old[len(old)-1] = nil
	*q = old[:len(old)-1]
	return last
}
