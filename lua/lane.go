package lua

import (
	"slices"
	"time"

	"github.com/sipscript/sipscript/engine"
	"github.com/sipscript/sipscript/lua/api"
	"github.com/sipscript/sipscript/lua/rt"
)

const (
	mostVersions = 4                // that may have runs at the same time, the newest included
	longestLife  = time.Hour        // of a version that has been superseded
	grace        = 30 * time.Second // for runs of a version that is retired by force
	killsAtOnce  = 64               // between two looks at the network
)

// supersede puts next in force. The one before it lives on until its last run has ended, or until it is too old or one
// too many.
func (l *lane) supersede(next *api.Script) {
	before := l.current
	l.current = next
	before.Retire(func() { l.release(before) })
	if before.VM().Live() == 0 {
		before.Close()
		return
	}
	l.old = append(l.old, before)
	l.loop.After(longestLife, func() { l.force(before) })
	if len(l.old) > mostVersions-1 {
		l.force(l.old[0])
	}
}

// release gives back a version whose last run has ended.
func (l *lane) release(s *api.Script) {
	if i := slices.Index(l.old, s); i >= 0 && s.VM().Live() == 0 {
		l.old = slices.Delete(l.old, i, i+1)
		s.Close()
	}
}

// force ends a version: its waits raise, and what is left after the grace is killed. Proxied calls do not notice; they
// belong to the engine.
func (l *lane) force(s *api.Script) {
	if !slices.Contains(l.old, s) {
		return
	}
	s.VM().Runs(func(r *rt.Run) bool {
		r.Unwind(engine.CauseRetired)
		return true
	})
	l.loop.After(grace, func() { l.kill(s) })
}

func (l *lane) kill(s *api.Script) {
	if !slices.Contains(l.old, s) {
		return
	}
	left := killsAtOnce
	s.VM().Runs(func(r *rt.Run) bool {
		r.Kill(engine.CauseRetired)
		left--
		return left > 0
	})
	if s.VM().Live() > 0 {
		l.loop.Post(func() { l.kill(s) })
	}
}
