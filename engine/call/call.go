package call

import (
	"reflect"
	"sync/atomic"
	"time"

	"github.com/sipscript/sipscript/engine/media"
	"github.com/sipscript/sipscript/engine/proxy"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/dialog"
	"github.com/sipscript/sipscript/sip/wheel"
)

// state is where a leg stands.
//
//	state      event                                → state      actions
//	           INVITE has come, Accept                incoming   early dialog
//	           Dial                                   calling    INVITE to the targets
//	incoming   2xx sent                               answered   repeat it until the ACK
//	incoming   CANCEL, final sent, BYE                over
//	calling    2xx to an offer of ours                confirmed  ACK
//	calling    2xx with an offer                      answered   the ACK waits for the answer to it
//	calling    no 2xx, Hangup                         over       CANCEL; ACK and BYE to a late 2xx
//	answered   ACK                                    confirmed
//	answered   Hangup (2xx sent)                      leaving    no BYE before the ACK (RFC 3261 §15)
//	answered   64·T1 without the ACK                  ending     BYE
//	answered   Hangup (2xx received)                  ending     ACK, BYE
//	leaving    ACK, 64·T1                             ending     BYE
//	confirmed  Hangup, 481 or 408 to a request        ending     BYE
//	ending     final response to the BYE, or none     over
//	any        BYE                                    over       200, 487 to what is open
//
// The peer of a bridge, the dials and whoever controls the leg hear of the end when it leaves confirmed or what came before.
type state uint8

const (
	incoming state = iota
	calling
	answered
	confirmed
	leaving
	ending
	over
)

func (s state) String() string {
	return [...]string{"incoming", "calling", "answered", "confirmed", "leaving", "ending", "over"}[s]
}

// live reports whether somebody can still talk, or will.
func (s state) live() bool { return s < leaving }

// Call is one leg. Besides ID, On and what says so, its methods are called on its shard.
type Call struct {
	Data any // what its controller keeps with it; its shard's

	id      string
	env     *Env
	options *Options // shared with other legs

	state    state
	dialled  bool        // we have sent the INVITE
	joined   bool        // link carries a conversation
	taken    bool        // it is being passed to somebody else
	held     bool        // by its peer
	errands  uint16      // without an answer
	referred bool        // the peer has sent a REFER
	counted  atomic.Bool // it has a record; whom it is joined with may ask

	session *session  // with the peer; nil until a dialled leg has one
	origin  Origin    // the INVITE that has come; nil: the leg was dialled
	account *account  // of a call that no INVITE has made; nil: who has dialled the leg has the record
	dial    *dial     // the INVITE that was sent, while it is unanswered
	flow    *sip.Flow // by which the peer is reached without a Route; nil: by its Contact
	near    sip.Flow  // by which it knows us

	terminal media.Terminal
	backend  media.Backend // whose it is

	link    *link      // to the peer of a bridge, or to who has dialled this leg
	dials   []*attempt // legs that this one has dialled, until they are bridged
	bridge  *bridge
	joining *joining
	limit   *wheel.Timer // nil: none was set

	unacked   []*unacked  // our 2xx that wait for their ACK
	proposal  *proposal   // our re-INVITE or UPDATE that has no final response
	asked     []*inbound  // requests of the peer that wait for their response
	transfers []*transfer // REFERs of the peer under way
	referral  *referring  // ours
	expiry    expiry

	wanted   *want                // a change of our own that waits until the peer is free
	root     uint64               // of the calls dialled for one another
	auth     *proxy.Authenticator // answers what the callee asks; nil: nothing is known
	closed   media.Terminal       // terminal, when that was given back
	partner  media.Terminal       // of who was talked with last
	callIDs  []string             // of the legs that were dialled for this one
	target   string               // the URI that has answered, or was asked last
	told     *tally               // nil for who is not an unanswered caller
	patience *patience
	ready    []func() // what waits until the peer has acknowledged our answer
	listener func(Event)
	own      *own // of this server's own voice; nil: it has not spoken

	best  *brought // the best of what dials for an unanswered caller have brought
	cause *Cause   // why it has ended

	begun, answeredAt, ended time.Time
	fromURI, toURI           string // of the INVITE
}

// ID is this leg's own name: letters and digits, safe in a file name. Any goroutine.
func (c *Call) ID() string { return c.id }

