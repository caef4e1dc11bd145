package config

import (
	"fmt"
	"math"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// value is how one key is read into its field, and how its field is shown.
type value struct {
	field any    // pointer to the field
	kind  string // for the reference: "seconds", "bytes", "list"
	read  func(r *reader, n ast.Node, path string)
	show  func() string
}

func (v value) elem() reflect.Value { return reflect.ValueOf(v.field).Elem() }

// equal reports whether both fields, of the same key in two configs, say the same.
func (v value) equal(other value) bool {
	return reflect.DeepEqual(v.elem().Interface(), other.elem().Interface())
}

// take copies other's field here.
func (v value) take(other value) { v.elem().Set(other.elem()) }

// count is a whole number of unit from least to most.
func count(field *int, unit string, least, most int) value {
	kind := "number"
	if unit != "" {
		kind = unit
	}
	read := func(r *reader, n ast.Node, path string) {
		number, ok := number(n)
		if !ok || number != math.Trunc(number) {
			r.problem(n, "%s: want a whole number, got %s", path, describe(n))
			return
		}
		if number < float64(least) || number > float64(most) {
			r.problem(n, "%s: want %d to %d, got %s", path, least, most, n.GetToken().Value)
			return
		}
		*field = int(number)
	}
	return value{field, kind, read, func() string { return strconv.Itoa(*field) }}
}

// seconds is a length of time from least to most.
func seconds(field *time.Duration, least, most time.Duration) value {
	read := func(r *reader, n ast.Node, path string) {
		number, ok := number(n)
		if !ok {
			r.problem(n, "%s: want seconds as a number, got %s", path, describe(n))
			return
		}
		if number < least.Seconds() || number > most.Seconds() {
			r.problem(n, "%s: want %s to %s seconds, got %s", path, showSeconds(least), showSeconds(most), n.GetToken().Value)
			return
		}
		*field = time.Duration(math.Round(number * float64(time.Second)))
	}
	return value{field, "seconds", read, func() string { return showSeconds(*field) }}
}

func showSeconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) }

// number is the value of a number that is one: neither infinite nor NaN.
func number(n ast.Node) (float64, bool) {
	switch n := n.(type) {
	case *ast.IntegerNode:
		switch v := n.Value.(type) {
		case int64:
			return float64(v), true
		case uint64:
			return float64(v), true
		}
	case *ast.FloatNode:
		return n.Value, true
	}
	return 0, false
}

// word is one of a few words.
func word(field *string, words ...string) value {
	read := func(r *reader, n ast.Node, path string) {
		text, ok := scalar(n)
		for _, w := range words {
			if ok && strings.EqualFold(text, w) {
				*field = w
				return
			}
		}
		r.problem(n, "%s: want one of %s, got %s", path, strings.Join(words, ", "), describe(n))
	}
	return value{field, "one of " + strings.Join(words, ", "), read, func() string { return *field }}
}

// text is any text on one line.
func text(field *string) value {
	read := func(r *reader, n ast.Node, path string) {
		line, ok := scalar(n)
		if !ok || strings.ContainsAny(line, "\r\n") {
			r.problem(n, "%s: want a text on one line", path)
			return
		}
		*field = line
	}
	return value{field, "text", read, func() string { return *field }}
}

// file is the path of a file; a relative one is relative to the config file, wherever the server is started.
func file(field *string) value {
	read := func(r *reader, n ast.Node, path string) { *field = r.path(n, path) }
	return value{field, "file", read, func() string { return *field }}
}

func (r *reader) path(n ast.Node, path string) string {
	text, ok := scalar(n)
	if !ok {
		r.problem(n, "%s: want the path of a file, got %s", path, describe(n))
		return ""
	}
	if text == "" || filepath.IsAbs(text) {
		return text
	}
	return filepath.Join(filepath.Dir(r.file), text)
}

// domains is a list of host names.
func domains(field *[]string) value {
	read := func(r *reader, n ast.Node, path string) {
		*field = nil
		for i, item := range r.list(n, path) {
			text, ok := scalar(item)
			if !ok || text == "" || strings.ContainsAny(text, " \t:/@;,<>\"") {
				r.problem(item, "%s: want a host name, got %s", element(path, i), describe(item))
				continue
			}
			*field = append(*field, text)
		}
	}
	return value{field, "list", read, func() string { return fmt.Sprint(*field) }}
}

// list is the elements of a list; a value that is none is a list of itself, so that `domains: example.org` works.
func (r *reader) list(n ast.Node, path string) []ast.Node {
	switch n := n.(type) {
	case *ast.SequenceNode:
		return n.Values
	case *ast.AliasNode, *ast.AnchorNode, *ast.TagNode:
		r.problem(n, "%s: want a list, got %s", path, describe(n))
		return nil
	}
	return []ast.Node{n}
}

// table is anything, under string keys.
func table(field *map[string]any) value {
	read := func(r *reader, n ast.Node, path string) {
		if _, ok := pairs(n); !ok {
			r.problem(n, "%s: want keys and values, got %s", path, describe(n))
			return
		}
		*field = r.plain(n, path).(map[string]any)
	}
	return value{field, "anything", read, func() string { return "{}" }}
}

// plain is n as JSON would have it: numbers are float64, as they are in Lua.
func (r *reader) plain(n ast.Node, path string) any {
	if all, ok := pairs(n); ok {
		m := make(map[string]any, len(all))
		for _, pair := range all {
			name := pair.Key.GetToken().Value
			m[name] = r.plain(pair.Value, join(path, name))
		}
		return m
	}
	switch n := n.(type) {
	case *ast.SequenceNode:
		all := make([]any, len(n.Values))
		for i, item := range n.Values {
			all[i] = r.plain(item, element(path, i))
		}
		return all
	case *ast.BoolNode:
		return n.Value
	case *ast.NullNode:
		return nil
	}
	if v, ok := number(n); ok {
		return v
	}
	if v, ok := scalar(n); ok {
		return v
	}
	r.problem(n, "%s: want text, a number, true or false, a list, or keys and values, got %s", path, describe(n))
	return nil
}
