package audio

// A WAV file is a RIFF of kind WAVE: chunks of an identifier, a length of 32 bits, and data, padded to an even length. "fmt " says what the samples are,
// "data" has them.

// The kinds of samples of a fmt chunk (wFormatTag).
const (
	wavePCM        = 1
	waveFloat      = 3
	waveALaw       = 6
	waveMuLaw      = 7
	waveExtensible = 0xFFFE
)

// waveUnknown is the least length of a data chunk that means "until the end". A writer that cannot go back fills in a length that is too long for any
// file, and programs differ in which: 0xFFFFFFFF, or the largest that is positive, rounded down to what a page is.
const waveUnknown = 0x7FFFF000
