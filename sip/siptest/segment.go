package siptest

import (
	"bytes"
	"time"
)

// segment is what one end of a stream sends at one instant.
//
// All that is written within one instant makes one segment, whose fate follows from the two ends and from how many
// segments came before it. So a trace does not depend on how a writer splits what it has, which for a queue between
// goroutines is chance; nor does the fate depend on the bytes, of which TLS makes more when there are more writes.
//
// What a UA writes does arrive write by write: two messages that arrived in one would go to two shards of a server at the
// same time, and their answers race for the connection.
type segment struct {
	from  *conn
	entry *Entry
	nth   uint64 // of its direction
	ends  []int  // where the parts end that arrive by themselves, all but the last
	given int    // bytes that have arrived
}

// rest is the next part to arrive.
func (s *segment) rest() []byte {
	if len(s.ends) == 0 {
		return s.entry.Bytes[s.given:]
	}
	part := s.entry.Bytes[s.given:s.ends[0]]
	s.ends = s.ends[1:]
	return part
}

// emit sends bytes, or the signal that kind names.
func (c *conn) emit(kind Kind, data []byte) {
	n, now := c.n, c.n.now()
	c.flying += len(data)
	if s := c.current; s != nil && kind == Data && s.entry.Sent == now {
		if c.scripted {
			s.ends = append(s.ends, len(s.entry.Bytes))
		}
		s.entry.Bytes = append(s.entry.Bytes, data...)
		return
	}
	if kind == Data && !c.carried {
		c.carried, c.encrypted = true, isTLS(data)
	}
	e := n.record(Entry{Sent: now, Src: c.local, Dst: c.remote, Kind: kind, Bytes: bytes.Clone(data), Encrypted: c.encrypted})
	s := &segment{from: c, entry: e, nth: c.count}
	c.count++
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
	d := n.roll(s.entry.Kind, c.local, c.remote, s.nth, nil)
	at := max(n.now()+d.segment(n.link(c.local.Addr(), c.remote.Addr())), c.latest+1)
	c.latest = at
	s.entry.Arrived, s.entry.Fate = at, InFlight
	var arrive func(now time.Duration)
	arrive = func(now time.Duration) {
		s.entry.Arrived, s.entry.Fate = now, Delivered
		c.arrive(s, now)
		if s.given < len(s.entry.Bytes) {
			n.at(at, d.key, arrive)
		}
	}
	n.at(at, d.key, arrive)
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
		part := s.rest()
		s.given += len(part)
		c.flying -= len(part)
		if p.closed {
			p.emit(Reset, nil) // RFC 9293 §3.10.7.1
			return
		}
		if !p.reset {
			p.unread = append(p.unread, part...)
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
	n.at(now, n.roll(Reset, c.remote, c.local, c.peer.count, nil).key, func(now time.Duration) {
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
