package media

import (
	"encoding/binary"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sipscript/sipscript/engine/media/description"
)

// stream is the media of one m-line of a terminal. In it, too, what each packet touches stands together.
type stream struct {
	rules atomic.Pointer[rules] // nil: not described yet
	route atomic.Pointer[route] // nil: connected to nobody
	mute  atomic.Bool           // telephone-events are kept
	voice atomic.Pointer[voice] // nil: this server neither speaks nor listens here
	rtp   *port
	in    inbound
	out   outbound

	rtcp     *port // nil when there is none
	terminal *terminal
	index    int
	pool     *pool
	drops    drops
}

// port is one socket of a stream.
type port struct {
	stream  *stream
	socket  socket
	control bool           // the one for RTCP
	locked  netip.AddrPort // what socket is locked to; guarded by stream.in.mu
	addr    netip.AddrPort
}

// route is where what a stream receives goes. It is never changed.
type route struct {
	to      *stream
	renamed *description.Payloads // nil: payload types stay
}

// inbound is what comes from the peer. mu is held for the treatment of one packet.
type inbound struct {
	mu        sync.Mutex
	crypt     atomic.Pointer[crypt] // nil: in the clear; set under mu
	packets   uint64
	bytes     uint64
	heard     int64 // when the last valid packet came
	reception reception
	rtp       latch

	rtcp     latch
	digits   digits
	feedback feedback
	strange  bool // something unknown has come
}

// outbound is what goes to the peer. mu is a leaf, held for the treatment of one packet.
type outbound struct {
	mu      sync.Mutex
	crypt   atomic.Pointer[crypt] // nil: in the clear; set under mu
	rtp     netip.AddrPort
	ssrc    uint32 // of the last packet
	clock   uint32
	mux     bool // RTCP leaves by the port of RTP
	secure  bool // SRTP, or nothing
	packets uint64
	bytes   uint64

	rtcp netip.AddrPort
	sent sent
}

// drops count what is not taken; the words are those of Drops.
type drops struct {
	unknown, foreign, forged, replayed, unrouted, malformed, unsent atomic.Uint64
}

func (d *drops) read() Drops {
	return Drops{
		Unknown: d.unknown.Load(), Foreign: d.foreign.Load(), Forged: d.forged.Load(), Replayed: d.replayed.Load(),
		Unrouted: d.unrouted.Load(), Malformed: d.malformed.Load(), Unsent: d.unsent.Load(),
	}
}

// describe publishes what was agreed for the m-line. It is for who holds the terminal.
func (s *stream) describe(now int64, line *description.Line, signalled netip.Addr) error {
	// Nobody else sets the contexts, so they may be read here without their locks; to make new ones takes too long for these.
	opens, err := s.in.crypt.Load().rekey(line.Decrypt)
	if err != nil {
		return err
	}
	seals, err := s.out.crypt.Load().rekey(line.Encrypt)
	if err != nil {
		return err
	}
	next, last := newRules(now, line, signalled), s.rules.Load()
	next.confine(s.terminal.relay, s.rtp.addr.Addr())
	held := !next.rtp.IsValid()
	if held && last != nil {
		// In the old way, by 0.0.0.0: the peer is where it was, and gets nothing (RFC 3264 §8.4).
		next.rtp, next.rtcp = last.rtp, last.rtcp
	}
	moved := last == nil || last.rtp != next.rtp || last.rtcp != next.rtcp || last.signalled != next.signalled
	s.publish(now, next, moved, held, opens, seals)
	s.rtp.settle()
	s.rtcp.settle()
	return nil
}

// publish changes all that packets depend on in one step.
func (s *stream) publish(now int64, next *rules, moved, held bool, opens, seals *crypt) {
	in := &s.in
	in.mu.Lock()
	defer in.mu.Unlock()
	in.rtp.describe(now, next.rtp, moved)
	in.rtcp.describe(now, next.rtcp, moved)
	var rtp, rtcp netip.AddrPort
	if !held {
		rtp, rtcp = in.rtp.destination(next.rtp), in.rtcp.destination(next.rtcp)
	}
	if next.mux {
		rtcp = rtp
	}
	in.crypt.Store(opens)
	s.rules.Store(next)
	s.out.describe(next, seals, rtp, rtcp)
}

// settle brings the socket in line with the latch, which a relay thread locks and signalling unlocks: whoever of them comes last finds what holds now.
func (p *port) settle() {
	if p == nil || p.socket == nil {
		return
	}
	in := &p.stream.in
	in.mu.Lock()
	defer in.mu.Unlock()
	l := &in.rtp
	if p.control {
		l = &in.rtcp
	}
	peer := netip.AddrPort{}
	if l.locked {
		peer = l.source
	}
	if peer != p.locked {
		p.locked = peer
		p.socket.lock(peer)
	}
}

// describe changes where packets go, and their key, in one step.
func (o *outbound) describe(r *rules, seals *crypt, rtp, rtcp netip.AddrPort) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.crypt.Store(seals)
	o.rtp, o.rtcp = rtp, rtcp
	o.clock, o.mux, o.secure = r.clock(), r.mux, r.secure
}

// expects reports whether the peer ought to send, and since when it has not.
func (s *stream) expects() (since int64, ok bool) {
	r := s.rules.Load()
	if r == nil || !r.sends {
		return 0, false
	}
	s.in.mu.Lock()
	defer s.in.mu.Unlock()
	return max(s.in.heard, r.since), true
}

// add adds the figures of the stream to those of its terminal.
func (s *stream) add(sum *Stats, worst *quality) {
	s.in.mu.Lock()
	received := Flow{Packets: s.in.packets, Bytes: s.in.bytes, Lost: s.in.reception.lost(), Jitter: s.in.reception.jitterTime()}
	told := s.in.feedback
	s.in.mu.Unlock()

	s.out.mu.Lock()
	sent := Flow{Packets: s.out.packets, Bytes: s.out.bytes, Lost: uint64(told.lost), Jitter: clockTime(told.jitter, s.out.clock)}
	s.out.mu.Unlock()

	sum.Received.add(received)
	sum.Sent.add(sent)
	sum.Dropped.add(s.drops.read())
	sum.RTT = max(sum.RTT, told.rtt)
	if r := s.rules.Load(); r != nil && received.Packets > 0 && r.kind == description.Audio {
		worst.note(r, received, told.rtt)
	}
}

// quality is the lowest MOS of the audio of a terminal.
type quality struct{ mos float64 }

func (q *quality) note(r *rules, f Flow, rtt time.Duration) {
	score := mos(r.codec, f.Loss(), rtt, f.Jitter)
	if q.mos == 0 || score < q.mos {
		q.mos = score
	}
}

func (f *Flow) add(other Flow) {
	f.Packets += other.Packets
	f.Bytes += other.Bytes
	f.Lost += other.Lost
	f.Jitter = max(f.Jitter, other.Jitter)
}

func (d *Drops) add(other Drops) {
	d.Unknown += other.Unknown
	d.Foreign += other.Foreign
	d.Forged += other.Forged
	d.Replayed += other.Replayed
	d.Unrouted += other.Unrouted
	d.Malformed += other.Malformed
	d.Unsent += other.Unsent
}

// ssrcOf is the SSRC of an RTCP packet's sender.
func ssrcOf(b []byte) uint32 { return binary.BigEndian.Uint32(b[4:]) }
