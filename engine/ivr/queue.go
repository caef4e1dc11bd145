package ivr

import (
	"slices"
	"time"

	"github.com/sipscript/sipscript/engine/shard"
)

// Strategy says which agents ring for who waits.
type Strategy string

// The strategies.
const (
	RingAll     Strategy = "ring_all"     // all who are free, together
	RoundRobin  Strategy = "round_robin"  // one after the other, from behind the one that was asked last
	LongestIdle Strategy = "longest_idle" // the one whose last call has ended first
)

// Strategies are all of them.
func Strategies() []string { return []string{string(RingAll), string(RoundRobin), string(LongestIdle)} }

// recovery is how long an agent is left alone who has not answered: a phone that refuses at once must not be rung without end.
const recovery = 5 * time.Second

// Waiter is a call in a queue. Its functions are called on the queue's shard, and post to where they belong. What ends the wait from
// outside, the caller's hang-up, a key, its time, is Leave.
type Waiter struct {
	Strategy Strategy
	WrapUp   time.Duration // how long an agent is left alone after this call
	Most     int           // calls that may wait, with this one; 0: any number
	// Offer has agents rung for the call. It is answered by Declined or Taken.
	Offer func(agents []string)
	// End says that the wait is over: ErrFull or ErrNoAgents.
	End func(error)

	ringing []*agent
	talks   *agent
}

// queue is calls that wait for agents, in the order in which they came, and the agents who have logged in, in theirs. It belongs to its hall's shard.
//
//	agent     event                          → agent
//	          Login                            idle
//	idle      a call waits, by its strategy    ringing
//	ringing   Declined                         resting for 5 s, then idle
//	ringing   another has taken it, Leave      idle
//	ringing   Taken                            talking
//	talking   Leave                            resting for the wrap-up, then idle
//
// An agent who is paused is not rung. One who logs out finishes what it has begun.
type queue struct {
	hall    *Hall
	name    string
	waiting []*Waiter // and who is asked for an agent
	agents  []*agent
	last    string // agent that was asked last
}

type agent struct {
	uri    string
	serves *Waiter // rings or talks for; nil: for nobody
	paused bool
	rests  time.Time // until then
	idle   time.Time // since
	out    bool      // it has logged out
}

// Desk is what is told of an agent.
type Desk struct {
	Agent  string
	Paused bool
	Busy   bool      // rings, talks or rests
	Since  time.Time // idle
}

// Queue is a queue by its name, from any shard. What is asked is answered on Loop.
type Queue struct {
	Studio *Studio
	Name   string
	Loop   *shard.Loop
}

// do has fn called with the queue, on its shard, which then looks whom it can serve.
func (q Queue) do(fn func(at *queue)) {
	h := q.Studio.hall(q.Name)
	h.loop.Post(func() {
		at := h.queues[q.Name]
		if at == nil {
			at = &queue{hall: h, name: q.Name}
			h.queues[q.Name] = at
		}
		fn(at)
		at.desert()
		at.serve()
		if len(at.agents)+len(at.waiting) == 0 {
			delete(h.queues, q.Name)
		}
	})
}

// Enter puts a call at the end of the queue.
func (q Queue) Enter(w *Waiter) {
	q.do(func(at *queue) {
		switch {
		case w.Most > 0 && len(at.waiting) >= w.Most:
			w.End(ErrFull)
		default:
			at.waiting = append(at.waiting, w)
		}
	})
}

// Leave takes a call out of the queue, wherever it stands, and frees its agents. It may have left before.
func (q Queue) Leave(w *Waiter) {
	q.do(func(at *queue) {
		at.remove(w)
		at.free(w, 0)
		if a := w.talks; a != nil {
			w.talks, a.serves = nil, nil
			at.rest(a, w.WrapUp)
		}
	})
}

// Declined says that none of the agents that were rung has answered: the call waits on.
func (q Queue) Declined(w *Waiter) {
	q.do(func(at *queue) { at.free(w, recovery) })
}

// Taken says which agent talks to the call: it waits no more.
func (q Queue) Taken(w *Waiter, uri string) {
	q.do(func(at *queue) {
		at.remove(w)
		for i, a := range w.ringing {
			if a.uri == uri {
				w.talks, w.ringing = a, slices.Delete(w.ringing, i, i+1)
				break
			}
		}
		at.free(w, 0)
	})
}

// Position tells the place of a call in the queue, from 1; 0 when it is not there any more.
func (q Queue) Position(w *Waiter, then func(int)) {
	q.do(func(at *queue) {
		n := slices.Index(at.waiting, w) + 1
		q.Loop.Post(func() { then(n) })
	})
}

