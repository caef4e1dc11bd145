package architecture

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

const module = "github.com/sipscript/sipscript"

// pkg is one package of this module, without its tests.
type pkg struct {
	folder  string // "engine/proxy"
	dir     string
	sources []string          // paths of its files
	files   []string          // names of its files, tests included
	imports []string          // folders of this module, paths of others
	exports map[string]string // import path → file with its compiled types, for all packages there are

	checked func() (*checked, error)
}

// load lists all packages of this module. The list is made once for all tests.
func load(t *testing.T) []*pkg {
	t.Helper()
	all, err := packages()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

var packages = sync.OnceValues(listPackages)

func listPackages() ([]*pkg, error) {
	list := exec.Command("go", "list", "-export", "-deps", "-json=ImportPath,Dir,Export,GoFiles,TestGoFiles,XTestGoFiles,Imports", "./...")
	list.Dir = filepath.Join("..", "..")
	list.Stderr = os.Stderr
	out, err := list.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := list.Start(); err != nil {
		return nil, err
	}
	var all []*pkg
	exports := make(map[string]string)
	for decoder := json.NewDecoder(out); ; {
		var entry struct {
			ImportPath, Dir, Export                     string
			GoFiles, TestGoFiles, XTestGoFiles, Imports []string
		}
		if err := decoder.Decode(&entry); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
		exports[entry.ImportPath] = entry.Export
		folder, ours := strings.CutPrefix(entry.ImportPath, module)
		if !ours {
			continue
		}
		p := &pkg{folder: strings.TrimPrefix(folder, "/"), dir: entry.Dir, exports: exports}
		for _, file := range entry.GoFiles {
			p.sources = append(p.sources, filepath.Join(entry.Dir, file))
		}
		p.files = append(append(append(p.files, entry.GoFiles...), entry.TestGoFiles...), entry.XTestGoFiles...)
		for _, imported := range entry.Imports {
			p.imports = append(p.imports, strings.TrimPrefix(imported, module+"/"))
		}
		p.checked = sync.OnceValues(p.typeCheck)
		all = append(all, p)
	}
	return all, list.Wait()
}

// isOurs reports whether an import, as in pkg.imports, is a folder of this module: none of our top folders is a standard package.
func isOurs(imported string) bool {
	switch top, _, _ := strings.Cut(path.Clean(imported), "/"); top {
	case "sip", "engine", "lua", "cmd", "test", "scripts":
		return true
	}
	return false
}
