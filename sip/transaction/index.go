package transaction

import (
	"math/bits"

	"github.com/sipscript/sipscript/sip/pages"
)

// index finds remnants by their keys, which are hashes already. It hashes linearly (Litwin 1980): each remnant that comes or
// goes has at most one bucket parted or joined, so the index is always as large as it must be, and there never is a moment
// in which all of it moves. With a million remnants each look is a miss of all caches. So a bucket is one cache line, and
// tells by itself, nearly always, that a key is not there.
type index struct {
	remains  *remains
	segments [][]bucket
	buckets  uint32
	count    uint32
}

type bucket struct {
	entries [7]entry
	rest    ref // of the remnants for which there is no entry, the first; each knows the next
	_       uint32
}

// entry is one remnant, or none when at is 0.
type entry struct {
	hash uint32 // of its key; the lowest bits of it say which bucket
	at   ref
}

const (
	segment = 1 << 10 // buckets; one stays
	full    = 4       // remnants for each bucket at most
	empty   = 1       // at least
)

func (k key) hash() uint32 { return uint32(k[0]) }

// find returns where the remnant with this key lies, 0 for nowhere.
func (x *index) find(k key) ref {
	if x.count == 0 {
		return 0
	}
	b := x.bucket(k.hash())
	if i := x.entry(b, k); i >= 0 {
		return b.entries[i].at
	}
	f := b.rest
	for f != 0 && x.remains.at(f).key != k {
		f = x.remains.at(f).next
	}
	return f
}

// entry is where in b the key has its entry, -1 for nowhere.
func (x *index) entry(b *bucket, k key) int {
	for i, e := range b.entries {
		if e.at != 0 && e.hash == k.hash() && x.remains.at(e.at).key == k {
			return i
		}
	}
	return -1
}

// insert adds the remnant that lies at f; there must be none with its key.
func (x *index) insert(k key, f ref) {
	x.count++
	for x.buckets*full < x.count {
		x.part()
	}
	x.put(entry{k.hash(), f})
}

func (x *index) put(e entry) {
	b := x.bucket(e.hash)
	for i := range b.entries {
		if b.entries[i].at == 0 {
			b.entries[i] = e
			return
		}
	}
	x.remains.at(e.at).next, b.rest = b.rest, e.at
}

// remove takes the remnant with this key out.
func (x *index) remove(k key) {
	b := x.bucket(k.hash())
	if i := x.entry(b, k); i >= 0 {
		b.entries[i] = entry{}
		if f := b.rest; f != 0 {
			m := x.remains.at(f)
			b.entries[i], b.rest = entry{m.key.hash(), f}, m.next
		}
	} else {
		link := &b.rest
		for x.remains.at(*link).key != k {
			link = &x.remains.at(*link).next
		}
		*link = x.remains.at(*link).next
	}
	x.count--
	for x.buckets > max(x.count/empty, segment) {
		x.join()
	}
}

// close gives all memory back.
func (x *index) close() {
	for _, s := range x.segments {
		pages.Give(s)
	}
	*x = index{remains: x.remains}
}

// bucket is the one of a hash: the lowest bits of it that name a bucket there is.
func (x *index) bucket(hash uint32) *bucket {
	mask := uint32(1)<<bits.Len32(x.buckets-1) - 1
	n := hash & mask
	if n >= x.buckets {
		n &= mask >> 1
	}
	return x.at(n)
}

func (x *index) at(n uint32) *bucket { return &x.segments[n/segment][n%segment] }

// part makes one bucket more, of which one other has held the remnants: the one whose number has not the highest bit.
func (x *index) part() {
	n := x.buckets
	if n%segment == 0 {
		x.segments = append(x.segments, pages.Take[bucket](segment))
	}
	x.buckets++
	if n > 0 {
		x.spread(x.at(n &^ (1 << (bits.Len32(n) - 1))))
	}
}

// join undoes part.
func (x *index) join() {
	x.buckets--
	x.spread(x.at(x.buckets))
	if x.buckets%segment == 0 {
		last := len(x.segments) - 1
		pages.Give(x.segments[last])
		x.segments[last] = nil
		x.segments = x.segments[:last]
	}
}

// spread empties b and puts what it held where that belongs now.
func (x *index) spread(b *bucket) {
	old := *b
	*b = bucket{}
	for _, e := range old.entries {
		if e.at != 0 {
			x.put(e)
		}
	}
	for f := old.rest; f != 0; {
		m := x.remains.at(f)
		following := m.next
		x.put(entry{m.key.hash(), f})
		f = following
	}
}
