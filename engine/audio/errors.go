package audio

import "errors"

var (
	// ErrFormat means that a file or a payload is not what it should be, or of a kind that is not supported; the text around it says in what.
	ErrFormat = errors.New("audio: format")
	// ErrTooLong means that a file has more samples than its reader allows, or a recording more than its format can hold.
	ErrTooLong = errors.New("audio: too long")
	// ErrShortBuffer means that a payload decodes to more samples than the buffer takes. Nothing was decoded then.
	ErrShortBuffer = errors.New("audio: buffer too short")
)
