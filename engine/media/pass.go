package media

import "github.com/sipscript/sipscript/engine/media/description"

// Pass implements Backend.
func (r *Relay) Pass(from, to Terminal, role Role, sdp []byte, o Options, done func(sdp []byte, err error)) {
	done(r.pass(from, to, role, sdp, o))
}

func (r *Relay) pass(from, to Terminal, role Role, sdp []byte, o Options) ([]byte, error) {
	d, err := description.Parse(sdp)
	if err != nil {
		return nil, err
	}
	a, b, unlock, err := r.both(from, to)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if role == RoleAnswer {
		return a.passAnswer(b, d, o)
	}
	return a.passOffer(b, d, o)
}

// passOffer takes the offer d, which t's peer has sent, to the peer of to.
func (t *terminal) passOffer(to *terminal, d *description.Description, o Options) ([]byte, error) {
	if err := t.begin(nil); err != nil {
		return nil, err
	}
	if err := to.begin(&o); err != nil {
		return nil, err
	}
	was := t.side.Clone()
	err := t.side.Receive(d, RoleOffer)
	if err != nil {
		return nil, err
	}
	out, err := to.side.Write(t.side, RoleOffer, to.open)
	if err != nil {
		t.side.Rollback(was)
		return nil, err
	}
	if err := t.stands(); err != nil {
		return nil, err
	}
	return out, to.stands()
}

// passAnswer takes the answer d, which t's peer has sent, to the peer of to.
func (t *terminal) passAnswer(to *terminal, d *description.Description, o Options) ([]byte, error) {
	if err := t.again(); err != nil {
		return nil, err
	}
	if err := to.again(); err != nil {
		return nil, err
	}
	to.set(&o)
	if err := t.side.Receive(d, RoleAnswer); err != nil {
		return nil, err
	}
	out, err := to.side.Write(t.side, RoleAnswer, to.open)
	if err != nil {
		t.side.Rollback(t.offered)
		return nil, err
	}
	if err := t.agree(); err != nil {
		return nil, err
	}
	return out, to.agree()
}

// Answer implements Backend.
func (r *Relay) Answer(t Terminal, offer []byte, o Options, done func(sdp []byte, err error)) {
	done(r.locked(t, func(own *terminal) ([]byte, error) {
		d, err := description.Parse(offer)
		if err != nil {
			return nil, err
		}
		if err := own.begin(&o); err != nil {
			return nil, err
		}
		was := own.side.Clone()
		if err := own.side.Receive(d, RoleOffer); err != nil {
			return nil, err
		}
		out, err := own.side.Answer(own.open)
		if err != nil {
			own.side.Rollback(was)
			return nil, err
		}
		own.offered = nil // nobody else answers it
		return out, own.agree()
	}))
}

// Offer implements Backend.
func (r *Relay) Offer(t Terminal, o Options, done func(sdp []byte, err error)) {
	done(r.locked(t, func(own *terminal) ([]byte, error) { return own.offer(&o) }))
}

// Hold implements Backend.
func (r *Relay) Hold(t Terminal, on bool, done func(sdp []byte, err error)) {
	done(r.locked(t, func(own *terminal) ([]byte, error) {
		o := own.side.Options
		o.Limit = description.SendRecv
		if err := own.begin(nil); err != nil {
			return nil, err
		}
		was := own.held
		own.held = on
		out, err := own.offer(&o)
		if err != nil {
			own.held = was
		}
		return out, err
	}))
}

func (t *terminal) offer(o *Options) ([]byte, error) {
	if err := t.begin(o); err != nil {
		return nil, err
	}
	write := t.side.Offer
	if t.agreed {
		write = t.side.Reoffer
	}
	out, err := write(t.open)
	if err != nil {
		return nil, err
	}
	return out, t.stands()
}

// Accept implements Backend.
func (r *Relay) Accept(t Terminal, answer []byte, o Options, done func(err error)) {
	_, err := r.locked(t, func(own *terminal) ([]byte, error) {
		d, err := description.Parse(answer)
		if err != nil {
			return nil, err
		}
		if err := own.again(); err != nil {
			return nil, err
		}
		own.set(&o)
		if err := own.side.Receive(d, RoleAnswer); err != nil {
			return nil, err
		}
		return nil, own.agree()
	})
	done(err)
}

// Rollback implements Backend.
func (r *Relay) Rollback(t Terminal) {
	_, _ = r.locked(t, func(own *terminal) ([]byte, error) {
		own.rollback()
		return nil, nil
	})
}

// locked runs work with t locked.
func (r *Relay) locked(t Terminal, work func(own *terminal) ([]byte, error)) ([]byte, error) {
	own, err := r.own(t)
	if err != nil {
		return nil, err
	}
	own.mu.Lock()
	defer own.mu.Unlock()
	own.wake()
	defer own.rest()
	return work(own)
}
