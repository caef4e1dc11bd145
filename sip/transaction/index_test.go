package transaction

import (
	"math/rand/v2"
	"testing"
)

// TestIndexFindsWhatAMapFinds has the index grow over several segments and shrink to nothing, and grow again.
func TestIndexFindsWhatAMapFinds(t *testing.T) {
	t.Parallel()
	const most = 3 * segment * full
	r := newRig(t, Timers{}).table.remains
	random := rand.New(rand.NewPCG(1, 2))
	want := map[key]uint32{}
	var keys []key
	add := func() {
		k := key{random.Uint64(), random.Uint64()}
		if len(keys)%3 > 0 {
			k[0] = keys[len(keys)-1][0]&0xffffffff | k[0]<<32 // in one bucket for ever
		}
		want[k] = random.Uint32()
		r.index.insert(k, r.queues[waitD].push(remnant{key: k, size: 4}, []byte{1, 2, 3, 4}))
		r.find(k).flow.localPort = uint16(want[k])
		keys = append(keys, k)
	}
	remove := func() {
		i := random.IntN(len(keys))
		r.index.remove(keys[i])
		if r.find(keys[i]) != nil {
			t.Fatalf("removed, and found")
		}
		delete(want, keys[i])
		keys[i] = keys[len(keys)-1]
		keys = keys[:len(keys)-1]
	}
	check := func() {
		t.Helper()
		for k, v := range want {
			if m := r.find(k); m == nil || m.key != k || m.flow.localPort != uint16(v) {
				t.Fatalf("of %d one is lost or another's", len(want))
			}
		}
		if r.find(key{1, 2}) != nil {
			t.Fatal("found what nobody has added")
		}
		if n := uint32(len(want)); r.index.count != n || r.index.buckets*full < n || r.index.buckets > max(n/empty, segment) {
			t.Fatalf("%d remnants, %d counted, %d buckets", n, r.index.count, r.index.buckets)
		}
	}
	for _, target := range []int{1, 0, most, most / 2, most, 10, 0, 100} {
		for len(keys) < target {
			add()
			if random.IntN(3) == 0 {
				remove()
			}
		}
		for len(keys) > target {
			remove()
		}
		check()
		if segments := (int(r.index.buckets) + segment - 1) / segment; len(r.index.segments) != segments {
			t.Errorf("%d segments for %d buckets", len(r.index.segments), r.index.buckets)
		}
	}
}

func BenchmarkRemnantLookup(b *testing.B) {
	for _, test := range []struct {
		name  string
		there bool
	}{{"there", true}, {"not there", false}} {
		b.Run(test.name, func(b *testing.B) {
			const n = 1 << 20
			r := newRig(b, Timers{}).table.remains
			random := rand.New(rand.NewPCG(1, 2))
			keys := make([]key, n)
			text := make([]byte, 300)
			for i := range keys {
				keys[i] = key{random.Uint64(), random.Uint64()}
				r.index.insert(keys[i], r.queues[waitD].push(remnant{key: keys[i], size: 300}, text))
			}
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				i = (i + 7919) % n
				k := keys[i]
				if !test.there {
					k[0]++
				}
				if (r.find(k) != nil) != test.there {
					b.Fatal("found, or not")
				}
			}
		})
	}
}
