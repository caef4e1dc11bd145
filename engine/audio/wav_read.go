package audio

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/sipscript/sipscript/engine/audio/g711"
)

const (
	waveMaxChannels = 16
	waveMaxRate     = 192000
)

// ReadWAV decodes a WAV file: PCM of 8, 16, 24 and 32 bits, floating point of 32 bits, μ-law and A-law, also as WAVE_FORMAT_EXTENSIBLE, of any rate from
// 1 to 192 kHz. Up to 16 channels are mixed down to one. limit and errors are those of [ReadFile].
func ReadWAV(r io.Reader, limit int) (*Clip, error) {
	var riff [12]byte
	if _, err := io.ReadFull(r, riff[:]); err != nil {
		return nil, cutOff(err, "header")
	}
	if string(riff[:4]) != "RIFF" || string(riff[8:]) != "WAVE" {
		return nil, fmt.Errorf("%w: not a WAV file", ErrFormat)
	}
	var format *rawFormat
	for {
		var head [8]byte
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return nil, cutOff(err, "data chunk")
		}
		length := int64(binary.LittleEndian.Uint32(head[4:]))
		switch string(head[:4]) {
		case "fmt ":
			f, err := readWaveFormat(r, length)
			if err != nil {
				return nil, err
			}
			format = &f
		case "data":
			if format == nil {
				return nil, fmt.Errorf("%w: WAV data before its fmt chunk", ErrFormat)
			}
			return readWaveData(r, *format, length, limit)
		default:
			if err := skip(r, length+length&1); err != nil {
				return nil, err
			}
		}
	}
}

// readWaveData reads the data chunk. Where its length is known, all of it must be there.
func readWaveData(r io.Reader, format rawFormat, length int64, limit int) (*Clip, error) {
	known := length < waveUnknown
	if known {
		r = io.LimitReader(r, length)
	}
	samples, octets, err := collect(r, format, limit)
	if err != nil {
		return nil, err
	}
	if known && octets < length {
		return nil, fmt.Errorf("%w: WAV file cut off: %d octets of data, its header says %d", ErrFormat, octets, length)
	}
	return &Clip{Rate: format.rate, Samples: samples}, nil
}

// readWaveFormat reads the fmt chunk.
func readWaveFormat(r io.Reader, length int64) (rawFormat, error) {
	var chunk [40]byte
	if length < 16 {
		return rawFormat{}, fmt.Errorf("%w: WAV fmt chunk of %d octets", ErrFormat, length)
	}
	n := min(length, int64(len(chunk)))
	if _, err := io.ReadFull(r, chunk[:n]); err != nil {
		return rawFormat{}, cutOff(err, "fmt chunk")
	}
	if err := skip(r, length-n+length&1); err != nil {
		return rawFormat{}, err
	}
	tag := binary.LittleEndian.Uint16(chunk[0:])
	channels := int(binary.LittleEndian.Uint16(chunk[2:]))
	rate := int64(binary.LittleEndian.Uint32(chunk[4:]))
	align := int(binary.LittleEndian.Uint16(chunk[12:]))
	bits := int(binary.LittleEndian.Uint16(chunk[14:]))
	if tag == waveExtensible && n == 40 && string(chunk[26:]) == "\x00\x00\x00\x00\x10\x00\x80\x00\x00\xAA\x00\x38\x9B\x71" {
		tag = binary.LittleEndian.Uint16(chunk[24:]) // the tag that begins the GUID of the samples
	}
	switch {
	case channels == 0 || channels > waveMaxChannels:
		return rawFormat{}, fmt.Errorf("%w: WAV of %d channels", ErrFormat, channels)
	case rate < 1000 || rate > waveMaxRate:
		return rawFormat{}, fmt.Errorf("%w: WAV at %d Hz", ErrFormat, rate)
	}
	read, ok := waveSamples(tag, bits)
	if !ok {
		return rawFormat{}, fmt.Errorf("%w: WAV of kind 0x%04X with %d bits", ErrFormat, tag, bits)
	}
	width := bits / 8
	if align != channels*width {
		return rawFormat{}, fmt.Errorf("%w: WAV of %d channels with %d bits, and %d octets for all of them", ErrFormat, channels, bits, align)
	}
	return rawFormat{rate: int(rate), samples: 1, octets: align, decoder: func() rawDecode { return mixDown(read, channels, width) }}, nil
}

// mixDown returns what decodes frames of one sample for each channel to their mean.
func mixDown(read func([]byte) int, channels, width int) rawDecode {
	return func(dst []int16, src []byte) int {
		for i := range dst {
			sum := 0
			for range channels {
				sum += read(src)
				src = src[width:]
			}
			dst[i] = int16(sum / channels)
		}
		return len(dst)
	}
}

// waveSamples returns what reads one sample of a kind.
func waveSamples(tag uint16, bits int) (read func([]byte) int, ok bool) {
	switch {
	case tag == wavePCM && bits == 8: // the only one without a sign
		return func(b []byte) int { return (int(b[0]) - 128) << 8 }, true
	case tag == wavePCM && bits == 16:
		return littleEndian, true
	case tag == wavePCM && bits == 24:
		return func(b []byte) int { return int(int16(binary.LittleEndian.Uint16(b[1:]))) }, true
	case tag == wavePCM && bits == 32:
		return func(b []byte) int { return int(int16(binary.LittleEndian.Uint16(b[2:]))) }, true
	case tag == waveFloat && bits == 32:
		return func(b []byte) int { return fromFloat(math.Float32frombits(binary.LittleEndian.Uint32(b))) }, true
	case tag == waveMuLaw && bits == 8:
		return func(b []byte) int { return companded(g711.DecodeMu, b) }, true
	case tag == waveALaw && bits == 8:
		return func(b []byte) int { return companded(g711.DecodeA, b) }, true
	}
	return nil, false
}

func littleEndian(b []byte) int { return int(int16(binary.LittleEndian.Uint16(b))) }

func companded(decode func([]int16, []byte) int, code []byte) int {
	var sample [1]int16
	decode(sample[:], code)
	return int(sample[0])
}

// fromFloat turns −1 … 1 into a sample. Not a number is silence.
func fromFloat(x float32) int {
	switch {
	case x != x:
		return 0
	case x >= 1:
		return math.MaxInt16
	case x <= -1:
		return math.MinInt16
	}
	return int(x * 32767)
}

// skip reads over n octets. A file that ends there has an end that whoever reads on will find.
func skip(r io.Reader, n int64) error {
	if _, err := io.CopyN(io.Discard, r, n); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

// cutOff returns the error for a file that ends before the part that was to be read.
func cutOff(err error, part string) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: file ends before its %s does", ErrFormat, part)
	}
	return err
}
