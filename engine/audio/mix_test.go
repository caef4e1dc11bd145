package audio

import (
	"fmt"
	"math"
	"testing"
)

// speak returns a frame of a sine of a level in dBm0, which has that many turns in the frame.
func speak(turns int, level float64) []int16 {
	frame := make([]int16, 160)
	for i := range frame {
		frame[i] = int16(math.Round(amplitude(level) * math.Sin(2*math.Pi*float64(turns*i)/160)))
	}
	return frame
}

// conference mixes so many frames, in which each member says the same, and returns what was heard by each in the last one, and by a listener.
func conference(m *Mixer, frames int, said ...[]int16) (heard [][]int16, listener []int16) {
	seats := make([]Seat, len(said))
	for range frames {
		m.Begin(160)
		for i, frame := range said {
			if frame != nil {
				m.Add(&seats[i], frame)
			}
		}
		m.Mix()
	}
	for i := range seats {
		frame, _ := m.Heard(&seats[i])
		heard = append(heard, append([]int16(nil), frame...))
	}
	frame, _ := m.Heard(nil)
	return heard, append([]int16(nil), frame...)
}

// turns tells by the spectrum who is in a frame: those of so many turns.
func turns(frame []int16) string {
	var in []int
	for n := 1; n < 60; n++ {
		var re, im float64
		for i, s := range frame {
			y, x := math.Sincos(2 * math.Pi * float64(n*i) / 160)
			re, im = re+float64(s)*x, im+float64(s)*y
		}
		if math.Hypot(re, im)/80 > 60 {
			in = append(in, n)
		}
	}
	return fmt.Sprint(in)
}

func TestMixerGivesEachAllOthers(t *testing.T) {
	t.Parallel()
	m := new(Mixer)
	heard, listener := conference(m, 3, speak(5, -20), speak(11, -20), speak(17, -20), nil, speak(23, -90))
	for i, want := range []string{"[11 17]", "[5 17]", "[5 11]", "[5 11 17]", "[5 11 17]"} {
		if got := turns(heard[i]); got != want {
			t.Errorf("member %d hears %s, want %s", i, got, want)
		}
	}
	if got := turns(listener); got != "[5 11 17]" {
		t.Errorf("a listener hears %s", got)
	}
}

func TestMixerLetsTheLoudestBeHeard(t *testing.T) {
	t.Parallel()
	said := [][]int16{speak(3, -40), speak(5, -20), speak(7, -30), speak(11, -22), speak(13, -24), speak(17, -26), speak(19, -28)}
	for most, want := range map[int]string{0: "[5 11 13 17]", 1: "[5]", 2: "[5 11]", 5: "[5 11 13 17 19]", 9: "[3 5 7 11 13 17 19]"} {
		if _, listener := conference(&Mixer{Most: most}, 3, said...); turns(listener) != want {
			t.Errorf("of most %d, %s are heard, want %s", most, turns(listener), want)
		}
	}
}

// Of two who are about as loud, the one who is heard stays; one who is clearly louder takes his place.
func TestMixerKeepsWhoIsHeard(t *testing.T) {
	t.Parallel()
	m := &Mixer{Most: 1}
	var a, b Seat
	step := func(levelA, levelB float64) (bool, bool) {
		m.Begin(160)
		m.Add(&a, speak(5, levelA))
		m.Add(&b, speak(7, levelB))
		m.Mix()
		return a.Talks(), b.Talks()
	}
	step(-20, -90)
	for i := range 100 {
		if inA, inB := step(-20, -18-float64(i%3)); !inA || inB {
			t.Fatalf("frame %d: %v %v", i, inA, inB)
		}
	}
	if inA, inB := step(-20, -15); inA || !inB {
		t.Fatalf("the louder one is not heard: %v %v", inA, inB)
	}
	// A pause between two words costs nobody his place.
	for i := range 10 {
		if inA, inB := step(-23, -90); inA || !inB {
			t.Fatalf("frame %d of the pause: %v %v", i, inA, inB)
		}
	}
	for range 50 {
		step(-23, -90)
	}
	if inA, inB := step(-23, -90); !inA || inB {
		t.Fatalf("who has fallen silent keeps his place: %v %v", inA, inB)
	}
}

