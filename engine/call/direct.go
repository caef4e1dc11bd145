package call

import (
	"bytes"
	"net/netip"
	"sync"

	"github.com/sipscript/sipscript/engine/media"
)

// direct is the media.Backend that has no part in media: descriptions pass as they are, and the peers send to each other.
// What this server says by itself is a description that no media can follow (RFC 3725 §5).
type direct struct{}

// wire is a terminal of it.
type wire struct {
	id   string
	mu   sync.Mutex
	said []byte // what was written for its peer last
}

func (w *wire) ID() string         { return w.id }
func (w *wire) Stats() media.Stats { return media.Stats{} }

func (w *wire) say(sdp []byte) []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.said = sdp
	return sdp
}

func (w *wire) last() []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.said
}

// Open implements media.Backend.
func (*direct) Open(id string, _ func(media.Event)) (media.Terminal, error) {
	return &wire{id: id}, nil
}

// Signalled implements media.Backend.
func (*direct) Signalled(media.Terminal, netip.Addr, netip.Addr) {}

// Pass implements media.Backend.
func (*direct) Pass(_, to media.Terminal, _ media.Role, sdp []byte, _ media.Options, done func([]byte, error)) {
	if w, ok := to.(*wire); ok {
		w.say(sdp)
	}
	done(sdp, nil)
}

// Answer implements media.Backend: every m-line stays silent, as there is nobody to send media to.
func (*direct) Answer(t media.Terminal, offer []byte, _ media.Options, done func([]byte, error)) {
	w, ok := t.(*wire)
	if !ok {
		done(nil, media.ErrForeign)
		return
	}
	done(w.say(silent(offer)), nil)
}

// blackHole is an offer of audio that nobody can be heard in yet.
const blackHole = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\nm=audio 9 RTP/AVP 8 0\r\na=inactive\r\n"

// silent is an answer that keeps every m-line of an offer, inactive until a peer is there (RFC 3264 §6).
func silent(offer []byte) []byte {
	answer := []byte("v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\n")
	for line := range bytes.Lines(offer) {
		rest, ok := bytes.CutPrefix(line, []byte("m="))
		if !ok {
			continue
		}
		fields := bytes.Fields(rest)
		if len(fields) < 4 {
			continue
		}
		answer = append(append(answer, "m="...), fields[0]...)
		answer = append(answer, " 9 "...)
		answer = append(append(answer, fields[2]...), ' ')
		answer = append(append(answer, fields[3]...), "\r\na=inactive\r\n"...)
	}
	return answer
}

// Offer implements media.Backend.
func (*direct) Offer(t media.Terminal, _ media.Options, done func([]byte, error)) {
	w, ok := t.(*wire)
	if !ok {
		done(nil, media.ErrForeign)
		return
	}
	if last := w.last(); last != nil {
		done(last, nil)
		return
	}
	done(w.say([]byte(blackHole)), nil)
}

// Accept implements media.Backend.
func (*direct) Accept(_ media.Terminal, _ []byte, _ media.Options, done func(error)) { done(nil) }

// Hold implements media.Backend.
func (*direct) Hold(t media.Terminal, on bool, done func([]byte, error)) {
	w, ok := t.(*wire)
	if !ok {
		done(nil, media.ErrForeign)
		return
	}
	sdp := resumed(w.last())
	if on {
		sdp = append(sdp, "a=sendonly\r\n"...)
	}
	done(w.say(sdp), nil)
}

// Rollback implements media.Backend.
func (*direct) Rollback(media.Terminal) {}

// Connect implements media.Backend.
func (*direct) Connect(_, _ media.Terminal) {}

// Part implements media.Backend.
func (*direct) Part(media.Terminal) {}

// BlockDigits implements media.Backend.
func (*direct) BlockDigits(media.Terminal, bool) {}

// Voice implements media.Backend.
func (*direct) Voice(media.Terminal) (media.Voice, error) { return nil, media.ErrUnsupported }

// Close implements media.Backend.
func (*direct) Close(media.Terminal) media.Stats { return media.Stats{} }

var _ media.Backend = (*direct)(nil)
