package audio

import "time"

const (
	// ahead and misordered are by how much a sequence number may differ from the newest one (RFC 3550 appendix A.1, MAX_DROPOUT and MAX_MISORDER).
	ahead      = 3000
	misordered = 100
	// leap is by how much a packet may come earlier or later than its timestamp says. Beyond, timestamps count from somewhere else.
	leap = int64(time.Second)
)

// verdict is what is thought of a packet by its numbers alone.
type verdict uint8

const (
	believed   verdict = iota
	begins             // the first one of a stream, or of what it has become
	repeated           // received before
	unbelieved         // of another stream: it takes two in sequence to believe in one
)

// arrivals believes in one source, and extends its sequence numbers and timestamps beyond their 16 and 32 bits.
type arrivals struct {
	known  bool
	ssrc   uint32
	newest uint16 // sequence number
	last   int64  // the newest packet's timestamp, from the first one of the stream
	stamp  uint32 // the same as it stood in the packet
	seen   uint64 // bit n: newest-n was received

	doubted struct { // the stream that may have taken the place of this one
		some bool
		ssrc uint32
		next uint16
	}
}

// place returns the extended timestamp of a packet. Base is the transit time, in ns, that packets are compared with.
func (a *arrivals) place(p Packet, clock, base int64) (at int64, v verdict) {
	if !a.known {
		return a.begin(p)
	}
	step := int16(p.Sequence - a.newest)
	at = a.last + int64(int32(p.Timestamp-a.stamp))
	late := p.Arrived - nanos(at, clock) - base
	if p.SSRC != a.ssrc || step > ahead || step < -misordered || late > leap || late < -leap {
		// A sender that marks the begin of speech may begin to count anew there, and no word need be lost.
		marked := p.Marker && p.SSRC == a.ssrc && step > 0 && step <= misordered
		if marked || a.doubted.some && a.doubted.ssrc == p.SSRC && a.doubted.next == p.Sequence {
			return a.begin(p)
		}
		a.doubted.some, a.doubted.ssrc, a.doubted.next = true, p.SSRC, p.Sequence+1
		return 0, unbelieved
	}
	a.doubted.some = false
	if step > 0 {
		a.seen = a.seen<<min(uint(step), 64) | 1
		a.newest, a.last, a.stamp = p.Sequence, at, p.Timestamp
		return at, believed
	}
	bit := uint64(1) << uint(-step)
	if -step >= 64 || a.seen&bit != 0 {
		return at, repeated
	}
	a.seen |= bit
	return at, believed
}

// begin believes in the stream of a packet. Its timestamps count from 0, and what came before it is older than that.
func (a *arrivals) begin(p Packet) (at int64, v verdict) {
	*a = arrivals{known: true, ssrc: p.SSRC, newest: p.Sequence, stamp: p.Timestamp, seen: 1}
	return 0, begins
}
