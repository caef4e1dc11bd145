package sip

import (
	"iter"
	"strings"
)

// Params are the parameters after a URI, an address or a Via, as they stand: ";a=b;c". Names are compared without regard to case.
// Params of a header field hold no escapes; those of a URI do, see [URI.Param].
type Params string

// next cuts the first parameter off p, which begins with a semicolon or is empty. White space around name and value is not theirs.
func (p Params) next() (name, value string, rest Params) {
	s := string(p)
	i := 0
	if len(s) > 0 && s[0] == ';' {
		i = 1
	}
	start := i
	for i < len(s) && s[i] != ';' && s[i] != '=' {
		i++
	}
	name = trim(s[start:i])
	if i == len(s) || s[i] == ';' {
		return name, "", Params(s[i:])
	}
	s = trimLeft(s[i+1:])
	end := 0
	if s != "" && s[0] == '"' {
		if end = quotedEnd(s); end < 0 {
			return name, s, ""
		}
	}
	if n := strings.IndexByte(s[end:], ';'); n >= 0 {
		end += n
	} else {
		end = len(s)
	}
	return name, trimRight(s[:end]), Params(s[end:])
}

// check reports whether every parameter has a name that is a token and, after an equals sign, a value, a quoted one with its closing
// quote. RFC 4475 §3.1.2.1 wants empty parameters refused. The value of the parameter called want is found in passing; it is not unquoted.
func (p Params) check(want string) (value string, ok bool) {
	for s := string(p); s != ""; {
		if s[0] != ';' {
			return "", false
		}
		s = trimLeft(s[1:])
		n := span(s, tokenChar)
		if n == 0 {
			return "", false
		}
		name := s[:n]
		if s = trimLeft(s[n:]); s == "" || s[0] != '=' {
			continue
		}
		s = trimLeft(s[1:])
		if n = span(s, valueChar); n == 0 {
			if s == "" || s[0] != '"' {
				return "", false
			}
			if n = quotedEnd(s); n < 0 {
				return "", false
			}
		}
		if value == "" && equalFold(name, want) {
			value = s[:n]
		}
		s = trimLeft(s[n:])
	}
	return value, true
}

// Get returns the value of a parameter, without its quotes if it has some. ok is false when there is no such parameter; one without a
// value has the value "".
func (p Params) Get(name string) (value string, ok bool) {
	for rest := p; rest != ""; {
		var n, v string
		n, v, rest = rest.next()
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
			n, v, rest = rest.next()
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
		n, _, rest = rest.next()
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

// cutParams parts a value at its first semicolon into what stands before the parameters, trimmed, and the parameters. ok is false when
// these are malformed.
func cutParams(s string) (head string, params Params, ok bool) {
	s = trim(s)
	if semi := strings.IndexByte(s, ';'); semi >= 0 {
		s, params = trimRight(s[:semi]), Params(s[semi:])
	}
	_, ok = params.check("")
	return s, params, ok
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
