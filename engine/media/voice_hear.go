package media

import (
	"slices"
	"time"

	"github.com/sipscript/sipscript/engine/audio"
	"github.com/sipscript/sipscript/engine/media/description"
)

// ears turn the packets of one way into frames. They are there only while somebody listens.
type ears struct {
	payload uint8 // of what is heard now
	rate    int   // of its samples; 0: nothing was heard yet
	buffer  *audio.JitterBuffer
	changed int64            // when payload was another one last
	convert *audio.Resampler // to the rate that is asked for; nil: it is that
	to      int              // the rate of convert
	rest    []int16          // converted, and not asked for yet
}

// fickle is how soon after it has changed its codec a peer may change it again: each time costs a buffer.
const fickle = 200 * time.Millisecond

// open keeps or makes ears while somebody listens.
func open(e *ears, listens bool) *ears {
	switch {
	case !listens:
		return nil
	case e == nil:
		return &ears{}
	}
	return e
}

// put takes a packet in the clear. What this server cannot decode is not heard, and comfort noise is silence as good as any.
func (e *ears) put(now int64, formats []description.Format, h *rtpHeader, body []byte) {
	if e.buffer == nil || e.payload != h.payload {
		f := formatOf(formats, h.payload)
		if f == nil || e.buffer != nil && now-e.changed < int64(fickle) {
			return
		}
		codec, ok := codecOf(f)
		if !ok {
			return
		}
		if codec.Rate() != e.rate {
			e.convert = nil
		}
		e.buffer, e.payload, e.rate, e.changed = audio.NewJitterBuffer(codec, audio.JitterConfig{}), h.payload, codec.Rate(), now
	}
	e.buffer.Put(audio.Packet{
		SSRC: h.ssrc, Sequence: h.sequence, Timestamp: h.timestamp, Marker: h.marker, Arrived: now, Payload: body,
	})
}

// read fills frame, at a rate, with what is heard now; between is memory of any content.
func (e *ears) read(now int64, frame, between []int16, rate int) {
	switch {
	case e == nil || e.buffer == nil:
		clear(frame)
		return
	case e.rate == rate:
		e.buffer.Read(frame, now)
		return
	}
	if e.convert == nil || e.to != rate {
		e.convert, e.to, e.rest = audio.NewResampler(e.rate, rate), rate, e.rest[:0]
	}
	between = between[:audio.FrameLen(e.rate)]
	e.buffer.Read(between, now)
	e.rest = e.convert.Append(e.rest, between)
	n := copy(frame, e.rest)
	clear(frame[n:])
	e.rest = slices.Delete(e.rest, 0, n)
}

// hear takes a packet that the peer has sent, in the clear. Any relay thread may call it.
func (v *voice) hear(now int64, b []byte) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.ears == nil || v.line == nil {
		return
	}
	h, _ := readRTP(b) // it was right when it came in
	if body := h.body(b); body != nil {
		v.ears.put(now, v.line.said, &h, body)
	}
}

// press is told that the peer has begun or ended to press a key.
func (v *voice) press(p pressed) {
	v.mu.Lock()
	tell := v.digits
	switch {
	case p.begun != 0:
		v.pressed = p.digit == 0 || p.before
	case p.digit != 0:
		v.pressed = false
	}
	if v.pressed {
		v.pace() // whether it ends is to be looked after
	}
	v.mu.Unlock()
	if tell == nil {
		return
	}
	if p.digit != 0 && p.before {
		tell(Digit{Key: p.digit, Duration: p.duration})
	}
	if p.begun != 0 {
		tell(Digit{Key: p.begun, Pressed: true})
	}
	if p.digit != 0 && !p.before {
		tell(Digit{Key: p.digit, Duration: p.duration})
	}
}
