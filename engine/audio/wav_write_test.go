package audio

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"time"
)

// disk is a file in memory. It is full at size, if that is set.
type disk struct {
	data []byte
	at   int
	size int
}

var errFull = errors.New("disk full")

func (d *disk) Write(p []byte) (int, error) {
	n := len(p)
	if d.size > 0 {
		n = min(n, d.size-d.at)
	}
	if end := d.at + n; end > len(d.data) {
		d.data = append(d.data, make([]byte, end-len(d.data))...)
	}
	copy(d.data[d.at:], p[:n])
	d.at += n
	if n < len(p) {
		return n, errFull
	}
	return n, nil
}

func (d *disk) Seek(offset int64, whence int) (int64, error) {
	if whence != io.SeekStart || offset < 0 {
		return 0, errors.New("not supported")
	}
	d.at = int(offset)
	return offset, nil
}

func record(t *testing.T, w io.WriteSeeker, format WAVFormat, channels ...[]int16) *WAVWriter {
	t.Helper()
	f, err := NewWAVWriter(w, format)
	if err != nil {
		t.Fatal(err)
	}
	for n := len(channels[0]); n > 0; {
		block := min(n, 160)
		parts := make([][]int16, len(channels))
		for i := range channels {
			parts[i], channels[i] = channels[i][:block], channels[i][block:]
		}
		if err := f.Append(parts...); err != nil {
			t.Fatal(err)
		}
		n -= block
	}
	return f
}

func TestRecordingReadsBack(t *testing.T) {
	t.Parallel()
	left, right := wave(8000, 1001, 440, 9000), wave(8000, 1001, 700, 5000)
	for _, tt := range []struct {
		format  WAVFormat
		header  int
		error   int // that the law may have made of a sample
		octets  int // of data
		padding int
	}{
		{WAVFormat{Rate: 8000}, 44, 0, 2002, 0},
		{WAVFormat{Rate: 8000, Channels: 2}, 44, 0, 4004, 0},
		{WAVFormat{Rate: 8000, Encoding: MuLaw}, 58, 300, 1001, 1},
		{WAVFormat{Rate: 8000, Encoding: ALaw}, 58, 300, 1001, 1},
		{WAVFormat{Rate: 16000, Channels: 2, Encoding: MuLaw}, 58, 300, 2002, 0},
		{WAVFormat{Rate: 8000, Channels: 2, Encoding: ALaw}, 58, 300, 2002, 0},
	} {
		t.Run(fmt.Sprintf("%v", tt.format), func(t *testing.T) {
			t.Parallel()
			d := &disk{}
			channels, want := [][]int16{left}, left
			if tt.format.Channels == 2 {
				channels, want = [][]int16{left, right}, make([]int16, len(left))
				for i := range want {
					want[i] = int16((int(left[i]) + int(right[i])) / 2)
				}
			}
			f := record(t, d, tt.format, channels...)
			if got, want := f.Duration(), 1001*time.Second/time.Duration(tt.format.Rate); got != want {
				t.Errorf("lasts %v, want %v", got, want)
			}
			check := func(when string) {
				t.Helper()
				clip, err := ReadWAV(bytes.NewReader(d.data), 10000)
				if err != nil || clip.Rate != tt.format.Rate || len(clip.Samples) != len(want) {
					t.Fatalf("%s: %v, %v", when, clip, err)
				}
				for i := range want {
					if off := int(clip.Samples[i]) - int(want[i]); off > tt.error || -off > tt.error {
						t.Fatalf("%s: sample %d is %d, want %d", when, i, clip.Samples[i], want[i])
					}
				}
			}
			check("interrupted")
			for range 2 { // finishing again changes nothing
				if err := f.Finish(); err != nil {
					t.Fatal(err)
				}
				check("finished")
				if got, want := len(d.data), tt.header+tt.octets+tt.padding; got != want {
					t.Errorf("%d octets, want %d", got, want)
				}
			}
		})
	}
}

