//go:build integration && linux

package integration

import (
	"bufio"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// line is one line of a log: of a JSON line the fields, and of any the text.
type line struct {
	text   string
	fields map[string]any
}

func (l line) message() string { return l.string("msg") }

// troubling says that somebody has to look at it: a script, a config or the server is wrong.
func (l line) troubling() bool {
	level := l.string("level")
	return level == "warn" || level == "error"
}

func (l line) string(field string) string {
	s, _ := l.fields[field].(string)
	return s
}

// number returns a numeric field, -1 when there is none.
func (l line) number(field string) float64 {
	if n, ok := l.fields[field].(float64); ok {
		return n
	}
	return -1
}

func (l line) list(field string) (all []string) {
	values, _ := l.fields[field].([]any)
	for _, v := range values {
		if s, ok := v.(string); ok {
			all = append(all, s)
		}
	}
	return all
}

// logBook keeps what a process has logged.
type logBook struct {
	mu    sync.Mutex
	lines []line
	grown chan struct{} // closed and replaced with each line
}

func newLogBook() *logBook { return &logBook{grown: make(chan struct{})} }

// read takes lines until r ends.
func (b *logBook) read(r io.Reader) {
	in := bufio.NewScanner(r)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		l := line{text: in.Text()}
		_ = json.Unmarshal(in.Bytes(), &l.fields) // what is no JSON has only its text
		b.mu.Lock()
		b.lines = append(b.lines, l)
		close(b.grown)
		b.grown = make(chan struct{})
		b.mu.Unlock()
	}
}

// since returns the lines from the nth on, and a channel that is closed when there are more.
func (b *logBook) since(n int) ([]line, <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.lines[min(n, len(b.lines)):]), b.grown
}

func (b *logBook) len() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.lines)
}

// await returns the first line that matches, also of those that were there before.
func (b *logBook) await(t *testing.T, timeout time.Duration, what string, match func(line) bool) line {
	t.Helper()
	return b.awaitAfter(t, 0, timeout, what, match)
}

// awaitAfter leaves out the first n lines.
func (b *logBook) awaitAfter(t *testing.T, n int, timeout time.Duration, what string, match func(line) bool) line {
	t.Helper()
	deadline := time.After(timeout)
	for seen := n; ; {
		fresh, grown := b.since(seen)
		if i := slices.IndexFunc(fresh, match); i >= 0 {
			return fresh[i]
		}
		seen += len(fresh)
		select {
		case <-grown:
		case <-deadline:
			t.Fatalf("no %s in the log within %s; its end:\n%s", what, timeout, b.tail(20))
		}
	}
}

// matching returns all lines that match.
func (b *logBook) matching(match func(line) bool) []line {
	all, _ := b.since(0)
	return slices.DeleteFunc(all, func(l line) bool { return !match(l) })
}

// panics returns the lines that speak of a panic or a fatal error of the runtime.
func (b *logBook) panics() []line {
	return b.matching(func(l line) bool {
		return strings.Contains(l.text, "panic") || strings.Contains(l.text, "fatal error:")
	})
}

func (b *logBook) tail(n int) string {
	all, _ := b.since(0)
	var text strings.Builder
	for _, l := range all[max(0, len(all)-n):] {
		text.WriteString(l.text + "\n")
	}
	return text.String()
}
