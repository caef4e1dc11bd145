package rt

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"sync"

	lua "github.com/yuin/gopher-lua"
)

// Files is where scripts are read from.
type Files interface {
	ReadFile(path string) ([]byte, error)
}

// Program is a script with all its modules, compiled. It is immutable but for the modules that a script computes the
// name of, which are added when they are first required. It may be used from any goroutine, by any number of VMs.
type Program struct {
	files Files
	dir   string
	known map[string]bool // modules that are not files
	main  *chunk
	hash  string

	mu      sync.Mutex
	modules map[string]*chunk // by the name given to require
}

// chunk is a compiled file.
type chunk struct {
	name     string // relative to the script's folder
	path     string
	source   [sha256.Size]byte
	proto    *lua.FunctionProto
	requires []requirement
}

// requirement is a require of a module whose name is written in the source.
type requirement struct {
	module string
	line   int
}

// Load reads the script at path and, from its folder, all modules that it requires by a name written in the source:
// require "my.module" is my/module.lua. builtin names the modules that are not files (Names); those of Lua itself are
// known. The error is a *LoadError with all errors of all files.
func Load(files Files, path string, builtin ...string) (*Program, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("the script's path: %w", err)
	}
	p := &Program{
		files:   files,
		dir:     filepath.Dir(path),
		known:   map[string]bool{},
		modules: map[string]*chunk{},
	}
	for _, name := range append(builtin, luaModules[:]...) {
		p.known[name] = true
	}
	failed := &LoadError{}
	p.main = p.load(filepath.Base(path), path, failed)
	if len(failed.Errors) > 0 {
		sort.SliceStable(failed.Errors, func(i, j int) bool {
			a, b := failed.Errors[i], failed.Errors[j]
			return a.File < b.File || a.File == b.File && a.Line < b.Line
		})
		return nil, failed
	}
	p.hash = p.sum()
	return p, nil
}

var luaModules = [...]string{"string", "table", "math", "os", "coroutine", "debug", "_G"}

// load compiles a file and, depth first, what it requires. It returns nil when the file itself is broken.
func (p *Program) load(name, path string, failed *LoadError) *chunk {
	failed.Files = append(failed.Files, path)
	source, err := p.files.ReadFile(path)
	if err != nil {
		failed.Errors = append(failed.Errors, SourceError{File: name, Message: readError(err)})
		return nil
	}
	c, errs := compile(name, source)
	failed.Errors = append(failed.Errors, errs...)
	if c == nil {
		return nil
	}
	c.path = path
	for _, r := range c.requires {
		if p.known[r.module] || p.modules[r.module] != nil {
			continue
		}
		file, ok := moduleFile(r.module)
		if !ok {
			failed.Errors = append(failed.Errors, SourceError{name, r.line, fmt.Sprintf("require: '%s' is no name of a module", r.module)})
			continue
		}
		path := filepath.Join(p.dir, file)
		if slices.Contains(failed.Files, path) {
			continue // broken, and reported
		}
		if _, err := p.files.ReadFile(path); err != nil {
			failed.Files = append(failed.Files, path)
			failed.Errors = append(failed.Errors, SourceError{name, r.line, fmt.Sprintf("module '%s' not found: %s", r.module, readError(err))})
			continue
		}
		p.modules[r.module] = &chunk{} // ends loops
		if m := p.load(filepath.ToSlash(file), path, failed); m != nil {
			p.modules[r.module] = m
		}
	}
	return c
}

// readError leaves out the operation.
func readError(err error) string {
	var path interface{ Unwrap() error }
	if errors.As(err, &path) && path.Unwrap() != nil {
		return path.Unwrap().Error()
	}
	return err.Error()
}

// moduleFile maps "my.module" to my/module.lua. Nothing outside of the script's folder has a name.
func moduleFile(name string) (string, bool) {
	parts := strings.Split(name, ".")
	for _, part := range parts {
		if part == "" || strings.Trim(part, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") != "" {
			return "", false
		}
	}
	return filepath.Join(parts...) + ".lua", true
}

// module returns the module that a script requires at run time. One whose name is not written in any source is read
// only while the script loads: reading a file blocks.
func (p *Program) module(name string, read bool) (*chunk, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c := p.modules[name]; c != nil {
		return c, nil
	}
	if !read {
		return nil, fmt.Errorf("%w: '%s': its file is read while the script loads, when the main chunk requires it or its name is written in the source", ErrModule, name)
	}
	file, ok := moduleFile(name)
	if !ok {
		return nil, fmt.Errorf("%w: '%s' is no name of a module", ErrModule, name)
	}
	failed := &LoadError{}
	c := p.load(filepath.ToSlash(file), filepath.Join(p.dir, file), failed)
	if len(failed.Errors) > 0 {
		return nil, fmt.Errorf("%w: '%s': %s", ErrModule, name, failed.Error())
	}
	p.modules[name] = c
	return c, nil
}

// Main returns the name of the script, without its folder.
func (p *Program) Main() string { return p.main.name }

// Hash identifies the content of the script and of all modules it requires by a name written in the source.
func (p *Program) Hash() string { return p.hash }

func (p *Program) sum() string {
	h := sha256.New()
	for _, c := range p.chunks() {
		fmt.Fprintf(h, "%s\x00", c.name)
		h.Write(c.source[:])
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Files returns the absolute paths of all files of the program, in order.
func (p *Program) Files() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var paths []string
	for _, c := range p.chunks() {
		paths = append(paths, c.path)
	}
	return paths
}

// Changed reads all files of the program again, also the modules whose names the script computed, and reports whether
// one is missing or has another content.
func (p *Program) Changed() bool {
	p.mu.Lock()
	chunks := p.chunks()
	p.mu.Unlock()
	for _, c := range chunks {
		source, err := p.files.ReadFile(c.path)
		if err != nil || sha256.Sum256(source) != c.source {
			return true
		}
	}
	return false
}

// chunks returns all chunks in the order of their names.
func (p *Program) chunks() []*chunk {
	all := []*chunk{p.main}
	for _, c := range p.modules {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b *chunk) int { return strings.Compare(a.name, b.name) })
	return slices.Compact(all)
}
