package sip

import "errors"

var (
	// ErrMalformed is the value of a header field, URI or parameter that does not follow its grammar.
	ErrMalformed = errors.New("sip: malformed")
	// ErrMissing is a header field that was asked for and is not in the message.
	ErrMissing = errors.New("sip: header field missing")
)

// ParseError says why a message was refused. Code is the status to answer a request with: 400, 501, 505 or 513. A response or an ACK
// is never answered, whatever is wrong with it (RFC 3261 §17, §18.3).
type ParseError struct {
	Code   int
	Reason string // what is wrong, fit for a log line and for a reason phrase
}

// Error says what is wrong.
func (e *ParseError) Error() string { return "sip: " + e.Reason }
