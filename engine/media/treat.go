package media

import (
	"encoding/binary"
	"errors"
	"net/netip"

	"github.com/sipscript/sipscript/engine/media/description"
)

// send is what treat says: these bytes leave by this port, to there. Without a port nothing leaves.
type send struct {
	by      *port
	b       []byte
	to      netip.AddrPort
	latched bool // the port that received has to settle
}

// news is what a packet has brought beside itself.
type news struct {
	settled          bool // the latch is locked that was open
	latched, unknown bool // and its source is new
	pressed          pressed
}

// treat is all that happens to a datagram which p has received from somewhere at the time now, in nanoseconds of a clock that never goes back. b may be
// changed, and must have room for what SRTP adds behind it. It allocates nothing, except for a source that is new.
//
//	first byte → source → authentication, decryption → header → statistics, digits, latch   (this leg)
//	→ route → payload type → encryption → destination                                       (the other leg)
func (p *port) treat(now int64, b []byte, from netip.AddrPort) send {
	s := p.stream
	kind, b, heard := s.receive(p, now, b, from)
	if heard != (news{}) {
		s.tell(heard)
	}
	if v := s.voice.Load(); v != nil {
		switch kind {
		case rtpPacket:
			v.hear(now, b)
		case rtcpPacket:
			v.noteReport(now, b)
		}
	}
	out := send{}
	if kind != unknown {
		out = s.forward(now, kind, b)
	}
	out.latched = heard.settled
	return out
}

// tail is how much room must stand behind a packet: SRTCP's index and tag, and an MKI of the length that RFC 4568 allows.
const tail = 4 + 16 + 128

// receive is this leg's part. unknown means that the packet goes no further.
func (s *stream) receive(p *port, now int64, b []byte, from netip.AddrPort) (kind content, opened []byte, heard news) {
	r := s.rules.Load()
	if r == nil {
		s.drops.unrouted.Add(1)
		return unknown, nil, heard
	}
	in := &s.in
	in.mu.Lock()
	defer in.mu.Unlock()

	from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
	l := &in.rtp
	if p.control {
		l = &in.rtcp
	}
	if !l.admits(now, from, r) {
		s.drops.foreign.Add(1)
		return unknown, nil, heard
	}
	kind = datagram
	if !r.plain {
		if kind = s.kindOf(p, r, b); kind == unknown {
			heard.unknown, in.strange = !in.strange, true
			return unknown, nil, heard
		}
	}
	switch kind {
	case rtpPacket:
		b, heard.pressed = s.receiveRTP(now, r, b, !l.locked)
	case rtcpPacket:
		b = s.receiveRTCP(now, r, b)
	default:
		in.packets++
		in.bytes += uint64(len(b))
	}
	if b == nil {
		return unknown, nil, heard
	}
	in.heard = now
	heard.settled = !l.locked
	if l.take(now, from) {
		s.out.follow(p.control, from, r.mux)
		heard.latched = true
	}
	if kind == rtpPacket && s.mute.Load() {
		if f := r.find(b[1] & 0x7f); f != nil && f.event {
			return unknown, nil, heard
		}
	}
	return kind, b, heard
}

// kindOf is what b is, counting what does not belong on p.
func (s *stream) kindOf(p *port, r *rules, b []byte) content {
	kind := classify(b)
	switch {
	case kind == unknown:
		s.drops.unknown.Add(1)
	case kind == rtpPacket && p.control, kind == rtcpPacket && !p.control && !r.mux:
		s.drops.malformed.Add(1)
		return unknown
	}
	return kind
}

// receiveRTP returns the packet in the clear; nil: it was dropped and counted.
func (s *stream) receiveRTP(now int64, r *rules, b []byte, first bool) ([]byte, pressed) {
	in := &s.in
	h, ok := readRTP(b)
	f := r.find(h.payload)
	// Before the latch the packet has to be one that was described; later, one that is off does no harm but to its receiver.
	if !ok || first && f == nil {
		s.drops.malformed.Add(1)
		return nil, pressed{}
	}
	if b, ok = s.open(r, b, &h); !ok {
		return nil, pressed{}
	}
	in.packets++
	in.bytes += uint64(len(b))
	if f != nil && f.event {
		in.reception.note(now, &h, 0)
		p := in.digits.note(&h, h.body(b), f.clock)
		in.digits.heard = now
		return b, p
	}
	clock := uint32(0)
	if f != nil {
		clock = f.clock
	}
	in.reception.note(now, &h, clock)
	return b, pressed{}
}

