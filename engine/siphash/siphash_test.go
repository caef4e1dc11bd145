package siphash

import "testing"

// The vectors are those of the SipHash paper's reference implementation: key 00..0f, input 00..n-1.
func TestSumMatchesTheReferenceVectors(t *testing.T) {
	t.Parallel()
	var kb [16]byte
	for i := range kb {
		kb[i] = byte(i)
	}
	k := KeyFrom(kb)
	want := map[int]uint64{0: 0x726fdb47dd0e0e31, 1: 0x74f839c593dc67fd, 8: 0x93f5f5799a932462, 15: 0xa129ca6149be45e5}
	in := make([]byte, 16)
	for i := range in {
		in[i] = byte(i)
	}
	for n, w := range want {
		if got := k.Sum(in[:n]); got != w {
			t.Errorf("Sum of %d bytes = %x, want %x", n, got, w)
		}
		if got := k.SumString(string(in[:n])); got != w {
			t.Errorf("SumString of %d bytes = %x, want %x", n, got, w)
		}
	}
}

func TestSumDoesNotAllocate(t *testing.T) {
	k := Key{1, 2}
	s := "a84b4c76e66710@pc33.atlanta.example.com"
	if n := testing.AllocsPerRun(100, func() { _ = k.SumString(s) }); n != 0 {
		t.Fatalf("%v allocations a hash", n)
	}
}
