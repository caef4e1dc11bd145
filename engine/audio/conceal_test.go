package audio

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// vowel is a voiced sound: a fundamental with harmonics.
func vowel(fundamental float64, rate, n int) []int16 {
	pcm := make([]int16, n)
	for i := range pcm {
		v := 0.0
		for h := 1; h <= 8; h++ {
			v += math.Sin(2*math.Pi*fundamental*float64(h*i)/float64(rate)+float64(h*h)) / float64(h)
		}
		pcm[i] = int16(3000 * v)
	}
	return pcm
}

// A lost frame of a steady voice is made up so that its first 10 ms are hardly different from what was lost, and it has no clicks at either end.
func TestConcealmentResemblesWhatWasLost(t *testing.T) {
	t.Parallel()
	for _, rate := range []int{8000, 16000} {
		for _, fundamental := range []float64{80, 110, 160, 210, 330} {
			t.Run(fmt.Sprint(rate, " ", fundamental), func(t *testing.T) {
				t.Parallel()
				whole := vowel(fundamental, rate, rate/2)
				frame := FrameLen(rate)
				var c concealer
				c.init(rate)
				heard := append([]int16(nil), whole...)
				for at := 0; at < len(heard); at += frame {
					if at == 10*frame {
						c.fill(heard[at : at+frame])
					} else {
						c.hear(heard[at : at+frame])
					}
				}
				var wrong, right float64
				lost := whole[10*frame:][:frame/2]
				for i, s := range lost {
					d := float64(heard[10*frame+i]) - float64(s)
					wrong, right = wrong+d*d, right+float64(s)*float64(s)
				}
				if snr := 10 * math.Log10(right/wrong); snr < 10 {
					t.Errorf("%.1f dB beside what was lost", snr)
				}
				steepest := 0
				for i := 1; i < len(whole); i++ {
					steepest = max(steepest, int(math.Abs(float64(whole[i])-float64(whole[i-1]))))
				}
				for i := 10*frame - 5; i < 11*frame+frame/2; i++ {
					if d := math.Abs(float64(heard[i]) - float64(heard[i-1])); d > 1.5*float64(steepest) {
						t.Errorf("a step of %.0f at %d, the voice has %d", d, i-10*frame, steepest)
					}
				}
				for i := 12 * frame; i < len(whole); i++ {
					if heard[i] != whole[i] {
						t.Fatal("what was not lost is changed")
					}
				}
			})
		}
	}
}

func TestConcealmentFadesToSilence(t *testing.T) {
	t.Parallel()
	var c concealer
	c.init(8000)
	c.hear(vowel(110, 8000, 800))
	last := Level(c.heard)
	for i := range 4 {
		frame := make([]int16, 160)
		c.fill(frame)
		level := Level(frame)
		if i > 0 && i < 3 && level > last-1 || i == 3 && level != Silence {
			t.Errorf("frame %d has %.0f dBov behind %.0f", i, level, last)
		}
		last = level
	}
}

// Whatever was heard, a concealer makes up something, in any pieces.
func TestConcealmentOfAnything(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(11, 11))
	var c concealer
	c.init(8000)
	for range 5000 {
		piece := make([]int16, r.IntN(500))
		for i := range piece {
			piece[i] = int16(r.IntN(65536) - 32768)
		}
		switch r.IntN(3) {
		case 0:
			c.fill(piece)
		case 1:
			c.skip(piece)
		case 2:
			c.hear(piece)
		}
	}
}

func BenchmarkConceal(b *testing.B) {
	var c concealer
	c.init(8000)
	frame := vowel(110, 8000, 160)
	lost := make([]int16, 160)
	b.ReportAllocs()
	for b.Loop() {
		c.hear(frame)
		c.fill(lost)
	}
}
