package rt

import (
	"github.com/yuin/gopher-lua/ast"
)

// rewriter changes the syntax tree of a file so that gopher-lua compiles it rightly.
type rewriter struct {
	requires []requirement
}

func (rw *rewriter) chunk(stmts []ast.Stmt) []ast.Stmt { return stmts }
