package audio

import (
	"encoding/binary"
	"fmt"
)

// l16 is linear PCM, the octet of the higher bits first (RFC 3551 §4.5.11).
type l16 struct{ rate int }

func newL16(clock string) (Codec, bool) {
	switch clock {
	case "", "8000":
		return l16{8000}, true
	case "16000":
		return l16{16000}, true
	case "24000":
		return l16{24000}, true
	case "32000":
		return l16{32000}, true
	case "44100":
		return l16{44100}, true
	case "48000":
		return l16{48000}, true
	}
	return nil, false
}

func (l16) Name() string { return "L16" }
func (c l16) Rate() int  { return c.rate }
func (c l16) Clock() int { return c.rate }

func (l16) Decode(dst []int16, payload []byte) (int, error) {
	if len(payload)%2 != 0 {
		return 0, fmt.Errorf("%w: L16 packet of %d octets", ErrFormat, len(payload))
	}
	n := len(payload) / 2
	if err := fits(dst, n, "L16"); err != nil {
		return 0, err
	}
	for i := range dst[:n] {
		dst[i] = int16(binary.BigEndian.Uint16(payload[2*i:]))
	}
	return n, nil
}

func (l16) Encode(dst []byte, pcm []int16) int {
	n := min(len(dst)/2, len(pcm))
	for i, sample := range pcm[:n] {
		binary.BigEndian.PutUint16(dst[2*i:], uint16(sample))
	}
	return 2 * n
}
