package audio

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// pressed is one signal of two sines as somebody may send it.
type pressed struct {
	low, high           float64 // Hz
	lowLevel, highLevel float64 // dBm0
	on, off             time.Duration
}

func key(c byte) pressed {
	for i := range keypad {
		if keypad[i] == c {
			return pressed{low: lowGroup[i/4], high: highGroup[i%4], lowLevel: -10, highLevel: -10, on: 50 * time.Millisecond, off: 50 * time.Millisecond}
		}
	}
	panic(c)
}

// signal writes signals one after the other, behind a silence, with hard edges and with noise of a level in dBm0 all over.
func signal(rate int, r *rand.Rand, noise float64, keys ...pressed) []int16 {
	var sum []float64
	silence := func(d time.Duration) { sum = append(sum, make([]float64, int(d.Seconds()*float64(rate)))...) }
	silence(time.Duration(40+r.IntN(20000)/1000) * time.Millisecond)
	sum = append(sum, make([]float64, r.IntN(rate/100))...)
	for _, k := range keys {
		a, b := 2*math.Pi*r.Float64(), 2*math.Pi*r.Float64()
		for i := range int(k.on.Seconds() * float64(rate)) {
			t := 2 * math.Pi * float64(i) / float64(rate)
			sum = append(sum, amplitude(k.lowLevel)*math.Sin(a+k.low*t)+amplitude(k.highLevel)*math.Sin(b+k.high*t))
		}
		silence(k.off)
	}
	silence(60 * time.Millisecond)
	deviation := 0.0
	if noise != 0 {
		deviation = amplitude(noise) / math.Sqrt2
	}
	pcm := make([]int16, len(sum))
	for i, v := range sum {
		pcm[i] = int16(max(-32768, min(32767, math.Round(v+deviation*r.NormFloat64()))))
	}
	return pcm
}

// detect returns the digits found, written in frames.
func detect(rate int, pcm []int16) string {
	d := NewDigitDetector(rate)
	var found []byte
	for len(pcm) > 0 {
		n := min(len(pcm), FrameLen(rate))
		for _, digit := range d.Write(pcm[:n]) {
			if !digit.Released {
				found = append(found, digit.Key)
			}
		}
		pcm = pcm[n:]
	}
	return string(found)
}

// TestDigitsAreFoundAsQ24Wants has the limits of ITU-T Q.24 §3 and annex A: what has to be found is found each time, what must not be found never is.
func TestDigitsAreFoundAsQ24Wants(t *testing.T) {
	t.Parallel()
	off := func(low, high float64) func(*pressed) {
		return func(p *pressed) { p.low, p.high = p.low*(1+low/100), p.high*(1+high/100) }
	}
	levels := func(low, high float64) func(*pressed) {
		return func(p *pressed) { p.lowLevel, p.highLevel = low, high }
	}
	lasts := func(on, off time.Duration) func(*pressed) {
		return func(p *pressed) { p.on, p.off = on, off }
	}
	tests := []struct {
		name  string
		snr   float64 // dB under the two sines; 0: no noise
		with  func(*pressed)
		found bool
	}{
		{"50 ms and 50 ms", 0, lasts(50*ms, 50*ms), true},
		{"50 ms and 50 ms, noise", 15, lasts(50*ms, 50*ms), true},
		{"40 ms and 40 ms", 0, lasts(40*ms, 40*ms), true},
		{"40 ms and 40 ms, noise", 15, lasts(40*ms, 40*ms), true},
		{"300 ms", 0, lasts(300*ms, 40*ms), true},
		{"23 ms", 0, lasts(23*ms, 60*ms), false},
		{"23 ms, noise", 15, lasts(23*ms, 60*ms), false},
		{"0 dBm0", 0, levels(0, 0), true},
		{"-25 dBm0", 0, levels(-25, -25), true},
		{"-30 dBm0, noise", 15, levels(-30, -30), true},
		{"-40 dBm0", 0, levels(-40, -40), false},
		{"-55 dBm0", 0, levels(-55, -55), false},
		{"high frequency 8 dB louder", 0, levels(-14, -6), true},
		{"high frequency 4 dB louder, noise", 15, levels(-14, -10), true},
		{"high frequency 12 dB louder", 0, levels(-18, -6), false},
		{"low frequency 8 dB louder", 0, levels(-6, -14), true},
		{"low frequency 8 dB louder, noise", 15, levels(-6, -14), true},
		{"low frequency 12 dB louder", 0, levels(-6, -18), false},
		{"1.5 % above, noise", 15, off(1.5, 1.5), true},
		{"1.5 % below, noise", 15, off(-1.5, -1.5), true},
		{"1.5 % apart", 0, off(-1.5, 1.5), true},
		{"1.5 % together", 0, off(1.5, -1.5), true},
		{"low frequency 3.5 % above", 0, off(3.5, 0), false},
		{"low frequency 3.5 % below", 0, off(-3.5, 0), false},
		{"high frequency 3.5 % above", 0, off(0, 3.5), false},
		{"high frequency 3.5 % below", 0, off(0, -3.5), false},
		{"only the low one", 0, levels(-10, -90), false},
		{"only the high one", 0, levels(-90, -10), false},
	}
	for _, rate := range []int{8000, 16000} {
		for i, test := range tests {
			t.Run(fmt.Sprint(rate, " ", test.name), func(t *testing.T) {
				t.Parallel()
				r := rand.New(rand.NewPCG(24, uint64(i)))
				noise := 0.0
				var keys []pressed
				want := ""
				for _, c := range keypad + keypad {
					p := key(byte(c))
					test.with(&p)
					keys = append(keys, p)
					if test.found {
						want += string(c)
					}
					if test.snr > 0 {
						noise = 10*math.Log10(math.Pow(10, p.lowLevel/10)+math.Pow(10, p.highLevel/10)) - test.snr
					}
				}
				if got := detect(rate, signal(rate, r, noise, keys...)); got != want {
					t.Errorf("found %q, want %q", got, want)
				}
			})
		}
	}
}

