package engine

// arena is room for what is sent within one turn and kept by nobody: most of what leaves over UDP.
type arena struct{ chunk []byte }

const arenaChunk = 64 << 10

// take returns an empty slice with room for n bytes, good until reset.
func (a *arena) take(n int) []byte {
	if cap(a.chunk)-len(a.chunk) < n {
		a.chunk = make([]byte, 0, max(arenaChunk, n)) // what the old chunk holds stays until it is sent
	}
	at := len(a.chunk)
	a.chunk = a.chunk[:at+n]
	return a.chunk[at : at : at+n]
}

// reset makes all room free again.
func (a *arena) reset() { a.chunk = a.chunk[:0] }
