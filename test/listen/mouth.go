package listen

import (
	"encoding/binary"
	"net/netip"
	"strings"
	"time"

	"github.com/sipscript/sipscript/engine/audio"
	"github.com/sipscript/sipscript/engine/media"
)

// firstTimestamp is that of what is sent when the ear is opened.
const firstTimestamp = 160000

// mouth is the RTP stream that an ear sends.
type mouth struct {
	ssrc, timestamp uint32
	sequence        uint16
}

// Payload is the payload type of an encoding name in what the ear has described, as "PCMU"; 0 if it has none of it.
func (e *Ear) Payload(name string) uint8 {
	e.mu.Lock()
	defer e.mu.Unlock()
	for payload, n := range e.formats {
		if encoding, _, _ := strings.Cut(n, "/"); strings.EqualFold(encoding, name) {
			return payload
		}
	}
	return 0
}

// Say sends what a source yields to an address, a packet each 20 ms, for as long as it lasts or for d, and returns when that is over. name is the encoding.
func (e *Ear) Say(to netip.AddrPort, name string, s media.Source, d time.Duration) {
	e.t.Helper()
	payload := e.Payload(name)
	codec, ok := audio.NewCodec(name)
	if !ok {
		e.t.Fatalf("no codec %s", name)
	}
	frame := make([]int16, audio.FrameLen(codec.Rate()))
	body := make([]byte, 2*len(frame))
	step := uint32(codec.Clock() / 50)
	e.advance()
	for first := true; d > 0; d -= audio.FrameTime {
		n := s.Read(frame, codec.Rate())
		if n == 0 {
			return
		}
		clear(frame[n:])
		e.send(to, payload, first, e.pass(step), body[:codec.Encode(body, frame)])
		first = false
		time.Sleep(audio.FrameTime)
	}
}

// advance brings the timestamp to now, as a silence counts in it (RFC 3550 §5.1).
func (e *Ear) advance() {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := firstTimestamp + uint32(time.Since(e.begun)*8000/time.Second)
	if int32(now-e.mouth.timestamp) > 0 {
		e.mouth.timestamp = now
	}
}

// Press presses keys by telephone-events (RFC 4733) of 8 kHz: each one for each, and gap behind it. It returns when the last gap is over.
func (e *Ear) Press(to netip.AddrPort, digits string, each, gap time.Duration) {
	payload := e.Payload("telephone-event")
	for _, digit := range digits {
		e.advance()
		event := strings.IndexRune("0123456789*#ABCD!", digit)
		begun, start := e.pass(1), time.Now() // no two of them at one time
		duration := func(d time.Duration) []byte {
			return binary.BigEndian.AppendUint16([]byte{byte(event), 10}, uint16(d*8000/time.Second))
		}
		first := true
		for d := audio.FrameTime; d < each; d += audio.FrameTime {
			e.send(to, payload, first, begun, duration(d))
			first = false
			time.Sleep(audio.FrameTime)
		}
		for range 3 {
			body := duration(each)
			body[1] |= 0x80
			e.send(to, payload, first, begun, body)
			first = false
			time.Sleep(audio.FrameTime)
		}
		if rest := each + gap - time.Since(start); rest > 0 {
			time.Sleep(rest)
		}
	}
}

// Send sends one packet with a payload as it is, and lets 20 ms of an 8 kHz clock pass.
func (e *Ear) Send(to netip.AddrPort, payload uint8, body []byte) {
	e.send(to, payload, false, e.pass(160), body)
}

// pass is the timestamp of what is sent next, behind which so many units pass.
func (e *Ear) pass(units uint32) uint32 {
	e.mu.Lock()
	defer e.mu.Unlock()
	at := e.mouth.timestamp
	e.mouth.timestamp += units
	return at
}

// send sends one packet of the ear's stream.
func (e *Ear) send(to netip.AddrPort, payload uint8, marker bool, timestamp uint32, body []byte) {
	e.mu.Lock()
	m := &e.mouth
	b := make([]byte, 12, 12+len(body))
	b[0], b[1] = 0x80, payload
	if marker {
		b[1] |= 0x80
	}
	binary.BigEndian.PutUint16(b[2:], m.sequence)
	binary.BigEndian.PutUint32(b[4:], timestamp)
	binary.BigEndian.PutUint32(b[8:], m.ssrc)
	m.sequence++
	e.mu.Unlock()
	if err := e.conn.Write(append(b, body...), to); err != nil {
		e.t.Error(err)
	}
}