// A thousand digits of 50 ms with 50 ms between them, at random within all that Q.24 allows, over G.711, are all found.
func TestThousandDigitsInBand(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1000, 1))
	var keys []pressed
	want := ""
	for range 1000 {
		c := keypad[r.IntN(16)]
		p := key(c)
		level, tilt := -25*r.Float64(), 12*r.Float64()-8 // the high one is up to 8 dB fainter and 4 dB louder
		p.lowLevel, p.highLevel = level-max(0, tilt), level+min(0, tilt)
		p.low *= 1 + 0.03*(r.Float64()-0.5)
		p.high *= 1 + 0.03*(r.Float64()-0.5)
		keys, want = append(keys, p), want+string(c)
	}
	pcm := signal(8000, r, -45, keys...)
	for _, name := range []string{"PCMU", "PCMA", "G722"} {
		codec, _ := NewCodec(name)
		heard := NewResampler(8000, codec.Rate()).Append(nil, pcm)
		payload := make([]byte, len(heard))
		payload = payload[:codec.Encode(payload, heard)]
		decoded := make([]int16, len(heard))
		n, err := codec.Decode(decoded, payload)
		if err != nil {
			t.Fatal(err)
		}
		if got := detect(codec.Rate(), decoded[:n]); got != want {
			t.Errorf("%s: %s", name, firstDifference(got, want))
		}
	}
}

func firstDifference(got, want string) string {
	for i := range want {
		if i >= len(got) || got[i] != want[i] {
			return fmt.Sprintf("%d found of %d, the first wrong one at %d", len(got), len(want), i)
		}
	}
	return fmt.Sprintf("%d found of %d", len(got), len(want))
}

func TestDigitIsToldOnceAndReleased(t *testing.T) {
	t.Parallel()
	interrupted := key('5')
	interrupted.off = 10 * ms
	tests := []struct {
		name string
		keys []pressed
		want string
	}{
		{"one", []pressed{key('5')}, "5+ 5-"},
		{"the same twice", []pressed{key('5'), key('5')}, "5+ 5- 5+ 5-"},
		{"interrupted for 10 ms", []pressed{interrupted, key('5')}, "5+ 5-"},
		{"another without a pause", []pressed{{697, 1209, -9, -7, 60 * ms, 0}, key('D')}, "1+ 1- D+ D-"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			pcm := signal(8000, rand.New(rand.NewPCG(3, 3)), 0, test.keys...)
			d := NewDigitDetector(8000)
			got := ""
			for _, s := range pcm { // one by one: any blocks give the same
				for _, digit := range d.Write([]int16{s}) {
					if digit.Released {
						got += string(digit.Key) + "- "
					} else {
						got += string(digit.Key) + "+ "
					}
				}
			}
			if got != test.want+" " {
				t.Errorf("told %q, want %q", got, test.want)
			}
		})
	}
}