// Who begins or ceases to be heard does so without a step.
func TestMixerFades(t *testing.T) {
	t.Parallel()
	m := &Mixer{Most: 1}
	var a, b Seat
	flat := make([]int16, 160)
	for i := range flat {
		flat[i] = 1000
	}
	last := int16(0)
	for turn := range 60 {
		m.Begin(160)
		m.Add(&a, flat)
		if turn >= 20 && turn < 40 {
			m.Add(&b, speak(1, -2))
		}
		m.Mix()
		frame, _ := m.Heard(nil)
		for i, s := range frame {
			// A quarter of a frame for 1000 is 25 a sample; the sine itself has 1000.
			if d := int(s) - int(last); (turn < 20 && (d < -26 || d > 26)) || d < -1200 || d > 1200 {
				t.Fatalf("a step of %d in frame %d at %d", d, turn, i)
			}
			last = s
		}
	}
}

// The loudest that can be said by many bends, and does not wrap or crack.
func TestMixerLimits(t *testing.T) {
	t.Parallel()
	loudest := make([]int16, 160)
	for i := range loudest {
		loudest[i] = int16(32767 * math.Sin(2*math.Pi*float64(i)/160))
	}
	heard, listener := conference(&Mixer{Most: 5}, 3, loudest, loudest, loudest, loudest, loudest)
	for i := range 79 {
		if (i < 40) != (listener[i+1] > listener[i]) || listener[i] < 0 {
			t.Fatalf("sample %d: %d, then %d", i, listener[i], listener[i+1])
		}
	}
	if turns(heard[0])[:2] != "[1" {
		t.Errorf("hears %s", turns(heard[0]))
	}
	// A single voice stays as it was.
	if _, alone := conference(new(Mixer), 3, loudest); fmt.Sprint(alone) != fmt.Sprint(loudest) {
		t.Error("a single voice is changed")
	}
	for v := int32(-200000); v < 200000; v += 7 {
		var a, b [1]int16
		limit(a[:], []int32{v})
		limit(b[:], []int32{v + 7})
		if b[0] < a[0] || (v > -knee && v < knee-7 && int32(a[0]) != v) {
			t.Fatalf("%d becomes %d, %d becomes %d", v, a[0], v+7, b[0])
		}
	}
}

// Everybody who is not heard hears the same frame, which need be encoded once.
func TestMixerSharesTheSum(t *testing.T) {
	t.Parallel()
	m := new(Mixer)
	seats := make([]Seat, 100)
	for range 3 {
		m.Begin(160)
		for i := range seats {
			level := -80.0
			if i%20 == 0 {
				level = -20
			}
			m.Add(&seats[i], speak(1+i%20, level))
		}
		m.Mix()
	}
	own := 0
	first, _ := m.Heard(nil)
	for i := range seats {
		frame, shared := m.Heard(&seats[i])
		if shared != (&frame[0] == &first[0]) || shared == seats[i].Talks() {
			t.Errorf("member %d: shared %v, talks %v", i, shared, seats[i].Talks())
		}
		if !shared {
			own++
		}
	}
	if own != Talkers {
		t.Errorf("%d hear a frame of their own, want %d", own, Talkers)
	}
}

func TestMixingAllocatesNothing(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector allocates")
	}
	mix := room(100, 5)
	mix()
	if n := testing.AllocsPerRun(20, mix); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// room returns one frame of a conference.
func room(members, talkers int) func() {
	m := &Mixer{Most: 5}
	seats := make([]Seat, members)
	voice, noise := speak(5, -20), speak(3, -62)
	return func() {
		m.Begin(160)
		for i := range seats {
			said := noise
			if i < talkers {
				said = voice
			}
			m.Add(&seats[i], said)
		}
		m.Mix()
		for i := range seats {
			m.Heard(&seats[i])
		}
	}
}

func BenchmarkMixer(b *testing.B) {
	for _, members := range []int{3, 100} {
		b.Run(fmt.Sprint(members), func(b *testing.B) {
			mix := room(members, min(members, 5))
			b.ReportAllocs()
			for b.Loop() {
				mix()
			}
		})
	}
}
