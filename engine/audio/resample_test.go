package audio

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

var rates = []int{8000, 16000, 22050, 24000, 32000, 44100, 48000}

// pairs calls f in a subtest for each two different rates.
func pairs(t *testing.T, f func(t *testing.T, from, to int)) {
	for _, from := range rates {
		for _, to := range rates {
			if from != to {
				t.Run(fmt.Sprintf("%d to %d", from, to), func(t *testing.T) { f(t, from, to) })
			}
		}
	}
}

// wave returns n samples of a sine.
func wave(rate, n int, frequency, amplitude float64) []int16 {
	pcm := make([]int16, n)
	for i := range pcm {
		pcm[i] = int16(math.Round(amplitude * math.Sin(2*math.Pi*frequency*float64(i)/float64(rate))))
	}
	return pcm
}

// decibel is the level of a signal behind its first samples, against a sine of full scale.
func decibel(pcm []int16, from int) float64 {
	sum := 0.0
	for _, sample := range pcm[from:] {
		sum += float64(sample) * float64(sample)
	}
	return 10 * math.Log10(sum/float64(len(pcm)-from)/(32767*32767/2)+1e-12)
}

func TestResamplerPassesWhatBothRatesHold(t *testing.T) {
	t.Parallel()
	pairs(t, func(t *testing.T, from, to int) {
		lower := float64(min(from, to))
		for _, part := range []float64{0.005, 0.05, 0.1, 0.2, 0.3, 0.4, 0.45} {
			frequency := part * lower
			in := wave(from, from/4, frequency, 20000)
			out := NewResampler(from, to).Append(nil, in)
			change := decibel(out, to/20) - decibel(in, from/20)
			if math.Abs(change) > 0.5 {
				t.Errorf("%.0f Hz comes out %.2f dB louder", frequency, change)
			}
		}
	})
}

func TestResamplerLeavesNothingAboveTheLowerRate(t *testing.T) {
	t.Parallel()
	pairs(t, func(t *testing.T, from, to int) {
		if to > from {
			t.Skip("nothing is above")
		}
		for _, part := range []float64{0.55, 0.6, 0.75, 0.9, 1, 1.3, 1.9, 2.4} {
			frequency := part * float64(to)
			if frequency > 0.49*float64(from) {
				break
			}
			in := wave(from, from/4, frequency, 32000)
			out := NewResampler(from, to).Append(nil, in)
			if change := decibel(out, to/20) - decibel(in, from/20); change > -60 {
				t.Errorf("%.0f Hz comes out at %.1f dB", frequency, change)
			}
		}
	})
}

// Upwards, the images of a tone are whatever is left when the tone itself has been taken out.
func TestResamplerMakesNoImages(t *testing.T) {
	t.Parallel()
	pairs(t, func(t *testing.T, from, to int) {
		frequency := 0.4 * float64(min(from, to))
		in := wave(from, from/4, frequency, 32000)
		out := NewResampler(from, to).Append(nil, in)[to/20:]
		rest := residue(out, to, frequency)
		if level := decibel(rest, 0); level > -60 {
			t.Errorf("beside %.0f Hz there are %.1f dB", frequency, level)
		}
	})
}

// residue is a signal without its best fit of a sine and a cosine.
func residue(pcm []int16, rate int, frequency float64) []int16 {
	var ss, cc, sc, xs, xc float64
	for i, x := range pcm {
		s, c := math.Sincos(2 * math.Pi * frequency * float64(i) / float64(rate))
		ss, cc, sc = ss+s*s, cc+c*c, sc+s*c
		xs, xc = xs+float64(x)*s, xc+float64(x)*c
	}
	determinant := ss*cc - sc*sc
	a, b := (xs*cc-xc*sc)/determinant, (xc*ss-xs*sc)/determinant
	rest := make([]int16, len(pcm))
	for i, x := range pcm {
		s, c := math.Sincos(2 * math.Pi * frequency * float64(i) / float64(rate))
		rest[i] = int16(math.Round(float64(x) - a*s - b*c))
	}
	return rest
}

func TestBlocksOfAnySizeGiveTheSameSamples(t *testing.T) {
	t.Parallel()
	pairs(t, func(t *testing.T, from, to int) {
		random := rand.New(rand.NewPCG(uint64(from), uint64(to)))
		in := make([]int16, from/10)
		for i := range in {
			in[i] = int16(random.Uint32())
		}
		want := NewResampler(from, to).Append(nil, in)
		for _, most := range []int{1, 7, 160, 5000} {
			var got []int16
			r := NewResampler(from, to)
			for rest := in; len(rest) > 0; {
				n := min(len(rest), 1+random.IntN(most))
				got = r.Append(got, rest[:n])
				rest = rest[n:]
			}
			if !slices.Equal(got, want) {
				t.Errorf("blocks of up to %d samples give others than one block", most)
			}
		}
	})
}

