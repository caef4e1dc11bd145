package config

import (
	"maps"
	"slices"

	"github.com/goccy/go-yaml/ast"
)

// reader walks the YAML tree of one file. It goes on after a problem, so that all of them come out at once.
type reader struct {
	file     string
	places   map[string]Place
	problems Problems
}

func (r *reader) place(n ast.Node) Place {
	return Place{r.file, n.GetToken().Position.Line}
}

func (r *reader) problem(n ast.Node, format string, args ...any) {
	r.problems.add(r.place(n), format, args...)
}

func isNull(n ast.Node) bool { return n.Type() == ast.NullType }

// pairs is the keys and values of a mapping.
func pairs(n ast.Node) ([]*ast.MappingValueNode, bool) {
	switch n := n.(type) {
	case *ast.MappingNode:
		return n.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}, true
	}
	return nil, false
}

// mapping reads a small mapping of texts with read, of which some are required, and reports whether it is one without a problem.
func (r *reader) mapping(n ast.Node, path string, fields map[string]*string, required []string, read func(n ast.Node, path string) string) bool {
	before := len(r.problems)
	all, ok := pairs(n)
	if !ok {
		r.problem(n, "%s: want keys and values, got %s", path, describe(n))
		return false
	}
	missing := slices.Clone(required)
	unknown := section{path: path, names: slices.Sorted(maps.Keys(fields))}
	for _, pair := range all {
		name := pair.Key.GetToken().Value
		missing = slices.DeleteFunc(missing, func(m string) bool { return m == name })
		field, ok := fields[name]
		if !ok {
			r.problem(pair.Key, "unknown key %s%s", join(path, name), unknown.suggestion(name))
			continue
		}
		*field = read(pair.Value, join(path, name))
	}
	for _, name := range missing {
		r.problem(n, "%s: %s is missing", path, name)
	}
	return len(r.problems) == before
}

// scalar is the text of a plain value as it stands in the file: `min_version: 1.2` and `min_version: "1.2"` are the same.
func scalar(n ast.Node) (text string, ok bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return n.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return n.GetToken().Value, true
	}
	return "", false
}

// describe says what a value is, for "want a number, got …".
func describe(n ast.Node) string {
	switch n := n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return "keys and values"
	case *ast.SequenceNode:
		return "a list"
	case *ast.NullNode:
		return "nothing"
	case *ast.AnchorNode:
		return "an anchor"
	case *ast.TagNode:
		return "a tag"
	case *ast.AliasNode:
		return "an alias"
	default:
		return `"` + n.GetToken().Value + `"`
	}
}
