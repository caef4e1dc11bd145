package ivr

import (
	"time"

	"github.com/sipscript/sipscript/engine/call"
)

// parked is a call in a slot. It belongs to the shard of the leg; the hall of the slot's name has it there as long as nobody has fetched it.
//
//	state      event                         → state
//	           Park                            standing   music
//	standing   fetched                         fetched    the music ends, the other leg bridges this one
//	standing   time, stop, end of the leg      over       out of the slot
//	fetched    the other leg could not         standing   if the slot is free, else over
//	fetched    the end of the conversation     over
type parked struct {
	studio *Studio
	call   *call.Call
	slot   string
	music  Prompt
	done   func(call.BridgeEnd, error)

	fetched  bool
	stopped  bool
	late     bool   // its time was over while it was fetched
	hush     func() // stops the music
	forget   func() // of the end of the leg
	relax    func() // stops the timer
	stop     func() // the conversation
	withdraw func()
}

// Park puts the call into the slot of this name until another call fetches it, and tells done, on the shard of the leg, when
// that conversation is over. The error is ErrTaken for a slot that has a call, ErrLate when nobody came in time (0: any
// time will do), call.ErrBusy, call.ErrOver or ErrUnheard. stop takes the call out, or ends the conversation.
func (s *Studio) Park(c *call.Call, slot string, music Prompt, timeout time.Duration, done func(call.BridgeEnd, error)) (stop func()) {
	p := &parked{studio: s, call: c, slot: slot, music: music, done: done}
	at := partyOf(c)
	_, _, err := voiceOf(c)
	if err == nil && (at.meets || c.Bridged()) {
		err = call.ErrBusy
	}
	if err != nil {
		c.On(func(*call.Call) { p.over(call.BridgeEnd{}, err) })
		return func() {}
	}
	at.meets = true
	p.forget = c.AtEnd(func() { p.leave(call.BridgeEnd{By: ByCaller}, nil) })
	if timeout > 0 {
		limit := c.Loop().After(timeout, func() {
			p.late = p.fetched
			p.leave(call.BridgeEnd{}, ErrLate)
		})
		p.relax = func() { limit.Stop() }
	}
	p.stand()
	return func() {
		if p.stop != nil {
			p.stop()
			return
		}
		p.stopped = true
		p.leave(call.BridgeEnd{By: ByStopped}, nil)
	}
}

// stand puts it into its slot.
func (p *parked) stand() {
	h := p.studio.hall(p.slot)
	h.loop.Post(func() {
		free := h.slots[p.slot] == nil
		if free {
			h.slots[p.slot] = p
		}
		p.call.On(func(*call.Call) {
			switch {
			case !free && !p.isOver():
				p.over(call.BridgeEnd{}, ErrTaken)
			case !p.fetched && p.music != nil && !p.isOver():
				p.hush = p.studio.Play(p.call, p.music, PlayOptions{}, func(Played, error) {})
			}
		})
	})
}

func (p *parked) isOver() bool { return p.done == nil }

// leave ends the wait for somebody who fetches it. If somebody has meanwhile, that counts.
func (p *parked) leave(how call.BridgeEnd, err error) {
	if p.fetched {
		return
	}
	h := p.studio.hall(p.slot)
	h.loop.Post(func() {
		if h.slots[p.slot] == p {
			delete(h.slots, p.slot)
			p.call.On(func(*call.Call) { p.over(how, err) })
		}
	})
}

// Fetch takes the call out of the slot of this name and joins it with c, on whose shard it is called and done told when the
// conversation is over: both stay then. The error is ErrEmpty, or as of call.Bridge. stop ends the conversation.
func (s *Studio) Fetch(c *call.Call, slot string, done func(call.BridgeEnd, error)) (stop func()) {
	h := s.hall(slot)
	stopped := false
	stop = func() { stopped = true }
	h.loop.Post(func() {
		p := h.slots[slot]
		delete(h.slots, slot)
		if p == nil {
			c.On(func(*call.Call) { done(call.BridgeEnd{}, ErrEmpty) })
			return
		}
		p.call.On(func(*call.Call) {
			comes := p.come()
			c.On(func(*call.Call) {
				if !comes {
					done(call.BridgeEnd{}, ErrEmpty)
					return
				}
				if stopped {
					p.call.On(func(*call.Call) { p.back() })
					done(call.BridgeEnd{By: ByStopped}, nil)
					return
				}
				stop = c.Bridge(p.call, call.BridgeOptions{}, func(end call.BridgeEnd) {
					if end.Err != nil {
						p.call.On(func(*call.Call) { p.back() })
					}
					done(end, end.Err)
				})
			})
		})
	})
	return func() { stop() }
}

// come lets it wait for the leg that has fetched it, unless it has left meanwhile.
func (p *parked) come() bool {
	switch {
	case p.isOver():
		return false
	case p.call.Over():
		p.over(call.BridgeEnd{By: ByCaller}, nil)
		return false
	case p.stopped:
		p.over(call.BridgeEnd{By: ByStopped}, nil)
		return false
	}
	p.fetched = true
	p.quiet()
	p.stop, p.withdraw = p.call.Attend(func(end call.BridgeEnd) { p.over(end, end.Err) })
	return !p.isOver()
}

// back puts it where it was, since who has fetched it is gone.
func (p *parked) back() {
	if p.isOver() {
		return
	}
	p.withdraw()
	p.stop, p.withdraw, p.fetched = nil, nil, false
	if p.late {
		p.over(call.BridgeEnd{}, ErrLate)
		return
	}
	p.stand()
}

func (p *parked) quiet() {
	if hush := p.hush; hush != nil {
		p.hush = nil
		hush()
	}
}

// over is the end of it.
func (p *parked) over(how call.BridgeEnd, err error) {
	p.quiet()
	if p.forget != nil {
		p.forget()
	}
	if p.relax != nil {
		p.relax()
	}
	if done := p.done; done != nil {
		if p.forget != nil {
			partyOf(p.call).meets = false
		}
		p.done = nil
		done(how, err)
	}
}
