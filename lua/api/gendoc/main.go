// Gendoc writes what is generated from the tables that scripts are bound by: the reference of the Lua API and the
// definitions for editors. With -check it writes nothing and fails when a file is not what it would write.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"

	"github.com/sipscript/sipscript/lua/api"
)

func main() {
	check := flag.Bool("check", false, "fail when a file is stale, write nothing")
	flag.Parse()
	if err := run(*check); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// output is one generated file, its path relative to the root of the repository.
type output struct {
	path string
	text []byte
}

// outputs renders all files.
func outputs() ([]output, error) {
	modules := api.Modules()
	reference, err := reference(modules)
	if err != nil {
		return nil, err
	}
	stubs, err := stubs(modules)
	if err != nil {
		return nil, err
	}
	return []output{{"docs/reference.md", reference}, {"scripts/sipscript.d.lua", stubs}}, nil
}

func run(check bool) error {
	files, err := outputs()
	if err != nil {
		return err
	}
	var problems error
	for _, f := range files {
		if !check {
			problems = errors.Join(problems, os.WriteFile(f.path, f.text, 0o644))
			continue
		}
		if have, err := os.ReadFile(f.path); err != nil || !bytes.Equal(have, f.text) {
			problems = errors.Join(problems, fmt.Errorf("%s is stale: make docs-update writes it anew", f.path))
		}
	}
	return problems
}
