package wheel

import "time"

// Owner is told when one of its timers fires. t tells its timers apart; it is stopped already and may be scheduled
// again.
type Owner interface {
	TimerFired(t *Timer)
}

// Timer is one timer, meant to be embedded by value in what it times; it must not be copied while armed. The zero
// value is a stopped timer without a callback.
type Timer struct {
	next, prev *Timer
	wheel      *Wheel // nil when stopped
	owner      Owner
	due        int64 // tick
	place      uint16
}

// Init gives the timer its callback, for Schedule. It does not change whether or when the timer fires.
func (t *Timer) Init(fn func()) { t.owner = callback(fn) }

// Bind is Init for an owner with several timers: none of them needs a closure.
func (t *Timer) Bind(o Owner) { t.owner = o }

// Stop makes sure that the timer does not fire, and reports whether it was armed.
func (t *Timer) Stop() bool {
	w := t.wheel
	if w == nil {
		return false
	}
	l := &w.lists[t.place]
	l.remove(t)
	if l.head == nil {
		w.vacate(t.place)
	}
	t.wheel = nil
	w.len--
	return true
}

// Armed reports whether the timer is going to fire.
func (t *Timer) Armed() bool { return t.wheel != nil }

// Due returns when the timer is going to fire, and false when it is stopped.
func (t *Timer) Due() (time.Time, bool) {
	if t.wheel == nil {
		return time.Time{}, false
	}
	return t.wheel.at(t.due), true
}

// callback is a plain function as an Owner. A function value is one pointer, so the conversion allocates nothing.
type callback func()

func (fn callback) TimerFired(*Timer) { fn() }

// list is a doubly linked list whose nodes are the timers themselves, first armed first.
type list struct {
	head, tail *Timer
}

func (l *list) push(t *Timer) {
	t.prev = l.tail
	if l.tail == nil {
		l.head = t
	} else {
		l.tail.next = t
	}
	l.tail = t
}

func (l *list) remove(t *Timer) {
	if t.prev == nil {
		l.head = t.next
	} else {
		t.prev.next = t.next
	}
	if t.next == nil {
		l.tail = t.prev
	} else {
		t.next.prev = t.prev
	}
	t.next, t.prev = nil, nil
}
