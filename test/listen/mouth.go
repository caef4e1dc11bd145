package listen

import (
	"encoding/binary"
	"net/netip"
	"strings"
	"time"

	"github.com/sipscript/sipscript/engine/audio"
	"github.com/sipscript/sipscript/engine/media"
)

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
	for first := true; d > 0; d -= audio.FrameTime {
		n := s.Read(frame, codec.Rate())
		if n == 0 {
			return
		}
		clear(frame[n:])
		e.send(to, payload, first, e.mouth.timestamp, body[:codec.Encode(body, frame)])
		e.mouth.timestamp += step
		first = false
		time.Sleep(audio.FrameTime)
	}
}

// Rest lets time pass in which nothing is said.
func (e *Ear) Rest(d time.Duration) {
	e.mouth.timestamp += uint32(d * 8000 / time.Second)
	time.Sleep(d)
}

// Press presses keys by telephone-events (RFC 4733) of 8 kHz: each one for each, and gap behind it. It returns when the last gap is over.
func (e *Ear) Press(to netip.AddrPort, digits string, each, gap time.Duration) {
	payload := e.Payload("telephone-event")
	for _, digit := range digits {
		event := strings.IndexRune("0123456789*#ABCD!", digit)
		begun, start := e.mouth.timestamp, time.Now()
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
		e.mouth.timestamp += uint32((each + gap) * 8000 / time.Second)
	}
}

// Send sends one packet of the ear's stream.
func (e *Ear) send(to netip.AddrPort, payload uint8, marker bool, timestamp uint32, body []byte) {
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
	if err := e.conn.Write(append(b, body...), to); err != nil {
		e.t.Error(err)
	}
}
