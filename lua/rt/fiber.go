package rt

import (
	"iter"

	lua "github.com/yuin/gopher-lua"
)

// signal is why a fiber gave control back.
type signal uint8

const (
	parked   signal = iota // it waits, see Await
	yielded                // coroutine.yield
	finished               // its function has returned or raised
)

// fiber is a coroutine with a Go stack and a Lua thread. A run executes on one, and so does each coroutine of a
// script. Making one takes about 13 µs, so that finished ones serve again.
type fiber struct {
	thread *lua.LState
	next   func() (signal, bool)
	stop   func()
	yield  func(signal) bool

	fn      lua.LValue
	args    []lua.LValue
	results []lua.LValue
	err     *lua.ApiError
}

func (vm *VM) newFiber() *fiber {
	if n := len(vm.idle); n > 0 {
		f := vm.idle[n-1]
		vm.idle[n-1] = nil
		vm.idle = vm.idle[:n-1]
		return f
	}
	f := &fiber{thread: vm.newThread()}
	f.next, f.stop = iter.Pull(func(yield func(signal) bool) {
		f.yield = yield
		for {
			f.work()
			if !yield(finished) {
				return
			}
		}
	})
	return f
}

// work calls fn with args and keeps what comes of it.
func (f *fiber) work() {
	th := f.thread
	th.Push(f.fn)
	for _, arg := range f.args {
		th.Push(arg)
	}
	nargs := len(f.args)
	f.fn, f.args = nil, nil
	if err := th.PCall(nargs, lua.MultRet, nil); err != nil {
		f.err = err.(*lua.ApiError) //nolint:errorlint // PCall returns no other
		if !reusable(f.err) {
			abandon(th)
		}
		return
	}
	for i, n := 1, th.GetTop(); i <= n; i++ {
		f.results = append(f.results, th.Get(i))
	}
	th.SetTop(0)
}

// recycle takes back a fiber whose work is finished, unless its thread is marked as dead.
func (vm *VM) recycle(f *fiber) {
	clear(f.results)
	f.results = f.results[:0]
	if f.thread.Dead || len(vm.idle) >= vm.cfg.MaxIdle || vm.closed {
		f.stop()
		return
	}
	f.err = nil
	vm.idle = append(vm.idle, f)
}
