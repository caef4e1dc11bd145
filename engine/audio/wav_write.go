package audio

import (
	"encoding/binary"
	"fmt"
	"io"
	"time"

	"github.com/sipscript/sipscript/engine/audio/g711"
)

// Encoding is how a WAV file holds samples.
type Encoding uint8

// Encodings of WAV files.
const (
	Linear Encoding = iota // PCM of 16 bits
	MuLaw                  // G.711 μ-law
	ALaw                   // G.711 A-law
)

func (e Encoding) String() string {
	switch e {
	case Linear:
		return "linear"
	case MuLaw:
		return "μ-law"
	case ALaw:
		return "A-law"
	}
	return "unknown"
}

// WAVFormat is what a WAV file is to hold.
type WAVFormat struct {
	Rate     int // in Hz
	Channels int // 1 or 2; 0 stands for 1
	Encoding Encoding
}

// WAVWriter writes a recording. Until Finish its header says that the data goes on until the end of the file, which is how most programs can read what
// an interrupted recording has left.
//
// It belongs to one goroutine, and blocks as its writer does. Once that has failed every method returns the error.
type WAVWriter struct {
	w      io.WriteSeeker
	format WAVFormat
	header int    // octets before the data
	frames int64  // samples of each channel
	buffer []byte // what the last Append encoded, used again
	err    error
}

// NewWAVWriter begins a file by writing its header.
func NewWAVWriter(w io.WriteSeeker, format WAVFormat) (*WAVWriter, error) {
	if format.Channels == 0 {
		format.Channels = 1
	}
	if format.Rate <= 0 || format.Channels < 0 || format.Channels > 2 || format.Encoding > ALaw {
		return nil, fmt.Errorf("%w: no WAV file is written with %d channels of %v at %d Hz", ErrFormat, format.Channels, format.Encoding, format.Rate)
	}
	f := &WAVWriter{w: w, format: format}
	header := f.head(0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF)
	f.header = len(header)
	f.write(header)
	return f, f.err
}

// Append writes samples: one slice for each channel, all of one length. What does not fit into the format's 2 GiB is refused with ErrTooLong.
func (f *WAVWriter) Append(channels ...[]int16) error {
	if f.err != nil {
		return f.err
	}
	if len(channels) != f.format.Channels || len(channels[0]) != len(channels[len(channels)-1]) {
		return fmt.Errorf("%w: %d channels appended to %d, or of two lengths", ErrFormat, len(channels), f.format.Channels)
	}
	n := len(channels[0])
	if f.octets(f.frames+int64(n)) >= waveUnknown-int64(f.header) {
		f.err = fmt.Errorf("%w: a WAV file holds 2 GiB", ErrTooLong)
		return f.err
	}
	f.buffer = f.encode(f.buffer[:0], channels)
	f.write(f.buffer)
	if f.err == nil {
		f.frames += int64(n)
	}
	return f.err
}

// Duration returns how long the recording is so far.
func (f *WAVWriter) Duration() time.Duration {
	return time.Duration(f.frames) * time.Second / time.Duration(f.format.Rate)
}

// Finish writes the lengths into the header. It does not close the writer. Append may go on after it, and Finish be called again.
func (f *WAVWriter) Finish() error {
	data := f.octets(f.frames)
	padding := data & 1 // chunks have an even length (RIFF)
	if padding != 0 {
		f.write([]byte{0})
	}
	f.seek(0)
	f.write(f.head(uint32(int64(f.header)-8+data+padding), uint32(f.frames), uint32(data)))
	f.seek(int64(f.header) + data)
	return f.err
}

// head returns the header with the lengths of the file, in frames, and of the data.
func (f *WAVWriter) head(riff, frames, data uint32) []byte {
	tag, channels, width := uint16(wavePCM), uint16(f.format.Channels), uint16(f.octets(1)/int64(f.format.Channels))
	switch f.format.Encoding {
	case MuLaw:
		tag = waveMuLaw
	case ALaw:
		tag = waveALaw
	case Linear:
	}
	le, b := binary.LittleEndian, make([]byte, 0, 58)
	b = append(le.AppendUint32(append(b, "RIFF"...), riff), "WAVEfmt "...)
	if tag == wavePCM {
		b = le.AppendUint32(b, 16)
	} else {
		b = le.AppendUint32(b, 18)
	}
	b = le.AppendUint16(le.AppendUint16(b, tag), channels)
	b = le.AppendUint32(le.AppendUint32(b, uint32(f.format.Rate)), uint32(f.format.Rate)*uint32(channels*width))
	b = le.AppendUint16(le.AppendUint16(b, channels*width), 8*width)
	if tag != wavePCM { // all kinds but PCM have an extension, here an empty one, and a fact chunk
		b = le.AppendUint16(b, 0)
		b = le.AppendUint32(le.AppendUint32(append(b, "fact"...), 4), frames)
	}
	return le.AppendUint32(append(b, "data"...), data)
}

// octets returns how long frames are.
func (f *WAVWriter) octets(frames int64) int64 {
	n := frames * int64(f.format.Channels)
	if f.format.Encoding == Linear {
		return 2 * n
	}
	return n
}

// encode appends the samples of all channels, interleaved.
func (f *WAVWriter) encode(b []byte, channels [][]int16) []byte {
	for i := range channels[0] {
		for _, channel := range channels {
			sample := channel[i : i+1]
			switch f.format.Encoding {
			case MuLaw:
				b = append(b, 0)
				g711.EncodeMu(b[len(b)-1:], sample)
			case ALaw:
				b = append(b, 0)
				g711.EncodeA(b[len(b)-1:], sample)
			case Linear:
				b = binary.LittleEndian.AppendUint16(b, uint16(sample[0]))
			}
		}
	}
	return b
}

func (f *WAVWriter) write(b []byte) {
	if f.err != nil {
		return
	}
	n, err := f.w.Write(b)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	f.err = err
}

func (f *WAVWriter) seek(offset int64) {
	if f.err == nil {
		_, f.err = f.w.Seek(offset, io.SeekStart)
	}
}
