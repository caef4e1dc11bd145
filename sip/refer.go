package sip

import (
	"fmt"
	"strings"
)

// ReferTo returns the Refer-To of a REFER. Without one the error wraps ErrMissing; with several, ErrMalformed: both are a 400 (RFC 3515
// §2.4.2).
func (m *Message) ReferTo() (*Address, error) { return m.onlyAddress(ReferTo) }

// ReferredBy returns the Referred-By (RFC 3892 §3). Without one the error wraps ErrMissing.
func (m *Message) ReferredBy() (*Address, error) { return m.onlyAddress(ReferredBy) }

// onlyAddress reads a header field that holds one address and may stand once.
func (m *Message) onlyAddress(n Name) (*Address, error) {
	value, ok := m.Value(n)
	switch {
	case !ok:
		return nil, missing(n)
	case m.Count(n) > 1:
		return nil, fmt.Errorf("%w %s: more than one", ErrMalformed, n)
	case comma(value) >= 0:
		return nil, fmt.Errorf("%w %s %q: more than one", ErrMalformed, n, value)
	}
	a, err := ParseAddress(value)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", n, err)
	}
	if a.Star {
		return nil, fmt.Errorf("%w %s: no URI", ErrMalformed, n)
	}
	return &a, nil
}

// Header returns a header field from behind the question mark of a URI with the escapes of its name and value decoded once, as the Replaces
// of a Refer-To (RFC 3891 §6). The first one of the name counts.
func (u *URI) Header(name string) (value string, ok bool) {
	for rest := u.Headers; rest != ""; {
		var pair string
		pair, rest, _ = strings.Cut(rest, "&")
		n, v, _ := strings.Cut(pair, "=")
		if n = unescape(n); equalFold(n, name) || LookupName(n) != Other && LookupName(n) == LookupName(name) {
			return unescape(v), true
		}
	}
	return "", false
}
