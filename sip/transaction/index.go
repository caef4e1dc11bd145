package transaction

import (
	"math/bits"

	"github.com/sipscript/sipscript/sip/pages"
)

// index finds remnants by their keys, which are hashes already. It hashes linearly (Litwin 1980): the remnants of a bucket
// are a chain, and each remnant that comes or goes has at most one bucket parted or joined. So it is always as large as it
// must be, and there never is a moment in which all of it moves.
type index struct {
	remains  *remains
	segments [][]ref // of the buckets' first remnants
	buckets  uint32
	count    uint32
}

const (
	segment = 16 << 10 // buckets; one stays
	roomy   = 2        // buckets for each remnant at least: most requests and responses look for one that is not there
	empty   = 4        // at most
)

// find returns where the remnant with this key lies, 0 for nowhere.
func (x *index) find(k key) ref {
	if x.count == 0 {
		return 0
	}
	f := *x.bucket(k)
	for f != 0 {
		m := x.remains.at(f)
		if m.key == k {
			break
		}
		f = m.next
	}
	return f
}

// insert adds the remnant that lies at f; there must be none with its key.
func (x *index) insert(f ref) {
	x.count++
	for x.buckets < roomy*x.count {
		x.part()
	}
	m := x.remains.at(f)
	b := x.bucket(m.key)
	m.next, *b = *b, f
}

// remove takes the remnant with this key out.
func (x *index) remove(k key) {
	b := x.bucket(k)
	for *b != 0 {
		m := x.remains.at(*b)
		if m.key != k {
			b = &m.next
			continue
		}
		*b = m.next
		x.count--
		break
	}
	for x.buckets > max(empty*x.count, segment) {
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

func (x *index) bucket(k key) *ref { return x.at(x.number(k)) }

func (x *index) at(n uint32) *ref { return &x.segments[n/segment][n%segment] }

// number says which bucket a key belongs to: the lowest bits of the key that name one there is.
func (x *index) number(k key) uint32 {
	mask := uint32(1)<<bits.Len32(x.buckets-1) - 1
	n := uint32(k[0]) & mask
	if n >= x.buckets {
		n &= mask >> 1
	}
	return n
}

// part makes one bucket more, of which one other has held the remnants.
func (x *index) part() {
	n := x.buckets
	if n%segment == 0 {
		x.segments = append(x.segments, pages.Take[ref](segment))
	}
	x.buckets++
	if n == 0 {
		return
	}
	from, to := x.at(twin(n)), x.at(n)
	for *from != 0 {
		f := *from
		m := x.remains.at(f)
		if x.number(m.key) != n {
			from = &m.next
			continue
		}
		*from = m.next
		m.next, *to = *to, f
	}
}

// join undoes part.
func (x *index) join() {
	x.buckets--
	n := x.buckets
	end := x.at(twin(n))
	for *end != 0 {
		end = &x.remains.at(*end).next
	}
	*end, *x.at(n) = *x.at(n), 0
	if n%segment == 0 {
		last := len(x.segments) - 1
		pages.Give(x.segments[last])
		x.segments[last] = nil
		x.segments = x.segments[:last]
	}
}

// twin is the bucket that n is parted from: n without its highest bit.
func twin(n uint32) uint32 { return n &^ (1 << (bits.Len32(n) - 1)) }
