package description

import (
	"errors"
	"fmt"
)

// Error is why a description was refused, with what a SIP answer says about it. It wraps one of the sentinels below.
type Error struct {
	Status  int    // 488: an offer is refused with it, an answer ends the call (RFC 3264 §6, RFC 3261 §13.3.1.3)
	Warning int    // code of a Warning header field (RFC 3261 §20.43), 0 if none fits
	Text    string // what is wrong, fit for a Warning and a log line; never holds a key
	err     error
}

// Error says what is wrong.
func (e *Error) Error() string { return e.err.Error() + ": " + e.Text }

// Unwrap returns the sentinel.
func (e *Error) Unwrap() error { return e.err }

// What can be wrong with a description.
var (
	// ErrMalformed is a description that does not follow the grammar of RFC 8866, or that is longer than anything sensible.
	ErrMalformed = errors.New("description: malformed")
	// ErrNoCodec is an offer or answer in which no m-line keeps a codec.
	ErrNoCodec = errors.New("description: no common codec")
	// ErrNoMedia is an offer or answer in which there is no media that this server can relay.
	ErrNoMedia = errors.New("description: no usable media")
	// ErrCrypto is media whose encryption, or lack of it, is not acceptable.
	ErrCrypto = errors.New("description: no acceptable encryption")
	// ErrMismatch is an answer that does not fit its offer, or an offer that drops m-lines (RFC 3264 §6, §8).
	ErrMismatch = errors.New("description: offer and answer do not fit")
)

// Warning codes of RFC 3261 §20.43.
const (
	warnTransport = 302 // incompatible transport protocol
	warnMedia     = 304 // media type not available
	warnFormat    = 305 // incompatible media format
	warnOther     = 399
)

func refuse(sentinel error, format string, args ...any) *Error {
	return &Error{Status: 488, Warning: warning(sentinel), err: sentinel, Text: fmt.Sprintf(format, args...)}
}

func warning(sentinel error) int {
	switch {
	case errors.Is(sentinel, ErrNoCodec):
		return warnFormat
	case errors.Is(sentinel, ErrNoMedia):
		return warnMedia
	case errors.Is(sentinel, ErrCrypto):
		return warnTransport
	}
	return warnOther
}
