package transport

import (
	"net/netip"

	"github.com/sipscript/sipscript/sip"
)

// Sender sends for one shard. Its methods are called by that shard's goroutine only.
type Sender struct {
	t        *Transport
	outboxes []outbox
	failures []Failure // found by Send, reported by Flush
}

// outbox is what one turn sends by one UDP socket.
type outbox struct {
	local  netip.AddrPort
	socket PacketConn
	queue  []Datagram
	left   int // how many at the front of queue the last Flush could not send
}

func newSender(t *Transport, shard int) *Sender {
	s := &Sender{t: t}
	for _, p := range t.packets {
		s.outboxes = append(s.outboxes, outbox{local: p.local, socket: p.sockets[shard%len(p.sockets)]})
	}
	return s
}

// Send sends b, which nobody may change from now on. It never calls back: what fails is reported by Flush or later.
//
// Over UDP flow.Local names the listener to send from, and b leaves with the next Flush. Over a stream b goes by the
// connection flow.Conn and no other; with flow.Conn 0 by one this server opened to flow.Remote from flow.Local's
// address, or by a new one. It returns the number of the connection that b was queued for, which Config.Closed names
// when it ends; 0 over UDP and when there is none.
func (s *Sender) Send(flow sip.Flow, b []byte) (conn uint64) { return s.SendTo(flow, "", b) }

// SendTo is Send for a TLS flow without a connection: the peer must prove to be serverName, a DNS name or an IP
// address; "" stands for the IP address of flow.Remote.
func (s *Sender) SendTo(flow sip.Flow, serverName string, b []byte) (conn uint64) {
	if flow.Transport == sip.UDP {
		s.queue(flow, b)
		return 0
	}
	var c *connection
	var err error
	if flow.Conn == 0 {
		c, err = s.t.sendOutgoing(flow, serverName, b)
	} else if c = s.t.conns.get(flow.Conn); c != nil {
		err = c.send(flow, b)
	} else {
		err = ErrConnectionGone
	}
	if err != nil {
		s.failures = append(s.failures, failure(flow, b, err))
		return 0
	}
	return c.flow.Conn
}

func (s *Sender) queue(flow sip.Flow, b []byte) {
	for i := range s.outboxes {
		if o := &s.outboxes[i]; o.local == flow.Local {
			o.queue = append(o.queue, Datagram{Buf: b, Addr: flow.Remote})
			return
		}
	}
	s.failures = append(s.failures, failure(flow, b, ErrNoListener))
}

// Pending reports whether Flush has anything to do: datagrams that a full socket left over, too.
func (s *Sender) Pending() bool {
	for i := range s.outboxes {
		if len(s.outboxes[i].queue) > 0 {
			return true
		}
	}
	return len(s.failures) > 0
}

// Flush ends a turn: each socket sends what was queued for it, then Config.Failed hears of what could not be sent.
// What a Failed callback sends leaves with the next Flush.
func (s *Sender) Flush() {
	for i := range s.outboxes {
		if o := &s.outboxes[i]; len(o.queue) > 0 {
			s.flush(o)
		}
	}
	if len(s.failures) == 0 {
		return
	}
	failures := s.failures
	s.failures = nil
	for _, f := range failures {
		s.t.cfg.Failed(f)
	}
}

// flush sends one outbox. What a full socket does not take waits for one more turn and is dropped then: a datagram
// older than that is better sent again by its transaction's timer than late.
func (s *Sender) flush(o *outbox) {
	rest := o.queue
	for len(rest) > 0 {
		n, err := o.socket.WriteBatch(rest)
		rest = rest[n:]
		if err == nil {
			break // all sent, or full
		}
		s.failures = append(s.failures, failure(o.flow(rest[0].Addr), rest[0].Buf, err))
		rest = rest[1:]
	}
	sent := len(o.queue) - len(rest)
	for range o.left - sent {
		s.t.cfg.Trace(Event{Kind: DatagramDropped, Flow: o.flow(rest[0].Addr), Data: rest[0].Buf, Err: ErrSocketFull})
		rest = rest[1:]
	}
	o.left = copy(o.queue, rest)
	clear(o.queue[o.left:])
	o.queue = o.queue[:o.left]
}

func (o *outbox) flow(remote netip.AddrPort) sip.Flow {
	return sip.Flow{Transport: sip.UDP, Local: o.local, Remote: remote}
}
