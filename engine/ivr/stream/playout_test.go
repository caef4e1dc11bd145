package stream

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// What is heard is what was put, in order, whatever the sizes; a mark is reached with the frame behind which it stands.
func TestPlayoutIsAQueue(t *testing.T) {
	t.Parallel()
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 1))
		var passed []string
		p := newPlayout(twilio{}, func(name string) { passed = append(passed, name) })
		var waits []byte // the model
		marks := map[string]int{}
		var names []string
		heard, put := 0, 0
		frame := make([]int16, 160)
		for step := range 300 {
			switch r.IntN(4) {
			case 0:
				b := make([]byte, r.IntN(3*blockSize/2))
				for i := range b {
					b[i] = byte(r.Uint32() | 1<<7) // no two codes of one value
				}
				waits = append(waits, b...)
				put += len(b)
				p.put(b)
			case 1:
				name := fmt.Sprint(step)
				names = append(names, name)
				marks[name] = put
				p.mark(name)
			default:
				if r.IntN(100) == 0 {
					p.clear()
					heard, waits = put, nil
					break
				}
				p.Read(frame, 8000)
				n := min(160, len(waits))
				want := make([]int16, 160)
				twilio{}.decode(want[:n], waits)
				if !slices.Equal(frame, want) {
					t.Fatalf("seed %d step %d: heard %v, want %v", seed, step, frame, want)
				}
				waits, heard = waits[n:], heard+n
			}
			var want []string
			for _, name := range names {
				if marks[name] <= heard {
					want = append(want, name)
				}
			}
			if !slices.Equal(passed, want) {
				t.Fatalf("seed %d step %d: marks %s, want %s", seed, step, strings.Join(passed, " "), strings.Join(want, " "))
			}
		}
		if p.held != len(waits) || (p.held == 0) != (p.blocks == nil) {
			t.Fatalf("seed %d: %d samples are held in %d blocks, want %d", seed, p.held, len(p.blocks), len(waits))
		}
	}
}

// Marks alone fill it, too: an agent must not take memory without end.
func TestPlayoutIsFullOfMarks(t *testing.T) {
	t.Parallel()
	p := newPlayout(twilio{}, func(string) {})
	p.put(make([]byte, 1))
	n := 0
	for ; !p.full(); n++ {
		p.mark("m")
	}
	if n > 100_000 {
		t.Errorf("%d marks", n)
	}
	p.Read(make([]int16, 160), 8000)
	select {
	case <-p.room:
	default:
		t.Error("nobody is told that there is room again")
	}
	if p.full() || p.weight != 0 {
		t.Errorf("it is still full, of %d bytes", p.weight)
	}
}

// The pacer of all calls waits for each of them.
func TestFramesAllocateNothing(t *testing.T) {
	for _, f := range []format{twilio{}, l16{16000}, l16{24000}} {
		p := newPlayout(f, func(string) {})
		o := newOutbox(f)
		o.begin()
		items, samples := make([]item, 0, 600), make([]byte, 0, 1<<20)
		for _, rate := range []int{8000, 16000} {
			frame := make([]int16, rate/50)
			p.put(make([]byte, 1<<20))
			frames := func() {
				p.Read(frame, rate)
				o.Write(frame, rate)
				items, samples, _ = o.take(items, samples)
			}
			for range 20 {
				frames()
			}
			if n := testing.AllocsPerRun(100, frames); n > 0 {
				t.Errorf("%T at %d Hz: %v allocations a frame", f, rate, n)
			}
		}
	}
}
