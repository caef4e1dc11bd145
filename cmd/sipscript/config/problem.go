package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Place is where something was said: a line of the file, or (Line 0) a flag.
type Place struct {
	File string
	Line int
}

// String is "file:line", or what File says alone.
func (p Place) String() string {
	if p.Line == 0 {
		return p.File
	}
	return p.File + ":" + strconv.Itoa(p.Line)
}

// Problem is one thing wrong with the config.
type Problem struct {
	Place   Place
	Message string
}

// Problems is everything wrong with the config, in the order of the file: an error whose text has one "file:line: message" a line.
type Problems []Problem

// Error lists the problems.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, problem := range p {
		lines[i] = problem.Place.String() + ": " + problem.Message
	}
	return strings.Join(lines, "\n")
}

func (p *Problems) add(at Place, format string, args ...any) {
	*p = append(*p, Problem{at, fmt.Sprintf(format, args...)})
}

// err is p in the order of its lines, or nil when nothing is wrong.
func (p Problems) err() error {
	if len(p) == 0 {
		return nil
	}
	slices.SortStableFunc(p, func(a, b Problem) int { return a.Place.Line - b.Place.Line })
	return p
}
