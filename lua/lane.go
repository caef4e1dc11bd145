package lua

import (
	"log/slog"
	"slices"
	"time"

	"github.com/sipscript/sipscript/engine"
	"github.com/sipscript/sipscript/engine/shard"
	"github.com/sipscript/sipscript/lua/api"
	"github.com/sipscript/sipscript/lua/rt"
)

const (
	longestLife = time.Hour        // of a version that has been superseded
	grace       = 30 * time.Second // for runs of a version that is retired by force
	atOnce      = 64               // runs that are unwound or killed between two looks at the network
)

// lane is what one shard holds of the script. Once the engine has started it belongs to the shard's goroutine.
type lane struct {
	loop    *shard.Loop
	log     *slog.Logger
	current *api.Script
	old     []*superseded // oldest first
}

// superseded is a version that runs have not ended of.
//
//	state    event                              → state    actions
//	                                              running  wait longestLife
//	running  longestLife over, or one too many    forced   waits raise, wait grace
//	forced   grace over                           forced   runs are killed
//	both     its last run ends                    –        close the VM
type superseded struct {
	script *api.Script
	forced bool
	stop   func() bool // of what is waited for
}

// supersede puts next in force. The one before it lives on until its last run has ended, or until it is too old or the
// host wants it gone.
func (l *lane) supersede(next *api.Script) {
	before := l.current
	l.current = next
	before.Retire(func() { l.release(before) })
	if before.Done() {
		before.Close()
		return
	}
	o := &superseded{script: before}
	o.stop = l.loop.After(longestLife, func() { l.force(o) }).Stop
	l.old = append(l.old, o)
}

// versions are the numbers of the versions that hold memory here.
func (l *lane) versions() []int {
	numbers := []int{l.current.Version}
	for _, o := range l.old {
		numbers = append(numbers, o.script.Version)
	}
	return numbers
}

// end forces a version if it is still here.
func (l *lane) end(number int) {
	for _, o := range l.old {
		if o.script.Version == number {
			l.force(o)
		}
	}
}

// release gives back a version whose last run has ended.
func (l *lane) release(s *api.Script) {
	i := slices.IndexFunc(l.old, func(o *superseded) bool { return o.script == s })
	if i < 0 || !s.Done() {
		return
	}
	l.old[i].stop()
	l.old = slices.Delete(l.old, i, i+1)
	s.Close()
}

// force ends a version: its waits raise, and what is left after the grace is killed. Proxied calls do not notice; they
// belong to the engine.
func (l *lane) force(o *superseded) {
	if o.forced {
		return
	}
	o.forced = true
	o.stop()
	o.stop = l.loop.After(grace, func() { l.kill(o) }).Stop
	l.log.Warn("handlers of an old version are ended by force", "version", o.script.Version, "runs", o.script.VM().Live())
	l.unwind(o)
}

func (l *lane) unwind(o *superseded) {
	l.some(o, l.unwind, func(r *rt.Run) bool {
		if !r.Unwindable() {
			return false // still about to end for another reason, or for this one
		}
		r.Unwind(engine.CauseRetired)
		return true
	})
}

func (l *lane) kill(o *superseded) {
	o.script.StopLater()
	l.some(o, l.kill, func(r *rt.Run) bool {
		r.Kill(engine.CauseRetired)
		return true
	})
	l.release(o.script)
}

// some does something with a few runs of a version, and the rest later: ending a hundred thousand at once would keep
// the network waiting. do reports whether it was any work.
func (l *lane) some(o *superseded, again func(*superseded), do func(*rt.Run) bool) {
	left := atOnce
	o.script.VM().Runs(func(r *rt.Run) bool {
		if do(r) {
			left--
		}
		return left > 0
	})
	if left == 0 {
		l.loop.Post(func() {
			if slices.Contains(l.old, o) {
				again(o)
			}
		})
	}
}
