package wheel

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// model is the wheel as one would write it without caring for speed: a list sorted at each question.
type model struct {
	now   int64
	order int
	armed map[int]entry
}

type entry struct{ due, order int64 }

func (m *model) schedule(id int, d time.Duration) {
	m.order++
	m.armed[id] = entry{due: (m.now+max(int64(d), 1)-1)/tick + 1, order: int64(m.order)}
}

// due returns the timers due by now in the order in which they have to fire.
func (m *model) due() []int {
	var ids []int
	for id, e := range m.armed {
		if e.due <= m.now/tick {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, func(a, b int) int {
		return cmp.Or(cmp.Compare(m.armed[a].due, m.armed[b].due), cmp.Compare(m.armed[a].order, m.armed[b].order))
	})
	return ids
}

// TestWheelEqualsModel drives the wheel and the model with the same random operations, inside callbacks too.
func TestWheelEqualsModel(t *testing.T) {
	t.Parallel()
	for seed := range uint64(60) {
		runModel(t, seed, 2000)
	}
}

func FuzzWheelEqualsModel(f *testing.F) {
	f.Add(uint64(1), uint16(200))
	f.Fuzz(func(t *testing.T, seed uint64, steps uint16) { runModel(t, seed, int(steps%2000)) })
}

func runModel(t *testing.T, seed uint64, steps int) {
	t.Helper()
	rnd := rand.New(rand.NewPCG(seed, 7))
	// Every scale, so that each level, the turn of each level and the list beyond them are met.
	span := func() time.Duration {
		us := rnd.Int64N(1 << rnd.IntN(44))
		if rnd.IntN(2) == 0 {
			return time.Duration(us) * time.Microsecond
		}
		return time.Duration(rnd.IntN(600)) * time.Millisecond
	}
	w := New(start())
	m := &model{armed: map[int]entry{}}
	timers := make([]Timer, 40)
	var want []int

	change := func() {
		id := rnd.IntN(len(timers))
		if rnd.IntN(3) == 0 {
			_, armed := m.armed[id]
			if timers[id].Stop() != armed {
				t.Fatalf("seed %d: stop of %d does not report %v", seed, id, armed)
			}
			delete(m.armed, id)
			want = slices.DeleteFunc(want, func(other int) bool { return other == id })
			return
		}
		d := span() - time.Millisecond
		w.Schedule(&timers[id], d)
		m.schedule(id, d)
		want = slices.DeleteFunc(want, func(other int) bool { return other == id })
	}
	for id := range timers {
		timers[id].Init(func() {
			if len(want) == 0 || want[0] != id {
				t.Fatalf("seed %d: %d fired, want %v", seed, id, want)
			}
			want = want[1:]
			delete(m.armed, id)
			for range rnd.IntN(3) {
				change()
			}
		})
	}

	for range steps {
		for range rnd.IntN(4) {
			change()
		}
		check(t, seed, w, m)
		if rnd.IntN(4) == 0 {
			if next, ok := w.Next(); ok {
				m.now = max(m.now, int64(next.Sub(w.base)))
			}
		} else {
			m.now += int64(span())
		}
		want = m.due()
		w.Advance(start().Add(time.Duration(m.now)))
		if len(want) != 0 {
			t.Fatalf("seed %d: %v did not fire", seed, want)
		}
	}
}

// check compares what can be asked: how many are armed, and when to wake.
func check(t *testing.T, seed uint64, w *Wheel, m *model) {
	t.Helper()
	if w.Len() != len(m.armed) {
		t.Fatalf("seed %d: len %d, want %d", seed, w.Len(), len(m.armed))
	}
	next, ok := w.Next()
	if ok != (len(m.armed) > 0) {
		t.Fatalf("seed %d: next %v with %d armed", seed, ok, len(m.armed))
	}
	if !ok {
		return
	}
	first := slices.MinFunc(values(m.armed), func(a, b entry) int { return cmp.Compare(a.due, b.due) })
	at := int64(next.Sub(w.base)) / tick
	if at > first.due || at <= m.now/tick {
		t.Fatalf("seed %d: next at tick %d, first due %d, now %d", seed, at, first.due, m.now/tick)
	}
	if first.due>>slotBits == m.now/tick>>slotBits && at != first.due {
		t.Fatalf("seed %d: next at tick %d is not exact, first due %d", seed, at, first.due)
	}
}

func values(armed map[int]entry) []entry {
	all := make([]entry, 0, len(armed))
	for _, e := range armed {
		all = append(all, e)
	}
	return all
}
