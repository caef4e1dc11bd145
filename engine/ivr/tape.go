package ivr

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/sipscript/sipscript/engine/audio"
)

// tape holds what was heard until it is written. It is a media.Sink for one channel, a media.StereoSink for two.
type tape struct {
	rate    int // of the file, in Hz
	longest time.Duration
	silence time.Duration // after which it is over; 0: never
	mixed   bool          // two channels are made one
	notify  func(signal)  // called by the pacer

	mu       sync.Mutex // a leaf
	voice    audio.Activity
	samples  [2][]int16 // not written yet, one list for each channel
	length   int        // samples of each channel, written or not
	paused   bool
	over     bool
	notified bool // of these samples
	adapt    [2]*audio.Resampler
	adapted  int // rate that adapt takes
}

// signal is what a tape tells of itself.
type signal uint8

const (
	due   signal = iota + 1 // there is enough to write
	quiet                   // nobody has spoken for too long
	full                    // it is as long as it may be
	lost                    // what has come could not be written in time
)

const (
	// portion is how much is written at once.
	portion = time.Second
	// behind is how much may wait to be written: a disk that is slower has failed.
	behind = 30 * time.Second
)

// Write implements media.Sink.
func (t *tape) Write(frame []int16, rate int) { t.take(rate, frame) }

// stereoTape is a tape of a conversation.
type stereoTape struct{ *tape }

// Write implements media.StereoSink.
func (t stereoTape) Write(said, heard []int16, rate int) { t.take(rate, said, heard) }

func (t *tape) take(rate int, channels ...[]int16) {
	t.mu.Lock()
	s := t.add(rate, channels)
	t.mu.Unlock()
	if s != 0 {
		t.notify(s)
	}
}

// add takes a frame, and returns what there is to tell.
func (t *tape) add(rate int, channels [][]int16) signal {
	if t.over || t.paused {
		return 0
	}
	t.voice.Write(channels[0])
	before := len(t.samples[0])
	for i, frame := range channels {
		t.append(i, frame, rate, before)
	}
	t.length += len(t.samples[0]) - before
	waiting := samplesOf(behind, t.rate)
	switch {
	case len(t.samples[0]) > waiting:
		t.over = true
		return lost
	case t.longest > 0 && t.length >= samplesOf(t.longest, t.rate):
		surplus := t.length - samplesOf(t.longest, t.rate)
		for i, samples := range t.samples {
			t.samples[i] = samples[:max(0, len(samples)-surplus)]
		}
		t.length -= surplus
		t.over = true
		return full
	case t.silence > 0 && t.voice.Silent() >= t.silence:
		t.over = true
		return quiet
	case !t.notified && len(t.samples[0]) >= samplesOf(portion, t.rate):
		t.notified = true
		return due
	}
	return 0
}

func (t *tape) channel(i int) int {
	if t.mixed {
		return 0
	}
	return i
}

// append adds the samples of one channel at the rate of the file; those of the first one begin at start.
func (t *tape) append(i int, frame []int16, rate, start int) {
	to := &t.samples[t.channel(i)]
	if rate != t.rate {
		if t.adapted != rate {
			t.adapted, t.adapt = rate, [2]*audio.Resampler{audio.NewResampler(rate, t.rate), audio.NewResampler(rate, t.rate)}
		}
		frame = t.adapt[i].Append(nil, frame)
	}
	if !t.mixed || i == 0 {
		*to = append(*to, frame...)
		return
	}
	mixed := (*to)[start:]
	for j := range min(len(mixed), len(frame)) {
		mixed[j] = int16(min(max(int(mixed[j])+int(frame[j]), -1<<15), 1<<15-1))
	}
}

// wind takes what is to be written. Once a frame was refused no more come.
func (t *tape) wind(last bool) (channels [][]int16) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.over = t.over || last
	t.notified = false
	n := 1
	if len(t.samples[1]) > 0 {
		n = 2
	}
	channels = slices.Clone(t.samples[:n])
	t.samples = [2][]int16{}
	return channels
}

func (t *tape) pause(on bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.paused = on
}

// played is how long it is.
func (t *tape) played() time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	return time.Duration(t.length) * time.Second / time.Duration(t.rate)
}

func samplesOf(d time.Duration, rate int) int { return int(d * time.Duration(rate) / time.Second) }

// write puts samples into a file; the file that waits to be written to has channels of them.
func write(w *audio.WAVWriter, channels [][]int16, n int) error {
	if len(channels[0]) == 0 {
		return nil
	}
	for len(channels) < n {
		channels = append(channels, make([]int16, len(channels[0])))
	}
	if err := w.Append(channels...); err != nil {
		return fmt.Errorf("write recording: %w", err)
	}
	return nil
}
