package audio

import (
	"bytes"
	"errors"
	"math"
	"os"
	"testing"
)

// opusPackets returns the packets of an Ogg file behind its two headers (RFC 7845 §3, RFC 3533 §6).
func opusPackets(tb testing.TB, name string) (packets [][]byte) {
	tb.Helper()
	file, err := os.ReadFile("testdata/" + name)
	if err != nil {
		tb.Fatal(err)
	}
	var packet []byte
	for len(file) > 0 {
		if !bytes.HasPrefix(file, []byte("OggS")) {
			tb.Fatalf("%s is no Ogg file", name)
		}
		segments := file[27 : 27+int(file[26])]
		file = file[27+len(segments):]
		for _, length := range segments {
			packet = append(packet, file[:length]...)
			file = file[length:]
			if length < 255 {
				packets, packet = append(packets, packet), nil
			}
		}
	}
	return packets[2:]
}

// The files are what libopus made of half a second of 440 Hz, and of speech, which alone it codes in its hybrid mode. Levels are those of its own decoder.
func TestOpusOfAllModesIsDecoded(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		file   string
		config byte    // of the last packet's first octet (RFC 6716 §3.1)
		level  float64 // in dB
		noise  float64 // beside 440 Hz, against the level
	}{
		{"silk-narrow.opus", 1, -11.2, -20},
		{"silk-wide.opus", 9, -11.2, -20},
		{"hybrid.opus", 13, -15.9, 0},
		{"celt-stereo.opus", 27, -11.2, -30},
	} {
		c, _ := NewCodec("opus/48000/2")
		var out []int16
		pcm := make([]int16, MaxPacket)
		last := byte(0)
		for i, packet := range opusPackets(t, tt.file) {
			n, err := c.Decode(pcm, packet)
			if err != nil {
				t.Fatalf("%s: packet %d: %v", tt.file, i, err)
			}
			out, last = append(out, pcm[:n]...), packet[0]>>3
		}
		if last != tt.config {
			t.Errorf("%s ends in mode %d, want %d", tt.file, last, tt.config)
		}
		if len(out) < 8000 {
			t.Fatalf("%s: %d samples", tt.file, len(out))
		}
		out = out[2400:7600] // what lies between the encoder's beginning and its end
		if got := decibel(out, 0); math.Abs(got-tt.level) > 0.5 {
			t.Errorf("%s: %.1f dB, want %.1f", tt.file, got, tt.level)
		}
		if noise := decibel(residue(out, 16000, 440), 0) - decibel(out, 0); noise > tt.noise {
			t.Errorf("%s: noise at %.1f dB, want %v", tt.file, noise, tt.noise)
		}
	}
}

func TestOpusDurationOfAPacket(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		packet []byte
		ms     float64 // 0: refused
	}{
		{nil, 0},
		{[]byte{0 << 3}, 10},
		{[]byte{3 << 3}, 60},
		{[]byte{9<<3 | 1}, 40},
		{[]byte{12<<3 | 2}, 20},
		{[]byte{15 << 3}, 20},
		{[]byte{16 << 3}, 2.5},
		{[]byte{31<<3 | 4}, 20},
		{[]byte{31<<3 | 3}, 0},
		{[]byte{31<<3 | 3, 0}, 0},
		{[]byte{31<<3 | 3, 6}, 120},
		{[]byte{31<<3 | 3, 0xC0 | 6}, 120},
		{[]byte{31<<3 | 3, 7}, 0},
	} {
		n, err := opusSamples(tt.packet)
		if n != int(tt.ms*16) || (tt.ms == 0) != errors.Is(err, ErrFormat) {
			t.Errorf("%v: %d samples, %v; want %v ms", tt.packet, n, err, tt.ms)
		}
	}
}

// Discontinuous transmission sends packets of a single octet (RFC 6716 §3.2.1), and whatever comes after them has to be heard.
func TestOpusGoesOnAfterSilence(t *testing.T) {
	t.Parallel()
	c, _ := NewCodec("opus")
	pcm := make([]int16, MaxPacket)
	for i, packet := range opusPackets(t, "silk-wide.opus") {
		if i%5 == 4 {
			packet = packet[:1]
		}
		if n, err := c.Decode(pcm, packet); n != 320 || err != nil {
			t.Fatalf("packet %d: %d samples, %v", i, n, err)
		}
		if level := decibel(pcm[:320], 0); i%5 == 3 && i < 24 && level < -15 {
			t.Errorf("packet %d: %.1f dB", i, level)
		}
	}
}

func TestOpusIsNotEncoded(t *testing.T) {
	t.Parallel()
	c, _ := NewCodec("opus")
	if n := c.Encode(make([]byte, 100), make([]int16, 320)); n != 0 {
		t.Errorf("%d octets", n)
	}
}

func FuzzOpus(f *testing.F) {
	for _, name := range []string{"silk-narrow.opus", "silk-wide.opus", "hybrid.opus", "celt-stereo.opus"} {
		packets := opusPackets(f, name)
		f.Add(packets[5], packets[6])
	}
	f.Fuzz(func(t *testing.T, first, second []byte) {
		c, pcm := newOpus(), make([]int16, MaxPacket)
		for _, payload := range [][]byte{first, second, first} {
			if n, err := c.decode(pcm, payload); n < 0 || n > len(pcm) || err != nil && (n != 0 || !errors.Is(err, ErrFormat)) {
				t.Fatalf("%d samples, %v", n, err)
			}
		}
	})
}

func BenchmarkOpusDecodeFrame(b *testing.B) {
	for _, name := range []string{"silk-wide.opus", "celt-stereo.opus"} {
		b.Run(name, func(b *testing.B) {
			packets, pcm := opusPackets(b, name), make([]int16, MaxPacket)
			c, _ := NewCodec("opus")
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if _, err := c.Decode(pcm, packets[i%len(packets)]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
