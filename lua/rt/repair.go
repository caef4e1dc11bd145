package rt

import (
	"fmt"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"
)

// Two mistakes of gopher-lua's compiler cannot be avoided in the syntax tree and are repaired in its code.
//
// A goto closes the variables from register 0 on where it should close none, so that closures over variables of the
// function lose them. In a function with a goto the rewriter puts one variable first; so register 0 is never meant,
// and is replaced by one that does not exist.
//
// A table constructor stores its items fifty at a time. When the number of items is a multiple of fifty, each field
// with a name that follows stores the last fifty again, from registers that hold other values by then, and a call or
// ... at the end is stored over them.

// gotoBase is the variable that comes first in a function with a goto.
const gotoBase = "(goto)"

const noRegister = 0xff

// maxItemsOfTable is where gopher-lua's counter of stored items ends.
const maxItemsOfTable = 511 * 50

// repair corrects the code of a function and of all functions in it.
func repair(proto *lua.FunctionProto) {
	closes := false
	for _, local := range proto.DbgLocals {
		closes = closes || local.Name == gotoBase
	}
	stored := map[uint32]uint32{} // by the register of a table: how many times items have been stored
	for pc, inst := range proto.Code {
		op, a := int(inst>>26), inst>>18&0xff
		switch {
		case op == lua.OP_CLOSE && a == 0 && closes:
			proto.Code[pc] = inst | noRegister<<18
		case op == lua.OP_NEWTABLE:
			stored[a] = 0
		case op == lua.OP_SETLIST:
			b, c := inst&0x1ff, inst>>9&0x1ff
			switch {
			case c != stored[a]:
				stored[a] = c
			case b == 0:
				proto.Code[pc] = inst + 1<<9
			default:
				proto.Code[pc] = uint32(lua.OP_NOP) << 26
			}
		}
	}
	for _, inner := range proto.FunctionPrototypes {
		repair(inner)
	}
}

// function rewrites the body of a function.
func (rw *rewriter) function(stmts []ast.Stmt) []ast.Stmt {
	outer := rw.jumps
	rw.jumps = false
	stmts = rw.block(stmts)
	if rw.jumps {
		value := &ast.NilExpr{}
		base := &ast.LocalAssignStmt{Names: []string{gotoBase}, Exprs: []ast.Expr{value}}
		value.SetLine(stmts[0].Line())
		base.SetLine(stmts[0].Line())
		stmts = append([]ast.Stmt{base}, stmts...)
	}
	rw.jumps = outer
	return stmts
}

// checkItems notes a constructor that gopher-lua cannot compile.
func (rw *rewriter) checkItems(e *ast.TableExpr) {
	items := 0
	for _, f := range e.Fields {
		if f.Key == nil {
			items++
		}
	}
	if items > maxItemsOfTable {
		message := fmt.Sprintf("a table constructor with %d items; at most %d are possible", items, maxItemsOfTable)
		rw.errors = append(rw.errors, SourceError{Line: e.Line(), Message: message})
	}
}
