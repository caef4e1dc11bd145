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
	clock     uint32
	heard     int64 // when a packet of it came last
}

// pressed is what a packet has told: a digit that has come to its end, and one that begins; 0: none does.
type pressed struct {
	digit    byte
	duration time.Duration
	begun    byte
	before   bool // digit is not the one that begins
}

// lost is after how long without a packet an event has ended whose ends have not come. Those of an event that lasts come at least each 50 ms
// (RFC 4733 §2.5.1.2), and two in a row may be lost; to take a pause for an end would make two digits of one.
const lost = 200 * time.Millisecond

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
			p = d.tell()
			p.before = true
		}
		*d = digits{ssrc: h.ssrc, timestamp: h.timestamp, event: event, open: true, known: true, clock: clock}
		p.begun = digitOf(event)
	}
	d.duration = max(d.duration, binary.BigEndian.Uint16(body[2:]))
	if end && d.open {
		if p.digit != 0 {
			return p // two at once: the end is sent again
		}
		ended := d.tell()
		p.digit, p.duration = ended.digit, ended.duration
	}
	return p
}

func (d *digits) tell() pressed {
	d.open = false
	return pressed{digit: digitOf(d.event), duration: clockTime(uint32(d.duration), d.clock)}
}

// expire ends an event of which nothing has come for too long.
func (d *digits) expire(now int64) pressed {
	if !d.open || now-d.heard < int64(lost) {
		return pressed{}
	}
	return d.tell()
}

// eventKeys are the characters of the event codes (RFC 4733 §3.2).
const eventKeys = "0123456789*#ABCD!"

// digitOf is the character of an event code; 0 for those that are no digits.
func digitOf(event uint8) byte {
	if int(event) < len(eventKeys) {
		return eventKeys[event]
	}
	return 0
}
