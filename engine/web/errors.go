package web

import "errors"

var (
	// ErrAddress says that an address is none of HTTP.
	ErrAddress = errors.New("no address of HTTP")
	// ErrTimeout says that the answer has not come in time.
	ErrTimeout = errors.New("no answer in time")
	// ErrUnreachable says that there is no way to the server, or that what it has said is no HTTP.
	ErrUnreachable = errors.New("the server cannot be reached")
	// ErrTooLarge says that the answer is longer than it may be.
	ErrTooLarge = errors.New("the answer is too large")
	// ErrRedirects says that the server has sent on the request too often, or to somewhere that is not of HTTP.
	ErrRedirects = errors.New("redirected too often")
)
