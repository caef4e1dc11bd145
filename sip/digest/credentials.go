package digest

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// Credentials are the value of an Authorization or Proxy-Authorization header field (RFC 7616 §3.4). Quoted parameters stand here unquoted
// and unescaped, as they enter the digest.
type Credentials struct {
	Username  string // the name, or with UserHash the hexadecimal H(username:realm)
	Realm     string
	Nonce     string
	URI       string // the digest-uri, a Request-URI in SIP (RFC 8760 §2.6)
	Response  string // hexadecimal digits as they came
	Algorithm Algorithm
	Opaque    string
	CNonce    string
	NC        string // the nonce count as sent, eight hexadecimal digits; "" without qop
	QOP       string // "auth" or "auth-int"; "" as from clients older than RFC 2617
	UserHash  bool
}

// seen notes the parameters that have been read. Of a parameter given twice two readers could take different ones, and so see different
// users.
type seen uint16

const (
	seenUsername seen = 1 << iota
	seenRealm
	seenNonce
	seenURI
	seenResponse
	seenAlgorithm
	seenOpaque
	seenCNonce
	seenNC
	seenQOP
	seenUserHash
)

// ParseCredentials reads the value of an Authorization or Proxy-Authorization header field. It returns ErrScheme for
// another scheme than Digest, and an error wrapping ErrMalformed for a broken one, for one without username, realm, nonce, uri or
// response, and for one that names a parameter twice. The strings are slices of value wherever they hold no escape.
func ParseCredentials(value string) (*Credentials, error) {
	c := &Credentials{}
	var have seen
	for p, err := range parameters(value) {
		if err != nil {
			return nil, err
		}
		bit, err := c.take(p)
		if err != nil {
			return nil, err
		}
		if bit != 0 && have&bit != 0 {
			return nil, fmt.Errorf("%w: %s given twice", ErrMalformed, p.name)
		}
		have |= bit
	}
	const must = seenUsername | seenRealm | seenNonce | seenURI | seenResponse
	if have&must != must {
		return nil, fmt.Errorf("%w: username, realm, nonce, uri or response missing", ErrMalformed)
	}
	return c, c.validate()
}

func (c *Credentials) take(p parameter) (seen, error) {
	switch {
	case p.is("username"):
		c.Username = p.value
		return seenUsername, nil
	case p.is("username*"):
		name, err := decodeExtended(p.value)
		c.Username = name
		return seenUsername, err // together with username an error (RFC 7616 §3.4)
	case p.is("realm"):
		c.Realm = p.value
		return seenRealm, nil
	case p.is("nonce"):
		c.Nonce = p.value
		return seenNonce, nil
	case p.is("uri"):
		c.URI = p.value
		return seenURI, nil
	case p.is("response"):
		c.Response = p.value
		return seenResponse, nil
	case p.is("algorithm"):
		c.Algorithm, _ = ParseAlgorithm(p.value)
		return seenAlgorithm, nil
	case p.is("opaque"):
		c.Opaque = p.value
		return seenOpaque, nil
	case p.is("cnonce"):
		c.CNonce = p.value
		return seenCNonce, nil
	case p.is("nc"):
		c.NC = p.value
		return seenNC, nil
	case p.is("qop"):
		c.QOP = p.value
		return seenQOP, nil
	case p.is("userhash"):
		c.UserHash = strings.EqualFold(p.value, "true")
		return seenUserHash, nil
	}
	return 0, nil // auth-param: for extensions, ignored
}

func (c *Credentials) validate() error {
	switch {
	case strings.EqualFold(c.QOP, "auth"), strings.EqualFold(c.QOP, "auth-int"):
		if c.Count() == 0 { // starts at 1
			return fmt.Errorf("%w: nc is not a hexadecimal count", ErrMalformed)
		}
		if c.CNonce == "" {
			return fmt.Errorf("%w: qop without cnonce", ErrMalformed)
		}
	case c.QOP != "":
		return fmt.Errorf("%w: qop %q", ErrMalformed, c.QOP)
	}
	return nil
}

// decodeExtended reads the charset'language'value notation of RFC 5987, of which UTF-8 is the only charset allowed here.
func decodeExtended(s string) (string, error) {
	charset, rest, ok1 := strings.Cut(s, "'")
	_, escaped, ok2 := strings.Cut(rest, "'")
	if !ok1 || !ok2 || !strings.EqualFold(charset, "UTF-8") {
		return "", fmt.Errorf("%w: username* is not UTF-8''name", ErrMalformed)
	}
	name, err := url.PathUnescape(escaped)
	if err != nil {
		return "", fmt.Errorf("%w: username*: %w", ErrMalformed, err)
	}
	return name, nil
}

// Count returns the nonce count as a number, 0 when there is none. Fewer than the eight digits that should be there are taken too: the
// digest covers them as they were sent.
func (c *Credentials) Count() uint32 {
	n, err := strconv.ParseUint(c.NC, 16, 32)
	if err != nil {
		return 0
	}
	return uint32(n)
}

// String returns the header field's value. What RFC 7616 §3.4 wants quoted is quoted, and algorithm, qop, nc and userhash are not.
func (c *Credentials) String() string {
	var w builder
	w.quoted("username", c.Username)
	w.quoted("realm", c.Realm)
	w.quoted("nonce", c.Nonce)
	w.quoted("uri", c.URI)
	w.quoted("response", c.Response)
	if c.Algorithm != Unknown {
		w.raw("algorithm", c.Algorithm.String())
	}
	if c.Opaque != "" {
		w.quoted("opaque", c.Opaque)
	}
	if c.CNonce != "" {
		w.quoted("cnonce", c.CNonce)
	}
	if c.QOP != "" {
		w.raw("qop", c.QOP)
		w.raw("nc", c.NC)
	}
	if c.UserHash {
		w.raw("userhash", "true")
	}
	return w.String()
}
