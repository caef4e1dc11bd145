package call

import (
	"errors"

	"github.com/sipscript/sipscript/engine/proxy"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/dialog"
)

// Replace lets this leg, an INVITE that nobody has answered, take the place of the one whose dialog its Replaces names,
// on whichever shard that is (RFC 3891 §3). done is told once. An INVITE that could not take it has changed nothing.
//
//	the dialog that is named             what becomes of the INVITE
//	is none of ours, or not an INVITE's  481
//	is early, and its peer has begun it  481
//	is early, and we have begun it       200; what rings gets CANCEL
//	is confirmed, "early-only" is asked  486
//	is confirmed                         its party is offered what the INVITE offers: 200, BYE to who is replaced
//	is confirmed, and has no party       603
//	ends at this moment, or has ended    603
func (c *Call) Replace(v sip.ReplacesValue, done func(proxy.Result, *Call)) {
	e := c.env
	id := dialog.ID{CallID: v.CallID, Local: v.ToTag, Remote: v.FromTag}
	at := e.shards[e.ShardOf(v.CallID)]
	at.Loop.Post(func() {
		old := at.dialogs[id]
		code := replaceable(old, v.EarlyOnly)
		if old == nil && at.bygone.has(id) {
			code = 603
		}
		var party *Call
		if code == 0 && old.state != calling {
			party = old.link.other(old)
		}
		c.On(func(*Call) {
			switch {
			case c.state != incoming:
				done(canceled, nil)
			case code != 0:
				c.unreplaced(code, done)
			case party == nil:
				c.replaceRinging(old, done)
			default:
				c.replaceTalking(old, party, done)
			}
		})
	})
}

// replaceable is the status to refuse the replacement of a leg with, 0 for none.
func replaceable(old *Call, earlyOnly bool) int {
	switch {
	case old == nil || old.state == incoming:
		return 481
	case old.state == calling:
		return 0
	case !old.state.live():
		return 603
	case earlyOnly:
		return 486
	case !old.joined:
		return 603
	}
	return 0
}

// unreplaced leaves the INVITE to whoever handles it, with what it is to be refused with.
func (c *Call) unreplaced(code int, done func(proxy.Result, *Call)) {
	res := made(code, proxy.Rejected)
	c.note(&res, nil)
	done(res, nil)
}

// replaceTalking offers the INVITE's description to the party of who is replaced. With its answer that leaves.
func (c *Call) replaceTalking(old, party *Call, done func(proxy.Result, *Call)) {
	c.joinAny(party, func(err error) {
		var refused *StatusError
		switch {
		case err == nil:
			old.On((*Call).handedOver)
			done(made(200, proxy.Answered), c)
		case c.state != incoming:
			done(canceled, nil)
		case errors.As(err, &refused):
			c.unreplaced(refused.Code, done)
		default:
			c.unreplaced(480, done)
		}
	})
}

// replaceRinging answers in the place of what rings, and goes with whom it then talks to.
func (c *Call) replaceRinging(old *Call, done func(proxy.Result, *Call)) {
	c.Pickup(old, func(BridgeEnd) { c.Hangup(Cause{By: ByOther, Code: 481}) })
	if !c.state.live() {
		done(made(488, proxy.Rejected), nil)
		return
	}
	done(made(200, proxy.Answered), c)
}
