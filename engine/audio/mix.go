package audio

import "math"

// Talkers is how many members a mixer lets be heard at once where its owner asks for no other number. People cannot follow more, and each further
// microphone adds the noise of its room.
const Talkers = 4

const (
	// quiet is the level in dBov below which nobody is heard: a room, not a voice.
	quiet = -60.0
	// lead is by how many dB somebody has to be louder than one who is heard, to be heard in his place. Without it two equally loud ones would cut each
	// other to pieces.
	lead = 3.0
	// fall is by how many dB loudness goes down in a frame of silence, so that a talker keeps his place between two words.
	fall = 0.6
)

// Mixer makes of what members say what each of them hears: the sum of all others (N−1), where only the loudest count. It is used once a frame:
// [Mixer.Begin], [Mixer.Add] for each member who says something, [Mixer.Mix], then [Mixer.Heard] for each member. All frames have one rate. It
// belongs to one goroutine, and allocates nothing once it has seen as many members as there are.
//
// The sum of all talkers is made once, and is what every member hears who is not one of them: a conference of 100 costs little more than its talkers.
type Mixer struct {
	// Most is how many members are heard at once; 0 means Talkers.
	Most int

	turn    uint64
	present []*Seat // in the order in which they were added
	best    []*Seat // the loudest of them, loudest first
	mixed   []*Seat // those who are in the sum, also while they fade out
	sum     []int32
	all     []int16
	others  [][]int16 // what each of mixed hears
}

// Seat is one member's place in a mixer: how loud he has been, and whether he is heard. The zero value is that of somebody who has just come. It is
// in one mixer at a time.
type Seat struct {
	said     []int16
	turn     uint64  // of the frame that he was added in
	wins     uint64  // the last turn in which he was one of the loudest
	loudness float64 // dBov, falling slowly
	place    int     // in Mixer.mixed, while fade says that he is there
	fade     fade
}

// fade is what becomes of a member in one frame.
type fade uint8

const (
	out fade = iota
	fadingIn
	in
	fadingOut
)

// Talks reports whether the member is one of those who are heard.
func (s *Seat) Talks() bool { return s.fade == fadingIn || s.fade == in }

// Begin begins a frame of so many samples. What was heard in the last one is gone.
func (m *Mixer) Begin(samples int) {
	if m.turn == 0 {
		m.turn = 1 // so that a new seat was in no turn
	}
	m.turn++
	m.present = m.present[:0]
	m.sum, m.all = resize(m.sum, samples), resize(m.all, samples)
}

func resize[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}

// Add says what a member says in this frame. The samples are as many as Begin was told; they are not copied, and must not change before the last
// [Mixer.Heard] of the frame. Who says nothing, as he is muted, is not added.
func (m *Mixer) Add(s *Seat, said []int16) {
	level := Level(said)
	if s.turn != m.turn-1 {
		s.fade, s.loudness = out, level
	}
	s.said, s.turn = said[:len(m.sum)], m.turn
	s.loudness = max(level, s.loudness-fall)
	m.present = append(m.present, s)
}

// Mix chooses who is heard and adds them up.
func (m *Mixer) Mix() {
	m.choose()
	clear(m.sum)
	m.mixed = m.mixed[:0]
	for _, s := range m.present {
		if s.fade != out {
			s.place = len(m.mixed)
			m.mixed = append(m.mixed, s)
			s.add(m.sum, 1)
		}
	}
	settle(m.all, m.sum, len(m.mixed))
}

// choose moves each member one step towards being heard or not.
func (m *Mixer) choose() {
	most := m.Most
	if most <= 0 {
		most = Talkers
	}
	m.best = m.best[:0]
	for _, s := range m.present {
		if s.loudness >= quiet {
			m.enter(s, most)
		}
	}
	for _, s := range m.best {
		s.wins = m.turn
	}
	for _, s := range m.present {
		switch wins := s.wins == m.turn; {
		case wins && s.Talks():
			s.fade = in
		case wins:
			s.fade = fadingIn
		case s.Talks():
			s.fade = fadingOut
		default:
			s.fade = out
		}
	}
}

// enter puts a member at its place in the list of the loudest. Of two equal ones the first stays first.
func (m *Mixer) enter(s *Seat, most int) {
	if len(m.best) < most {
		m.best = append(m.best, s)
	} else if last := len(m.best) - 1; m.best[last].rank() < s.rank() {
		m.best[last] = s
	} else {
		return
	}
	for i := len(m.best) - 1; i > 0 && m.best[i-1].rank() < s.rank(); i-- {
		m.best[i-1], m.best[i] = m.best[i], m.best[i-1]
	}
}

// rank is what members are compared by.
func (s *Seat) rank() float64 {
	if s.Talks() {
		return s.loudness + lead
	}
	return s.loudness
}

// Heard returns what a member hears in this frame: all who are heard but himself. It reports whether this is the frame that everybody hears who is
// not heard himself, so that it need be encoded once. The frame is valid until the next Begin and must not be changed. A nil seat is a listener.
func (m *Mixer) Heard(s *Seat) (frame []int16, shared bool) {
	if s == nil || s.turn != m.turn || s.fade == out {
		return m.all, true
	}
	for len(m.others) <= s.place {
		m.others = append(m.others, nil)
	}
	m.others[s.place] = resize(m.others[s.place], len(m.sum))
	s.add(m.sum, -1)
	settle(m.others[s.place], m.sum, len(m.mixed)-1)
	s.add(m.sum, 1)
	return m.others[s.place], false
}

// add adds what the member says to a sum, or takes it away again.
func (s *Seat) add(sum []int32, sign int32) {
	if s.fade == in {
		for i, v := range s.said {
			sum[i] += sign * int32(v)
		}
		return
	}
	// Somebody who comes or goes does so in 5 ms: at once would be a click.
	ramp := int32(max(1, len(s.said)/4))
	for i, v := range s.said {
		gain := min(int32(i), ramp)
		if s.fade == fadingOut {
			gain = ramp - gain
		}
		sum[i] += sign * (int32(v) * gain / ramp)
	}
}

// knee is where the limiter begins: 3 dB below the loudest sample.
const knee = 23197

// settle turns the sum of so many voices into samples. A single one stays as it is.
func settle(dst []int16, sum []int32, voices int) {
	if voices > 1 {
		limit(dst, sum)
		return
	}
	for i, v := range sum {
		dst[i] = int16(v)
	}
}

// limit turns sums into samples. Up to the knee nothing changes; above it the curve bends, steadily, towards the loudest sample, which only an infinite
// sum would reach. To cut sums off would be heard as crackle whenever two members laugh.
func limit(dst []int16, sum []int32) {
	const room = math.MaxInt16 - knee
	for i, v := range sum {
		switch {
		case v > knee:
			over := int64(v) - knee
			v = knee + int32(over*room/(over+room))
		case v < -knee:
			over := -int64(v) - knee
			v = -knee - int32(over*room/(over+room))
		}
		dst[i] = int16(v)
	}
}
