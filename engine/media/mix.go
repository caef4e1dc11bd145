package media

import (
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sipscript/sipscript/engine/audio"
)

// Room is a conference: each member hears all others who talk, the loudest few of them. All members are served in one tick, by one relay thread,
// whichever threads their sockets are of; what several of them hear alike is encoded once. Any goroutine may call its methods, and none of them
// blocks; what they are given is called as with a Voice.
type Room struct {
	name string

	mu    sync.Mutex // a leaf but for that of a pacer
	relay *Relay     // of the first member
	pacer *pacer
	asked []func()
	paced bool

	// Of the thread.
	slot       int
	mixer      audio.Mixer
	members    []*Member
	playing    performance
	background Source
	sinks      []*Sink
	shared     []sharedFrame
	announced  []int16 // what plays in this frame
	sum        []int16 // what those hear who do not talk
	turn       uint64
}

// Member is a voice in a room.
type Member struct {
	room  *Room
	voice *voice
	muted atomic.Bool
	deaf  atomic.Bool
	talks atomic.Bool
	gain  atomic.Uint64 // factor, as bits of a float64

	// Of the thread of the room.
	line    *line
	seat    audio.Seat
	said    []int16
	convert *audio.Resampler
	from    int // the rate of convert
	rest    []int16
	gone    bool
}

// sharedFrame is what those hear alike who have one codec.
type sharedFrame struct {
	codec   string
	rate    int
	encoder audio.Codec
	convert *audio.Resampler
	from    int
	rest    []int16
	turn    uint64
	n       int
	body    [longestFrame - rtpFixed]byte
}

// NewRoom is a room without members. It needs no end: without members it holds nothing.
func NewRoom(name string) *Room { return &Room{name: name, slot: nowhere} }

// Join brings v into the room, from one of the next frames on. What plays to v alone is mixed over what it hears of the room; it is in one room at a time.
// The error wraps ErrUnsupported or ErrClosed, or is ErrForeign for a voice of another relay than that of the other members.
func (m *Room) Join(v Voice) (*Member, error) {
	own, ok := v.(*voice)
	if !ok {
		return nil, ErrUnsupported
	}
	m.mu.Lock()
	if m.relay == nil {
		m.relay = own.terminal.relay
		m.pacer = m.relay.loop.pacer(m.name)
	}
	foreign := m.relay != own.terminal.relay
	m.mu.Unlock()
	if foreign {
		return nil, ErrForeign
	}
	s := &Member{room: m, voice: own}
	s.Gain(0)
	if !own.ask(func() { own.member = s }) {
		return nil, ErrClosed
	}
	return s, nil
}

// Play plays s to everybody, over those who talk, in the place of what plays. done is as that of Voice.Play; it is called when the last member leaves,
// too. Before the first one has come it waits.
func (m *Room) Play(s Source, done func(played time.Duration)) {
	m.ask(func() {
		m.finish()
		m.playing = performance{source: s, done: done, active: true}
		if s == nil {
			m.finish()
		}
	})
}

// Background is heard while there are fewer than two members: music for whoever waits.
func (m *Room) Background(s Source) {
	m.ask(func() { m.background = s })
}

// Listen gives k what a member hears who does not talk, until stop is called, while there are members.
func (m *Room) Listen(k Sink) (stop func()) {
	at := &k
	m.ask(func() { m.sinks = append(m.sinks, at) })
	return func() {
		m.ask(func() { m.sinks = slices.DeleteFunc(m.sinks, func(other *Sink) bool { return other == at }) })
	}
}

// Mute keeps what the member says from the others.
func (s *Member) Mute(on bool) { s.muted.Store(on) }

// Deafen keeps what the others say from the member, but not what is played.
func (s *Member) Deafen(on bool) { s.deaf.Store(on) }

// Gain makes the member louder or softer to the others, by up to 20 dB.
func (s *Member) Gain(dB float64) {
	s.gain.Store(math.Float64bits(math.Pow(10, min(max(dB, -20), 20)/20)))
}

