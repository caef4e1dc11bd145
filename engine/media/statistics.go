package media

import "time"

// Bounds of what still is one sequence (RFC 3550 §A.1).
const (
	maxDropout  = 3000
	maxMisorder = 100
)

// reception is what has come from one synchronization source (RFC 3550 §A.1, §A.3, §A.8), with what went before it on the same m-line.
type reception struct {
	ssrc    uint32
	started bool

	base     uint32 // extended sequence number of the first packet
	highest  uint32 // extended sequence number of the highest one
	received uint32 // since base
	suspect  uint32 // the sequence number that would confirm a jump; noSuspect: none

	transit uint32 // of the packet before, in clock units
	timed   bool   // transit is set
	clock   uint32 // jitter's unit, in Hz
	jitter  uint32 // scaled by 16

	lostBefore uint64 // in the sequences before base
}

const noSuspect = 1 << 16

// note takes one packet of a stream with the given clock, 0 if its timestamp tells nothing. It reports false for one that is far out of sequence.
func (r *reception) note(now int64, h *rtpHeader, clock uint32) bool {
	if !r.started || h.ssrc != r.ssrc {
		r.restart(h)
	} else if !r.advance(h) {
		return false
	}
	r.received++
	if clock != 0 {
		r.time(now, h.timestamp, clock)
	}
	return true
}

// restart begins a new sequence.
func (r *reception) restart(h *rtpHeader) {
	r.lostBefore = r.lost()
	r.started, r.ssrc = true, h.ssrc
	r.base, r.highest, r.received = uint32(h.sequence), uint32(h.sequence), 0
	r.suspect, r.timed = noSuspect, false
}

func (r *reception) advance(h *rtpHeader) bool {
	switch step := h.sequence - uint16(r.highest); {
	case step < maxDropout:
		r.highest += uint32(step)
	case step <= 1<<16-1-maxMisorder:
		// A jump counts as the beginning of a new sequence when the next packet confirms it.
		if uint32(h.sequence) != r.suspect {
			r.suspect = uint32(h.sequence + 1)
			return false
		}
		r.restart(h)
	}
	return true
}

// time takes the jitter of RFC 3550 §A.8.
func (r *reception) time(now int64, timestamp, clock uint32) {
	arrival := uint32(uint64(now/1000) * uint64(clock) / 1_000_000)
	transit := arrival - timestamp
	if r.timed && clock == r.clock {
		d := int32(transit - r.transit)
		r.jitter += uint32(max(d, -d)) - (r.jitter+8)>>4
	}
	r.transit, r.timed, r.clock = transit, true, clock
}

// lost is how many packets are missing, in all sequences. Duplicates may make up for some (RFC 3550 §6.4.1).
func (r *reception) lost() uint64 {
	if !r.started {
		return r.lostBefore
	}
	return r.lostBefore + uint64(max(0, int64(r.highest-r.base)+1-int64(r.received)))
}

func (r *reception) jitterTime() time.Duration { return clockTime(r.jitter>>4, r.clock) }

// clockTime is n units of a clock in Hz.
func clockTime(n, clock uint32) time.Duration {
	if clock == 0 {
		return 0
	}
	return time.Duration(n) * time.Second / time.Duration(clock)
}
