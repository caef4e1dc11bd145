package audio

import (
	"fmt"
	"strings"
)

// MaxPacket is how many samples any payload of up to 120 ms decodes to, which is the longest that Opus has (RFC 6716 §2.1.4).
const MaxPacket = 48000 * 120 / 1000

// Codec turns samples into the payload of RTP packets and back. It has state, so each direction of each stream has its own, used by one goroutine
// at a time. It allocates nothing.
type Codec interface {
	// Name returns the encoding name as in a=rtpmap (RFC 8866 §6.6).
	Name() string
	// Rate returns the rate of the samples in Hz.
	Rate() int
	// Clock returns the rate in Hz at which RTP timestamps count. It differs from Rate for G.722, whose clock was put down as 8000 by mistake and has
	// stayed so (RFC 3551 §4.5.2), and for Opus, whose clock is always 48000 (RFC 7587 §4.1).
	Clock() int
	// Decode writes the samples of one payload to dst and returns how many they are. The error wraps ErrShortBuffer where dst is too short, and
	// ErrFormat where the payload cannot be of this codec; n is 0 then. MaxPacket samples are enough for any payload of 120 ms.
	Decode(dst []int16, payload []byte) (n int, err error)
	// Encode writes the payload for pcm to dst and returns its length in octets. It encodes as many samples as fit into dst. It returns 0 for a codec
	// that is only decoded (Opus).
	Encode(dst []byte, pcm []int16) (n int)
}

// NewCodec returns a codec by its encoding name in any case: "PCMU", "PCMA", "G722", "L16", "opus". The rest of an a=rtpmap may follow, as in "PCMU/8000"
// or "opus/48000/2". L16 has one channel and 8, 16, 24, 32, 44.1 or 48 kHz ("L16/16000"), without a rate 8 kHz. NewCodec reports false for whatever
// there is no codec for.
func NewCodec(name string) (Codec, bool) {
	name, parameters, _ := strings.Cut(strings.ToUpper(name), "/")
	switch name {
	case "PCMU":
		if alone(parameters, "8000") {
			return pcmu{}, true
		}
	case "PCMA":
		if alone(parameters, "8000") {
			return pcma{}, true
		}
	case "G722":
		if alone(parameters, "8000") {
			return newG722(), true
		}
	case "L16":
		return newL16(strings.TrimSuffix(parameters, "/1"))
	case "OPUS":
		if parameters == "" || parameters == "48000/2" {
			return newOpus(), true
		}
	}
	return nil, false
}

// alone reports whether the clock rate and channels behind an encoding name are nothing, or this clock and one channel.
func alone(parameters, clock string) bool {
	return parameters == "" || strings.TrimSuffix(parameters, "/1") == clock
}

// fits returns an error when a payload of n samples does not fit into dst.
func fits(dst []int16, n int, codec string) error {
	if n > len(dst) {
		return fmt.Errorf("%w: %s packet of %d samples, room for %d", ErrShortBuffer, codec, n, len(dst))
	}
	return nil
}
