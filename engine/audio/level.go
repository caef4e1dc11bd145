package audio

import "math"

// Overload is the level in dBm0 of the loudest sine that samples can carry. ITU-T G.711 §4 puts it at 3.14 dBm0 for A-law and 3.17 dBm0 for μ-law,
// whose overload points both decode to the ends of an int16.
const Overload = 3.14

// Silence is the level in dBov below which Level does not go, as RFC 6464 §3 writes it for digital silence.
const Silence = -127

// amplitude returns the peak, in samples, of a sine of a level in dBm0.
func amplitude(dBm0 float64) float64 { return 32768 * math.Pow(10, (dBm0-Overload)/20) }

// Level returns the level of the samples in dBov (RFC 6465 appendix A): 0 for a square wave from end to end, -3 for the loudest sine, and Silence for
// nothing at all. A level in dBm0 is 6.15 dB more.
func Level(frame []int16) float64 {
	var sum int64
	for _, s := range frame {
		sum += int64(s) * int64(s)
	}
	if sum == 0 {
		return Silence
	}
	return max(Silence, 10*math.Log10(float64(sum)/float64(len(frame))/(32768*32768)))
}
