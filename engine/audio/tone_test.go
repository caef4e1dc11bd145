package audio

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

// reader is what plays: ToneSource, and whatever else a voice takes.
type reader interface {
	Read(frame []int16, rate int) int
}

// playAll reads a source to its end, frame by frame, or for a minute.
func playAll(s reader, rate int) []int16 {
	var all []int16
	frame := make([]int16, FrameLen(rate))
	for len(all) < 60*rate {
		n := s.Read(frame, rate)
		all = append(all, frame[:n]...)
		if n < len(frame) {
			break
		}
	}
	return all
}

func mustTone(t testing.TB, text string) Tone {
	t.Helper()
	tone, err := ParseTone(text)
	if err != nil {
		t.Fatal(err)
	}
	return tone
}

// power returns the level in dBm0 of one frequency in a signal.
func power(pcm []int16, frequency float64, rate int) float64 {
	var re, im, total float64
	for i, s := range pcm {
		w := 0.5 - 0.5*math.Cos(2*math.Pi*(float64(i)+0.5)/float64(len(pcm)))
		y, x := math.Sincos(2 * math.Pi * frequency * float64(i) / float64(rate))
		re, im, total = re+w*float64(s)*x, im+w*float64(s)*y, total+w
	}
	return 20*math.Log10(2*math.Hypot(re, im)/total/32768) + Overload
}

func TestParseTone(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text   string
		steps  int
		times  int
		cycle  time.Duration // 0: for ever
		refuse string        // what is wrong with it
	}{
		{"425/1000,0/4000", 2, 0, 5 * time.Second, ""},
		{" 425/1000 , 0/4000 ; once ", 2, 1, 5 * time.Second, ""},
		{"425", 1, 0, 0, ""},
		{"350+440;level=-20", 1, 0, 0, ""},
		{"400*25/400,0/200,400*25/400,0/2000;times=3", 4, 3, 3 * time.Second, ""},
		{"697.5+1209.25/70;once", 1, 1, 70 * ms, ""},
		{"400*25+450*16.7/10", 1, 0, 10 * ms, ""},
		{"ringback-us", 2, 0, 6 * time.Second, ""},
		{"ringback-uk", 4, 0, 3 * time.Second, ""},
		{"busy-de;times=5;level=-3", 2, 5, 960 * ms, ""},
		{"dial-jp", 1, 0, 0, ""},
		{"beep", 1, 1, 250 * ms, ""},
		{"beep;times=3", 1, 3, 250 * ms, ""},
		{"sit", 4, 1, 1990 * ms, ""},
		{"", 0, 0, 0, `character 1: a frequency is 1 to 3800 Hz, or 0 for silence, not ""`},
		{"425/1000,", 0, 0, 0, `character 10: a frequency`},
		{"425/1000,,0/1", 0, 0, 0, `character 10: a frequency`},
		{"425/", 0, 0, 0, `character 5: a length is 1 to 3600000 milliseconds, not ""`},
		{"425/0", 0, 0, 0, `character 5: a length`},
		{"425/1000,0/x", 0, 0, 0, `character 12: a length`},
		{"425/3600001", 0, 0, 0, `character 5: a length`},
		{"425,0/1000", 0, 0, 0, "character 4: nothing can follow a step without a length"},
		{"4000/100", 0, 0, 0, "character 1: a frequency"},
		{"440+/100", 0, 0, 0, "character 5: a frequency"},
		{"440+4000/100", 0, 0, 0, "character 5: a frequency"},
		{"440+0/100", 0, 0, 0, "character 5: 0 is silence and stands alone"},
		{"0+440/100", 0, 0, 0, "character 1: 0 is silence"},
		{"0*440/100", 0, 0, 0, "character 1: 0 is silence"},
		{"440*0/100", 0, 0, 0, "character 5: nothing is modulated by 0 Hz"},
		{"1+2+3+4+5/100", 0, 0, 0, "character 9: more than 4 frequencies"},
		{"NaN/100", 0, 0, 0, `character 1: there is no tone "NaN/100"`},
		{"1e999/100", 0, 0, 0, "character 1: a frequency"},
		{"0x1p8/100", 0, 0, 0, "character 1: a frequency"},
		{"425/100;loud", 0, 0, 0, `character 9: there is no option "loud"`},
		{"425/100;", 0, 0, 0, `character 9: there is no option ""`},
		{"425/100;times=0", 0, 0, 0, "character 9: times is a number from 1 to 10000"},
		{"425/100;once=2", 0, 0, 0, "character 9: once has no value"},
		{"425/100;level=3", 0, 0, 0, "character 9: level is in dBm0, from -60 to 0"},
		{"425/100;level=NaN", 0, 0, 0, "character 9: level"},
		{"ringback-xx", 0, 0, 0, `character 1: there is no tone "ringback-xx"`},
		{"ringback", 0, 0, 0, `character 1: there is no tone "ringback"`},
		{"beep,425/100", 0, 0, 0, "character 5: a name stands alone"},
		{strings.Repeat("425/1,", 64) + "0/1", 0, 0, 0, "character 385: more than 64 steps"},
	}
	for _, test := range tests {
		tone, err := ParseTone(test.text)
		if test.refuse != "" {
			if err == nil || !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), ": "+test.refuse) {
				t.Errorf("%q: %v, want %q", test.text, err, test.refuse)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", test.text, err)
			continue
		}
		once := tone.Times(1).Duration()
		if len(tone.steps) != test.steps || tone.Repeats() != test.times || once != test.cycle {
			t.Errorf("%q: %d steps of %v, %d times", test.text, len(tone.steps), once, tone.Repeats())
		}
		if tone.Duration() != time.Duration(test.times)*test.cycle {
			t.Errorf("%q: lasts %v", test.text, tone.Duration())
		}
	}
}

