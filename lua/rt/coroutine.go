package rt

import (
	lua "github.com/yuin/gopher-lua"
)

// maxCoroutines bounds the suspended coroutines of one run: each keeps about 12 KB.
const maxCoroutines = 1000

// coroutine is a coroutine of a script. gopher-lua's own are of no use: a yield inside pcall, a metamethod or an
// iterator returns wrong values there, and a budget set on a run does not hold in them. It belongs to the run that
// made it, or to the VM when the main chunk did, and ends with its owner.
type coroutine struct {
	vm     *VM
	fn     *lua.LFunction
	handle *lua.LState // the value of type thread that scripts hold
	state  coState
	fiber  *fiber
	owner  *brood
	index  int // in owner.members
	sent   []lua.LValue
}

type coState uint8

const (
	suspended coState = iota
	executing
	normal // has resumed another
	dead
)

func (s coState) String() string {
	return [...]string{"suspended", "running", "normal", "dead"}[s]
}

// brood are the suspended coroutines of one owner.
type brood struct {
	members []*coroutine
	closed  bool // the owner is gone
}

// newCoroutine makes a coroutine that will call fn. It costs little until it is resumed.
func (vm *VM) newCoroutine(fn *lua.LFunction) *coroutine {
	co := &coroutine{vm: vm, fn: fn, owner: vm.now.owner}
	// The handle is a thread in type only; what it stands for hangs on its environment.
	co.handle = &lua.LState{Env: &lua.LTable{Metatable: &lua.LUserData{Value: co}}}
	return co
}

// checkCoroutine returns the coroutine that argument n is.
func checkCoroutine(L *lua.LState, n int) *coroutine {
	th := L.CheckThread(n)
	if th.Env != nil {
		if ud, ok := th.Env.Metatable.(*lua.LUserData); ok {
			if co, ok := ud.Value.(*coroutine); ok {
				return co
			}
		}
	}
	ArgError(L, n, "coroutine expected")
	return nil
}

// resume executes co until it yields, returns or raises, and pushes what it gives on L. When it may not be resumed,
// refused says why; raised is what it raised.
func (co *coroutine) resume(L *lua.LState, args []lua.LValue) (pushed int, raised *lua.ApiError, refused string) {
	vm := co.vm
	if co.owner.closed {
		co.state = dead
	}
	switch {
	case co.state != suspended:
		return 0, nil, "cannot resume " + co.state.String() + " coroutine"
	case vm.now.depth >= maxDepth:
		return 0, nil, "stack overflow"
	}
	if co.fiber != nil {
		co.sent = args
	} else if !co.begin(args) {
		return 0, nil, "too many coroutines"
	}

	here := vm.now
	if here.co != nil {
		here.co.state = normal
	}
	co.state = executing
	vm.now.co, vm.now.fiber, vm.now.depth = co, co.fiber, here.depth+1
	why := co.slice(here)
	vm.now = here
	if here.co != nil {
		here.co.state = executing
	}

	if why == yielded {
		co.state = suspended
		pushed = pushAll(L, co.sent)
		co.sent = nil
		return pushed, nil, ""
	}
	co.die()
	f := co.fiber
	co.fiber = nil
	raised = f.err
	if raised != nil {
		vm.meter.take(costError)
		vm.examine(raised)
		vm.leave(raised)
	} else {
		pushed = pushAll(L, f.results)
	}
	vm.recycle(f)
	return pushed, raised, ""
}

// slice lets the coroutine execute until it yields or is finished. When the run waits inside of it, the wait is
// passed on to the coroutine outside, and so on to the loop.
func (co *coroutine) slice(outside scene) signal {
	for {
		why, _ := co.fiber.next()
		if why != parked {
			return why
		}
		co.vm.now = outside
		if !co.vm.suspend() {
			co.fiber.stop()
			co.fiber.thread.Dead = true // not for reuse
			return finished
		}
	}
}

