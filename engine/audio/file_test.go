package audio

import (
	"bytes"
	"errors"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
)

func testdata(tb testing.TB, name string) []byte {
	tb.Helper()
	file, err := os.ReadFile("testdata/" + name)
	if err != nil {
		tb.Fatal(err)
	}
	return file
}

// The files are what LAME made of half a second of 440 Hz at 9000.
func TestMP3IsDecoded(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		file string
		rate int
	}{
		{"stereo-44100.mp3", 44100}, // with tags at both ends
		{"mono-24000.mp3", 24000},
	} {
		clip, err := ReadFile(bytes.NewReader(testdata(t, tt.file)), "no extension", 100000)
		if err != nil {
			t.Errorf("%s: %v", tt.file, err)
			continue
		}
		if got := clip.Duration().Seconds(); clip.Rate != tt.rate || got < 0.5 || got > 0.65 {
			t.Errorf("%s: %v s at %d Hz", tt.file, got, clip.Rate)
		}
		middle := clip.Samples[len(clip.Samples)/4 : len(clip.Samples)*3/4]
		if level, want := decibel(middle, 0), 20*math.Log10(9000.0/32767); math.Abs(level-want) > 0.6 { // LAME turns down by 5 %
			t.Errorf("%s: %.1f dB, want %.1f", tt.file, level, want)
		}
		if noise := decibel(residue(middle, clip.Rate, 440), 0) - decibel(middle, 0); noise > -30 {
			t.Errorf("%s: noise at %.1f dB", tt.file, noise)
		}
	}
}

func TestMP3ThatIsNotDecoded(t *testing.T) {
	t.Parallel()
	file := testdata(t, "mono-24000.mp3")
	tag := "ID3\x04\x00\x00\x7F\x7F\x7F\x7F"
	for _, tt := range []struct {
		name, file string
		want       error
	}{
		{"empty", "", ErrFormat},
		{"no frame", strings.Repeat("not music ", 100), ErrFormat},
		{"a tag longer than the file", tag + "title", ErrFormat},
		{"half a frame", string(file[:50]), ErrFormat},
		{"too long", string(file), ErrTooLong},
		{"MPEG-2.5", string(testdata(t, "mono-8000.mp3")), ErrFormat},
	} {
		if clip, err := ReadMP3(strings.NewReader(tt.file), 5000); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, %v, want %v", tt.name, clip, err, tt.want)
		}
	}
	gone := errors.New("connection lost")
	for _, end := range []int{0, 3, 9, 100, len(file)} {
		if _, err := ReadMP3(brokenReader{bytes.NewReader(file[:end]), gone}, 100000); !errors.Is(err, gone) {
			t.Errorf("connection lost after %d octets: %v", end, err)
		}
	}
}

func TestTagsBeforeMP3AreSkipped(t *testing.T) {
	t.Parallel()
	file := testdata(t, "mono-24000.mp3")
	want, err := ReadMP3(bytes.NewReader(file), 100000)
	if err != nil {
		t.Fatal(err)
	}
	tags := "ID3\x04\x00\x00\x00\x00\x02\x01" + strings.Repeat("\xFF", 257) + "ID3\x04\x00\x10\x00\x00\x00\x02xy" + "3DI\x04\x00\x10\x00\x00\x00\x02"
	got, err := ReadFile(strings.NewReader(tags+string(file)), "", 100000)
	if err != nil || !slices.Equal(got.Samples, want.Samples) {
		t.Errorf("%v", err)
	}
}

func TestRawSamplesByExtension(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, file string
		rate       int
		want       []int16
	}{
		{"a.ulaw", "\xFF\x00\x80", 8000, []int16{0, -32124, 32124}},
		{"a.UL", "\xFF", 8000, []int16{0}},
		{"a.alaw", "\xD5\x2A", 8000, []int16{8, -32256}},
		{"a.b/a.al", "\xD5", 8000, []int16{8}},
		{"a.sln", "\x01\x00\xFE\xFF\x03", 8000, []int16{1, -2}},
		{"a.sln16", "\x01\x00", 16000, []int16{1}},
		{"a.sln44", "\x01\x00", 44100, []int16{1}},
		{"a.sln48", "", 48000, nil},
		{"a.ulaw", "\xFF\xFF\xFF", 8000, []int16{0, 0, 0}}, // not MP3, though it begins like it
	} {
		clip, err := ReadFile(strings.NewReader(tt.file), tt.name, 100)
		if err != nil || clip.Rate != tt.rate || !slices.Equal(clip.Samples, tt.want) {
			t.Errorf("%s: %v, %v, want %v at %d", tt.name, clip, err, tt.want, tt.rate)
		}
	}
}

func TestRawG722IsOneStream(t *testing.T) {
	t.Parallel()
	in := wave(16000, 20000, 1000, 9000)
	c, _ := NewCodec("G722")
	file := make([]byte, len(in)/2)
	c.Encode(file, in)
	clip, err := ReadFile(bytes.NewReader(file), "a.g722", 20000)
	if err != nil || clip.Rate != 16000 || len(clip.Samples) != len(in) {
		t.Fatalf("%v, %v", clip, err)
	}
	if noise := decibel(residue(clip.Samples[320:], 16000, 1000), 0) - decibel(in, 0); noise > -34 {
		t.Errorf("noise at %.1f dB", noise)
	}
	if _, err := ReadFile(bytes.NewReader(file), "a.g722", 19999); !errors.Is(err, ErrTooLong) {
		t.Errorf("longer than the limit by one: %v", err)
	}
}

func TestFileOfNoKnownKind(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"a.ogg", "a.flac", "a", "", "wav", "a.wav"} {
		if clip, err := ReadFile(strings.NewReader("OggS and more"), name, 100); !errors.Is(err, ErrFormat) {
			t.Errorf("%q: %v, %v", name, clip, err)
		}
	}
	if _, err := ReadRaw(strings.NewReader("x"), "gsm", 100); !errors.Is(err, ErrFormat) {
		t.Errorf("raw GSM: %v", err)
	}
}

func TestDurationOfAClip(t *testing.T) {
	t.Parallel()
	if got := (&Clip{Rate: 8000, Samples: make([]int16, 160)}).Duration(); got != FrameTime {
		t.Errorf("a frame lasts %v", got)
	}
	if got := new(Clip).Duration(); got != 0 {
		t.Errorf("nothing lasts %v", got)
	}
}

func FuzzReadFile(f *testing.F) {
	for _, name := range []string{"stereo-44100.mp3", "mono-24000.mp3", "mono-8000.mp3"} {
		f.Add(testdata(f, name)[:1500], "x.mp3")
	}
	f.Add([]byte("ID3\x04\x00\x00\x7F\x7F\x7F\x7F"), "")
	f.Add([]byte{1, 2, 3}, "x.sln44")
	f.Fuzz(func(t *testing.T, file []byte, name string) {
		checkRead(t, func() (*Clip, error) { return ReadFile(bytes.NewReader(file), name, 20000) }, 20000)
	})
}
