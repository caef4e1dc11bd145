package pages

import (
	"runtime"
	"testing"
)

func TestTakenMemoryIsZeroAndLargeEnough(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 7, 4096, 1 << 20} {
		s := Take[uint64](n)
		if len(s) != n || cap(s) != n {
			t.Fatalf("%d of %d taken, capacity %d", len(s), n, cap(s))
		}
		for i := range s {
			if s[i] != 0 {
				t.Fatalf("element %d of %d is %d", i, n, s[i])
			}
			s[i] = uint64(i)
		}
		if s[n-1] != uint64(n-1) {
			t.Errorf("the last of %d is %d", n, s[n-1])
		}
		Give(s)
	}
}

func TestTheHeapDoesNotGrow(t *testing.T) {
	if runtime.GOOS == "windows" || runtime.GOOS == "plan9" || runtime.GOOS == "js" {
		t.Skip("taken from the heap here")
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	s := Take[byte](64 << 20)
	runtime.ReadMemStats(&after)
	Give(s)
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 1<<20 {
		t.Errorf("64 MB taken are %d bytes of the heap", grown)
	}
}
