package engine

import (
	"cmp"
	"slices"

	"github.com/sipscript/sipscript/engine/call"
	"github.com/sipscript/sipscript/engine/cdr"
	"github.com/sipscript/sipscript/engine/proxy"
	"github.com/sipscript/sipscript/engine/shard"
	"github.com/sipscript/sipscript/engine/track"
	"github.com/sipscript/sipscript/sip"
)

// Originate calls targets for nobody: this server is the caller. done is told once, on loop, which is the shard that the
// call is made from.
func (e *Engine) Originate(loop *shard.Loop, groups []proxy.Group, o call.DialOptions, done func(*call.Call, proxy.Result)) (cancel func()) {
	return e.cores[loop.Index()].legs.Originate(groups, o, done)
}

// Standing is one call of this server at one moment: a leg that ends here, or a proxied call that is tracked.
type Standing struct {
	call.Snapshot // its Call is nil for a proxied one

	core *core // that has it
}

// Proxied reports whether its two parties talk in a dialog of their own. All that can be done with such a call is to end it.
func (s *Standing) Proxied() bool { return s.Call == nil }

// StandingLeg is what is known of a leg in that form.
func StandingLeg(seen call.Snapshot) Standing { return Standing{Snapshot: seen} }

// LookupCall finds a call of any shard by its ID and tells then on loop.
func (e *Engine) LookupCall(loop *shard.Loop, id string, then func(Standing, bool)) {
	e.ask(loop, call.ShardOfID(id), func(c *core) (Standing, bool) {
		if leg := c.legs.Get(id); leg != nil {
			return StandingLeg(leg.Snapshot()), true
		}
		if t := c.calls.Get(id); t != nil {
			return c.proxied(t), true
		}
		return Standing{}, false
	}, then)
}

// LookupDialog finds the call that a Replaces names, on whichever shard it is, and tells then on loop.
func (e *Engine) LookupDialog(loop *shard.Loop, v sip.ReplacesValue, then func(Standing, bool)) {
	e.ask(loop, e.shardOf(v.CallID), func(c *core) (Standing, bool) {
		if leg := c.legs.Named(v); leg != nil {
			return StandingLeg(leg.Snapshot()), true
		}
		if t := c.calls.Named(v.CallID, v.FromTag, v.ToTag); t != nil {
			return c.proxied(t), true
		}
		return Standing{}, false
	}, then)
}

// ask looks on the shard with this index, and tells then on loop. There is nothing on a shard that there is not.
func (e *Engine) ask(loop *shard.Loop, index int, look func(*core) (Standing, bool), then func(Standing, bool)) {
	if index < 0 || index >= len(e.cores) {
		loop.Post(func() { then(Standing{}, false) })
		return
	}
	c := e.cores[index]
	c.shard.Post(func() {
		s, ok := look(c)
		loop.Post(func() { then(s, ok) })
	})
}

// ListCalls tells then on loop about all calls of all shards, oldest first.
func (e *Engine) ListCalls(loop *shard.Loop, then func([]Standing)) {
	var all []Standing
	left := len(e.cores)
	for _, c := range e.cores {
		c.shard.Post(func() {
			some := c.callsHere()
			loop.Post(func() {
				all = append(all, some...)
				if left--; left > 0 {
					return
				}
				slices.SortFunc(all, func(a, b Standing) int { return cmp.Or(a.Begun.Compare(b.Begun), cmp.Compare(a.ID, b.ID)) })
				then(all)
			})
		})
	}
}

func (c *core) callsHere() (all []Standing) {
	c.legs.Each(func(leg *call.Call) { all = append(all, StandingLeg(leg.Snapshot())) })
	c.calls.Each(func(t *track.Call) bool {
		all = append(all, c.proxied(t))
		return true
	})
	return all
}

// proxied is a tracked call in the words of a leg: that of the caller.
func (c *core) proxied(t *track.Call) Standing {
	r := t.Record
	s := Standing{core: c, Snapshot: call.Snapshot{
		ID: r.ID, CallID: r.CallIDs[0], Direction: "in", State: "incoming", From: r.From, To: r.To, Source: r.Source,
		Begun: r.Started, AnsweredAt: r.Answered, Vars: r.Vars(), Media: t.Heard(),
	}}
	if t.Answered() {
		s.State = "confirmed"
	}
	return s
}

// HangUp ends a call, on whichever shard it is: a BYE to both parties of a proxied one, and where that has not been answered the code
// of why to its caller and CANCEL to whom it rings at. done is told on loop, with call.ErrGone when the call is over.
func (e *Engine) HangUp(loop *shard.Loop, s *Standing, why call.Cause, done func(error)) {
	if leg := s.Call; leg != nil {
		leg.On(func(leg *call.Call) {
			var err error
			if leg.Over() {
				err = call.ErrGone
			}
			leg.Hangup(why)
			loop.Post(func() { done(err) })
		})
		return
	}
	c := s.core
	c.shard.Post(func() {
		err := call.ErrGone
		if t := c.calls.Get(s.ID); t != nil {
			t.End(cdr.ByServer, cmp.Or(why.Code, 480))
			err = nil
		}
		loop.Post(func() { done(err) })
	})
}
