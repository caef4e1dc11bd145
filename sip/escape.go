package sip

import "strings"

const hexDigits = "0123456789ABCDEF"

// unescape decodes the %HH escapes of a URI component, each once: "%2541" is "%41" (RFC 3261 §19.1.2, RFC 4475 §3.1.1.3).
func unescape(s string) string {
	if strings.IndexByte(s, '%') < 0 {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if c, ok := escapeAt(s, i); ok {
			out = append(out, c)
			i += 2
			continue
		}
		out = append(out, s[i])
	}
	return view(out)
}

// escapeAt returns the octet that the escape at s[i] stands for.
func escapeAt(s string, i int) (c byte, ok bool) {
	if s[i] != '%' || i+2 >= len(s) || class[s[i+1]]&hexChar == 0 || class[s[i+2]]&hexChar == 0 {
		return 0, false
	}
	return hexValue(s[i+1])<<4 | hexValue(s[i+2]), true
}

func hexValue(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}

// validEscapes reports whether every % of s begins an escape.
func validEscapes(s string) bool {
	for i := strings.IndexByte(s, '%'); i >= 0 && i < len(s); i++ {
		if s[i] != '%' {
			continue
		}
		if _, ok := escapeAt(s, i); !ok {
			return false
		}
	}
	return true
}

// EscapeUser escapes what a user part cannot hold as it is, so that any text can be one (RFC 3261 §25.1). A text with escapes already in
// it gets its % escaped like any other character: escape once, when the URI is made.
func EscapeUser(s string) string {
	const reserved = "&=+$,;?/" // user-unreserved
	clean := true
	for i := range len(s) {
		if class[s[i]]&unreservedChar == 0 && strings.IndexByte(reserved, s[i]) < 0 {
			clean = false
			break
		}
	}
	if clean {
		return s
	}
	out := make([]byte, 0, len(s)+8)
	for i := range len(s) {
		c := s[i]
		if class[c]&unreservedChar != 0 || strings.IndexByte(reserved, c) >= 0 {
			out = append(out, c)
			continue
		}
		out = append(out, '%', hexDigits[c>>4], hexDigits[c&15])
	}
	return view(out)
}

// octet is one character of a URI component while it is compared: its value, and whether it stood escaped and is reserved, in which case
// it differs from the same character unescaped (RFC 3261 §19.1.4).
func octet(s string, i int) (c byte, protected bool, width int) {
	if c, ok := escapeAt(s, i); ok {
		return c, isReserved(c), 3
	}
	return s[i], false, 1
}

// isReserved reports whether c is in the "reserved" set of RFC 3261 §25.1.
func isReserved(c byte) bool { return strings.IndexByte(";/?:@&=+$,", c) >= 0 }

// equalEscaped compares two URI components by RFC 3261 §19.1.4: an escaped character equals the plain one unless it is reserved. With
// fold the case of letters does not matter.
func equalEscaped(a, b string, fold bool) bool {
	if a == b {
		return true
	}
	i, j := 0, 0
	for i < len(a) && j < len(b) {
		x, px, n := octet(a, i)
		y, py, m := octet(b, j)
		if fold {
			x, y = lower(x), lower(y)
		}
		if x != y || px != py {
			return false
		}
		i, j = i+n, j+m
	}
	return i == len(a) && j == len(b)
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c | 0x20
	}
	return c
}

// lowerText lowers ASCII letters and copies only when there are upper-case ones.
func lowerText(s string) string {
	for i := range len(s) {
		if 'A' <= s[i] && s[i] <= 'Z' {
			return strings.ToLower(s)
		}
	}
	return s
}

// EscapeHeader writes the value of a header field for the header component of a URI (RFC 3261 §25.1, hvalue): everything is escaped but
// letters, digits and marks.
func EscapeHeader(s string) string {
	const hex = "0123456789ABCDEF"
	b := make([]byte, 0, len(s)+16)
	for i := range len(s) {
		c := s[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-_.!~*'()", c) >= 0 {
			b = append(b, c)
			continue
		}
		b = append(b, '%', hex[c>>4], hex[c&15])
	}
	return string(b)
}
