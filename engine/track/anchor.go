package track

import (
	"errors"
	"net/netip"
	"sync/atomic"

	"github.com/sipscript/sipscript/engine/cdr"
	"github.com/sipscript/sipscript/engine/media"
	"github.com/sipscript/sipscript/engine/media/description"
	"github.com/sipscript/sipscript/engine/proxy"
	"github.com/sipscript/sipscript/sip"
)

// anchor is the media of a proxied call that passes through this server: a terminal for the caller, and one for whoever is called, of whom one at a
// time is heard. Descriptions are rewritten one after the other, in the order in which they came.
type anchor struct {
	call           *Call
	backend        media.Backend
	caller, callee media.Terminal
	busy           bool     // a description is being rewritten
	waiting        []func() // what is to be done behind it
}

// anchorMedia leads the media of the call through this server from now on.
func (c *Call) anchorMedia() error {
	if c.anchor != nil {
		return nil
	}
	backend := c.table.media
	if backend == nil || c.state == over {
		return media.ErrClosed
	}
	loop := c.table.env.Loop
	events := func(e media.Event) { loop.Post(func() { c.heard(e) }) }
	caller, err := backend.Open(c.Record.ID, events)
	if err != nil {
		return err
	}
	callee, err := backend.Open(c.Record.ID, events)
	if err != nil {
		backend.Close(caller)
		return err
	}
	c.anchor = &anchor{call: c, backend: backend, caller: caller, callee: callee}
	c.anchor.signalled(caller, c.caller.near)
	backend.Connect(caller, callee)
	return nil
}

// heard is told of what the media does.
func (c *Call) heard(e media.Event) {
	if e.Kind == media.EventTimeout {
		c.HangUp(cdr.ByMedia)
	}
}

// Heard are the figures of what the caller has sent so far, where its media passes through this server.
func (c *Call) Heard() media.Stats {
	if c.anchor == nil {
		return media.Stats{}
	}
	return c.anchor.caller.Stats()
}

// releaseMedia gives back the ports and puts the figures into the record.
func (c *Call) releaseMedia() {
	a := c.anchor
	if a == nil {
		return
	}
	c.anchor = nil
	a.backend.Close(a.caller)
	a.backend.Close(a.callee)
	Measure(c.Record, a.backend, Side{cdr.ByCaller, a.caller}, Side{cdr.ByCallee, a.callee})
	a.next() // what waits goes on as it came
}

// Side is the media of one side of a call.
type Side struct {
	Leg      string // cdr.ByCaller or cdr.ByCallee
	Terminal media.Terminal
}

// Measure puts the figures of the sides into a record. Where they are final only later nobody is told of the end before.
func Measure(r *cdr.Record, b media.Backend, sides ...Side) {
	read := func() (all []cdr.Media) {
		for _, s := range sides {
			all = append(all, Figures(s.Leg, s.Terminal.Stats()))
		}
		return all
	}
	r.Media = read()
	if late, ok := b.(media.Settler); ok {
		var terminals []media.Terminal
		for _, s := range sides {
			terminals = append(terminals, s.Terminal)
		}
		r.Settle = func(done func([]cdr.Media)) { late.Settle(terminals, func() { done(read()) }) }
	}
}

// Figures are those of one leg's media as a record has them.
func Figures(leg string, s media.Stats) cdr.Media {
	stream := func(f media.Flow) cdr.Stream {
		return cdr.Stream{Packets: f.Packets, Bytes: f.Bytes, Lost: f.Lost, Jitter: f.Jitter}
	}
	return cdr.Media{Leg: leg, Received: stream(s.Received), Sent: stream(s.Sent), RTT: s.RTT, MOS: s.MOS}
}

// signalled says where the signalling of a side comes from.
func (a *anchor) signalled(t media.Terminal, flow sip.Flow) {
	if flow.Remote.IsValid() {
		a.backend.Signalled(t, flow.Local.Addr(), flow.Remote.Addr())
	}
}

// toward says where the INVITE m goes, as far as that is known without asking for a name.
func (a *anchor) toward(m *sip.Message, flow sip.Flow) {
	if flow == (sip.Flow{}) {
		uri, err := m.URI()
		if routes, bad := m.Routes(); bad == nil && len(routes) > 0 {
			uri = &routes[0].URI
		}
		if err != nil || uri == nil {
			return
		}
		addr, numeric := uri.Addr()
		if !numeric {
			addr = a.call.caller.near.Local.Addr() // by the interface that the caller uses, until somebody answers
		}
		flow.Transport = sip.UDP
		if t, ok := uri.Transport(); ok {
			flow.Transport = t
		}
		l, _ := a.call.table.env.Names.Toward(flow.Transport, addr, a.call.caller.near)
		flow.Local, flow.Remote = l.Local, netip.AddrPortFrom(addr, 0)
	}
	a.signalled(a.callee, flow)
}

