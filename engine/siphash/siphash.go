// Package siphash is SipHash-2-4, the keyed hash that shards calls, marks branches and signs flow tokens.
// hash/maphash cannot be seeded, and a run that starts from a known seed has to come out the same each time.
package siphash

import (
	"encoding/binary"
	"math/bits"
	"unsafe"
)

// Key is the 128-bit key. Whoever does not hold it can neither aim calls at one shard nor forge a token.
type Key struct{ K0, K1 uint64 }

// Sum hashes p under k. It may be called from any goroutine.
func (k Key) Sum(p []byte) uint64 {
	// Read as a string for the length of the call: a generic function would move the caller's buffer to the heap.
	return k.SumString(unsafe.String(unsafe.SliceData(p), len(p)))
}

// SumString is Sum of the bytes of p, without copying them.
func (k Key) SumString(p string) uint64 {
	v0, v1 := k.K0^0x736f6d6570736575, k.K1^0x646f72616e646f6d
	v2, v3 := k.K0^0x6c7967656e657261, k.K1^0x7465646279746573
	n := len(p)
	i := 0
	for ; i+8 <= n; i += 8 {
		m := uint64(p[i]) | uint64(p[i+1])<<8 | uint64(p[i+2])<<16 | uint64(p[i+3])<<24 |
			uint64(p[i+4])<<32 | uint64(p[i+5])<<40 | uint64(p[i+6])<<48 | uint64(p[i+7])<<56
		v3 ^= m
		v0, v1, v2, v3 = round(v0, v1, v2, v3)
		v0, v1, v2, v3 = round(v0, v1, v2, v3)
		v0 ^= m
	}
	last := uint64(n) << 56
	for shift := 0; i < n; i, shift = i+1, shift+8 {
		last |= uint64(p[i]) << shift
	}
	v3 ^= last
	v0, v1, v2, v3 = round(v0, v1, v2, v3)
	v0, v1, v2, v3 = round(v0, v1, v2, v3)
	v0 ^= last
	v2 ^= 0xff
	for range 4 {
		v0, v1, v2, v3 = round(v0, v1, v2, v3)
	}
	return v0 ^ v1 ^ v2 ^ v3
}

func round(v0, v1, v2, v3 uint64) (a, b, c, d uint64) {
	v0 += v1
	v1 = bits.RotateLeft64(v1, 13) ^ v0
	v0 = bits.RotateLeft64(v0, 32)
	v2 += v3
	v3 = bits.RotateLeft64(v3, 16) ^ v2
	v0 += v3
	v3 = bits.RotateLeft64(v3, 21) ^ v0
	v2 += v1
	v1 = bits.RotateLeft64(v1, 17) ^ v2
	v2 = bits.RotateLeft64(v2, 32)
	return v0, v1, v2, v3
}

// KeyFrom reads a key from 16 random bytes.
func KeyFrom(b [16]byte) Key {
	return Key{binary.LittleEndian.Uint64(b[:8]), binary.LittleEndian.Uint64(b[8:])}
}
