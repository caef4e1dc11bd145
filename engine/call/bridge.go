package call

import (
	"errors"
	"time"

	"github.com/sipscript/sipscript/engine/media"
	"github.com/sipscript/sipscript/engine/proxy"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/wheel"
)

// BridgeOptions say how two legs are joined.
type BridgeOptions struct {
	MaxDuration time.Duration // 0: no limit
	KeepCallee  bool          // the callee is not hung up when the bridge ends before it does
	BlockDigits bool          // digits of the callee and the caller stay here
}

// BridgeEnd is how a bridge ended.
type BridgeEnd struct {
	By       string // one of the words below
	Duration time.Duration
	Err      error // the legs could not be joined
}

// The words of BridgeEnd.By.
const (
	EndCaller   = "caller"
	EndCallee   = "callee"
	EndLimit    = "limit"
	EndTransfer = "transfer"
	EndStopped  = "stopped"
	EndFailed   = "failed"
)

// bridge is a conversation that somebody waits for the end of, at the leg that has asked for it.
type bridge struct {
	call    *Call
	options BridgeOptions
	done    func(BridgeEnd)
	began   time.Time
	limit   wheel.Timer
}

// Bridge joins this leg with another one, answers this one if need be, and tells done when the conversation ends. Then
// this leg stays, and the other is hung up. stop ends it.
func (c *Call) Bridge(leg *Call, o BridgeOptions, done func(BridgeEnd)) (stop func()) {
	b := &bridge{call: c, options: o, done: done, began: c.env.now()}
	if !c.state.live() || c.bridge != nil || c.joined {
		b.fail(c.wrong())
		return func() {}
	}
	c.bridge = b
	c.join(leg, func(err error) {
		switch {
		case c.bridge != b:
		case err != nil:
			c.bridge = nil
			b.fail(err)
		default:
			b.start()
		}
	})
	return func() { b.end(EndStopped) }
}

func (b *bridge) start() {
	c := b.call
	b.began = c.env.now()
	if b.options.BlockDigits {
		c.backend.BlockDigits(c.terminal, true)
	}
	if d := b.options.MaxDuration; d > 0 {
		b.limit.Init(func() { c.env.run(c, func() { b.end(EndLimit) }) })
		c.env.Loop.Wheel().Schedule(&b.limit, d)
	}
}

// end ends a bridge from this side while both legs live.
func (b *bridge) end(by string) {
	c := b.call
	if c.bridge != b {
		return
	}
	c.bridge = nil
	if l := c.link; l != nil && c.joined {
		why := Cause{By: ByServer}
		if by == EndLimit {
			why.By = ByLimit
		}
		c.leave()
		if b.options.KeepCallee {
			l.tell(c, parted{keeps: true})
			other := l.other(c)
			c.dials = append(c.dials, &attempt{call: c, leg: other, link: l, options: &DialOptions{Leg: *c.options}})
		} else {
			l.tell(c, ended{why})
		}
	}
	b.finish(by)
}

// finish tells who waits.
func (b *bridge) finish(by string) {
	b.limit.Stop()
	if done := b.done; done != nil {
		b.done = nil
		done(BridgeEnd{By: by, Duration: b.call.env.now().Sub(b.began)})
	}
}

func (b *bridge) fail(err error) {
	if done := b.done; done != nil {
		b.done = nil
		done(BridgeEnd{By: EndFailed, Err: err})
	}
}

// B2BUA dials for an unanswered caller and joins it with who answers. The pair then lives by itself: it ends when one of
// the two goes, or after MaxDuration. What rings and what fails are as of Dial.
func (c *Call) B2BUA(groups []proxy.Group, o DialOptions, done func(proxy.Result, *Call)) (cancel func()) {
	return c.Dial(groups, o, func(leg *Call, res proxy.Result) {
		if leg == nil {
			done(res, nil)
			return
		}
		c.join(leg, func(err error) {
			if err != nil {
				done(unjoined(err), nil)
				return
			}
			c.limitTo(o.MaxDuration)
			done(res, leg)
		})
	})
}

// unjoined is how a dial ends that was answered, by one who could not be joined with the caller.
func unjoined(err error) proxy.Result {
	var refused *StatusError
	switch {
	case errors.Is(err, ErrOver):
		return canceled
	case errors.As(err, &refused):
		return made(refused.Code, proxy.CauseOf(refused.Code))
	}
	code, _ := refusal(err)
	res := made(code, proxy.CauseOf(code))
	res.Full = code == 503
	return res
}

// limitTo hangs the leg up when its time is over.
func (c *Call) limitTo(d time.Duration) {
	if d <= 0 {
		return
	}
	if c.limit == nil {
		c.limit = new(wheel.Timer)
		c.limit.Init(func() { c.env.run(c, func() { c.Hangup(Cause{By: ByLimit}) }) })
	}
	c.env.Loop.Wheel().Schedule(c.limit, d)
}

// join makes a conversation of this leg and another.
func (c *Call) join(leg *Call, done func(error)) {
	for _, a := range c.dials {
		if a.leg == leg && a.done == nil && a.answer.result.Code != 0 {
			c.joinDialled(a, done)
			return
		}
	}
	c.joinAny(leg, done)
}

