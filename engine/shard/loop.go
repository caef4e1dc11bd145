// Package shard is the goroutine that owns a share of all calls. Whatever belongs to a call — transactions, proxy
// contexts, timers, script runs — is touched by its shard's goroutine only and so needs no lock.
package shard

import (
	"time"

	"github.com/sipscript/sipscript/sip/wheel"
)

// Loop is what code that lives on a shard uses of it. Post may be called from any goroutine, everything else from
// the shard's own only.
type Loop struct {
	index int
	wheel *wheel.Wheel
	post  func(fn func())
}

// Index is the number of the shard, from 0.
func (l *Loop) Index() int { return l.index }

// Wheel is where the shard's timers stand.
func (l *Loop) Wheel() *wheel.Wheel { return l.wheel }

// Post queues fn to run on the shard, behind everything queued before it. It is never refused, since it carries
// the results of what was begun. Any goroutine.
func (l *Loop) Post(fn func()) { l.post(fn) }

// After runs fn on the shard in d unless the timer is stopped first.
func (l *Loop) After(d time.Duration, fn func()) *wheel.Timer {
	t := new(wheel.Timer)
	t.Init(fn)
	l.wheel.Schedule(t, d)
	return t
}
