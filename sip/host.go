package sip

import (
	"net/netip"
	"strings"
)

// splitHostPort reads "host[:port]" at the beginning of s, as URIs and the sent-by of a Via have it, up to the first octet that belongs
// to neither. A colon inside brackets is never a port's (RFC 5118 §4.3), and an IPv6 address outside brackets is no host (§4.2). With
// spaced, white space may stand around the colon, as in a Via.
func splitHostPort(s string, spaced bool) (host string, port uint16, rest string, ok bool) {
	n := 0
	if len(s) > 0 && s[0] == '[' {
		n = strings.IndexByte(s, ']') + 1
		if n == 0 {
			return "", 0, "", false
		}
		if _, ok := parseHost(s[:n]); !ok {
			return "", 0, "", false
		}
	} else {
		if n = span(s, hostChar); n == 0 {
			return "", 0, "", false
		}
	}
	host, rest = s[:n], s[n:]
	after := rest
	if spaced {
		after = trimLeft(after)
	}
	if after == "" || after[0] != ':' {
		return host, 0, rest, true
	}
	after = after[1:]
	if spaced {
		after = trimLeft(after)
	}
	digits := span(after, digitChar)
	p, ok := parseUint(after[:digits], 65535)
	if !ok || p == 0 {
		return "", 0, "", false
	}
	return host, uint16(p), after[digits:], true
}

// parseHost returns the address of a numeric host. IPv6 may stand in brackets or, as in a received parameter, without (RFC 5118 §4.5).
// The three colons that the grammar of RFC 3261 allowed by mistake are read as two (RFC 5954 §4.1).
func parseHost(host string) (netip.Addr, bool) {
	if len(host) < 2 {
		return netip.Addr{}, false
	}
	switch {
	case host[0] == '[' && host[len(host)-1] == ']':
		host = host[1 : len(host)-1]
		if strings.IndexByte(host, ':') < 0 || strings.IndexByte(host, '%') >= 0 {
			return netip.Addr{}, false
		}
	case class[host[0]]&digitChar == 0 && strings.IndexByte(host, ':') < 0:
		return netip.Addr{}, false // a name: do not make netip build an error
	case strings.IndexByte(host, '%') >= 0:
		return netip.Addr{}, false
	}
	if strings.IndexByte(host, ':') < 0 && !isDottedQuad(host) {
		return netip.Addr{}, false
	}
	addr, err := netip.ParseAddr(strings.Replace(host, ":::", "::", 1))
	return addr, err == nil
}

// isDottedQuad reports whether s has the shape of an IPv4 address: digits and three dots.
func isDottedQuad(s string) bool {
	dots := 0
	for i := range len(s) {
		if s[i] == '.' {
			dots++
		} else if class[s[i]]&digitChar == 0 {
			return false
		}
	}
	return dots == 3
}

// equalHost compares two hosts: addresses by their binary value, names without regard to case, and never an address with a name
// (RFC 3261 §19.1.4, RFC 5954 §4.2).
func equalHost(a, b string) bool {
	x, numeric := parseHost(a)
	y, other := parseHost(b)
	if numeric || other {
		return numeric && other && x == y
	}
	return equalFold(a, b)
}

// appendHost writes an address as a host: IPv6 in brackets.
func appendHost(dst []byte, addr netip.Addr) []byte {
	if addr.Is4() {
		return addr.AppendTo(dst)
	}
	return append(addr.AppendTo(append(dst, '[')), ']')
}