func TestToneNamesAreTones(t *testing.T) {
	t.Parallel()
	names := ToneNames()
	if !slices.IsSorted(names) || len(names) < 4*30 {
		t.Errorf("%d names: %v", len(names), names)
	}
	for _, name := range names {
		mustTone(t, name)
	}
}

// A tone has its level, all of it at its frequencies, and its cadence to the sample, at any rate.
func TestToneSounds(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text        string
		frequencies []float64
		level       float64 // of each
	}{
		{"425/1000,0/500;once", []float64{425}, -13},
		{"440+480/1000,0/500;once", []float64{440, 480}, -16.01},
		{"440+480/1000,0/500;once;level=-3", []float64{440, 480}, -6.01},
		{"3800/1000,0/500;once;level=-40", []float64{3800}, -40},
	}
	for _, test := range tests {
		for _, rate := range []int{8000, 16000, 22050, 48000} {
			pcm := playAll(mustTone(t, test.text).Source(), rate)
			if len(pcm) != rate+rate/2 {
				t.Errorf("%s at %d: %d samples", test.text, rate, len(pcm))
			}
			for _, f := range test.frequencies {
				if level := power(pcm[rate/10:rate*9/10], f, rate); math.Abs(level-test.level) > 0.1 {
					t.Errorf("%s at %d: %g Hz has %.2f dBm0, want %.2f", test.text, rate, f, level, test.level)
				}
			}
			for i, s := range pcm[rate:] {
				if s != 0 {
					t.Fatalf("%s at %d: sample %d of the silence is %d", test.text, rate, i, s)
				}
			}
		}
	}
}

func TestModulatedToneHasItsSidebands(t *testing.T) {
	t.Parallel()
	pcm := playAll(mustTone(t, "400*25/1000;once").Source(), 8000)
	side := 20 * math.Log10(depth/2)
	for f, want := range map[float64]float64{400: 0, 375: side, 425: side} {
		got := power(pcm[800:7200], f, 8000) - power(pcm[800:7200], 400, 8000)
		if math.Abs(got-want) > 0.2 {
			t.Errorf("%g Hz is %.1f dB beside the carrier, want %.1f", f, got, want)
		}
	}
	if level := Level(pcm) + 6.15; math.Abs(level-ToneLevel) > 0.3 {
		t.Errorf("level %.1f dBm0", level)
	}
}

