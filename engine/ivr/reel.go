package ivr

import (
	"math"
	"sync/atomic"
	"time"

	"github.com/sipscript/sipscript/engine/audio"
	"github.com/sipscript/sipscript/engine/media"
)

// reel plays the pieces of a prompt one after the other, and the whole again as often as it is asked to. It is a
// media.Source.
type reel struct {
	tracks []track      // one for each piece, begun anew each time
	over   *atomic.Bool // set when all of it was read
	turns  int          // how often the whole is played; 0: for ever
	gain   int32        // 1<<gainBits leaves it as it is

	now  media.Source // of the piece that plays
	next int
	turn int
	idle bool // this turn has brought no sound yet
}

const gainBits = 12

// loudest is the most, in decibels, that a prompt is amplified by: more turns all of it into noise.
const loudest = 60

// gainOf turns decibels into a factor.
func gainOf(decibels float64) int32 {
	return int32(math.Round(math.Pow(10, min(decibels, loudest)/20) * (1 << gainBits)))
}

// Read implements media.Source.
func (r *reel) Read(frame []int16, rate int) int {
	n := 0
	for n < len(frame) {
		if r.now == nil && !r.advance() {
			break
		}
		got := r.now.Read(frame[n:], rate)
		if n += got; n < len(frame) {
			r.now = nil // it is over
		}
		r.idle = r.idle && got == 0
	}
	if n < len(frame) {
		r.over.Store(true)
	}
	if r.gain != 1<<gainBits {
		amplify(frame[:n], r.gain)
	}
	return n
}

// advance begins the next piece; false after the last.
func (r *reel) advance() bool {
	if r.next == len(r.tracks) {
		r.turn++
		if r.turn == r.turns || r.idle {
			return false
		}
		r.next = 0
	}
	if r.next == 0 {
		r.idle = true // a prompt without any sound would turn for ever
	}
	r.now = r.tracks[r.next]()
	r.next++
	return true
}

func amplify(frame []int16, gain int32) {
	for i, v := range frame {
		frame[i] = int16(min(max(int64(v)*int64(gain)>>gainBits, math.MinInt16), math.MaxInt16))
	}
}

// hush is silence for a while.
type hush struct{ left time.Duration }

// Read implements media.Source.
func (h *hush) Read(frame []int16, rate int) int {
	n := min(len(frame), int(h.left*time.Duration(rate)/time.Second))
	clear(frame[:n])
	h.left -= time.Duration(n) * time.Second / time.Duration(rate)
	return n
}

// cursor plays a clip.
type cursor struct {
	clip *audio.Clip
	at   int

	other *audio.Resampler // where the peer has changed to a rate that the clip was not loaded for
	rate  int              // of other
	rest  []int16          // what it has made, and was not read yet
}

// Read implements media.Source.
func (c *cursor) Read(frame []int16, rate int) int {
	if rate == c.clip.Rate {
		n := copy(frame, c.clip.Samples[c.at:])
		c.at += n
		return n
	}
	if c.other == nil || c.rate != rate {
		c.other, c.rate, c.rest = audio.NewResampler(c.clip.Rate, rate), rate, nil
	}
	for len(c.rest) < len(frame) && c.at < len(c.clip.Samples) {
		end := min(c.at+audio.FrameLen(c.clip.Rate), len(c.clip.Samples))
		c.rest = c.other.Append(c.rest, c.clip.Samples[c.at:end])
		c.at = end
	}
	n := copy(frame, c.rest)
	c.rest = c.rest[:copy(c.rest, c.rest[n:])]
	return n
}
