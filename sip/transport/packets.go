package transport

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"time"

	"github.com/sipscript/sipscript/sip"
)

// readBatch is how many datagrams one read takes at most.
const readBatch = 64

// packetReader is what one UDP socket receives with.
type packetReader struct {
	transport *Transport
	local     netip.AddrPort
	socket    PacketConn
	datagrams []Datagram
	batch     []Inbound
}

// batches is a PacketConn that reads on by itself. ReadBatches returns as ReadBatch does, when there is no other way.
type batches interface {
	ReadBatches(ms []Datagram, deliver func(n int)) error
}

// readPackets delivers what one UDP socket receives until it is closed or the transport stops.
func (t *Transport) readPackets(local netip.AddrPort, socket PacketConn) {
	r := &packetReader{
		transport: t, local: local, socket: socket,
		datagrams: make([]Datagram, readBatch), batch: make([]Inbound, 0, readBatch),
	}
	for {
		err := r.read()
		if errors.Is(err, net.ErrClosed) || errors.Is(err, os.ErrDeadlineExceeded) {
			return
		}
		t.cfg.Trace(Event{Kind: ReadFailed, Flow: sip.Flow{Transport: sip.UDP, Local: local}, Err: err})
		t.pause(time.Millisecond) // an error that persists must not spin
	}
}

// read delivers until there is an error.
func (r *packetReader) read() error {
	if s, ok := r.socket.(batches); ok {
		return s.ReadBatches(r.datagrams, r.deliver)
	}
	for {
		n, err := r.socket.ReadBatch(r.datagrams)
		if err != nil {
			return err
		}
		r.deliver(n)
	}
}

// deliver takes n datagrams to the shards.
func (r *packetReader) deliver(n int) {
	t, now := r.transport, time.Now()
	for i := range r.datagrams[:n] {
		d := &r.datagrams[i]
		flow := sip.Flow{Transport: sip.UDP, Local: r.local, Remote: d.Addr}
		if d.Err != nil {
			t.returned(flow, d)
			continue
		}
		if m := t.screen(d.Buf, flow, r.socket, now); m != nil {
			r.batch = append(r.batch, Inbound{Msg: m, Flow: flow, At: now})
		}
	}
	if len(r.batch) > 0 {
		t.cfg.Receive(r.batch)
		clear(r.batch)
		r.batch = r.batch[:0]
	}
}

// screen makes a message of one datagram; nil when nobody shall see it.
func (t *Transport) screen(raw []byte, flow sip.Flow, socket PacketConn, now time.Time) *sip.Message {
	if isKeepAlive(raw) {
		t.cfg.Trace(Event{Kind: KeepAlive, Flow: flow, Data: raw})
		return nil
	}
	if t.overRequests(raw, flow, now) {
		return nil
	}
	m, err := sip.ReadDatagram(raw, t.parse)
	if err != nil {
		if answer, port := t.refuse(m, err, flow, raw, now); answer != nil {
			t.answerDatagram(answer, port, flow, socket)
		}
		return nil
	}
	if m.IsRequest() {
		m.Stamp(flow.Remote)
	}
	return m
}

// overRequests counts a request against its source's share. Responses are never dropped for it: they are what this
// server asked for.
func (t *Transport) overRequests(raw []byte, flow sip.Flow, now time.Time) bool {
	if t.requests == nil || isResponse(raw) || t.requests.allow(flow.Remote.Addr(), now) {
		return false
	}
	t.cfg.Trace(Event{Kind: RequestDropped, Flow: flow, Data: raw, Err: ErrSourceRequests})
	return true
}

// answerDatagram sends a stateless answer to where its request came from, from the socket it came to (RFC 3581 §4).
// The port is the one of RFC 3261 §18.2.2, the host is not: a maddr in a malformed request would let anybody aim our
// answers at a third party.
func (t *Transport) answerDatagram(answer []byte, port uint16, flow sip.Flow, socket PacketConn) {
	to := netip.AddrPortFrom(flow.Remote.Addr(), port)
	if n, err := socket.WriteBatch([]Datagram{{Buf: answer, Addr: to}}); n == 0 {
		t.cfg.Trace(Event{Kind: DatagramDropped, Flow: flow, Data: answer, Err: err})
	}
}

// returned reports a datagram that ICMP gave back to whoever sent it (RFC 3261 §18.4).
func (t *Transport) returned(flow sip.Flow, d *Datagram) {
	t.cfg.Trace(Event{Kind: Returned, Flow: flow, Data: d.Buf, Err: d.Err})
	f := identify(d.Buf)
	if f.Branch == "" {
		return // nothing that could be matched to a transaction was quoted
	}
	f.Flow, f.Err = flow, d.Err
	t.cfg.Failed(f)
}

// isKeepAlive reports whether a datagram carries no message: phones keep NAT bindings alive with CRLFs, a zero byte
// or nothing at all.
func isKeepAlive(raw []byte) bool {
	if len(raw) > 4 {
		return false
	}
	for _, b := range raw {
		if b != '\r' && b != '\n' && b != 0 && b != ' ' {
			return false
		}
	}
	return true
}

func isResponse(raw []byte) bool {
	return len(raw) >= 4 && raw[0]|0x20 == 's' && raw[1]|0x20 == 'i' && raw[2]|0x20 == 'p' && raw[3] == '/'
}