// Where a tone begins, ends, goes on into the next cycle, or is read in odd pieces, there is no click: no step between two samples beyond what the
// sine itself has, and little that is not near its frequency.
func TestToneHasNoClicks(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"440/1000,0/500;times=2", "440/100;times=20", "950/330,1400/330,1800/330,0/1000;once", "425/333,425/333;times=3", "480+620/50,0/50;times=20",
	} {
		pcm := playAll(mustTone(t, text).Source(), 8000)
		steepest := 2 * math.Pi * 1800 / 8000 * amplitude(ToneLevel)
		if strings.HasPrefix(text, "4") {
			steepest = 2 * math.Pi * 620 / 8000 * amplitude(ToneLevel) * math.Sqrt2 // two sines in step
		}
		for i := 1; i < len(pcm); i++ {
			if step := math.Abs(float64(pcm[i]) - float64(pcm[i-1])); step > steepest+2 {
				t.Errorf("%s: a step of %.0f at %d, the steepest is %.0f", text, step, i, steepest)
				break
			}
		}
		// A hard edge has 30 dB less than the tone at 3 kHz in the 20 ms around it; a ramp has next to nothing.
		for at := 0; at+160 <= len(pcm); at += 80 {
			if click := power(pcm[at:at+160], 3300, 8000); click > -65 {
				t.Errorf("%s: %.0f dBm0 at 3.3 kHz at sample %d", text, click, at)
				break
			}
		}
	}
}

func TestToneGoesOnOverItsCycles(t *testing.T) {
	t.Parallel()
	whole := playAll(mustTone(t, "440/2000;once").Source(), 8000)
	cycles := playAll(mustTone(t, "440/100;times=20").Source(), 8000)
	for i := range whole {
		if d := int(whole[i]) - int(cycles[i]); d < -1 || d > 1 {
			t.Fatalf("sample %d is %d, not %d", i, cycles[i], whole[i])
		}
	}
}

func TestToneIsTheSameInAnyPieces(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"ringback-us;times=1", "sit", "400*25/400,0/200,400*25/400,0/100;times=2"} {
		want := playAll(mustTone(t, text).Source(), 8000)
		s := mustTone(t, text).Source()
		var got []int16
		for i := 1; ; i = i*7%997 + 1 {
			piece := make([]int16, i)
			n := s.Read(piece, 8000)
			if got = append(got, piece[:n]...); n < i {
				break
			}
		}
		if len(got) != len(want) {
			t.Fatalf("%s: %d samples, want %d", text, len(got), len(want))
		}
		for i := range want {
			if d := int(got[i]) - int(want[i]); d < -1 || d > 1 {
				t.Fatalf("%s: sample %d is %d, not %d", text, i, got[i], want[i])
			}
		}
	}
}

// A codec may change while a tone is heard: it goes on where it was.
func TestToneGoesOnAtAnotherRate(t *testing.T) {
	t.Parallel()
	s := mustTone(t, "425/1000,0/1000;once").Source()
	s.Read(make([]int16, 4000), 8000)
	if n := s.Read(make([]int16, 48000), 16000); n != 24000 {
		t.Errorf("%d samples are left, want 24000", n)
	}
}

func TestReadingAToneAllocatesNothing(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector allocates")
	}
	s := mustTone(t, "ringback-us").Source()
	frame := make([]int16, 160)
	if n := testing.AllocsPerRun(400, func() { s.Read(frame, 8000) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzParseTone(f *testing.F) {
	for _, name := range ToneNames() {
		f.Add(name)
	}
	f.Add("400*25/400,0/200,400*25+1.5/400,0/2000;times=3;level=-7.5")
	f.Fuzz(func(t *testing.T, text string) {
		tone, err := ParseTone(text)
		if err != nil {
			if !errors.Is(err, ErrFormat) {
				t.Fatal(err)
			}
			return
		}
		s := tone.Source()
		frame := make([]int16, 160)
		for range 20 {
			if n := s.Read(frame, 8000); n < len(frame) {
				if d := tone.Duration(); d == 0 || d > 400*ms {
					t.Fatalf("over, though it lasts %v", d)
				}
				return
			}
		}
	})
}

func BenchmarkTone(b *testing.B) {
	for _, text := range []string{"425", "440+480", "400*25"} {
		b.Run(text, func(b *testing.B) {
			s := mustTone(b, text).Source()
			frame := make([]int16, 160)
			b.ReportAllocs()
			for b.Loop() {
				s.Read(frame, 8000)
			}
		})
	}
}
