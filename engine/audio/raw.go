package audio

import (
	"encoding/binary"
	"fmt"
	"io"
	"strings"

	"github.com/sipscript/sipscript/engine/audio/g711"
	"github.com/sipscript/sipscript/engine/audio/g722"
)

// rawFormat is a file without a header: samples or codes, and nothing else.
type rawFormat struct {
	rate    int
	samples int              // of one group, the least that can be decoded
	octets  int              // of one group
	decoder func() rawDecode // of a new stream
}

// rawDecode writes the samples of whole groups to dst and returns how many they are.
type rawDecode func(dst []int16, src []byte) int

// rawFormats are the formats by extension. The names are those that Asterisk and SoX use.
var rawFormats = map[string]rawFormat{
	"ulaw": rawMu, "ul": rawMu, "mulaw": rawMu, "pcmu": rawMu,
	"alaw": rawA, "al": rawA, "pcma": rawA,
	"g722": {rate: 16000, samples: 2, octets: 1, decoder: func() rawDecode { return g722.NewDecoder().Decode }},
	"sln":  signedLinear(8000), "sln8": signedLinear(8000), "sln12": signedLinear(12000), "sln16": signedLinear(16000), "sln24": signedLinear(24000),
	"sln32": signedLinear(32000), "sln44": signedLinear(44100), "sln48": signedLinear(48000),
}

var (
	rawMu = rawFormat{rate: 8000, samples: 1, octets: 1, decoder: func() rawDecode { return g711.DecodeMu }}
	rawA  = rawFormat{rate: 8000, samples: 1, octets: 1, decoder: func() rawDecode { return g711.DecodeA }}
)

// signedLinear is a file of 16 bits for each sample, the lower ones first.
func signedLinear(rate int) rawFormat {
	return rawFormat{rate: rate, samples: 1, octets: 2, decoder: func() rawDecode { return decodeLittleEndian }}
}

func decodeLittleEndian(dst []int16, src []byte) int {
	n := min(len(dst), len(src)/2)
	for i := range dst[:n] {
		dst[i] = int16(binary.LittleEndian.Uint16(src[2*i:]))
	}
	return n
}

// ReadRaw decodes a file without a header, by its extension: ulaw (ul, mulaw, pcmu), alaw (al, pcma), g722, sln (16 bits at 8 kHz, the lower ones first),
// and sln12, sln16, sln24, sln32, sln44 and sln48 for other rates. limit and errors are those of [ReadFile]. A half sample at the end is left out.
func ReadRaw(r io.Reader, extension string, limit int) (*Clip, error) {
	format, ok := rawFormats[strings.ToLower(extension)]
	if !ok {
		return nil, fmt.Errorf("%w: no raw samples have the extension %q", ErrFormat, extension)
	}
	samples, _, err := collect(r, format, limit)
	if err != nil {
		return nil, err
	}
	return &Clip{Rate: format.rate, Samples: samples}, nil
}

// collect decodes all of r. It returns the samples and how many octets there were. Memory grows with what has been read, and not with what is promised.
func collect(r io.Reader, format rawFormat, limit int) (samples []int16, octets int64, err error) {
	decode := format.decoder()
	buffer := make([]byte, 4096*format.octets)
	for {
		n, err := io.ReadFull(r, buffer)
		octets += int64(n)
		groups := n / format.octets
		more := groups * format.samples
		if more > limit-len(samples) {
			return nil, octets, fmt.Errorf("%w: more than %d samples", ErrTooLong, limit)
		}
		start := len(samples)
		samples = append(samples, make([]int16, more)...)
		decode(samples[start:], buffer[:groups*format.octets])
		switch err {
		case nil:
		case io.EOF, io.ErrUnexpectedEOF:
			return append(make([]int16, 0, len(samples)), samples...), octets, nil // a clip lives long: what growing has left over is given back
		default:
			return nil, octets, err
		}
	}
}
