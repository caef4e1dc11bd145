package rt

import (
	"errors"
	"fmt"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// ErrorValue returns the table by which scripts see e.
func ErrorValue(L *lua.LState, e *Error) *lua.LTable {
	vm := VMOf(L)
	t := vm.root.CreateTable(0, 4)
	t.RawSetString("cause", lua.LString(e.Cause))
	t.RawSetString("message", lua.LString(e.Message))
	if e.Code != 0 {
		t.RawSetString("code", lua.LNumber(e.Code))
	}
	t.Metatable = vm.errorMeta
	return t
}

// AsError reads back an error table, of this package or made by the script: any table with a string cause.
func AsError(v lua.LValue) (*Error, bool) {
	t, ok := v.(*lua.LTable)
	if !ok {
		return nil, false
	}
	cause, ok := t.RawGetString("cause").(lua.LString)
	if !ok {
		return nil, false
	}
	e := &Error{Cause: string(cause), Message: lua.LVAsString(t.RawGetString("message"))}
	if code, ok := t.RawGetString("code").(lua.LNumber); ok {
		e.Code = int(code)
	}
	return e, true
}

func (vm *VM) openErrors() {
	vm.errorMeta = vm.root.NewTable()
	vm.errorMeta.RawSetString("__tostring", vm.root.NewFunction(func(L *lua.LState) int {
		e, ok := AsError(L.Get(1))
		if !ok {
			e = &Error{Cause: "error"}
		}
		L.Push(lua.LString(e.Error()))
		return 1
	}))
	vm.errorMeta.RawSetString("__metatable", lua.LString("error"))
}

// Fail pushes nil and an error table, for what the network, a peer or a database causes, and returns 2.
func Fail(L *lua.LState, cause, message string, code int) int {
	L.Push(lua.LNil)
	L.Push(ErrorValue(L, &Error{Cause: cause, Message: message, Code: code}))
	return 2
}

// Raise raises err: an *Error as its table, any other as a message with the position of the script. It does not
// return; its result makes `return Raise(L, err)` possible.
func Raise(L *lua.LState, err error) int {
	var e *Error
	if errors.As(err, &e) {
		L.Error(ErrorValue(L, e), 0)
	}
	return Raisef(L, "%s", err.Error())
}

// Result returns 0 when err is nil and raises it otherwise: the end of a waiting binding without results.
func Result(L *lua.LState, err error) int {
	if err != nil {
		return Raise(L, err)
	}
	return 0
}

// Raisef raises "file:line: function: message" with the position of the script and the name of the binding that is
// executing. It does not return.
func Raisef(L *lua.LState, format string, args ...any) int {
	name, _ := binding(L)
	raise(L, name, format, args...)
	return 0
}

func raise(L *lua.LState, name, format string, args ...any) {
	message := fmt.Sprintf(format, args...)
	if name != "" {
		message = name + ": " + message
	}
	if at := Where(L, 0); at != "" {
		message = at + ": " + message
	}
	L.Error(lua.LString(message), 0)
}

// ArgError raises that argument n of the binding is wrong. It counts as the script does: the object of a method call
// is no argument.
func ArgError(L *lua.LState, n int, format string, args ...any) int {
	message := fmt.Sprintf(format, args...)
	if _, method := binding(L); method {
		if n--; n == 0 {
			return Raisef(L, "called without its object, use ':' (%s)", message)
		}
	}
	return Raisef(L, "bad argument #%d (%s)", n, message)
}

// binding returns the name of the Go function that is executing, and whether it is a method.
func binding(L *lua.LState) (name string, method bool) {
	frame, ok := L.GetStack(0)
	if !ok {
		return "", false
	}
	v, err := L.GetInfo("f", frame, lua.LNil)
	if err != nil {
		return "", false
	}
	fn, _ := v.(*lua.LFunction)
	name = VMOf(L).names[fn]
	return name, strings.Contains(name, ":")
}

// Where returns the file:line of the innermost Lua function, not counting the first skip ones; "" when there is none
// on this side of a protected call.
func Where(L *lua.LState, skip int) string {
	for level := 0; ; level++ {
		frame, ok := L.GetStack(level)
		if !ok {
			return ""
		}
		at := L.Where(level)
		_, _ = L.GetInfo("S", frame, lua.LNil)
		if at == "" || strings.HasPrefix(at, "[G]") {
			continue
		}
		if skip == 0 {
			return strings.TrimSuffix(at, ":")
		}
		skip--
	}
}