func TestDigitKnowsHowLongItLasted(t *testing.T) {
	t.Parallel()
	for _, on := range []time.Duration{40 * ms, 70 * ms, 100 * ms, 500 * ms} {
		p := key('7')
		p.on = on
		d := NewDigitDetector(8000)
		for _, digit := range d.Write(signal(8000, rand.New(rand.NewPCG(5, 5)), -30, p)) {
			if digit.Released && (digit.Lasted-p.on).Abs() > 10*time.Millisecond {
				t.Errorf("%v long, said to be %v", p.on, digit.Lasted)
			}
		}
	}
}

// A digit is told while it is pressed, since a prompt has to fall silent within 40 ms of it.
func TestDigitIsToldWithin40Milliseconds(t *testing.T) {
	t.Parallel()
	pcm := signal(8000, rand.New(rand.NewPCG(6, 6)), 0, key('1'))
	begin := 0
	for pcm[begin] == 0 {
		begin++
	}
	d := NewDigitDetector(8000)
	for i := begin; i < len(pcm); i += 8 {
		if len(d.Write(pcm[i:min(i+8, len(pcm))])) > 0 {
			if late := time.Duration(i-begin) * time.Second / 8000; late > 40*time.Millisecond {
				t.Errorf("told after %v", late)
			}
			return
		}
	}
	t.Error("never told")
}

func TestNoDigitsInNoiseOrMusic(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(7, 7))
	noise := make([]int16, 8000*120)
	chords := make([]int16, 8000*120)
	for i := range noise {
		noise[i] = int16(max(-32768, min(32767, 4000*r.NormFloat64())))
		root := 110 * math.Pow(2, float64(i/4000%36)/12)
		for _, ratio := range []float64{1, 5.0 / 4, 3.0 / 2, 2, 5.0 / 2, 3} {
			chords[i] += int16(3000 * math.Sin(2*math.Pi*root*ratio*float64(i%4000)/8000))
		}
	}
	if got := detect(8000, noise); got != "" {
		t.Errorf("noise is %q", got)
	}
	if got := detect(8000, chords); got != "" {
		t.Errorf("chords are %q", got)
	}
}

func TestDigitsThatAreSentAreFound(t *testing.T) {
	t.Parallel()
	for _, rate := range []int{8000, 16000} {
		tone, err := Digits("0123456789*#abcdABCDw11", 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		if want := 22*(DigitTime+DigitGap) + DigitWait; tone.Duration() != want {
			t.Errorf("lasts %v, want %v", tone.Duration(), want)
		}
		if got := detect(rate, playAll(tone.Source(), rate)); got != "0123456789*#ABCDABCD11" {
			t.Errorf("%d Hz: found %q", rate, got)
		}
	}
	for digits, want := range map[string]string{
		"12x":                    `audio: format: digits "12x": character 3: 'x' is not a digit`,
		strings.Repeat("1", 257): "audio: format: more than 256 digits",
	} {
		if _, err := Digits(digits, 0, 0); err == nil || err.Error() != want || !errors.Is(err, ErrFormat) {
			t.Errorf("%.10q: %v, want %s", digits, err, want)
		}
	}
}

func TestDetectingDigitsAllocatesNothing(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector allocates")
	}
	pcm := signal(8000, rand.New(rand.NewPCG(1, 2)), -30, key('1'), key('2'))
	d := NewDigitDetector(8000)
	if n := testing.AllocsPerRun(20, func() { d.Write(pcm) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkDigits(b *testing.B) {
	for _, rate := range []int{8000, 16000} {
		r := rand.New(rand.NewPCG(1, 2))
		pcm := signal(rate, r, -22, key('1'), key('2'), key('3'), key('4'))
		b.Run(fmt.Sprint(rate), func(b *testing.B) {
			d := NewDigitDetector(rate)
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				if n+FrameLen(rate) > len(pcm) {
					n = 0
				}
				d.Write(pcm[n : n+FrameLen(rate)])
				n += FrameLen(rate)
			}
		})
	}
}
