package audio

import (
	"encoding/binary"
	"errors"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
)

// chunk is one chunk of a RIFF file, padded.
func chunk(id, data string) string {
	padding := strings.Repeat("\x00", len(data)%2)
	return id + string(binary.LittleEndian.AppendUint32(nil, uint32(len(data)))) + data + padding
}

// fmtChunk is a fmt chunk, extension behind its 16 octets.
func fmtChunk(tag, channels, rate, bits int, extension string) string {
	le := binary.LittleEndian
	b := le.AppendUint16(le.AppendUint16(nil, uint16(tag)), uint16(channels))
	b = le.AppendUint32(le.AppendUint32(b, uint32(rate)), uint32(rate*channels*bits/8))
	b = le.AppendUint16(le.AppendUint16(b, uint16(channels*bits/8)), uint16(bits))
	return chunk("fmt ", string(b)+extension)
}

// waveFile is a WAV file of these chunks, with a length of the whole that nobody looks at.
func waveFile(chunks ...string) string {
	return "RIFF\xFF\xFF\xFF\xFFWAVE" + strings.Join(chunks, "")
}

const (
	guid    = "\x00\x00\x00\x00\x10\x00\x80\x00\x00\xAA\x00\x38\x9B\x71"
	pcmGUID = "\x16\x00\x10\x00\x04\x00\x00\x00\x01\x00" + guid
)

func floats(values ...float32) string {
	var b []byte
	for _, v := range values {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return string(b)
}

func TestWAVOfManyKinds(t *testing.T) {
	t.Parallel()
	pcm8k := fmtChunk(1, 1, 8000, 16, "")
	data := chunk("data", "\x01\x00\xFE\xFF\x34\x12")
	samples := []int16{1, -2, 0x1234}
	for _, tt := range []struct {
		name, file string
		rate       int
		want       []int16
	}{
		{"linear", waveFile(pcm8k, data), 8000, samples},
		{"any rate", waveFile(fmtChunk(1, 1, 11025, 16, ""), data), 11025, samples},
		{"8 bits", waveFile(fmtChunk(1, 1, 8000, 8, ""), chunk("data", "\x00\x80\xFF")), 8000, []int16{-32768, 0, 32512}},
		{"24 bits", waveFile(fmtChunk(1, 1, 48000, 24, ""), chunk("data", "\xFF\x01\x00\x00\xFE\xFF")), 48000, []int16{1, -2}},
		{"32 bits", waveFile(fmtChunk(1, 1, 48000, 32, ""), chunk("data", "\xFF\xFF\x01\x00\x00\x00\xFE\xFF")), 48000, []int16{1, -2}},
		{"floating point", waveFile(fmtChunk(3, 1, 24000, 32, ""), chunk("data", floats(0, 0.5, -1, 1, 7, -7, float32(math.NaN())))), 24000,
			[]int16{0, 16383, -32768, 32767, 32767, -32768, 0}},
		{"μ-law", waveFile(fmtChunk(7, 1, 8000, 8, "\x00\x00"), chunk("fact", "\x03\x00\x00\x00"), chunk("data", "\xFF\x00\x80")), 8000,
			[]int16{0, -32124, 32124}},
		{"A-law", waveFile(fmtChunk(6, 1, 8000, 8, "\x00\x00"), chunk("data", "\xD5\x2A\xAA")), 8000, []int16{8, -32256, 32256}},
		{"extensible", waveFile(fmtChunk(0xFFFE, 1, 44100, 16, pcmGUID), data), 44100, samples},
		{"stereo", waveFile(fmtChunk(1, 2, 8000, 16, ""), chunk("data", "\x02\x00\x04\x00\xFF\x7F\xFF\x7F\x00\x80\x00\x80")), 8000, []int16{3, 32767, -32768}},
		{"six channels", waveFile(fmtChunk(1, 6, 8000, 8, ""), chunk("data", "\x80\x80\x80\x86\x80\x80")), 8000, []int16{256}},
		{"stereo μ-law", waveFile(fmtChunk(7, 2, 8000, 8, ""), chunk("data", "\x00\x80")), 8000, []int16{0}},
		{"unknown chunks", waveFile(chunk("LIST", "odd"), pcm8k, chunk("cue ", ""), chunk("id3 ", strings.Repeat("x", 5001)), data, "LIST"), 8000, samples},
		{"no samples", waveFile(pcm8k, chunk("data", "")), 8000, nil},
		{"half a sample at the end", waveFile(pcm8k, chunk("data", "\x01\x00\x02")), 8000, []int16{1}},
		{"length unknown", waveFile(pcm8k, "data\xFF\xFF\xFF\xFF\x01\x00\xFE\xFF\x34"), 8000, []int16{1, -2}},
		{"length unknown to SoX", waveFile(pcm8k, "data\x00\xF0\xFF\x7F\x01\x00"), 8000, []int16{1}},
		{"data before the end", waveFile(pcm8k, data) + "whatever follows", 8000, samples},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			clip, err := ReadFile(strings.NewReader(tt.file), "prompt.wav", 100)
			if err != nil {
				t.Fatal(err)
			}
			if clip.Rate != tt.rate || !slices.Equal(clip.Samples, tt.want) {
				t.Errorf("got %v, want %v at %d", clip, tt.want, tt.rate)
			}
		})
	}
}

