package track

import (
	"slices"
	"time"

	"github.com/sipscript/sipscript/engine/cdr"
	"github.com/sipscript/sipscript/engine/proxy"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/wheel"
)

// callState is where a tracked call stands.
//
//	state      event                               → state     actions
//	           its INVITE is proxied                 inviting
//	inviting   2xx goes upstream                     answered  start max_duration, else 12 h
//	inviting   3xx to 6xx goes upstream, or nothing  over      end the record
//	answered   another 2xx goes upstream             answered
//	answered   BYE of the last dialog is answered    over      end the record
//	answered   max_duration, no media, hang-up       over      BYE to both sides, end the record
//	answered   session expired, and 32 s             over      end the record, BYE to both sides where more is done here than that
//	answered   12 h                                  over      end the record, BYE to both sides where media passes here
//	over       64·T1, where messages are edited      –         forget it
type callState uint8

const (
	inviting callState = iota
	answered
	over
)

func (s callState) String() string { return [...]string{"inviting", "answered", "over"}[s] }

// Call is one tracked call.
type Call struct {
	Record *cdr.Record

	table      *Table
	invitation Invitation // nil once the INVITE has its final response
	key        key
	next       *Call // with the same key
	place      int   // in table.order
	state      callState

	caller   side
	from, to string // as the INVITE had them
	invite   uint32 // CSeq number of the INVITE as it came
	dialogs  []*dialog
	anchor   *anchor // nil: media goes from peer to peer
	timer    wheel.Timer
}

// Invitation is the INVITE of a call, to whoever wants it refused before it is answered.
type Invitation interface{ HangUp(code int) }

// lateMessages is how long messages of a call may still come that is over: 64·T1.
const lateMessages = 32 * time.Second

// enter is the only writer of the state.
func (c *Call) enter(next callState) {
	c.timer.Stop()
	c.state, c.invitation = next, nil
	if next == over {
		delete(c.table.named, c.Record.ID)
		for _, d := range c.dialogs {
			d.over()
		}
	}
}

// now is the shard's time.
func (c *Call) now() time.Time { return c.table.env.Loop.Wheel().Now() }

// Branch returns what makes the passages of an INVITE's branches that are tried with these options.
func (c *Call) Branch(o *proxy.Options) func(*proxy.Target) proxy.Passage {
	options := *o
	return func(t *proxy.Target) proxy.Passage { return newLeg(c, t, &options) }
}

// Own tracks a call that this server has answered by itself, with ok: the dialog has no callee.
func (c *Call) Own(ok *sip.Message) {
	d := c.dialog(&leg{call: c}, ok)
	d.callee = side{}
	c.confirm(d, ok.Status(), 0)
}

// mostDialogs bounds what responses make of one INVITE: a callee makes dialogs by naming To tags, and forks of that many
// phones are none.
const mostDialogs = 128

// dialog is the one that a response belongs to, made anew if it is the first with its To tag. Beyond the bound it is good for
// this response only.
func (c *Call) dialog(l *leg, r *sip.Message) *dialog {
	tag := r.ToTag()
	for _, d := range c.dialogs {
		if d.tag == tag {
			return d
		}
	}
	d := newDialog(l, r)
	if len(c.dialogs) < mostDialogs {
		c.dialogs = append(c.dialogs, d)
	}
	return d
}

// confirm says that a 2xx has made a dialog; its call may last for most, without bound if that is 0.
func (c *Call) confirm(d *dialog, status int, most time.Duration) {
	if d.confirmed || c.state == over {
		return
	}
	d.confirmed = true
	if c.state == answered {
		return // a second one: the caller will end all but one (RFC 3261 §13.2.2.4)
	}
	c.enter(answered)
	c.Record.Answered = c.now()
	c.Record.Code, c.Record.Cause = status, string(proxy.Answered)
	if most == 0 {
		most = longestLife
	}
	c.table.env.Loop.Wheel().Schedule(&c.timer, most)
	d.limited = most != longestLife
}

// TimerFired implements wheel.Owner.
func (c *Call) TimerFired(*wheel.Timer) {
	switch {
	case c.state == over:
		c.table.remove(c)
	case slices.ContainsFunc(c.dialogs, func(d *dialog) bool { return d.limited }):
		c.HangUp(cdr.ByLimit)
	case c.anchor != nil: // they would sit in silence
		c.HangUp(cdr.ByExpiry)
	default:
		c.end(cdr.ByExpiry)
	}
}

// Fail says that the INVITE has failed: its final response is out, or there will be none. by is who has ended it, "" for nobody but the callee.
func (c *Call) Fail(by string) {
	if c.state == inviting {
		c.end(by)
	}
}

// Answered reports whether a 2xx has gone upstream.
func (c *Call) Answered() bool { return c.state != inviting }

// dialogEnded is told that a BYE has ended a dialog, or that its branch has failed after all.
func (c *Call) dialogEnded(by string) {
	standing := func(d *dialog) bool { return d.confirmed && !d.ended }
	if c.state == answered && !slices.ContainsFunc(c.dialogs, standing) {
		c.end(by)
	}
}

// End ends the call whatever its state: by a BYE to each side, or while it rings by refusing its INVITE with code.
func (c *Call) End(by string, code int) {
	if i := c.invitation; i != nil {
		i.HangUp(code)
		return
	}
	c.HangUp(by)
}

// HangUp ends an answered call by a BYE to each side.
func (c *Call) HangUp(by string) {
	if c.state != answered {
		return
	}
	for _, d := range c.dialogs {
		if d.confirmed && !d.ended {
			d.hangUp()
		}
	}
	c.end(by)
}

// end closes the record. What is still on its way may need to be edited for a while.
func (c *Call) end(by string) {
	if c.state == over {
		return
	}
	edits := slices.ContainsFunc(c.dialogs, (*dialog).edits)
	c.enter(over)
	if edits {
		c.table.env.Loop.Wheel().Schedule(&c.timer, lateMessages)
	} else {
		c.table.remove(c)
	}
	c.releaseMedia()
	c.Record.End(c.now(), by)
}

var _ wheel.Owner = (*Call)(nil)
