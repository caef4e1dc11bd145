package digest

import (
	"crypto/subtle"
	"strings"
)

// Inputs of a digest are joined in a buffer of this size on the stack; longer ones grow onto the heap.
const scratch = 512

// HA1 returns H(username:realm:password) in lower-case hexadecimal digits: what a server may store for its user instead of the password,
// and what the methods of Credentials ask for. For a session variant it is the inner hash, which does not depend on the session.
func HA1(a Algorithm, username, realm, password string) string {
	var in, out [scratch]byte
	b := append(in[:0], username...)
	b = append(append(b, ':'), realm...)
	b = append(append(b, ':'), password...)
	return string(a.appendHex(out[:0], b))
}

// UserHash returns H(username:realm), the name of a user in credentials with UserHash (RFC 7616 §3.4.4).
func UserHash(a Algorithm, username, realm string) string {
	var in, out [scratch]byte
	b := append(in[:0], username...)
	b = append(append(b, ':'), realm...)
	return string(a.appendHex(out[:0], b))
}

// Compute returns the response that these credentials must have when ha1 is the user's (HA1), for a request with this method and body. The
// body counts only with qop auth-int, and an absent one as empty (RFC 8760 §2.6(7)).
func (c *Credentials) Compute(ha1, method string, body []byte) string {
	var out [64]byte
	return string(c.compute(out[:0], ha1, method, body))
}

// Verify reports whether the response is the one Compute returns, in a time that does not depend on where they differ. Hexadecimal digits
// in upper case are taken too; a response of the wrong length for its algorithm is wrong.
func (c *Credentials) Verify(ha1, method string, body []byte) bool {
	var out, got [64]byte
	want := c.compute(out[:0], ha1, method, body)
	if len(want) == 0 || len(c.Response) != len(want) {
		return false
	}
	for i := range len(c.Response) {
		got[i] = c.Response[i]
		if 'A' <= got[i] && got[i] <= 'F' {
			got[i] += 'a' - 'A'
		}
	}
	return subtle.ConstantTimeCompare(got[:len(want)], want) == 1
}

// compute appends to dst KD(H(A1), nonce:nc:cnonce:qop:H(A2)), and without qop KD(H(A1), nonce:H(A2)) as RFC 2069 had it.
func (c *Credentials) compute(dst []byte, ha1, method string, body []byte) []byte {
	var in [scratch]byte
	var a1, a2 [64]byte
	h1 := append(a1[:0], ha1...)
	if c.Algorithm.Session() {
		b := append(in[:0], ha1...)
		b = append(append(b, ':'), c.Nonce...)
		b = append(append(b, ':'), c.CNonce...)
		h1 = c.Algorithm.appendHex(a1[:0], b)
	}

	b := append(in[:0], method...)
	b = append(append(b, ':'), c.URI...)
	if strings.EqualFold(c.QOP, "auth-int") {
		b = c.Algorithm.appendHex(append(b, ':'), body)
	}
	h2 := c.Algorithm.appendHex(a2[:0], b)

	b = append(in[:0], h1...)
	b = append(append(b, ':'), c.Nonce...)
	if c.QOP != "" {
		b = append(append(b, ':'), c.NC...)
		b = append(append(b, ':'), c.CNonce...)
		b = append(append(b, ':'), c.QOP...)
	}
	b = append(append(b, ':'), h2...)
	return c.Algorithm.appendHex(dst, b)
}
