package architecture

import (
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// checked is a package with its types.
type checked struct {
	folder string
	files  []*ast.File
	fset   *token.FileSet
	info   types.Info
}

func (p *pkg) check(t *testing.T) *checked {
	t.Helper()
	c, err := p.checked()
	if err != nil {
		t.Fatalf("%s: %v", p.folder, err)
	}
	return c
}

func (p *pkg) typeCheck() (*checked, error) {
	sources := make(map[string][]byte)
	for _, path := range p.sources {
		source, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		sources[path] = source
	}
	return typeCheck(p.folder, sources, p.exports)
}

// typeCheck checks the files of one package. exports has, by import path, the file with the compiled types of each package it imports.
func typeCheck(folder string, sources map[string][]byte, exports map[string]string) (*checked, error) {
	c := &checked{folder: folder, fset: token.NewFileSet(), info: types.Info{
		Uses:       make(map[*ast.Ident]types.Object),
		Selections: make(map[*ast.SelectorExpr]*types.Selection),
	}}
	for _, path := range slices.Sorted(maps.Keys(sources)) {
		file, err := parser.ParseFile(c.fset, path, sources[path], parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		c.files = append(c.files, file)
	}
	open := func(path string) (io.ReadCloser, error) {
		export, ok := exports[path]
		if !ok {
			return nil, fmt.Errorf("no compiled types of %s", path)
		}
		return os.Open(export)
	}
	config := types.Config{Importer: importer.ForCompiler(c.fset, "gc", open)}
	_, err := config.Check(module+"/"+folder, c.fset, c.files, &c.info)
	return c, err
}

func (c *checked) place(n ast.Node) string {
	at := c.fset.Position(n.Pos())
	return fmt.Sprintf("%s/%s:%d", c.folder, filepath.Base(at.Filename), at.Line)
}

// goroutines lists where goroutines are started, by a go statement or by what does the same.
func (c *checked) goroutines() (places []string) {
	c.inspect(func(n ast.Node) {
		switch n := n.(type) {
		case *ast.GoStmt:
			places = append(places, c.place(n))
		case *ast.CallExpr:
			selector, ok := n.Fun.(*ast.SelectorExpr)
			if !ok {
				return
			}
			f, ok := c.info.Uses[selector.Sel].(*types.Func)
			if !ok {
				return
			}
			switch f.FullName() {
			case "(*sync.WaitGroup).Go", "time.AfterFunc", "context.AfterFunc":
				places = append(places, c.place(n))
			}
		}
	})
	return places
}

// initFunctions lists the functions that run before main.
func (c *checked) initFunctions() (places []string) {
	c.inspect(func(n ast.Node) {
		if f, ok := n.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
			places = append(places, c.place(f))
		}
	})
	return places
}

func (c *checked) inspect(visit func(ast.Node)) {
	for _, file := range c.files {
		ast.Inspect(file, func(n ast.Node) bool {
			visit(n)
			return true
		})
	}
}

// write is a place where a package variable, of any package, is written or made writable.
type write struct{ place, name string }

// variableWrites lists the writes inside functions: assignments, ++ and --, delete and clear, and calls that are given a pointer to the variable, as
// argument or silently as receiver. What happens behind a pointer kept elsewhere is not seen.
func (c *checked) variableWrites() (writes []write) {
	add := func(e ast.Expr) {
		if v := c.packageVariable(e); v != nil && !isCache(v.Type()) {
			writes = append(writes, write{c.place(e), v.Name()})
		}
	}
	inFunction := func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			for _, left := range n.Lhs {
				add(left)
			}
		case *ast.IncDecStmt:
			add(n.X)
		case *ast.RangeStmt:
			if n.Tok == token.ASSIGN {
				add(n.Key)
				add(n.Value)
			}
		case *ast.CallExpr:
			c.call(n, add)
		}
		return true
	}
	for _, file := range c.files {
		for _, decl := range file.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Body != nil {
				ast.Inspect(f.Body, inFunction)
			}
		}
	}
	return writes
}

// call adds what n may write: the first argument of delete and clear, an argument whose address is taken, the receiver of a method that wants a
// pointer and is not called by one.
func (c *checked) call(n *ast.CallExpr, add func(ast.Expr)) {
	for _, argument := range n.Args {
		if address, ok := argument.(*ast.UnaryExpr); ok && address.Op == token.AND {
			add(address.X)
		}
	}
	switch f := n.Fun.(type) {
	case *ast.Ident:
		if b, ok := c.info.Uses[f].(*types.Builtin); ok && (b.Name() == "delete" || b.Name() == "clear") {
			add(n.Args[0])
		}
	case *ast.SelectorExpr:
		selection := c.info.Selections[f]
		if selection == nil || selection.Kind() != types.MethodVal || isPointer(selection.Recv()) {
			return
		}
		if isPointer(selection.Obj().(*types.Func).Signature().Recv().Type()) {
			add(f.X)
		}
	}
}

// packageVariable is the package variable that writing e changes, or nil.
func (c *checked) packageVariable(e ast.Expr) *types.Var {
	for {
		switch inner := e.(type) {
		case *ast.ParenExpr:
			e = inner.X
		case *ast.IndexExpr:
			e = inner.X
		case *ast.StarExpr:
			e = inner.X
		case *ast.SelectorExpr:
			if v := c.variable(inner.Sel); v != nil {
				return v // of another package
			}
			e = inner.X
		case *ast.Ident:
			return c.variable(inner)
		default:
			return nil
		}
	}
}

func (c *checked) variable(name *ast.Ident) *types.Var {
	v, ok := c.info.Uses[name].(*types.Var)
	if !ok || v.Pkg() == nil || v.Parent() != v.Pkg().Scope() {
		return nil
	}
	return v
}

// isCache reports whether t holds nothing that anybody could miss: what a sync.Pool has is never more than a saved allocation.
func isCache(t types.Type) bool {
	named, ok := t.(*types.Named)
	return ok && named.Obj().Pkg() != nil && named.Obj().Pkg().Path() == "sync" && named.Obj().Name() == "Pool" || isCacheArray(t)
}

func isCacheArray(t types.Type) bool {
	array, ok := t.Underlying().(*types.Array)
	return ok && isCache(array.Elem())
}

func isPointer(t types.Type) bool {
	_, ok := t.Underlying().(*types.Pointer)
	return ok
}
