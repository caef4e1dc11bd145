package call

import (
	"slices"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/dialog"
	"github.com/sipscript/sipscript/sip/wheel"
)

// unacked is a 2xx of ours to an INVITE. The user agent repeats it until the ACK comes, over any transport: a proxy
// between may go on by another (RFC 3261 §13.3.1.4).
type unacked struct {
	call   *Call
	number uint32 // CSeq
	send   func()
	waits  dialog.Resends
	again  bool
	timer  wheel.Timer
	late   func(answer []byte) // nil: the 2xx was no offer
}

func (c *Call) repeat(invite *sip.Message, send func(), late func([]byte)) {
	u := &unacked{call: c, send: send, late: late, waits: dialog.Resends2xx(c.env.T1, c.env.T2)}
	if cseq, err := invite.CSeq(); err == nil {
		u.number = cseq.Number
	}
	u.timer.Bind(u)
	c.unacked = append(c.unacked, u)
	u.wait()
}

func (u *unacked) wait() {
	d, again := u.waits.Next()
	u.again = again
	u.call.env.Loop.Wheel().Schedule(&u.timer, d)
}

// TimerFired implements wheel.Owner: the ACK has not come. After 64·T1 there is a dialog but no session worth keeping
// (RFC 3261 §13.3.1.4).
func (u *unacked) TimerFired(*wheel.Timer) {
	if u.again {
		u.send()
		u.wait()
		return
	}
	c := u.call
	c.env.trace("call_unacknowledged")
	c.env.run(c, func() {
		c.unacked = slices.DeleteFunc(c.unacked, func(v *unacked) bool { return v == u })
		if c.state == over {
			c.forgotten()
			return
		}
		c.bye(Cause{By: ByPeer, Code: 408})
	})
}

// ACK takes the ACK of a 2xx to its leg. A copy of one changes nothing.
func (e *Env) ACK(c *Call, m *sip.Message) {
	cseq, err := m.CSeq()
	if err != nil {
		return
	}
	at := slices.IndexFunc(c.unacked, func(u *unacked) bool { return u.number == cseq.Number })
	if at < 0 {
		return
	}
	u := c.unacked[at]
	u.timer.Stop()
	c.unacked = slices.Delete(c.unacked, at, at+1)
	if c.state == over {
		c.forgotten()
		return
	}
	e.run(c, func() { c.acknowledged(u, m) })
}

func (c *Call) acknowledged(u *unacked, m *sip.Message) {
	sdp, refused := described(m)
	part, _ := c.session.talks.Receive(dialog.StepOf(m, sdp != nil && refused == 0))
	switch c.state {
	case answered:
		c.to(confirmed)
		if c.origin != nil {
			c.origin.Settled()
		}
	case leaving:
		if len(c.unacked) == 0 {
			c.bye(c.why())
		}
		return
	}
	if u.late != nil {
		if part != dialog.Answer {
			c.Hangup(Cause{By: ByPeer, Code: 488})
			return
		}
		u.late(sdp)
	}
	c.freed()
}

// freed goes on with what had to wait until the peer was free.
func (c *Call) freed() {
	if c.state == confirmed && len(c.unacked) == 0 {
		ready := c.ready
		c.ready = nil
		for _, fn := range ready {
			fn()
		}
	}
	if c.state == confirmed && c.wanted != nil && !c.wanted.again.Armed() {
		c.tryAgain()
	}
}

var _ wheel.Owner = (*unacked)(nil)
