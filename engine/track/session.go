package track

import (
	"time"

	"github.com/sipscript/sipscript/engine/cdr"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/wheel"
)

// shortestSession is the least that a Session-Expires may say (RFC 4028 §4).
const shortestSession = 90 * time.Second

// refreshed takes the session interval that both sides have agreed on from a 2xx to an INVITE or UPDATE: each begins it anew, and one without
// ends it (RFC 4028 §8.2). This server asks for none. Who refreshes, and who sends the BYE that is due before the end of a session that nobody
// has refreshed, are the two sides.
func (d *dialog) refreshed(r *sip.Message) {
	if d.session != nil {
		d.session.Stop()
	}
	v, ok, err := r.SessionExpires()
	interval := max(time.Duration(v.Seconds)*time.Second, shortestSession)
	if !ok || err != nil || !d.confirmed || d.ended || d.call.state != answered || interval > longestLife {
		return
	}
	if d.session == nil {
		d.session = new(wheel.Timer)
		d.session.Init(d.expired)
	}
	d.call.table.env.Loop.Wheel().Schedule(d.session, interval+lateMessages)
}

// expired is the end of a session that nobody has refreshed, and whose BYE has not come by here.
//
// A proxy forgets it then, and must not send a BYE (RFC 4028 §8.3). But where this server does more for the call than write down its end, it
// takes that away from under two sides that may still talk: relayed media, names and numbers that only it can put back, or a bound on
// the call, that a side could leave by agreeing on a session that it does not refresh. Such a call is ended for both.
func (d *dialog) expired() {
	c := d.call
	if c.anchor == nil && !d.edits() && d.leg.auth == nil && !d.limited && len(c.Record.Limits()) == 0 {
		d.end(cdr.ByExpiry)
		return
	}
	d.hangUp()
	c.dialogEnded(cdr.ByExpiry)
}
