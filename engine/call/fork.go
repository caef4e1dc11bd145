package call

import (
	"net/netip"
	"strings"

	"github.com/sipscript/sipscript/engine/media"
	"github.com/sipscript/sipscript/engine/proxy"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/dialog"
	"github.com/sipscript/sipscript/sip/transport"
)

// dial is the INVITE of a dialled leg, which forks as a proxied one does. Each To tag that answers is a dialog; the first
// 2xx makes one of them the leg's, any other gets ACK and BYE (RFC 3261 §13.2.2.4).
type dial struct {
	leg *Call
	*calls
	gone  bool // it was given up: no answer is taken any more
	acked bool // the answer that was taken has its ACK; until then it waits for its description

	accesses []*access // of the targets that may have to be answered
	tag      string    // of the answer that was taken
	answer   []byte    // the description in the ACK; nil for none
	hung     []string  // To tags of answers that got their BYE

	uri  string // of the INVITE, as it was made; this and what is below is left of it
	made sent
	won  sent // that whose answer was taken
}

// sent is what ACKs repeat of an INVITE.
type sent struct {
	number uint32      // in CSeq
	proof  []sip.Field // credentials
}

// calls is what a dial needs until it is answered and acknowledged, and has told so. It is nil then: late answers may come
// for 64·T1 more, and many dials wait for them.
type calls struct {
	request *sip.Message
	near    sip.Flow
	routing proxy.Routing // of the request that it is made for
	groups  []proxy.Group
	options proxy.Options
	ctx     *proxy.Context
	report  func(proxy.Result) // instead of the link, for a call without a caller

	talks    dialog.Negotiation // as the INVITE has left it: of each dialog it makes
	local    []byte             // the offer in it
	early    []*session
	proffers bool         // a reliable provisional response may hold the callee's offer
	offer    *session     // in which that was made
	tries    int          // after a 422
	taken    *sip.Message // the INVITE of the answer that was taken, as it was sent
	final    dialled
	told     bool // how it has ended
}

// start begins to ring, with an offer made of what the other leg has said.
func (c *Call) start(d *dial, offer []byte, from media.Terminal) {
	if c.state == over {
		return
	}
	e := c.env
	c.state, c.dial, c.begun = calling, d, e.now()
	c.near = e.toward(d.groups, d.near)
	e.calls[c.id] = c
	if offer == nil && d.report == nil {
		d.fork()
		return
	}
	c.openAt(e.backend(c.options))
	begin := func(done func([]byte, error)) {
		c.backend.Pass(from, c.terminal, media.RoleOffer, offer, c.options.Media, done)
	}
	if offer == nil {
		begin = func(done func([]byte, error)) { c.backend.Offer(c.terminal, c.options.Media, done) }
	}
	land(c, begin, func(sdp []byte, err error) {
		switch {
		case c.state != calling:
		case err != nil:
			code, fields := refusal(err)
			res := made(code, proxy.CauseOf(code))
			res.Full = code == 503
			d.over(dialled{result: res, fields: fields})
		default:
			d.local = sdp
			d.request.SetBody(sdpType, sdp)
			d.fork()
		}
	})
}

// toward guesses the flow to the first target, near another one: where its media will come from.
func (e *Env) toward(groups []proxy.Group, near sip.Flow) sip.Flow {
	if len(groups) == 0 || len(groups[0]) == 0 {
		return near
	}
	first := &groups[0][0]
	if first.Flow != (sip.Flow{}) {
		return first.Flow
	}
	f := sip.Flow{Transport: near.Transport, Local: near.Local}
	uri, err := sip.ParseURI(first.URI)
	if err != nil {
		return f
	}
	addr, numeric := uri.Addr()
	if !numeric {
		return f
	}
	t, given := uri.Transport()
	if !given {
		t = sip.UDP
	}
	if l, ok := e.Proxy.Names.Toward(t, addr, near); ok {
		f = sip.Flow{Transport: t, Local: l.Local, Remote: netip.AddrPortFrom(addr, uri.Port)}
	}
	return f
}

func (d *dial) fork() {
	e := d.leg.env
	if d.local == nil && !d.proffers {
		d.request.Set("Supported", withoutReliable)
	}
	d.leg.expiry.ask(d.request)
	_, _ = d.talks.Send(dialog.StepOf(d.request, d.local != nil)) // the first of its dialogs
	d.letIn()
	d.ctx = proxy.NewDial(e.Proxy, d, d.request, d.near, d.routing)
	d.ctx.Fork(d.groups, d.options, d.forked)
}

// LocalTag implements proxy.Owner.
func (d *dial) LocalTag() string { return d.invite().FromTag() }

// Contact implements proxy.Dialer.
func (d *dial) Contact(l transport.Listener) string { return contactAt(l, d.leg.id, false) }

// mostEarly bounds the dialogs that provisional responses make of one INVITE, and the answers that get a BYE: a callee makes
// them by naming To tags, and forks of that many phones are none.
const mostEarly = 128

// sessionOf is the dialog that a response belongs to, made if it is the first of it; nil if there is none to be had.
func (d *dial) sessionOf(r *sip.Message, p proxy.Peer) *session {
	id := dialog.Of(r)
	for _, s := range d.early {
		if s.dialog.ID() == id {
			return s
		}
	}
	if r.Status() < 200 && len(d.early) >= mostEarly {
		return nil
	}
	s := d.newSession(r, p)
	if s == nil {
		return nil
	}
	d.early = append(d.early, s)
	d.leg.env.keep(s.dialog.ID(), d.leg)
	return s
}

func (d *dial) newSession(r *sip.Message, p proxy.Peer) *session {
	dlg, err := dialog.NewUAC(d.sentTo(r, p.Target), r)
	if err != nil && dlg == nil {
		return nil
	}
	if l, ok := d.leg.env.Proxy.Names.At(p.Flow); ok {
		dlg.SetContact(d.Contact(l))
	}
	s := &session{dialog: dlg}
	if d.calls != nil {
		s.talks, s.local = d.talks, d.local
	}
	if a := d.accessOf(p.Target); a != nil {
		s.auth = a.auth
	}
	return s
}

// Progress implements proxy.Dialer.
func (d *dial) Progress(r *sip.Message, p proxy.Peer) {
	c := d.leg
	if c.state != calling || c.link == nil && d.report == nil {
		return
	}
	c.env.run(c, func() {
		m := rings{code: r.Status(), reason: strings.Clone(r.Reason()), fields: crossing(r, c.options.Headers)}
		if r.ToTag() != "" {
			s := d.sessionOf(r, p)
			if s == nil || !c.acknowledge1xx(s, r) {
				return
			}
			c.bind(p)
			_ = s.dialog.Response(r)
			sdp, refused := described(r)
			part, _ := s.talks.Receive(dialog.StepOf(r, sdp != nil && refused == 0))
			m.early = c.id + "/" + s.dialog.ID().Remote
			if part == dialog.Answer || part == dialog.Preview {
				s.agreed(sdp, d.local, false)
			}
			switch {
			case part != dialog.Offer || !d.proffers:
				c.sendPrack(s, nil)
			case !d.proffered(s, &m, sdp):
				return
			}
			if part == dialog.Preview || part == dialog.Answer {
				m.sdp, m.from = sdp, c.terminal
			}
		}
		if c.link != nil {
			c.link.tell(c, m)
		}
	})
}

// bind notes by which flow the peer is reached.
func (c *Call) bind(p proxy.Peer) {
	if c.near != p.Flow {
		c.near = p.Flow
		c.signalled()
	}
	if p.Bound {
		flow := p.Flow
		c.flow = &flow
	}
}
