package ng

import (
	"github.com/sipscript/sipscript/engine/media"
	"github.com/sipscript/sipscript/engine/media/description"
)

// step is what an exchange with a node begins with, under mu: the command, and what to do with its answer, under mu again.
type step struct {
	call *call
	send dict
	then func(sdp []byte) ([]byte, error)
	undo func()
}

// run does one step, and tells done what comes of it.
func (f *Farm) run(prepare func() (step, error), done func([]byte, error)) {
	var s step
	var err error
	f.locked(func() { s, err = prepare() })
	if err != nil {
		done(nil, err)
		return
	}
	f.ask(s.call, s.send, func(reply dict, err error) {
		var out []byte
		f.locked(func() {
			if err == nil {
				out, err = s.then([]byte(reply.text("sdp")))
			}
			if err != nil && s.undo != nil {
				s.undo()
			}
		})
		done(out, err)
	})
}

// Pass implements media.Backend.
func (f *Farm) Pass(from, to media.Terminal, role media.Role, sdp []byte, o media.Options, done func(sdp []byte, err error)) {
	a, err := f.own(from)
	if err != nil {
		done(nil, err)
		return
	}
	b, err := f.own(to)
	if err != nil {
		done(nil, err)
		return
	}
	d, err := description.Parse(sdp)
	if err != nil {
		done(nil, err)
		return
	}
	if role == media.RoleAnswer {
		f.run(func() (step, error) { return f.passAnswer(a, b, d, &o) }, done)
		return
	}
	f.run(func() (step, error) { return f.passOffer(a, b, d, &o) }, done)
}

func (f *Farm) passOffer(a, b *terminal, d *description.Description, o *media.Options) (step, error) {
	if err := a.begin(nil); err != nil {
		return step{}, err
	}
	if err := b.begin(o); err != nil {
		return step{}, err
	}
	if err := choosable(d, &a.side.Options, o); err != nil {
		return step{}, err
	}
	was := a.side.Clone()
	if err := a.side.Receive(d, description.Offer); err != nil {
		return step{}, err
	}
	c := f.join(a, b)
	return step{
		call: c,
		send: c.offer(a, b, d.Text()),
		then: func(sdp []byte) ([]byte, error) {
			if a.closed || b.closed {
				return nil, media.ErrClosed
			}
			out, err := b.side.Adopt(sdp, description.Offer)
			if err != nil {
				return nil, err
			}
			a.connect(b)
			a.stands()
			b.stands()
			return out, nil
		},
		undo: func() { a.side.Rollback(was) },
	}, nil
}

func (f *Farm) passAnswer(a, b *terminal, d *description.Description, o *media.Options) (step, error) {
	if err := a.again(); err != nil {
		return step{}, err
	}
	if err := b.again(); err != nil {
		return step{}, err
	}
	b.set(o)
	if err := a.side.Receive(d, description.Answer); err != nil {
		return step{}, err
	}
	c := f.join(b, a)
	return step{
		call: c,
		send: c.answer(b.tag, a, d.Text()),
		then: func(sdp []byte) ([]byte, error) {
			if a.closed || b.closed {
				return nil, media.ErrClosed
			}
			out, err := b.side.Adopt(sdp, description.Answer)
			if err != nil {
				return nil, err
			}
			a.agree()
			b.agree()
			c.connected()
			return out, nil
		},
		undo: func() { a.side.Rollback(a.offered) },
	}, nil
}
