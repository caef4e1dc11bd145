package call

import (
	"slices"
	"strconv"
	"time"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/dialog"
)

// subscribed is a SUBSCRIBE. To the progress of a transfer one subscribes by REFER alone; who has may ask how it stands, or to be
// told no more, which does not take the transfer back (RFC 3515 §2.4.4 and §2.4.6).
func (c *Call) subscribed(in *inbound) {
	t := c.transferOf(in.m)
	switch {
	case t == nil:
		in.reply(403, nil)
		return
	case c.busy():
		in.tooEarly(dialog.Refused{Status: 500, RetryAfter: true})
		return
	}
	left := int(notifies / time.Second)
	if seconds, ok, err := in.m.Expires(); err == nil && ok {
		left = min(seconds, left)
	}
	in.reply(200, func(r *sip.Message) {
		r.Add("Contact", c.session.dialog.Contact())
		r.Add("Expires", strconv.Itoa(left))
	})
	if left == 0 {
		c.runErrand(t.notification(t.code, "terminated;reason=timeout"), nil)
		t.silent = true
		return
	}
	c.runErrand(t.notification(t.code, "active;expires="+strconv.Itoa(left)), nil)
}

// transferOf is the transfer whose progress the peer is told of, by the Event of its SUBSCRIBE; nil for none.
func (c *Call) transferOf(m *sip.Message) *transfer {
	event, err := m.Event()
	if err != nil || event.Package != "refer" {
		return nil
	}
	i := slices.IndexFunc(c.transfers, func(t *transfer) bool { return t.id == event.ID && t.code != 0 && !t.silent })
	if i < 0 {
		return nil
	}
	return c.transfers[i]
}
