package auth

import (
	"hash/maphash"
	"net/netip"
	"sync"
	"time"
)

// bans are addresses that are not to be answered for a while. There is room for a bounded number: when it is used up, the ban that would
// end first makes room for the next.
type bans struct {
	seed    maphash.Seed
	stripes [16]banStripe
	most    int // a stripe
}

type banStripe struct {
	mu    sync.Mutex
	until map[netip.Addr]time.Time
}

func newBans(most int) *bans {
	b := &bans{seed: maphash.MakeSeed()}
	b.most = max(1, most/len(b.stripes))
	for i := range b.stripes {
		b.stripes[i].until = make(map[netip.Addr]time.Time)
	}
	return b
}

func (b *bans) stripe(ip netip.Addr) *banStripe {
	return &b.stripes[maphash.Comparable(b.seed, ip)%uint64(len(b.stripes))]
}

// Ban bans an address for d from now, or lifts its ban when d is 0 or less. A longer ban that there is stays.
func (g *Guard) Ban(ip netip.Addr, d time.Duration, now time.Time) {
	ip = ip.Unmap()
	s := g.bans.stripe(ip)
	s.mu.Lock()
	defer s.mu.Unlock()
	until := now.Add(d)
	old, banned := s.until[ip]
	switch {
	case d <= 0:
		delete(s.until, ip)
		return
	case banned && old.After(until):
		return
	case !banned && len(s.until) >= g.bans.most:
		s.makeRoom(g.bans.most, now)
	}
	s.until[ip] = until
}

// Banned reports whether an address is banned.
func (g *Guard) Banned(ip netip.Addr, now time.Time) bool {
	ip = ip.Unmap()
	s := g.bans.stripe(ip)
	s.mu.Lock()
	defer s.mu.Unlock()
	until, banned := s.until[ip]
	if banned && !until.After(now) {
		delete(s.until, ip)
		return false
	}
	return banned
}

// makeRoom drops the bans that have ended, and if that is not enough the one that ends first.
func (s *banStripe) makeRoom(most int, now time.Time) {
	var first netip.Addr
	for ip, until := range s.until {
		switch earliest := s.until[first]; {
		case !until.After(now):
			delete(s.until, ip)
		case !first.IsValid(), until.Before(earliest), until.Equal(earliest) && ip.Less(first):
			first = ip
		}
	}
	if len(s.until) >= most {
		delete(s.until, first)
	}
}
