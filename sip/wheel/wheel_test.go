package wheel

import (
	"slices"
	"testing"
	"time"
	"unsafe"
)

const ms = time.Millisecond

func start() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 678_901, time.UTC) }

func TestTimerFiresWhenDueAndNotBefore(t *testing.T) {
	t.Parallel()
	for _, d := range []time.Duration{
		ms, 200 * ms, 255 * ms, 256 * ms, 257 * ms, 500 * ms, 32 * time.Second, 65_536 * ms, 3 * time.Hour,
		1<<32*ms - 1, 1 << 32 * ms, 1<<32*ms + 1, 400 * 24 * time.Hour, 100 * 365 * 24 * time.Hour,
	} {
		w := New(start())
		now := start().Add(1234567 * time.Microsecond) // between two ticks
		w.Advance(now)
		fired := 0
		var tm Timer
		w.Arm(&tm, d, func() { fired++ })
		if w.Advance(now.Add(d - time.Nanosecond)); fired != 0 {
			t.Errorf("%v: fired a nanosecond early", d)
		}
		if n := w.Advance(now.Add(d + ms)); fired != 1 || n != 1 || tm.Armed() || w.Len() != 0 {
			t.Errorf("%v: fired %d times, Advance said %d, armed %v, len %d", d, fired, n, tm.Armed(), w.Len())
		}
	}
}

func TestLongestDurationNeverFires(t *testing.T) {
	t.Parallel()
	w := New(start())
	w.Advance(start().Add(time.Hour))
	var tm Timer
	w.Arm(&tm, 1<<63-1, func() { t.Error("fired") })
	if w.Advance(start().Add(200 * 365 * 24 * time.Hour)); !tm.Armed() {
		t.Error("not armed any more")
	}
	if next, ok := w.Next(); !ok || next.Before(start().Add(200*365*24*time.Hour)) {
		t.Errorf("next %v %v", next, ok)
	}
}

func TestSameTickFiresInOrderOfArming(t *testing.T) {
	t.Parallel()
	w := New(start())
	due := 70_000 * ms // passes through three levels
	var order []int
	timers := make([]Timer, 5)
	for i, armedAt := range []time.Duration{0, 4_400 * ms, 69_000 * ms, 69_631 * ms, 69_999 * ms} {
		w.Advance(start().Add(armedAt))
		w.Arm(&timers[i], due-armedAt, func() { order = append(order, i) })
	}
	w.Advance(start().Add(due))
	if !slices.Equal(order, []int{0, 1, 2, 3, 4}) {
		t.Errorf("fired in order %v", order)
	}
}

func TestRearmingGoesToTheEndOfTheSlot(t *testing.T) {
	t.Parallel()
	w := New(start())
	var order []string
	var a, b Timer
	w.Arm(&a, 5*ms, func() { order = append(order, "a") })
	w.Arm(&b, 5*ms, func() { order = append(order, "b") })
	w.Schedule(&a, 5*ms)
	w.Advance(start().Add(5 * ms))
	if !slices.Equal(order, []string{"b", "a"}) || w.Len() != 0 {
		t.Errorf("order %v, len %d", order, w.Len())
	}
}

func TestTimerStoppedByAnotherInTheSameSlotDoesNotFire(t *testing.T) {
	t.Parallel()
	w := New(start())
	var a, b, c Timer
	cFired := false
	w.Arm(&a, 5*ms, func() {
		if !b.Stop() {
			t.Error("b was not armed")
		}
	})
	w.Arm(&b, 5*ms, func() { t.Error("b fired") })
	w.Arm(&c, 5*ms, func() { cFired = true })
	if n := w.Advance(start().Add(time.Second)); n != 2 || !cFired {
		t.Errorf("%d fired, c %v", n, cFired)
	}
}

func TestTimerRearmedByAnotherInTheSameSlotFiresLater(t *testing.T) {
	t.Parallel()
	w := New(start())
	var a, b Timer
	fired := 0
	w.Arm(&a, 5*ms, func() { w.Schedule(&b, 7*ms) })
	w.Arm(&b, 5*ms, func() { fired++ })
	if w.Advance(start().Add(5 * ms)); fired != 0 {
		t.Error("b fired at its old time")
	}
	if w.Advance(start().Add(12 * ms)); fired != 1 {
		t.Errorf("b fired %d times", fired)
	}
}

func TestRearmingInTheCallbackCountsFromTheAdvance(t *testing.T) {
	t.Parallel()
	w := New(start())
	fired := 0
	var tm Timer
	tm.Init(func() { fired++; w.Schedule(&tm, 0) })
	w.Schedule(&tm, 10*ms)
	// A loop that was away for a minute must not make up for the ticks it missed: one firing, not 60,000.
	if n := w.Advance(start().Add(time.Minute)); n != 1 || fired != 1 {
		t.Errorf("%d fired", n)
	}
	if next, _ := w.Next(); !next.Equal(start().Add(time.Minute + ms)) {
		t.Errorf("next is %v after the advance", next.Sub(start().Add(time.Minute)))
	}
	if w.Advance(start().Add(time.Minute + ms)); fired != 2 {
		t.Errorf("fired %d times", fired)
	}
}

