package engine

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/sipscript/sipscript/engine/proxy"
	"github.com/sipscript/sipscript/engine/shard"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/transaction"
	"github.com/sipscript/sipscript/sip/wheel"
)

// Request is one request on its way through a script: what a script may do with it. All methods are called on its
// shard's goroutine, and none of them blocks. Every request but an ACK gets exactly one final response: End sees to it.
type Request struct {
	Message *sip.Message // kept; edits to it go to every later branch
	Flow    sip.Flow

	core     *core
	server   *transaction.Server // nil: an ACK, or given up
	ctx      *proxy.Context      // made by the first Proxy
	routing  proxy.Routing
	tag      string // our To tag
	patience wheel.Timer

	over     bool // its handler has ended
	holds    bool // the message is released by letGo
	open     bool // no final response yet; counted in core.unanswered
	hungUp   bool // the caller has sent CANCEL, and got its 487 or will
	proxying bool
	silent   bool // dropped or forwarded: nothing is to be answered
	parked   bool
	rang     bool     // a provisional beyond 100 was sent by the script
	nowhere  bool     // it was to be proxied to no targets: 480 is the least there is to say
	uas      uint64   // key in core.merged
	unwind   Unwinder // whoever handles it and waits
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
		if r.rang || r.ctx != nil && r.ctx.Alive() {
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

// Content is what a response of a script's own carries.
type Content struct {
	Headers     []sip.Field
	ContentType string
	Body        []byte
}

// Reply answers. A 1xx may be sent any number of times, to an INVITE only (RFC 4320 §4.1); a final once. Branches
// that still ring are cancelled by a final.
func (r *Request) Reply(code int, reason string, content Content) error {
	if err := r.state(); err != nil {
		return err
	}
	if code < 200 && code != 100 && !r.invite() {
		return ErrProvisional
	}
	if code == 100 {
		r.server.Trying()
		return nil
	}
	m := sip.NewResponse(r.Message, code, reason, r.LocalTag())
	for _, h := range content.Headers {
		m.Add(h.Name, h.Value)
	}
	if len(content.Body) > 0 {
		m.SetBody(content.ContentType, content.Body)
	}
	if code < 200 {
		r.rang = true
	}
	r.respond(m)
	return nil
}

// Challenge answers 401 or 407. An INVITE that nothing has been said to is answered without a transaction, so that a
// flood of unauthenticated ones, whose ACKs never come, costs no memory (RFC 3261 §8.2.7, §26.3.2.4).
func (r *Request) Challenge(code int, headers []sip.Field) error {
	if err := r.state(); err != nil {
		return err
	}
	if !r.invite() || r.server.LastStatus() != 0 || r.ctx != nil {
		return r.Reply(code, "", Content{Headers: headers})
	}
	r.answerAlone(code, headers...)
	return nil
}

// answerAlone answers a request that nothing has been said to without a transaction: what the engine says by itself it can
// say again. An INVITE with a forged source would else have it repeated to a third party for 32 s.
func (r *Request) answerAlone(code int, headers ...sip.Field) {
	r.silence()
	r.core.reply(r.Message, r.Flow, code, headers...)
}

// respond sends a response of our own and, when it is final, closes the request.
func (r *Request) respond(m *sip.Message) {
	code := m.Status()
	if code/100 == 2 && r.invite() {
		r.core.dialogs.add(m)
	}
	_ = r.server.Respond(code, encode(m)) // a failed send is reported by the transport
	if code >= 200 {
		r.close()
		if r.ctx != nil {
			r.ctx.Answered()
		}
	}
}

// ReplyResult answers with what a proxied attempt brought.
func (r *Request) ReplyResult(res *proxy.Result) error {
	if err := r.state(); err != nil {
		return err
	}
	if res.Reply == nil || r.ctx == nil || res.Code == 503 {
		code := res.Code
		if code == 503 {
			code = 500 // a 503 would say that this server can serve nothing (RFC 3261 §16.7(6))
		}
		reason := res.Reason
		if code != res.Code {
			reason = ""
		}
		return r.Reply(code, reason, Content{})
	}
	r.close()
	r.ctx.Forward(res.Reply)
	r.ctx.Answered()
	return nil
}

// close counts the request as answered.
func (r *Request) close() {
	if !r.open {
		return
	}
	r.open = false
	r.core.unanswered--
	r.patience.Stop()
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

// Drop leaves the request unanswered, on purpose. It may be called for an ACK too.
func (r *Request) Drop() error {
	if r.server == nil {
		r.silent = true
		return nil
	}
	if err := r.state(); err != nil {
		return err
	}
	r.silence()
	return nil
}

// silence ends the request without an answer.
func (r *Request) silence() {
	r.server.Dissolve()
	r.abandoned()
}

// abandoned is the end of a request whose transaction has gone without an answer.
func (r *Request) abandoned() {
	r.silent = true
	r.server = nil
	r.close()
	r.unmerge()
}

// Forward sends the request on without keeping a transaction (RFC 3261 §16.11). It must come before any answer.
func (r *Request) Forward(t *proxy.Target) error {
	if r.server != nil {
		if err := r.state(); err != nil {
			return err
		}
		if r.server.LastStatus() != 0 || r.ctx != nil {
			return ErrAnswered
		}
		if hopsUsedUp(r.Message) { // it was for this server, and let in as such
			r.answerAlone(483)
			return nil
		}
		r.silence()
	} else if r.silent {
		return ErrAnswered
	}
	r.silent = true
	m := r.Message // it may be let go before a name is found or not
	r.core.env.Relay(m, r.Flow, r.routing, t, func(code int) { r.core.reply(m, r.Flow, code) })
	return nil
}

// Proxy forks the request to groups of targets and calls done once with the result, perhaps before it returns. In a
// dialog there are no targets: the route set decides. A 1xx or 2xx goes upstream by itself.
func (r *Request) Proxy(groups []proxy.Group, o proxy.Options, done func(proxy.Result)) error {
	if err := r.state(); err != nil {
		return err
	}
	if r.proxying {
		return ErrBusy
	}
	if !r.InDialog() && len(groups) == 0 {
		r.nowhere = true
		done(proxy.Result{Code: 480, Reason: sip.Reason(480), Cause: proxy.Unavailable})
		return nil
	}
	if hopsUsedUp(r.Message) {
		_ = r.Reply(483, "", Content{}) // state was asked
		done(proxy.Result{Code: 483, Reason: sip.Reason(483), Cause: proxy.Rejected})
		return nil
	}
	if r.ctx == nil {
		r.ctx = proxy.New(r.core.env, r, r.server, r.Message, r.Flow, r.routing)
	}
	if r.invite() {
		r.server.Trying()
	}
	r.proxying = true
	r.ctx.Fork(groups, o, func(res proxy.Result) {
		r.proxying = false
		if res.Code/100 == 2 {
			r.close()
		}
		if r.over {
			_ = r.settle() // an answer there is: the best of the branches
			r.letGo()
			return
		}
		if r.hungUp && r.open {
			r.finish(487)
		}
		done(res)
		if !r.over && res.Reply != nil {
			res.Reply.Keep() // whoever goes on may look at it later
		}
	})
	return nil
}

// Unproxy ends a Proxy that its handler waits for no longer, for this cause. When the handler was retired with its
// version, neither the caller nor the phones that ring have anything to do with it: they go on, and the best response
// goes up in the end.
func (r *Request) Unproxy(cause string) {
	if r.ctx != nil && r.proxying && cause != CauseRetired {
		r.proxying = false
		r.ctx.Detach()
	}
}

// FollowRoutes sends an in-dialog request along its route set without a script: what happens to it when none asks.
func (r *Request) FollowRoutes() {
	switch {
	case r.server == nil:
		if r.Routable() {
			_ = r.Forward(nil) // an ACK has nobody to tell
		}
	case !r.Routable():
		r.answerAlone(481)
		_ = r.End()
	default:
		if err := r.Proxy(nil, proxy.Options{}, func(proxy.Result) { _ = r.End() }); err != nil {
			_ = r.End()
		}
	}
}

// RelayCancel sends a CANCEL that matches nothing on without a transaction, as its request was (RFC 3261 §16.10): what
// happens to it when no script asks. Where this server would be whom it is for, there is nothing to cancel.
func (r *Request) RelayCancel() {
	if uri, err := r.Message.URI(); err == nil && !r.Message.Has(sip.Route) && r.core.engine.names.IsLocal(uri) {
		r.core.reply(r.Message, r.Flow, 481)
		return
	}
	_ = r.Forward(nil) // what cannot be sent has been answered
}

// Routable reports whether an in-dialog request may go on: it came by our Route, or its dialog was confirmed here.
// Anything else would make this server an open relay.
func (r *Request) Routable() bool {
	return r.routing.Ours || r.core.dialogs.has(r.Message)
}

// ForServer reports whether the request is for this server itself: an own address or domain without a user.
func (r *Request) ForServer() bool {
	uri, err := r.Message.URI()
	return err == nil && uri.User == "" && !r.Message.Has(sip.Route) && r.core.engine.names.IsLocal(uri)
}

// AnswerOptions is the answer to an OPTIONS for the server itself (RFC 3261 §11.2). methods are those a script
// handles.
func (r *Request) AnswerOptions(methods []string) {
	r.answerAlone(200,
		sip.Field{Name: "Allow", Value: strings.Join(methods, ", ")},
		sip.Field{Name: "Accept", Value: "application/sdp"},
		sip.Field{Name: "Supported", Value: "path"})
}

// MethodNotAllowed is the answer to a method that no handler takes.
func (r *Request) MethodNotAllowed(methods []string) {
	r.answerAlone(405, sip.Field{Name: "Allow", Value: strings.Join(methods, ", ")})
}

// BecomeUAS is called before this server acts as the user agent that answers. It returns false, and has answered
// 482, when the same request has come by another way before (RFC 3261 §8.2.2.2).
func (r *Request) BecomeUAS() bool {
	if r.uas != 0 || r.server == nil || r.InDialog() {
		return true
	}
	key := r.mergeKey()
	if first := r.core.merged[key]; first != nil && first != r {
		_ = r.Reply(482, "", Content{})
		return false
	}
	r.uas = key
	r.core.merged[key] = r
	return true
}

func (r *Request) mergeKey() uint64 {
	var room [256]byte
	b := append(room[:0], r.Message.CallID()...)
	b = append(append(b, 0), r.Message.FromTag()...)
	if c, err := r.Message.CSeq(); err == nil {
		b = strconv.AppendUint(append(b, 0), uint64(c.Number), 10)
		b = append(b, c.Method...)
	}
	return r.core.engine.key.Sum(b)
}

// End says that the handler has done all it will. A request without a final response gets the best of all it was
// proxied to, else 500. It returns an error that says so when the handler has forgotten to answer.
func (r *Request) End() error {
	r.unpark()
	err := r.settle()
	r.letGo()
	return err
}

func (r *Request) settle() error {
	switch {
	case !r.open || r.proxying:
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
	if r.ctx != nil {
		r.ctx.Answered()
	}
}

func (r *Request) answerError() {
	r.close()
	r.final(500)
}

// cancelled is the caller's CANCEL. Where the handler waits in Proxy, its branches are cancelled and the result says
// so; anywhere else 487 leaves at once and the wait is unwound.
func (r *Request) cancelled(reason string) {
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
	r.unwound(CauseHangup)
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

func (r *Request) unmerge() {
	if r.uas != 0 {
		delete(r.core.merged, r.uas)
		r.uas = 0
	}
}

var _ transaction.ServerUser = (*Request)(nil)
