package digest

import (
	"fmt"
	"iter"
	"strings"
)

const space = " \t\r\n"

// parameters yields the name and the unquoted value of each parameter of a Digest header value, in order. It stops with
// an error wrapping ErrMalformed, or with ErrScheme when the value is of another scheme.
//
// Space around "=" and empty list elements are let pass: both have been seen from phones, and neither can be misread.
func parameters(value string) iter.Seq2[parameter, error] {
	return func(yield func(parameter, error) bool) {
		value = strings.Trim(value, space)
		end := strings.IndexAny(value, space)
		if end < 0 || !strings.EqualFold(value[:end], "Digest") {
			yield(parameter{}, ErrScheme)
			return
		}
		rest := value[end:]
		for {
			rest = strings.TrimLeft(rest, space+",")
			if rest == "" {
				return
			}
			var p parameter
			var err error
			if p, rest, err = parseParameter(rest); err != nil {
				yield(parameter{}, err)
				return
			}
			if !yield(p, nil) {
				return
			}
		}
	}
}

type parameter struct {
	name, value string
}

func (p parameter) is(name string) bool { return strings.EqualFold(p.name, name) }

func parseParameter(s string) (p parameter, rest string, err error) {
	name, rest, found := strings.Cut(s, "=")
	name = strings.TrimRight(name, space)
	if !found || !isToken(name) {
		return p, "", fmt.Errorf("%w: expected name=value", ErrMalformed)
	}
	p.name = name
	rest = strings.TrimLeft(rest, space)
	if strings.HasPrefix(rest, `"`) {
		p.value, rest, err = unquote(rest)
		if err != nil {
			return p, "", fmt.Errorf("%w in %s", err, name)
		}
	} else {
		end := strings.IndexAny(rest, space+",")
		if end < 0 {
			end = len(rest)
		}
		p.value, rest = rest[:end], rest[end:]
	}
	rest = strings.TrimLeft(rest, space)
	if rest != "" && rest[0] != ',' {
		return p, "", fmt.Errorf("%w: no comma after %s", ErrMalformed, name)
	}
	return p, rest, nil
}

// unquote reads the quoted-string that s begins with (RFC 3261 §25.1). It allocates only when there is an escape in it.
func unquote(s string) (value, rest string, err error) {
	var b strings.Builder
	for i, from := 1, 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			if b.Len() == 0 {
				return s[from:i], s[i+1:], nil
			}
			b.WriteString(s[from:i])
			return b.String(), s[i+1:], nil
		case '\\':
			if i+1 == len(s) {
				return "", "", fmt.Errorf("%w: unfinished escape", ErrMalformed)
			}
			b.WriteString(s[from:i])
			b.WriteByte(s[i+1])
			i++
			from = i + 1
		}
	}
	return "", "", fmt.Errorf("%w: unfinished quoted string", ErrMalformed)
}

func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`"(),/:;<=>?@[\]{}`, c) >= 0 {
			return false
		}
	}
	return s != ""
}

// A builder writes a Digest header value.
type builder struct{ b []byte }

func (w *builder) raw(name, value string) {
	if w.b == nil {
		w.b = append(make([]byte, 0, 320), "Digest "...)
	} else {
		w.b = append(w.b, ", "...)
	}
	w.b = append(w.b, name...)
	w.b = append(w.b, '=')
	w.b = append(w.b, value...)
}

func (w *builder) quoted(name, value string) {
	w.raw(name, `"`)
	for i := range len(value) {
		switch c := value[i]; c {
		case '"', '\\':
			w.b = append(w.b, '\\', c)
		case '\r', '\n': // would end the header field; nothing a realm or name can mean by it
		default:
			w.b = append(w.b, c)
		}
	}
	w.b = append(w.b, '"')
}

func (w *builder) String() string { return string(w.b) }
