package rt

import (
	"github.com/yuin/gopher-lua/ast"
)

// gopher-lua shortens jumps to jumps. When it jumps back to a jump that it has patched already, it takes the distance
// there for the number of a label, and the loop goes on anywhere. A loop begins with a jump when its first expression
// has a constant on the left of and or or, when it tests a constant, and when it is left at once:
//
//	while true do if false then trace() end step() end
//
// So no code begins with a jump after this: such constants are folded, and break comes after an instruction.

// fold returns what an and-or expression with a constant on its left always gives.
func fold(e *ast.LogicalOpExpr) ast.Expr {
	truth, constant := truthOf(e.Lhs)
	switch {
	case !constant:
		return e
	case truth == (e.Operator == "and"):
		return one(e.Rhs)
	}
	return e.Lhs
}

// truthOf says whether an expression is a constant, and whether it is true.
func truthOf(e ast.Expr) (truth, constant bool) {
	switch e.(type) {
	case *ast.FalseExpr, *ast.NilExpr:
		return false, true
	case *ast.TrueExpr, *ast.NumberExpr, *ast.StringExpr:
		return true, true
	}
	return false, false
}

// foldIf returns the branch that is taken when the condition is a constant.
func foldIf(s *ast.IfStmt) ast.Stmt {
	truth, constant := truthOf(s.Condition)
	if !constant {
		return s
	}
	block := &ast.DoBlockStmt{Stmts: s.Else}
	if truth {
		block.Stmts = s.Then
	}
	block.SetLine(s.Line())
	block.SetLastLine(s.LastLine())
	return block
}

// foldWhile drops a loop that is never entered.
func foldWhile(s *ast.WhileStmt) ast.Stmt {
	truth, constant := truthOf(s.Condition)
	if !constant || truth {
		return s
	}
	nothing := &ast.DoBlockStmt{}
	nothing.SetLine(s.Line())
	nothing.SetLastLine(s.LastLine())
	return nothing
}

// guardBreak puts an instruction that does nothing before a break.
func guardBreak(s *ast.BreakStmt) ast.Stmt {
	value := &ast.NilExpr{}
	nothing := &ast.LocalAssignStmt{Names: []string{"(nothing)"}, Exprs: []ast.Expr{value}}
	block := &ast.DoBlockStmt{Stmts: []ast.Stmt{nothing, s}}
	for _, n := range []ast.PositionHolder{value, nothing, block} {
		n.SetLine(s.Line())
		n.SetLastLine(s.LastLine())
	}
	return block
}
