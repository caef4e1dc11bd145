package siptest

import (
	"slices"
	"time"
)

// repeat is the retransmission of one message: after next, then at doubled intervals up to longest, for 64·T1 in all.
type repeat struct {
	outgoing
	due, end      time.Time
	next, longest time.Duration
}

// repeats are the retransmissions of one endpoint in order of time and, at the same time, of arming. They share one timer:
// two timers that fire at once would race for the socket. The endpoint's mutex guards them.
type repeats struct {
	armed []*repeat
	timer *time.Timer
}

func (q *repeats) start(r *repeat, o outgoing, next, longest time.Duration, fire func()) {
	q.stop(r)
	*r = repeat{outgoing: o, next: next, longest: longest, end: time.Now().Add(64 * t1)}
	q.insert(r, fire)
}

func (q *repeats) insert(r *repeat, fire func()) {
	r.due = time.Now().Add(r.next)
	i := len(q.armed)
	for i > 0 && q.armed[i-1].due.After(r.due) {
		i--
	}
	q.armed = slices.Insert(q.armed, i, r)
	q.wind(fire)
}

func (q *repeats) stop(r *repeat) {
	q.armed = slices.DeleteFunc(q.armed, func(o *repeat) bool { return o == r })
}

func (q *repeats) stopAll() {
	q.armed = nil
	if q.timer != nil {
		q.timer.Stop()
	}
}

// wind sets the timer to the first that is armed. It fires for nothing when that was stopped meanwhile.
func (q *repeats) wind(fire func()) {
	if len(q.armed) == 0 {
		return
	}
	wait := time.Until(q.armed[0].due)
	if q.timer == nil {
		q.timer = time.AfterFunc(wait, fire)
		return
	}
	q.timer.Reset(wait)
}

// due takes out what is due and arms it again while its time is not over.
func (q *repeats) due(fire func()) []outgoing {
	var all []outgoing
	for len(q.armed) > 0 && !q.armed[0].due.After(time.Now()) {
		r := q.armed[0]
		q.armed = q.armed[1:]
		if r.due.Before(r.end) {
			all = append(all, r.outgoing)
			r.next = min(2*r.next, r.longest)
			q.insert(r, fire)
		}
	}
	q.wind(fire)
	return all
}

// repeatDue sends what is due. It runs on the timer's goroutine.
func (u *UA) repeatDue() {
	u.mu.Lock()
	all := u.repeats.due(u.repeatDue)
	u.mu.Unlock()
	for _, o := range all {
		u.transmit(o)
	}
}
