package siptest

import (
	"time"

	"github.com/sipscript/sipscript/sip"
)

// call is one that AutoAnswer lets ring.
type call struct {
	invite *sip.Message
	timer  *time.Timer
}

// AutoAnswer makes the endpoint Reliable and answer by itself, as a phone with auto answer: it rings and takes a call after
// ring, ends it when it is cancelled, and says 200 to anything else.
func (u *UA) AutoAnswer(ring time.Duration) *UA {
	return u.Reliable().Handle(func(req *sip.Message) {
		switch {
		case req.Method() == sip.ACK:
		case req.Method() == sip.INVITE && req.ToTag() == "":
			u.ring(req, ring)
		case req.Method() == sip.INVITE:
			u.Reply(req, 200, SDP(u.addr.Addr()))
		case req.Method() == sip.CANCEL:
			u.canceled(req)
		default:
			u.Reply(req, 200)
		}
	})
}

// AutoReply makes the endpoint Reliable and answer every request with one status.
func (u *UA) AutoReply(code int, opts ...Option) *UA {
	return u.Reliable().Handle(func(req *sip.Message) {
		if req.Method() != sip.ACK {
			u.Reply(req, code, opts...)
		}
	})
}

func (u *UA) ring(invite *sip.Message, d time.Duration) {
	key := keyOf(invite)
	u.Reply(invite, 180)
	u.mu.Lock()
	defer u.mu.Unlock()
	u.ringing[key] = &call{invite, time.AfterFunc(d, func() {
		if c := u.stopRinging(key); c != nil {
			u.Reply(c.invite, 200, SDP(u.addr.Addr()))
		}
	})}
}

// stopRinging gives the call to who asks first.
func (u *UA) stopRinging(key transactionKey) *call {
	u.mu.Lock()
	defer u.mu.Unlock()
	c := u.ringing[key]
	delete(u.ringing, key)
	return c
}

func (u *UA) canceled(cancel *sip.Message) {
	key := keyOf(cancel)
	key.method = sip.INVITE
	u.mu.Lock()
	known := u.served[key] != nil
	u.mu.Unlock()
	if !known {
		u.Reply(cancel, 481)
		return
	}
	u.Reply(cancel, 200)
	if c := u.stopRinging(key); c != nil {
		c.timer.Stop()
		u.Reply(c.invite, 487)
	}
}
