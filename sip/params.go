package sip

import (
	"iter"
	"strings"
)

// Params are the parameters after a URI, an address or a Via, as they stand: ";a=b;c". Names are compared without regard to case.
// Params of a header field hold no escapes; those of a URI do, see [URI.Param].
type Params string

// next cuts the first parameter off p, which begins with a semicolon or is empty. White space around name and value is not theirs.
func (p Params) next() (name, value string, hasValue bool, rest Params) {
	s := string(p)
	if len(s) > 0 && s[0] == ';' {
		s = s[1:]
	}
	equals, end := -1, len(s)
scan:
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case ';':
			end = i
			break scan
		case '=':
			if equals < 0 {
				equals = i
			}
		case '"':
			n := quotedEnd(s[i:])
			if n < 0 {
				break scan
			}
			i += n - 1
		}
	}
	rest = Params(s[end:])
	if equals < 0 {
		return trim(s[:end]), "", false, rest
	}
	return trim(s[:equals]), trim(s[equals+1 : end]), true, rest
}

// Get returns the value of a parameter, without its quotes if it has some. ok is false when there is no such parameter; one without a
// value has the value "".
func (p Params) Get(name string) (value string, ok bool) {
	for rest := p; rest != ""; {
		var n, v string
		n, v, _, rest = rest.next()
		if equalFold(n, name) {
			return unquote(v), true
		}
	}
	return "", false
}

// Has reports whether there is a parameter of this name.
func (p Params) Has(name string) bool {
	_, ok := p.Get(name)
	return ok
}

// All yields name and value of every parameter in order, values without their quotes. Empty parameters are left out.
func (p Params) All() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for rest := p; rest != ""; {
			var n, v string
			n, v, _, rest = rest.next()
			if n != "" && !yield(n, unquote(v)) {
				return
			}
		}
	}
}

// With returns the parameters with this one set: in the place of the first of that name, else at the end. An empty value writes the
// name alone. A value that is neither a token nor a host is written as a quoted-string.
func (p Params) With(name, value string) Params {
	param := make([]byte, 0, len(name)+len(value)+4)
	param = append(append(param, ';'), name...)
	if value != "" {
		param = append(param, '=')
		if all(value, tokenChar|hostChar) || isAddrText(value) {
			param = append(param, value...)
		} else {
			param = appendQuoted(param, oneLine(value))
		}
	}
	return p.replace(name, view(param))
}

// Without returns the parameters without those of this name.
func (p Params) Without(name string) Params {
	if !p.Has(name) {
		return p
	}
	return p.replace(name, "")
}

// replace puts text, a whole parameter with its semicolon, in the place of the first parameter of that name and drops the others. Without
// one it goes to the end. Every other parameter stays as it is written.
func (p Params) replace(name, text string) Params {
	out := make([]byte, 0, len(p)+len(text))
	for rest := p; rest != ""; {
		before := rest
		var n string
		n, _, _, rest = rest.next()
		if !equalFold(n, name) {
			out = append(out, before[:len(before)-len(rest)]...)
			continue
		}
		out = append(out, text...)
		text = ""
	}
	out = append(out, text...)
	return Params(view(out))
}

// valid reports whether every parameter has a name and every quote closes. RFC 4475 §3.1.2.1 wants empty parameters refused.
func (p Params) valid() bool {
	for rest := p; rest != ""; {
		if rest[0] != ';' {
			return false
		}
		var n, v string
		var hasValue bool
		n, v, hasValue, rest = rest.next()
		switch {
		case n == "" || hasSpace(n) || strings.IndexByte(n, '"') >= 0:
			return false
		case hasValue && v == "":
			return false
		case v != "" && v[0] == '"':
			if quotedEnd(v) != len(v) {
				return false
			}
		case hasSpace(v):
			return false
		}
	}
	return true
}

// isAddrText reports whether s consists of what numeric hosts are written with, as the value of received is (RFC 5118 §4.5).
func isAddrText(s string) bool {
	for i := range len(s) {
		if class[s[i]]&(hexChar|hostChar) == 0 && s[i] != ':' && s[i] != '[' && s[i] != ']' {
			return false
		}
	}
	return true
}
