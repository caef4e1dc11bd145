package media

import (
	"slices"
	"strconv"
	"time"

	"github.com/sipscript/sipscript/engine/audio"
	"github.com/sipscript/sipscript/engine/media/description"
)

// line is what was agreed of the m-line that a voice speaks on. It is never changed.
type line struct {
	stream *stream
	wants  bool // the peer is to hear something

	said, heard []description.Format // what the peer may send, and what it takes

	codec   string // what is sent; "": nothing that can be encoded was agreed
	payload uint8
	rate    int    // of its samples
	clock   uint32 // of its timestamps
	format  *description.Format
	events  *description.Format
}

// newLine reads what was agreed for s.
func newLine(s *stream, r *rules) *line {
	l := &line{stream: s, wants: r.hears, said: r.sent, heard: r.wanted}
	for i := range r.wanted {
		if f := &r.wanted[i]; encodable(f) && offered(r.sent, f) {
			codec, _ := codecOf(f)
			l.codec, l.payload, l.rate, l.clock, l.format = codec.Name(), f.Payload, codec.Rate(), uint32(codec.Clock()), f
			break
		}
	}
	for i := range r.wanted {
		// Where there are several, that of the codec's clock is meant: both count in one timestamp (RFC 7160 §4).
		if f := &r.wanted[i]; isEvent(f) && (l.events == nil || uint32(l.events.Clock) != l.clock) {
			l.events = f
		}
	}
	return l
}

// encoder is a new one for what is sent.
func (l *line) encoder() audio.Codec {
	codec, _ := codecOf(l.format)
	return codec
}

// encodable reports whether this server has an encoder for a format, with frames that fit a packet.
func encodable(f *description.Format) bool {
	if f.Is("opus") {
		return false // only decoded here, and its decoder is large
	}
	codec, ok := codecOf(f)
	return ok && codec.Rate() <= 16000
}

// codecOf is a new codec for a format.
func codecOf(f *description.Format) (audio.Codec, bool) {
	name := f.Name
	if f.Is("L16") {
		name += "/" + strconv.Itoa(f.Clock)
	}
	if f.Channels > 1 && !f.Is("opus") { // which is always described with two (RFC 7587 §7)
		return nil, false
	}
	return audio.NewCodec(name)
}

// offered reports whether a format stands in what the other side wrote.
func offered(formats []description.Format, f *description.Format) bool {
	return slices.ContainsFunc(formats, func(g description.Format) bool { return g.Is(f.Name) && g.Clock == f.Clock })
}

func isEvent(f *description.Format) bool { return f.Is("telephone-event") }

// formatOf is the one of a payload type; nil if none has it.
func formatOf(formats []description.Format, payload uint8) *description.Format {
	for i := range formats {
		if formats[i].Payload == payload {
			return &formats[i]
		}
	}
	return nil
}

// frame is how many units of the clock a frame lasts.
func (l *line) frame() uint32 { return l.clock / uint32(time.Second/audio.FrameTime) }
