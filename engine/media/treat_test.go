package media

import (
	"bytes"
	"net/netip"
	"testing"

	"github.com/pion/rtp"

	"github.com/sipscript/sipscript/engine/media/description"
)

var (
	aliceAt = netip.MustParseAddrPort("10.0.0.1:4000")
	bobAt   = netip.MustParseAddrPort("10.0.0.2:5000")
)

// joined are two streams with a route between them, and no sockets.
func joined(t testing.TB, keyA, keyB *description.SDES) (a, b *stream) {
	t.Helper()
	var r Relay
	stand := func(at netip.AddrPort, key *description.SDES) *stream {
		s := &stream{terminal: &terminal{relay: &r}}
		s.rtp, s.rtcp = &port{stream: s}, &port{stream: s, control: true}
		formats := []description.Format{{Payload: 0, Name: "PCMU", Clock: 8000}, {Payload: 101, Name: "telephone-event", Clock: 8000}}
		line := &description.Line{
			Remote: description.Media{Kind: description.Audio, Proto: "RTP/AVP", Port: at.Port(), Address: at.Addr(), RTCP: netip.AddrPortFrom(at.Addr(), at.Port()+1), Formats: formats},
			Local:  description.Media{Kind: description.Audio, Proto: "RTP/AVP", Port: 20000, Formats: formats},
		}
		line.Encrypt, line.Decrypt = key, key
		if err := s.describe(1, line, netip.Addr{}); err != nil {
			t.Fatal(err)
		}
		return s
	}
	a, b = stand(aliceAt, keyA), stand(bobAt, keyB)
	r.lead(a, b)
	r.lead(b, a)
	return a, b
}

func sdesOf(suite description.Suite) *description.SDES {
	return &description.SDES{Tag: 1, Suite: suite, Key: keyOf(suite, 3)}
}

// buffer is room for a packet as the loops have it.
func buffer(b []byte) []byte { return append(make([]byte, 0, len(b)+tail), b...) }

func TestTreatAllocatesNothing(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector allocates")
	}
	for _, tc := range []struct {
		name       string
		keyA, keyB *description.SDES
	}{
		{"RTP", nil, nil},
		{"AES-CM to RTP", sdesOf(description.AES128SHA80), nil},
		{"RTP to AES-CM", nil, sdesOf(description.AES128SHA80)},
		{"RTP to AES-GCM", nil, sdesOf(description.AES256GCM)},
		{"AES-GCM to AES-CM", sdesOf(description.AES128GCM), sdesOf(description.AES128SHA32)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a, _ := joined(t, tc.keyA, tc.keyB)
			var seal *crypt
			if tc.keyA != nil {
				var err error
				if seal, err = newCrypt(tc.keyA); err != nil {
					t.Fatal(err)
				}
			}
			sequence := uint16(0)
			scratch := buffer(make([]byte, 172+tail))
			packet := rtpOf(0, 0, 0, 1, make([]byte, 160))
			relayed := 0
			allocs := testing.AllocsPerRun(500, func() {
				sequence++
				b := append(scratch[:0], packet...)
				b[2], b[3] = byte(sequence>>8), byte(sequence)
				if seal != nil {
					h, _ := readRTP(b)
					b, _ = seal.sealRTP(b, &h)
				}
				if out := a.rtp.treat(int64(sequence)*20_000_000, b, aliceAt); out.by != nil {
					relayed++
				}
			})
			if allocs != 0 || relayed != 501 {
				t.Errorf("%v allocations a packet, %d relayed", allocs, relayed)
			}
		})
	}
}

func TestHeaderIsReadAsPionReadsIt(t *testing.T) {
	t.Parallel()
	for _, p := range []rtp.Packet{
		{Header: rtp.Header{Version: 2, PayloadType: 8, SequenceNumber: 7, Timestamp: 9, SSRC: 11, Marker: true}, Payload: []byte("body")},
		{Header: rtp.Header{Version: 2, CSRC: []uint32{1, 2, 3}, SSRC: 1}, Payload: []byte("body")},
		{Header: rtp.Header{Version: 2, Extension: true, ExtensionProfile: rtp.ExtensionProfileOneByte, Extensions: []rtp.Extension{}, SSRC: 1}, Payload: []byte("body")},
		{Header: rtp.Header{Version: 2, Padding: true, PaddingSize: 4, SSRC: 1}, Payload: []byte("body")},
	} {
		b, err := p.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		h, ok := readRTP(b)
		if !ok || h.payload != p.PayloadType || h.marker != p.Marker || h.sequence != p.SequenceNumber || h.timestamp != p.Timestamp || h.ssrc != p.SSRC {
			t.Errorf("%+v of %x, want %v", h, b, p)
		}
		if got := h.body(b); !bytes.Equal(got, p.Payload) {
			t.Errorf("body %q of %x", got, b)
		}
	}
}

