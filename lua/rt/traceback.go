package rt

import (
	"log/slog"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

const luaStackHeader = "stack traceback:"

// passing is an error on its way out of coroutines of the script, with the frames it has left behind.
type passing struct {
	value  lua.LValue
	frames []string
}

// leave notes the frames of a coroutine that an error leaves.
func (vm *VM) leave(err *lua.ApiError) {
	var inner []string
	if vm.passing.value == err.Object {
		inner = vm.passing.frames
	}
	vm.passing = passing{err.Object, append(inner, named(frames(err.StackTrace), "a coroutine")...)}
}

// runError makes the error of a run or call that ended in scene s. raisedErr is nil when the run was killed before it
// executed anything.
func (vm *VM) runError(s scene, err *lua.ApiError) *RunError {
	e := &RunError{Handler: s.handler, Cause: CauseScript, Value: lua.LNil}
	if err != nil {
		vm.examine(err)
		e.Value = err.Object
		e.Traceback = vm.traceback(s.handler, err)
		e.At = firstPosition(e.Traceback)
		e.describe(vm.program, err)
	}
	r := s.run
	switch {
	case r != nil && (r.killed || err == nil):
		e.Cause, e.Message = r.unwinding.Cause, r.unwinding.Message
	case vm.meter.left < 0:
		e.Cause = CauseBudget
	}
	// Whatever is done with a caller who has gone raises, unwound or not.
	e.Quiet = e.Cause == CauseHangup || e.Cause == CauseCancel && r != nil && r.unwinding != nil && r.unwinding.Cause == e.Cause
	return e
}

// describe fills in cause, code and message from the raised value.
func (e *RunError) describe(p *Program, err *lua.ApiError) {
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
		if e.Cause == CauseScript {
			e.Message = "(error object is a table value)"
			break
		}
		e.Message = (&Error{Cause: e.Cause, Code: e.Code, Message: lua.LVAsString(v.RawGetString("message"))}).Error()
	case lua.LString:
		e.Message = p.nameCall(strings.TrimPrefix(string(v), " "))
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

// traceback renders the stack of an error that nobody caught, innermost frame first, from within coroutines of the
// script to the run.
func (vm *VM) traceback(handler string, err *lua.ApiError) string {
	stack := named(frames(err.StackTrace), handler)
	if vm.passing.value == err.Object {
		stack = append(vm.passing.frames, stack...)
	}
	vm.passing = passing{}
	return strings.Join(stack, "\n")
}

// named gives the last frame its name: the base of each thread is a main chunk to gopher-lua.
func named(stack []string, name string) []string {
	for i, frame := range stack {
		stack[i] = strings.Replace(frame, "in main chunk", "in "+name, 1)
	}
	return stack
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

// report says that there was an error for which nobody asked.
func (vm *VM) report(r *Run, e *RunError) {
	if e.Quiet {
		return
	}
	if vm.cfg.Failed != nil {
		vm.cfg.Failed(r, e)
		return
	}
	vm.cfg.Log(r, slog.LevelWarn, "script failed",
		"handler", e.Handler, "cause", e.Cause, "at", e.At, "error", e.Message, "traceback", e.Traceback)
}
