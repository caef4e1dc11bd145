//go:build amd64 || arm64

package media

import "unsafe"

// prefetch asks the processor for the cache line of p, and does not wait for it. Nothing is wrong with an address that is not there.
//
//go:noescape
func prefetch(p unsafe.Pointer)

// prefetch4 is prefetch for four lines in a row, which is 256 bytes.
//
//go:noescape
func prefetch4(p unsafe.Pointer)
