package audio

import "github.com/sipscript/sipscript/engine/audio/g722"

// g722Codec is G.722 at 64 kbit/s (RFC 3551 §4.5.2).
type g722Codec struct {
	encoder *g722.Encoder
	decoder *g722.Decoder
}

func newG722() *g722Codec { return &g722Codec{encoder: g722.NewEncoder(), decoder: g722.NewDecoder()} }

func (*g722Codec) Name() string { return "G722" }
func (*g722Codec) Rate() int    { return 16000 }
func (*g722Codec) Clock() int   { return 8000 }

func (c *g722Codec) Decode(dst []int16, payload []byte) (int, error) {
	if err := fits(dst, 2*len(payload), "G722"); err != nil {
		return 0, err
	}
	return c.decoder.Decode(dst, payload), nil
}

func (c *g722Codec) Encode(dst []byte, pcm []int16) int { return c.encoder.Encode(dst, pcm) }
