package media

import (
	"encoding/binary"
	"time"

	"github.com/sipscript/sipscript/engine/audio"
)

// tick serves the voice for one frame: what was asked of it, what the peer says, what it hears. The pacer calls it.
func (v *voice) tick(p *pacer, due int64) bool {
	v.slot = slotAt(due)
	l := v.obey()
	if v.over {
		return false
	}
	if v.member != nil {
		v.give()
		return false
	}
	v.expire(l, due)
	rate := listenRate
	if l != nil && l.rate != 0 {
		rate = l.rate
	}
	n := audio.FrameLen(rate)
	said, heard := p.scratch.said[:n], p.scratch.heard[:n]
	v.listen(due, said, p.scratch.packet[:], rate)
	v.say(p, due, l, heard, nil)
	v.reportTo(p, due, l)
	for _, k := range v.taps {
		(*k).Write(said, heard, rate)
	}
	return v.stays()
}

// give hands the voice to the thread of the room that it has joined.
func (v *voice) give() {
	v.guest = true
	room := v.member.room
	v.mu.Lock()
	v.pacer = room.pacer
	v.mu.Unlock()
	room.enter(v.member)
}

// back hands it back, or to the next room.
func (v *voice) back() {
	v.guest = false
	if v.over {
		return
	}
	if v.member != nil {
		v.give()
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.pacer = v.terminal.relay.loop.pacer(v.terminal.id)
	v.pacer.take(v, v.slot)
}

// listenRate is that of what a peer says who is sent nothing.
const listenRate = 8000

// obey carries out what was asked, and yields what is agreed now.
func (v *voice) obey() *line {
	v.mu.Lock()
	asked, closed := v.asked, v.closed // behind closed nothing is asked any more
	v.asked = nil
	v.mu.Unlock()
	for _, f := range asked {
		f()
	}

	v.mu.Lock()
	v.keys.tell(v.pacer, closed)
	l := v.line
	v.detects = v.digits != nil && l != nil && l.events == nil
	v.ears = open(v.ears, v.detects || v.guest || len(v.sinks)+len(v.taps) > 0)
	v.passing.ears = open(v.passing.ears, len(v.taps) > 0)
	v.mu.Unlock()
	if closed {
		v.finish()
		v.mu.Lock()
		v.over, v.paced = true, false
		v.mu.Unlock()
	}
	return l
}

// stays reports whether there is anything to be done in the next frame.
func (v *voice) stays() bool {
	if v.playing.active || v.background != nil || v.listens() {
		return true
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.asked) > 0 || v.closed || v.keys.waiting() || v.pressed {
		return true
	}
	v.passing.over, v.passing.mixing = false, nil
	v.paced = false
	return false
}

// expire looks whether a digit has ended whose end has not come.
func (v *voice) expire(l *line, now int64) {
	if l == nil || !v.holds() {
		return
	}
	in := &l.stream.in
	in.mu.Lock()
	p := in.digits.expire(now)
	in.mu.Unlock()
	if p != (pressed{}) {
		l.stream.tell(news{pressed: p})
	}
}

// holds reports whether the peer holds a key.
func (v *voice) holds() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.pressed
}

// listen fills frame with what the peer says, and tells it whoever listens.
func (v *voice) listen(now int64, frame, between []int16, rate int) {
	if !v.listens() {
		return
	}
	v.mu.Lock()
	v.ears.read(now, frame, between, rate)
	tell := v.digits
	v.mu.Unlock()
	for _, k := range v.sinks {
		(*k).Write(frame, rate)
	}
	if !v.detects || tell == nil {
		v.detector = nil
		return
	}
	if v.detector == nil || v.detected != rate {
		v.detector, v.detected = audio.NewDigitDetector(rate), rate
	}
	for _, d := range v.detector.Write(frame) {
		tell(Digit{Key: d.Key, Pressed: !d.Released, Duration: d.Lasted})
	}
}