// Talks reports whether the member is one of those who are heard now.
func (s *Member) Talks() bool { return s.talks.Load() }

// Leave takes the member out of the room, from the next frame on.
func (s *Member) Leave() {
	s.voice.ask(func() {
		if s.voice.member == s {
			s.voice.member = nil
		}
	})
}

// ask has f carried out at the next tick.
func (m *Room) ask(f func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.asked = append(m.asked, f)
}

// enter is told that the thread of a voice that has joined gives it away.
func (m *Room) enter(s *Member) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.asked = append(m.asked, func() { m.members = append(m.members, s) })
	if !m.paced {
		m.paced = true
		m.pacer.take(m, m.slot)
	}
}

// tick serves the room for one frame: what was asked of it, what its members say, what each of them hears.
func (m *Room) tick(p *pacer, due int64) bool {
	m.slot = slotAt(due)
	m.turn++
	m.mu.Lock()
	asked := m.asked
	m.asked = nil
	m.mu.Unlock()
	for _, f := range asked {
		f()
	}
	rate := m.rate()
	n := audio.FrameLen(rate)
	m.listen(p, due, rate, n)
	m.play(rate, n)
	for _, k := range m.sinks {
		(*k).Write(m.sum, rate)
	}
	for _, s := range m.members {
		s.hear(p, due, rate, n)
	}
	m.members = slices.DeleteFunc(m.members, (*Member).leaves)
	return m.stays()
}

// rate is that of the best codec among the members.
func (m *Room) rate() int {
	best := listenRate
	for _, s := range m.members {
		if s.line != nil {
			best = max(best, s.line.rate)
		}
	}
	return best
}

// listen adds up what the members say.
func (m *Room) listen(p *pacer, due int64, rate, n int) {
	m.mixer.Begin(n)
	for _, s := range m.members {
		v := s.voice
		s.line = v.obey()
		if s.gone = v.over || v.member != s; s.gone {
			continue
		}
		v.expire(s.line, due)
		if cap(s.said) < n {
			s.said = make([]int16, n)
		}
		s.said = s.said[:n]
		v.listen(due, s.said, p.scratch.packet[:], rate)
		if s.line == nil || s.muted.Load() {
			s.talks.Store(false)
			continue
		}
		amplify(s.said, math.Float64frombits(s.gain.Load()))
		m.mixer.Add(&s.seat, s.said)
	}
	m.mixer.Mix()
}

// amplify makes a frame louder or softer.
func amplify(frame []int16, by float64) {
	if by == 1 {
		return
	}
	for i, v := range frame {
		frame[i] = int16(min(max(float64(v)*by, math.MinInt16), math.MaxInt16))
	}
}

// play makes what is played, and the sum that everybody hears who does not talk.
func (m *Room) play(rate, n int) {
	m.announced, m.sum = fit(m.announced, n), fit(m.sum, n)
	heard := 0
	switch {
	case m.playing.source != nil:
		heard = m.playing.source.Read(m.announced, rate)
		if heard > 0 {
			m.playing.played += audio.FrameTime
		}
		if heard < n {
			m.playing.source = nil
		}
	case m.playing.active:
		m.finish()
	case m.background != nil && len(m.members) < 2:
		if heard = m.background.Read(m.announced, rate); heard < n {
			m.background = nil
		}
	}
	clear(m.announced[heard:])
	all, _ := m.mixer.Heard(nil)
	add(m.sum, all, m.announced)
}

// fit is a frame of n samples, in the memory of s if that is enough.
func fit(s []int16, n int) []int16 {
	if cap(s) < n {
		return make([]int16, n)
	}
	return s[:n]
}

// add puts the sum of two frames into dst, which may be one of them.
func add(dst, a, b []int16) {
	for i := range dst {
		dst[i] = int16(min(max(int32(a[i])+int32(b[i]), math.MinInt16), math.MaxInt16))
	}
}

// finish ends what plays.
func (m *Room) finish() {
	if m.playing.active && m.playing.done != nil {
		done, played := m.playing.done, m.playing.played
		m.pacer.done = append(m.pacer.done, func() { done(played) })
	}
	m.playing = performance{}
}

