package media

import (
	"encoding/binary"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/sipscript/sipscript/engine/audio"
	"github.com/sipscript/sipscript/engine/media/description"
)

// voice implements Voice.
//
// What is asked of it is carried out by the thread that paces it, at its next tick: sources, sinks and all else that is called belong to that thread,
// and are called without any lock. What packets meet on their way is guarded by mu: it is taken behind relay.wiring, and behind it only those of the
// stream and of the pacer.
type voice struct {
	terminal *terminal
	pacer    *pacer

	mu      sync.Mutex
	line    *line    // nil: no m-line to speak on
	asked   []func() // for the next tick
	paced   bool     // the pacer has it
	closed  bool
	ears    *ears   // of what the peer says; nil: nobody listens
	passing passing // of what the terminal connected says to the peer
	keys    keys
	digits  func(Digit)
	pressed bool // a digit has begun and not ended
	heard   heardReport

	// Of the pacing thread.
	slot       int
	playing    performance
	background Source
	sinks      []*Sink
	taps       []*StereoSink
	speech     speech
	reports    reports
	detects    bool // digits are in the peer's voice, if anywhere, and somebody asks for them
	detector   *audio.DigitDetector
	detected   int     // at what rate
	member     *Member // in a room, whose thread serves the voice
	guest      bool    // that thread has it
	over       bool    // closed, and told
}

// performance is a source that plays.
type performance struct {
	source Source // nil: none, or it has no more
	done   func(played time.Duration)
	played time.Duration // of what the pacer has sent
	active bool
}

// Voice implements Backend.
func (r *Relay) Voice(t Terminal) (Voice, error) {
	own, err := r.own(t)
	if err != nil {
		return nil, err
	}
	r.wiring.Lock()
	defer r.wiring.Unlock()
	if own.closed {
		return nil, ErrClosed
	}
	if own.voice == nil {
		v := &voice{terminal: own, pacer: r.loop.pacer(own.id), slot: nowhere}
		if err := v.begin(r.config.Random); err != nil {
			return nil, err
		}
		own.voice = v
		v.settle(own.streams)
	}
	return own.voice, nil
}

// settle finds the m-line to speak on, the first one of audio: it is for who holds wiring, whenever something else is described.
func (v *voice) settle(streams []*stream) {
	var found *line
	for _, s := range streams {
		if s == nil {
			continue
		}
		if r := s.rules.Load(); found == nil && r != nil && !r.plain && r.kind == description.Audio {
			found = newLine(s, r)
			s.voice.Store(v)
		} else {
			s.voice.Store(nil)
		}
	}
	v.mu.Lock()
	v.line = found
	v.mu.Unlock()
}

// lose is told that a stream is going: nothing is sent on it from now on.
func (v *voice) lose(s *stream) {
	s.voice.Store(nil)
	v.mu.Lock()
	if v.line != nil && v.line.stream == s {
		v.line = nil
	}
	v.mu.Unlock()
}

// close is told that the terminal is closed: whoever waits for the end of something is told of it at the next tick.
func (v *voice) close() {
	v.mu.Lock()
	v.closed = true
	v.pace()
	v.mu.Unlock()
}

// ask has f carried out at the next tick; false: there will be none.
func (v *voice) ask(f func()) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.closed {
		return false
	}
	v.asked = append(v.asked, f)
	v.pace()
	return true
}

// pace has the pacer serve the voice; it is for who holds mu.
func (v *voice) pace() {
	if !v.paced && !v.over {
		v.paced = true
		v.pacer.take(v, v.slot)
	}
}

func (v *voice) Codec() (name string, rate int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.line == nil {
		return "", 0
	}
	return v.line.codec, v.line.rate
}

func (v *voice) Play(s Source, done func(played time.Duration)) {
	asked := v.ask(func() {
		v.finish()
		v.playing = performance{source: s, done: done, active: true}
		if s == nil {
			v.finish()
		}
	})
	if !asked && done != nil {
		done(0)
	}
}

func (v *voice) Interrupt() { v.Play(nil, nil) }

func (v *voice) Background(s Source) {
	v.ask(func() { v.background = s })
}

func (v *voice) Listen(k Sink) (stop func()) {
	at := &k
	v.ask(func() { v.sinks = append(v.sinks, at) })
	return func() {
		v.ask(func() { v.sinks = slices.DeleteFunc(v.sinks, func(other *Sink) bool { return other == at }) })
	}
}

func (v *voice) Tap(k StereoSink) (stop func()) {
	at := &k
	v.ask(func() { v.taps = append(v.taps, at) })
	return func() {
		v.ask(func() { v.taps = slices.DeleteFunc(v.taps, func(other *StereoSink) bool { return other == at }) })
	}
}

func (v *voice) Digits(f func(d Digit)) {
	v.mu.Lock()
	v.digits = f
	v.pace()
	v.mu.Unlock()
}

func (v *voice) SendDigits(digits string, each, gap time.Duration, done func()) {
	v.mu.Lock()
	closed := v.closed
	if !closed {
		v.keys.append(digits, each, gap, done)
		v.pace()
	}
	v.mu.Unlock()
	if closed && done != nil {
		done()
	}
}

// finish ends what plays, whose done is called when what the tick has made has left.
func (v *voice) finish() {
	played := v.playing.played + v.drop()
	if v.playing.active && v.playing.done != nil {
		done := v.playing.done
		v.pacer.done = append(v.pacer.done, func() { done(played) })
	}
	v.playing = performance{}
}

// speech is the RTP stream of this server's own (RFC 3550 §5.1). It goes on over all that is played, so that to the peer it is one.
type speech struct {
	ssrc      uint32
	sequence  uint16
	timestamp uint32
	clock     uint32
	last      int64 // when the last frame was due; 0: there was none
	paused    bool  // nothing was sent in it
	encoder   audio.Codec

	packets, octets uint32 // for sender reports
}

// begin draws what must not be guessed (RFC 3550 §5.1).
func (v *voice) begin(random io.Reader) error {
	var b [22]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return err
	}
	s := &v.speech
	s.ssrc = binary.BigEndian.Uint32(b[:])
	s.timestamp = binary.BigEndian.Uint32(b[4:])
	s.sequence = binary.BigEndian.Uint16(b[8:]) >> 1 // the upper half would bring SRTP to its first rollover before the peer has it right (RFC 3711 §3.3.1)
	v.reports.begin(b[10:])
	return nil
}
