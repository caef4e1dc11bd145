package rt

import (
	lua "github.com/yuin/gopher-lua"
)

// runState is where a run is in its life.
type runState uint8

const (
	created runState = iota // its first slice is to come
	running                 // executes
	waiting                 // parked in Await
	woken                   // its wait is over, its next slice is to come
	ending                  // its function is over, its tasks are being ended
	ended
)

// Run is one call of a script function from the outside.
type Run struct {
	vm    *VM
	name  string
	owner any
	done  func(r *Run, results []lua.LValue, err error)

	state     runState
	killed    bool
	lasting   bool // its wait, or the one it comes from, takes a hang-up for its end
	deferred  bool // it executes what another run has deferred
	phase     Phase
	fiber     *fiber // nil before the first slice
	wait      *wait  // while it waits
	unwinding *Error

	family     *family // nil for the many runs without any
	coroutines brood
	prev, next *Run
}

// Start calls fn as a new run and returns when the run waits for the first time or has ended; while another run
// executes, it returns at once and the run is posted. The args belong to the run. done, which may be nil, is called
// once when the run has ended, possibly before Start returns; results are valid only during the call; err is nil or a
// *RunError. Without done an error is logged.
func (vm *VM) Start(name string, fn *lua.LFunction, phase Phase, owner any, args []lua.LValue, done func(r *Run, results []lua.LValue, err error)) *Run {
	r := &Run{vm: vm, name: name, owner: owner, done: done, phase: phase}
	vm.link(r)
	switch {
	case vm.closed:
		r.killed, r.unwinding = true, &Error{Cause: CauseKilled, Message: ErrClosed.Error()}
		r.end(nil, nil)
	case vm.busy():
		r.beginLater(fn, args)
	default:
		r.begin(fn, args)
	}
	return r
}

// scene is what the run starts each slice with.
func (r *Run) scene() scene {
	return scene{run: r, fiber: r.fiber, owner: &r.coroutines, phase: r.phase, handler: r.name}
}

// Name returns the name given to Start.
func (r *Run) Name() string { return r.name }

// Owner returns the owner given to Start.
func (r *Run) Owner() any { return r.owner }

// VM returns the VM of the run.
func (r *Run) VM() *VM { return r.vm }

// Parked reports whether the run waits.
func (r *Run) Parked() bool { return r.state == waiting }

// Ended reports whether the run is over. What it has deferred may still run.
func (r *Run) Ended() bool { return r.state == ended }

// over reports whether the run's own function is: nothing can stop it any more.
func (r *Run) over() bool { return r.state >= ending }

// Unwinding returns the cause given to Unwind or Kill, "" when there was none.
func (r *Run) Unwinding() string {
	if r.unwinding == nil {
		return ""
	}
	return r.unwinding.Cause
}

// Unwind makes the present wait of the run, and each later one, raise an error with this cause, and likewise in all
// its tasks, the youngest first. A wait that must finish (AwaitFinish) returns its result first; one that takes the
// caller's hang-up for its end (AwaitEnd) returns, and nothing later raises. The first cause stays. What the wait had
// armed is undone before Unwind returns. Deferred functions are not reached: they run because everything else has
// ended. It is called on the loop, from within other runs too.
func (r *Run) Unwind(cause string) {
	if r.Unwindable() {
		r.unwind(&Error{Cause: cause, Message: r.name + " was unwound"})
	}
}

// Unwindable reports whether Unwind would reach the run.
func (r *Run) Unwindable() bool {
	return !r.over() && r.unwinding == nil && !r.root().deferred
}

func (r *Run) unwind(why *Error) {
	if r.over() || r.unwinding != nil {
		return
	}
	lasting := r.lasting && why.Cause == CauseHangup
	if !lasting {
		r.unwinding = why // before the end of a task can let the run go on
	}
	r.eachTask(func(t *Run) { t.unwind(why) })
	if !lasting && !r.over() {
		r.breakOff()
	}
}

// breakOff ends the present wait of a run that unwinds. A task that has not begun never will.
func (r *Run) breakOff() {
	switch w := r.wait; {
	case r.state == created && r.parent() != nil:
		r.end(nil, nil)
	case w != nil && !w.finish:
		w.fail(r.unwinding)
		r.wake()
	}
}

