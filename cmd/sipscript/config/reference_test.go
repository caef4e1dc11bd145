package config

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the reference in docs/configuration.md anew")

const (
	begin = "<!-- The table is generated: make docs-update -->\n"
	end   = "<!-- End of the table -->\n"
)

// reference is the table of all keys as docs/configuration.md has it.
func reference() string {
	var b strings.Builder
	b.WriteString("| key | kind | default | change | |\n|---|---|---|---|---|\n")
	for _, k := range keys(Default()) {
		fmt.Fprintf(&b, "| `%s` | %s | `%s` | %s | %s |\n", k.path, k.value.kind, k.value.show(), k.when, k.doc)
	}
	return strings.ReplaceAll(b.String(), "| `` |", "| none |")
}

func TestReferenceIsFresh(t *testing.T) {
	t.Parallel()
	path := filepath.Join("..", "..", "..", "docs", "configuration.md")
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(page), begin)
	old, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no %q … %q", path, begin, end)
	}
	if old == reference() {
		return
	}
	if !*update {
		t.Fatalf("%s is stale: make docs-update", path)
	}
	if err := os.WriteFile(path, []byte(before+begin+reference()+end+after), 0o600); err != nil {
		t.Fatal(err)
	}
}

// The example in the page must be a config somebody can start with.
func TestExampleOfTheReferenceLoads(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "configuration.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(page), "```yaml\n")
	example, _, ok2 := strings.Cut(rest, "```")
	if !ok || !ok2 {
		t.Fatal("the page has no example")
	}
	load(t, example)
}
