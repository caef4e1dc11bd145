package listen

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/sipscript/sipscript/engine/audio"
)

// Part is a stretch of what was heard that is all of one kind.
type Part struct {
	At, For time.Duration
	Hz      int // of a pure tone, to 5 Hz; 0: silence, or anything else
	Silent  bool
}

// String is the part in words: "440 Hz for 2.0 s".
func (p Part) String() string {
	what := "sound"
	switch {
	case p.Silent:
		what = "silence"
	case p.Hz != 0:
		what = fmt.Sprintf("%d Hz", p.Hz)
	}
	return fmt.Sprintf("%s for %.1f s", what, p.For.Seconds())
}

// window is what is looked at for one decision.
const window = 10 * time.Millisecond

// Parts are what was heard from a time on, up to now or to the last packet.
func (e *Ear) Parts(from time.Duration) []Part {
	samples := e.Samples()
	size := int(window * Rate / time.Second)
	var parts []Part
	for at := int(from * Rate / time.Second); at+size <= len(samples); at += size {
		block := samples[at : at+size]
		p := Part{At: time.Duration(at) * time.Second / Rate, For: window, Silent: silent(block)}
		if !p.Silent {
			p.Hz = pitch(samples, at, size)
		}
		if n := len(parts); n > 0 && parts[n-1].like(p) {
			parts[n-1].For += window
			continue
		}
		parts = append(parts, p)
	}
	return tidy(parts)
}

// tidy takes the windows in which one part goes over into another to the one before, or else to the one that follows.
func tidy(parts []Part) []Part {
	var all []Part
	for i, p := range parts {
		passage := !p.Silent && p.For <= 3*window
		n := len(all)
		switch {
		case n > 0 && (passage && !all[n-1].Silent || all[n-1].like(p)):
			all[n-1].For += p.For
		case passage && i+1 < len(parts) && !parts[i+1].Silent:
			parts[i+1].At, parts[i+1].For = p.At, parts[i+1].For+p.For
		default:
			all = append(all, p)
		}
	}
	return all
}

// like reports whether two parts sound the same.
func (p Part) like(other Part) bool { return p.Silent == other.Silent && near(p.Hz, other.Hz) }

// Transcript is what was heard from a time on, in words: "silence for 0.1 s, 440 Hz for 2.0 s".
func (e *Ear) Transcript(from time.Duration) string {
	var words []string
	for _, p := range e.Parts(from) {
		words = append(words, p.String())
	}
	return strings.Join(words, ", ")
}

func near(a, b int) bool { return a == b || a != 0 && b != 0 && max(a-b, b-a) <= max(10, a/50) }

func silent(block []int16) bool {
	for _, s := range block {
		if s > 200 || s < -200 {
			return false
		}
	}
	return true
}

// pitch is the frequency of a window if it is one sine and nothing else, looked at in 30 ms around it; 0 otherwise.
func pitch(samples []int16, at, size int) int {
	around := samples[max(0, at-size):min(len(samples), at+2*size)]
	best, most := 0.0, 0.0
	for hz := 100.0; hz < 3700; hz += 20 {
		if p := Power(around, hz, Rate); p > most {
			best, most = hz, p
		}
	}
	for hz := best - 20; hz <= best+20; hz++ {
		if p := Power(around, hz, Rate); p > most {
			best, most = hz, p
		}
	}
	if most < 0.8 {
		return 0
	}
	return int(math.Round(best/5)) * 5
}

// Power is the share of the energy of samples that is at a frequency, 0 to 1 (Goertzel).
func Power(samples []int16, hz float64, rate int) float64 {
	c := 2 * math.Cos(2*math.Pi*hz/float64(rate))
	var s1, s2, energy float64
	for _, v := range samples {
		x := float64(v)
		energy += x * x
		s1, s2 = x+c*s1-s2, s1
	}
	if energy == 0 {
		return 0
	}
	return min(1, 2*(s1*s1+s2*s2-c*s1*s2)/(energy*float64(len(samples))))
}

// Has reports whether two tones or more are all heard in a stretch, each with a good share of its energy.
func (e *Ear) Has(from, length time.Duration, hz ...float64) bool {
	samples := e.Samples()
	start := int(from * Rate / time.Second)
	end := start + int(length*Rate/time.Second)
	if end > len(samples) {
		return false
	}
	for _, f := range hz {
		if Power(samples[start:end], f, Rate) < 0.5/float64(len(hz)) {
			return false
		}
	}
	return true
}

// Heard looks for a clip in what was heard from a time on, by correlation, and says when it began.
func (e *Ear) Heard(clip *audio.Clip, from time.Duration) (at time.Duration, ok bool) {
	return Find(e.Samples(), clip, from)
}

// Find is Heard in samples at Rate, such as a recording's.
func Find(samples []int16, clip *audio.Clip, from time.Duration) (at time.Duration, ok bool) {
	want := clip.Samples
	if clip.Rate != Rate {
		want = audio.NewResampler(clip.Rate, Rate).Append(nil, want)
	}
	want = want[:min(len(want), Rate)] // a second is enough to tell prompts from each other
	var own float64
	for _, s := range want {
		own += float64(s) * float64(s)
	}
	if own == 0 {
		return 0, false
	}
	start := int(from * Rate / time.Second)
	place, best := 0, 0.0
	var energy float64
	for i := start; i+len(want) <= len(samples); i++ {
		if i == start {
			for _, s := range samples[i : i+len(want)] {
				energy += float64(s) * float64(s)
			}
		} else {
			gone, come := float64(samples[i-1]), float64(samples[i+len(want)-1])
			energy += come*come - gone*gone
		}
		if energy < own/100 || !promising(samples[i:], want) {
			continue
		}
		if c := correlation(samples[i:], want, own, energy); c > best {
			place, best = i, c
		}
	}
	return time.Duration(place) * time.Second / Rate, best > 0.8
}

// promising looks at every 37th sample only: most places are far from what is looked for.
func promising(samples, want []int16) bool {
	var cross, a, b float64
	for i := 0; i < len(want); i += 37 {
		x, y := float64(samples[i]), float64(want[i])
		cross += x * y
		a += x * x
		b += y * y
	}
	return a == 0 || b == 0 || cross > 0.3*math.Sqrt(a*b)
}

func correlation(samples, want []int16, own, energy float64) float64 {
	var cross float64
	for i, w := range want {
		cross += float64(samples[i]) * float64(w)
	}
	return cross / math.Sqrt(own*energy)
}
