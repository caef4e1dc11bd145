package audio

import (
	"errors"
	"math"
	"slices"
	"testing"
)

func TestCodecByName(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name        string
		want        string // "" for none
		rate, clock int
	}{
		{"PCMU", "PCMU", 8000, 8000},
		{"pcmu/8000", "PCMU", 8000, 8000},
		{"PCMU/8000/1", "PCMU", 8000, 8000},
		{"PCMU/16000", "", 0, 0},
		{"PCMU/8000/2", "", 0, 0},
		{"PCMA", "PCMA", 8000, 8000},
		{"PCMA/8000", "PCMA", 8000, 8000},
		{"G722", "G722", 16000, 8000},
		{"G722/8000", "G722", 16000, 8000},
		{"G722/16000", "", 0, 0},
		{"L16", "L16", 8000, 8000},
		{"L16/8000", "L16", 8000, 8000},
		{"L16/16000/1", "L16", 16000, 16000},
		{"L16/24000", "L16", 24000, 24000},
		{"L16/44100/2", "", 0, 0},
		{"L16/1", "", 0, 0},
		{"opus", "opus", 16000, 48000},
		{"OPUS/48000/2", "opus", 16000, 48000},
		{"opus/16000", "", 0, 0},
		{"G729/8000", "", 0, 0},
		{"telephone-event/8000", "", 0, 0},
		{"", "", 0, 0},
	} {
		c, ok := NewCodec(tt.name)
		switch {
		case ok != (tt.want != ""):
			t.Errorf("%q: %v, want %v", tt.name, ok, !ok)
		case ok && (c.Name() != tt.want || c.Rate() != tt.rate || c.Clock() != tt.clock):
			t.Errorf("%q is %s with %d and %d Hz, want %s with %d and %d", tt.name, c.Name(), c.Rate(), c.Clock(), tt.want, tt.rate, tt.clock)
		}
	}
}

var encoders = []string{"PCMU", "PCMA", "G722", "L16/8000", "L16/16000", "L16/48000"}

func TestRoundTripKeepsTheSound(t *testing.T) {
	t.Parallel()
	for _, name := range encoders {
		encoder, _ := NewCodec(name)
		decoder, _ := NewCodec(name)
		frame := FrameLen(encoder.Rate())
		in := wave(encoder.Rate(), 50*frame, 1000, 8000)
		var out []int16
		payload, pcm := make([]byte, 2*MaxFrame), make([]int16, MaxPacket)
		for block := range slices.Chunk(in, frame) {
			n, err := decoder.Decode(pcm, payload[:encoder.Encode(payload, block)])
			if err != nil || n != frame {
				t.Fatalf("%s: a frame of %d samples came back as %d, %v", name, frame, n, err)
			}
			out = append(out, pcm[:n]...)
		}
		rest := residue(out[frame:], encoder.Rate(), 1000)
		if level := decibel(out, frame) - decibel(in, frame); math.Abs(level) > 0.2 {
			t.Errorf("%s: %.2f dB louder", name, level)
		}
		if noise := decibel(rest, 0) - decibel(in, frame); noise > -34 {
			t.Errorf("%s: noise at %.1f dB", name, noise)
		}
	}
}

func TestL16IsInNetworkOrder(t *testing.T) {
	t.Parallel()
	c, _ := NewCodec("L16")
	payload := make([]byte, 6)
	if n := c.Encode(payload, []int16{1, -2, 0x1234}); n != 6 || !slices.Equal(payload, []byte{0, 1, 0xFF, 0xFE, 0x12, 0x34}) {
		t.Errorf("%d octets: %v", n, payload)
	}
	if n := c.Encode(payload[:5], []int16{1, 2, 3}); n != 4 {
		t.Errorf("%d octets in room for five, want 4", n)
	}
	if _, err := c.Decode(make([]int16, 3), payload[:5]); !errors.Is(err, ErrFormat) {
		t.Errorf("an odd payload: %v", err)
	}
}

func TestShortBufferIsRefusedWhole(t *testing.T) {
	t.Parallel()
	for _, name := range append(encoders, "opus") {
		c, _ := NewCodec(name)
		payload := make([]byte, 160)
		for need := 320; ; need-- {
			pcm := make([]int16, need)
			n, err := c.Decode(pcm, payload)
			if err == nil {
				continue
			}
			if n != 0 || !errors.Is(err, ErrShortBuffer) || slices.ContainsFunc(pcm, func(s int16) bool { return s != 0 }) {
				t.Errorf("%s into %d samples: %d, %v, %v", name, need, n, err, pcm)
			}
			break
		}
	}
}

func TestCodecsAllocateNothing(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector allocates")
	}
	for _, name := range encoders {
		c, _ := NewCodec(name)
		in, pcm, payload := wave(c.Rate(), FrameLen(c.Rate()), 440, 10000), make([]int16, MaxPacket), make([]byte, 2*MaxFrame)
		if n := testing.AllocsPerRun(100, func() {
			if _, err := c.Decode(pcm, payload[:c.Encode(payload, in)]); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations for a frame", name, n)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for which := range append(encoders, "opus") {
		f.Add(byte(which), []byte{0x4B, 1, 2, 3, 0xFF}, []byte{0xFC, 0xFF})
	}
	f.Fuzz(func(t *testing.T, which byte, first, second []byte) {
		names := append(encoders, "opus")
		c, _ := NewCodec(names[int(which)%len(names)])
		pcm := make([]int16, MaxPacket)
		for _, payload := range [][]byte{first, second, first} {
			n, err := c.Decode(pcm, payload)
			if n < 0 || n > len(pcm) || err != nil && n != 0 {
				t.Fatalf("%d samples, %v", n, err)
			}
			if err != nil && !errors.Is(err, ErrFormat) && !errors.Is(err, ErrShortBuffer) {
				t.Fatalf("another error: %v", err)
			}
		}
	})
}
