package sip

import (
	"fmt"
	"strings"
)

// Address is the value of From, To, Contact, Route and their like: a name-addr or an addr-spec with parameters (RFC 3261 §20.10).
type Address struct {
	Name      string // the display name without quotes, "" when there is none
	URI       URI
	Params    Params // of the header field; those of the URI are in URI.Params
	Star      bool   // the Contact "*" of a REGISTER that removes all bindings; the rest is empty
	Bracketed bool   // the URI stands in angle brackets
	URIText   string // the URI as written
}

// ParseAddress reads one address. Without angle brackets whatever follows the first semicolon belongs to the header field, not to the
// URI, and a comma or a question mark is an error (RFC 3261 §20, RFC 8217 §3). Errors wrap ErrMalformed.
func ParseAddress(s string) (Address, error) {
	var a Address
	problem := a.split(trim(s))
	if problem == "" && !a.Star {
		problem = a.URI.parse(a.URIText)
	}
	if problem != "" {
		return Address{}, fmt.Errorf("%w address %q: %s", ErrMalformed, s, problem)
	}
	a.Name = unquote(a.Name)
	return a, nil
}

// split finds the parts of s, a trimmed value, without parsing the URI or taking the quotes off the name. It returns what is wrong, or "".
func (a *Address) split(s string) (problem string) {
	a.Name, a.URIText, a.Params, a.Star, a.Bracketed = "", "", "", false, false
	if s == "*" {
		a.Star = true
		return ""
	}
	var rest string
	open, problem := bracket(s)
	if problem != "" {
		return problem
	}
	if open < 0 {
		a.URIText = s
		if semi := strings.IndexByte(s, ';'); semi >= 0 {
			a.URIText, rest = trim(s[:semi]), s[semi:]
		}
		if strings.IndexByte(a.URIText, '?') >= 0 || strings.IndexByte(a.URIText, ',') >= 0 {
			return "the URI needs angle brackets"
		}
	} else {
		a.Bracketed = true
		a.Name = trim(s[:open])
		end := strings.IndexByte(s[open:], '>')
		if end < 0 {
			return "angle bracket not closed"
		}
		a.URIText, rest = s[open+1:open+end], trimLeft(s[open+end+1:])
	}
	if strings.IndexByte(a.URIText, ':') <= 0 || strings.IndexByte(a.URIText, ' ') >= 0 {
		return "bad URI"
	}
	if _, ok := Params(rest).check(""); !ok {
		return "bad parameters"
	}
	a.Params = Params(rest)
	return ""
}

// bracket finds the angle bracket that opens the URI of a name-addr, or -1 for an addr-spec. The name before it is one quoted-string or
// tokens; a comma among the tokens would let one value pass for two (RFC 4475 §3.1.2.15).
func bracket(s string) (open int, problem string) {
	if s != "" && s[0] == '"' {
		n := quotedEnd(s)
		if n < 0 {
			return 0, "quote not closed"
		}
		for n < len(s) && isSpace(s[n]) {
			n++
		}
		if n == len(s) || s[n] != '<' {
			return 0, "no URI after the name"
		}
		return n, ""
	}
	for i := range len(s) {
		switch s[i] {
		case '<':
			return i, ""
		case ';':
			return -1, ""
		case ',':
			return 0, "comma outside quotes"
		case '"':
			return 0, "misplaced quote"
		}
	}
	return -1, ""
}

// Tag returns the tag parameter, "" when there is none (RFC 3261 §19.3).
func (a *Address) Tag() string {
	tag, _ := a.Params.Get("tag")
	return tag
}

// String writes the address. The URI stands in angle brackets if it came in some, after a name, and whenever
// it has a comma, semicolon or question mark (RFC 8217 §4).
func (a *Address) String() string {
	if a.Star {
		return "*"
	}
	uri := a.URI.String()
	var dst []byte
	if a.Name != "" {
		dst = append(appendQuoted(dst, oneLine(a.Name)), ' ')
	}
	if a.Bracketed || a.Name != "" || strings.ContainsAny(uri, ",;?") {
		dst = append(append(append(dst, '<'), uri...), '>')
	} else {
		dst = append(dst, uri...)
	}
	return view(append(dst, a.Params...))
}
