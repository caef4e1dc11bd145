package call_test

import (
	"bytes"
	"io"
	"sync"
)

// records is the file of call records.
type records struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (r *records) open(string) (io.WriteCloser, error) { return r, nil }

// Write implements io.Writer.
func (r *records) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.b.Write(p)
}

// Close implements io.Closer.
func (r *records) Close() error { return nil }

// String is all that was written.
func (r *records) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.b.String()
}
