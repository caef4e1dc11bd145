package transport

import (
	"fmt"
	"net/netip"
	"testing"
	"time"
)

func TestRateOfASource(t *testing.T) {
	t.Parallel()
	r := newRates(10, 16, make([]byte, 8))
	now := time.Unix(1_000_000, 0)
	a, b := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")
	spend := func(addr netip.Addr) (n int) {
		for r.allow(addr, now) {
			n++
		}
		return n
	}
	for _, step := range []struct {
		after time.Duration
		addr  netip.Addr
		want  int
	}{
		{0, a, 10},
		{0, b, 10},
		{0, a, 0},
		{50 * time.Millisecond, a, 0},
		{50 * time.Millisecond, a, 1}, // the two halves make one
		{500 * time.Millisecond, a, 5},
		{time.Hour, a, 10}, // never more than a second's worth
		{-time.Hour, a, 0}, // a clock set back gives nothing
		{time.Hour + 100*time.Millisecond, a, 1},
	} {
		now = now.Add(step.after)
		if got := spend(step.addr); got != step.want {
			t.Errorf("%v after %v: %d, want %d", step.addr, step.after, got, step.want)
		}
	}
}

func TestTableOfRatesHoldsTheLatestSources(t *testing.T) {
	t.Parallel()
	r := newRates(1, 1, make([]byte, 8)) // one set of four
	now := time.Unix(1_000_000, 0)
	use := func(i int) bool {
		now = now.Add(time.Microsecond)
		return r.allow(netip.MustParseAddr(fmt.Sprintf("192.0.2.%d", i)), now)
	}
	for i := range 5 {
		if !use(i) {
			t.Errorf("source %d found no token", i)
		}
	}
	if use(4) || use(1) {
		t.Error("a source that is in the table got a second token")
	}
	if !use(0) {
		t.Error("the source that was pushed out did not start anew")
	}
}
