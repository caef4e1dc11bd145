package sip

import "strings"

// The characters of RFC 3261 §25.1, as bits of a class.
const (
	tokenChar uint8 = 1 << iota
	hostChar
	digitChar
	hexChar
	schemeChar
	unreservedChar
	uriChar   // what a URI may hold; wider than the grammar, see newClasses
	valueChar // what the unquoted value of a parameter may hold; wider than token and host
)

// class tells what each octet may be part of. It is a table, built once and never written again.
var class = newClasses()

func newClasses() (table [256]uint8) {
	mark := func(set string, bits uint8) {
		for i := range len(set) {
			table[set[i]] |= bits
		}
	}
	const digits = "0123456789"
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	mark(digits+letters, tokenChar|hostChar|schemeChar|unreservedChar)
	mark(digits, digitChar|hexChar)
	mark("abcdefABCDEF", hexChar)
	mark("-.!%*_+`'~", tokenChar)
	mark("-._", hostChar) // the underscore is no host name's, yet host names have it
	mark("+-.", schemeChar)
	mark("-_.!~*'()", unreservedChar)
	// Phones send # and the like unescaped in what was dialled, and the octets of UTF-8 names. What is refused is what would end the URI
	// or the parameter: white space and controls, quotes, angle brackets.
	for c := 0x21; c < 0x100; c++ {
		if c != 0x7f && strings.IndexByte(`"<>`, byte(c)) < 0 {
			table[c] |= uriChar
		}
		if c != 0x7f && strings.IndexByte(`"<>;,`, byte(c)) < 0 {
			table[c] |= valueChar
		}
	}
	return table
}

// IsToken reports whether s is a token of RFC 3261 §25.1, as a method, a header name or a tag must be.
func IsToken(s string) bool { return s != "" && all(s, tokenChar) }

// all reports whether every octet of s is of one of the classes.
func all(s string, bits uint8) bool { return span(s, bits) == len(s) }

// span returns how many octets at the beginning of s are of one of the classes.
func span(s string, bits uint8) int {
	for i := range len(s) {
		if class[s[i]]&bits == 0 {
			return i
		}
	}
	return len(s)
}

// equalFold compares two strings as the grammar compares literals: without regard to the case of ASCII letters, and of nothing else.
func equalFold(a, b string) bool { return len(a) == len(b) && sameFold(a, b) }

// sameFold is equalFold for strings of one length.
func sameFold(a, b string) bool {
	for i := range len(a) {
		x, y := a[i], b[i]
		if x == y {
			continue
		}
		if x^y != 0x20 || x|0x20 < 'a' || x|0x20 > 'z' {
			return false
		}
	}
	return true
}

// hasPrefixFold is strings.HasPrefix without regard to case.
func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && equalFold(s[:len(prefix)], prefix)
}

func isSpace(c byte) bool { return c <= ' ' && (c == ' ' || c == '\t' || c == '\r' || c == '\n') }

// trim removes linear white space from both ends.
func trim(s string) string {
	if s == "" || s[0] > ' ' && s[len(s)-1] > ' ' {
		return s
	}
	return trimRight(trimLeft(s))
}

func trimLeft(s string) string {
	for len(s) > 0 && isSpace(s[0]) {
		s = s[1:]
	}
	return s
}

func trimRight(s string) string {
	for len(s) > 0 && isSpace(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	return s
}

// hasSpace reports whether s has white space or a control character anywhere.
func hasSpace(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] == 0x7f {
			return true
		}
	}
	return false
}

// quotedEnd returns the index after the quoted-string that s begins with, or -1 when its closing quote is missing. A backslash takes
// the octet after it, a quote too (RFC 3261 §25.1).
func quotedEnd(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			return i + 1
		case '\\':
			i++
		}
	}
	return -1
}

// unquote returns the text of a quoted-string, and any other s as it is.
func unquote(s string) string {
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return s
	}
	return unescapeQuoted(s[1 : len(s)-1])
}

// unescapeQuoted takes away the backslashes of quoted-pairs.
func unescapeQuoted(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		out = append(out, s[i])
	}
	return view(out)
}

// appendQuoted writes s as a quoted-string.
func appendQuoted(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for i := range len(s) {
		if s[i] == '"' || s[i] == '\\' {
			dst = append(dst, '\\')
		}
		dst = append(dst, s[i])
	}
	return append(dst, '"')
}

// comma returns the index of the first comma of s that separates list elements, or -1: one inside quotes or angle brackets does not
// (RFC 3261 §7.3.1). A quote or bracket that never closes takes the rest of the value with it.
func comma(s string) int {
	if strings.IndexByte(s, ',') < 0 {
		return -1
	}
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case ',':
			return i
		case '"':
			n := quotedEnd(s[i:])
			if n < 0 {
				return -1
			}
			i += n - 1
		case '<':
			n := strings.IndexByte(s[i:], '>')
			if n < 0 {
				return -1
			}
			i += n
		}
	}
	return -1
}

// element finds the first list element of s at from or behind it that is not empty: s[start:end], without the white space around it. next
// is where to go on, and start is -1 when there is none.
func element(s string, from int) (start, end, next int) {
	for next = from; next < len(s); {
		start, end = next, len(s)
		next = len(s)
		if i := comma(s[start:]); i >= 0 {
			end = start + i
			next = end + 1
		}
		for start < end && isSpace(s[start]) {
			start++
		}
		for end > start && isSpace(s[end-1]) {
			end--
		}
		if start < end {
			return start, end, next
		}
	}
	return -1, -1, len(s)
}

// unfold replaces each fold of a header field value, with the white space around it, by one space (RFC 3261 §7.3.1).
func unfold(s string) string {
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '\r' && s[i] != '\n' {
			out = append(out, s[i])
			continue
		}
		for len(out) > 0 && (out[len(out)-1] == ' ' || out[len(out)-1] == '\t') {
			out = out[:len(out)-1]
		}
		for i+1 < len(s) && isSpace(s[i+1]) {
			i++
		}
		out = append(out, ' ')
	}
	return view(out)
}

// oneLine makes s safe as a part of one header line: an edit must never be able to add a header field or end the header section.
func oneLine(s string) string {
	if strings.IndexByte(s, '\n') < 0 && strings.IndexByte(s, '\r') < 0 {
		return s
	}
	return trim(unfold(s))
}

// parseUint reads 1*DIGIT no greater than limit.
func parseUint(s string, limit uint64) (uint64, bool) {
	if s == "" {
		return 0, false
	}
	var n uint64
	for i := range len(s) {
		d := s[i] - '0'
		if d > 9 {
			return 0, false
		}
		if n = n*10 + uint64(d); n > limit {
			return 0, false
		}
	}
	return n, true
}