// The header octet by octet, as programs look at different parts of it.
func TestHeaderOfARecording(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		format WAVFormat
		want   string
	}{
		{WAVFormat{Rate: 8000, Channels: 2}, "RIFF\x2c\x00\x00\x00WAVE" +
			"fmt \x10\x00\x00\x00\x01\x00\x02\x00\x40\x1f\x00\x00\x00\x7d\x00\x00\x04\x00\x10\x00" +
			"data\x08\x00\x00\x00\x01\x00\x03\x00\x02\x00\x04\x00"},
		{WAVFormat{Rate: 16000, Channels: 1, Encoding: ALaw}, "RIFF\x34\x00\x00\x00WAVE" +
			"fmt \x12\x00\x00\x00\x06\x00\x01\x00\x80\x3e\x00\x00\x80\x3e\x00\x00\x01\x00\x08\x00\x00\x00" +
			"fact\x04\x00\x00\x00\x02\x00\x00\x00data\x02\x00\x00\x00\xd5\xd5"},
	} {
		d := &disk{}
		channels := [][]int16{{1, 2}, {3, 4}}[:tt.format.Channels]
		if err := record(t, d, tt.format, channels...).Finish(); err != nil {
			t.Fatal(err)
		}
		if string(d.data) != tt.want {
			t.Errorf("%v:\n %q, want\n %q", tt.format, d.data, tt.want)
		}
	}
}

func TestFullDiskIsReportedAndRemembered(t *testing.T) {
	t.Parallel()
	d := &disk{size: 44 + 500}
	f, err := NewWAVWriter(d, WAVFormat{Rate: 8000})
	if err != nil {
		t.Fatal(err)
	}
	frame := make([]int16, 160)
	if err := f.Append(frame); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := f.Append(frame); !errors.Is(err, errFull) {
			t.Errorf("appended to a full disk: %v", err)
		}
		if err := f.Finish(); !errors.Is(err, errFull) {
			t.Errorf("finished on a full disk: %v", err)
		}
	}
	if f.Duration() != FrameTime {
		t.Errorf("lasts %v, of which one frame was written", f.Duration())
	}
	if _, err := NewWAVWriter(&disk{size: 10}, WAVFormat{Rate: 8000}); !errors.Is(err, errFull) {
		t.Errorf("begun on a full disk: %v", err)
	}
}

func TestRecordingEndsBeforeItsLengthsOverflow(t *testing.T) {
	t.Parallel()
	f, err := NewWAVWriter(&disk{}, WAVFormat{Rate: 8000})
	if err != nil {
		t.Fatal(err)
	}
	f.frames = 1<<30 - 2100
	if err := f.Append(make([]int16, 160)); !errors.Is(err, ErrTooLong) {
		t.Errorf("error is %v", err)
	}
}

func TestFormatsThatCannotBeRecorded(t *testing.T) {
	t.Parallel()
	for _, format := range []WAVFormat{{}, {Rate: -1}, {Rate: 8000, Channels: 3}, {Rate: 8000, Channels: -1}, {Rate: 8000, Encoding: ALaw + 1}} {
		if _, err := NewWAVWriter(&disk{}, format); !errors.Is(err, ErrFormat) {
			t.Errorf("%v: %v", format, err)
		}
	}
	f, err := NewWAVWriter(&disk{}, WAVFormat{Rate: 8000, Channels: 2})
	if err != nil {
		t.Fatal(err)
	}
	for _, channels := range [][][]int16{nil, {{1}}, {{1}, {1, 2}}, {{1}, {1}, {1}}} {
		if err := f.Append(channels...); !errors.Is(err, ErrFormat) {
			t.Errorf("%v appended to stereo: %v", channels, err)
		}
	}
	if err := f.Append([]int16{1}, []int16{2}); err != nil {
		t.Errorf("a wrong call spoils the right one after it: %v", err)
	}
}

func TestRecordingAllocatesNothing(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector allocates")
	}
	d := &disk{data: slices.Grow([]byte(nil), 1<<20)}
	f, err := NewWAVWriter(d, WAVFormat{Rate: 8000, Channels: 2, Encoding: MuLaw})
	if err != nil {
		t.Fatal(err)
	}
	left, right := make([]int16, 160), make([]int16, 160)
	if n := testing.AllocsPerRun(100, func() {
		d.at, d.data = 0, d.data[:0]
		if err := f.Append(left, right); err != nil {
			t.Fatal(err)
		}
	}); n > 0 {
		t.Errorf("%v allocations for a frame", n)
	}
}

func BenchmarkRecordFrame(b *testing.B) {
	d := &disk{}
	f, err := NewWAVWriter(d, WAVFormat{Rate: 8000, Channels: 2})
	if err != nil {
		b.Fatal(err)
	}
	left, right := make([]int16, 160), make([]int16, 160)
	b.ReportAllocs()
	for b.Loop() {
		d.at, d.data, f.frames = 0, d.data[:0], 0
		if err := f.Append(left, right); err != nil {
			b.Fatal(err)
		}
	}
}
