package ng

import (
	"maps"
	"slices"
	"strconv"
)

// dict is a dictionary of bencode. Its values are string, int64, []any and dict.
type dict map[string]any

// appendValue writes a value in bencode, keys in their order as its rules want.
func appendValue(b []byte, v any) []byte {
	switch v := v.(type) {
	case string:
		b = strconv.AppendInt(b, int64(len(v)), 10)
		b = append(b, ':')
		b = append(b, v...)
	case int64:
		b = append(b, 'i')
		b = strconv.AppendInt(b, v, 10)
		b = append(b, 'e')
	case []any:
		b = append(b, 'l')
		for _, item := range v {
			b = appendValue(b, item)
		}
		b = append(b, 'e')
	case dict:
		b = append(b, 'd')
		for _, key := range slices.Sorted(maps.Keys(v)) {
			b = appendValue(appendValue(b, key), v[key])
		}
		b = append(b, 'e')
	}
	return b
}

// maxDepth is how deep lists and dictionaries may lie in each other; those of statistics lie eight deep.
const maxDepth = 32

// parseValue reads one value and returns what follows it.
func parseValue(b []byte, depth int) (v any, rest []byte, err error) {
	if len(b) == 0 || depth > maxDepth {
		return nil, nil, ErrProtocol
	}
	switch c := b[0]; {
	case c == 'i':
		return parseInt(b[1:], 'e')
	case c == 'l':
		return parseList(b[1:], depth)
	case c == 'd':
		return parseDict(b[1:], depth)
	case c >= '0' && c <= '9':
		return parseString(b)
	}
	return nil, nil, ErrProtocol
}

func parseInt(b []byte, end byte) (any, []byte, error) {
	i := slices.Index(b, end)
	if i < 0 || i > 20 {
		return nil, nil, ErrProtocol
	}
	n, err := strconv.ParseInt(string(b[:i]), 10, 64)
	if err != nil {
		return nil, nil, ErrProtocol
	}
	return n, b[i+1:], nil
}

func parseString(b []byte) (any, []byte, error) {
	v, rest, err := parseInt(b, ':')
	n, _ := v.(int64)
	if err != nil || n < 0 || n > int64(len(rest)) {
		return nil, nil, ErrProtocol
	}
	return string(rest[:n]), rest[n:], nil
}

func parseList(b []byte, depth int) (any, []byte, error) {
	list := []any{}
	for len(b) > 0 && b[0] != 'e' {
		v, rest, err := parseValue(b, depth+1)
		if err != nil {
			return nil, nil, err
		}
		list, b = append(list, v), rest
	}
	if len(b) == 0 {
		return nil, nil, ErrProtocol
	}
	return list, b[1:], nil
}

func parseDict(b []byte, depth int) (any, []byte, error) {
	d := dict{}
	for len(b) > 0 && b[0] != 'e' {
		key, rest, err := parseValue(b, depth+1)
		if err != nil {
			return nil, nil, err
		}
		name, ok := key.(string)
		if !ok {
			return nil, nil, ErrProtocol
		}
		if d[name], b, err = parseValue(rest, depth+1); err != nil {
			return nil, nil, err
		}
	}
	if len(b) == 0 {
		return nil, nil, ErrProtocol
	}
	return d, b[1:], nil
}

// text, number, list and inner return a value of the dictionary if it is of that kind.
func (d dict) text(key string) string  { s, _ := d[key].(string); return s }
func (d dict) number(key string) int64 { n, _ := d[key].(int64); return n }
func (d dict) list(key string) []any   { l, _ := d[key].([]any); return l }
func (d dict) inner(key string) dict   { i, _ := d[key].(dict); return i }
