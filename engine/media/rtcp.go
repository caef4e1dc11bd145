package media

import (
	"encoding/binary"
	"time"
)

// RTCP packet types (RFC 3550 §12.1).
const (
	senderReport   = 200
	receiverReport = 201
)

// rtcpFixed is the length of what stands in the clear at the beginning of SRTCP (RFC 3711 §3.4).
const rtcpFixed = 8

// validRTCP reports whether the lengths of a compound packet fit (RFC 3550 §A.2). A packet need not begin with a report: RFC 5506 lets it be short.
func validRTCP(b []byte) bool {
	for len(b) > 0 {
		if len(b) < 4 || b[0]>>6 != 2 {
			return false
		}
		n := 4 * (int(binary.BigEndian.Uint16(b[2:])) + 1)
		if n > len(b) {
			return false
		}
		b = b[n:]
	}
	return true
}

// packets calls fn with each packet of a valid compound packet.
func packets(b []byte, fn func(kind byte, p []byte)) {
	for len(b) >= 4 {
		n := 4 * (int(binary.BigEndian.Uint16(b[2:])) + 1)
		fn(b[1], b[:n])
		b = b[n:]
	}
}

// sent are the sender reports last passed to a peer, by which its receiver reports tell the round trip (RFC 3550 §6.4.1): the middle of their NTP
// timestamps, and when they were passed.
type sent struct {
	middle [4]uint32
	at     [4]int64
	next   int
}

func (s *sent) note(now int64, middle uint32) {
	s.middle[s.next], s.at[s.next] = middle, now
	s.next = (s.next + 1) % len(s.middle)
}

// trip is how long it took from the passing of the report that lsr names to now, less the time the peer has held it.
func (s *sent) trip(now int64, lsr, dlsr uint32) (time.Duration, bool) {
	if lsr == 0 {
		return 0, false // it has not heard a report (RFC 3550 §6.4.1)
	}
	for i, middle := range s.middle {
		if middle == lsr && s.at[i] != 0 {
			held := time.Duration(uint64(dlsr) * uint64(time.Second) >> 16)
			trip := time.Duration(now-s.at[i]) - held
			return trip, trip >= 0
		}
	}
	return 0, false
}

// feedback is what a peer has told about what it hears.
type feedback struct {
	lost   uint32
	jitter uint32 // in units of the clock of what it hears
	rtt    time.Duration
	told   bool
}

// report reads the report blocks of a compound packet (RFC 3550 §6.4.1, §6.4.2). of is the SSRC sent to the peer.
func (f *feedback) report(now int64, b []byte, of uint32, passed *sent) {
	packets(b, func(kind byte, p []byte) {
		blocks := p
		switch {
		case kind == senderReport && len(p) >= 28:
			blocks = p[28:]
		case kind == receiverReport && len(p) >= 8:
			blocks = p[8:]
		default:
			return
		}
		for range int(p[0] & 0x1f) {
			if len(blocks) < 24 {
				return
			}
			if binary.BigEndian.Uint32(blocks) == of {
				f.lost = signed24(blocks[5:])
				f.jitter = binary.BigEndian.Uint32(blocks[12:])
				f.told = true
				if trip, ok := passed.trip(now, binary.BigEndian.Uint32(blocks[16:]), binary.BigEndian.Uint32(blocks[20:])); ok {
					f.rtt = trip
				}
			}
			blocks = blocks[24:]
		}
	})
}

// signed24 is a cumulative loss: signed, as duplicates count as negative; then it is none.
func signed24(b []byte) uint32 {
	n := uint32(b[0])<<16 | uint32(b[1])<<8 | uint32(b[2])
	if n&0x800000 != 0 {
		return 0
	}
	return n
}
