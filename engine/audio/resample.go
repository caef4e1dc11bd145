package audio

// Resampler turns samples of one rate into samples of another, as one stream: a polyphase filter of linear phase and a fixed ratio. It belongs to one
// stream and one goroutine at a time.
type Resampler struct {
	filter
	history []int16 // samples still needed, the last taps−1 of the past first
	at      int     // where in history the first sample for the next output is
	phase   int     // of the next output
}

// NewResampler returns a resampler between two rates in Hz, both positive. The ratio is exact between 8, 16, 22.05, 24, 32, 44.1 and 48 kHz, and for all
// whose ratio is one of small numbers; for others it is off by less than a thousandth, which nobody hears.
//
// What is below 0.45 of the lower rate passes within half a decibel, what is above 0.55 of it is 60 dB down.
func NewResampler(from, to int) *Resampler {
	r := &Resampler{filter: newFilter(from, to)}
	r.history = make([]int16, r.taps-1, r.taps-1+MaxFrame)
	return r
}

// Delay returns by how many samples of the rate it comes from the output is late. It is the same for all frequencies.
func (r *Resampler) Delay() int { return r.taps / 2 }

// Append appends to dst what src turns into, and returns the longer dst. Blocks of any sizes give the same samples. It allocates only where dst has
// not the room.
func (r *Resampler) Append(dst, src []int16) []int16 {
	for len(src) > 0 {
		n := min(len(src), MaxFrame)
		r.history = append(r.history, src[:n]...)
		dst = r.drain(dst)
		src = src[n:]
	}
	return dst
}

// drain appends to dst what history is enough for, and forgets what no later output needs.
func (r *Resampler) drain(dst []int16) []int16 {
	whole, part := r.down/r.up, r.down%r.up
	for r.at+r.taps <= len(r.history) {
		dst = append(dst, dot(r.history[r.at:r.at+r.taps], r.coefficients[r.phase*r.taps:(r.phase+1)*r.taps]))
		r.at += whole
		if r.phase += part; r.phase >= r.up {
			r.phase -= r.up
			r.at++
		}
	}
	used := min(r.at, len(r.history)) // where rates go down, the next output may begin behind what is here
	r.history = r.history[:copy(r.history, r.history[used:])]
	r.at -= used
	return dst
}

// Convert returns the clip at another rate: itself where it has it already. Nothing is late: the first sample stays the first, and the duration stays.
func Convert(clip *Clip, rate int) *Clip {
	if clip.Rate == rate {
		return clip
	}
	r := NewResampler(clip.Rate, rate)
	r.at = r.Delay() // so much of what comes first is the past that the filter waits for
	samples := make([]int16, 0, len(clip.Samples)*r.up/r.down+1)
	samples = r.Append(samples, clip.Samples)
	samples = r.Append(samples, make([]int16, r.Delay()))
	return &Clip{Rate: rate, Samples: samples}
}
