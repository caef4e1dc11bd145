package call

import (
	"time"

	"github.com/sipscript/sipscript/sip/wheel"
)

// alive is how often a caller is told that somebody still rings: proxies between give a call up that nothing is heard of
// for three minutes (RFC 3261 §13.3.1.1).
const alive = time.Minute

// patience is that of an unanswered caller, and of what is between: a call may say until when it is to be answered, and one
// that rings for long is kept alive.
type patience struct {
	call    *Call
	expires wheel.Timer // the Expires of the INVITE
	again   wheel.Timer
}

func newPatience(c *Call) *patience {
	p := &patience{call: c}
	p.expires.Init(p.over)
	p.again.Init(p.remind)
	w := c.env.Loop.Wheel()
	if seconds, ok, err := c.origin.Invite().Expires(); ok && err == nil {
		w.Schedule(&p.expires, time.Duration(seconds)*time.Second)
	}
	w.Schedule(&p.again, alive)
	return p
}

func (p *patience) end() {
	p.expires.Stop()
	p.again.Stop()
}

// over refuses a call that was not answered in the time its INVITE gives (RFC 3261 §13.3.1).
func (p *patience) over() {
	c := p.call
	c.env.run(c, func() { c.Hangup(Cause{By: ByServer, Code: 487}) })
}

func (p *patience) remind() {
	c := p.call
	c.env.Loop.Wheel().Schedule(&p.again, alive)
	if c.told.code != 0 {
		c.env.run(c, func() { c.provisional(c.told.code, "", c.told.early, nil) })
	}
}
