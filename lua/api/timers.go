package api

import (
	lua "github.com/yuin/gopher-lua"

	"github.com/sipscript/sipscript/lua/rt"
	"github.com/sipscript/sipscript/sip/wheel"
)

// GoLive starts what only the newest version does: on_start, every, and after called while loading. It is called on
// shard 0 only, so that all of it happens once per process.
func (s *Script) GoLive() {
	s.live = true
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
	s.live = false
	s.idle = idle
	s.stopTimers()
}

// runEnded is called behind every run, while it still counts.
func (s *Script) runEnded() {
	if s.idle != nil && s.vm.Live() <= 1 {
		s.loop.Post(s.idle)
	}
}

func (s *Script) stopTimers() {
	for _, t := range s.timers {
		t.Stop()
	}
	s.timers = nil
}

// arm starts a timer. One of every whose last call still runs is skipped and counted.
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
		running = s.vm.Start(s.names[t.fn], t.fn, rt.Timer, nil, nil, s.timerEnded)
	})
	if !t.once || s.vm.Phase() == rt.Init || s.live {
		s.timers = append(s.timers, timer)
	}
	s.loop.Wheel().Schedule(timer, t.period)
}

func (s *Script) timerEnded(r *rt.Run, _ []lua.LValue, err error) {
	defer s.runEnded()
	if err != nil && !unwound(r, err) {
		s.failed(r, err)
	}
}