// begin gives the coroutine a fiber.
func (co *coroutine) begin(args []lua.LValue) bool {
	co.vm.meter.take(costCoroutine)
	b := co.owner
	if len(b.members) >= maxCoroutines {
		return false
	}
	co.index = len(b.members)
	b.members = append(b.members, co)
	co.fiber = co.vm.newFiber()
	co.fiber.fn, co.fiber.args = co.fn, args
	co.fn = nil
	return true
}

// die takes the coroutine from its owner.
func (co *coroutine) die() {
	co.state = dead
	all := co.owner.members
	last := all[len(all)-1]
	all[co.index], last.index = last, co.index
	all[len(all)-1] = nil
	co.owner.members = all[:len(all)-1]
}

// close ends the coroutines that are left when their owner is gone. None executes: their stacks are unwound without an
// instruction of the script.
func (b *brood) close(vm *VM) {
	b.closed = true
	if len(b.members) == 0 {
		return
	}
	here, left := vm.now, vm.meter.left
	vm.now = scene{phase: Event, owner: b, depth: here.depth}
	vm.meter.spend()
	for len(b.members) > 0 {
		co := b.members[len(b.members)-1]
		co.die()
		co.fiber.stop()
		co.fiber = nil
	}
	vm.now, vm.meter.left = here, left
}

func pushAll(L *lua.LState, values []lua.LValue) int {
	for _, v := range values {
		L.Push(v)
	}
	return len(values)
}

// arguments copies the arguments from n on.
func arguments(L *lua.LState, n int) []lua.LValue {
	if L.GetTop() < n {
		return nil
	}
	args := make([]lua.LValue, 0, L.GetTop()-n+1)
	for i := n; i <= L.GetTop(); i++ {
		args = append(args, L.Get(i))
	}
	return args
}

func coroutineCreate(L *lua.LState) int {
	L.Push(VMOf(L).newCoroutine(L.CheckFunction(1)).handle)
	return 1
}

func coroutineResume(L *lua.LState) int {
	co, args := checkCoroutine(L, 1), arguments(L, 2)
	L.SetTop(0)
	L.Push(lua.LTrue)
	n, raised, refused := co.resume(L, args)
	switch {
	case raised != nil:
		co.vm.passing = passing{}
		L.SetTop(0)
		L.Push(lua.LFalse)
		L.Push(raised.Object)
		return 2
	case refused != "":
		L.SetTop(0)
		L.Push(lua.LFalse)
		L.Push(lua.LString(refused))
		return 2
	}
	return 1 + n
}

func coroutineWrap(L *lua.LState) int {
	co := VMOf(L).newCoroutine(L.CheckFunction(1))
	L.Push(L.NewFunction(func(L *lua.LState) int {
		args := arguments(L, 1)
		L.SetTop(0)
		n, raised, refused := co.resume(L, args)
		if raised != nil {
			L.Error(raised.Object, 0)
		}
		if refused != "" {
			Raisef(L, "%s", refused)
		}
		return n
	}))
	return 1
}

func coroutineYield(L *lua.LState) int {
	co := VMOf(L).now.co
	if co == nil {
		Raisef(L, "attempt to yield from outside a coroutine")
	}
	co.sent = arguments(L, 1)
	L.SetTop(0)
	if !co.fiber.yield(yielded) {
		Raisef(L, "the coroutine has ended with its run")
	}
	n := pushAll(L, co.sent)
	co.sent = nil
	return n
}

func coroutineStatus(L *lua.LState) int {
	L.Push(lua.LString(checkCoroutine(L, 1).state.String()))
	return 1
}

func coroutineRunning(L *lua.LState) int {
	co := VMOf(L).now.co
	if co == nil {
		L.Push(lua.LNil)
		return 1
	}
	L.Push(co.handle)
	return 1
}

func coroutineIsYieldable(L *lua.LState) int {
	L.Push(lua.LBool(VMOf(L).now.co != nil))
	return 1
}

func coroutineLibrary() library {
	return library{
		{"create", coroutineCreate}, {"isyieldable", coroutineIsYieldable}, {"resume", coroutineResume},
		{"running", coroutineRunning}, {"status", coroutineStatus}, {"wrap", coroutineWrap}, {"yield", coroutineYield},
	}
}
