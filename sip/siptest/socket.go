package siptest

import (
	"bytes"
	"hash/fnv"
	"net"
	"net/netip"
	"os"
	"slices"
	"syscall"
	"time"

	"github.com/sipscript/sipscript/sip/transport"
)

// longest is what fits a UDP datagram over IPv4.
const longest = 65507

// quoted is how much of a datagram an ICMP error quotes: it stays within 576 bytes (RFC 1812 §4.3.2.3).
const quoted = 548

// socket is one UDP socket.
type socket struct {
	n    *Network
	addr netip.AddrPort

	queue   []transport.Datagram
	closed  bool
	until   deadline
	changed signal

	// latest is when the latest datagram to a destination arrives: the next one, unless it is held back on
	// purpose, comes after it.
	latest map[netip.AddrPort]time.Duration
}

func (s *socket) LocalAddr() netip.AddrPort { return s.addr }

func (s *socket) ReadBatch(ms []transport.Datagram) (int, error) {
	for {
		got, wait, err := s.take(ms)
		if wait == nil {
			return got, err
		}
		<-wait
	}
}

// take moves what is queued to ms; with nothing there it returns what to wait for.
func (s *socket) take(ms []transport.Datagram) (int, <-chan struct{}, error) {
	s.n.mu.Lock()
	defer s.n.mu.Unlock()
	switch {
	case s.closed:
		return 0, nil, s.fail("read", net.ErrClosed)
	case s.until.passed():
		return 0, nil, s.fail("read", os.ErrDeadlineExceeded)
	case len(s.queue) > 0:
		got := copy(ms, s.queue)
		s.queue = slices.Delete(s.queue, 0, got)
		return got, nil, nil
	}
	return 0, s.changed.wait(), nil
}

func (s *socket) WriteBatch(ms []transport.Datagram) (int, error) {
	s.n.mu.Lock()
	defer s.n.mu.Unlock()
	if s.closed {
		return 0, s.fail("write", net.ErrClosed)
	}
	for i, m := range ms {
		if len(m.Buf) > longest {
			return i, s.fail("write", syscall.EMSGSIZE)
		}
		if m.Addr.Addr().Is4() != s.addr.Addr().Is4() {
			return i, s.fail("write", syscall.ENETUNREACH)
		}
		s.send(m.Addr, bytes.Clone(m.Buf))
	}
	return len(ms), nil
}

func (s *socket) SetReadDeadline(t time.Time) error {
	s.n.mu.Lock()
	defer s.n.mu.Unlock()
	if s.closed {
		return s.fail("set", net.ErrClosed)
	}
	s.until.set(s.n, t, &s.changed)
	return nil
}

func (s *socket) Close() error {
	s.n.mu.Lock()
	defer s.n.mu.Unlock()
	if s.closed {
		return s.fail("close", net.ErrClosed)
	}
	s.close()
	return nil
}

func (s *socket) close() {
	s.closed = true
	s.queue = nil
	s.until.stop()
	s.changed.wake()
	rest := slices.DeleteFunc(slices.Clone(s.n.sockets[s.addr]), func(o *socket) bool { return o == s })
	if len(rest) == 0 {
		delete(s.n.sockets, s.addr)
		return
	}
	s.n.sockets[s.addr] = rest
}

func (s *socket) fail(op string, err error) error {
	return &net.OpError{Op: op, Net: "udp", Addr: net.UDPAddrFromAddrPort(s.addr), Err: err}
}

// send decides all about a datagram and plans its arrival.
func (s *socket) send(dst netip.AddrPort, data []byte) {
	n := s.n
	d := n.roll(Datagram, s.addr, dst, 0, data)
	l := n.link(s.addr.Addr(), dst.Addr())
	f := d.datagram(l)
	now := n.now()

	arrives := now + f.delay
	if !f.heldBack {
		arrives = max(arrives, s.latest[dst]+1)
		s.latest[dst] = arrives
	}
	e := n.record(Entry{Sent: now, Arrived: arrives, Src: s.addr, Dst: dst, Kind: Datagram, Bytes: data})
	switch {
	case n.cut(s.addr.Addr(), dst.Addr()):
		e.Fate = Partitioned
		return
	case n.byAddr[dst.Addr()] == nil:
		e.Fate = NoHost
		return
	case l.MTU > 0 && len(data) > l.MTU:
		e.Fate = TooLong
		return
	case n.lose(e) || f.lost:
		e.Fate = Lost
		return
	}
	n.at(arrives, d.key, func(now time.Duration) { s.arrive(e, now) })
	if f.doubled {
		copied := *e
		copied.Copy, copied.Arrived = true, now+f.second
		second := n.record(copied)
		n.at(second.Arrived, d.key, func(now time.Duration) { s.arrive(second, now) })
	}
}

// arrive hands a datagram of s to whoever has its destination now.
func (s *socket) arrive(e *Entry, now time.Duration) {
	n := s.n
	e.Arrived = now
	group := n.sockets[e.Dst]
	if len(group) == 0 {
		e.Fate = Refused
		s.giveBack(e, now)
		return
	}
	e.Fate = Delivered
	if !group[bucket(e.Src, len(group))].put(transport.Datagram{Buf: bytes.Clone(e.Bytes), Addr: e.Src}) {
		e.Fate = Overrun
	}
}

// giveBack sends the ICMP error for a datagram that found its port closed.
func (s *socket) giveBack(e *Entry, now time.Duration) {
	n := s.n
	quote := bytes.Clone(e.Bytes[:min(len(e.Bytes), quoted)])
	d := n.roll(Unreachable, e.Dst, e.Src, 0, quote)
	f := d.datagram(n.link(e.Dst.Addr(), e.Src.Addr()))
	icmp := n.record(Entry{Sent: now, Arrived: now + f.delay, Src: e.Dst, Dst: e.Src, Kind: Unreachable, Bytes: quote})
	switch {
	case n.cut(e.Dst.Addr(), e.Src.Addr()):
		icmp.Fate = Partitioned
		return
	case f.lost:
		icmp.Fate = Lost
		return
	}
	n.at(icmp.Arrived, d.key, func(now time.Duration) {
		icmp.Arrived, icmp.Fate = now, Delivered
		s.put(transport.Datagram{Buf: quote, Addr: e.Dst, Err: syscall.ECONNREFUSED})
	})
}

func (s *socket) put(m transport.Datagram) bool {
	if s.closed || len(s.queue) >= s.n.opts.Queue {
		return false
	}
	s.queue = append(s.queue, m)
	s.changed.wake()
	return true
}

// bucket picks one of several sockets by the source, as SO_REUSEPORT does.
func bucket(src netip.AddrPort, of int) int {
	h := fnv.New32a()
	h.Write(appendAddrPort(nil, src))
	return int(h.Sum32() % uint32(of))
}
