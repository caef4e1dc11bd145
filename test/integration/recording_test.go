//go:build integration && linux

package integration

import (
	"encoding/binary"
	"math"
	"slices"
	"testing"
	"time"
)

// recording is mono or interleaved 16-bit audio of a WAV file.
type recording struct {
	rate     int
	channels int
	samples  []int16
}

func readRecording(t *testing.T, path string) *recording {
	t.Helper()
	b := []byte(readFile(t, path))
	if len(b) < 12 || string(b[:4]) != "RIFF" || string(b[8:12]) != "WAVE" {
		t.Fatalf("%s is no WAV file", path)
	}
	r := &recording{}
	for at := 12; at+8 <= len(b); {
		size := int(binary.LittleEndian.Uint32(b[at+4:]))
		body := b[at+8 : min(at+8+size, len(b))]
		switch string(b[at : at+4]) {
		case "fmt ":
			r.channels, r.rate = int(binary.LittleEndian.Uint16(body[2:])), int(binary.LittleEndian.Uint32(body[4:]))
		case "data":
			r.samples = make([]int16, len(body)/2)
			for i := range r.samples {
				r.samples[i] = int16(binary.LittleEndian.Uint16(body[2*i:]))
			}
		}
		at += 8 + size + size%2
	}
	if r.rate == 0 || r.channels == 0 {
		t.Fatalf("%s has no format", path)
	}
	return r
}

func (r *recording) duration() time.Duration {
	return time.Duration(len(r.samples)) * time.Second / time.Duration(r.rate*r.channels)
}

// middle is the half of the first channel around its middle: a call begins and ends in silence.
func (r *recording) middle() (mono []int16) {
	frames := len(r.samples) / r.channels
	for i := frames / 4; i < frames*3/4; i++ {
		mono = append(mono, r.samples[i*r.channels])
	}
	return mono
}

// level is the root mean square.
func (r *recording) level() float64 {
	mono := r.middle()
	sum := 0.0
	for _, v := range mono {
		sum += float64(v) * float64(v)
	}
	return math.Sqrt(sum / float64(max(1, len(mono))))
}

// pitch is the frequency of a tone in Hz: the median distance of its upward crossings of zero, interpolated. A gap in the tone, as a lost
// packet makes it, moves a median by nothing.
func (r *recording) pitch() float64 {
	mono := r.middle()
	var crossings, periods []float64
	for i := 1; i < len(mono); i++ {
		if a, b := float64(mono[i-1]), float64(mono[i]); a < 0 && b >= 0 {
			crossings = append(crossings, float64(i-1)-a/(b-a))
		}
	}
	const apart = 10 // periods measured at once: single ones are as rough as G.711's steps
	for i := apart; i < len(crossings); i++ {
		periods = append(periods, (crossings[i]-crossings[i-apart])/apart)
	}
	if len(periods) == 0 {
		return 0
	}
	slices.Sort(periods)
	return float64(r.rate) / periods[len(periods)/2]
}
