package media

import (
	"encoding/binary"
	"time"
)

// digits follows the telephone-events of one stream (RFC 4733 §2). An event is sent as several packets with one timestamp, whose duration grows; the
// last of them, marked as the end, is sent three times.
type digits struct {
	ssrc      uint32
	timestamp uint32
	event     uint8
	duration  uint16
	open      bool // begun and not told
	known     bool // timestamp is that of an event that was seen
}

// pressed is a digit that has come to its end; 0: none has.
type pressed struct {
	digit    byte
	duration time.Duration
}

// note takes the payload of one packet. An event whose ends are all lost is told when the next one begins.
func (d *digits) note(h *rtpHeader, body []byte, clock uint32) (p pressed) {
	if len(body) < 4 {
		return p
	}
	event, end := body[0], body[1]&0x80 != 0
	if !d.known || h.timestamp != d.timestamp || h.ssrc != d.ssrc {
		if d.known && h.ssrc == d.ssrc && int32(h.timestamp-d.timestamp) < 0 {
			return p // of an event before, late
		}
		if d.open {
			p = d.tell(clock)
		}
		*d = digits{ssrc: h.ssrc, timestamp: h.timestamp, event: event, open: true, known: true}
	}
	d.duration = max(d.duration, binary.BigEndian.Uint16(body[2:]))
	if end && d.open {
		if p.digit != 0 {
			return p // two at once: the end is sent again
		}
		p = d.tell(clock)
	}
	return p
}

func (d *digits) tell(clock uint32) pressed {
	d.open = false
	return pressed{digit: digitOf(d.event), duration: clockTime(uint32(d.duration), clock)}
}

// digitOf is the character of an event code (RFC 4733 §3.2); 0 for those that are no digits.
func digitOf(event uint8) byte {
	const keys = "0123456789*#ABCD!"
	if int(event) < len(keys) {
		return keys[event]
	}
	return 0
}
