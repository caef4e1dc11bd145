package location

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestExpiryHeapIsAlwaysInOrder(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(1, 2))
	var h expiry
	var all []*deadline
	for range 5000 {
		switch {
		case len(all) == 0 || rnd.IntN(3) == 0:
			d := &deadline{at: rnd.Int64N(1000)}
			all = append(all, d)
			h.push(d)
		case rnd.IntN(2) == 0:
			i := rnd.IntN(len(all))
			h.remove(all[i])
			all = slices.Delete(all, i, i+1)
		default:
			d := all[rnd.IntN(len(all))]
			d.at = rnd.Int64N(1000)
			h.fix(d)
		}
		if len(h) != len(all) {
			t.Fatalf("%d in the heap, want %d", len(h), len(all))
		}
		for i, d := range h {
			if d.index != i || i > 0 && h[(i-1)/2].at > d.at {
				t.Fatalf("out of order at %d", i)
			}
		}
	}
}

func TestFlowsKeepTheAORsOfAConnection(t *testing.T) {
	t.Parallel()
	f := newFlows()
	f.add(1, "a")
	f.add(1, "a")
	f.add(1, "b")
	f.add(1, "c")
	f.add(1, "b")
	f.add(2, "a")
	expect := func(conn uint64, want ...string) {
		t.Helper()
		if got := f.aors(conn); !slices.Equal(got, want) {
			t.Errorf("connection %d has %v, want %v", conn, got, want)
		}
	}
	expect(1, "a", "b", "c")
	f.remove(1, "a")
	expect(1, "b", "c")
	f.remove(1, "c")
	f.remove(1, "never there")
	expect(1, "b")
	f.remove(1, "b")
	expect(1)
	expect(2, "a")
	f.remove(2, "a")
	if len(f.first)+len(f.more) != 0 {
		t.Errorf("left behind: %v", f)
	}
}