func TestBrokenWAVIsRefused(t *testing.T) {
	t.Parallel()
	pcm8k, data := fmtChunk(1, 1, 8000, 16, ""), chunk("data", "\x01\x00\x02\x00")
	for _, tt := range []struct{ name, file, says string }{
		{"nothing", "", "ends before its header"},
		{"half a header", "RIFF\x00\x00", "ends before its header"},
		{"another RIFF", "RIFF\x00\x00\x00\x00AVI " + pcm8k + data, "not a WAV"},
		{"no chunk", waveFile(), "before its data chunk"},
		{"no data", waveFile(pcm8k), "before its data chunk"},
		{"no fmt", waveFile(data), "before its fmt"},
		{"short fmt", waveFile(chunk("fmt ", "\x01\x00\x01\x00"), data), "fmt chunk of 4"},
		{"fmt cut off", waveFile(pcm8k)[:30], "ends before its fmt"},
		{"no channels", waveFile(fmtChunk(1, 0, 8000, 16, ""), data), "0 channels"},
		{"too many channels", waveFile(fmtChunk(1, 17, 8000, 16, ""), data), "17 channels"},
		{"no rate", waveFile(fmtChunk(1, 1, 0, 16, ""), data), "0 Hz"},
		{"a rate beyond all", waveFile(fmtChunk(1, 1, 200000, 16, ""), data), "200000 Hz"},
		{"no bits", waveFile(fmtChunk(1, 1, 8000, 0, ""), data), "0 bits"},
		{"12 bits", waveFile(fmtChunk(1, 1, 8000, 12, ""), data), "12 bits"},
		{"GSM", waveFile(fmtChunk(0x31, 1, 8000, 0, ""), data), "kind 0x0031"},
		{"extensible of another kind", waveFile(fmtChunk(0xFFFE, 1, 8000, 16, strings.Repeat("x", 24)), data), "kind 0xFFFE"},
		{"extensible without its extension", waveFile(fmtChunk(0xFFFE, 1, 8000, 16, ""), data), "kind 0xFFFE"},
		{"wrong block", waveFile(strings.Replace(pcm8k, "\x02\x00\x10\x00", "\x09\x00\x10\x00", 1), data), "and 9 octets"},
		{"data cut off", waveFile(pcm8k, "data\x10\x00\x00\x00\x01\x00"), "cut off: 2 octets"},
		{"chunk beyond the end", waveFile("LIST\xFF\xFF\xFF\xFF", pcm8k, data), "before its data chunk"},
		{"length beyond memory", waveFile(pcm8k, "data\x00\x00\x00\x70\x01\x00"), "cut off"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			clip, err := ReadWAV(strings.NewReader(tt.file), 100)
			if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %v, %v, want an error that says %q", clip, err, tt.says)
			}
		})
	}
}

