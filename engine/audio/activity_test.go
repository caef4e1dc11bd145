package audio

import (
	"math/rand/v2"
	"testing"
	"time"
)

// line returns a frame of noise of a level in dBm0, with a voice in it unless that is 0.
func line(r *rand.Rand, noise, voice float64) []int16 {
	frame := make([]int16, 160)
	if voice != 0 {
		frame = speak(5, voice)
	}
	deviation := amplitude(noise) / 1.414
	for i := range frame {
		frame[i] += int16(deviation * r.NormFloat64())
	}
	return frame
}

func TestActivityTellsSpeechFromNoise(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name         string
		activity     Activity
		noise, voice float64 // dBm0
		want         bool
	}{
		{"loud voice, quiet line", Activity{}, -70, -15, true},
		{"faint voice, quiet line", Activity{}, -70, -38, true},
		{"voice on a noisy line", Activity{}, -40, -25, true},
		{"voice under the noise", Activity{}, -30, -40, false},
		{"only noise", Activity{}, -40, 0, false},
		{"only loud noise", Activity{}, -28, 0, false},
		{"digital silence", Activity{}, -100, 0, false},
		{"over a given level", Activity{Threshold: -40}, -70, -30, true},
		{"under a given level", Activity{Threshold: -40}, -70, -36, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(8, 8))
			a := test.activity
			for range 150 {
				a.Write(line(r, test.noise, 0))
			}
			if a.Write(line(r, test.noise, 0)) {
				t.Error("three seconds of the line alone are speech")
			}
			speech := 0
			for i := range 100 {
				voice := test.voice
				if i%25 > 20 {
					voice = 0 // between two words
				}
				if a.Write(line(r, test.noise, voice)) {
					speech++
				}
			}
			if test.want && speech != 100 || !test.want && speech != 0 {
				t.Errorf("%d of 100 frames are speech", speech)
			}
		})
	}
}

func TestActivityHangsOver(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		asked, want time.Duration
	}{{0, 200 * ms}, {60 * ms, 60 * ms}, {500 * ms, 500 * ms}} {
		r := rand.New(rand.NewPCG(9, 9))
		a := Activity{Hangover: test.asked}
		for range 100 {
			a.Write(line(r, -70, 0))
		}
		a.Write(line(r, -70, -15))
		if a.Silent() != 0 {
			t.Errorf("silent for %v in speech", a.Silent())
		}
		held := time.Duration(0)
		for a.Write(line(r, -70, 0)) {
			held += FrameTime
		}
		if held != test.want || a.Silent() != test.want+FrameTime {
			t.Errorf("held for %v, want %v; silent for %v", held, test.want, a.Silent())
		}
	}
}

// Noise that sets in in the middle of a call is known for noise two seconds later, so that a recording ends all the same.
func TestActivityLearnsNoise(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(10, 10))
	var a Activity
	for range 200 {
		a.Write(line(r, -70, 0))
	}
	if !a.Write(line(r, -45, 0)) {
		t.Error("not even noticed")
	}
	for range 120 {
		a.Write(line(r, -45, 0))
	}
	if a.Write(line(r, -45, 0)) {
		t.Error("still speech")
	}
}

// Somebody who talks without a pause is not taken for noise.
func TestActivityHearsWhoNeverPauses(t *testing.T) {
	t.Parallel()
	var a Activity
	for i := range 1000 {
		if !a.Write(speak(5, -15)) {
			t.Fatalf("frame %d is silence", i)
		}
	}
}

func BenchmarkActivity(b *testing.B) {
	var a Activity
	frame := speak(5, -20)
	b.ReportAllocs()
	for b.Loop() {
		a.Write(frame)
	}
}
