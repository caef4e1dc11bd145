package config

import (
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// section is a mapping of the file: its keys and the sections in it, in the order of the table.
type section struct {
	path    string // "limits.per_source"; "" for the file itself
	names   []string
	keys    map[string]key
	inner   map[string]*section
	written map[string]string // for the whole file: the path of every key by its own name, for suggestions
}

// newSection arranges the table by sections.
func newSection(all []key) *section {
	root := &section{written: make(map[string]string)}
	for _, k := range all {
		names := strings.Split(k.path, ".")
		last := names[len(names)-1]
		root.written[last] = k.path
		s := root
		for _, name := range names[:len(names)-1] {
			s = s.open(name)
		}
		s.add(last)
		if s.keys == nil {
			s.keys = make(map[string]key)
		}
		s.keys[last] = k
	}
	return root
}

func (s *section) add(name string) {
	if !slices.Contains(s.names, name) {
		s.names = append(s.names, name)
	}
}

func (s *section) open(name string) *section {
	s.add(name)
	if s.inner == nil {
		s.inner = make(map[string]*section)
	}
	if s.inner[name] == nil {
		s.inner[name] = &section{path: join(s.path, name), written: s.written}
	}
	return s.inner[name]
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// section reads the mapping n as s.
func (r *reader) section(n ast.Node, s *section) {
	if isNull(n) {
		return // "limits:" with everything under it commented out
	}
	all, ok := pairs(n)
	if !ok {
		where := "the file"
		if s.path != "" {
			where = s.path
		}
		r.problem(n, "%s: want keys and values, got %s", where, describe(n))
		return
	}
	for _, pair := range all {
		name := pair.Key.GetToken().Value
		path := join(s.path, name)
		if inner, ok := s.inner[name]; ok {
			r.section(pair.Value, inner)
			continue
		}
		k, ok := s.keys[name]
		if !ok {
			r.problem(pair.Key, "unknown key %s%s", path, s.suggestion(name))
			continue
		}
		r.places[path] = r.place(pair.Key)
		if isNull(pair.Value) {
			continue // a key without a value keeps its default
		}
		k.value.read(r, pair.Value, path)
	}
}

// suggestion is what was probably meant by the unknown name, "" if nothing comes close: a name of this section spelled otherwise, or a name that
// stands in another one.
func (s *section) suggestion(name string) string {
	if near := nearest(name, s.names); near != "" {
		return ", did you mean " + join(s.path, near) + "?"
	}
	if path, ok := s.written[name]; ok {
		return ", did you mean " + path + "?"
	}
	return ""
}

// nearest is the first of names with the fewest edits between it and name, or "" when more than a third of name would have to change.
func nearest(name string, names []string) string {
	best, fewest := "", max(1, len(name)/3)+1
	for _, candidate := range names {
		if d := distance(name, candidate); d < fewest {
			best, fewest = candidate, d
		}
	}
	return best
}

// distance is the number of edits (insertion, deletion, replacement, swap of neighbours) that make b of a: the restricted Damerau–Levenshtein
// distance.
func distance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			replace := rows[i-1][j-1]
			if a[i-1] != b[j-1] {
				replace++
			}
			rows[i][j] = min(replace, rows[i-1][j]+1, rows[i][j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
