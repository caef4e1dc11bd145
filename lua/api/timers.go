package api

import (
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/sipscript/sipscript/lua/rt"
	"github.com/sipscript/sipscript/sip/wheel"
)

// GoLive starts what only the newest version does: on_start, every, and after called while loading. It is called on
// shard 0 only, so that all of it happens once per process.
func (s *Script) GoLive() {
	for _, fn := range s.starts {
		s.vm.Start("on_start", fn, rt.Timer, nil, nil, s.timerEnded)
	}
	for _, t := range s.ticks {
		s.arm(t)
	}
}

// Retire stops the timers: a newer version has gone live. Handlers that run go on; idle is posted when the last of
// them has ended.
func (s *Script) Retire(idle func()) {
	s.idle = idle
	s.stopTimers()
}

// allEnded is called when the last run has ended.
func (s *Script) allEnded() {
	if s.idle != nil {
		s.loop.Post(s.idle)
	}
}

func (s *Script) stopTimers() {
	for _, t := range s.timers {
		t.Stop()
	}
	s.timers = nil
}

// StopLater gives up what handlers have asked for by after and has not begun.
func (s *Script) StopLater() {
	for t := range s.later {
		t.Stop()
	}
	clear(s.later)
}

// Done reports whether nothing of the script runs or is to run: once superseded, it can be closed.
func (s *Script) Done() bool { return s.vm.Live() == 0 && len(s.later) == 0 }

// arm starts a timer of the main chunk. One of every whose last call still runs is skipped and counted.
func (s *Script) arm(t tick) {
	timer := new(wheel.Timer)
	var running *rt.Run
	timer.Init(func() {
		if !t.once {
			s.loop.Wheel().Schedule(timer, t.period)
			if running != nil && !running.Ended() {
				s.Engine.Counters.Counter("tick_skipped").Add(1)
				return
			}
		}
		running = s.vm.Start(t.name(), t.fn, rt.Timer, nil, nil, s.timerEnded)
	})
	s.timers = append(s.timers, timer)
	s.loop.Wheel().Schedule(timer, t.period)
}

func (t *tick) name() string {
	if t.once {
		return "after"
	}
	return "every"
}

// armLater starts a timer of a handler. It belongs to no version but its own, which waits for it.
func (s *Script) armLater(d time.Duration, fn *lua.LFunction) {
	timer := new(wheel.Timer)
	timer.Init(func() {
		delete(s.later, timer)
		s.vm.Start("after", fn, rt.Timer, nil, nil, s.timerEnded)
	})
	s.later[timer] = struct{}{}
	s.loop.Wheel().Schedule(timer, d)
}

func (s *Script) timerEnded(r *rt.Run, _ []lua.LValue, err error) {
	if err != nil && !unwound(err) {
		s.failed(r, err)
	}
}
