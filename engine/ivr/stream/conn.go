package stream

import (
	"context"
	"net/http"
)

// Dialer opens connections to agents. Any goroutine.
type Dialer interface {
	// Dial connects to an address that CheckURL has accepted. The error wraps ErrTimeout when the context has ended,
	// ErrUnreachable or ErrRefused.
	Dial(ctx context.Context, url string, header http.Header) (Conn, error)
}

// Conn is one WebSocket connection. One goroutine reads and one writes at a time.
type Conn interface {
	// Read waits for the next message, which is the caller's. The error wraps ErrClosed or ErrLost.
	Read() (binary bool, message []byte, err error)
	// Write sends a message, which is the caller's again when it returns. It blocks while the peer does not read; the error
	// wraps ErrLost. The connection is of no use when the context has ended first.
	Write(ctx context.Context, binary bool, message []byte) error
	// Close says farewell with a normal end, waits for the answer for a while, and ends Read and Write.
	Close()
	// Abort ends it at once. Any goroutine.
	Abort()
}
