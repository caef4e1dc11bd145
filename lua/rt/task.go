package rt

import (
	"slices"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// spawned is what a script sees of a task that it has spawned.
type spawned struct {
	run     *Run
	over    bool
	results []lua.LValue
	err     *RunError
	waiting []*taskWait // whoever waits for it
}

type taskWait struct{ resume func(bool) }

// TaskSpawn is task.spawn(fn, ...), whose object is a typ.
func TaskSpawn(typ *Type) lua.LGFunction {
	return func(L *lua.LState) int {
		fn, r := CheckFunction(L, 1), Current(L)
		r.checkTasks(L, 1)
		t := &spawned{}
		t.run = r.Spawn(r.name+"/task", fn, arguments(L, 2), t.ended)
		L.Push(r.vm.NewObject(typ, t))
		return 1
	}
}

func (t *spawned) ended(r *Run, results []lua.LValue, err error) {
	t.over, t.results = true, slices.Clone(results)
	t.err, _ = err.(*RunError) //nolint:errorlint // done is given no other
	r.Escalate(err)
	waiting := t.waiting
	t.waiting = nil
	for _, w := range waiting {
		w.resume(true)
	}
}

// TaskWait is task:wait([timeout]). A handler whose task fails is unwound, so that an error which comes back from here
// is that of another handler's task.
func TaskWait(L *lua.LState) int {
	t := CheckObject[*spawned](L, 1, "task")
	limit := OptSeconds(L, 2, -1)
	for r := Current(L); r != nil; r = r.parent() {
		if r == t.run {
			Raisef(L, "a task cannot wait for its own end")
		}
	}
	over, err := Await(L, func(resume func(bool)) func() { return t.await(VMOf(L).Loop(), limit, resume) })
	r := Current(L)
	switch {
	case err != nil:
		return Raise(L, err)
	case r.unwinding != nil && t.err != nil: // both were unwound
		return Raise(L, r.unwinding)
	case !over:
		return Fail(L, CauseTimeout, "the task has not ended in time", 0)
	case t.err != nil:
		return Fail(L, t.err.Cause, t.err.Message, t.err.Code)
	}
	return pushAll(L, t.results)
}

// await calls resume when the task is over, with false when the limit comes first; a negative one is none.
func (t *spawned) await(loop Loop, limit time.Duration, resume func(bool)) (undo func()) {
	if t.over {
		resume(true)
		return nil
	}
	w, stop := &taskWait{}, func() {}
	leave := func() {
		stop()
		t.waiting = slices.DeleteFunc(t.waiting, func(other *taskWait) bool { return other == w })
	}
	w.resume = func(over bool) {
		leave()
		resume(over)
	}
	t.waiting = append(t.waiting, w)
	if limit >= 0 {
		stop = loop.After(limit, func() { w.resume(false) })
	}
	return leave
}

// TaskEnded is the field of a task that says whether it has ended.
func TaskEnded(_ *lua.LState, object any) lua.LValue { return lua.LBool(object.(*spawned).over) }

// TaskCancel is task:cancel().
func TaskCancel(L *lua.LState) int {
	CheckObject[*spawned](L, 1, "task").run.Unwind(CauseCancel)
	return 0
}

// Defer is the global function defer(fn).
func Defer(L *lua.LState) int {
	fn, r := CheckFunction(L, 1), Current(L)
	kin := r.kin()
	if len(kin.defers) >= maxDefers {
		Raisef(L, "too many deferred functions: a handler or task has at most %d", maxDefers)
	}
	kin.defers = append(kin.defers, fn)
	return 0
}
