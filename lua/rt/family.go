package rt

import (
	"slices"
	"time"

	lua "github.com/yuin/gopher-lua"
)

const (
	// maxTasks bounds the live tasks of one handler: each keeps about 12 KB.
	maxTasks = 256
	// maxDefers bounds what one run may defer.
	maxDefers = 200
	// deferTime is how long a deferred function may wait.
	deferTime = 30 * time.Second
)

// family is what belongs to a run besides itself, and ends with it: who starts it owns it.
type family struct {
	parent *Run
	tasks  []*Run // that have not ended, oldest first
	live   int    // of a root: its tasks and theirs
	defers []*lua.LFunction
	owned  []Owned
	failed *RunError // of a root: the error of a task
}

// Owned is something that ends with the run that has it, unless that is a task and returns it: a leg that was dialed,
// for instance.
type Owned interface {
	// Abandon ends it because its run has ended, with the cause for which that was unwound; "" when it was not.
	Abandon(cause string)
}

func (r *Run) kin() *family {
	if r.family == nil {
		r.family = &family{}
	}
	return r.family
}

func (r *Run) parent() *Run {
	if r.family == nil {
		return nil
	}
	return r.family.parent
}

// Root returns the handler that the run is a task of, over however many other tasks: itself when it is none.
func (r *Run) Root() *Run { return r.root() }

func (r *Run) root() *Run {
	for r.parent() != nil {
		r = r.parent()
	}
	return r
}

// Spawn calls fn as a task of r: a run that ends with r. While a run executes it is posted. done is as in Start, and the
// error of a task that was canceled comes there too; without done an error fails the handler. A run that is over gets
// no tasks: done is told at once that it was canceled.
func (r *Run) Spawn(name string, fn *lua.LFunction, args []lua.LValue, done func(t *Run, results []lua.LValue, err error)) *Run {
	t := &Run{vm: r.vm, name: name, owner: r.owner, done: done, phase: Task, family: &family{parent: r}}
	if done == nil {
		t.done = func(t *Run, _ []lua.LValue, err error) { t.Escalate(err) }
	}
	r.vm.link(t)
	kin := r.kin()
	kin.tasks = append(kin.tasks, t)
	r.root().kin().live++
	switch u := r.unwinding; {
	case r.over() || r.vm.closed:
		t.unwinding = &Error{Cause: CauseCancel, Message: r.name + " has ended"}
		t.end(nil, nil)
	case u != nil:
		t.unwinding = u
		t.end(nil, nil)
	case r.vm.busy():
		t.beginLater(fn, args)
	default:
		t.begin(fn, args)
	}
	return t
}

// Escalate makes the error that a task has ended with one of its handler, which is unwound: a dead billing task is no
// free call. What ended because it was unwound is no error. It returns whether it was one.
func (r *Run) Escalate(err error) bool {
	e, ok := err.(*RunError) //nolint:errorlint // done is given no other
	if !ok || r.stopped(e) {
		return false
	}
	root := r.root()
	switch {
	case root.state == ended:
		r.vm.report(r, e)
	case root.kin().failed == nil:
		root.family.failed = e
		root.unwind(&Error{Cause: e.Cause, Code: e.Code, Message: e.Handler + " has failed: " + e.Message})
	}
	return true
}

// stopped reports whether a run ended with e because it was unwound or killed, or because its caller is gone.
func (r *Run) stopped(e *RunError) bool {
	return e.Quiet || r.unwinding != nil && e.Cause == r.unwinding.Cause
}

// eachTask calls fn with each task, the youngest first. fn may end it.
func (r *Run) eachTask(fn func(*Run)) {
	if r.family == nil {
		return
	}
	for _, t := range slices.Backward(slices.Clone(r.family.tasks)) {
		fn(t)
	}
}

// endFamily ends the tasks and gives up what is owned. It returns the error with which the run really ends.
func (r *Run) endFamily(results []lua.LValue, err *RunError) *RunError {
	r.eachTask(func(t *Run) {
		if r.killed {
			t.Kill(r.unwinding.Cause)
		} else {
			t.unwind(&Error{Cause: CauseCancel, Message: r.name + " has ended"})
		}
	})
	kin := r.family
	if kin.failed != nil && (err == nil || r.stopped(err)) {
		err = kin.failed
	}
	if err != nil {
		results = nil
	}
	r.leave(results)
	if kin.parent != nil {
		mates := &kin.parent.family.tasks
		*mates = slices.DeleteFunc(*mates, func(t *Run) bool { return t == r })
		r.root().family.live--
	}
	return err
}

// leave passes what the run owns and returns to its parent, and gives up the rest, the youngest first.
func (r *Run) leave(results []lua.LValue) {
	owned, cause, parent := r.family.owned, r.Unwinding(), r.parent()
	r.family.owned = nil
	for _, o := range slices.Backward(owned) {
		if parent != nil && !parent.over() && r.unwinding == nil && holds(results, o) {
			parent.Own(o)
			continue
		}
		o.Abandon(cause)
	}
}

// holds reports whether o is one of the results, or in a table that is.
func holds(results []lua.LValue, o Owned) bool {
	is := func(v lua.LValue) bool {
		ud, ok := v.(*lua.LUserData)
		return ok && ud.Value == o
	}
	for _, v := range results {
		if is(v) {
			return true
		}
		if t, ok := v.(*lua.LTable); ok {
			found := false
			t.ForEach(func(_, member lua.LValue) { found = found || is(member) })
			if found {
				return true
			}
		}
	}
	return false
}

// Own makes o end with the run. When that is over already, it ends now.
func (r *Run) Own(o Owned) {
	if r.over() {
		o.Abandon(r.Unwinding())
		return
	}
	kin := r.kin()
	if !slices.Contains(kin.owned, o) {
		kin.owned = append(kin.owned, o)
	}
}

// Disown takes o from the run, or from whichever it has been passed to.
func (r *Run) Disown(o Owned) {
	for ; r != nil; r = r.parent() {
		if r.family != nil {
			r.family.owned = slices.DeleteFunc(r.family.owned, func(other Owned) bool { return other == o })
		}
	}
}

// runDefers starts what the run has deferred, the last first, one after the other.
func (r *Run) runDefers() {
	if r.family == nil || len(r.family.defers) == 0 || r.killed || r.vm.closed {
		return
	}
	last := len(r.family.defers) - 1
	fn := r.family.defers[last]
	r.family.defers = r.family.defers[:last]
	d := &Run{vm: r.vm, name: r.name + "/defer", owner: r.owner, phase: Task, deferred: true}
	stop := r.vm.cfg.Loop.After(deferTime, func() {
		d.unwind(&Error{Cause: CauseTimeout, Message: "what is deferred may take " + deferTime.String()})
	})
	d.done = func(_ *Run, _ []lua.LValue, err error) {
		stop()
		if err != nil {
			r.vm.report(d, err.(*RunError)) //nolint:errorlint // done is given no other
		}
		r.killed = r.killed || d.killed
		r.runDefers()
	}
	r.vm.link(d)
	d.begin(fn, nil)
}
