package audio

import (
	"math"
	"slices"
	"time"
)

// edge is the length of the ramp at both ends of a step. A sine that begins or ends at once is heard as a click, and is energy at all frequencies to
// whoever listens for digits: ITU-T Q.23 §6 therefore has a limit for what stands beside the two sines.
const edge = 4 * time.Millisecond

// depth is the share of its amplitude by which a modulated sine goes up and down.
const depth = 0.9

// ToneSource plays a tone. It belongs to one goroutine at a time and allocates nothing.
type ToneSource struct {
	tone  Tone
	rate  int
	step  int // the one that is heard
	cycle int // how many are over
	at    int // samples of the step that were heard
	// phases are those of the step's sines and of their modulations, in turns. They go on into the next step where that one sounds the same.
	phases [maxSines]struct{ sine, modulation float64 }
}

// Read fills frame with the next samples at rate Hz and returns how many they are: fewer than the frame has when the tone is over, and 0 from
// then on.
func (s *ToneSource) Read(frame []int16, rate int) int {
	if rate != s.rate {
		if s.rate != 0 {
			s.at = s.at * rate / s.rate
		}
		s.rate = rate
	}
	n := 0
	for n < len(frame) && !s.over() {
		length := s.length()
		block := frame[n:min(n+MaxFrame, len(frame))]
		if length > 0 {
			block = block[:max(0, min(len(block), length-s.at))]
		}
		s.fill(block, length)
		n += len(block)
		s.at += len(block)
		if length > 0 && s.at >= length {
			s.next()
		}
	}
	return n
}

func (s *ToneSource) over() bool {
	return len(s.tone.steps) == 0 || s.tone.times > 0 && s.cycle >= s.tone.times
}

func (s *ToneSource) samples(d time.Duration) int {
	return int(d * time.Duration(s.rate) / time.Second)
}

// length returns the samples of the step that is heard, 0 for one without an end.
func (s *ToneSource) length() int { return s.samples(s.tone.steps[s.step].lasts) }

func (s *ToneSource) next() {
	before := s.step
	s.at = 0
	if s.step++; s.step == len(s.tone.steps) {
		s.step = 0
		s.cycle++
	}
	if !s.alike(before, s.step) {
		clear(s.phases[:])
	}
}

// alike reports whether two steps sound the same, so that no edge is heard between them.
func (s *ToneSource) alike(a, b int) bool {
	return slices.Equal(s.tone.steps[a].sines, s.tone.steps[b].sines)
}

// edges reports whether the step that is heard rises from silence, and whether it falls to it.
func (s *ToneSource) edges() (rises, falls bool) {
	last := len(s.tone.steps) - 1
	before, behind := s.step-1, s.step+1
	first, final := false, false
	if s.step == 0 {
		before, first = last, s.cycle == 0
	}
	if s.step == last {
		behind, final = 0, s.tone.times > 0 && s.cycle == s.tone.times-1
	}
	return first || !s.alike(before, s.step), final || !s.alike(s.step, behind)
}

// fill writes the next samples of a step of that length, and does not count them.
func (s *ToneSource) fill(block []int16, length int) {
	sines := s.tone.steps[s.step].sines
	if len(sines) == 0 {
		clear(block)
		return
	}
	var sum [MaxFrame]float64
	for i := range sines {
		s.add(sum[:len(block)], i)
	}
	rises, falls := s.edges()
	ramp := s.samples(edge)
	if length > 0 {
		ramp = min(ramp, length/2)
	}
	for i, v := range sum[:len(block)] {
		switch at := s.at + i; {
		case rises && at < ramp:
			v *= rise(at, ramp)
		case falls && length > 0 && at >= length-ramp:
			v *= rise(length-1-at, ramp)
		}
		block[i] = sample(v)
	}
}

// add adds the next samples of one sine. The sine and its modulation are phasors, turned from sample to sample and made anew for each block, so that
// no error adds up.
func (s *ToneSource) add(sum []float64, i int) {
	sine, phase := s.tone.steps[s.step].sines[i], &s.phases[i]
	loud := amplitude(sine.level)
	if sine.modulation == 0 {
		y, x := math.Sincos(2 * math.Pi * phase.sine)
		dy, dx := math.Sincos(2 * math.Pi * sine.frequency / float64(s.rate))
		for j := range sum {
			sum[j] += loud * y
			x, y = x*dx-y*dy, x*dy+y*dx
		}
	} else {
		loud /= math.Sqrt(1 + depth*depth/2) // the power is the one that was asked for
		for j := range sum {
			t := float64(j) / float64(s.rate)
			envelope := 1 + depth*math.Sin(2*math.Pi*(phase.modulation+sine.modulation*t))
			sum[j] += loud * envelope * math.Sin(2*math.Pi*(phase.sine+sine.frequency*t))
		}
	}
	t := float64(len(sum)) / float64(s.rate)
	_, phase.sine = math.Modf(phase.sine + sine.frequency*t)
	_, phase.modulation = math.Modf(phase.modulation + sine.modulation*t)
}

// rise returns the raised cosine that goes from 0 to 1 in so many samples.
func rise(at, ramp int) float64 { return 0.5 - 0.5*math.Cos(math.Pi*(float64(at)+0.5)/float64(ramp)) }

// sample rounds to the nearest sample there is.
func sample(v float64) int16 {
	if v < 0 {
		return int16(max(math.MinInt16, int(v-0.5)))
	}
	return int16(min(math.MaxInt16, int(v+0.5)))
}