// pass rewrites the description in m, if there is one, and calls next: with 0, or with the status that refuses the description. When the media has been
// given back meanwhile, m goes on as it is.
func (a *anchor) pass(m *sip.Message, down bool, role media.Role, next func(refused int)) {
	sdp := described(m)
	if sdp == nil {
		next(0)
		return
	}
	m.Keep() // the backend may take its time
	if a.busy {
		a.waiting = append(a.waiting, func() { a.rewrite(m, sdp, down, role, next) })
		return
	}
	a.rewrite(m, sdp, down, role, next)
}

func (a *anchor) rewrite(m *sip.Message, sdp []byte, down bool, role media.Role, next func(refused int)) {
	if a.call.anchor != a {
		next(0)
		a.next()
		return
	}
	from, to := a.caller, a.callee
	if !down {
		from, to = to, from
	}
	a.busy = true
	a.ask(from, to, role, sdp, func(out []byte, err error) {
		a.busy = false
		if err == nil {
			replace(m, sdp, out)
		}
		next(refusal(err))
		a.next()
	})
}

// next does what has waited longest.
func (a *anchor) next() {
	if len(a.waiting) > 0 && !a.busy {
		first := a.waiting[0]
		a.waiting = a.waiting[1:]
		first()
	}
}

// ask lets the backend rewrite a description. done is called on the shard: at once by a backend that is done at once.
func (a *anchor) ask(from, to media.Terminal, role media.Role, sdp []byte, done func([]byte, error)) {
	type answer struct {
		sdp []byte
		err error
	}
	var got atomic.Pointer[answer]
	loop := a.call.table.env.Loop
	a.backend.Pass(from, to, role, sdp, media.Options{}, func(sdp []byte, err error) {
		r := &answer{sdp, err}
		if !got.CompareAndSwap(nil, r) {
			loop.Post(func() { done(r.sdp, r.err) })
		}
	})
	if !got.CompareAndSwap(nil, &answer{}) {
		r := got.Load()
		done(r.sdp, r.err)
	}
}

// rollback forgets an offer that was refused: the session stays as it was (RFC 3261 §14.1).
func (a *anchor) rollback() {
	a.backend.Rollback(a.caller)
	a.backend.Rollback(a.callee)
}

// refusal is the status that an error of the backend stands for; 0 for none.
func refusal(err error) int {
	var bad *description.Error
	switch {
	case err == nil:
		return 0
	case errors.As(err, &bad):
		return bad.Status
	case errors.Is(err, media.ErrNoInterface):
		return 488
	}
	return 503
}

// mayDescribe reports whether a request of this method can carry an offer or an answer.
func mayDescribe(method string) bool {
	switch method {
	case sip.INVITE, sip.ACK, sip.PRACK, sip.UPDATE:
		return true
	}
	return false
}

// relayMedia has the INVITE of a leg carry this server's description in place of the caller's.
func (l *leg) relayMedia(m *sip.Message, next func(int)) {
	if !l.relay {
		next(0)
		return
	}
	if err := l.call.anchorMedia(); err != nil {
		next(refusal(err))
		return
	}
	a := l.call.anchor
	a.toward(m, l.flow)
	l.offered = described(m) != nil
	a.pass(m, true, media.RoleOffer, next)
}

// relayAnswer does the same for what a callee says to the first INVITE: an answer, or the offer where that had none.
func (l *leg) relayAnswer(r *sip.Message, by sip.Flow, next func(int)) {
	a := l.call.anchor
	if a == nil || !l.relay || r.Status() >= 300 || described(r) == nil {
		next(0)
		return
	}
	a.signalled(a.callee, by)
	a.pass(r, false, l.role(), next)
}

func (l *leg) role() media.Role {
	if l.offered {
		return media.RoleAnswer
	}
	return media.RoleOffer
}

// relayRequest is relayMedia inside the dialog.
func (t *turn) relayRequest(m *sip.Message, next func(int)) {
	a := t.call.anchor
	if a == nil || !mayDescribe(t.method) || described(m) == nil {
		next(0)
		return
	}
	role := media.RoleOffer
	if t.method == sip.ACK || t.method == sip.PRACK && !t.leg.offered && !t.answered {
		role = media.RoleAnswer
		t.answered = true
	}
	t.offers = role == media.RoleOffer
	a.pass(m, t.down, role, func(refused int) {
		if t.method == sip.ACK {
			refused = 0 // nobody can refuse it; who gets an answer that does not fit hangs up
		}
		next(refused)
	})
}

// relayResponse is relayAnswer inside the dialog. A body that cannot be rewritten passes: the request was answered.
func (t *turn) relayResponse(r *sip.Message, by sip.Flow, next func(int)) {
	a := t.call.anchor
	if a == nil || r.Status() >= 300 || !mayDescribe(t.method) || described(r) == nil {
		next(0)
		return
	}
	if t.down {
		a.signalled(a.callee, by)
	} else {
		a.signalled(a.caller, by)
	}
	role := media.RoleOffer
	if t.offers {
		role = media.RoleAnswer
	}
	a.pass(r, !t.down, role, func(int) { next(0) })
}

var _ proxy.Passage = (*leg)(nil)
