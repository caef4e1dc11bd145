package g711

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"testing"
)

// referenceMu is μ-law by the search for the segment that G.711 describes, from a sample of 14 bits.
func referenceMu(sample int) byte {
	sign := byte(0x80)
	if sample < 0 {
		sample, sign = ^sample, 0
	}
	sample = min(sample>>2+33, 8191)
	segment := 0
	for sample >= 64<<segment {
		segment++
	}
	return sign | ^(byte(segment)<<4|byte(sample>>(segment+1)&15))&0x7F
}

// referenceA is A-law by the search for the segment that G.711 describes, from a magnitude of 12 bits.
func referenceA(sample int) byte {
	sign := byte(0x80)
	if sample < 0 {
		sample, sign = ^sample, 0
	}
	sample >>= 4
	code := sample
	for segment := 1; segment < 8 && sample >= 16<<(segment-1); segment++ {
		code = segment<<4 | sample>>(segment-1)&15
	}
	return (sign | byte(code)) ^ 0x55
}

func TestEncodingIsThatOfTheRecommendation(t *testing.T) {
	t.Parallel()
	all := make([]int16, 65536)
	for i := range all {
		all[i] = int16(i - 32768)
	}
	mu, a := make([]byte, len(all)), make([]byte, len(all))
	if EncodeMu(mu, all) != len(all) || EncodeA(a, all) != len(all) {
		t.Fatal("not all samples were encoded")
	}
	for i, sample := range all {
		if want := referenceMu(int(sample)); mu[i] != want {
			t.Fatalf("μ-law of %d is %#02x, want %#02x", sample, mu[i], want)
		}
		if want := referenceA(int(sample)); a[i] != want {
			t.Fatalf("A-law of %d is %#02x, want %#02x", sample, a[i], want)
		}
	}
}

// The sums are of what SoX and FFmpeg decode all 256 codes to, 16 bits each, the lower ones first.
func TestDecodingIsThatOfOthers(t *testing.T) {
	t.Parallel()
	codes := make([]byte, 256)
	for i := range codes {
		codes[i] = byte(i)
	}
	for _, tt := range []struct {
		law    string
		decode func([]int16, []byte) int
		want   string
	}{
		{"μ-law", DecodeMu, "3dab54339e520bb2c924826e3b72a917a2b612e9fd12fc867500f1d983a75827"},
		{"A-law", DecodeA, "e04788d110e58ff8c70c93b8480190d973e3b67876b6119abbaec766cc75c174"},
	} {
		pcm := make([]int16, 256)
		tt.decode(pcm, codes)
		octets, err := binary.Append(nil, binary.LittleEndian, pcm)
		if err != nil {
			t.Fatal(err)
		}
		if sum := sha256.Sum256(octets); hex.EncodeToString(sum[:]) != tt.want {
			t.Errorf("%s decodes to %v", tt.law, pcm)
		}
	}
}

// A code that is decoded and encoded again, as in each server on the way, stays what it was. Only μ-law's second zero becomes the first.
func TestCodesSurviveTranscoding(t *testing.T) {
	t.Parallel()
	for i := range 256 {
		code := byte(i)
		if got := compressMu(linearMu[code]); got != code && (code != 0x7F || got != 0xFF) {
			t.Errorf("μ-law %#02x becomes %#02x", code, got)
		}
		if got := compressA(linearA[code]); got != code {
			t.Errorf("A-law %#02x becomes %#02x", code, got)
		}
	}
}

func TestSilence(t *testing.T) {
	t.Parallel()
	if got := compressMu(0); got != SilenceMu {
		t.Errorf("μ-law of 0 is %#02x", got)
	}
	if got := compressA(0); got != SilenceA {
		t.Errorf("A-law of 0 is %#02x", got)
	}
}

func TestOnlyWhatFitsIsWritten(t *testing.T) {
	t.Parallel()
	pcm, codes := []int16{100, 200, 300}, []byte{1, 2, 3}
	for _, encode := range []func([]byte, []int16) int{EncodeMu, EncodeA} {
		dst := []byte{9, 9, 9, 9}
		if n := encode(dst[:2], pcm); n != 2 || dst[2] != 9 {
			t.Errorf("%d codes written to room for two: %v", n, dst)
		}
		if n := encode(dst, pcm); n != 3 || dst[3] != 9 {
			t.Errorf("%d codes written of three: %v", n, dst)
		}
	}
	for _, decode := range []func([]int16, []byte) int{DecodeMu, DecodeA} {
		dst := []int16{9, 9, 9, 9}
		if n := decode(dst[:2], codes); n != 2 || !slices.Equal(dst[2:], []int16{9, 9}) {
			t.Errorf("%d samples written to room for two: %v", n, dst)
		}
	}
}

func TestNothingAllocates(t *testing.T) {
	pcm, codes := make([]int16, 160), make([]byte, 160)
	if n := testing.AllocsPerRun(100, func() {
		EncodeMu(codes, pcm)
		DecodeMu(pcm, codes)
		EncodeA(codes, pcm)
		DecodeA(pcm, codes)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkFrame(b *testing.B) {
	pcm, codes := make([]int16, 160), make([]byte, 160)
	for i := range pcm {
		pcm[i] = int16(i * 397)
	}
	for _, bb := range []struct {
		name string
		run  func()
	}{
		{"EncodeMu", func() { EncodeMu(codes, pcm) }},
		{"DecodeMu", func() { DecodeMu(pcm, codes) }},
		{"EncodeA", func() { EncodeA(codes, pcm) }},
		{"DecodeA", func() { DecodeA(pcm, codes) }},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				bb.run()
			}
		})
	}
}
