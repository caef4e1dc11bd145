package rt

import (
	"log/slog"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// maxDepth bounds nested protected calls and coroutines, and with them the Go stack.
const maxDepth = 150

// Each protected call runs on a Lua thread of its own. On the caller's thread, raising an error would close the
// upvalues of all frames, those outside of the protected call too, so that closures over variables of the caller
// silently see copies from then on; and overflowing the call stack below a protected call at an unlucky depth would
// make gopher-lua lose eight frames. A thread of its own has neither: its stack ends where the call begins.

// enter takes a thread for a protected call. The caller restores vm.now.depth.
func (vm *VM) enter(L *lua.LState) *lua.LState {
	if vm.now.depth >= maxDepth {
		Raisef(L, "stack overflow")
	}
	vm.now.depth++
	vm.meter.take(costCall)
	return vm.acquire()
}

func (vm *VM) acquire() *lua.LState {
	if n := len(vm.threads); n > 0 {
		th := vm.threads[n-1]
		vm.threads[n-1] = nil
		vm.threads = vm.threads[:n-1]
		return th
	}
	return vm.newThread()
}

func (vm *VM) release(th *lua.LState) {
	th.SetTop(0)
	if !th.Dead && len(vm.threads) < vm.cfg.MaxIdle {
		vm.threads = append(vm.threads, th)
	}
}

// protect calls what is on th with nargs arguments and returns what was raised. Results stay on th, which the caller
// releases; after an error it has been released already.
func (vm *VM) protect(th *lua.LState, nargs int) *lua.ApiError {
	err := th.PCall(nargs, lua.MultRet, nil)
	if err == nil {
		return nil
	}
	vm.meter.take(costError)
	raised := err.(*lua.ApiError) //nolint:errorlint // PCall returns no other
	if reusable(raised) {
		vm.release(th)
	} else {
		abandon(th)
	}
	vm.examine(raised)
	return raised
}

// reusable reports whether a thread can serve again after this error. A Go panic, which is how gopher-lua's own call
// stack overflows, leaves variables of the dead frames open for closures.
func reusable(raised *lua.ApiError) bool { return raised.Type != lua.ApiErrorPanic }

// abandon gives variables that closures still refer to on a thread that will not be used again a Lua value.
func abandon(th *lua.LState) {
	th.SetTop(2048)
	th.Dead = true
}

// examine makes an error say what happened: one of gopher-lua's own, and what a Go panic left behind.
func (vm *VM) examine(raised *lua.ApiError) {
	if raised.Type != lua.ApiErrorPanic {
		if s, ok := raised.Object.(lua.LString); ok {
			if better := reword(string(s)); better != string(s) {
				raised.Object = lua.LString(better)
			}
		}
		return
	}
	text := raised.Object.String()
	goStack, luaStack, _ := strings.Cut(raised.StackTrace, luaStackHeader)
	raised.StackTrace = luaStackHeader + luaStack
	at := firstPosition(luaStack)
	if text == "lua callstack overflow" {
		raised.Type = lua.ApiErrorRun
		raised.Object = lua.LString(prefix(at, "stack overflow"))
		return
	}
	vm.log(slog.LevelError, "a Go function called by the script panicked", "panic", text, "at", at, "stack", goStack)
	raised.Object = lua.LString(prefix(at, "internal error: "+text))
}

func prefix(at, message string) string {
	if at == "" {
		return message
	}
	return at + ": " + message
}

// Call calls fn at once and returns its results, which are valid until the next call. It may be made from a Go
// function of a run, on whose budget it then goes, or outside of all runs with a budget of its own; r, which may be
// nil, is the run on whose behalf it is made. In the phases for which it is meant (Branch, Reply, Ack) nothing may
// wait. The error is a *RunError. What it raises does not end the run that makes the call.
func (vm *VM) Call(r *Run, name string, fn *lua.LFunction, phase Phase, args ...lua.LValue) ([]lua.LValue, error) {
	if vm.closed {
		return nil, ErrClosed
	}
	if !vm.busy() {
		vm.meter.begin(vm.cfg.Budget, vm.sliceTime)
	}
	var started brood
	results, err := vm.call(scene{run: r, phase: phase, depth: vm.now.depth, handler: name, owner: &started}, fn, args)
	started.close(vm)
	return results, err
}

func (vm *VM) call(s scene, fn *lua.LFunction, args []lua.LValue) ([]lua.LValue, error) {
	here := vm.now
	s.depth++
	vm.now = s
	th := vm.acquire()
	th.Push(fn)
	for _, arg := range args {
		th.Push(arg)
	}
	raised := vm.protect(th, len(args))
	if raised != nil {
		err := vm.runError(s, raised)
		vm.now = here
		return nil, err
	}
	vm.now = here
	results := make([]lua.LValue, th.GetTop())
	for i := range results {
		results[i] = th.Get(i + 1)
	}
	vm.release(th)
	return results, nil
}

// basePcall is pcall.
func basePcall(L *lua.LState) int {
	vm := VMOf(L)
	L.CheckAny(1)
	nargs := L.GetTop() - 1
	depth := vm.now.depth
	th := vm.enter(L)
	for i := 1; i <= nargs+1; i++ {
		th.Push(L.Get(i))
	}
	raised := vm.protect(th, nargs)
	vm.now.depth = depth
	L.SetTop(0)
	if raised != nil {
		vm.passing = passing{}
		L.Push(lua.LFalse)
		L.Push(raised.Object)
		return 2
	}
	L.Push(lua.LTrue)
	return 1 + vm.moveResults(L, th)
}

// moveResults moves all values from th to L and releases th.
func (vm *VM) moveResults(L, th *lua.LState) int {
	n := th.GetTop()
	for i := 1; i <= n; i++ {
		L.Push(th.Get(i))
	}
	vm.release(th)
	return n
}

// baseXpcall is xpcall. The handler runs after the stack has been unwound; debug.traceback, called in it, tells how the
// stack was at the raise.
func baseXpcall(L *lua.LState) int {
	vm := VMOf(L)
	L.CheckAny(2)
	handler := L.Get(2)
	depth := vm.now.depth
	th := vm.enter(L)
	th.Push(L.Get(1))
	nargs := 0
	for i := 3; i <= L.GetTop(); i++ {
		th.Push(L.Get(i))
		nargs++
	}
	raised := vm.protect(th, nargs)
	vm.now.depth = depth
	L.SetTop(0)
	if raised == nil {
		L.Push(lua.LTrue)
		return 1 + vm.moveResults(L, th)
	}

	vm.passing = passing{}
	outer := vm.handling
	vm.handling = raised.StackTrace
	th = vm.enter(L)
	th.Push(handler)
	th.Push(raised.Object)
	again := vm.protect(th, 1)
	vm.now.depth = depth
	vm.handling = outer
	L.Push(lua.LFalse)
	if again != nil {
		L.Push(again.Object)
		return 2
	}
	L.Push(th.Get(1)) // LNil when there is no result
	vm.release(th)
	return 2
}
