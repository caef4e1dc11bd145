package pages

import "unsafe"

// Take returns n zero values of T, which must not hold a pointer: the garbage collector would not see it. They stay until
// Give. A page that is not touched takes no memory. When the system has none left Take panics. Any goroutine may call it.
func Take[T any](n int) []T {
	var one T
	return unsafe.Slice((*T)(take(uintptr(n)*unsafe.Sizeof(one))), n)
}

// Give ends s, the whole of what a Take has returned. Whoever touches it, or a part of it, from then on ends the program.
func Give[T any](s []T) {
	var one T
	give(unsafe.Pointer(unsafe.SliceData(s)), uintptr(len(s))*unsafe.Sizeof(one))
}
