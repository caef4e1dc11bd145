package transport

import (
	"encoding/binary"
	"net/netip"
	"sync"
	"time"
)

// rates is a token bucket for each source address in a table of fixed size: a flood from many addresses pushes out
// the bucket that was used longest ago, and never costs more memory. A source that was pushed out starts full.
type rates struct {
	perSecond float64 // also the most that may come at once
	key       uint64
	sets      []rateSet // a power of two of them
}

type rateSet struct {
	mu   sync.Mutex
	ways [4]bucket
}

type bucket struct {
	addr   [16]byte
	at     int64 // Unix nanoseconds when it was last used; 0: never
	tokens float64
}

func newRates(perSecond, sets int, key []byte) *rates {
	return &rates{perSecond: float64(perSecond), key: binary.LittleEndian.Uint64(key), sets: make([]rateSet, sets)}
}

// allow takes a token of addr's bucket if there is one. Any goroutine.
func (r *rates) allow(addr netip.Addr, now time.Time) bool {
	a, at := addr.As16(), now.UnixNano()
	s := &r.sets[r.hash(&a)&uint64(len(r.sets)-1)]
	s.mu.Lock()
	defer s.mu.Unlock()
	b := &s.ways[0]
	for i := range s.ways {
		w := &s.ways[i]
		if w.at != 0 && w.addr == a {
			return r.take(w, at)
		}
		if w.at < b.at {
			b = w
		}
	}
	*b = bucket{addr: a, at: at, tokens: r.perSecond}
	return r.take(b, at)
}

func (r *rates) take(b *bucket, at int64) bool {
	if at > b.at {
		b.tokens = min(r.perSecond, b.tokens+float64(at-b.at)/1e9*r.perSecond)
		b.at = at
	}
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

// hash mixes in a key so that nobody can choose addresses that share a set.
func (r *rates) hash(a *[16]byte) uint64 {
	h := r.key
	for _, word := range [2]uint64{binary.LittleEndian.Uint64(a[:8]), binary.LittleEndian.Uint64(a[8:])} {
		h = (h ^ word) * 0x9e3779b97f4a7c15
		h ^= h >> 32
	}
	return h
}
