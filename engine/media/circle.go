package media

import (
	"net/netip"
)

// A description may name a port of this relay: a call that leaves by one leg and comes in again by another, over somebody who leaves descriptions as
// they are, is welcome. But two legs of which each names the other's port would turn one packet round for ever, as fast as the machine can. So no route
// is made that leads back to where it begins; and what comes from a port of this relay is heard only where exactly that port was described, so that
// descriptions alone say where media goes round.

// mostTurns is how often media may come in here again on its way. A call that goes further through this server has its hops counted, too.
const mostTurns = 16

// owner is the stream that receives at an address; nil: that is none of this relay's ports. It is for who holds wiring.
func (r *Relay) owner(addr netip.AddrPort) *stream {
	for _, p := range r.pools {
		if s := p.owner(addr); s != nil {
			return s
		}
	}
	return nil
}

// isPort reports whether addr is a port of this relay's, open or not. Any goroutine.
func (r *Relay) isPort(addr netip.AddrPort) bool {
	for _, p := range r.pools {
		if p.index(addr) >= 0 {
			return true
		}
	}
	return false
}

// same reports whether two addresses are one port of this relay's, which may be seen as it is or as it is advertised. Any goroutine.
func (r *Relay) same(a, b netip.AddrPort) bool {
	for _, p := range r.pools {
		if i := p.index(a); i >= 0 && a.Port() == b.Port() && p.index(b) == i {
			return true
		}
	}
	return false
}

// isOwn reports whether addr is an address of this relay. Any goroutine.
func (r *Relay) isOwn(addr netip.Addr) bool {
	for _, p := range r.pools {
		if addr == p.address || addr == p.advertised {
			return true
		}
	}
	return false
}

// index is the place of a port in p.streams, -1 for what is none of this pool.
func (p *pool) index(addr netip.AddrPort) int {
	i := int(addr.Port()) - int(p.lowest)
	if a := addr.Addr(); a != p.address && a != p.advertised || i < 0 || i/2 >= len(p.streams) {
		return -1
	}
	return i / 2
}

func (p *pool) owner(addr netip.AddrPort) *stream {
	if i := p.index(addr); i >= 0 {
		return p.streams[i]
	}
	return nil
}

// hold notes whose the ports of s are: its own, or with nil nobody's. It is for who holds wiring.
func (s *stream) hold(by *stream) {
	if i := s.pool.index(s.rtp.addr); i >= 0 {
		s.pool.streams[i] = by
	}
}

// takes reports whether what comes in at addr, a port of s, can go on: RTCP does not at the port for RTP, nor RTP at the other one, unless they share one. Who
// describes an odd port for RTP has its RTCP at the next one unless it says otherwise (RFC 3605 §1), and that may be one of this relay's when both are on one machine.
func (s *stream) takes(addr netip.AddrPort, control bool) bool {
	d := s.described()
	return d.plain || d.mux || control == (addr.Port() != s.rtp.addr.Port())
}

// circles reports whether what from receives and to sends would come back to from. It is for who holds wiring.
func (r *Relay) circles(from, to *stream, turns int) bool {
	d := to.described()
	for i, addr := range [...]netip.AddrPort{d.rtp, d.rtcp} {
		if !addr.IsValid() {
			continue
		}
		next := r.owner(addr)
		switch {
		case next == nil, !next.takes(addr, i == 1):
			continue
		case next == from, turns == 0:
			return true
		}
		if way := next.route.Load(); way != nil && r.circles(from, way.to, turns-1) {
			return true
		}
	}
	return false
}
