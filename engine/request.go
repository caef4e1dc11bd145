package engine

import (
	"time"

	"github.com/sipscript/sipscript/engine/call"
	"github.com/sipscript/sipscript/engine/cdr"
	"github.com/sipscript/sipscript/engine/proxy"
	"github.com/sipscript/sipscript/engine/shard"
	"github.com/sipscript/sipscript/engine/track"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/transaction"
	"github.com/sipscript/sipscript/sip/wheel"
)

// Request is one request on its way through a script: what a script may do with it. All methods are called on its
// shard's goroutine, and none of them blocks. Every request but an ACK gets exactly one final response: End sees to it.
type Request struct {
	Message *sip.Message // edits to it go to every later branch; nil once letGo has released it
	Flow    sip.Flow
	User    string // who has authenticated, for the record of the call; "" for nobody

	core     *core
	server   *transaction.Server // nil: an ACK, or given up
	ctx      *proxy.Context      // made by the first Proxy
	routing  proxy.Routing
	leg      *call.Call // the call that was made of it
	origin   *origin    // the same as leg sees it
	tag      string     // our To tag
	patience wheel.Timer

	over     bool // its handler has ended
	holds    bool // the message is released by letGo
	open     bool // no final response yet; counted in core.unanswered
	hungUp   bool // the caller has sent CANCEL, and got its 487 or will
	proxying bool
	silent   bool // dropped or forwarded: nothing is to be answered
	parked   bool
	legOver  bool     // leg has sent the final response
	paired   bool     // leg is in a conversation that needs no handler
	rang     bool     // a provisional beyond 100 was sent by the script
	nowhere  bool     // it was to be proxied to no targets: 480 is the least there is to say
	uas      uint64   // key in core.merged
	unwind   Unwinder // whoever handles it and waits

	came    int64          // when it came, Unix time in nanoseconds
	record  *cdr.Record    // of the call it makes; nil: nobody has asked
	taken   bool           // somebody else ends the record
	call    *track.Call    // the call it makes, tracked; nil: not proxied yet, or nobody has asked
	passing *track.Passing // inside a dialog: through the tracked call it belongs to; nil: it is not tracked
}

// Loop is the request's shard.
func (r *Request) Loop() *shard.Loop { return &r.core.shard.Loop }

// Engine is the server.
func (r *Request) Engine() *Engine { return r.core.engine }

// InDialog reports whether the request belongs to a dialog: it has a To tag.
func (r *Request) InDialog() bool { return r.Message.ToTag() != "" }

// Transaction reports whether the request can be answered: an ACK cannot.
func (r *Request) Transaction() bool { return r.server != nil }

// Answered reports whether a final response has gone out, or none will.
func (r *Request) Answered() bool { return !r.open }

// HungUp reports whether the caller has gone.
func (r *Request) HungUp() bool { return r.hungUp }

// Unwinder is a handler that waits. Unwind ends the wait.
type Unwinder interface{ Unwind(cause string) }

// OnUnwind sets what is called when the handler's wait has to end, with the cause: the caller has gone, or the time
// for an answer is over.
func (r *Request) OnUnwind(u Unwinder) { r.unwind = u }

// Park says that the handler waits: it counts as one more, and an INVITE gets its 100 and is not waited with for ever.
func (r *Request) Park() {
	if r.parked {
		return
	}
	r.parked = true
	r.core.engine.parked.Add(1)
	if r.open && r.invite() {
		r.server.Trying()
		r.wait(r.core.engine.cfg.Limits.Answer)
	}
}

func (r *Request) invite() bool { return r.Message.Method() == sip.INVITE }

func (r *Request) wait(d time.Duration) {
	r.patience.Bind(r)
	r.core.shard.Wheel().Schedule(&r.patience, d)
}

// TimerFired implements wheel.Owner: the time for an answer is over. An INVITE gets 500 unless something still happens;
// any other request has been given up already.
func (r *Request) TimerFired(*wheel.Timer) {
	if r.open {
		limit := r.core.engine.cfg.Limits.Answer
		if r.rang || r.ctx != nil && r.ctx.Alive() || r.leg != nil && r.leg.Dialling() {
			r.wait(limit)
			return
		}
		r.core.engine.cfg.Log.Warn("handler gave no answer in time", "call_id", r.Message.CallID(), "after", limit)
		r.answerError()
	}
	r.unwound(CauseTimeout)
}

func (r *Request) unwound(cause string) {
	if u := r.unwind; u != nil {
		u.Unwind(cause)
	}
}

// LocalTag is our To tag in every response of our own.
func (r *Request) LocalTag() string {
	if r.tag == "" {
		r.tag = r.core.newTag()
	}
	return r.tag
}

// state is why the request cannot be answered any more; nil: it can.
func (r *Request) state() error {
	switch {
	case r.server == nil && !r.silent:
		return ErrNoTransaction
	case r.hungUp && !r.proxying:
		return ErrHangup
	case !r.open || r.server.Final(): // by a late 2xx, say
		return ErrAnswered
	}
	return nil
}
