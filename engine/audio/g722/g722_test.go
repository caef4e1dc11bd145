package g722

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"
	"testing"
)

// signal is three seconds of what a codec finds hard, by integers alone: noise of several levels, a rising triangle wave, and a square wave that drives
// everything to its limits.
func signal() []int16 {
	pcm := make([]int16, 48000)
	random, phase := uint32(1), uint32(0)
	for i := range pcm {
		random = random*1664525 + 1013904223
		noise := int(int16(random >> 16))
		phase += uint32(i%16000) * 16000
		triangle := int(int16(phase >> 16))
		if triangle < 0 {
			triangle = ^triangle
		}
		triangle = 2*triangle - 32768
		switch {
		case i < 16000:
			pcm[i] = int16(noise >> (i / 2000))
		case i < 32000:
			pcm[i] = int16(triangle*3/4 + noise>>6)
		case i/25%2 == 0:
			pcm[i] = 32767
		default:
			pcm[i] = -32768
		}
	}
	return pcm
}

func sum(t *testing.T, data any) string {
	t.Helper()
	octets, err := binary.Append(nil, binary.LittleEndian, data)
	if err != nil {
		t.Fatal(err)
	}
	hash := sha256.Sum256(octets)
	return hex.EncodeToString(hash[:])
}

// The sums are of what FFmpeg makes of the same signal: ffmpeg -f s16le -ar 16000 -i signal -c:a g722 -f g722 coded, and back. SpanDSP encodes the same.
const (
	wantCoded   = "de034d89429ff117172bb4fa4a86551bca2c004751ef62036fe4289bcd15c4fe"
	wantDecoded = "0fe0147b597019dbaf48b82c61d763acce987d7194f5d15bb81ab023eb0b1234"
	wantOctets  = "e14853c9fb8258a2bb26ae701c6a08c000eda5351fd3470180c9f416166212c1"
)

func TestBitsAreThoseOfOthers(t *testing.T) {
	t.Parallel()
	pcm := signal()
	coded := make([]byte, len(pcm)/2)
	if n := NewEncoder().Encode(coded, pcm); n != len(coded) {
		t.Fatalf("%d octets, want %d", n, len(coded))
	}
	if got := sum(t, coded); got != wantCoded {
		t.Errorf("encoded to %s, which begins with %v", got, coded[:20])
	}
	decoded := make([]int16, len(pcm))
	if n := NewDecoder().Decode(decoded, coded); n != len(decoded) {
		t.Fatalf("%d samples, want %d", n, len(decoded))
	}
	if got := sum(t, decoded); got != wantDecoded {
		t.Errorf("decoded to %s, which begins with %v", got, decoded[:20])
	}
}

// A line may bring what no encoder sends.
func TestAnyOctetsDecodeAsOthersDecodeThem(t *testing.T) {
	t.Parallel()
	octets := make([]byte, 50000)
	random := uint32(7)
	for i := range octets {
		random = random*1664525 + 1013904223
		octets[i] = byte(random >> 24)
	}
	decoded := make([]int16, 2*len(octets))
	NewDecoder().Decode(decoded, octets)
	if got := sum(t, decoded); got != wantOctets {
		t.Errorf("decoded to %s, which begins with %v", got, decoded[:20])
	}
}

func TestSpeechBandSurvivesTheRoundTrip(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		frequency float64
		least     float64 // signal to noise in dB
	}{{100, 25}, {440, 30}, {1000, 30}, {2500, 25}, {3400, 20}, {6000, 9}} {
		pcm := make([]int16, 16000)
		for i := range pcm {
			pcm[i] = int16(10000 * math.Sin(2*math.Pi*tt.frequency*float64(i)/16000))
		}
		coded, decoded := make([]byte, len(pcm)/2), make([]int16, len(pcm))
		NewEncoder().Encode(coded, pcm)
		NewDecoder().Decode(decoded, coded)
		const delay = 22 // of both mirror filters
		var power, noise float64
		for i := 1000; i < len(pcm)-delay; i++ {
			x, e := float64(pcm[i]), float64(pcm[i])-float64(decoded[i+delay])
			power, noise = power+x*x, noise+e*e
		}
		if got := 10 * math.Log10(power/noise); got < tt.least {
			t.Errorf("%v Hz: %.1f dB above the noise, want %v", tt.frequency, got, tt.least)
		}
	}
}

func TestBlocksOfAnySizeGiveTheSame(t *testing.T) {
	t.Parallel()
	pcm := signal()
	whole := make([]byte, len(pcm)/2)
	NewEncoder().Encode(whole, pcm)
	parts, e := make([]byte, 0, len(whole)), NewEncoder()
	for i, size := 0, 2; i < len(pcm); i, size = i+size, (size+34)%640 {
		size = min(size, len(pcm)-i)
		n := e.Encode(parts[len(parts):cap(parts)], pcm[i:i+size])
		parts = parts[:len(parts)+n]
	}
	if sum(t, parts) != sum(t, whole) {
		t.Error("blocks are encoded otherwise than the whole")
	}
}

func TestOnlyWhatFitsIsWritten(t *testing.T) {
	t.Parallel()
	if n := NewEncoder().Encode(make([]byte, 3), make([]int16, 5)); n != 2 {
		t.Errorf("five samples became %d octets, want 2", n)
	}
	if n := NewEncoder().Encode(make([]byte, 1), make([]int16, 5)); n != 1 {
		t.Errorf("%d octets in room for one", n)
	}
	if n := NewDecoder().Decode(make([]int16, 5), make([]byte, 3)); n != 4 {
		t.Errorf("%d samples in room for five, want 4", n)
	}
}

func TestNothingAllocates(t *testing.T) {
	e, d := NewEncoder(), NewDecoder()
	pcm, octets := make([]int16, 320), make([]byte, 160)
	if n := testing.AllocsPerRun(100, func() {
		e.Encode(octets, pcm)
		d.Decode(pcm, octets)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkEncodeFrame(b *testing.B) {
	e, pcm, octets := NewEncoder(), signal()[20000:20320], make([]byte, 160)
	b.ReportAllocs()
	for b.Loop() {
		e.Encode(octets, pcm)
	}
}

func BenchmarkDecodeFrame(b *testing.B) {
	d, pcm, octets := NewDecoder(), make([]int16, 320), make([]byte, 160)
	NewEncoder().Encode(octets, signal()[20000:20320])
	b.ReportAllocs()
	for b.Loop() {
		d.Decode(pcm, octets)
	}
}
