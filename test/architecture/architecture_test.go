// Package architecture holds the design to what docs/architecture.md says: who imports whom, who starts goroutines, and that no package keeps
// state outside of values somebody owns.
package architecture

import (
	"maps"
	"path"
	"slices"
	"strings"
	"testing"
)

func TestImportsFollowTheTable(t *testing.T) {
	t.Parallel()
	for _, p := range load(t) {
		row, listed := table[p.folder]
		if !listed {
			t.Errorf("package %s is not in the table: give it a row in test/architecture/table_test.go, with what it may import", p.folder)
			continue
		}
		for _, imported := range p.imports {
			if !allowed(row, imported) {
				t.Errorf("%s imports %s, which its row does not allow", p.folder, imported)
			}
		}
	}
}

// allowed reports whether a package with this row may import imported, a folder of this module, a path of another one, or a standard package.
func allowed(row rule, imported string) bool {
	if first, _, _ := strings.Cut(imported, "/"); !strings.Contains(first, ".") && !isOurs(imported) {
		return true
	}
	return slices.ContainsFunc(row.imports, func(permitted string) bool {
		return imported == permitted || strings.Contains(permitted, ".") && strings.HasPrefix(imported, permitted+"/")
	})
}

func TestTableHasNoRowWithoutPackage(t *testing.T) {
	t.Parallel()
	folders := make(map[string]bool)
	for _, p := range load(t) {
		folders[p.folder] = true
	}
	for _, folder := range slices.Sorted(maps.Keys(table)) {
		if !folders[folder] {
			t.Errorf("the table has a row for %s, which is no package", folder)
		}
	}
}

func TestGoroutinesStartOnlyWhereTheTableSays(t *testing.T) {
	t.Parallel()
	for _, p := range load(t) {
		if table[p.folder].goroutines != "" {
			continue
		}
		for _, place := range p.check(t).goroutines() {
			t.Errorf("%s: %s must not start a goroutine", place, p.folder)
		}
	}
}

func TestPackageVariablesAreNotWrittenAfterInit(t *testing.T) {
	t.Parallel()
	for _, p := range load(t) {
		for _, w := range p.check(t).variableWrites() {
			t.Errorf("%s: package variable %s is written", w.place, w.name)
		}
	}
}

func TestNothingRunsBeforeMain(t *testing.T) {
	t.Parallel()
	for _, p := range load(t) {
		for _, place := range p.check(t).initFunctions() {
			t.Errorf("%s: func init", place)
		}
	}
}

// A name that says nothing collects what belongs nowhere.
func TestNoNameThatSaysNothing(t *testing.T) {
	t.Parallel()
	empty := []string{"common", "helper", "helpers", "lib", "misc", "shared", "types", "util", "utils"}
	for _, p := range load(t) {
		for _, part := range strings.Split(p.folder, "/") {
			if slices.Contains(empty, part) {
				t.Errorf("folder %s: %s says nothing about what is in it", p.folder, part)
			}
		}
		for _, file := range p.files {
			name := strings.TrimSuffix(strings.TrimSuffix(file, ".go"), "_test")
			if slices.Contains(empty, name) {
				t.Errorf("file %s: %s says nothing about what is in it", path.Join(p.folder, file), name)
			}
		}
	}
}