func TestStoppedTimerLeavesNoTrace(t *testing.T) {
	t.Parallel()
	w := New(start())
	var tm Timer
	if _, due := tm.Due(); tm.Stop() || tm.Armed() || due {
		t.Error("the zero timer is armed")
	}
	for _, d := range []time.Duration{ms, time.Second, time.Hour, 1000 * time.Hour, 1 << 32 * ms} {
		w.Arm(&tm, d, func() { t.Error("fired") })
		if due, ok := tm.Due(); !ok || !due.Equal(start().Add(d)) || !tm.Armed() || w.Len() != 1 {
			t.Errorf("%v: armed %v, due in %v, len %d", d, tm.Armed(), due.Sub(start()), w.Len())
		}
		if !tm.Stop() || tm.Stop() || tm.Armed() || w.Len() != 0 {
			t.Errorf("%v: stop is not exact", d)
		}
		if next, ok := w.Next(); ok {
			t.Errorf("%v: a slot stayed occupied, next %v", d, next)
		}
	}
	w.Advance(start().Add(1 << 33 * ms))
}

func TestNextIsExactWithinTheCurrentTurnAndNeverLate(t *testing.T) {
	t.Parallel()
	w := New(start())
	if _, ok := w.Next(); ok {
		t.Error("an empty wheel has a next")
	}
	var near, far Timer
	w.Arm(&far, 20*time.Second, func() {})
	w.Arm(&near, 17*ms, func() {})
	if next, ok := w.Next(); !ok || !next.Equal(start().Add(17*ms)) {
		t.Errorf("next in %v", next.Sub(start()))
	}
	near.Stop()
	wakes := 0
	for far.Armed() {
		next, ok := w.Next()
		if !ok || next.After(start().Add(20*time.Second)) {
			t.Fatalf("next in %v, %v", next.Sub(start()), ok)
		}
		if n := w.Advance(next); n == 1 && !next.Equal(start().Add(20*time.Second)) {
			t.Fatalf("fired at %v", next.Sub(start()))
		}
		wakes++
	}
	if wakes > levels {
		t.Errorf("%d wakes for one timer", wakes)
	}
}

func TestClockDoesNotGoBack(t *testing.T) {
	t.Parallel()
	w := New(start())
	w.Advance(start().Add(time.Second))
	w.Advance(start())
	if !w.Now().Equal(start().Add(time.Second)) {
		t.Errorf("now is %v", w.Now())
	}
	fired := false
	var tm Timer
	w.Arm(&tm, 10*ms, func() { fired = true })
	if w.Advance(start().Add(time.Second + 9*ms)); fired {
		t.Error("fired early")
	}
	if w.Advance(start().Add(time.Second + 10*ms)); !fired {
		t.Error("not fired")
	}
}

func TestPanicInCallbackLosesNoOtherTimer(t *testing.T) {
	t.Parallel()
	w := New(start())
	var a, b Timer
	fired := false
	w.Arm(&a, 5*ms, func() { panic("callback") })
	w.Arm(&b, 5*ms, func() { fired = true })
	func() {
		defer func() { _ = recover() }()
		w.Advance(start().Add(5 * ms))
	}()
	if w.Advance(start().Add(5 * ms)); !fired || w.Len() != 0 {
		t.Errorf("fired %v, len %d", fired, w.Len())
	}
}

type pair struct {
	a, b  Timer
	fired []*Timer
}

func (p *pair) TimerFired(t *Timer) { p.fired = append(p.fired, t) }

func TestOwnerIsToldWhichTimerFired(t *testing.T) {
	t.Parallel()
	w := New(start())
	p := &pair{}
	p.a.Bind(p)
	p.b.Bind(p)
	w.Schedule(&p.a, 2*ms)
	w.Schedule(&p.b, ms)
	w.Advance(start().Add(2 * ms))
	if !slices.Equal(p.fired, []*Timer{&p.b, &p.a}) {
		t.Errorf("fired %v", p.fired)
	}
}

func TestTimerIsSmall(t *testing.T) {
	t.Parallel()
	if size := unsafe.Sizeof(Timer{}); size > 56 {
		t.Errorf("a Timer is %d bytes; hundreds of thousands of transactions embed two", size)
	}
}

func TestArmStopAndAdvanceAllocateNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	w := New(start())
	now := start()
	p := &pair{}
	p.a.Bind(p)
	p.b.Bind(p)
	if n := testing.AllocsPerRun(1000, func() {
		p.fired = p.fired[:0]
		w.Schedule(&p.a, 500*ms)
		w.Schedule(&p.b, 32*time.Second)
		p.a.Stop()
		w.Schedule(&p.a, ms)
		now = now.Add(7 * ms)
		w.Advance(now)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
