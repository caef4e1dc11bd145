package audio

import (
	"fmt"
	"strings"

	"github.com/sipscript/sipscript/engine/audio/g711"
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
	// stayed so (RFC 3551 §4.5.2), and may differ for Opus, whose clock is always 48000 (RFC 7587 §4.1).
	Clock() int
	// Decode writes the samples of one payload to dst and returns how many they are. The error wraps ErrShortBuffer where dst is too short, and
	// ErrFormat where the payload cannot be of this codec; n is 0 then. MaxPacket samples are enough for any payload of 120 ms.
	Decode(dst []int16, payload []byte) (n int, err error)
	// Encode writes the payload for pcm to dst and returns its length. It encodes as many samples as fit into dst. It returns 0 for a codec that is
	// only decoded (Opus).
	Encode(dst []byte, pcm []int16) (n int)
}

// NewCodec returns a codec by its encoding name in any case, as in a=rtpmap: "PCMU", "PCMA", "G722", "L16". A clock rate may follow, as in
// "PCMU/8000"; L16 has any rate of samples that [NewResampler] takes ("L16/16000"), and 8000 without one. It reports false for what there is no codec for.
func NewCodec(name string) (Codec, bool) {
	name, clock, _ := strings.Cut(name, "/")
	switch name, clock = strings.ToUpper(name), strings.TrimSuffix(clock, "/1"); {
	case name == "PCMU" && (clock == "" || clock == "8000"):
		return muLaw{}, true
	case name == "PCMA" && (clock == "" || clock == "8000"):
		return aLaw{}, true
	}
	return nil, false
}

// muLaw is PCMU (RFC 3551 §4.5.14).
type muLaw struct{}

func (muLaw) Name() string { return "PCMU" }
func (muLaw) Rate() int    { return 8000 }
func (muLaw) Clock() int   { return 8000 }

func (muLaw) Decode(dst []int16, payload []byte) (int, error) {
	if len(dst) < len(payload) {
		return 0, fmt.Errorf("%w: %d samples of PCMU", ErrShortBuffer, len(payload))
	}
	return g711.DecodeMu(dst, payload), nil
}

func (muLaw) Encode(dst []byte, pcm []int16) int { return g711.EncodeMu(dst, pcm) }

// aLaw is PCMA (RFC 3551 §4.5.14).
type aLaw struct{}

func (aLaw) Name() string { return "PCMA" }
func (aLaw) Rate() int    { return 8000 }
func (aLaw) Clock() int   { return 8000 }

func (aLaw) Decode(dst []int16, payload []byte) (int, error) {
	if len(dst) < len(payload) {
		return 0, fmt.Errorf("%w: %d samples of PCMA", ErrShortBuffer, len(payload))
	}
	return g711.DecodeA(dst, payload), nil
}

func (aLaw) Encode(dst []byte, pcm []int16) int { return g711.EncodeA(dst, pcm) }
