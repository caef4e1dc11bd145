package ng

import (
	"net/netip"

	"github.com/sipscript/sipscript/engine/media"
	"github.com/sipscript/sipscript/engine/media/description"
)

// terminal is the media of one leg: a participant of a call of rtpengine's. Its fields are guarded by Farm.mu.
type terminal struct {
	farm    *Farm
	id, tag string
	events  func(media.Event)
	remote  netip.Addr // where signalling comes from

	call    *call
	last    *call     // the one it has left
	partner *terminal // whom it is connected to at rtpengine
	alone   bool      // connected to nobody but a participant made up for this server itself
	parted  bool      // silent although connected

	side            description.Side
	before, offered *description.Side // as it was before the offer that stands, and after it
	agreed          bool
	held            bool
	closed          bool

	stats    media.Stats
	heard    uint64
	timedOut bool
}

// ID implements media.Terminal.
func (t *terminal) ID() string { return t.id }

// Stats implements media.Terminal.
func (t *terminal) Stats() media.Stats {
	t.farm.mu.Lock()
	defer t.farm.mu.Unlock()
	return t.stats
}

// self is the tag of the participant that stands for this server where a leg has no other.
func (t *terminal) self() string { return t.tag + "-self" }

// peer is the tag of the participant it is connected to.
func (t *terminal) peer() string {
	if t.partner != nil {
		return t.partner.tag
	}
	return t.self()
}

// begin prepares for an offer, sent or received.
func (t *terminal) begin(o *media.Options) error {
	if t.closed {
		return media.ErrClosed
	}
	t.set(o)
	if t.agreed && t.before == nil {
		t.before = t.side.Clone()
	}
	return nil
}

// again goes back to where the offer stood, for an answer to it.
func (t *terminal) again() error {
	switch {
	case t.closed:
		return media.ErrClosed
	case t.offered == nil:
		return media.ErrNoOffer
	}
	t.side.Rollback(t.offered)
	return nil
}

// set takes the options of a description that is about to be written or was received. This server's own hold outlasts them.
func (t *terminal) set(o *media.Options) {
	if o == nil {
		return
	}
	t.side.Options = *o
	if t.held {
		t.side.Options.Limit = o.Limit.And(description.SendOnly)
	}
}

// stands is told that an offer stands.
func (t *terminal) stands() { t.offered = t.side.Clone() }

// agree is told that it was answered.
func (t *terminal) agree() { t.before, t.agreed = nil, true }

// connect makes two terminals each other's.
func (t *terminal) connect(other *terminal) {
	t.partner, other.partner = other, t
	t.alone, other.alone = false, false
	t.parted, other.parted = false, false
}

// Close implements media.Backend. Figures are exact a moment later, when the node has answered: see Settle.
func (f *Farm) Close(t media.Terminal) media.Stats {
	own, err := f.own(t)
	if err != nil {
		return media.Stats{}
	}
	f.locked(func() {
		if !own.closed {
			own.closed = true
			own.leave()
		}
	})
	return own.Stats()
}

// Connect implements media.Backend. What Pass or Answer has connected only begins to flow again. Terminals that have not met need the same call: they
// are offered to each other as they were last described; ports stay.
func (f *Farm) Connect(a, b media.Terminal) {
	one, err := f.own(a)
	if err != nil {
		return
	}
	other, err := f.own(b)
	if err != nil {
		return
	}
	f.locked(func() {
		switch {
		case one.call == nil || one.call != other.call:
		case one.partner == other && other.partner == one:
			f.flow(one)
			f.flow(other)
		case one.agreed && other.agreed:
			one.connect(other)
			f.restore(one)
			f.flow(one)
			f.flow(other)
			one.call.connected()
		}
	})
}

// flow lets media of a terminal through again.
func (f *Farm) flow(t *terminal) {
	t.parted = false
	f.tell(t.call, t.call.command("unblock media", t.tag))
}

// Part implements media.Backend.
func (f *Farm) Part(t media.Terminal) {
	own, err := f.own(t)
	if err != nil {
		return
	}
	f.locked(func() {
		for _, t := range []*terminal{own, own.partner} {
			if t != nil && t.call != nil && !t.parted {
				t.parted = true
				f.tell(t.call, t.call.command("block media", t.tag))
			}
		}
	})
}

// BlockDigits implements media.Backend.
func (f *Farm) BlockDigits(t media.Terminal, on bool) {
	own, err := f.own(t)
	if err != nil {
		return
	}
	name := "unblock DTMF"
	if on {
		name = "block DTMF"
	}
	f.locked(func() {
		if own.call != nil {
			f.tell(own.call, own.call.command(name, own.tag))
		}
	})
}

// restore tells the node again what two terminals have last agreed on: one as the offerer, the other as who answers.
func (f *Farm) restore(t *terminal) {
	c, other := t.call, t.partner
	if c == nil || other == nil || t.side.Received() == nil || other.side.Received() == nil {
		return
	}
	offer, answer := c.offer(t, other, t.side.Received().Text()), c.answer(t.tag, other, other.side.Received().Text())
	f.after = append(f.after, func() {
		f.client.send(c.node, offer, func(_ dict, err error) {
			if err == nil {
				f.client.send(c.node, answer, func(dict, error) {})
			}
		})
	})
}

// Rollback implements media.Backend.
func (f *Farm) Rollback(t media.Terminal) {
	own, err := f.own(t)
	if err != nil {
		return
	}
	f.locked(func() {
		if own.before == nil {
			return
		}
		last := own.side.Received()
		own.side.Rollback(own.before)
		own.before, own.offered = nil, nil
		if own.side.Received() != last && own.call != nil && own.call.node != nil {
			f.restore(own) // its offer has been to the node
		}
	})
}

// Voice implements media.Backend: what rtpengine relays is heard nowhere else.
func (f *Farm) Voice(t media.Terminal) (media.Voice, error) {
	if _, err := f.own(t); err != nil {
		return nil, err
	}
	return nil, media.ErrUnsupported
}
