package media

import (
	"net/netip"
	"time"
)

// settle is how long a description that was just given takes precedence over what the port has heard before.
const settle = 500 * time.Millisecond

// latch is which source one port takes packets from.
//
//	state      event                               → state      actions
//	open       valid packet, source allowed        locked       its source is the destination, too
//	open       packet, source not allowed          open         drop
//	locked     packet of the source                locked       take
//	locked     packet of another source            locked       drop, whoever sends it
//	locked     description, same address           confirming   keep the source
//	locked     description, another address        open         forget the source, and for a moment refuse it
//	confirming packet of the source                locked       take
//	confirming valid packet, allowed, source silent locked      the new source
//
// A source is heard before anything is known of it only where the description, the address the leg's signalling comes from, or the authentication of
// SRTP vouches for it (RFC 7362 §4); a packet is valid once it has passed all checks. Only signalling unlocks: a relay that follows whoever sent
// last gives the call to whoever sends most.
type latch struct {
	source netip.AddrPort // zero while open
	heard  int64          // when source was heard last
	locked bool

	// What was in flight when the peer moved must not take the latch back to where it has moved from.
	left  netip.AddrPort
	until int64
}

// admits reports whether a packet from source may be looked at.
func (l *latch) admits(now int64, from netip.AddrPort, r *rules) bool {
	switch {
	case from == l.source:
		return true
	case l.locked:
		return false
	case l.source.IsValid() && now-l.heard < int64(settle):
		return false
	case from == l.left && now < l.until:
		return false
	}
	return r.allows(from)
}

// take is told of a valid packet, and reports whether its source is news.
func (l *latch) take(now int64, from netip.AddrPort) (moved bool) {
	l.heard = now
	if l.locked {
		return false
	}
	l.locked = true
	moved = l.source != from
	l.source = from
	return moved
}

// describe is told of a new description; moved says that it names another address than the one before.
func (l *latch) describe(now int64, described netip.AddrPort, moved bool) {
	l.locked = false
	if !moved {
		return
	}
	if l.source != described {
		l.left, l.until = l.source, now+int64(settle)
	}
	l.source = netip.AddrPort{}
}

// destination is where packets for the peer go: to the source latched to, or else to where it was described.
func (l *latch) destination(described netip.AddrPort) netip.AddrPort {
	if l.source.IsValid() {
		return l.source
	}
	return described
}
