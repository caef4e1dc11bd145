package rt

import (
	"github.com/yuin/gopher-lua/ast"
)

// concatName is the name, which no script can write, by which rewritten code calls the .. operator.
const concatName = "(concat)"

// rewriter changes the syntax tree of a file, because gopher-lua compiles some of Lua wrongly:
//
//   - An assignment to a local computes parts of its right side in the register of that local: and-or expressions, and
//     calls in parentheses, then read the new value where the old was meant (r = r and f() and g()).
//   - In a multiple assignment each value overwrites its local before the others are computed (a, b = b, a), and
//     targets get each other's values (global, t.x = v, w).
//   - Some jumps go astray (fold.go), and goto and long table constructors need repair afterwards (repair.go).
//   - A decimal number with a leading zero is taken as octal.
//
// So such assignments go through fresh locals, in a block of their own, and such jumps are avoided. Besides, the .. operator becomes a call, so
// that growing strings are charged to the budget. All lines stay what they were.
type rewriter struct {
	requires []requirement
	errors   []SourceError // without the file
	jumps    bool          // the function that is being rewritten has a goto
}

// chunk rewrites a file. The result is a chunk that takes the .. operator as its argument and returns the file's own
// main function.
func (rw *rewriter) chunk(stmts []ast.Stmt) []ast.Stmt {
	main := &ast.FunctionExpr{ParList: &ast.ParList{HasVargs: true}, Stmts: rw.function(stmts)}
	ret := &ast.ReturnStmt{Exprs: []ast.Expr{main}}
	operator := &ast.LocalAssignStmt{Names: []string{concatName}, Exprs: []ast.Expr{&ast.Comma3Expr{}}}
	if len(stmts) > 0 {
		last := stmts[len(stmts)-1]
		main.SetLastLine(max(last.LastLine(), last.Line()))
	}
	for _, n := range []ast.PositionHolder{main, ret, operator, operator.Exprs[0]} {
		n.SetLine(1)
	}
	return []ast.Stmt{operator, ret}
}

// block rewrites statements in place, each by one.
func (rw *rewriter) block(stmts []ast.Stmt) []ast.Stmt {
	for i, stmt := range stmts {
		stmts[i] = rw.stmt(stmt)
	}
	return stmts
}

func (rw *rewriter) stmt(stmt ast.Stmt) ast.Stmt {
	switch s := stmt.(type) {
	case *ast.AssignStmt:
		rw.exprs(s.Lhs)
		rw.exprs(s.Rhs)
		return assign(s)
	case *ast.LocalAssignStmt:
		rw.exprs(s.Exprs)
	case *ast.FuncCallStmt:
		s.Expr = rw.expr(s.Expr)
	case *ast.DoBlockStmt:
		rw.block(s.Stmts)
	case *ast.WhileStmt:
		s.Condition = rw.expr(s.Condition)
		rw.block(s.Stmts)
		return foldWhile(s)
	case *ast.RepeatStmt:
		s.Condition = rw.expr(s.Condition)
		rw.block(s.Stmts)
	case *ast.IfStmt:
		s.Condition = rw.expr(s.Condition)
		rw.block(s.Then)
		rw.block(s.Else)
		return foldIf(s)
	case *ast.NumberForStmt:
		s.Init, s.Limit = rw.expr(s.Init), rw.expr(s.Limit)
		if s.Step != nil {
			s.Step = rw.expr(s.Step)
		}
		rw.block(s.Stmts)
	case *ast.GenericForStmt:
		rw.exprs(s.Exprs)
		rw.block(s.Stmts)
	case *ast.FuncDefStmt:
		if s.Name.Func != nil {
			s.Name.Func = rw.expr(s.Name.Func)
		}
		if s.Name.Receiver != nil {
			s.Name.Receiver = rw.expr(s.Name.Receiver)
		}
		s.Func.Stmts = rw.function(s.Func.Stmts)
	case *ast.ReturnStmt:
		rw.exprs(s.Exprs)
	case *ast.BreakStmt:
		return guardBreak(s)
	case *ast.GotoStmt:
		rw.jumps = true
	}
	return stmt
}

func (rw *rewriter) exprs(list []ast.Expr) {
	for i, e := range list {
		list[i] = rw.expr(e)
	}
}

func (rw *rewriter) expr(expr ast.Expr) ast.Expr {
	switch e := expr.(type) {
	case *ast.NumberExpr:
		e.Value = decimal(e.Value)
	case *ast.AttrGetExpr:
		e.Object, e.Key = rw.expr(e.Object), rw.expr(e.Key)
	case *ast.TableExpr:
		rw.checkItems(e)
		for _, f := range e.Fields {
			if f.Key != nil {
				f.Key = rw.expr(f.Key)
			}
			f.Value = rw.expr(f.Value)
		}
	case *ast.FuncCallExpr:
		rw.call(e)
	case *ast.LogicalOpExpr:
		e.Lhs, e.Rhs = rw.expr(e.Lhs), rw.expr(e.Rhs)
		return fold(e)
	case *ast.RelationalOpExpr:
		e.Lhs, e.Rhs = rw.expr(e.Lhs), rw.expr(e.Rhs)
	case *ast.ArithmeticOpExpr:
		e.Lhs, e.Rhs = rw.expr(e.Lhs), rw.expr(e.Rhs)
	case *ast.UnaryMinusOpExpr:
		e.Expr = rw.expr(e.Expr)
	case *ast.UnaryNotOpExpr:
		e.Expr = rw.expr(e.Expr)
	case *ast.UnaryLenOpExpr:
		e.Expr = rw.expr(e.Expr)
	case *ast.FunctionExpr:
		e.Stmts = rw.function(e.Stmts)
	case *ast.StringConcatOpExpr:
		return rw.concat(e)
	}
	return expr
}

// call rewrites a call and notes the module when it is a require of one whose name is written there.
func (rw *rewriter) call(e *ast.FuncCallExpr) {
	if e.Func != nil {
		e.Func = rw.expr(e.Func)
	}
	if e.Receiver != nil {
		e.Receiver = rw.expr(e.Receiver)
	}
	rw.exprs(e.Args)
	if name, ok := e.Func.(*ast.IdentExpr); ok && name.Value == "require" && len(e.Args) == 1 {
		if module, ok := e.Args[0].(*ast.StringExpr); ok {
			rw.requires = append(rw.requires, requirement{module.Value, e.Line()})
		}
	}
}

// concat turns a chain a .. b .. c into one call.
func (rw *rewriter) concat(e *ast.StringConcatOpExpr) ast.Expr {
	fn := &ast.IdentExpr{Value: concatName}
	call := &ast.FuncCallExpr{Func: fn, AdjustRet: true}
	fn.SetLine(e.Line())
	call.SetLine(e.Line())
	call.SetLastLine(e.LastLine())
	var last ast.Expr
	for chain := e; chain != nil; {
		call.Args = append(call.Args, one(rw.expr(chain.Lhs)))
		last = chain.Rhs
		chain, _ = last.(*ast.StringConcatOpExpr)
	}
	call.Args = append(call.Args, one(rw.expr(last)))
	return call
}

// one makes an expression give one value.
func one(expr ast.Expr) ast.Expr {
	switch e := expr.(type) {
	case *ast.FuncCallExpr:
		e.AdjustRet = true
	case *ast.Comma3Expr:
		e.AdjustRet = true
	}
	return expr
}

// decimal takes the zeros from the front of a decimal integer.
func decimal(number string) string {
	for len(number) > 1 && number[0] == '0' && isDigit(number[1]) {
		number = number[1:]
	}
	return number
}
