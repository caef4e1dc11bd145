// Package g711 is ITU-T G.711: μ-law and A-law, 8 bits for each sample of 8 kHz. It gives the bits that the reference code of ITU-T G.191 gives.
//
// It has no state and allocates nothing. All functions write as much as fits into dst and return how much that is.
package g711

import "math/bits"

// Silence is what a line without sound sends: the code of the sample 0 in each law.
const (
	SilenceMu byte = 0xFF
	SilenceA  byte = 0xD5
)

// EncodeMu writes the μ-law codes of pcm to dst.
func EncodeMu(dst []byte, pcm []int16) int {
	n := min(len(dst), len(pcm))
	dst = dst[:n]
	for i, sample := range pcm[:n] {
		dst[i] = compressMu(sample)
	}
	return n
}

// DecodeMu writes the samples of μ-law codes to dst.
func DecodeMu(dst []int16, codes []byte) int {
	n := min(len(dst), len(codes))
	dst = dst[:n]
	for i, code := range codes[:n] {
		dst[i] = linearMu[code]
	}
	return n
}

// EncodeA writes the A-law codes of pcm to dst.
func EncodeA(dst []byte, pcm []int16) int {
	n := min(len(dst), len(pcm))
	dst = dst[:n]
	for i, sample := range pcm[:n] {
		dst[i] = compressA(sample)
	}
	return n
}

// DecodeA writes the samples of A-law codes to dst.
func DecodeA(dst []int16, codes []byte) int {
	n := min(len(dst), len(codes))
	dst = dst[:n]
	for i, code := range codes[:n] {
		dst[i] = linearA[code]
	}
	return n
}

// bias moves the borders of μ-law's segments to powers of two (G.711 table 2), in units of the 14 bits it is defined on.
const bias = 33

func compressMu(sample int16) byte {
	// Negative samples are mirrored by one's complement, as in G.191: −1 then has the code next to that of 0, and −32768 needs no case of its own.
	sign := sample >> 15 // 0 or −1
	magnitude := min(uint16(sample^sign)>>2+bias, 0x1FFF)
	segment := bits.Len16(magnitude) - 5 // 1 … 8
	code := uint16(8-segment)<<4 | ^(magnitude>>segment)&0x0F
	return byte(code) | ^byte(sign)&0x80
}

func compressA(sample int16) byte {
	sign := sample >> 15
	magnitude := uint16(sample^sign) >> 4
	// The first two segments have the same step, which is why the segment of magnitudes below 32 is the magnitude itself.
	if segment := bits.Len16(magnitude) - 5; segment > 0 {
		magnitude = magnitude>>segment + uint16(segment)<<4
	}
	return (byte(magnitude) | ^byte(sign)&0x80) ^ 0x55
}

// The samples of all codes. Decoding is a look into half a kilobyte, which stays in the nearest cache.
var (
	linearMu = expand(expandMu)
	linearA  = expand(expandA)
)

func expand(law func(byte) int) (table [256]int16) {
	for code := range table {
		table[code] = int16(law(byte(code)))
	}
	return table
}

func expandMu(code byte) int {
	segment, step := int(^code>>4&7), int(^code&0x0F)
	magnitude := (2*step+bias)<<segment - bias
	magnitude *= 4 // of 14 bits
	if code&0x80 == 0 {
		return -magnitude
	}
	return magnitude
}

func expandA(code byte) int {
	positive := code&0x80 != 0
	code ^= 0x55
	segment, step := int(code>>4&7), int(code&0x0F)
	magnitude := 2*step + 1 // the middle of the step
	if segment > 0 {
		magnitude = (magnitude + 32) << (segment - 1)
	}
	magnitude *= 8 // of 13 bits
	if !positive {
		return -magnitude
	}
	return magnitude
}
