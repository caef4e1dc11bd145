package rt

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// part is one of the functions that are gathered.
type part struct {
	key lua.LValue
	fn  *lua.LFunction
}

// gathering is a call of task.any or task.all: the run that makes it waits for tasks of its own.
type gathering struct {
	run     *Run
	members []part
	tasks   []*Run
	left    int
	stop    func() // of the time limit
	cut     *Error // why a member was unwound: the caller is gone
	decided bool
	resume  func(verdict)
}

// verdict is how a gathering has ended.
type verdict struct {
	key    lua.LValue   // whose results these are; nil when no member has given any
	values []lua.LValue // its results
	raised *RunError    // what a member raised
	cause  string       // why there is no winner
}

// TaskAny is task.any: it runs all members until the first returns a value.
func TaskAny(L *lua.LState) int {
	list := CheckTable(L, 1)
	limit := time.Duration(-1)
	if v := list.RawGetString("timeout"); v != lua.LNil {
		f, isNumber := number(v)
		d, ok := seconds(f)
		if limit = d; !isNumber || !ok {
			ArgError(L, 1, "timeout: seconds, 0 or more, expected, got %s", tostring(L, v))
		}
	}
	v := gather(L, membersOf(L, list, "timeout"), limit, func(g *gathering, m part, results []lua.LValue) {
		switch {
		case len(results) > 0 && lua.LVAsBool(results[0]):
			g.decide(verdict{key: m.key, values: slices.Clone(results)})
		case g.left == 0:
			g.decide(verdict{cause: CauseNone})
		}
	})
	if v.key == nil {
		message := "no task has returned a value"
		if v.cause == CauseTimeout {
			message = "no task has returned a value in time"
		}
		return Fail(L, v.cause, message, 0)
	}
	L.Push(v.key)
	return 1 + pushAll(L, v.values)
}

// TaskAll is task.all: it runs all members and waits for all of them.
func TaskAll(L *lua.LState) int {
	all := L.NewTable()
	gather(L, membersOf(L, CheckTable(L, 1), ""), -1, func(g *gathering, m part, results []lua.LValue) {
		if len(results) > 0 {
			all.RawSet(m.key, results[0])
		}
		if g.left == 0 {
			g.decide(verdict{})
		}
	})
	L.Push(all)
	return 1
}

// membersOf reads the functions of a table: those of its list first, then those with names by their order, because the
// order in which they begin is visible.
func membersOf(L *lua.LState, t *lua.LTable, option string) []part {
	var keys []lua.LValue
	t.ForEach(func(k, _ lua.LValue) {
		switch k.(type) {
		case lua.LNumber, lua.LString:
			if k != lua.LString(option) {
				keys = append(keys, k)
			}
		default:
			ArgError(L, 1, "number or name expected as a key, got %s", k.Type())
		}
	})
	slices.SortFunc(keys, func(a, b lua.LValue) int {
		i, first := a.(lua.LNumber)
		j, second := b.(lua.LNumber)
		switch {
		case first && second:
			return cmp.Compare(i, j)
		case first != second:
			return strings.Compare(a.Type().String(), b.Type().String()) // number, string
		}
		return strings.Compare(a.String(), b.String())
	})
	parts := make([]part, len(keys))
	for i, k := range keys {
		fn, ok := t.RawGet(k).(*lua.LFunction)
		if !ok {
			ArgError(L, 1, "%s: function expected, got %s", tostring(L, k), t.RawGet(k).Type())
		}
		parts[i] = part{k, fn}
	}
	return parts
}

// gather runs the members as tasks until one decides. returned is called when a member has returned. A caller who goes
// ends every wait of the members that is not at its end by that itself, and the gathering waits for them: what one of
// them still returns counts.
func gather(L *lua.LState, members []part, limit time.Duration, returned func(*gathering, part, []lua.LValue)) verdict {
	g := &gathering{run: Current(L), members: members, left: len(members)}
	v, err := AwaitEnd(L, func(resume func(verdict)) func() {
		g.resume = resume
		if len(members) == 0 {
			g.decide(verdict{cause: CauseNone})
			return nil
		}
		g.begin(L, returned)
		if limit >= 0 {
			g.stop = VMOf(L).Loop().After(limit, func() { g.decide(verdict{cause: CauseTimeout}) })
		}
		return func() {
			g.decided = true
			g.disarm()
		}
	})
	switch r := g.run; {
	case err != nil:
		Raise(L, err)
	case v.raised != nil:
		r.vm.passing = passing{v.raised.Value, strings.Split(v.raised.Traceback, "\n")}
		L.Error(v.raised.Value, 0)
	case v.key == nil && g.cut != nil:
		if r.unwinding == nil {
			r.unwinding = g.cut // the hang-up was no end for any of them, so it is none for who waits
		}
		Raise(L, g.cut)
	}
	return v
}

func (g *gathering) begin(L *lua.LState, returned func(*gathering, part, []lua.LValue)) {
	g.run.checkTasks(L, len(g.members))
	for _, m := range g.members {
		name := fmt.Sprintf("%s/%s", g.run.name, m.key)
		g.tasks = append(g.tasks, g.run.Spawn(name, m.fn, nil, func(t *Run, results []lua.LValue, err error) {
			g.left--
			e, _ := err.(*RunError) //nolint:errorlint // done is given no other
			switch {
			case g.decided:
				t.Escalate(err)
				return
			case e != nil && (t.unwinding == nil || !t.stopped(e)):
				g.decide(verdict{raised: e})
				return
			case t.unwinding != nil:
				g.cut = t.unwinding // whatever it has made of it
			}
			returned(g, m, results)
		}))
	}
}

// decide ends the gathering: whoever still runs is canceled, the youngest first, before anybody hears of it.
func (g *gathering) decide(v verdict) {
	if g.decided {
		return
	}
	g.decided = true
	g.disarm()
	for _, t := range slices.Backward(g.tasks) {
		t.Unwind(CauseCancel)
	}
	g.resume(v)
}

func (g *gathering) disarm() {
	if g.stop != nil {
		g.stop()
	}
}

// Crowded reports whether the handler of r has as many live tasks as it may have: what would start one more for each thing
// that somebody else does has to leave it.
func (r *Run) Crowded() bool { return r.root().kin().live >= maxTasks }

// checkTasks raises when n more tasks would be too many.
func (r *Run) checkTasks(L *lua.LState, n int) {
	if live := r.root().kin().live; live+n > maxTasks {
		Raisef(L, "too many tasks: a handler has at most %d", maxTasks)
	}
}
