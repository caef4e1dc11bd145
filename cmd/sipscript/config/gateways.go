package config

import (
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/sipscript/sipscript/engine/proxy"
)

// credentials is a mapping of names to credentials. No message about it repeats a value: it could be a password.
func credentials(field *map[string]proxy.Credentials) value {
	read := func(r *reader, n ast.Node, path string) {
		all, ok := pairs(n)
		if !ok {
			r.problem(n, "%s: want names, each with `{username: …, password: …}`", path)
			return
		}
		*field = make(map[string]proxy.Credentials, len(all))
		for _, pair := range all {
			name := pair.Key.GetToken().Value
			var c proxy.Credentials
			if !r.secrets(pair.Value, join(path, name), map[string]*string{"username": &c.Username, "password": &c.Password}, "username", "password") {
				continue
			}
			if c.Username == "" {
				r.problem(pair.Value, "%s: username is empty", join(path, name))
				continue
			}
			(*field)[name] = c
		}
	}
	return value{field, "names", read, func() string { return "{}" }}
}

// secrets is texts, of which no message shows one.
func (r *reader) secrets(n ast.Node, path string, fields map[string]*string, required ...string) bool {
	if _, ok := pairs(n); !ok {
		r.problem(n, "%s: want `{username: …, password: …}`", path)
		return false
	}
	return r.mapping(n, path, fields, required, func(n ast.Node, path string) string {
		text, ok := scalar(n)
		if !ok {
			r.problem(n, "%s: want text", path)
		}
		return text
	})
}

// numbers is a list of telephone numbers as they are dialled.
func numbers(field *[]string) value {
	read := func(r *reader, n ast.Node, path string) {
		*field = nil
		for i, item := range r.list(n, path) {
			text, ok := scalar(item)
			if !ok || text == "" || strings.Trim(text, "+0123456789*#") != "" {
				r.problem(item, "%s: want a number as it is dialled, got %s", element(path, i), describe(item))
				continue
			}
			if !slices.Contains(*field, text) {
				*field = append(*field, text)
			}
		}
	}
	return value{field, "list", read, func() string { return "[]" }}
}