// Login has an agent rung from now on.
func (q Queue) Login(uri string, then func()) {
	q.do(func(at *queue) {
		if a := at.agent(uri); a != nil {
			a.out, a.paused = false, false
		} else {
			at.agents = append(at.agents, &agent{uri: uri, idle: at.now()})
		}
		q.Loop.Post(then)
	})
}

// Logout ends that. The error is ErrNoAgent. Calls that wait for nobody now leave with ErrNoAgents.
func (q Queue) Logout(uri string, then func(error)) {
	q.do(func(at *queue) {
		a := at.agent(uri)
		q.Loop.Post(func() { then(missing(a)) })
		if a == nil {
			return
		}
		a.out = true
		at.forget(a)
	})
}

// Pause has an agent not rung for a while. The error is ErrNoAgent.
func (q Queue) Pause(uri string, on bool, then func(error)) {
	q.do(func(at *queue) {
		a := at.agent(uri)
		q.Loop.Post(func() { then(missing(a)) })
		if a != nil {
			a.paused = on
		}
	})
}

// Status tells how many calls wait, and of the agents in the order in which they have logged in.
func (q Queue) Status(then func(waiting int, agents []Desk)) {
	q.do(func(at *queue) {
		n := len(at.waiting)
		var all []Desk
		for _, a := range at.agents {
			if !a.out {
				all = append(all, Desk{a.uri, a.paused, a.serves != nil || at.now().Before(a.rests), a.idle})
			}
		}
		q.Loop.Post(func() { then(n, all) })
	})
}

func missing(a *agent) error {
	if a == nil {
		return ErrNoAgent
	}
	return nil
}

func (at *queue) now() time.Time { return at.hall.loop.Wheel().Now() }

func (at *queue) agent(uri string) *agent {
	i := slices.IndexFunc(at.agents, func(a *agent) bool { return a.uri == uri })
	if i < 0 {
		return nil
	}
	return at.agents[i]
}

func (at *queue) remove(w *Waiter) {
	at.waiting = slices.DeleteFunc(at.waiting, func(other *Waiter) bool { return other == w })
}

// forget takes an agent out that has logged out, when it has nothing more to do.
func (at *queue) forget(a *agent) {
	if a.out && a.serves == nil {
		at.agents = slices.DeleteFunc(at.agents, func(other *agent) bool { return other == a })
	}
}

// free lets go of the agents that ring for a call.
func (at *queue) free(w *Waiter, rest time.Duration) {
	ringing := w.ringing
	w.ringing = nil
	for _, a := range ringing {
		a.serves = nil
		if rest > 0 {
			at.rest(a, rest)
		}
		at.forget(a)
	}
}

// rest leaves an agent alone for a while.
func (at *queue) rest(a *agent, d time.Duration) {
	a.idle = at.now().Add(d)
	a.rests = a.idle
	at.forget(a)
	if d > 0 {
		q := Queue{Studio: at.hall.studio, Name: at.name}
		at.hall.loop.After(d, func() { q.do(func(*queue) {}) })
	}
}

// desert ends the wait of those for whom nobody rings, when there is no agent any more.
func (at *queue) desert() {
	if slices.ContainsFunc(at.agents, func(a *agent) bool { return !a.out }) {
		return
	}
	for _, w := range slices.Clone(at.waiting) {
		if len(w.ringing) == 0 {
			at.remove(w)
			w.End(ErrNoAgents)
		}
	}
}

// serve offers agents who are free to the calls that wait, the first one first.
func (at *queue) serve() {
	for _, w := range at.waiting {
		if len(w.ringing) > 0 {
			continue
		}
		chosen := at.choose(w.Strategy)
		if len(chosen) == 0 {
			return
		}
		uris := make([]string, len(chosen))
		for i, a := range chosen {
			a.serves, uris[i] = w, a.uri
		}
		w.ringing, at.last = chosen, uris[len(uris)-1]
		w.Offer(uris)
	}
}

// choose picks the agents that are to ring next.
func (at *queue) choose(by Strategy) []*agent {
	now := at.now()
	start := 0
	if by == RoundRobin {
		start = slices.IndexFunc(at.agents, func(a *agent) bool { return a.uri == at.last }) + 1
	}
	var free []*agent
	for i := range at.agents {
		a := at.agents[(start+i)%len(at.agents)]
		if a.serves == nil && !a.paused && !a.out && !now.Before(a.rests) {
			free = append(free, a)
		}
	}
	if len(free) < 2 {
		return free
	}
	switch by {
	case RingAll:
		return free
	case LongestIdle:
		return []*agent{slices.MinFunc(free, func(a, b *agent) int { return a.idle.Compare(b.idle) })}
	}
	return free[:1]
}
