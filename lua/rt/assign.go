package rt

import (
	"fmt"

	"github.com/yuin/gopher-lua/ast"
)

// assign rewrites an assignment that gopher-lua would compile wrongly: a single one to a variable whose register would be
// used on the way, and each multiple one. Of the latter, tables and keys are computed first, then the values, all into
// fresh locals, and then each target is assigned to by itself, from the last to the first as Lua does.
func assign(s *ast.AssignStmt) ast.Stmt {
	if len(s.Lhs) == 1 && len(s.Rhs) == 1 && (!isVariable(s.Lhs[0]) || !misassigned(s.Rhs[0])) {
		return s
	}
	f := fresh{line: s.Line(), last: s.LastLine()}
	f.targets(s.Lhs)
	values := f.locals(len(s.Lhs), s.Rhs)
	for i := len(s.Lhs) - 1; i >= 0; i-- {
		f.add(&ast.AssignStmt{Lhs: s.Lhs[i : i+1], Rhs: values[i : i+1]})
	}
	block := &ast.DoBlockStmt{Stmts: f.stmts}
	f.place(block)
	return block
}

func isVariable(e ast.Expr) bool {
	_, ok := e.(*ast.IdentExpr)
	return ok
}

// misassigned reports whether gopher-lua uses the register of the target while it computes this value.
func misassigned(value ast.Expr) bool {
	switch e := value.(type) {
	case *ast.LogicalOpExpr:
		return true
	case *ast.FuncCallExpr:
		return e.AdjustRet
	}
	return false
}

// fresh collects the statements of the block that an assignment becomes.
type fresh struct {
	stmts      []ast.Stmt
	line, last int
	count      int
}

func (f *fresh) place(n ast.PositionHolder) {
	n.SetLine(f.line)
	n.SetLastLine(f.last)
}

func (f *fresh) add(s ast.Stmt) {
	f.place(s)
	f.stmts = append(f.stmts, s)
}

// locals declares n fresh locals with these values and returns expressions that read them.
func (f *fresh) locals(n int, values []ast.Expr) []ast.Expr {
	names := make([]string, n)
	reads := make([]ast.Expr, n)
	for i := range names {
		f.count++
		names[i] = fmt.Sprintf("(fresh %d)", f.count)
		reads[i] = &ast.IdentExpr{Value: names[i]}
		f.place(reads[i])
	}
	f.add(&ast.LocalAssignStmt{Names: names, Exprs: values})
	return reads
}

// targets computes the tables and keys that are assigned to before any value.
func (f *fresh) targets(targets []ast.Expr) {
	for _, t := range targets {
		get, ok := t.(*ast.AttrGetExpr)
		if !ok {
			continue
		}
		get.Object = f.hold(get.Object)
		get.Key = f.hold(get.Key)
	}
}

// hold reads a variable, or computes an expression, now.
func (f *fresh) hold(e ast.Expr) ast.Expr {
	if _, ok := e.(ast.ConstExpr); ok {
		return e
	}
	return f.locals(1, []ast.Expr{e})[0]
}