// hear sends the member what it hears.
func (s *Member) hear(p *pacer, due int64, rate, n int) {
	if s.gone {
		return
	}
	m, v := s.room, s.voice
	s.talks.Store(s.seat.Talks() && !s.muted.Load())
	f := floor{room: m, member: s, frame: m.sum, rate: rate, shared: true}
	if s.deaf.Load() {
		f.frame, f.shared = m.announced, false
	} else if others, shared := m.mixer.Heard(&s.seat); !shared {
		f.frame, f.shared = p.scratch.mixed[:n], false
		add(f.frame, others, m.announced)
	}
	out := audio.FrameLen(rate)
	if s.line != nil && s.line.rate != 0 {
		out = audio.FrameLen(s.line.rate)
	}
	heard := p.scratch.heard[:out]
	v.say(p, due, s.line, heard, &f)
	v.reportTo(p, due, s.line)
	for _, k := range v.taps {
		f.fill(p.scratch.said[:out], s.said, out)
		(*k).Write(p.scratch.said[:out], heard, out*int(time.Second/audio.FrameTime))
	}
}

// leaves reports whether the member is gone, and gives its voice back to the thread of its sockets.
func (s *Member) leaves() bool {
	if !s.gone {
		return false
	}
	s.talks.Store(false)
	s.voice.back()
	return true
}

// stays reports whether anybody is left.
func (m *Room) stays() bool {
	if len(m.members) > 0 {
		return true
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.asked) > 0 {
		return true
	}
	m.finish()
	m.paced = false
	return false
}

// floor is what a member hears of the room in one frame, beneath what plays to it alone.
type floor struct {
	room   *Room
	member *Member
	frame  []int16
	rate   int
	shared bool // others hear the same
}

// fill puts samples of the room into a frame of another length, if need be.
func (f *floor) fill(dst, src []int16, n int) {
	if len(src) == n {
		copy(dst, src)
		return
	}
	for i := range dst { // of a tap: what is recorded of a member at another rate than the room's
		dst[i] = src[i*len(src)/n]
	}
}

// under puts what is heard of the room into frame, at the rate of the member's codec.
func (f *floor) under(frame []int16) {
	if len(f.frame) == len(frame) {
		copy(frame, f.frame)
		return
	}
	s := f.member
	to := len(frame) * int(time.Second/audio.FrameTime)
	if s.convert == nil || s.from != f.rate {
		s.convert, s.from, s.rest = audio.NewResampler(f.rate, to), f.rate, s.rest[:0]
	}
	s.rest = s.convert.Append(s.rest, f.frame)
	n := copy(frame, s.rest)
	clear(frame[n:])
	s.rest = slices.Delete(s.rest, 0, n)
}

// body is the payload of what many hear alike, encoded once for each codec.
func (m *Room) body(l *line, rate int) []byte {
	at := slices.IndexFunc(m.shared, func(f sharedFrame) bool { return f.codec == l.codec && f.rate == l.rate })
	if at < 0 {
		at = len(m.shared)
		m.shared = append(m.shared, sharedFrame{codec: l.codec, rate: l.rate, encoder: l.encoder()})
	}
	f := &m.shared[at]
	if f.turn != m.turn {
		f.turn = m.turn
		f.encode(m.sum, rate)
	}
	return f.body[:f.n]
}

func (f *sharedFrame) encode(frame []int16, rate int) {
	if rate == f.rate {
		f.n = f.encoder.Encode(f.body[:], frame)
		return
	}
	if f.convert == nil || f.from != rate {
		f.convert, f.from, f.rest = audio.NewResampler(rate, f.rate), rate, f.rest[:0]
	}
	f.rest = f.convert.Append(f.rest, frame)
	n := min(len(f.rest), audio.FrameLen(f.rate))
	f.n = f.encoder.Encode(f.body[:], f.rest[:n])
	f.rest = slices.Delete(f.rest, 0, n)
}
