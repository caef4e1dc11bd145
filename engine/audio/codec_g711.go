package audio

import "github.com/sipscript/sipscript/engine/audio/g711"

// pcmu is μ-law (RFC 3551 §4.5.14).
type pcmu struct{}

func (pcmu) Name() string { return "PCMU" }
func (pcmu) Rate() int    { return 8000 }
func (pcmu) Clock() int   { return 8000 }

func (pcmu) Decode(dst []int16, payload []byte) (int, error) {
	if err := fits(dst, len(payload), "PCMU"); err != nil {
		return 0, err
	}
	return g711.DecodeMu(dst, payload), nil
}

func (pcmu) Encode(dst []byte, pcm []int16) int { return g711.EncodeMu(dst, pcm) }

// pcma is A-law (RFC 3551 §4.5.14).
type pcma struct{}

func (pcma) Name() string { return "PCMA" }
func (pcma) Rate() int    { return 8000 }
func (pcma) Clock() int   { return 8000 }

func (pcma) Decode(dst []int16, payload []byte) (int, error) {
	if err := fits(dst, len(payload), "PCMA"); err != nil {
		return 0, err
	}
	return g711.DecodeA(dst, payload), nil
}

func (pcma) Encode(dst []byte, pcm []int16) int { return g711.EncodeA(dst, pcm) }
