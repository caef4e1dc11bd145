package sip

import "unsafe"

// view returns the bytes of b as a string without copying them. It is the one place of the package that does so, and it is sound
// because of one rule: bytes are appended to a buffer, never rewritten, for as long as the message that owns it lives. A released
// message breaks that rule on purpose, which is why Keep exists.
func view(b []byte) string {
	return unsafe.String(unsafe.SliceData(b), len(b))
}
