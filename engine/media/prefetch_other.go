//go:build !amd64 && !arm64

package media

import "unsafe"

func prefetch(unsafe.Pointer)  {}
func prefetch4(unsafe.Pointer) {}
