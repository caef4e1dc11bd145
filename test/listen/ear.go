package listen

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sipscript/sipscript/engine/audio"
	"github.com/sipscript/sipscript/engine/media"
)

// Rate is that of what an Ear has heard, in Hz.
const Rate = 8000

// Packet is one that has come.
type Packet struct {
	Arrived   time.Duration // since the ear was opened
	From      netip.AddrPort
	Payload   uint8
	Marker    bool
	Sequence  uint16
	Timestamp uint32
	SSRC      uint32
	Body      []byte
	Control   bool // RTCP: only Arrived, From and Body, which is all of it
}

// Ear is a peer with one socket for RTP and RTCP. It keeps every packet that comes, speaks with Say and presses keys with Press.
type Ear struct {
	t     testing.TB
	conn  media.Conn
	addr  netip.AddrPort
	begun time.Time

	mu      sync.Mutex
	packets []Packet
	formats map[uint8]string
	mouth   mouth
}

// Formats are what an Ear describes if it is told nothing else: G.711, and telephone-events.
const Formats = "0 PCMU/8000, 8 PCMA/8000, 101 telephone-event/8000"

// New opens the socket of an ear. It is closed with the test.
func New(t testing.TB, n media.Net, addr netip.AddrPort) *Ear {
	t.Helper()
	conn, err := n.Open(addr)
	if err != nil {
		t.Fatal(err)
	}
	e := &Ear{t: t, conn: conn, addr: addr, begun: time.Now(), formats: parse(Formats)}
	e.mouth = mouth{ssrc: uint32(addr.Port())<<16 | 0x5151, sequence: 1000, timestamp: firstTimestamp}
	done := make(chan struct{})
	go func() {
		defer close(done)
		e.listen()
	}()
	t.Cleanup(func() { _ = conn.Close(); <-done })
	return e
}

func parse(formats string) map[uint8]string {
	all := map[uint8]string{}
	for f := range strings.SplitSeq(formats, ",") {
		number, name, _ := strings.Cut(strings.TrimSpace(f), " ")
		payload, _ := strconv.ParseUint(number, 10, 7)
		all[uint8(payload)] = name
	}
	return all
}

// Addr is where it receives.
func (e *Ear) Addr() netip.AddrPort { return e.addr }

// Describe is a session description of the ear: formats as in Formats, in the order of preference, and further lines of the m-line.
func (e *Ear) Describe(formats string, lines ...string) []byte {
	e.mu.Lock()
	e.formats = parse(formats)
	e.mu.Unlock()
	family := "IP4"
	if e.addr.Addr().Is6() {
		family = "IP6"
	}
	var numbers, maps strings.Builder
	for f := range strings.SplitSeq(formats, ",") {
		number, name, _ := strings.Cut(strings.TrimSpace(f), " ")
		fmt.Fprintf(&numbers, " %s", number)
		fmt.Fprintf(&maps, "a=rtpmap:%s %s\r\n", number, name)
	}
	text := fmt.Sprintf("v=0\r\no=ear 1 1 IN %[1]s %[2]v\r\ns=-\r\nc=IN %[1]s %[2]v\r\nt=0 0\r\nm=audio %d RTP/AVP%s\r\n%sa=rtcp-mux\r\n",
		family, e.addr.Addr(), e.addr.Port(), numbers.String(), maps.String())
	for _, l := range lines {
		text += l + "\r\n"
	}
	return []byte(text)
}

func (e *Ear) listen() {
	b := make([]byte, 2048)
	for {
		n, from, err := e.conn.Read(b)
		if err != nil {
			return
		}
		e.take(b[:n], from)
	}
}

func (e *Ear) take(b []byte, from netip.AddrPort) {
	p := Packet{Arrived: time.Since(e.begun), From: from}
	switch {
	case len(b) >= 8 && b[1] >= 192 && b[1] <= 223:
		p.Control, p.Body = true, append([]byte(nil), b...)
	case len(b) >= 12 && b[0] == 0x80:
		p.Payload, p.Marker = b[1]&0x7f, b[1]&0x80 != 0
		p.Sequence, p.Timestamp = binary.BigEndian.Uint16(b[2:]), binary.BigEndian.Uint32(b[4:])
		p.SSRC, p.Body = binary.BigEndian.Uint32(b[8:]), append([]byte(nil), b[12:]...)
	default:
		e.t.Errorf("%v hears %x, which is neither RTP nor RTCP", e.addr, b)
		return
	}
	e.mu.Lock()
	e.packets = append(e.packets, p)
	e.mu.Unlock()
}

// Packets are all that have come so far.
func (e *Ear) Packets() []Packet {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]Packet(nil), e.packets...)
}

// Samples are what was heard so far, from the moment that the ear was opened, at Rate; where nothing came they are 0.
func (e *Ear) Samples() []int16 {
	e.mu.Lock()
	defer e.mu.Unlock()
	var sum []int16
	var last Packet
	at := 0
	codecs := map[uint8]audio.Codec{}
	turns := map[uint8]*audio.Resampler{}
	pcm := make([]int16, audio.MaxPacket)
	for _, p := range e.packets {
		name := e.formats[p.Payload]
		if p.Control || name == "" || strings.HasPrefix(name, "telephone-event") {
			continue
		}
		codec := codecs[p.Payload]
		if codec == nil {
			var ok bool
			if codec, ok = audio.NewCodec(name); !ok {
				continue
			}
			codecs[p.Payload] = codec
			turns[p.Payload] = audio.NewResampler(codec.Rate(), Rate)
		}
		n, err := codec.Decode(pcm, p.Body)
		if err != nil {
			e.t.Errorf("%v hears %d bytes of %s: %v", e.addr, len(p.Body), name, err)
			continue
		}
		step := int(int32(p.Timestamp - last.Timestamp))
		if last.Body == nil || p.Marker || p.SSRC != last.SSRC || step < 0 {
			// A talkspurt is heard when it comes; within one, packets are where their timestamps say.
			at = int(p.Arrived * Rate / time.Second)
		} else {
			at += step * Rate / codec.Clock()
		}
		heard := turns[p.Payload].Append(nil, pcm[:n])
		if need := at + len(heard); need > len(sum) {
			sum = append(sum, make([]int16, need-len(sum))...)
		}
		copy(sum[at:], heard)
		last = p
	}
	return sum
}
