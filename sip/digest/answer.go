package digest

import (
	"fmt"
	"slices"
	"strings"
)

// Request is what the client side of authentication needs to know beside the challenge.
type Request struct {
	Username string
	Password string
	HA1      string // used instead of Password when set; of the challenge's algorithm
	Method   string
	URI      string // the Request-URI
	Body     []byte // hashed only when the server offers nothing but auth-int
	CNonce   string // chosen by the client, not empty
	Count    uint32 // how many requests this one included were sent with the challenge's nonce; 0 counts as 1
}

// Answer returns the credentials that answer ch for r, or ErrUnsupported when its algorithm or every qop it offers is unknown.
func (ch *Challenge) Answer(r Request) (*Credentials, error) {
	if ch.Algorithm == Unknown {
		return nil, fmt.Errorf("%w: algorithm", ErrUnsupported)
	}
	qop, err := ch.chooseQOP()
	if err != nil {
		return nil, err
	}
	c := &Credentials{
		Username: r.Username, Realm: ch.Realm, Nonce: ch.Nonce, URI: r.URI, Algorithm: ch.Algorithm, Opaque: ch.Opaque, QOP: qop,
	}
	if qop != "" {
		c.NC = fmt.Sprintf("%08x", max(r.Count, 1))
	}
	if qop != "" || ch.Algorithm.Session() {
		c.CNonce = r.CNonce
	}
	ha1 := r.HA1
	if ha1 == "" {
		ha1 = HA1(ch.Algorithm, r.Username, ch.Realm, r.Password)
	}
	c.Response = c.Compute(ha1, r.Method, r.Body)
	if ch.UserHash { // after every other hash (RFC 7616 §3.4.4)
		c.Username, c.UserHash = UserHash(ch.Algorithm, r.Username, ch.Realm), true
	}
	return c, nil
}

// chooseQOP prefers auth to auth-int: a proxy on the way may change a body, and the answer would then be wrong.
func (ch *Challenge) chooseQOP() (string, error) {
	if len(ch.QOP) == 0 {
		return "", nil
	}
	for _, known := range []string{"auth", "auth-int"} {
		if slices.ContainsFunc(ch.QOP, func(q string) bool { return strings.EqualFold(q, known) }) {
			return known, nil
		}
	}
	return "", fmt.Errorf("%w: qop %s", ErrUnsupported, strings.Join(ch.QOP, ","))
}

// Choose returns the topmost of a response's challenges that Answer can answer (RFC 8760 §2.4), nil when there is none. What is not
// understood is passed over.
func Choose(values []string) *Challenge {
	for _, v := range values {
		ch, err := ParseChallenge(v)
		if err != nil || ch.Algorithm == Unknown {
			continue
		}
		if _, err := ch.chooseQOP(); err == nil {
			return ch
		}
	}
	return nil
}
