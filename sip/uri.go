package sip

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// URI is a sip, sips or tel URI, or one of another scheme (RFC 3261 §19.1, RFC 3966). Its parts stand as they were written: escapes are
// decoded by the methods that give out a value, never in the fields, so that a URI passed on is the one that came.
type URI struct {
	Scheme   string // lower case for the schemes known here: "sip", "sips", "tel"
	User     string // escaped; "" when there is none
	Password string // escaped; deprecated by RFC 3261 §19.1.1, kept because it is part of the comparison
	Host     string // IPv6 in its brackets
	Port     uint16 // 0 when not given, which differs from the default port given (§19.1.4)
	Params   Params // ";transport=tcp;lr"
	Headers  string // what follows the question mark, without it
	Opaque   string // the number of a tel URI; of an unknown scheme all that follows the colon
}

// ParseURI reads a URI. One with a scheme unknown here is no error: it goes to Opaque whole, so that the core can answer 416. Errors wrap
// ErrMalformed.
func ParseURI(s string) (URI, error) {
	var u URI
	if problem := u.parse(s); problem != "" {
		return URI{}, fmt.Errorf("%w URI %q: %s", ErrMalformed, s, problem)
	}
	return u, nil
}

// parse fills u from s and returns what is wrong with s, or "".
func (u *URI) parse(s string) (problem string) {
	colon := strings.IndexByte(s, ':')
	if colon <= 0 {
		return "no scheme"
	}
	scheme, rest := s[:colon], s[colon+1:]
	switch {
	case scheme == "sip" || equalFold(scheme, "sip"):
		*u = URI{Scheme: "sip"}
		return u.parseSIP(rest)
	case equalFold(scheme, "sips"):
		*u = URI{Scheme: "sips"}
		return u.parseSIP(rest)
	case equalFold(scheme, "tel"):
		*u = URI{Scheme: "tel"}
		return u.parseTel(rest)
	}
	if !all(scheme, schemeChar) || class[scheme[0]]&digitChar != 0 {
		return "bad scheme"
	}
	if rest == "" || !all(rest, uriChar) {
		return "white space or delimiter"
	}
	*u = URI{Scheme: scheme, Opaque: rest}
	return ""
}

// parseSIP reads what follows "sip:" or "sips:".
func (u *URI) parseSIP(s string) (problem string) {
	if !validEscapes(s) {
		return "bad escape"
	}
	// An @ can stand unescaped nowhere but behind the user part, while the user part may hold ; ? and / as they are (RFC 4475 §3.1.1.2).
	if at := strings.IndexByte(s, '@'); at >= 0 {
		u.User, s = s[:at], s[at+1:]
		if !all(u.User, uriChar) {
			return "white space or delimiter in the user part"
		}
		if colon := strings.IndexByte(u.User, ':'); colon >= 0 {
			u.User, u.Password = u.User[:colon], u.User[colon+1:]
		}
		if u.User == "" {
			return "empty user"
		}
	}
	var ok bool
	if u.Host, u.Port, s, ok = splitHostPort(s, false); !ok {
		return "bad host or port"
	}
	if s == "" {
		return ""
	}
	if !all(s, uriChar) {
		return "white space or delimiter"
	}
	if q := strings.IndexByte(s, '?'); q >= 0 {
		s, u.Headers = s[:q], s[q+1:]
	}
	if s != "" && s[0] != ';' {
		return "bad character after the host"
	}
	u.Params = Params(s)
	return ""
}

// parseTel reads what follows "tel:" (RFC 3966 §3).
func (u *URI) parseTel(s string) (problem string) {
	if !all(s, uriChar) {
		return "white space or delimiter"
	}
	if semi := strings.IndexByte(s, ';'); semi >= 0 {
		s, u.Params = s[:semi], Params(s[semi:])
	}
	u.Opaque = s
	digits := 0
	for i := range len(s) {
		switch c := s[i]; {
		case class[c]&hexChar != 0 || c == '*' || c == '#':
			digits++
		case c == '+' && i == 0 || isVisualSeparator(c):
		default:
			return "bad telephone number"
		}
	}
	if digits == 0 {
		return "bad telephone number"
	}
	return ""
}

