package audio

import (
	"math"
	"slices"
	"time"
)

// ToneLevel is the level in dBm0 of a tone that asks for no other. All frequencies of a step share it: it is the power of their sum.
const ToneLevel = -13.0

// Tone is a signal made of sines: a cycle of steps that is heard once, some times, or for ever. It is a value that is never written again; what
// plays it is its [Tone.Source].
type Tone struct {
	steps []step
	times int
}

// step is one element of a tone's cycle.
type step struct {
	sines []sine
	lasts time.Duration // 0: for ever
}

// sine is one component of a step.
type sine struct {
	frequency  float64 // Hz
	modulation float64 // Hz, of its amplitude; 0: none
	level      float64 // dBm0
}

// Times returns the tone with its cycle heard n times; 0 is for ever.
func (t Tone) Times(n int) Tone {
	t.times = max(0, n)
	return t
}

// Repeats returns how often the cycle is heard; 0 is for ever.
func (t Tone) Repeats() int { return t.times }

// Duration returns how long the tone is heard, 0 for one that never ends.
func (t Tone) Duration() time.Duration {
	var cycle time.Duration
	for _, s := range t.steps {
		if s.lasts == 0 {
			return 0
		}
		cycle += s.lasts
	}
	return cycle * time.Duration(t.times)
}

// At returns the tone with the level of each step in dBm0.
func (t Tone) At(dBm0 float64) Tone {
	steps := slices.Clone(t.steps)
	for i := range steps {
		steps[i] = steps[i].at(dBm0)
	}
	t.steps = steps
	return t
}

// at gives each sine of a step its share of the power.
func (s step) at(dBm0 float64) step {
	s.sines = slices.Clone(s.sines)
	for i := range s.sines {
		s.sines[i].level = dBm0 - 10*math.Log10(float64(len(s.sines)))
	}
	return s
}

// Source returns what plays the tone from its beginning. It allocates here and not when it is read.
func (t Tone) Source() *ToneSource { return &ToneSource{tone: t} }
