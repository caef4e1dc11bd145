package ng

import (
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"github.com/sipscript/sipscript/engine/media"
)

// call is what rtpengine calls one: participants of whom some hear each other, on one node. Its fields are guarded by Farm.mu.
type call struct {
	farm      *Farm
	id        string
	node      *node // nil until the first command has been answered
	terminals []*terminal
	gone      []*terminal // have left, and are still participants at the node
	watch     *time.Timer
	over      bool
	settled   bool     // over, and its last figures are known
	settling  []func() // who waits for that

	placing bool     // the first command is underway
	waiting []func() // commands that wait for it
}

// join puts terminals into one call: that of the first one that has one, or that of the first one's id.
func (f *Farm) join(terminals ...*terminal) *call {
	var c *call
	for _, t := range terminals {
		if t.call != nil {
			c = t.call
			break
		}
	}
	if c == nil {
		id := terminals[0].id
		if c = f.calls[id]; c == nil {
			c = &call{farm: f, id: id}
			f.calls[id] = c
		}
	}
	for _, t := range terminals {
		if t.call != c {
			t.leave()
			t.call = c
			c.terminals = append(c.terminals, t)
		}
	}
	return c
}

// leave takes the terminal out of its call, and the last one ends that. rtpengine drops together with a participant all whom nobody else is
// connected to; so one whose peer stays is kept there, silent, until that peer is connected to another.
func (t *terminal) leave() {
	c := t.call
	if c == nil {
		return
	}
	t.call, t.last = nil, c
	c.terminals = slices.DeleteFunc(c.terminals, func(other *terminal) bool { return other == t })
	c.gone = append(c.gone, t)
	if len(c.terminals) > 0 {
		c.farm.tell(c, c.command("block media", t.tag))
		return
	}
	c.end()
}

// end ends the call at its node, after a last look at its figures: what ends a whole call answers none.
func (c *call) end() {
	f, n := c.farm, c.node
	c.over = true
	c.unwatch()
	delete(f.calls, c.id)
	if n == nil {
		c.settled = true
		return
	}
	f.after = append(f.after, func() {
		f.client.send(n, c.command("query", ""), func(reply dict, err error) {
			f.locked(func() {
				for _, t := range c.gone {
					t.measure(reply)
				}
				f.tell(c, c.erase(""))
				c.settled = true
				f.after = append(f.after, c.settling...)
				c.settling = nil
			})
		})
	})
}

// Settle implements media.Settler.
func (f *Farm) Settle(terminals []media.Terminal, done func()) {
	var left atomic.Int32
	left.Store(int32(len(terminals)) + 1)
	one := func() {
		if left.Add(-1) == 0 {
			done()
		}
	}
	for _, t := range terminals {
		own, err := f.own(t)
		if err != nil {
			one()
			continue
		}
		f.locked(func() { own.settle(one) })
	}
	one()
}

// settle calls done, after the work under mu or later, once the figures of the terminal are as they will stay: of a call that stands, as they are now.
func (t *terminal) settle(done func()) {
	f, c := t.farm, t.call
	if c == nil {
		c = t.last
	}
	switch {
	case c == nil || c.node == nil || c.settled:
		f.after = append(f.after, done)
	case c.over:
		c.settling = append(c.settling, done)
	default:
		f.after = append(f.after, func() {
			f.client.send(c.node, c.command("query", ""), func(reply dict, _ error) {
				f.locked(func() {
					if !c.settled {
						t.measure(reply)
					}
				})
				done()
			})
		})
	}
}

// connected is told that two participants are now each other's: those who were before them, and have left, can go.
func (c *call) connected() {
	for _, t := range c.gone {
		c.farm.tell(c, c.erase(t.tag))
		if t.alone {
			c.farm.tell(c, c.erase(t.self()))
		}
	}
	c.gone = nil
}

// erase deletes a participant, or all.
func (c *call) erase(tag string) dict {
	d := c.command("delete", tag)
	d["delete-delay"] = int64(0)
	return d
}

// command begins a command about the call; tag is the participant it is about, if it is not about all.
func (c *call) command(name, tag string) dict {
	d := dict{"command": name, "call-id": c.id}
	if tag != "" {
		d["from-tag"] = tag
	}
	return d
}

// settle is told that the call is at a node. If it has ended meanwhile it is ended there.
func (c *call) settle(n *node) {
	if c.node != nil {
		return
	}
	c.node = n
	if c.over {
		c.farm.tell(c, c.erase(""))
		return
	}
	c.rewatch()
}

// rewatch asks for the call's figures a time from now.
func (c *call) rewatch() {
	if c.farm.cfg.Timeout > 0 && !c.over {
		c.watch = time.AfterFunc(c.farm.cfg.Timeout, c.look)
	}
}

func (c *call) unwatch() {
	if c.watch != nil {
		c.watch.Stop()
	}
}

// look asks for figures, and sees who has been silent since the last time. A call that the node does not know any more is silent: rtpengine has ended
// it, or was started anew. Nothing is concluded from no answer at all.
func (c *call) look() {
	f := c.farm
	f.client.send(c.node, c.command("query", ""), func(reply dict, err error) {
		f.locked(func() {
			if c.over || errors.Is(err, media.ErrClosed) {
				return
			}
			for _, t := range c.terminals {
				switch {
				case err == nil:
					t.measure(reply)
					t.listen(false)
				case isUnknownCall(err):
					t.listen(true)
				}
			}
			c.rewatch()
		})
	})
}

// listen tells of a terminal whose peer has been silent since it was last asked, once.
func (t *terminal) listen(lost bool) {
	heard := t.stats.Received.Packets
	silent := lost || heard == t.heard
	t.heard = heard
	if !silent || !t.agreed || !t.expectsMedia() {
		t.timedOut = t.timedOut && silent
		return
	}
	if t.timedOut || t.events == nil {
		return
	}
	t.timedOut = true
	t.farm.after = append(t.farm.after, func() { t.events(media.Event{Kind: media.EventTimeout, Terminal: t}) })
}

// expectsMedia says whether the peer ought to send.
func (t *terminal) expectsMedia() bool {
	for i := range t.side.Lines {
		l := &t.side.Lines[i]
		if l.Alive() && l.Remote.Direction.Sends() && l.Local.Direction.Receives() {
			return true
		}
	}
	return false
}
