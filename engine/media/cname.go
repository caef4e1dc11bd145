package media

import (
	"crypto/sha256"
	"encoding/base32"
)

// sdes is the RTCP packet in which a source describes itself (RFC 3550 §6.5), and cname the item that names it.
const (
	sdes  = 202
	cname = 1
)

// opaque writes a name that says nothing.
var opaque = base32.HexEncoding.WithPadding(base32.NoPadding)

// disguise takes out of the descriptions in a valid compound packet who and where the sender is: CNAME is user@host by custom (RFC 3550 §6.5.1), and what
// one side is called is nothing that the other is to know. A CNAME becomes another one, the same for all streams of one sender, since by it a receiver
// knows which sound belongs to which picture. The rest is blanked. Lengths stay, so that all that is around it does.
func (r *Relay) disguise(b []byte) {
	packets(b, func(kind byte, p []byte) {
		if kind != sdes {
			return
		}
		chunks := p[4:]
		for range int(p[0] & 0x1f) {
			if len(chunks) < 4 {
				return
			}
			at := 4
			for at+2 <= len(chunks) && chunks[at] != 0 {
				text := chunks[at+2:]
				n := int(chunks[at+1])
				if n > len(text) {
					return
				}
				r.rename(chunks[at], text[:n])
				at += 2 + n
			}
			if at = (at + 4) &^ 3; at > len(chunks) { // the list ends with a null, and the chunk on a boundary of 32 bits
				return
			}
			chunks = chunks[at:]
		}
	})
}

func (r *Relay) rename(item byte, text []byte) {
	if item != cname {
		for i := range text {
			text[i] = ' '
		}
		return
	}
	var said [len(r.secret) + 255]byte
	n := copy(said[:], r.secret[:])
	n += copy(said[n:], text)
	sum := sha256.Sum256(said[:n])
	var name [52]byte
	opaque.Encode(name[:], sum[:])
	for i := range text {
		text[i] = name[i%len(name)]
	}
}
