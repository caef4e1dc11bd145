package main

import (
	"fmt"
	"regexp"
	"strings"
)

// signature is rt.Function.Signature, read.
type signature struct {
	params  []param
	results []param
}

// param is a parameter or a result.
type param struct {
	name     string // "" for a result that has none
	typ      string // "" for the parameter options
	optional bool
}

// arrow separates parameters and results.
const arrow = "→"

var paramPattern = regexp.MustCompile(`^([a-z][a-z_]*|\.\.\.)(\??)(?:: *(.+))?$`)

// parseSignature reads "(key: string, ttl?: number) → value: any".
func parseSignature(text string) (signature, error) {
	var s signature
	head, tail, hasResults := strings.Cut(text, arrow)
	head = strings.TrimSpace(head)
	if !strings.HasPrefix(head, "(") || !strings.HasSuffix(head, ")") || strings.Contains(tail, arrow) {
		return s, fmt.Errorf("signature %q is not of the form (parameters) %s results", text, arrow)
	}
	for _, word := range splitTop(head[1 : len(head)-1]) {
		m := paramPattern.FindStringSubmatch(word)
		if m == nil || m[3] == "" && m[1] != "options" && m[1] != "..." {
			return s, fmt.Errorf("signature %q: %q is no parameter with its type", text, word)
		}
		s.params = append(s.params, param{name: m[1], optional: m[2] != "", typ: m[3]})
	}
	if !hasResults {
		return s, nil
	}
	for _, word := range splitTop(tail) {
		name, typ, named := strings.Cut(word, ": ")
		if !named || strings.ContainsAny(name, "(<{|") {
			name, typ = "", word
		}
		if typ == "" {
			return s, fmt.Errorf("signature %q: a result has no type", text)
		}
		s.results = append(s.results, param{name: name, typ: typ})
	}
	if len(s.results) == 0 {
		return s, fmt.Errorf("signature %q has an arrow and no results", text)
	}
	return s, nil
}

// splitTop splits at the commas that stand in no bracket.
func splitTop(text string) []string {
	var parts []string
	depth, start := 0, 0
	for i, r := range text {
		switch r {
		case '(', '<', '{', '[':
			depth++
		case ')', '>', '}', ']':
			depth--
		case ',':
			if depth == 0 {
				parts = append(parts, strings.TrimSpace(text[start:i]))
				start = i + 1
			}
		}
	}
	if last := strings.TrimSpace(text[start:]); last != "" {
		parts = append(parts, last)
	}
	return parts
}

// names are those of the parameters, as a function definition has them.
func (s signature) names() string {
	names := make([]string, len(s.params))
	for i, p := range s.params {
		names[i] = p.name
	}
	return strings.Join(names, ", ")
}
