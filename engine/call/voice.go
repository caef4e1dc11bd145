package call

import (
	"slices"

	"github.com/sipscript/sipscript/engine/media"
	"github.com/sipscript/sipscript/engine/shard"
)

// own is what a leg has beside others when this server speaks to its peer by itself.
type own struct {
	digits bool     // the terminal's Voice tells of digits, and its events need not
	party  any      // see Party
	vigils []*vigil // who waits for the end
}

// vigil is somebody who waits for the end of a leg.
type vigil struct{ fn func() }

func (c *Call) ownVoice() *own {
	if c.own == nil {
		c.own = new(own)
	}
	return c.own
}

// Voice is this server's own end of the leg's media: what it plays to the peer, and hears of it. The error is ErrState for
// a leg that was not answered and has no early media of this server's, ErrOver, or what the backend says. From the first
// time on the digits of the peer are heard by it, as tones as well where the peer sends no events.
func (c *Call) Voice() (media.Voice, error) {
	switch {
	case !c.state.live():
		return nil, ErrOver
	case c.terminal == nil, c.state == calling, c.state == incoming && c.told.early == nil:
		return nil, ErrState
	}
	v, err := c.backend.Voice(c.terminal)
	if err != nil {
		return nil, err
	}
	if o := c.ownVoice(); !o.digits {
		o.digits = true
		v.Digits(func(d media.Digit) {
			if d.Pressed { // its end may be long in coming, and what it is to interrupt goes on meanwhile
				c.On(func(c *Call) { c.emit(Event{Kind: Digit, Digit: string(d.Key)}) })
			}
		})
	}
	return v, nil
}

// Press sends digits to the peer in its media, as telephone-events (RFC 4733) or as tones, 'w' for a pause of half a second. done is
// told when they are out, ErrOver when the leg has ended before. The error is that of Voice, or media.ErrUnsupported where
// no codec was agreed that this server can send; nobody is told then.
func (c *Call) Press(digits string, done func(error)) error {
	v, err := c.Voice()
	if err != nil {
		return err
	}
	if _, rate := v.Codec(); rate == 0 {
		return media.ErrUnsupported
	}
	v.SendDigits(digits, 0, 0, func() {
		c.On(func(c *Call) {
			if !c.state.live() {
				done(ErrOver)
				return
			}
			done(nil)
		})
	})
	return nil
}

// Party is what package ivr keeps with the leg: what first makes, the first time.
func (c *Call) Party(first func() any) any {
	o := c.ownVoice()
	if o.party == nil {
		o.party = first()
	}
	return o.party
}

// Loop is the shard of the leg. Any goroutine.
func (c *Call) Loop() *shard.Loop { return c.env.Loop }

// AtEnd calls fn, on the leg's shard, when the leg ends: its figures are known, and its events have not told of it yet. A
// leg that is over calls nobody. forget takes that back.
func (c *Call) AtEnd(fn func()) (forget func()) {
	o, e := c.ownVoice(), &vigil{fn}
	o.vigils = append(o.vigils, e)
	return func() {
		o.vigils = slices.DeleteFunc(o.vigils, func(other *vigil) bool { return other == e })
	}
}

// over tells those who wait for the end.
func (o *own) over() {
	if o == nil {
		return
	}
	vigils := o.vigils
	o.vigils = nil
	for _, e := range vigils {
		e.fn()
	}
}