// isVisualSeparator reports whether c only helps humans to read a number (RFC 3966 §5.1.1).
func isVisualSeparator(c byte) bool { return c == '-' || c == '.' || c == '(' || c == ')' }

// String writes the URI.
func (u *URI) String() string { return view(u.AppendTo(nil)) }

// AppendTo writes the URI to dst.
func (u *URI) AppendTo(dst []byte) []byte {
	dst = append(append(dst, u.Scheme...), ':')
	if u.Opaque != "" {
		return append(append(dst, u.Opaque...), u.Params...)
	}
	if u.User != "" {
		dst = append(dst, u.User...)
		if u.Password != "" {
			dst = append(append(dst, ':'), u.Password...)
		}
		dst = append(dst, '@')
	}
	dst = append(dst, u.Host...)
	if u.Port != 0 {
		dst = strconv.AppendUint(append(dst, ':'), uint64(u.Port), 10)
	}
	dst = append(dst, u.Params...)
	if u.Headers != "" {
		dst = append(append(dst, '?'), u.Headers...)
	}
	return dst
}

// IsSIP reports whether the scheme is sip or sips, the ones this server routes by.
func (u *URI) IsSIP() bool { return u.Scheme == "sip" || u.Scheme == "sips" }

// IsSIPS reports whether the scheme is sips.
func (u *URI) IsSIPS() bool { return u.Scheme == "sips" }

// Addr returns the address of a numeric host. ok is false when the host is a name.
func (u *URI) Addr() (addr netip.Addr, ok bool) { return parseHost(u.Host) }

// Param returns the value of a URI parameter with the escapes of name and value decoded once: ";%6C%72" is lr (RFC 4475 §3.1.1.3).
func (u *URI) Param(name string) (value string, ok bool) {
	for rest := u.Params; rest != ""; {
		var n, v string
		n, v, rest = rest.next()
		if equalFold(n, name) || strings.IndexByte(n, '%') >= 0 && equalFold(unescape(n), name) {
			return unescape(v), true
		}
	}
	return "", false
}

// Transport returns the transport parameter. ok is false when there is none or it names a transport this server does not have.
func (u *URI) Transport() (t Transport, ok bool) {
	value, present := u.Param("transport")
	if !present {
		return 0, false
	}
	return ParseTransport(value)
}

// LooseRoute reports whether the URI has the lr parameter, with any value (RFC 3261 §19.1.1).
func (u *URI) LooseRoute() bool {
	_, ok := u.Param("lr")
	return ok
}

// AOR returns the key under which an address-of-record is stored: scheme:user@host with escapes decoded, parameters, password and port
// removed, the host in lower case (RFC 3261 §10.3 item 5). The key of a tel URI is its number without visual separators. The key is a
// key: a user part with an @ of its own stands in it decoded, so it cannot be parsed again.
func (u *URI) AOR() string {
	switch {
	case u.Scheme == "tel":
		return "tel:" + telDigits(u.Opaque)
	case u.Opaque != "":
		return lowerText(u.Scheme) + ":" + u.Opaque
	}
	host := lowerText(u.Host)
	if addr, ok := parseHost(host); ok {
		host = view(appendHost(nil, addr))
	}
	if u.User == "" {
		return u.Scheme + ":" + host
	}
	return u.Scheme + ":" + unescape(u.User) + "@" + host
}

// telDigits removes the visual separators of a telephone number and lowers its hexadecimal digits.
func telDigits(number string) string {
	out := make([]byte, 0, len(number))
	for i := range len(number) {
		if !isVisualSeparator(number[i]) {
			out = append(out, lower(number[i]))
		}
	}
	return view(out)
}