func TestWAVBeyondTheLimitIsRefused(t *testing.T) {
	t.Parallel()
	file := waveFile(fmtChunk(1, 2, 8000, 16, ""), chunk("data", strings.Repeat("\x01\x00\x01\x00", 10000)))
	if clip, err := ReadWAV(strings.NewReader(file), 10000); err != nil || len(clip.Samples) != 10000 || cap(clip.Samples) != 10000 {
		t.Errorf("as long as the limit: %v", err)
	}
	if _, err := ReadWAV(strings.NewReader(file), 9999); !errors.Is(err, ErrTooLong) {
		t.Errorf("longer by one: %v", err)
	}
}

// brokenReader gives what it has, and then its error.
type brokenReader struct {
	r   io.Reader
	err error
}

func (b brokenReader) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if err == io.EOF {
		err = b.err
	}
	return n, err
}

func TestErrorOfTheReaderIsNotTheFiles(t *testing.T) {
	t.Parallel()
	file := waveFile(chunk("LIST", "skipped"), fmtChunk(1, 1, 8000, 16, "\x00\x00"), chunk("data", strings.Repeat("\x01\x00", 5000)))
	gone := errors.New("connection lost")
	for end := range len(file) {
		if end > 100 && end%997 != 0 {
			continue
		}
		_, err := ReadFile(brokenReader{strings.NewReader(file[:end]), gone}, "x.wav", 10000)
		if !errors.Is(err, gone) || errors.Is(err, ErrFormat) {
			t.Errorf("after %d octets: %v", end, err)
		}
	}
}

func TestHeadersTakeNoMemory(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector allocates")
	}
	file := waveFile(fmtChunk(1, 1, 8000, 16, ""), "data\xFF\xFF\xFF\x7E\x01\x00")
	result := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := ReadWAV(strings.NewReader(file), math.MaxInt); !errors.Is(err, ErrFormat) {
				b.Fatal(err)
			}
		}
	})
	if got := result.AllocedBytesPerOp(); got > 64<<10 {
		t.Errorf("a header that promises 2 GB takes %d octets", got)
	}
}

func FuzzReadWAV(f *testing.F) {
	data := chunk("data", "\x01\x00\xFE\xFF\x34\x12\x00\x00")
	f.Add([]byte(waveFile(fmtChunk(1, 1, 8000, 16, ""), data)))
	f.Add([]byte(waveFile(chunk("LIST", "odd"), fmtChunk(0xFFFE, 2, 44100, 16, pcmGUID), data)))
	f.Add([]byte(waveFile(fmtChunk(7, 1, 8000, 8, "\x00\x00"), chunk("fact", "\x03\x00\x00\x00"), data)))
	f.Add([]byte(waveFile(fmtChunk(3, 1, 24000, 32, ""), "data\xFF\xFF\xFF\xFF\x01\x00\xFE\xFF\x34")))
	f.Fuzz(func(t *testing.T, file []byte) {
		checkRead(t, func() (*Clip, error) { return ReadWAV(strings.NewReader(string(file)), 1000) }, 1000)
	})
}

// checkRead checks what any reader of files owes, whatever the file.
func checkRead(t *testing.T, read func() (*Clip, error), limit int) {
	t.Helper()
	clip, err := read()
	switch {
	case err != nil:
		if clip != nil || !errors.Is(err, ErrFormat) && !errors.Is(err, ErrTooLong) {
			t.Fatalf("got %v, %v", clip, err)
		}
	case clip.Rate < 1000 || clip.Rate > 192000 || len(clip.Samples) > limit:
		t.Fatalf("%d samples at %d Hz", len(clip.Samples), clip.Rate)
	}
}