func TestPacketsWhoseLengthsDoNotFitAreDropped(t *testing.T) {
	t.Parallel()
	for _, b := range [][]byte{
		{0x80, 0, 0, 1, 0, 0, 0, 0},                                     // shorter than a header
		{0x8f, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1},                         // 15 CSRCs that are not there
		{0x90, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1},                         // an extension that is not there
		{0x90, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0xbe, 0xde, 0xff, 0xff}, // one that is longer than all
		{0x80, 77, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1},                        // a payload type that nobody has described
	} {
		a, _ := joined(t, nil, nil)
		if out := a.rtp.treat(1, buffer(b), aliceAt); out.by != nil {
			t.Errorf("%x is relayed", b)
		}
		if got := a.drops.read(); got != (Drops{Malformed: 1}) {
			t.Errorf("%x: %+v", b, got)
		}
	}
	for _, b := range [][]byte{{0x80, 200, 0, 6, 0, 0, 0, 1}, {0x80, 201, 0, 1, 0, 0, 0, 1, 0x80}, {0x80, 201, 0, 1, 0, 0, 0, 1, 0x40, 202, 0, 0}} {
		a, _ := joined(t, nil, nil)
		if out := a.rtcp.treat(1, buffer(b), netip.AddrPortFrom(aliceAt.Addr(), 4001)); out.by != nil {
			t.Errorf("%x is relayed", b)
		}
		if got := a.drops.read(); got != (Drops{Malformed: 1}) {
			t.Errorf("%x: %+v", b, got)
		}
	}
}

// FuzzTreat: no packet makes the relay panic, and what passes in the clear passes as it came.
func FuzzTreat(f *testing.F) {
	f.Add(rtpOf(0, 1, 160, 1, []byte("voice")), false)
	f.Add(rtpOf(101, 1, 160, 1, []byte{5, 0x8a, 3, 0x20}), false)
	f.Add([]byte{0x80, 200, 0, 6, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, true)
	f.Add([]byte{0x81, 201, 0, 7, 0, 0, 0, 1}, true)
	f.Fuzz(func(t *testing.T, b []byte, control bool) {
		for _, key := range []*description.SDES{nil, sdesOf(description.AES128SHA80), sdesOf(description.AES128GCM)} {
			a, _ := joined(t, key, nil)
			p := a.rtp
			if control {
				p = a.rtcp
			}
			out := p.treat(1, buffer(b), aliceAt)
			if out.by != nil && (key != nil || !bytes.Equal(out.b, b)) {
				t.Fatalf("%x passed as %x, key %v", b, out.b, key)
			}
		}
	})
}

// BenchmarkTreatOfManyStreams is what a packet costs where nothing of its stream is in the processor's caches, as it is in production.
func BenchmarkTreatOfManyStreams(b *testing.B) {
	for _, bc := range []struct {
		name string
		key  *description.SDES
	}{{"plain", nil}, {"AES-CM", sdesOf(description.AES128SHA80)}} {
		b.Run(bc.name, func(b *testing.B) {
			all := make([]*stream, 4000)
			for i := range all {
				all[i], _ = joined(b, nil, bc.key)
			}
			packet := buffer(rtpOf(0, 0, 0, 1, make([]byte, 160)))
			b.ReportAllocs()
			b.ResetTimer()
			for i := range b.N {
				n := i / len(all)
				packet[2], packet[3] = byte(n>>8), byte(n)
				all[i%len(all)].rtp.treat(int64(i), packet, aliceAt)
			}
		})
	}
}

func BenchmarkTreat(b *testing.B) {
	for _, bc := range []struct {
		name string
		key  *description.SDES
	}{{"plain", nil}, {"AES-CM", sdesOf(description.AES128SHA80)}, {"AES-GCM", sdesOf(description.AES128GCM)}} {
		b.Run(bc.name, func(b *testing.B) {
			a, _ := joined(b, nil, bc.key)
			packet := buffer(rtpOf(0, 0, 0, 1, make([]byte, 160)))
			b.ReportAllocs()
			for i := range b.N {
				packet[2], packet[3] = byte(i>>8), byte(i)
				a.rtp.treat(int64(i), packet, aliceAt)
			}
		})
	}
}