// Kill ends the run whatever its script does, and calls done with this cause, or CauseKilled when it is empty. Parked
// waits are undone; no instruction of the script is executed any more, not even in pcall or of what was deferred. Its
// tasks are killed first. It is called on the loop; from within a run the end may come later than the return.
func (r *Run) Kill(cause string) {
	if r.over() || r.killed {
		return
	}
	if cause == "" {
		cause = CauseKilled
	}
	r.killed = true
	r.unwinding = &Error{Cause: cause, Message: r.name + " was killed"}
	r.eachTask(func(t *Run) { t.Kill(cause) })
	if r.over() {
		return // the end of a task has let it go on, to its own
	}
	if w := r.wait; w != nil {
		w.fail(r.unwinding)
	}
	switch {
	case r.vm.now.run == r:
		r.vm.meter.spend()
	case r.vm.busy():
		r.vm.cfg.Loop.Post(r.destroy)
	default:
		r.destroy()
	}
}

// busy reports whether script code executes: only one run does at a time, and none is started or resumed meanwhile.
func (vm *VM) busy() bool { return vm.now.phase != 0 }

// begin executes the first slice.
func (r *Run) begin(fn *lua.LFunction, args []lua.LValue) {
	r.fiber = r.vm.newFiber()
	r.fiber.fn, r.fiber.args = fn, args
	r.step()
}

// beginLater is a function of its own so that begin needs no closure.
func (r *Run) beginLater(fn *lua.LFunction, args []lua.LValue) {
	r.vm.cfg.Loop.Post(func() {
		if r.state == created && !r.killed { // a task that was canceled has ended without beginning
			r.begin(fn, args)
		}
	})
}

// wake lets the run go on after its wait.
func (r *Run) wake() {
	if r.state != waiting {
		return
	}
	r.state, r.wait = woken, nil
	if r.vm.busy() {
		r.vm.cfg.Loop.Post(r.goOn)
		return
	}
	r.goOn()
}

func (r *Run) goOn() {
	if r.state == woken {
		r.step()
	}
}

// step executes one slice: from the start or the end of a wait to the next wait or the end.
func (r *Run) step() {
	if r.killed {
		r.destroy()
		return
	}
	vm, f := r.vm, r.fiber
	r.state, r.lasting = running, false
	vm.now = r.scene()
	vm.meter.begin(vm.cfg.Budget, vm.sliceTime)
	why, _ := f.next()
	vm.now = scene{}
	if why == finished {
		r.end(f.results, f.err)
	}
}

// destroy ends a killed run that does not execute: its coroutine is resumed once more, with every wait failing and
// no instruction left, so that its stack unwinds.
func (r *Run) destroy() {
	if r.over() {
		return
	}
	vm, f := r.vm, r.fiber
	if f == nil {
		r.end(nil, nil)
		return
	}
	r.state = running
	vm.now = r.scene()
	vm.meter.spend()
	f.stop()
	vm.now = scene{}
	r.fiber = nil
	r.end(nil, f.err)
}

// end is called once, when nothing of the run executes any more: its tasks end with it, then whoever started it is
// told, and last what was deferred runs. A handler's answer is out before its defers wait; a task's defers have begun
// before anybody goes on with its results.
func (r *Run) end(results []lua.LValue, raised *lua.ApiError) {
	vm, f := r.vm, r.fiber
	var err *RunError
	if raised != nil || r.killed || f == nil {
		err = vm.runError(r.scene(), raised)
		err.Unwound = r.stopped(err)
	}
	r.state = ending
	vm.unlink(r)
	if r.family != nil {
		err = r.endFamily(results, err)
	}
	r.state = ended
	r.coroutines.close(vm)
	if r.parent() != nil {
		r.runDefers()
		r.tell(results, err)
	} else {
		r.tell(results, err)
		r.runDefers()
	}
	if f != nil {
		vm.recycle(f)
	}
	if vm.live == 0 && !vm.closed && vm.cfg.Idle != nil {
		vm.cfg.Idle()
	}
}

// tell calls done.
func (r *Run) tell(results []lua.LValue, err *RunError) {
	switch {
	case r.done == nil && err != nil:
		r.vm.report(r, err)
	case r.done == nil:
	case err != nil:
		r.done(r, nil, err)
	default:
		r.done(r, results, nil)
	}
}

func (vm *VM) link(r *Run) {
	r.prev = vm.last
	if vm.last != nil {
		vm.last.next = r
	} else {
		vm.first = r
	}
	vm.last = r
	vm.live++
}

func (vm *VM) unlink(r *Run) {
	if r.prev != nil {
		r.prev.next = r.next
	} else {
		vm.first = r.next
	}
	if r.next != nil {
		r.next.prev = r.prev
	} else {
		vm.last = r.prev
	}
	vm.live--
}
