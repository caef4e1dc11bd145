package description

import "fmt"

// SDES is one a=crypto line: the key that its writer encrypts with (RFC 4568 §6).
type SDES struct {
	Tag   int
	Suite Suite
	Key   Key
	MKI   []byte // put into each packet behind the ciphertext, if not empty (RFC 3711 §3.1)
}

// Key is an SRTP master key followed by its salt (RFC 4568 §6.1). It never prints itself.
type Key []byte

// String hides the key.
func (Key) String() string { return "(key)" }

// Format hides the key from every verb, also from those that would print the bytes.
func (Key) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("(key)")) }

// MarshalText hides the key.
func (Key) MarshalText() ([]byte, error) { return []byte("(key)"), nil }

// Suite is a crypto suite (RFC 4568 §6.2, RFC 7714 §14.2).
type Suite uint8

// The suites this server knows.
const (
	AES128SHA80 Suite = iota + 1 // AES_CM_128_HMAC_SHA1_80
	AES128SHA32                  // AES_CM_128_HMAC_SHA1_32
	AES128GCM                    // AEAD_AES_128_GCM
	AES256GCM                    // AEAD_AES_256_GCM
)

// suites has the name of each suite, and the length of its master key and salt in bytes.
var suites = [...]struct {
	name      string
	key, salt int
}{
	AES128SHA80: {"AES_CM_128_HMAC_SHA1_80", 16, 14},
	AES128SHA32: {"AES_CM_128_HMAC_SHA1_32", 16, 14},
	AES128GCM:   {"AEAD_AES_128_GCM", 16, 12},
	AES256GCM:   {"AEAD_AES_256_GCM", 32, 12},
}

// String is the name as in a=crypto; empty for what is no suite.
func (s Suite) String() string {
	if int(s) < len(suites) {
		return suites[s].name
	}
	return ""
}

// KeyLen is the length of the master key in bytes, which stands before the salt in Key.
func (s Suite) KeyLen() int { return suites[s].key }

// SaltLen is the length of the salt in bytes.
func (s Suite) SaltLen() int { return suites[s].salt }