// joinDialled joins a leg that was dialled for this one, and has answered its description.
func (c *Call) joinDialled(a *attempt, done func(error)) {
	finish := func(err error) {
		if err == nil && c.state.live() {
			c.forgetDial(a)
			c.enter(a.link)
			a.link.tell(c, joins{})
		} else if err == nil {
			err = ErrOver
		}
		done(err)
	}
	if c.state == incoming {
		c.answerFrom(a, finish)
		return
	}
	m := &a.answer
	c.follow(a.link, m.sdp, m.offers, m.from, finish)
}

// enter makes a link the one that the leg talks by.
func (c *Call) enter(l *link) {
	if old := c.link; old != nil && old != l {
		c.unanswer()
		old.tell(c, parted{cause: Cause{By: ByTransfer}})
	}
	c.link, c.joined = l, true
}

// unanswer refuses what the peer has proposed to the other side, whose answer is of no use any more: it may try again (RFC 3261 §14.1).
func (c *Call) unanswer() {
	in := c.pending()
	if in == nil || !c.state.live() {
		return
	}
	if c.terminal != nil {
		c.backend.Rollback(c.terminal)
	}
	in.reply(491, nil)
}

// leave ends that for this side.
func (c *Call) leave() {
	c.unanswer()
	c.link, c.joined = nil, false
	if c.terminal != nil {
		c.backend.Part(c.terminal)
	}
}

// joins says that the other leg is in the conversation.
type joins struct{}

func (joins) reach(c *Call, l *link) {
	if c.link == l {
		c.joined = true
	}
}

// follow takes what another leg has said to this leg's description, and has this leg's peer told where that changes what
// was agreed with it.
func (c *Call) follow(l *link, sdp []byte, offers bool, from media.Terminal, done func(error)) {
	role := media.RoleAnswer
	if offers {
		role = media.RoleOffer
	}
	land(c, func(done func([]byte, error)) {
		c.backend.Pass(from, c.terminal, role, sdp, c.options.Media, done)
	}, func(own []byte, err error) {
		switch {
		case err != nil:
			done(err)
		case !c.state.live():
			done(ErrOver)
		case offers:
			c.propose(sip.INVITE, own, func(code int, answer []byte) {
				if code/100 != 2 {
					done(&StatusError{Code: code})
					return
				}
				l.tell(c, ack{answer, c.terminal})
				done(nil)
			})
		default:
			c.connect(from)
			if differs(own, c.session.local) {
				c.resync(own)
			}
			done(nil)
		}
	})
}

// joinAny joins a leg that has a session of its own: it is offered this leg's description in a re-INVITE, and leaves
// whom it was with when it has agreed.
func (c *Call) joinAny(leg *Call, done func(error)) {
	switch {
	case !c.state.live(): // it has ended on the way here, and would open media that nobody closes
		done(ErrOver)
		return
	case c.joining != nil || leg == c:
		done(ErrBusy)
		return
	}
	l := &link{a: c, b: leg}
	c.openMedia(nil)
	sdp := c.present()
	finish := func(err error) {
		if err == nil && !c.state.live() {
			err = ErrOver
		}
		if err == nil {
			c.enter(l)
		} else {
			l.tell(c, ended{Cause{By: ByServer}})
		}
		done(err)
	}
	c.joining = &joining{link: l, done: func(m reply) {
		switch {
		case m.code/100 != 2:
			done(&StatusError{Code: m.code})
		case !c.state.live(): // nobody is there any more whom the other leg has agreed to talk with
			finish(ErrOver)
		case c.state == incoming:
			a := &attempt{call: c, link: l, options: &DialOptions{Leg: *c.options}}
			a.answer = dialled{sdp: m.sdp, offers: sdp == nil, from: m.from}
			c.answerFrom(a, finish)
		default:
			c.follow(l, m.sdp, sdp == nil, m.from, finish)
		}
	}}
	l.tell(c, wooed{sdp, c.terminal})
}

// joining is a join under way at the leg that has asked for it.
type joining struct {
	link *link
	done func(reply) // what the other leg has said
}

// wooed asks a leg to leave whom it is with for the sender.
type wooed struct {
	sdp  []byte // nil: an offer is asked for
	from media.Terminal
}

func (m wooed) reach(c *Call, l *link) {
	if c.state != confirmed {
		l.tell(c, reply{code: 481})
		return
	}
	send := func(sdp []byte) {
		c.propose(sip.INVITE, sdp, func(code int, answer []byte) {
			if code/100 == 2 && c.state.live() {
				c.enter(l)
			}
			l.tell(c, reply{code: code, sdp: answer, from: c.terminal})
		})
	}
	c.openMedia(nil)
	if m.sdp == nil {
		send(nil)
		return
	}
	land(c, func(done func([]byte, error)) {
		c.backend.Pass(m.from, c.terminal, media.RoleOffer, m.sdp, c.options.Media, done)
	}, func(sdp []byte, err error) {
		if err != nil {
			code, _ := refusal(err)
			l.tell(c, reply{code: code})
			return
		}
		send(sdp)
	})
}

// left is the end of who this leg was with. Where somebody waits for the end of the bridge this leg stays, else it goes,
// too.
func (c *Call) left(why Cause) {
	c.leave()
	switch {
	case c.taken || len(c.transfers) > 0: // a transfer is under way, which decides
	case c.bridge != nil:
		b := c.bridge
		c.bridge = nil
		by := EndCallee
		if why.By == ByTransfer {
			by = EndTransfer
		}
		b.finish(by)
	default:
		c.Hangup(Cause{By: ByOther, Code: why.Code, Reason: why.Reason})
	}
}

var _ message = joins{}
