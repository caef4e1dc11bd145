package digest

import (
	"fmt"
	"strings"
)

// Challenge is the value of a WWW-Authenticate or Proxy-Authenticate header field (RFC 7616 §3.3), its quoted parameters unquoted and
// unescaped.
type Challenge struct {
	Realm     string
	Domain    string
	Nonce     string
	Opaque    string
	Algorithm Algorithm
	QOP       []string // in the order offered; nil from servers older than RFC 2617
	Stale     bool     // the nonce was too old, name and password were right
	UserHash  bool     // the client may send H(username:realm) for its name
	UTF8      bool     // charset=UTF-8
}

// ParseChallenge reads the value of a WWW-Authenticate or Proxy-Authenticate header field. It returns ErrScheme for another scheme than
// Digest and an error wrapping ErrMalformed for a broken one or one without realm or nonce.
func ParseChallenge(value string) (*Challenge, error) {
	c := &Challenge{}
	var realm, nonce bool
	for p, err := range parameters(value) {
		if err != nil {
			return nil, err
		}
		switch {
		case p.is("realm"):
			c.Realm, realm = p.value, true
		case p.is("domain"):
			c.Domain = p.value
		case p.is("nonce"):
			c.Nonce, nonce = p.value, true
		case p.is("opaque"):
			c.Opaque = p.value
		case p.is("algorithm"):
			c.Algorithm, _ = ParseAlgorithm(p.value)
		case p.is("qop"):
			c.QOP = strings.FieldsFunc(p.value, func(r rune) bool { return strings.ContainsRune(", \t", r) })
		case p.is("stale"):
			c.Stale = strings.EqualFold(p.value, "true")
		case p.is("userhash"):
			c.UserHash = strings.EqualFold(p.value, "true")
		case p.is("charset"):
			c.UTF8 = strings.EqualFold(p.value, "UTF-8")
		}
	}
	if !realm || !nonce {
		return nil, fmt.Errorf("%w: realm or nonce missing", ErrMalformed)
	}
	return c, nil
}

// String returns the header field's value.
func (c *Challenge) String() string {
	var w builder
	w.quoted("realm", c.Realm)
	if c.Domain != "" {
		w.quoted("domain", c.Domain)
	}
	w.quoted("nonce", c.Nonce)
	if c.Opaque != "" {
		w.quoted("opaque", c.Opaque)
	}
	if c.Algorithm != Unknown {
		w.raw("algorithm", c.Algorithm.String())
	}
	if len(c.QOP) > 0 {
		w.quoted("qop", strings.Join(c.QOP, ","))
	}
	if c.Stale {
		w.raw("stale", "true")
	}
	if c.UserHash {
		w.raw("userhash", "true")
	}
	if c.UTF8 {
		w.raw("charset", "UTF-8")
	}
	return w.String()
}
