//go:build !unix

package pages

import "unsafe"

// take is the heap's where the system is asked in another way: everything works, and the collector has more to do.
func take(size uintptr) unsafe.Pointer {
	return unsafe.Pointer(unsafe.SliceData(make([]uint64, (size+7)/8)))
}

func give(unsafe.Pointer, uintptr) {}
