package audio

import (
	"math"
	"time"
)

const (
	windowTime = 16 * time.Millisecond
	hopTime    = 5 * time.Millisecond
)

// digitBank has the coefficients of the eight filters of a detector at one rate. They are windowed Fourier transforms at the frequencies of the digits, the
// Goertzel algorithm's result but over a Hann window: that has no side lobes which would let one group's tone leak into the other's filters, so that what is
// measured of each is true at any twist.
//
// A window is 16 ms, 128 samples at 8 kHz: short enough to know a digit of 40 ms from one of 23 ms, and long enough that neighbouring frequencies differ.
// Sines and cosines are those of time from its middle, so that each sample is multiplied with its mirror image's at once.
type digitBank struct {
	rate, hop, half int                           // samples a second, between two windows, and of half a window
	taps            [8][]struct{ re, im float32 } // half of each filter, from the middle on
	weights         []float32                     // half of the window
	turn            [8]complex64                  // by which the phase of each filter's own frequency is behind after a hop
}

// Two rates are what calls have. Any other is made when it is asked for.
var (
	narrowBank = newDigitBank(8000)
	wideBank   = newDigitBank(16000)
)

func digitBankFor(rate int) *digitBank {
	switch rate {
	case 8000:
		return narrowBank
	case 16000:
		return wideBank
	}
	return newDigitBank(rate)
}

func newDigitBank(rate int) *digitBank {
	b := &digitBank{rate: rate, hop: rate / int(time.Second/hopTime), half: int(windowTime/2) * rate / int(time.Second)}
	b.weights = make([]float32, b.half)
	total := 0.0
	for k := range b.weights {
		w := 0.5 + 0.5*math.Cos(math.Pi*(float64(k)+0.5)/float64(b.half))
		b.weights[k] = float32(w)
		total += 2 * w
	}
	for k := range b.weights {
		b.weights[k] /= float32(total)
	}
	for i := range b.taps {
		f := digitTone(i)
		b.taps[i] = make([]struct{ re, im float32 }, b.half)
		for k := range b.half {
			y, x := math.Sincos(2 * math.Pi * f * (float64(k) + 0.5) / float64(rate))
			b.taps[i][k].re = b.weights[k] * float32(x)
			b.taps[i][k].im = -b.weights[k] * float32(y)
		}
		y, x := math.Sincos(-2 * math.Pi * f * float64(b.hop) / float64(rate))
		b.turn[i] = complex(float32(x), float32(y))
	}
	return b
}

// digitTone returns the frequency of one of the eight filters: the low group, then the high one.
func digitTone(i int) float64 {
	if i < 4 {
		return lowGroup[i]
	}
	return highGroup[i-4]
}

// measure returns what the filters see of a window, and its power. A sine of peak A has a power of A²/2, and is A/2 to its filter.
func (b *digitBank) measure(window []float32, sums, differences []float32) (seen [8]complex64, power float32) {
	left, right := window[:b.half], window[b.half:2*b.half]
	sums, differences = sums[:b.half], differences[:b.half]
	for k, w := range b.weights {
		r, l := right[k], left[len(left)-1-k]
		sums[k], differences[k] = r+l, r-l
		power += w * (r*r + l*l)
	}
	for i := range b.taps {
		taps := b.taps[i][:len(sums)]
		var re0, im0, re1, im1 float32
		for k := 0; k+1 < len(taps); k += 2 {
			re0 += taps[k].re * sums[k]
			im0 += taps[k].im * differences[k]
			re1 += taps[k+1].re * sums[k+1]
			im1 += taps[k+1].im * differences[k+1]
		}
		seen[i] = complex(re0+re1, im0+im1)
	}
	return seen, power
}
