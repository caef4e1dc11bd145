// Package digest is the Digest access authentication of RFC 7616 as SIP uses it (RFC 8760): challenges and credentials parsed and built,
// responses computed and compared. Everything in it is a value; any goroutine may use it.
package digest

import (
	"crypto/md5"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"strings"
)

// Algorithm is a digest algorithm. The zero value is MD5, which a missing algorithm parameter means (RFC 7616 §3.3).
type Algorithm uint8

// The algorithms of RFC 8760 §2.1 and their session variants. Unknown is any other name.
const (
	MD5 Algorithm = iota
	MD5Sess
	SHA256
	SHA256Sess
	SHA512256
	SHA512256Sess
	Unknown
)

var names = [...]string{
	MD5: "MD5", MD5Sess: "MD5-sess",
	SHA256: "SHA-256", SHA256Sess: "SHA-256-sess",
	SHA512256: "SHA-512-256", SHA512256Sess: "SHA-512-256-sess",
	Unknown: "unknown",
}

// ParseAlgorithm returns the algorithm of a name in any case, and Unknown, false for one that this package does not have.
func ParseAlgorithm(name string) (Algorithm, bool) {
	for a := MD5; a < Unknown; a++ {
		if strings.EqualFold(name, names[a]) {
			return a, true
		}
	}
	return Unknown, false
}

// String returns the algorithm's registered name, "SHA-256".
func (a Algorithm) String() string { return names[min(a, Unknown)] }

// Session reports whether a is a session variant, whose A1 includes nonce and cnonce (RFC 7616 §3.4.2).
func (a Algorithm) Session() bool { return a == MD5Sess || a == SHA256Sess || a == SHA512256Sess }

// HexLen is the length of the algorithm's digests in hexadecimal digits: 32 for MD5, 64 for the others (RFC 8760 §2.2), 0 for Unknown.
func (a Algorithm) HexLen() int {
	switch a {
	case MD5, MD5Sess:
		return 2 * md5.Size
	case SHA256, SHA256Sess, SHA512256, SHA512256Sess:
		return 2 * sha256.Size
	}
	return 0
}

// appendHex appends H(data) to dst in lower-case hexadecimal digits.
func (a Algorithm) appendHex(dst, data []byte) []byte {
	switch a {
	case MD5, MD5Sess:
		sum := md5.Sum(data)
		return hex.AppendEncode(dst, sum[:])
	case SHA256, SHA256Sess:
		sum := sha256.Sum256(data)
		return hex.AppendEncode(dst, sum[:])
	case SHA512256, SHA512256Sess:
		sum := sha512.Sum512_256(data)
		return hex.AppendEncode(dst, sum[:])
	}
	return dst
}
