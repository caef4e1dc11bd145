//go:build integration && linux

package integration

import (
	"encoding/binary"
	"math"
	"net"
	"sync"
	"testing"
	"time"
)

// pcma is the payload type of G.711 with A-law (RFC 3551 §6), and a packet holds 20 ms of it.
const (
	pcma         = 8
	packetFrames = 160
)

// ear is a UDP port that takes RTP and keeps what it hears.
type ear struct {
	conn *net.UDPConn
	mu   sync.Mutex
	pcm  recording
}

// newEar opens an ear at a free port. It ends with the test.
func newEar(t *testing.T) *ear {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	e := &ear{conn: conn, pcm: recording{rate: 8000, channels: 1}}
	done := make(chan struct{})
	go func() {
		defer close(done)
		e.listen()
	}()
	t.Cleanup(func() {
		conn.Close()
		<-done
	})
	return e
}

func (e *ear) port() int { return e.conn.LocalAddr().(*net.UDPAddr).Port }

func (e *ear) listen() {
	b := make([]byte, 1500)
	for {
		n, err := e.conn.Read(b)
		if err != nil {
			return
		}
		if n < 12 || b[0]>>6 != 2 || b[1]&0x7f != pcma { // RFC 3550 §5.1
			continue
		}
		e.mu.Lock()
		for _, code := range b[12:n] {
			e.pcm.samples = append(e.pcm.samples, fromALaw(code))
		}
		e.mu.Unlock()
	}
}

// heard is for how long the ear has heard a tone.
func (e *ear) heard(hz int) time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.pcm.hearing(hz)
}

// fromALaw decodes a sample of G.711, A-law.
func fromALaw(code byte) int16 {
	code ^= 0x55
	value := int16(code&0x0f)<<4 + 8
	if exponent := code >> 4 & 7; exponent > 0 {
		value = (value + 0x100) << (exponent - 1)
	}
	if code&0x80 == 0 {
		return -value
	}
	return value
}

// toALaw encodes one, by the code whose value is the nearest: there are but 256.
func toALaw(sample int16) byte {
	nearest, distance := byte(0), math.MaxInt
	for code := range 256 {
		d := int(fromALaw(byte(code))) - int(sample)
		if d = max(d, -d); d < distance {
			nearest, distance = byte(code), d
		}
	}
	return nearest
}

// writeTone writes a file in the format of pcap with the RTP packets of a tone, PCMA, as SIPp's play_pcap_audio wants it.
func writeTone(t *testing.T, path string, hz int, length time.Duration) {
	t.Helper()
	le, be := binary.LittleEndian, binary.BigEndian
	file := le.AppendUint32(nil, 0xa1b2c3d4)
	for _, v := range []uint16{2, 4, 0, 0, 0, 0} {
		file = le.AppendUint16(file, v)
	}
	file = le.AppendUint32(le.AppendUint32(file, 65535), 1) // Ethernet
	codes := map[int]byte{}                                 // of one second, after which a tone of whole Hz repeats
	for packet := range int(length / (20 * time.Millisecond)) {
		rtp := []byte{0x80, pcma}
		rtp = be.AppendUint16(rtp, uint16(packet))
		rtp = be.AppendUint32(rtp, uint32(packet*packetFrames))
		rtp = be.AppendUint32(rtp, 0x5149)
		for i := range packetFrames {
			at := (packet*packetFrames + i) % 8000
			if _, ok := codes[at]; !ok {
				codes[at] = toALaw(int16(9000 * math.Sin(2*math.Pi*float64(hz*at)/8000)))
			}
			rtp = append(rtp, codes[at])
		}
		frame := append(make([]byte, 12), 0x08, 0x00) // Ethernet's type of IPv4
		frame = append(frame, 0x45, 0)
		frame = be.AppendUint16(frame, uint16(28+len(rtp)))
		frame = append(frame, 0, 0, 0x40, 0, 64, 17, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1) // UDP over IPv4
		for _, v := range []int{6000, 6000, 8 + len(rtp), 0} {
			frame = be.AppendUint16(frame, uint16(v))
		}
		frame = append(frame, rtp...)
		for _, v := range []int{packet / 50, packet % 50 * 20000, len(frame), len(frame)} {
			file = le.AppendUint32(file, uint32(v))
		}
		file = append(file, frame...)
	}
	writeFile(t, path, string(file))
}