func TestDelayIsWhatItSays(t *testing.T) {
	t.Parallel()
	pairs(t, func(t *testing.T, from, to int) {
		r := NewResampler(from, to)
		in := make([]int16, from/10)
		const click = 200
		for i := range 64 { // a smooth hump, which both rates hold
			in[click-32+i] = int16(15000 * (1 - math.Cos(2*math.Pi*float64(i)/64)))
		}
		out := r.Append(nil, in)
		want := float64(click+r.Delay()) * float64(to) / float64(from)
		if got := centre(out); math.Abs(got-want) > 0.05 {
			t.Errorf("centre of a hump at %.2f, want %.2f", got, want)
		}
		if late := time.Duration(r.Delay()) * time.Second / time.Duration(from); late > 3200*time.Microsecond {
			t.Errorf("late by %v", late)
		}
	})
}

// centre is the centre of gravity of a signal.
func centre(pcm []int16) float64 {
	var sum, moment float64
	for i, sample := range pcm {
		sum += float64(sample)
		moment += float64(i) * float64(sample)
	}
	return moment / sum
}

func TestResamplerSaturates(t *testing.T) {
	t.Parallel()
	in := make([]int16, 1600)
	for i := range in {
		in[i] = 32767 // a square wave at full scale overshoots behind any low-pass
		if i/20%2 == 1 {
			in[i] = -32768
		}
	}
	out := NewResampler(16000, 48000).Append(nil, in)[1000:]
	for i := range out[1:] {
		if out[i] > 30000 && out[i+1] < -30000 || out[i] < -30000 && out[i+1] > 30000 {
			t.Fatalf("sample %d turns from %d to %d", i, out[i], out[i+1])
		}
	}
	if slices.Max(out) != math.MaxInt16 || slices.Min(out) != math.MinInt16 {
		t.Errorf("samples from %d to %d, want full scale", slices.Min(out), slices.Max(out))
	}
}

func TestConvertKeepsPlaceAndDuration(t *testing.T) {
	t.Parallel()
	pairs(t, func(t *testing.T, from, to int) {
		in := make([]int16, from/5)
		for i := range 64 {
			in[i+20] = int16(15000 * (1 - math.Cos(2*math.Pi*float64(i)/64)))
		}
		clip := &Clip{Rate: from, Samples: in}
		got := Convert(clip, to)
		if got.Rate != to || len(got.Samples) != to/5 || cap(got.Samples) > to/5+1 {
			t.Errorf("%d samples in %d at %d Hz, want %d at %d", len(got.Samples), cap(got.Samples), got.Rate, to/5, to)
		}
		if at, want := centre(got.Samples), 52*float64(to)/float64(from); math.Abs(at-want) > 0.05 {
			t.Errorf("centre of a hump at %.2f, want %.2f", at, want)
		}
	})
}

func TestConvertToTheSameRateIsTheClip(t *testing.T) {
	t.Parallel()
	clip := &Clip{Rate: 8000, Samples: []int16{1, 2}}
	if Convert(clip, 8000) != clip {
		t.Error("a copy was made")
	}
	if empty := Convert(&Clip{Rate: 44100}, 8000); len(empty.Samples) != 0 || empty.Rate != 8000 {
		t.Errorf("nothing became %v", empty)
	}
}

func TestRatioOfAnyRatesIsBounded(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ to, from, up, down int }{
		{8000, 48000, 1, 6}, {48000, 8000, 6, 1}, {16000, 16000, 1, 1}, {8000, 44100, 80, 441}, {16000, 22050, 320, 441}, {48000, 44100, 160, 147},
		{8000, 11025, 320, 441}, {8000, 8001, 1, 1},
	} {
		if up, down := ratio(tt.to, tt.from); up != tt.up || down != tt.down {
			t.Errorf("%d/%d is %d/%d, want %d/%d", tt.to, tt.from, up, down, tt.up, tt.down)
		}
	}
	for from := 1000; from <= 192000; from += 61 {
		for _, to := range []int{8000, 16000, 48000} {
			up, down := ratio(to, from)
			off := float64(up)/float64(down)*float64(from)/float64(to) - 1
			if up < 1 || up > maxPhases || down < 1 || math.Abs(off) > 0.001 {
				t.Fatalf("%d/%d is %d/%d, off by %g", to, from, up, down, off)
			}
		}
	}
}

func TestResamplingAllocatesNothing(t *testing.T) {
	pairs(t, func(t *testing.T, from, to int) {
		if raceDetector {
			t.Skip("the race detector allocates")
		}
		r := NewResampler(from, to)
		in, out := make([]int16, FrameLen(from)), make([]int16, 0, FrameLen(to)+1)
		if n := testing.AllocsPerRun(100, func() { out = r.Append(out[:0], in) }); n != 0 {
			t.Errorf("%v allocations for a frame", n)
		}
	})
}

func BenchmarkResampleFrame(b *testing.B) {
	for _, pair := range [][2]int{{48000, 8000}, {8000, 48000}, {16000, 8000}, {8000, 16000}, {24000, 8000}, {8000, 24000}} {
		b.Run(fmt.Sprintf("%d-%d", pair[0], pair[1]), func(b *testing.B) {
			r := NewResampler(pair[0], pair[1])
			in, out := wave(pair[0], FrameLen(pair[0]), 440, 10000), make([]int16, 0, FrameLen(pair[1])+1)
			b.ReportAllocs()
			for b.Loop() {
				out = r.Append(out[:0], in)
			}
		})
	}
}