// On runs fn on the leg's shard, later. Any goroutine.
func (c *Call) On(fn func(*Call)) {
	c.env.Loop.Post(func() { c.env.run(c, func() { fn(c) }) })
}

// Here reports whether the leg lives on the shard with this index. Any goroutine.
func (c *Call) Here(index int) bool { return c.env.Loop.Index() == index }

// State is where the leg stands, in a word.
func (c *Call) State() string { return c.state.String() }

// Over reports whether nobody can talk any more.
func (c *Call) Over() bool { return !c.state.live() }

// Answered reports whether the leg has been answered.
func (c *Call) Answered() bool { return !c.answeredAt.IsZero() }

// Bridged reports whether another leg is joined to this one.
func (c *Call) Bridged() bool { return c.joined }

// Dialled reports whether this server has called the peer.
func (c *Call) Dialled() bool { return c.dialled }

// to is the only writer of the state. Nothing leads out of over.
func (c *Call) to(next state) {
	if c.state == over || c.state == next {
		return
	}
	was := c.state
	c.state = next
	if was == incoming {
		c.patience.end()
		c.patience, c.told = nil, nil
	}
	switch next {
	case answered, confirmed:
		if c.answeredAt.IsZero() {
			c.answeredAt = c.env.now()
		}
	case leaving, ending:
		if was.live() {
			c.part()
		}
	case over:
		if was.live() {
			c.part()
		}
		c.release()
	}
}

// release gives back what only a living leg has.
func (c *Call) release() {
	e := c.env
	delete(e.calls, c.id)
	if c.session != nil {
		c.session.dialog.End()
		c.forgotten()
	}
	c.proposal, c.link, c.dials, c.listener = nil, nil, nil, nil
	if c.limit != nil {
		c.limit.Stop()
	}
	c.expiry.stop()
	if c.session != nil {
		c.session.reliable.stop()
	}
	c.origin, c.dial = nil, nil
}

// forgotten takes the dialog of a leg that is over out of the map. A 2xx of ours that has no ACK yet is repeated all the
// same, or the peer, whose BYE was faster, would wait for the end of its INVITE in vain.
func (c *Call) forgotten() {
	if c.state == over && len(c.unacked) == 0 {
		c.env.forget(c.session.dialog.ID(), c)
		c.env.bygone.add(c.session.dialog.ID())
	}
}

// part is the end for everybody but the peer: the talk is over, whatever its last messages are.
func (c *Call) part() {
	c.ended = c.env.now()
	for _, in := range c.asked {
		in.refuse(487)
	}
	c.asked = nil
	for _, t := range c.transfers {
		t.abandon()
	}
	c.transfers = nil
	c.ready = nil
	for _, a := range c.dials {
		a.drop(c.why())
	}
	c.dials = nil
	if b := c.bridge; b != nil {
		c.bridge = nil
		b.finish(EndCaller)
	}
	l := c.link
	c.link, c.joined = nil, false
	c.closeMedia()
	c.own.over()
	c.emit(Event{Kind: Ended, Cause: c.why()})
	c.withdraw() // behind the event, so that a script whose caller has gone is unwound, and sees no change of the call fail
	if l != nil {
		l.tell(c, ended{c.why()})
	}
	c.conclude()
}

func (e *Env) now() time.Time { return e.Loop.Wheel().Now() }

// why is why the leg has ended.
func (c *Call) why() Cause {
	if c.cause == nil {
		return Cause{}
	}
	return *c.cause
}

func (e *Env) newCall(id string, o *Options) *Call {
	c := &Call{id: id, env: e, options: o}
	c.expiry.call = c
	return c
}

// keepOptions is what legs have of options, which nobody changes: those of a script's line are the same for all of its calls.
func (e *Env) keepOptions(o Options) *Options {
	if e.usual == nil || !reflect.DeepEqual(*e.usual, o) {
		e.usual = &o
	}
	return e.usual
}

// keep puts a leg and a dialog of it where requests find them.
func (e *Env) keep(id dialog.ID, c *Call) { e.dialogs[id] = c }

func (e *Env) forget(id dialog.ID, c *Call) {
	if e.dialogs[id] == c {
		delete(e.dialogs, id)
	}
}