// listens reports whether anybody wants to know what the peer says.
func (v *voice) listens() bool { return v.detects || v.guest || len(v.sinks)+len(v.taps) > 0 }

// say makes the frame that the peer hears, and sends it unless it is relayed. For the taps it is in heard then.
func (v *voice) say(p *pacer, due int64, l *line, heard []int16, room *floor) {
	if l != nil && l.wants && l.codec == "" && v.playing.active {
		v.finish() // in a codec that this server does not have
	}
	v.mu.Lock()
	if l == nil || !l.wants {
		v.passing.over = false
		v.mu.Unlock()
		clear(heard)
		return
	}
	v.keys.settle(l)
	tones := l.events == nil && len(v.keys.queue) > 0
	over := v.playing.active || len(v.keys.queue) > 0
	v.passing.over = over
	speaks := v.passing.speaks(due)
	switch {
	case !over:
		v.passing.mixing = nil
	case speaks && v.passing.mixing == nil:
		v.passing.mixing = &mixing{rate: l.rate}
	}
	if speaks {
		if len(v.taps) > 0 {
			v.passing.ears.read(due, heard, p.scratch.packet[:], len(heard)*int(time.Second/audio.FrameTime))
		}
		v.mu.Unlock()
		if over {
			v.refill(p, l, tones)
		}
		return
	}
	v.mu.Unlock()
	clear(heard)
	if l.stream.ready() {
		v.alone(p, due, l, heard, room)
	}
}

// refill puts frames of what plays where packets that are relayed find them.
func (v *voice) refill(p *pacer, l *line, tones bool) {
	for range ahead {
		v.mu.Lock()
		m := v.passing.mixing
		rate, room := m.rate, ahead*audio.FrameLen(m.rate)-m.n
		v.mu.Unlock()
		frame := p.scratch.mixed[:audio.FrameLen(rate)]
		if room < len(frame) {
			return
		}
		if tones {
			v.mu.Lock()
			s := v.keys.step(l, 0)
			v.mu.Unlock()
			s.fill(frame, rate)
		} else if !v.play(frame, rate) {
			break
		}
		v.mu.Lock()
		if m.rate == rate && m.n+len(frame) <= len(m.queue) {
			m.n += copy(m.queue[m.n:], frame)
		}
		v.mu.Unlock()
	}
	if v.playing.active && v.playing.source == nil && v.drained() {
		v.finish()
	}
}

// drained reports whether all that was to be mixed in has been.
func (v *voice) drained() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.passing.mixing == nil || v.passing.mixing.n == 0
}

// play fills frame with what plays. It reports false when there is nothing more.
func (v *voice) play(frame []int16, rate int) bool {
	if v.playing.source == nil {
		return false
	}
	n := v.playing.source.Read(frame, rate)
	if n < len(frame) {
		v.playing.source = nil
	}
	clear(frame[n:])
	return n > 0
}

// alone sends a frame of this server's own.
func (v *voice) alone(p *pacer, due int64, l *line, frame []int16, room *floor) {
	first := v.speech.advance(due, l)
	v.mu.Lock()
	s := v.keys.step(l, v.speech.timestamp)
	busy := len(v.keys.queue) > 0
	waits := 0
	if m := v.passing.mixing; m != nil && !busy {
		if m.rate == l.rate {
			waits = copy(frame, m.queue[:min(m.n, len(frame))])
			m.take(waits)
		} else {
			m.n = 0
		}
	}
	v.mu.Unlock()
	switch {
	case s.event:
		v.speech.event(p, due, l, s)
		return
	case s.tone:
		s.fill(frame, l.rate)
	case busy:
		v.speech.pause()
		return
	case waits > 0:
	case v.perform(p, frame, l.rate, room):
	case room != nil && room.shared && len(v.taps) == 0 && l.codec != "":
		v.speech.body(p, due, l, first, room.room.body(l, room.rate))
		return
	case room != nil:
		room.under(frame)
	case !v.lull(frame, l.rate):
		v.speech.pause()
		return
	}
	if l.codec != "" {
		v.speech.frame(p, due, l, first, frame)
	}
}

