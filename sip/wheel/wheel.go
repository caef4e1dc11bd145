// Package wheel is a hierarchical timer wheel for many timers of which most are stopped before they fire, as SIP
// transactions have them.
//
// One tick is a millisecond. Four levels of 256 slots cover 2³² ms (49 days); what lies beyond waits in one list and is
// sorted in when its time comes near, so that no duration is too long. A bitmap for each level says which slots are
// occupied: idle time costs nothing to skip. The nodes live inside their owners, therefore arming and stopping is O(1)
// and allocates nothing.
//
// A Wheel and its timers belong to one goroutine: nothing here locks.
package wheel

import (
	"math"
	"math/bits"
	"time"
)

const (
	tick      = int64(time.Millisecond)
	levels    = 4
	slotBits  = 8
	slots     = 1 << slotBits
	beyond    = levels * slots // the place of a timer whose due time differs from now above the wheel's 32 bits
	horizon   = levels * slotBits
	wordBits  = 64
	wordCount = slots / wordBits
)

// Wheel holds armed timers in the order in which they are due. Timers due at the same tick fire in the order in which
// they were armed.
type Wheel struct {
	base time.Time // tick 0
	now  int64     // nanoseconds since base at the latest Advance: what durations count from
	pos  int64     // the tick up to which everything has fired; behind now only while Advance runs
	len  int

	occupied [levels][wordCount]uint64
	lists    [levels*slots + 1]list
}

// New returns an empty wheel whose clock stands at now.
func New(now time.Time) *Wheel {
	return &Wheel{base: now}
}

// Arm starts t to call fn once, d from now; a timer that was armed is armed anew. Use Init and Schedule where the
// callback never changes: they spare the closure.
func (w *Wheel) Arm(t *Timer, d time.Duration, fn func()) {
	t.Init(fn)
	w.Schedule(t, d)
}

// Schedule starts t, which Init or Bind gave a callback, to fire once, d from now; a timer that was armed is armed anew
// and takes its place behind those armed before it. Now is the time given to the latest Advance. A timer never fires
// early by that clock, and less than a tick late; d ≤ 0 fires at the next tick, never within the running Advance, so
// that a callback which re-arms its own timer cannot hold the loop.
func (w *Wheel) Schedule(t *Timer, d time.Duration) {
	if t.owner == nil {
		panic("wheel: timer scheduled without a callback")
	}
	t.Stop()
	at := w.now + max(int64(d), 1)
	if at < 0 { // the sum overflowed: 292 years are never
		at = math.MaxInt64
	}
	t.due = (at-1)/tick + 1
	t.wheel = w
	w.len++
	w.place(t)
}

// Advance moves the clock to now and fires what has become due, by due time and then by order of arming. It returns how
// many timers fired. A callback may arm and stop any timer; one that is stopped does not fire, even when it is due in
// this very call. A now before the clock fires nothing.
func (w *Wheel) Advance(now time.Time) int {
	w.now = max(w.now, int64(now.Sub(w.base)))
	fired := 0
	for {
		level, at, ok := w.next()
		if !ok || at > w.now/tick {
			break
		}
		w.pos = at
		if level > 0 {
			w.cascade(level)
			continue
		}
		// Only the head is looked at, again after each callback: a callback may stop the others.
		for l := &w.lists[int(at)&(slots-1)]; l.head != nil; {
			t := l.head
			t.Stop()
			fired++
			t.owner.TimerFired(t)
		}
	}
	w.pos = w.now / tick
	return fired
}

// Next returns when Advance should run next: never later than the earliest timer is due, and exactly then when it is
// due within the current 256 ms. A farther one yields the start of its slot, where Advance sorts it in more finely and
// Next is asked again. It is false when no timer is armed.
func (w *Wheel) Next() (time.Time, bool) {
	_, at, ok := w.next()
	if !ok {
		return time.Time{}, false
	}
	return w.at(at), true
}

// Now returns the time of the latest Advance: what durations count from.
func (w *Wheel) Now() time.Time { return w.base.Add(time.Duration(w.now)) }

// Len returns the number of armed timers.
func (w *Wheel) Len() int { return w.len }

// at is the time of a tick, or the last one a duration can reach.
func (w *Wheel) at(due int64) time.Time {
	return w.base.Add(time.Duration(min(due, math.MaxInt64/tick) * tick))
}

// place puts t on the level of the highest eight bits in which its due time differs from the position. A level thus
// holds no slot of another turn of it, every slot of a lower level is due before any of a higher one, and a slot is
// sorted into the level below exactly when the position enters it, before anything can be armed there directly: that
// keeps the order of arming.
func (w *Wheel) place(t *Timer) {
	differs := uint64(t.due ^ w.pos)
	if differs>>horizon != 0 {
		t.place = beyond
		w.lists[beyond].push(t)
		return
	}
	level := 0
	if differs != 0 {
		level = (bits.Len64(differs) - 1) / slotBits
	}
	slot := int(t.due>>(level*slotBits)) & (slots - 1)
	t.place = uint16(level*slots + slot)
	w.lists[t.place].push(t)
	w.occupied[level][slot/wordBits] |= 1 << (slot % wordBits)
}

// next finds the first occupied slot: its level and the tick at which it begins.
func (w *Wheel) next() (level int, at int64, ok bool) {
	for level := range levels {
		shift := level * slotBits
		if slot, ok := w.occupiedFrom(level, int(w.pos>>shift)&(slots-1)); ok {
			turn := w.pos >> (shift + slotBits) << (shift + slotBits)
			return level, turn | int64(slot)<<shift, true
		}
	}
	if w.lists[beyond].head != nil {
		return levels, (w.pos>>horizon + 1) << horizon, true
	}
	return 0, 0, false
}

// occupiedFrom returns the first occupied slot of a level at or after slot.
func (w *Wheel) occupiedFrom(level, slot int) (int, bool) {
	word := slot / wordBits
	set := w.occupied[level][word] >> (slot % wordBits) << (slot % wordBits)
	for set == 0 {
		if word++; word == wordCount {
			return 0, false
		}
		set = w.occupied[level][word]
	}
	return word*wordBits + bits.TrailingZeros64(set), true
}

// cascade sorts the slot the position has just entered into the levels below, in its order.
func (w *Wheel) cascade(level int) {
	from := beyond
	if level < levels {
		slot := int(w.pos>>(level*slotBits)) & (slots - 1)
		from = level*slots + slot
		w.occupied[level][slot/wordBits] &^= 1 << (slot % wordBits)
	}
	t := w.lists[from].head
	w.lists[from] = list{}
	for t != nil {
		following := t.next
		t.next, t.prev = nil, nil
		w.place(t)
		t = following
	}
}

// vacate clears the bit of a slot that has become empty.
func (w *Wheel) vacate(place uint16) {
	if place != beyond {
		w.occupied[place/slots][place%slots/wordBits] &^= 1 << (place % wordBits)
	}
}
