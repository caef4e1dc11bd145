package proxy

import "github.com/sipscript/sipscript/sip/wheel"

// fork is one call of Context.Fork: groups of targets, one group at a time.
//
// A branch may end at any moment, also while it is being started or cancelled, and the end of the fork lets its owner
// fork again. So whoever touches several branches is busy meanwhile, and advance alone decides how to go on, when
// nobody is.
type fork struct {
	ctx     *Context
	options Options
	done    func(Result) // nil once it has been called, or when nobody waits
	groups  []Group      // not begun
	ahead   int          // how many of them are tried whatever NextOn says
	begun   bool
	group   []*branch // of the group that runs
	ended   []*answer // of all groups
	judged  int       // how many of them are of earlier groups
	tried   []way     // where targets were, each once (RFC 3261 §16.5)
	taken   int       // contacts of redirections among them

	rang    bool
	stopped bool // a 2xx or 6xx: no branch is started any more
	busy    bool
	timeout wheel.Timer // the group's
}

// open reports whether a branch may still be started.
func (f *fork) open() bool {
	c := f.ctx
	return f.done != nil && !f.stopped && !c.canceled && !c.final && !c.gone()
}

// advance goes on: with a target that waits for its time, with the next group, or to the end.
func (f *fork) advance() {
	for !f.busy && f.done != nil {
		switch {
		case f.running() == 0 && f.goesOn():
			f.start()
		case f.running() == 0 || f.success() != nil:
			f.report()
		case f.open() && f.waitsOnly():
			f.hurry()
		default:
			return
		}
	}
}

// goesOn decides whether the next group is tried.
func (f *fork) goesOn() bool {
	if len(f.groups) == 0 || !f.open() {
		return false
	}
	last := f.ctx.best(f.ended[f.judged:])
	if !f.begun || f.ahead > 0 || last == nil || f.options.NextOn == nil {
		return true
	}
	return f.options.NextOn(causeOf(last.code, f.rang), last.code)
}

// start begins the next group.
func (f *fork) start() {
	c := f.ctx
	f.group, f.judged = nil, len(f.ended)
	g, breadth := f.pick()
	f.begun, f.busy = true, true
	for i := range g {
		share := breadth / len(g)
		if i < breadth%len(g) {
			share++
		}
		newBranch(f, &g[i], share)
	}
	for i := range g {
		f.group[i].start()
	}
	f.busy = false
	if f.running() > 0 {
		c.env.Loop.Wheel().Schedule(&f.timeout, f.options.Timeout)
	}
}

// running is how many branches of the group have not ended.
func (f *fork) running() int {
	n := 0
	for _, b := range f.group {
		if !b.reported {
			n++
		}
	}
	return n
}

// waitsOnly reports whether every branch left is one whose time has not come.
func (f *fork) waitsOnly() bool {
	for _, b := range f.group {
		if !b.reported && b.state != waiting {
			return false
		}
	}
	return true
}

// hurry starts the earliest of the targets that wait for their time, as all others have failed.
func (f *fork) hurry() {
	var first *branch
	for _, b := range f.group {
		if b.state == waiting && (first == nil || b.target.After < first.target.After) {
			first = b
		}
	}
	f.busy = true
	first.begin()
	f.busy = false
}

// branchEnded is told of the end of each branch of this fork, and of an answer from one that was given up before.
func (f *fork) branchEnded(a *answer) {
	if a.code/100 == 3 && a.reply != nil && f.options.Recurse && f.open() {
		a = f.recurse(a)
	}
	if a != nil {
		f.note(a)
		// A 6xx says that nobody will answer: no new branch, the rest is cancelled, and a 2xx that comes meanwhile still
		// wins (RFC 3261 §16.7(5)).
		if a.code/100 == 2 || a.code/100 == 6 {
			f.stop()
		}
	}
	f.advance()
}

// note keeps a final, for the result and for the best response of the context.
func (f *fork) note(a *answer) {
	if f.done != nil {
		f.ended = append(f.ended, a)
	}
	if c := f.ctx; !c.final {
		c.finals = append(c.finals, a)
	}
}

// stop starts no branch any more and cancels what runs, of earlier forks too.
func (f *fork) stop() {
	f.stopped = true
	busy := f.busy
	f.busy = true
	f.ctx.cancelAll()
	f.busy = busy
}

// TimerFired implements wheel.Owner: the group's time is up. CANCELs go out, and what they bring is waited for a
// second.
func (f *fork) TimerFired(*wheel.Timer) {
	f.busy = true
	for _, b := range f.group {
		if !b.reported {
			b.expire()
		}
	}
	f.busy = false
	f.advance()
}

// report calls done. Nothing of the fork is touched after that but by branches that linger.
func (f *fork) report() {
	if len(f.ended) == 0 {
		f.note(&answer{code: 480}) // an empty target set (RFC 3261 §16.5)
	}
	f.timeout.Stop()
	if f.ctx.fork == f {
		f.ctx.fork = nil
	}
	result, done := f.result(), f.done
	f.letGo()
	done(result)
}

// letGo keeps of a fork that nobody waits for what branches that linger need. There are many for 32 s.
func (f *fork) letGo() {
	if f.options.OnReply == nil {
		for _, b := range f.group {
			b.target = nil
		}
	}
	f.options.OnBranch, f.options.NextOn = nil, nil
	f.done, f.groups, f.group, f.ended, f.tried = nil, nil, nil, nil, nil
}

func (f *fork) result() Result {
	r := Result{Rang: f.rang}
	for _, a := range f.ended {
		if a.branch != nil && a.branch.fork == f && !a.leftOut {
			r.Branches = append(r.Branches, BranchEnd{Target: a.branch.target, Code: a.code, Reason: a.text(), Cause: causeOf(a.code, a.branch.rang)})
		}
	}
	best := f.success()
	if best == nil {
		best = f.ctx.best(f.ended)
	}
	r.Code, r.Reason, r.Reply = best.code, best.text(), best.reply
	r.Cause = causeOf(best.code, f.rang)
	r.Q850, r.Full = q850(best.reply), best.full
	if best.branch != nil {
		r.Target = best.branch.target
	}
	if f.ctx.canceled && r.Cause != Answered {
		r.Cause = Canceled
	}
	return r
}

func (f *fork) success() *answer {
	for _, a := range f.ended {
		if a.code/100 == 2 {
			return a
		}
	}
	return nil
}

var _ wheel.Owner = (*fork)(nil)
