package ng

import (
	"net/netip"

	"github.com/sipscript/sipscript/engine/media"
	"github.com/sipscript/sipscript/engine/media/description"
)

// nowhere is the address that this server itself describes where a leg has no other: nothing listens there, and nothing is let through to it.
func nowhere(_ int, m *description.Media) (description.Local, error) {
	address := netip.AddrFrom4([4]byte{127, 0, 0, 1})
	if m.Address.Is6() {
		address = netip.IPv6Loopback()
	}
	return description.Local{Address: address, Port: 9}, nil
}

// Answer implements media.Backend. To rtpengine a second participant answers, who is made up here.
func (f *Farm) Answer(t media.Terminal, offer []byte, o media.Options, done func(sdp []byte, err error)) {
	own, err := f.own(t)
	if err != nil {
		done(nil, err)
		return
	}
	d, err := description.Parse(offer)
	if err != nil {
		done(nil, err)
		return
	}
	f.run(func() (step, error) { return f.answerOffer(own, d, &o) }, func(answer []byte, err error) {
		if err != nil {
			done(nil, err)
			return
		}
		f.run(func() (step, error) { return f.answerSelf(own, answer) }, done)
	})
}

// answerOffer takes the offer to the participant that stands for this server, and yields its answer.
func (f *Farm) answerOffer(t *terminal, d *description.Description, o *media.Options) (step, error) {
	if err := t.begin(o); err != nil {
		return step{}, err
	}
	was := t.side.Clone()
	if err := t.side.Receive(d, description.Offer); err != nil {
		return step{}, err
	}
	c := f.join(t)
	send := c.exchange("offer", t.tag, t.self(), d.Text())
	send["transport-protocol"], send["rtcp-mux"] = "RTP/AVP", []any{"demux"}
	return step{
		call: c,
		send: send,
		then: func(sdp []byte) ([]byte, error) {
			if t.closed {
				return nil, media.ErrClosed
			}
			offered, err := description.Parse(sdp)
			if err != nil {
				return nil, err
			}
			self := description.Side{Random: f.cfg.Random, Options: description.Options{Audio: o.Audio}}
			if err := self.Receive(offered, description.Offer); err != nil {
				return nil, err
			}
			return self.Answer(nowhere)
		},
		undo: func() { t.side.Rollback(was) },
	}, nil
}

// answerSelf takes that answer to the terminal.
func (f *Farm) answerSelf(t *terminal, answer []byte) (step, error) {
	if t.closed {
		return step{}, media.ErrClosed
	}
	c := f.join(t)
	return step{
		call: c,
		send: c.exchange("answer", t.tag, t.self(), string(answer)),
		then: func(sdp []byte) ([]byte, error) {
			if t.closed {
				return nil, media.ErrClosed
			}
			out, err := t.side.Adopt(sdp, description.Answer)
			if err != nil {
				return nil, err
			}
			t.isolate()
			t.offered = nil // nobody else answers it
			t.agree()
			return out, nil
		},
	}, nil
}

// isolate makes a terminal one that is connected to nobody but this server.
func (t *terminal) isolate() {
	t.partner, t.alone, t.parted = nil, true, true
	t.farm.tell(t.call, t.call.command("block media", t.tag))
}

// Offer implements media.Backend. A first offer is one of a participant made up here; later ones need no node: what stands is offered again.
func (f *Farm) Offer(t media.Terminal, o media.Options, done func(sdp []byte, err error)) {
	own, err := f.own(t)
	if err != nil {
		done(nil, err)
		return
	}
	var agreed bool
	f.locked(func() { agreed = own.agreed })
	if agreed {
		done(f.repeat(own, func() { own.set(&o) }))
		return
	}
	f.run(func() (step, error) { return f.offerSelf(own, &o) }, done)
}

func (f *Farm) offerSelf(t *terminal, o *media.Options) (step, error) {
	if err := t.begin(o); err != nil {
		return step{}, err
	}
	self := description.Side{Random: f.cfg.Random, Options: description.Options{Audio: o.Audio}}
	offer, err := self.Offer(nowhere)
	if err != nil {
		return step{}, err
	}
	parsed, err := description.Parse(offer)
	if err != nil {
		return step{}, err
	}
	c := f.join(t)
	send := c.exchange("offer", t.self(), t.tag, string(offer))
	t.shape(send, parsed, &description.Options{})
	return step{
		call: c,
		send: send,
		then: func(sdp []byte) ([]byte, error) {
			if t.closed {
				return nil, media.ErrClosed
			}
			out, err := t.side.Adopt(sdp, description.Offer)
			if err != nil {
				return nil, err
			}
			t.isolate()
			t.stands()
			return out, nil
		},
	}, nil
}

// repeat yields what was written last as an offer.
func (f *Farm) repeat(t *terminal, change func()) (out []byte, err error) {
	f.locked(func() {
		if err = t.begin(nil); err != nil {
			return
		}
		change()
		if out, err = t.side.Repeat(); err == nil {
			t.stands()
		}
	})
	return out, err
}

// Hold implements media.Backend.
func (f *Farm) Hold(t media.Terminal, on bool, done func(sdp []byte, err error)) {
	own, err := f.own(t)
	if err != nil {
		done(nil, err)
		return
	}
	done(f.repeat(own, func() {
		own.held = on
		o := own.side.Options
		o.Limit = description.SendRecv
		own.set(&o)
	}))
}

// Accept implements media.Backend.
func (f *Farm) Accept(t media.Terminal, answer []byte, o media.Options, done func(err error)) {
	own, err := f.own(t)
	if err != nil {
		done(err)
		return
	}
	d, err := description.Parse(answer)
	if err != nil {
		done(err)
		return
	}
	f.run(func() (step, error) { return f.accept(own, d, &o) }, func(_ []byte, err error) { done(err) })
}

func (f *Farm) accept(t *terminal, d *description.Description, o *media.Options) (step, error) {
	if err := t.again(); err != nil {
		return step{}, err
	}
	t.set(o)
	if err := t.side.Receive(d, description.Answer); err != nil {
		return step{}, err
	}
	c := f.join(t)
	return step{
		call: c,
		send: c.answer(t.peer(), t, d.Text()),
		then: func([]byte) ([]byte, error) {
			if t.closed {
				return nil, media.ErrClosed
			}
			t.agree()
			return nil, nil
		},
		undo: func() { t.side.Rollback(t.offered) },
	}, nil
}