// perform fills frame with what plays, over the room if there is one. It reports false when nothing does.
func (v *voice) perform(p *pacer, frame []int16, rate int, room *floor) bool {
	if !v.playing.active {
		return false
	}
	if !v.play(frame, rate) {
		v.finish()
		return false
	}
	v.playing.played += audio.FrameTime
	if room != nil {
		under := p.scratch.packet[:len(frame)]
		room.under(under)
		add(frame, frame, under)
	}
	return true
}

// lull fills frame with what is heard when nothing else is.
func (v *voice) lull(frame []int16, rate int) bool {
	if v.background == nil {
		return false
	}
	n := v.background.Read(frame, rate)
	if n < len(frame) {
		v.background = nil
	}
	clear(frame[n:])
	return n > 0
}

// ready reports whether a packet would find its way to the peer.
func (s *stream) ready() bool {
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	return s.out.rtp.IsValid() && s.out.rtp.Port() != 0 && (!s.out.secure || s.out.crypt.Load() != nil)
}

// advance brings the timestamp to the frame that is due, and reports whether it begins a talkspurt: nothing was sent in the frame before.
func (s *speech) advance(due int64, l *line) (first bool) {
	if s.clock != l.clock {
		s.clock = l.clock
		s.ssrc++ // timestamps of one source have one clock (RFC 7160 §4)
		s.paused = true
	}
	elapsed := due - s.last
	switch {
	case s.last == 0:
		first = true
	case elapsed <= int64(audio.FrameTime):
		s.timestamp += l.frame()
	default:
		s.timestamp += uint32(elapsed / int64(time.Microsecond) * int64(l.clock) / int64(time.Second/time.Microsecond))
		first = true
	}
	first = first || s.paused
	s.last, s.paused = due, false
	return first
}

// pause notes that nothing was sent in a frame.
func (s *speech) pause() { s.paused = true }

// frame sends samples.
func (s *speech) frame(p *pacer, due int64, l *line, first bool, frame []int16) {
	if s.encoder == nil || s.encoder.Name() != l.codec || s.encoder.Rate() != l.rate {
		s.encoder = l.encoder()
	}
	b := p.out.buffer()[:longestFrame]
	n := s.encoder.Encode(b[rtpFixed:], frame)
	s.leave(p, due, l, b[:rtpFixed+n], l.payload, first, s.timestamp)
}

// body sends a payload.
func (s *speech) body(p *pacer, due int64, l *line, first bool, body []byte) {
	b := p.out.buffer()[:rtpFixed+len(body)]
	copy(b[rtpFixed:], body)
	s.leave(p, due, l, b, l.payload, first, s.timestamp)
}

// event sends a packet of a telephone-event.
func (s *speech) event(p *pacer, due int64, l *line, st step) {
	b := p.out.buffer()[:rtpFixed+len(st.body)]
	copy(b[rtpFixed:], st.body[:])
	s.leave(p, due, l, b, l.events.Payload, st.first, st.begun)
	s.paused = true // what follows is another talkspurt
}

// leave puts the header before a packet, and has it sent.
func (s *speech) leave(p *pacer, due int64, l *line, b []byte, payload uint8, marker bool, timestamp uint32) {
	b[0], b[1] = 0x80, payload
	if marker {
		b[1] |= 0x80
	}
	binary.BigEndian.PutUint16(b[2:], s.sequence)
	binary.BigEndian.PutUint32(b[4:], timestamp)
	binary.BigEndian.PutUint32(b[8:], s.ssrc)
	s.sequence++
	s.packets++
	s.octets += uint32(len(b) - rtpFixed)
	if out, err := l.stream.pass(due, rtpPacket, b); err == nil {
		p.out.add(out)
	}
}
