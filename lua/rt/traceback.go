package rt

import (
	"log/slog"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

const luaStackHeader = "stack traceback:"

// raised is an error with the stack it was raised on, kept while it is handled or passed on.
type raised struct {
	value lua.LValue
	stack string
}

func newRaised(err *lua.ApiError) raised { return raised{err.Object, err.StackTrace} }

// runError makes the error of a run or call that ended in scene s. raisedErr is nil when the run was killed before it
// executed anything.
func (vm *VM) runError(s scene, err *lua.ApiError) *RunError {
	e := &RunError{Handler: s.handler, Cause: CauseScript, Value: lua.LNil}
	if err != nil {
		vm.examine(err)
		e.Value = err.Object
		e.Traceback = vm.traceback(s.handler, err)
		e.At = firstPosition(e.Traceback)
		e.describe(err)
	}
	r := s.run
	switch {
	case r != nil && r.killed:
		e.Cause, e.Message = r.unwinding.Cause, r.unwinding.Message
	case vm.meter.left < 0:
		e.Cause = CauseBudget
	case r != nil && r.unwinding != nil && r.unwinding.Cause == e.Cause:
		e.Quiet = e.Cause == CauseHangup || e.Cause == CauseCancel
	}
	return e
}

// describe fills in cause, code and message from the raised value.
func (e *RunError) describe(err *lua.ApiError) {
	if err.Type == lua.ApiErrorPanic {
		e.Cause = CauseBug
	}
	switch v := err.Object.(type) {
	case *lua.LTable:
		if cause, ok := v.RawGetString("cause").(lua.LString); ok {
			e.Cause = string(cause)
		}
		if code, ok := v.RawGetString("code").(lua.LNumber); ok {
			e.Code = int(code)
		}
		e.Message = (&Error{Cause: e.Cause, Code: e.Code, Message: lua.LVAsString(v.RawGetString("message"))}).Error()
	case lua.LString:
		e.Message = strings.TrimPrefix(string(v), " ")
		if at, _, ok := cutPosition(e.Message); ok {
			e.At = at
		}
	default:
		e.Message = "(error object is a " + v.Type().String() + " value)"
	}
}

// cutPosition splits "file:line: message".
func cutPosition(message string) (at, rest string, ok bool) {
	at, rest, ok = strings.Cut(message, ": ")
	if !ok {
		return "", message, false
	}
	i := strings.LastIndexByte(at, ':')
	if i <= 0 || i == len(at)-1 || strings.Trim(at[i+1:], "0123456789") != "" || strings.ContainsAny(at, " \t\n") {
		return "", message, false
	}
	return at, rest, true
}

// traceback renders the stack of an error that nobody caught, innermost frame first. When the error came out of a
// coroutine of the script, the stack of that coroutine comes first.
func (vm *VM) traceback(handler string, err *lua.ApiError) string {
	stack := frames(err.StackTrace)
	if vm.raised.value == err.Object && err.Object != lua.LNil && vm.raised.stack != err.StackTrace {
		stack = append(frames(vm.raised.stack), stack...)
	}
	for i, frame := range stack {
		// The base of each thread is a main chunk to gopher-lua.
		stack[i] = strings.Replace(frame, "in main chunk", "in "+handler, 1)
	}
	return strings.Join(stack, "\n")
}

// frames returns the frames of a traceback of gopher-lua, without the one below the first.
func frames(stack string) []string {
	_, stack, _ = strings.Cut(stack, luaStackHeader)
	var out []string
	for line := range strings.SplitSeq(stack, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line == "[G]: ?" || strings.HasSuffix(line, concatName) {
			continue
		}
		out = append(out, strings.Replace(line, "[G]:", "[Go]:", 1))
	}
	return out
}

// currentFrames returns the frames of the executing thread.
func currentFrames(L *lua.LState) []string {
	var out []string
	for level := 1; ; level++ {
		frame, ok := L.GetStack(level)
		if !ok {
			return out
		}
		at := L.Where(level)
		_, _ = L.GetInfo("n", frame, lua.LNil)
		out = append(out, strings.Replace(at, "[G]:", "[Go]:", 1)+" in "+frame.Name)
	}
}

// firstPosition returns the file:line of the innermost frame that is Lua code.
func firstPosition(stack string) string {
	for line := range strings.SplitSeq(stack, "\n") {
		at, _, ok := cutPosition(strings.TrimSpace(line) + " ")
		if ok {
			return at
		}
	}
	return ""
}

// logRunError logs an error for which nobody asked.
func (vm *VM) logRunError(r *Run, e *RunError) {
	if e.Quiet {
		return
	}
	vm.cfg.Log(r, slog.LevelWarn, "script failed",
		"handler", e.Handler, "cause", e.Cause, "at", e.At, "error", e.Message, "traceback", e.Traceback)
}
