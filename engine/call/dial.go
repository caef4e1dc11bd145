package call

import (
	"slices"
	"strconv"

	"github.com/sipscript/sipscript/engine/media"
	"github.com/sipscript/sipscript/engine/proxy"
	"github.com/sipscript/sipscript/sip"
)

// attempt is a dial as its caller sees it, and the leg that it brings for as long as that is in no bridge.
type attempt struct {
	call     *Call
	leg      *Call // on its own shard
	link     *link
	options  *DialOptions
	done     func(*Call, proxy.Result) // nil once it was called
	progress func(code int, reason string)
	answer   dialled // once it has been answered
	rang     bool
}

// Dial calls groups of targets, one group after the other, for this leg: its description is offered to them, and they are
// offered one where it has made no offer. done is told once, with the leg that has answered or with nil. What rings is
// passed to an unanswered caller. The leg ends with this one.
func (c *Call) Dial(groups []proxy.Group, o DialOptions, done func(*Call, proxy.Result)) (cancel func()) {
	switch {
	case !c.state.live():
		done(nil, canceled)
		return func() {}
	case len(groups) == 0:
		done(nil, made(480, proxy.Unavailable))
		return func() {}
	case spent(c.invited()):
		done(nil, made(483, proxy.Rejected))
		return func() {}
	}
	a := c.attempt(&o, done)
	a.call2(groups, c.present(), c.terminal)
	return func() { a.cancel(Cause{By: ByServer}) }
}

var canceled = made(487, proxy.Canceled)

func made(code int, cause proxy.Cause) proxy.Result {
	return proxy.Result{Code: code, Reason: sip.Reason(code), Cause: cause}
}

// invited is the INVITE that has come, as long as it is there.
func (c *Call) invited() *sip.Message {
	if c.origin == nil {
		return nil
	}
	return c.origin.Invite()
}

func spent(m *sip.Message) bool {
	if m == nil {
		return false
	}
	n, ok, err := m.MaxForwards()
	return ok && err == nil && n == 0
}

// present is what a new peer is offered for this leg: what its own peer has said it takes; nil: that is to be asked for.
func (c *Call) present() []byte {
	switch {
	case c.state == incoming:
		return c.told.offer
	case c.session.asked || c.session.remote == nil:
		return c.session.remote
	}
	return resumed(c.session.remote)
}

func (c *Call) attempt(o *DialOptions, done func(*Call, proxy.Result)) *attempt {
	at := c.env.place(o.At)
	leg := at.newCall(c.env.name(at), c.env.keepOptions(o.Leg))
	leg.dialled = true
	l := &link{a: c, b: leg}
	leg.link = l
	leg.root = c.root
	a := &attempt{call: c, leg: leg, link: l, options: o, done: done}
	c.dials = append(c.dials, a)
	c.openMedia(a)
	return a
}

// call2 sends the leg on its way, on its own shard.
func (a *attempt) call2(groups []proxy.Group, offer []byte, from media.Terminal) {
	c, leg := a.call, a.leg
	d := &dial{leg: leg, calls: &calls{request: c.invite(a, leg), groups: groups, options: a.options.Options}}
	d.near = c.near
	if c.origin != nil {
		d.routing = c.origin.Routing()
		d.proffers = c.mayProffer(a, groups)
	}
	leg.env.Loop.Post(func() { leg.env.run(leg, func() { leg.start(d, offer, from) }) })
}

// invite makes the INVITE of a dialled leg: a request of our own that has nothing of the caller's but who calls, how far
// it has come, and what may cross (RFC 3261 §6, back-to-back user agent).
func (c *Call) invite(a *attempt, leg *Call) *sip.Message {
	e := c.env
	uri, from := "sip:"+e.Proxy.Names.Domain(), a.options.From
	var came *sip.Message
	if came = c.invited(); came != nil {
		uri = came.URIText()
	}
	m := sip.NewRequest(sip.INVITE, uri)
	if from == "" {
		from = c.callerFor(came)
	}
	m.Add("From", from+";tag="+proxy.NewDialTag(e.Proxy.Random, c.root))
	callID := e.draw(leg.env.Loop.Index(), 2)
	c.callIDs = append(c.callIDs, callID)
	m.Add("Call-ID", callID)
	m.Add("CSeq", "1 INVITE")
	if came != nil {
		if n, ok, err := came.MaxForwards(); ok && err == nil {
			m.Add("Max-Forwards", strconv.Itoa(n))
		}
		if v, ok := came.Value(sip.MaxBreadth); ok {
			m.Add("Max-Breadth", v)
		}
		add(m, crossing(came, a.options.Leg.Headers))
	}
	m.Add("Allow", methods)
	m.Add("Supported", supported)
	add(m, a.options.Leg.Extra)
	if id := a.options.Identity; id != nil {
		id.Show(m)
	}
	leg.fromURI = c.fromURI
	return m
}

// callerFor is the From of a call made for this leg: who calls, at an address that is ours to name.
func (c *Call) callerFor(came *sip.Message) string {
	var who *sip.Address
	var err error
	switch {
	case came != nil:
		who, err = came.From()
	default:
		var a sip.Address
		a, err = sip.ParseAddress(c.session.dialog.Remote())
		who = &a
	}
	if err != nil {
		return "<sip:anonymous@anonymous.invalid>"
	}
	own := sip.Address{Name: who.Name, URI: sip.URI{Scheme: who.URI.Scheme, User: who.URI.User, Host: who.URI.Host, Opaque: who.URI.Opaque}, Bracketed: true}
	if who.URI.IsSIP() && !c.env.Proxy.Names.IsLocal(&who.URI) && who.URI.Host != "anonymous.invalid" {
		own.URI.Host = c.env.Proxy.Names.Domain()
	}
	return own.String()
}

// cancel gives a dial up for who has begun it. A leg that has answered meanwhile is hung up.
func (a *attempt) cancel(why Cause) {
	c := a.call
	if !slices.Contains(c.dials, a) || a.done == nil {
		return
	}
	c.unheard(a)
	c.forgetDial(a)
	a.drop(why)
}

// drop ends the leg of a dial, and the wait for it.
func (a *attempt) drop(why Cause) {
	leg := a.leg
	leg.On(func(c *Call) { c.Hangup(Cause{By: ByOther, Code: why.Code, Reason: why.Reason}) })
	if done := a.done; done != nil {
		a.done = nil
		done(nil, canceled)
	}
}

// gone is the end of a leg that has answered and is in no bridge.
func (a *attempt) gone() {
	a.call.unheard(a)
	a.call.forgetDial(a)
	if done := a.done; done != nil {
		a.done = nil
		done(nil, made(480, proxy.Unavailable))
		return
	}
	a.call.emit(Event{Kind: LegEnded, Leg: a.leg})
}

func (c *Call) forgetDial(a *attempt) {
	c.dials = slices.DeleteFunc(c.dials, func(b *attempt) bool { return b == a })
}

func (m dialled) reach(c *Call, l *link) {
	a := c.attemptOf(l)
	if a == nil || a.done == nil {
		return
	}
	done := a.done
	a.done = nil
	if m.result.Target != nil {
		c.target = m.result.Target.URI
	}
	if m.result.Code/100 != 2 {
		c.unheard(a)
		c.forgetDial(a)
		if c.state == incoming {
			c.note(&m.result, m.fields)
		}
		done(nil, m.result)
		return
	}
	a.answer = m
	done(a.leg, m.result)
}
