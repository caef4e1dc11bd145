package siptest

import (
	"bytes"
	"time"
)

// segment is what one end of a stream sends at one instant.
//
// All that is written within one instant makes one segment, whose fate follows from the two ends and from how many
// bytes came before it. So a trace does not depend on how a writer splits what it has, which for a queue between
// goroutines is chance.
type segment struct {
	from  *conn
	entry *Entry
	first uint64 // offset of the first byte
}

// emit sends bytes, or the signal that kind names.
func (c *conn) emit(kind Kind, data []byte) {
	n, now := c.n, c.n.now()
	c.flying += len(data)
	if s := c.current; s != nil && kind == Data && s.entry.Sent == now {
		s.entry.Bytes = append(s.entry.Bytes, data...)
		c.offset += uint64(len(data))
		return
	}
	if c.offset == 0 {
		c.encrypted = isTLS(data)
	}
	e := n.record(Entry{Sent: now, Src: c.local, Dst: c.remote, Kind: kind, Bytes: bytes.Clone(data), Encrypted: c.encrypted})
	s := &segment{from: c, entry: e, first: c.offset}
	c.offset += uint64(len(data))
	c.current = nil
	if kind == Data {
		c.current = s
	}
	switch {
	case n.byAddr[c.remote.Addr()] == nil:
		e.Fate = NoHost
	case !n.cut(c.local.Addr(), c.remote.Addr()):
		c.fly(s)
	case kind == Reset:
		e.Fate = Partitioned // a reset is never sent again
	default:
		e.Fate = Held
		n.held = append(n.held, s)
	}
}

// fly plans a segment's arrival, after those before it.
func (c *conn) fly(s *segment) {
	n := c.n
	d := n.roll(s.entry.Kind, c.local, c.remote, s.first, nil)
	at := max(n.now()+d.segment(n.link(c.local.Addr(), c.remote.Addr())), c.latest+1)
	c.latest = at
	s.entry.Arrived, s.entry.Fate = at, InFlight
	n.at(at, d.key, func(now time.Duration) {
		s.entry.Arrived, s.entry.Fate = now, Delivered
		c.arrive(s, now)
	})
}

// arrive does what a segment of c does at the other end.
func (c *conn) arrive(s *segment, now time.Duration) {
	if c.current == s {
		c.current = nil
	}
	if s.entry.Kind == Open {
		c.open(s, now)
		return
	}
	p := c.peer
	switch s.entry.Kind {
	case Accept:
		if p.closed { // it gave up waiting
			p.emit(Reset, nil)
			return
		}
		p.established = true
	case Data:
		c.flying -= len(s.entry.Bytes)
		if p.closed {
			p.emit(Reset, nil) // RFC 9293 §3.10.7.1
			return
		}
		if !p.reset {
			p.unread = append(p.unread, s.entry.Bytes...)
		}
	case Finish:
		p.eof = true
	case Reset:
		p.reset = true
		p.unread = nil
	}
	p.changed.wake()
}

// breakOff resets this end only.
func (c *conn) breakOff() {
	n, now := c.n, c.n.now()
	e := n.record(Entry{Sent: now, Arrived: now, Src: c.remote, Dst: c.local, Kind: Reset})
	n.at(now, n.roll(Reset, c.remote, c.local, c.peer.offset, nil).key, func(now time.Duration) {
		e.Arrived, e.Fate = now, Delivered
		c.reset, c.unread = true, nil
		c.changed.wake()
	})
}

// open is a SYN at the other end: accepted by the system and queued for the listener, or refused.
func (c *conn) open(s *segment, now time.Duration) {
	n := c.n
	l := n.listeners[c.remote]
	if l == nil || len(l.pending) >= backlog {
		s.entry.Fate = Refused
		d := n.roll(Reset, c.remote, c.local, 0, nil)
		n.at(now+d.segment(n.link(c.remote.Addr(), c.local.Addr())), d.key, func(time.Duration) {
			c.refused = true
			c.changed.wake()
		})
		return
	}
	p := n.newConn(c.remote, c.local)
	p.peer, c.peer, p.established = c, p, true
	l.pending = append(l.pending, p)
	l.changed.wake()
	p.emit(Accept, nil)
}
