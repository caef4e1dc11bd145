package proxy

import (
	"strings"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/wheel"
)

// fork is one call of Context.Fork: groups of targets, one group at a time.
type fork struct {
	ctx      *Context
	groups   []Group
	options  Options
	done     func(Result)    // nil once it has been called, or when nobody waits
	group    []*branch       // of the group that runs
	ended    []*answer       // of this fork
	seen     map[string]bool // URIs tried, for recursion: each once (RFC 3261 §16.5)
	recursed int             // groups at the front that a 3xx has brought
	rang     bool
	overdue  bool // the group's time is up and its branches have been cancelled
	stopped  bool // a 2xx or 6xx: no branch is started any more
	timeout  wheel.Timer
	starting bool // next is starting branches: one that ends at once must not end the group
}

// next starts the next group, or reports when there is none.
func (f *fork) next() {
	c := f.ctx
	if c.inDialog && len(f.groups) == 0 && f.group == nil {
		f.groups = []Group{{{}}} // the route set decides
	}
	for len(f.groups) > 0 && !c.canceled && !f.stopped {
		g := f.groups[0]
		f.groups = f.groups[1:]
		if f.start(g) {
			return
		}
		if !f.goesOn() {
			break
		}
	}
	f.report()
}

// start begins a group; false: nothing of it is under way, all of it has ended already.
func (f *fork) start(g Group) bool {
	c := f.ctx
	if most := c.env.maxBranches(); len(g) > most {
		g = g[:most]
	}
	f.group, f.overdue, f.starting = nil, false, true
	breadth, ok := c.breadth(len(g))
	if !ok {
		f.ended = append(f.ended, &answer{code: 440})
		f.keep(f.ended[len(f.ended)-1])
		f.starting = false
		return false
	}
	for i := range g {
		share := breadth / len(g)
		if i < breadth%len(g) {
			share++
		}
		if f.options.Recurse {
			f.remember(g[i].URI)
		}
		b := newBranch(f, &g[i], share)
		f.group = append(f.group, b)
		c.open = append(c.open, b)
	}
	for _, b := range f.group {
		if f.stopped || c.canceled {
			b.cancel()
		} else {
			b.start()
		}
	}
	f.starting = false
	if f.running() == 0 {
		return false
	}
	if f.waitsOnly() {
		f.hurry()
	}
	c.env.Loop.Wheel().Schedule(&f.timeout, f.options.Timeout)
	return true
}

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
	if first != nil {
		first.begin()
	}
}

// keep remembers a final for the best response of the context.
func (f *fork) keep(a *answer) {
	if !f.ctx.final {
		f.ctx.finals = append(f.ctx.finals, a)
	}
}

// branchEnded is told of each branch of this fork, once.
func (f *fork) branchEnded(b *branch, a *answer) {
	if a.code/100 == 3 && a.reply != nil && f.options.Recurse && !f.stopped && !f.ctx.canceled && !f.ctx.final {
		a = f.recurse(a)
	}
	if a == nil {
		f.advance()
		return
	}
	f.ended = append(f.ended, a)
	f.keep(a)
	switch a.code / 100 {
	case 2:
		f.stopped = true
		f.cancelOthers(b)
		f.report() // the 2xx is up; what the rest brings is no result any more
		return
	case 6:
		// A 6xx says that nobody will answer: no new branch, the rest is cancelled, and a 2xx that comes meanwhile
		// still wins (RFC 3261 §16.7(5)).
		f.stopped = true
		f.cancelOthers(b)
	}
	f.advance()
}

// advance goes on after a branch has ended: with a target that waits for its time, with the next group, or to the end.
func (f *fork) advance() {
	if f.done == nil || f.starting {
		return
	}
	if f.running() > 0 {
		if !f.stopped && f.waitsOnly() {
			f.hurry()
		}
		return
	}
	f.timeout.Stop()
	f.decide()
}

// decide tries the next group or reports.
func (f *fork) decide() {
	if f.goesOn() {
		f.next()
	} else {
		f.report()
	}
}

func (f *fork) cancelOthers(b *branch) {
	for _, o := range f.ctx.snapshot() {
		if o != b {
			o.cancel()
		}
	}
}

// goesOn decides after a group whether the next one is tried.
func (f *fork) goesOn() bool {
	if f.stopped || f.ctx.canceled || len(f.groups) == 0 {
		return false
	}
	if f.recursed > 0 {
		f.recursed--
		return true // the next group is where a 3xx has sent us
	}
	best := f.best()
	if best == nil || f.options.NextOn == nil {
		return best == nil || best.code/100 != 6
	}
	return f.options.NextOn(causeOf(best.code, f.rang), best.code)
}

func (f *fork) best() *answer {
	var best *answer
	for _, a := range f.ended {
		if a.better(best) {
			best = a
		}
	}
	return best
}

// timedOut is the group's time-out: CANCELs go out, and what they bring is waited for a second.
func (f *fork) timedOut() {
	if !f.overdue {
		f.overdue = true
		for _, b := range f.group {
			b.expire()
		}
		if f.done != nil && f.running() > 0 {
			f.ctx.env.Loop.Wheel().Schedule(&f.timeout, cancelGrace)
		}
		return
	}
	for _, b := range f.group {
		if !b.reported {
			a := &answer{code: 408, branch: b}
			f.ended = append(f.ended, a)
			f.keep(a)
			b.reported = true
		}
	}
	f.decide()
}

// report calls done.
func (f *fork) report() {
	f.timeout.Stop()
	done := f.done
	f.done = nil
	defer func() { f.group, f.ended, f.groups = nil, nil, nil }()
	if f.ctx.fork == f {
		f.ctx.fork = nil
	}
	if done == nil {
		return
	}
	done(f.result())
}

func (f *fork) result() Result {
	r := Result{Rang: f.rang}
	for _, a := range f.ended {
		if a.branch != nil {
			r.Branches = append(r.Branches, BranchEnd{Target: a.branch.target, Code: a.code, Reason: a.text(), Cause: causeOf(a.code, a.branch.rang)})
		}
	}
	best := f.success()
	if best == nil {
		best = f.best()
	}
	if best == nil {
		r.Code, r.Cause = 480, Unavailable
		r.Reason = sip.Reason(480)
	} else {
		r.Code, r.Reason, r.Reply = best.code, best.text(), best.reply
		r.Cause = causeOf(best.code, f.rang)
		r.Q850 = q850(best.reply)
		if best.branch != nil {
			r.Target = best.branch.target
		}
		if best.reply != nil && (best.code == 401 || best.code == 407) {
			r.Reply = challenges(best, f.ended)
		}
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

// text is the reason phrase, for whoever outlives the reply.
func (a *answer) text() string {
	usual := sip.Reason(a.code)
	switch {
	case a.reason != "":
		return a.reason
	case a.reply == nil || a.reply.Reason() == usual:
		return usual
	}
	return strings.Clone(a.reply.Reason())
}
