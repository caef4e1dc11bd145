package audio

import "time"

// FrameTime is the length of a frame: what is sent in one packet, and mixed in one step.
const FrameTime = 20 * time.Millisecond

// MaxFrame is the length of the longest frame, that of 48 kHz, in samples. An array of it holds any frame.
const MaxFrame = 48000 / 50

// FrameLen returns the samples of one frame at a rate in Hz.
func FrameLen(rate int) int { return rate / 50 }

// Clip is a piece of sound in memory: linear samples of one channel at Rate Hz. It is shared by whoever plays it and never written again.
type Clip struct {
	Rate    int
	Samples []int16
}

// Duration returns how long the clip plays.
func (c *Clip) Duration() time.Duration {
	if c.Rate <= 0 {
		return 0
	}
	return time.Duration(len(c.Samples)) * time.Second / time.Duration(c.Rate)
}
