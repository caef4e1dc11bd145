//go:build integration && linux

package integration

import (
	"math"
	"path/filepath"
	"testing"
	"time"
)

// window is how long a piece of a recording is that is searched for a tone: every tone here has a whole number of periods in it.
const window = 50 * time.Millisecond

// hearing is for how long a recording holds the tone of hz, purely: silence, noise and other tones do not count, and neither does what is quieter than
// a whisper.
func (r *recording) hearing(hz int) time.Duration {
	const purely, whisper = 0.8, 500
	n := r.rate * int(window) / int(time.Second)
	mono := make([]float64, 0, len(r.samples)/r.channels)
	for i := 0; i+r.channels <= len(r.samples); i += r.channels {
		mono = append(mono, float64(r.samples[i]))
	}
	var heard time.Duration
	for ; len(mono) >= n; mono = mono[n:] {
		share, level := tonal(mono[:n], float64(hz)/float64(r.rate))
		if level > whisper && share > purely {
			heard += window
		}
	}
	return heard
}

// tonal is which share of the energy of samples is in a tone, whose frequency is given in periods a sample, and the level of them all (root mean square).
// The share comes by Goertzel's algorithm: one bin of a Fourier transform.
func tonal(samples []float64, frequency float64) (share, level float64) {
	c := 2 * math.Cos(2*math.Pi*frequency)
	var energy, s1, s2 float64
	for _, x := range samples {
		energy += x * x
		s1, s2 = x+c*s1-s2, s1
	}
	n := float64(len(samples))
	if energy == 0 {
		return 0, 0
	}
	return 2 * (s1*s1 + s2*s2 - c*s1*s2) / (n * energy), math.Sqrt(energy / n)
}

// heard is for how long a stopped softphone has heard a tone, in all its calls.
func (p *baresip) heard(hz int) (total time.Duration) {
	p.t.Helper()
	p.stop()
	files, err := filepath.Glob(filepath.Join(p.dir, "recordings", "*dec*.wav"))
	if err != nil {
		p.t.Fatal(err)
	}
	for _, file := range files {
		total += readRecording(p.t, file).hearing(hz)
	}
	return total
}

// listens stops the softphone and fails the test unless it has heard the other's tone for at least that long.
func (p *baresip) listens(other *baresip, atLeast time.Duration) {
	p.t.Helper()
	heard := p.heard(other.tone)
	p.t.Logf("%s heard the %d Hz of %s for %s", p.user, other.tone, other.user, heard)
	if heard < atLeast {
		p.t.Errorf("%s heard the %d Hz of %s for %s, want %s", p.user, other.tone, other.user, heard, atLeast)
	}
}

// What says that a tone was heard must be able to say that it was not.
func TestHearingTellsTonesApart(t *testing.T) {
	t.Parallel()
	r := &recording{rate: 8000, channels: 1}
	for i := range 8000 {
		tone := 8000 * math.Sin(2*math.Pi*440*float64(i)/8000)
		if i >= 6000 {
			tone = 0
		}
		r.samples = append(r.samples, int16(tone))
	}
	if heard := r.hearing(440); heard != 750*time.Millisecond {
		t.Errorf("440 Hz heard for %s, want the 750 ms that it sounds", heard)
	}
	for _, other := range []int{420, 460, 700, 1000} {
		if heard := r.hearing(other); heard != 0 {
			t.Errorf("%d Hz heard for %s in a tone of 440 Hz", other, heard)
		}
	}
}
