package media

import (
	"encoding/binary"
	"math"
	"time"

	"github.com/sipscript/sipscript/engine/audio"
)

// passing is what comes from the terminal connected and passes on its way to the peer of a voice. A packet passes as it is, unless something plays: then
// its samples are decoded, what plays is mixed in, and it goes on with its header, so that the peer hears one stream before, meanwhile and
// after. Digits that this server sends take the place of packets.
//
// Where nothing comes to be mixed with, or what comes cannot be decoded, the pacer sends frames of this server's own instead.
type passing struct {
	at     int64   // when a packet has passed that could be mixed with
	over   bool    // something plays
	mixing *mixing // nil: nothing does
	ears   *ears   // of the taps
}

// silent is after how long without a packet the terminal connected counts as silent.
const silent = 100 * time.Millisecond

// ahead is how many frames wait for the packets that they are mixed with: what comes bunched by 40 ms finds all of them.
const ahead = 3

// mixing is what plays on its way into what is relayed.
type mixing struct {
	payload          uint8 // of what is relayed
	decoder, encoder audio.Codec
	rate             int // of queue
	queue            [ahead * mixFrame]int16
	n                int
	played           time.Duration // of what was in queue
	pcm              [6 * mixFrame]int16
}

// mixFrame is the longest frame that is mixed. Codecs of more than 16 kHz cannot be encoded here.
const mixFrame = 16000 / 50

// speaks reports whether the terminal connected is heard now.
func (p *passing) speaks(now int64) bool { return p.at != 0 && now-p.at < int64(silent) }

// pass is what becomes of an RTP packet in the clear that is relayed to the peer; nil: it goes no further. Any relay thread may call it.
func (v *voice) pass(now int64, b []byte) []byte {
	v.mu.Lock()
	defer v.mu.Unlock()
	l, p := v.line, &v.passing
	if l == nil {
		return b
	}
	h, _ := readRTP(b) // it was right when it came in
	f := formatOf(l.heard, h.payload)
	if f != nil && isEvent(f) {
		return b
	}
	if !p.over {
		p.at = now
		p.tap(now, l, &h, b)
		return b
	}
	m := p.mixing
	switch {
	case m != nil && m.takes(l, h.payload), m == nil && f != nil && encodable(f):
		p.at = now
	default:
		p.at = 0
		return nil // this server is heard instead
	}
	if m == nil {
		return b // the next frame is mixed with
	}
	if l.events != nil {
		v.keys.settle(l)
		if s := v.keys.step(l, h.timestamp); s.event {
			return s.replace(b, l)
		}
	}
	if body := h.body(b); body != nil {
		m.into(body)
	}
	p.tap(now, l, &h, b)
	return b
}

// part is told that nothing comes any more.
func (v *voice) part() {
	v.mu.Lock()
	v.passing.at = 0
	v.mu.Unlock()
}

// tap lets the taps hear a packet.
func (p *passing) tap(now int64, l *line, h *rtpHeader, b []byte) {
	if p.ears == nil {
		return
	}
	if body := h.body(b); body != nil {
		p.ears.put(now, l.heard, h, body)
	}
}

// replace puts an event in the place of what b holds.
func (s *step) replace(b []byte, l *line) []byte {
	b = append(b[:rtpFixed], s.body[:]...)
	b[0] = 0x80 // no padding, extension nor CSRCs
	b[1] = l.events.Payload
	if s.first {
		b[1] |= 0x80
	}
	binary.BigEndian.PutUint32(b[4:], s.begun)
	return b
}

// takes reports whether packets of a payload type can be mixed with.
func (m *mixing) takes(l *line, payload uint8) bool {
	if m.decoder != nil && m.payload == payload {
		return true
	}
	f := formatOf(l.heard, payload)
	if f == nil || !encodable(f) {
		return false
	}
	m.payload = payload
	m.decoder, _ = codecOf(f)
	m.encoder, _ = codecOf(f)
	if rate := m.decoder.Rate(); rate != m.rate {
		m.rate, m.n = rate, 0
	}
	return true
}

// into mixes what waits into a payload.
func (m *mixing) into(body []byte) {
	n, err := m.decoder.Decode(m.pcm[:], body)
	if err != nil {
		return
	}
	mixed := min(n, m.n)
	for i, add := range m.queue[:mixed] {
		m.pcm[i] = int16(min(max(int32(m.pcm[i])+int32(add), math.MinInt16), math.MaxInt16))
	}
	m.take(mixed)
	m.encoder.Encode(body, m.pcm[:n])
}

// take takes samples out of the queue, which have left.
func (m *mixing) take(n int) {
	m.n = copy(m.queue[:], m.queue[n:m.n])
	m.played += time.Duration(n) * time.Second / time.Duration(m.rate)
}

// drop forgets what waits to be mixed in, and says how much has been.
func (v *voice) drop() (played time.Duration) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if m := v.passing.mixing; m != nil {
		played = m.played
		m.played, m.n = 0, 0
	}
	return played
}
