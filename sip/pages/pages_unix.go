//go:build unix

package pages

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

func take(size uintptr) unsafe.Pointer {
	p, err := unix.MmapPtr(-1, 0, nil, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		panic(fmt.Errorf("pages: the system grants no %d bytes: %w", size, err))
	}
	return p
}

func give(p unsafe.Pointer, size uintptr) {
	if err := unix.MunmapPtr(p, size); err != nil {
		panic(fmt.Errorf("pages: giving %d bytes back: %w", size, err)) // they were none of Take's
	}
}
