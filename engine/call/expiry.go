package call

import (
	"strconv"

	"github.com/sipscript/sipscript/engine/proxy"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/dialog"
	"github.com/sipscript/sipscript/sip/transaction"
	"github.com/sipscript/sipscript/sip/wheel"
)

// SessionPolicy is what is wanted of the session timer with a peer (RFC 4028).
type SessionPolicy = dialog.SessionPolicy

// RefreshHere is the SessionPolicy.Prefer of a leg whose session this server is to refresh.
const RefreshHere = dialog.Ourselves

// expiry is the session timer of a leg (RFC 4028). Each leg has its own: what its peer and we agree about says nothing of
// the other side. Every 2xx to an INVITE or UPDATE starts it anew. At half the interval we refresh, if that is ours to do;
// shortly before the end of a session that nobody has refreshed it is hung up, so that a peer that has vanished does not
// keep a call for ever.
type expiry struct {
	call  *Call
	terms dialog.SessionTimer
	timer *wheel.Timer // nil: no session of the leg had an interval
	tried bool         // the refresh was sent, and what comes next is the end
}

// stop ends it with the leg.
func (x *expiry) stop() {
	if x.timer != nil {
		x.timer.Stop()
	}
}

// ask prepares an INVITE or UPDATE of ours.
func (x *expiry) ask(m *sip.Message) { x.terms.Ask(m, x.call.options.Session) }

// check is the status that an INVITE or UPDATE of the peer's is to be refused with, and what goes with it; 0 for none.
func (x *expiry) check(m *sip.Message) (code int, fields []sip.Field) {
	policy := x.call.options.Session
	if code = x.terms.Check(m, policy); code == 422 {
		fields = []sip.Field{{Name: "Min-SE", Value: policy.MinSE()}}
	}
	return code, fields
}

// answer prepares our 2xx to an INVITE or UPDATE, with which the interval begins. Before the call is answered there is no
// session to expire.
func (x *expiry) answer(request, response *sip.Message) {
	if state := x.call.state; request.Method() == sip.UPDATE && state != answered && state != confirmed {
		return
	}
	x.terms.Answer(request, response, x.call.options.Session)
	x.begin()
}

// accepted is the peer's 2xx to an INVITE or UPDATE of ours, with which the interval begins.
func (x *expiry) accepted(request, response *sip.Message) {
	if state := x.call.state; request.Method() == sip.UPDATE && state != answered && state != confirmed {
		return
	}
	x.terms.Accepted(request, response, x.call.options.Session)
	x.begin()
}

// longer takes the peer's 422 and reports whether what we have sent may be sent again, asking for a longer interval.
func (x *expiry) longer(request, response *sip.Message) bool {
	return response.Status() == 422 && x.terms.TooSmall(request, response)
}

func (x *expiry) begin() {
	x.stop()
	x.tried = false
	if x.terms.Interval() == 0 {
		return
	}
	if x.timer == nil {
		x.timer = new(wheel.Timer)
		x.timer.Bind(x)
	}
	if wait := x.terms.Expire(); x.terms.Ours() {
		x.call.env.Loop.Wheel().Schedule(x.timer, x.terms.Refresh())
	} else {
		x.call.env.Loop.Wheel().Schedule(x.timer, wait)
	}
}

// TimerFired implements wheel.Owner.
func (x *expiry) TimerFired(*wheel.Timer) {
	c := x.call
	c.env.run(c, func() {
		switch {
		case !c.state.live():
		case x.terms.Ours() && !x.tried:
			x.tried = true
			c.env.Loop.Wheel().Schedule(x.timer, x.terms.Expire()-x.terms.Refresh())
			c.refresh()
		default:
			c.env.trace("call_expired")
			c.Hangup(Cause{By: ByExpiry, Code: 408, Reason: `SIP;cause=408;text="Session expired"`})
		}
	})
}

// longer calls the targets that have answered 422 once more, for a longer session interval (RFC 4028 §7.3): the same call with a
// new CSeq. That is for an interval which a proxy on the way has put in; one that was asked for here is access's affair.
func (d *dial) longer(res *proxy.Result) bool {
	c := d.leg
	if c.state != calling || d.tries == mostTries || d.request.Has(sip.SessionExpires) || !c.expiry.longer(d.request, res.Reply) {
		return false
	}
	var again proxy.Group
	for _, b := range res.Branches {
		if b.Code == 422 && b.Target != nil {
			again = append(again, *b.Target)
		}
	}
	if len(again) == 0 {
		return false
	}
	d.tries++
	for _, s := range d.early {
		c.env.forget(s.dialog.ID(), c)
	}
	d.early, d.talks = nil, dialog.Negotiation{}
	number := d.nextNumber()
	d.request, d.groups = d.request.Clone(), []proxy.Group{again}
	d.request.Set("CSeq", strconv.FormatUint(uint64(number), 10)+" INVITE")
	d.fork()
	return true
}

// refresh tells the peer that the session goes on: in an UPDATE without an offer if it takes that, else in a re-INVITE
// that offers what stands (RFC 4028 §7.4).
func (c *Call) refresh() {
	if allowed, _ := c.session.dialog.Allows(sip.UPDATE); !allowed {
		c.change(func(done func([]byte, error)) { c.backend.Offer(c.terminal, c.options.Media, done) }, func(error) {})
		return
	}
	new(refreshing).send(c, nil)
}

// refreshing is an UPDATE of ours that offers nothing.
type refreshing struct {
	call    *Call
	request *sip.Message
	tries   int
}

// send sends it, with the answer to a challenge if there was one.
func (u *refreshing) send(c *Call, challenge *sip.Message) {
	u.call = c
	m := c.session.dialog.Request(sip.UPDATE)
	m.Add("Supported", supported)
	c.expiry.ask(m)
	if !c.prove(m, challenge) {
		return
	}
	if _, err := c.session.talks.Send(dialog.StepOf(m, false)); err != nil {
		return // one with an offer is under way, which refreshes as well
	}
	u.request = m.Clone()
	c.originate(m, u)
}

// ClientResponse implements transaction.ClientUser.
func (u *refreshing) ClientResponse(_ *transaction.Client, r *sip.Message) {
	if r.Status() >= 200 {
		u.call.env.run(u.call, func() { u.over(r.Status(), r) })
	}
}

// ClientFailed implements transaction.ClientUser. A peer that cannot be reached is as one that does not answer.
func (u *refreshing) ClientFailed(*transaction.Client, error) {
	u.call.env.run(u.call, func() { u.over(408, nil) })
}

// ClientEnded implements transaction.ClientUser.
func (u *refreshing) ClientEnded(*transaction.Client) {}

// over is the final response. A refresh that fails is tried again where the response says how; else the session expires,
// unless the peer has forgotten it already (RFC 4028 §10).
func (u *refreshing) over(code int, r *sip.Message) {
	c := u.call
	c.session.talks.Receive(dialog.Step{Method: sip.UPDATE, Status: code})
	if !c.state.live() {
		return
	}
	if r != nil {
		_ = c.session.dialog.Response(r) // only a first INVITE has a route set to be wrong
	}
	switch {
	case code/100 == 2:
		c.expiry.accepted(u.request, r)
	case r != nil && u.tries < mostTries && c.expiry.longer(u.request, r):
		u.tries++
		u.send(c, nil)
	case r != nil && u.tries < mostTries && (code == 401 || code == 407):
		u.tries++
		u.send(c, r)
	case c.lost(sip.UPDATE, code):
		return
	}
	c.freed()
}

var (
	_ wheel.Owner            = (*expiry)(nil)
	_ transaction.ClientUser = (*refreshing)(nil)
)
