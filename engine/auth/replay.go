package auth

import (
	"hash/maphash"
	"sync"
	"time"

	"github.com/sipscript/sipscript/sip"
)

// replays remembers which nonce counts have been used with which nonce (RFC 7616 §5.5), in a table that never grows.
//
// A nonce belongs to one bucket. When its bucket is full the nonce that was issued first is forgotten, and from then on no nonce issued at
// that time or before is taken up in that bucket again: it might be the forgotten one. Its owner is told that it is stale and asks for
// another, which costs a round trip.
type replays struct {
	seed    maphash.Seed
	locks   [64]sync.Mutex // of the buckets with that number modulo 64
	slots   int
	made    sync.Once
	buckets []bucket // made with the first use: a server that asks for no passwords needs no 8 MB for them
}

type bucket struct {
	floor int64 // Unix milliseconds: nonces issued then or before are not taken up
	slots [bucketSlots]slot
}

const bucketSlots = 4

// slot is what is known of a nonce. Counts may arrive out of order, as requests do over UDP: the window says which of the 64 up to the
// highest have been used.
type slot struct {
	nonce  nonce // the zero nonce: empty
	high   uint32
	next   uint32 // index of uses to be overwritten
	window uint64 // bit i: high-i has been used
	uses   [4]use
}

// use is one of the latest uses of a nonce.
type use struct {
	request uint64
	at      int64 // Unix milliseconds
	count   uint32
}

// A request that comes back to us by another path, a spiral, carries the credentials it first came with, and so do its copies that another
// hop made. It comes back within the life of a transaction, 64·T1 (RFC 3261 §17.1.1.2).
const spiral = 32 * time.Second

func newReplays(slots int) *replays {
	return &replays{seed: maphash.MakeSeed(), slots: slots}
}

// request is what makes a request the same one wherever it is met.
type request struct {
	callID string
	cseq   uint32
	method string
}

func requestOf(m *sip.Message) request {
	cseq, _ := m.CSeq() // screened on arrival
	return request{m.CallID(), cseq.Number, m.Method()}
}

// accept notes one use of a nonce and reports whether it is the first with this count, or the same request again.
//
// A REGISTER that comes again is no spiral: nobody forwards it back to us. To accept one would let whoever reads along add a contact of his
// own, since the digest does not cover Contact.
func (t *replays) accept(n nonce, count uint32, r request, now time.Time) bool {
	t.made.Do(func() { t.buckets = make([]bucket, max(1, t.slots/bucketSlots)) })
	u := use{request: maphash.Comparable(t.seed, r), at: now.UnixMilli(), count: count}
	i := n.id % uint64(len(t.buckets))
	lock := &t.locks[i%uint64(len(t.locks))]
	lock.Lock()
	defer lock.Unlock()
	b := &t.buckets[i]
	s := b.find(n)
	switch {
	case s == nil && n.issued <= b.floor:
		return false
	case s == nil:
		s = b.evict()
		*s = slot{nonce: n, high: count, window: 1}
	case r.method != sip.REGISTER && s.used(u):
		return true
	case !s.take(count):
		return false
	}
	s.uses[s.next%uint32(len(s.uses))] = u
	s.next++
	return true
}

func (b *bucket) find(n nonce) *slot {
	for i := range b.slots {
		if b.slots[i].nonce == n {
			return &b.slots[i]
		}
	}
	return nil
}

// evict returns an empty slot, or that of the nonce which was issued first.
func (b *bucket) evict() *slot {
	first := &b.slots[0]
	for i := range b.slots {
		if b.slots[i].nonce.issued < first.nonce.issued {
			first = &b.slots[i]
		}
	}
	b.floor = max(b.floor, first.nonce.issued)
	return first
}

// used reports whether the very same request has been seen with this count a moment ago.
func (s *slot) used(u use) bool {
	for _, old := range s.uses {
		if old.count == u.count && old.request == u.request && u.at-old.at < spiral.Milliseconds() {
			return true
		}
	}
	return false
}

// take notes a count and reports whether it is the first time. One that is too far behind to know counts as used.
func (s *slot) take(count uint32) bool {
	if count > s.high {
		s.window = s.window<<(count-s.high) | 1
		s.high = count
		return true
	}
	behind := s.high - count
	if behind >= 64 || s.window&(1<<behind) != 0 {
		return false
	}
	s.window |= 1 << behind
	return true
}
