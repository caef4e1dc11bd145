package rt

import (
	lua "github.com/yuin/gopher-lua"
)

// wait is one suspension of a run.
type wait struct {
	run     *Run
	undo    func()
	err     error
	settled bool
	finish  bool // unwinding lets it end by itself
	lasting bool // a hang-up is its end, which comes by itself
}

// fail ends the wait from outside.
func (w *wait) fail(err error) {
	if w.settled {
		return
	}
	w.settled, w.err = true, err
	if undo := w.undo; undo != nil {
		w.undo = nil
		undo()
	}
}

type waiter[T any] struct {
	wait
	value T
}

func (w *waiter[T]) resume(v T) {
	if w.settled {
		return
	}
	w.settled, w.value, w.undo = true, v, nil
	w.run.wakeFrom(&w.wait)
}

// Await parks the run until resume is called. It is the only suspension point there is.
//
// start arms whatever brings the result and may call resume at once, in which case nothing is parked. Otherwise
// resume is called on the loop; only the first call counts, later ones do nothing, also when the run is long over.
// undo, which may be nil, disarms: it is called, on the loop, when the run is unwound or killed first.
//
// The error is an *Error with the cause of unwinding: bindings raise it (Raise) unless that is a normal end for them.
// Await raises by itself in a phase that may not wait.
func Await[T any](L *lua.LState, start func(resume func(T)) (undo func())) (T, error) {
	return await(L, &waiter[T]{}, start)
}

// AwaitFinish is Await for an operation that must not be torn: unwinding lets it come to its end, and only the next
// wait fails. Kill ends it nevertheless.
func AwaitFinish[T any](L *lua.LState, start func(resume func(T)) (undo func())) (T, error) {
	w := &waiter[T]{}
	w.finish = true
	return await(L, w, start)
}

// AwaitEnd is Await for an operation to which the caller's hang-up is an end like any other: that does not undo it, and
// what comes behind it may still wait. Whoever armed it sees to it that resume is called. Unwinding for another cause
// undoes it.
func AwaitEnd[T any](L *lua.LState, start func(resume func(T)) (undo func())) (T, error) {
	w := &waiter[T]{}
	w.lasting = true
	return await(L, w, start)
}

func await[T any](L *lua.LState, w *waiter[T], start func(resume func(T)) (undo func())) (T, error) {
	w.run = VMOf(L).mayWait(L)
	if u := w.run.unwinding; u != nil {
		return w.value, u
	}
	undo := start(w.resume)
	switch u := w.run.unwinding; {
	case w.settled:
	case u != nil && (w.run.killed || !w.finish):
		w.undo = undo
		w.fail(u)
	default:
		w.undo = undo
		w.run.park(&w.wait)
	}
	return w.value, w.err
}

// mayWait returns the run, or raises when it may not wait now.
func (vm *VM) mayWait(L *lua.LState) *Run {
	r := vm.now.run
	if r == nil || vm.now.fiber == nil || vm.now.phase&MayWait == 0 {
		Raisef(L, "may not wait in %s", vm.now.phase)
	}
	if vm.meter.left < 0 && !r.killed {
		L.RaiseError("%s", errBudget.Error())
	}
	return r
}

// park gives control back to the loop until the wait is settled.
func (r *Run) park(w *wait) {
	r.state, r.wait, r.lasting = waiting, w, w.lasting
	if !r.vm.suspend() {
		w.fail(r.unwinding)
	}
}

// suspend switches from the executing coroutine to whoever resumed it, and returns when it is resumed again: true to
// go on, false to unwind because the run was killed.
func (vm *VM) suspend() bool {
	here, current := vm.now, vm.base.G.CurrentThread
	ok := here.fiber.yield(parked)
	vm.now, vm.base.G.CurrentThread = here, current
	return ok
}

func (r *Run) wakeFrom(w *wait) {
	if r.wait == w {
		r.wake()
	}
}