// receiveRTCP returns the packet in the clear; nil: it was dropped and counted.
func (s *stream) receiveRTCP(now int64, r *rules, b []byte) []byte {
	b, ok := s.open(r, b, nil)
	if !ok {
		return nil
	}
	if !validRTCP(b) {
		s.drops.malformed.Add(1)
		return nil
	}
	s.terminal.relay.disguise(b)
	s.out.mu.Lock()
	s.in.feedback.report(now, b, s.out.ssrc, &s.out.sent)
	s.out.mu.Unlock()
	return b
}

// open decrypts and checks what must be, RTP or without h RTCP; false: it was dropped and counted.
func (s *stream) open(r *rules, b []byte, h *rtpHeader) ([]byte, bool) {
	c := s.in.crypt.Load()
	switch {
	case c == nil && r.secure:
		s.drops.unrouted.Add(1) // the key is not known yet
		return nil, false
	case c == nil:
		return b, true
	}
	var opened []byte
	var err error
	if h != nil {
		opened, err = c.openRTP(b, h)
	} else {
		opened, err = c.open(rtcpPacket, b, rtcpFixed, ssrcOf(b))
	}
	switch {
	case err == nil:
		return opened, true
	case errors.Is(err, errReplayed):
		s.drops.replayed.Add(1)
	default:
		s.drops.forged.Add(1)
	}
	return nil, false
}

// follow makes the source latched to the destination.
func (o *outbound) follow(control bool, source netip.AddrPort, mux bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case control:
		o.rtcp = source
	case mux:
		o.rtp, o.rtcp = source, source
	default:
		o.rtp = source
	}
}

// forward is the other leg's part.
func (s *stream) forward(now int64, kind content, b []byte) send {
	way := s.route.Load()
	if way == nil {
		s.drops.unrouted.Add(1)
		return send{}
	}
	if kind == rtpPacket && way.renamed != nil {
		next := way.renamed[b[1]&0x7f]
		if next == description.Drop {
			s.drops.malformed.Add(1)
			return send{}
		}
		b[1] = b[1]&0x80 | next
	}
	if kind == rtpPacket {
		if v := way.to.voice.Load(); v != nil {
			if b = v.pass(now, b); b == nil {
				return send{}
			}
		}
	}
	out, err := way.to.pass(now, kind, b)
	switch {
	case err == nil:
	case errors.Is(err, errReplayed):
		s.drops.replayed.Add(1)
	default:
		s.drops.unrouted.Add(1)
	}
	return out
}

// pass says by which port and to where b leaves, sealed if need be.
func (s *stream) pass(now int64, kind content, b []byte) (send, error) {
	o := &s.out
	o.mu.Lock()
	defer o.mu.Unlock()
	out := send{by: s.rtp, b: b, to: o.rtp}
	if kind == rtcpPacket && !o.mux {
		out.by, out.to = s.rtcp, o.rtcp
	}
	if out.by == nil || !out.to.IsValid() || out.to.Port() == 0 || o.secure && o.crypt.Load() == nil {
		return send{}, errNowhere
	}
	if kind == rtcpPacket {
		err := o.passRTCP(now, &out)
		return out, err
	}
	plain := uint64(len(b))
	if kind == rtpPacket {
		h, _ := readRTP(b) // it was right when it came in
		o.ssrc = h.ssrc
		if c := o.crypt.Load(); c != nil {
			var err error
			if out.b, err = c.sealRTP(b, &h); err != nil {
				return send{}, err
			}
		}
	}
	o.packets++
	o.bytes += plain
	return out, nil
}

// passRTCP remembers what reports of the peer will refer to.
func (o *outbound) passRTCP(now int64, out *send) (err error) {
	if out.b[1] == senderReport && len(out.b) >= 28 {
		o.sent.note(now, binary.BigEndian.Uint32(out.b[10:]))
	}
	if c := o.crypt.Load(); c != nil {
		out.b, err = c.seal(rtcpPacket, out.b, ssrcOf(out.b))
	}
	if err != nil {
		*out = send{}
	}
	return err
}

// tell reports what a packet has brought.
func (s *stream) tell(n news) {
	if v := s.voice.Load(); v != nil && n.pressed != (pressed{}) {
		v.press(n.pressed)
	}
	events := s.terminal.events
	if events == nil {
		return
	}
	e := Event{Terminal: s.terminal, Media: s.index}
	if n.latched {
		e.Kind = EventLatched
		events(e)
	}
	if n.unknown {
		e.Kind = EventUnknown
		events(e)
	}
	if n.pressed.digit != 0 {
		e.Kind, e.Digit, e.Duration = EventDigit, n.pressed.digit, n.pressed.duration
		events(e)
	}
}
