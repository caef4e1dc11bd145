package call

import (
	"github.com/sipscript/sipscript/engine/proxy"
)

// elsewhere is why a phone that rings is told to stop, RFC 3326 §2.
const elsewhere = `SIP;cause=200;text="Call completed elsewhere"`

// Pickup makes this leg the answer to what rings for another one, or in the place of another one that rings, and tells
// done when the conversation ends. This leg is answered if need be. stop ends it.
func (c *Call) Pickup(other *Call, done func(BridgeEnd)) (stop func()) {
	b := &bridge{call: c, done: done, began: c.env.now()}
	if !c.state.live() || c.bridge != nil || c.joined || other == c {
		b.fail(c.wrong())
		return func() {}
	}
	c.bridge = b
	failed := func(err error) {
		if c.bridge == b {
			c.bridge = nil
			b.fail(err)
		}
	}
	c.Answer(func(err error) {
		if err != nil {
			failed(err)
			return
		}
		c.whenReady(func() {
			other.On(func(o *Call) {
				o.pickedUp(nil, c, func(err error) {
					c.On(func(*Call) {
						if err != nil {
							failed(err)
						}
					})
				})
			})
		})
	})
	return func() { b.end(EndStopped) }
}

// handedOver ends a leg in whose place another one talks.
func (c *Call) handedOver() {
	if !c.state.live() {
		return
	}
	c.leave()
	if b := c.bridge; b != nil {
		c.bridge = nil
		b.finish(EndTransfer)
	}
	c.Hangup(Cause{By: ByTransfer})
}

// whenReady runs fn when the peer has acknowledged our answer.
func (c *Call) whenReady(fn func()) {
	if c.state == confirmed && len(c.unacked) == 0 {
		fn()
		return
	}
	c.ready = append(c.ready, fn)
}

// pickedUp lets by answer what rings for this leg: in the place of rung, or of the first that rings.
func (c *Call) pickedUp(rung, by *Call, told func(error)) {
	if c.state == calling && c.link != nil {
		c.link.other(c).On(func(o *Call) { o.pickedUp(c, by, told) })
		return
	}
	var a *attempt
	for _, one := range c.dials {
		if one.done != nil && (rung == nil || one.leg == rung) {
			a = one
			break
		}
	}
	if a == nil || c.joining != nil {
		told(ErrGone)
		return
	}
	a.leg.On(func(o *Call) { o.Hangup(Cause{By: ByOther, Reason: elsewhere}) })
	l := &link{a: c, b: by}
	a.leg, a.link = by, l
	offers := c.present() == nil
	c.joining = &joining{link: l, done: func(m reply) {
		done := a.done
		if done == nil {
			return
		}
		a.done = nil
		if m.code/100 != 2 {
			c.forgetDial(a)
			told(&StatusError{Code: m.code})
			done(nil, made(480, proxy.Unavailable))
			return
		}
		a.answer = dialled{result: made(200, proxy.Answered), sdp: m.sdp, offers: offers, from: m.from, early: by.id}
		told(nil)
		done(by, a.answer.result)
	}}
	l.tell(c, wooed{c.present(), c.terminal})
}
