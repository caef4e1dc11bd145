package audio

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"path"
	"strings"
)

// ReadFile decodes a file. Its beginning says whether it is WAV or MP3; anything else is what the extension of its name says, as in [ReadRaw]. The clip
// has the rate of the file and one channel. limit is how many samples it may have.
//
// The error wraps ErrFormat where the file is broken or of a kind that is not supported, ErrTooLong where it has more samples than limit, or an error
// of r. What a file says about itself makes ReadFile neither panic nor take more memory than its samples need.
func ReadFile(r io.Reader, name string, limit int) (*Clip, error) {
	buffered := bufio.NewReader(r)
	begins, err := buffered.Peek(4)
	if err != nil && err != io.EOF {
		return nil, err
	}
	extension := strings.TrimPrefix(path.Ext(name), ".")
	switch {
	case string(begins) == "RIFF":
		return ReadWAV(buffered, limit)
	case bytes.HasPrefix(begins, []byte("ID3")), strings.EqualFold(extension, "mp3"):
		return ReadMP3(buffered, limit)
	}
	if _, ok := rawFormats[strings.ToLower(extension)]; ok {
		return ReadRaw(buffered, extension, limit)
	}
	if len(begins) > 1 && begins[0] == 0xFF && begins[1]&0xE0 == 0xE0 { // the sync word of MPEG audio
		return ReadMP3(buffered, limit)
	}
	return nil, fmt.Errorf("%w: neither WAV nor MP3, and no raw samples have the extension %q", ErrFormat, extension)
}
