package engine

import (
	"fmt"
	"time"

	"github.com/sipscript/sipscript/engine/cdr"
	"github.com/sipscript/sipscript/engine/track"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/transaction"
)

// close counts the request as answered.
func (r *Request) close() {
	if !r.open {
		return
	}
	r.open = false
	r.core.unanswered--
	r.patience.Stop()
	if r.leg != nil && !r.legOver && !r.hungUp {
		r.forsake() // something else has answered
	}
	if r.record != nil {
		r.core.shard.Post(r.conclude) // when the answer is out
	}
}

// letGo gives back what nobody needs once the handler has ended and the answer is out: the transaction stands for 32 s
// more, and there are many of them.
func (r *Request) letGo() {
	if r.open || !r.over || !r.holds {
		return
	}
	r.holds = false
	if r.server != nil && !r.server.Final() {
		r.Message.Keep() // nothing may be said, and its transaction absorbs retransmissions until the client gives up
	}
	if r.server != nil && r.uas == 0 {
		r.server.Abandon()
	}
	r.ctx = nil
	if !r.Message.Kept() {
		r.Message.Release()
		r.Message = nil
	}
}

// End says that the handler has done all it will. A request without a final response gets the best of all it was
// proxied to, else 500. It returns an error that says so when the handler has forgotten to answer.
func (r *Request) End() error {
	r.unpark()
	err := r.settle()
	r.letGo()
	if r.origin != nil {
		r.origin.slim()
	}
	return err
}

func (r *Request) settle() error {
	switch {
	case !r.open || r.proxying:
	case r.leg != nil && r.leg.Best():
	case r.hungUp:
		r.finish(487)
	case r.nowhere:
		r.finish(480)
	case r.ctx == nil:
		r.answerError()
		return fmt.Errorf("handler ended without an answer to %s %s", r.Message.Method(), r.Message.URIText())
	default:
		r.finish(500)
	}
	return nil
}

// Fail says that the handler has failed: the request gets a 500 unless it was answered, whatever it was proxied to.
func (r *Request) Fail() {
	r.unpark()
	if r.open {
		r.Unproxy("")
		r.answerError()
	}
	r.letGo()
}

func (r *Request) unpark() {
	r.over = true
	r.unwind = nil
	r.patience.Stop()
	if r.parked {
		r.parked = false
		r.core.engine.parked.Add(-1)
	}
}

// finish sends the best response there is, or one with this code.
func (r *Request) finish(code int) {
	r.close()
	if r.ctx != nil && r.ctx.Finish() {
		return
	}
	r.final(code)
}

// final answers by ourselves whatever the state.
func (r *Request) final(code int) {
	if r.server == nil || r.server.Final() {
		return
	}
	m := sip.NewResponse(r.Message, code, "", r.LocalTag())
	_ = r.server.Respond(code, encode(m)) // a failed send is reported by the transport
	r.leave(code)
	if r.ctx != nil {
		r.ctx.Answered()
	}
}

func (r *Request) answerError() {
	r.close()
	r.final(500)
}

// Canceled is the caller's CANCEL. Where the handler waits in Proxy, its branches are cancelled and the result says
// so; anywhere else 487 leaves at once and the wait is unwound.
func (r *Request) Canceled(reason string) {
	if !r.open || r.hungUp {
		return
	}
	r.hungUp = true
	if r.ctx != nil {
		open := r.ctx.Cancel(reason)
		if r.proxying && open {
			return
		}
		if r.proxying || !r.open {
			return // the fork has reported meanwhile
		}
	}
	r.close()
	r.final(487)
	if r.leg != nil && r.leg.Canceled(reason) {
		return // what it has dialled has reported
	}
	r.unwound(CauseHangup)
}

// HangUp implements track.Invitation: somebody who is not the caller ends a call that nobody has answered. The caller is refused with code at
// once, whoever rings gets CANCEL, and the handler finds its caller gone.
func (r *Request) HangUp(code int) {
	if !r.open || r.hungUp {
		return
	}
	r.hungUp = true
	r.record.EndedBy = cdr.ByServer
	r.close()
	waits := r.proxying // then its fork reports, and Proxy returns
	if r.ctx != nil {
		r.ctx.Cancel("")
	}
	r.final(code)
	if !waits {
		r.unwound(CauseHangup)
	}
}

// lastWord is what a fork is given to end by itself when its transaction has ended: Timer F of its branches began a
// moment after that of the client, and a handler would rather have their 408 than an error.
const lastWord = 500 * time.Millisecond

// ServerEnded implements transaction.ServerUser. An unanswered request is no INVITE: 64·T1 have passed, its client has
// given up and nothing is sent any more (RFC 4320 §4.2).
func (r *Request) ServerEnded(*transaction.Server, error) {
	if !r.open {
		r.unmerge()
		return
	}
	r.abandoned()
	if r.proxying {
		r.wait(lastWord)
		return
	}
	r.unwound(CauseTimeout)
}

var (
	_ transaction.ServerUser = (*Request)(nil)
	_ track.Invitation       = (*Request)(nil)
)
