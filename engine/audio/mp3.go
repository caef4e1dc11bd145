package audio

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/hajimehoshi/go-mp3"
)

// ReadMP3 decodes an MP3 file (MPEG-1 and MPEG-2 layer III), stereo mixed down. limit and errors are those of [ReadFile].
func ReadMP3(r io.Reader, limit int) (clip *Clip, err error) {
	source := &source{r: r}
	// The decoder trusts the file in places, and a file may come from anywhere: what it stumbles over is wrong with the file.
	defer func() {
		if p := recover(); p != nil {
			clip, err = nil, fmt.Errorf("%w: MP3: %v", ErrFormat, p)
		}
	}()
	buffered := bufio.NewReader(source)
	if err := skipTags(buffered); err != nil {
		return nil, err
	}
	// Without Seek, or it would read the whole file in advance to know its length.
	decoder, err := mp3.NewDecoder(struct{ io.Reader }{buffered})
	if err != nil {
		return nil, source.blame(err)
	}
	stereo := rawFormat{samples: 1, octets: 4, decoder: func() rawDecode { return mixDown(littleEndian, 2, 2) }}
	samples, _, err := collect(decoder, stereo, limit)
	switch {
	case errors.Is(err, ErrTooLong):
		return nil, err
	case err != nil:
		return nil, source.blame(err)
	}
	return &Clip{Rate: decoder.SampleRate(), Samples: samples}, nil
}

// source remembers with what its reader failed, as a decoder reports both that and what is wrong with the file.
type source struct {
	r   io.Reader
	err error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

// blame returns the reader's error if it had one, and otherwise that of the decoder, as one of the file.
func (s *source) blame(err error) error {
	if s.err != nil {
		return s.err
	}
	return fmt.Errorf("%w: MP3: %w", ErrFormat, err)
}

// skipTags reads over the ID3v2 tags a file begins with. The decoder would do it, but takes as much memory as the tag says it is long.
func skipTags(r *bufio.Reader) error {
	for {
		head, err := r.Peek(10)
		if err != nil || string(head[:3]) != "ID3" {
			return nil // what is too short for a tag is for the decoder to refuse
		}
		length := 10 + (int64(head[6]&0x7F)<<21 | int64(head[7]&0x7F)<<14 | int64(head[8]&0x7F)<<7 | int64(head[9]&0x7F))
		if head[5]&0x10 != 0 { // a footer of the size of the header (ID3v2.4 §3.4)
			length += 10
		}
		if err := skip(r, length); err != nil {
			return err
		}
	}
}
