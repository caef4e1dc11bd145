package wheel

import (
	"testing"
	"time"
)

func start() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 678_901, time.UTC) }

func TestTimerFiresWhenDueAndNotBefore(t *testing.T) {
	t.Parallel()
	for _, d := range []time.Duration{
		time.Millisecond, 200 * time.Millisecond, 255 * time.Millisecond, 256 * time.Millisecond, 257 * time.Millisecond,
		500 * time.Millisecond, 32 * time.Second, 65_536 * time.Millisecond, 3 * time.Hour, 49 * 24 * time.Hour, 400 * 24 * time.Hour,
		100 * 365 * 24 * time.Hour,
	} {
		w := New(start())
		w.Advance(start().Add(1234567 * time.Microsecond))
		now := start().Add(1234567 * time.Microsecond)
		fired := 0
		var tm Timer
		w.Arm(&tm, d, func() { fired++ })
		if w.Advance(now.Add(d - time.Nanosecond)); fired != 0 {
			t.Errorf("%v: fired a nanosecond early", d)
		}
		if w.Advance(now.Add(d + time.Millisecond)); fired != 1 || tm.Armed() || w.Len() != 0 {
			t.Errorf("%v: fired %d, armed %v, len %d", d, fired, tm.Armed(), w.Len())
		}
	}
}
