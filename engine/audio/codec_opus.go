package audio

import (
	"fmt"

	"github.com/pion/opus"
)

// opusRate is the rate at which Opus is decoded: what is above 8 kHz is heard by nobody behind a call leg of 8 or 16 kHz.
const opusRate = 16000

// opusCodec decodes Opus (RFC 6716, RFC 7587), stereo mixed down. It does not encode.
type opusCodec struct{ decoder opus.Decoder }

func newOpus() *opusCodec {
	c := new(opusCodec)
	c.reset()
	return c
}

func (c *opusCodec) reset() {
	if err := c.decoder.Init(opusRate, 1); err != nil {
		panic(err) // it refuses rates and channels that Opus does not have
	}
}

func (*opusCodec) Name() string { return "opus" }
func (*opusCodec) Rate() int    { return opusRate }
func (*opusCodec) Clock() int   { return 48000 }

func (c *opusCodec) Decode(dst []int16, payload []byte) (n int, err error) {
	// Anybody in a call can send anything as a packet, and the decoder is a large one of someone else: what it stumbles over must not end the server.
	defer func() {
		if p := recover(); p != nil {
			c.reset()
			n, err = 0, fmt.Errorf("%w: opus: %v", ErrFormat, p)
		}
	}()
	return c.decode(dst, payload)
}

func (c *opusCodec) decode(dst []int16, payload []byte) (int, error) {
	n, err := opusSamples(payload)
	if err != nil {
		return 0, err
	}
	if err := fits(dst, n, "opus"); err != nil {
		return 0, err
	}
	n, err = c.decoder.DecodeToInt16(payload, dst[:n]) // it keeps memory for the whole buffer it gets
	if err != nil {
		return 0, fmt.Errorf("%w: opus: %w", ErrFormat, err)
	}
	return n, nil
}

func (*opusCodec) Encode([]byte, []int16) int { return 0 }

// opusSamples returns how many samples a packet decodes to, from its first octet and its count of frames (RFC 6716 §3.1, §3.2).
func opusSamples(packet []byte) (int, error) {
	if len(packet) == 0 {
		return 0, fmt.Errorf("%w: empty opus packet", ErrFormat)
	}
	const millisecond = opusRate / 1000
	var frame int
	switch config := packet[0] >> 3; {
	case config < 12: // SILK: 10, 20, 40, 60 ms
		frame = [...]int{10, 20, 40, 60}[config&3] * millisecond
	case config < 16: // hybrid: 10, 20 ms
		frame = [...]int{10, 20}[config&1] * millisecond
	default: // CELT: 2.5, 5, 10, 20 ms
		frame = 5 * millisecond / 2 << (config & 3)
	}
	switch packet[0] & 3 {
	case 0:
		return frame, nil
	case 1, 2:
		return 2 * frame, nil
	}
	if len(packet) < 2 {
		return 0, fmt.Errorf("%w: opus packet without its count of frames", ErrFormat)
	}
	n := int(packet[1]&0x3F) * frame
	if n == 0 || n > 120*millisecond {
		return 0, fmt.Errorf("%w: opus packet of %d ms", ErrFormat, n/millisecond)
	}
	return n, nil
}
