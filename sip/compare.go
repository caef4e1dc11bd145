package sip

import "strings"

// Equal reports whether two URIs are equivalent by RFC 3261 §19.1.4, with hosts compared as RFC 5954 §4.2 says, and tel URIs by RFC 3966
// §4. URIs of a scheme unknown here are equal when they are the same text but for the case of the scheme.
func (u *URI) Equal(v *URI) bool {
	if !equalFold(u.Scheme, v.Scheme) {
		return false
	}
	switch {
	case u.Scheme == "tel":
		return equalTel(u, v)
	case !u.IsSIP():
		return u.Opaque == v.Opaque && u.Params == v.Params
	}
	return equalEscaped(u.User, v.User, false) &&
		equalEscaped(u.Password, v.Password, false) &&
		u.Port == v.Port &&
		equalHost(u.Host, v.Host) &&
		includesParams(u, v) && includesParams(v, u) &&
		equalHeaders(u.Headers, v.Headers)
}

// includesParams reports whether nothing in u's parameters makes it differ from v: those that both have must match, and user, ttl,
// method, maddr and transport never match their own absence, not even at their default value (§19.1.4).
func includesParams(u, v *URI) bool {
	for rest := u.Params; rest != ""; {
		var name string
		name, _, rest = rest.next()
		name = unescape(name)
		value, _ := u.rawParam(name) // the first of a name that comes twice, as on the other side
		other, ok := v.rawParam(name)
		if !ok {
			if name != "" && alwaysCompared(name) {
				return false
			}
			continue
		}
		if !equalEscaped(value, other, true) {
			return false
		}
	}
	return true
}

func alwaysCompared(name string) bool {
	switch lowerText(name) {
	case "user", "ttl", "method", "maddr", "transport":
		return true
	}
	return false
}

// rawParam is Param without decoding the value.
func (u *URI) rawParam(name string) (value string, ok bool) {
	for rest := u.Params; rest != ""; {
		var n, v string
		n, v, rest = rest.next()
		if equalFold(unescape(n), name) {
			return v, true
		}
	}
	return "", false
}

// equalHeaders compares the header parts of two URIs: they never match an absent one, and their order does not matter (§19.1.4). Values
// are compared as text without regard to case, as most header fields are (§7.3.1); the rules of single ones are not applied.
func equalHeaders(a, b string) bool {
	if a == b {
		return true
	}
	x, y := strings.Split(a, "&"), strings.Split(b, "&")
	if len(x) != len(y) {
		return false
	}
	taken := make([]bool, len(y))
next:
	for _, field := range x {
		for i, other := range y {
			if !taken[i] && equalHeader(field, other) {
				taken[i] = true
				continue next
			}
		}
		return false
	}
	return true
}

func equalHeader(a, b string) bool {
	name, value, _ := strings.Cut(a, "=")
	other, otherValue, _ := strings.Cut(b, "=")
	return equalEscaped(name, other, true) && equalEscaped(value, otherValue, true)
}

// equalTel compares two tel URIs by RFC 3966 §4: numbers without their visual separators, so that a global one never equals a local one,
// and parameters in any order, each of which must be in both.
func equalTel(u, v *URI) bool {
	return telDigits(u.Opaque) == telDigits(v.Opaque) && includesTelParams(u, v) && includesTelParams(v, u)
}

// includesTelParams reports whether every parameter of u is in v with the same value. Extensions and phone contexts that are numbers are
// compared without visual separators too.
func includesTelParams(u, v *URI) bool {
	for rest := u.Params; rest != ""; {
		var name string
		name, _, rest = rest.next()
		name = unescape(name)
		value, _ := u.rawParam(name)
		other, ok := v.rawParam(name)
		if !ok {
			return false
		}
		if equalFold(name, "ext") || equalFold(name, "phone-context") && strings.HasPrefix(value, "+") {
			value, other = telDigits(value), telDigits(other)
		}
		if !equalEscaped(value, other, true) {
			return false
		}
	}
	return true
}
