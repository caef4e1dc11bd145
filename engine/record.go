package engine

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sipscript/sipscript/engine/call"
	"github.com/sipscript/sipscript/engine/cdr"
	"github.com/sipscript/sipscript/engine/media"
	"github.com/sipscript/sipscript/engine/proxy"
	"github.com/sipscript/sipscript/engine/track"
	"github.com/sipscript/sipscript/sip"
)

// ErrNoCall says that a request neither makes a call nor belongs to one that is tracked.
var ErrNoCall = errors.New("the request makes no call, and belongs to none that is tracked")

// ErrNoRelay says that media was to pass through a server that has no relay.
var ErrNoRelay = errors.New("this server relays no media: the config has no media.interfaces")

// Record is what stays with the call that an INVITE makes, or that a request belongs to whose call is tracked. From the first time it is asked
// for, before the INVITE is answered, the call is followed to its end. Of any other request it holds values as long as the request lives.
func (r *Request) Record() *cdr.Record {
	switch {
	case r.record != nil:
		return r.record
	case r.passing != nil:
		return r.passing.Record()
	case r.makesCall():
		r.record = r.core.newRecord(r)
	default:
		r.record = cdr.New(nil, "", time.Time{}, nil)
	}
	return r.record
}

// makesCall reports whether the request is an INVITE that may still bring about a call.
func (r *Request) makesCall() bool { return r.open && r.invite() && !r.InDialog() }

// TakeRecord is Record for who ends it in place of the request: the call that the request becomes.
func (r *Request) TakeRecord() *cdr.Record {
	rec := r.Record()
	r.taken = true
	rec.User = r.User
	return rec
}

// Limit counts the call under key unless most are up: false then, but never for a call for help. The engine gives it back when the call is over,
// however it was routed.
func (r *Request) Limit(key string, most int) (bool, error) {
	if r.passing == nil && !r.makesCall() {
		return false, ErrNoCall
	}
	if r.Emergency() {
		most = unlimited
	}
	return r.Record().Limit(key, most), nil
}

// newRecord begins the record of an INVITE's call.
func (c *core) newRecord(r *Request) *cdr.Record {
	rec := cdr.New(c.engine.Counts, c.legs.Name(), time.Unix(0, r.came), c.ended)
	m := r.Message
	rec.CallIDs = []string{strings.Clone(m.CallID())}
	rec.From, rec.To = addressURI(m.From()), addressURI(m.To())
	rec.URI = strings.Clone(r.routing.URI)
	rec.Source = fmt.Sprintf("%s:%s", r.Flow.Transport.Param(), r.Flow.Remote)
	return rec
}

func addressURI(a *sip.Address, err error) string {
	if err != nil {
		return ""
	}
	return strings.Clone(a.URI.String())
}

// ended takes the record of a call that is over to whoever wants it, when its figures are final. With this server nobody waits for that.
func (c *core) ended(r *cdr.Record) {
	settle := r.Settle
	if r.Settle = nil; settle == nil || c.engine.closed.Load() {
		c.told(r)
		return
	}
	c.unsettled = append(c.unsettled, r)
	settle(func(figures []cdr.Media) {
		c.shard.Post(func() {
			r.Media = figures
			c.unsettled = slices.DeleteFunc(c.unsettled, func(other *cdr.Record) bool { return other == r })
			c.told(r)
		})
	})
}

// settled takes the records on that still wait for figures, when the shard runs no more.
func (c *core) settled() {
	for _, r := range c.unsettled {
		c.told(r)
	}
	c.unsettled = nil
}

func (c *core) told(r *cdr.Record) {
	if f := c.engine.records; f != nil {
		f.Write(r.Line())
	}
	if e := c.engine.ender; e != nil {
		c.shard.Post(func() { e.CallEnded(&c.shard.Loop, r) })
	}
}

// ReopenRecords opens the file of call records again, which may have been moved away. Any goroutine.
func (e *Engine) ReopenRecords() {
	if e.records != nil {
		e.records.Reopen()
	}
}

// Tracked is how many proxied calls are followed, over all shards, those included that only wait for late messages. It asks each shard and waits for
// the answers: not for a shard's goroutine.
func (e *Engine) Tracked() (n int) {
	counts := make(chan int, len(e.cores))
	for _, c := range e.cores {
		c.shard.Post(func() { counts <- c.calls.Len() })
	}
	for range e.cores {
		n += <-counts
	}
	return n
}

// follow has a request that is about to be proxied followed, where somebody wants more of its call than the final response.
func (r *Request) follow(groups []proxy.Group, o *proxy.Options) {
	switch {
	case r.passing != nil:
		p := r.passing
		o.Passage = func(*proxy.Target) proxy.Passage { return p }
	case r.makesCall() && !r.taken && (r.record != nil || wantsTracking(groups, o)):
		o.Passage = r.track().Branch(o)
	}
}

func wantsTracking(groups []proxy.Group, o *proxy.Options) bool {
	if o.Tracked() {
		return true
	}
	for _, g := range groups {
		for i := range g {
			if g[i].Identity != nil || g[i].Credentials != nil {
				return true
			}
		}
	}
	return false
}

// track begins to track the call.
func (r *Request) track() *track.Call {
	if r.call == nil {
		r.call = r.core.calls.Begin(r.Record(), r.Message, r.Flow, r)
		r.record.User = r.User
	}
	return r.call
}

// own tracks the call that a script has answered by a response of its own.
func (r *Request) own(ok *sip.Message) {
	if r.record != nil && !r.taken && r.makesCall() {
		r.track().Own(ok)
	}
}

// note remembers how an attempt has ended: it is the cause of what the caller is told, if it is told that.
func (r *Request) note(res *proxy.Result) {
	if r.record == nil || r.taken || r.record.Over() || r.call != nil && r.call.Answered() {
		return
	}
	r.record.Code, r.record.Cause, r.record.Q850 = res.Code, string(res.Cause), res.Q850
	if res.Target != nil {
		r.record.Target = strings.Clone(res.Target.URI)
	}
}

// leave tells a tracked call that a request of its dialog was answered here, or sent on with status 0.
func (r *Request) leave(status int) {
	if r.passing != nil {
		r.passing.Final(status)
	}
}

// conclude ends the record of a call that has not come about. It is posted when the request closes, so that the answer is out.
func (r *Request) conclude() {
	if r.taken || r.record.Over() {
		return
	}
	status, by := 0, ""
	if r.server != nil {
		status = r.server.LastStatus()
	}
	rec, now := r.record, r.core.shard.Wheel().Now()
	rec.User = r.User
	switch {
	case status == 0: // challenged, dropped, or sent on without a transaction
		rec.Drop(now)
	case status/100 == 2 && r.call != nil && r.call.Answered():
		return
	case r.hungUp && status == 487:
		by = cdr.ByCaller
		rec.Code, rec.Cause = status, string(proxy.Canceled)
	case rec.Code != status:
		rec.Code, rec.Cause, rec.Q850 = status, string(proxy.CauseOf(status)), 0
	}
	if r.call != nil {
		r.call.Fail(by)
	}
	rec.End(now, by)
}

// enders are the words of a record for who has ended a leg.
var enders = map[string]string{
	call.ByPeer: cdr.ByCaller, call.ByOther: cdr.ByCallee, call.ByServer: cdr.ByServer, call.ByLimit: cdr.ByLimit, call.ByMedia: cdr.ByMedia,
	call.ByExpiry: cdr.ByExpiry, call.ByTransfer: cdr.ByTransfer, call.ByShutdown: cdr.ByShutdown,
}

// conclude ends the record of the call that a leg was made of.
func (o *origin) conclude(rec *cdr.Record, c *call.Call) {
	at, user := o.core, o.user
	if r := o.r; r != nil {
		at, user = r.core, r.User
	}
	s := c.Snapshot()
	rec.User, rec.Answered = user, s.AnsweredAt
	rec.CallIDs, rec.Target = append(rec.CallIDs, c.CallIDs()...), c.Target()
	by := enders[s.Cause.By]
	if c.Answered() {
		rec.Code, rec.Cause = 200, string(proxy.Answered)
		if at.engine.seams.Media != nil {
			own, partner := c.Terminals()
			at.measure(rec, own, partner)
		}
	} else {
		o.refused(rec, c, by)
		if by != cdr.ByCaller {
			by = ""
		}
	}
	rec.End(at.shard.Wheel().Now(), by)
}

// refused notes why a leg was never answered.
func (o *origin) refused(rec *cdr.Record, c *call.Call, by string) {
	if r := o.r; r != nil && r.server != nil {
		rec.Code = r.server.LastStatus()
	}
	rec.Cause = string(proxy.CauseOf(rec.Code))
	switch best := c.Brought(); {
	case by == cdr.ByCaller:
		rec.Cause = string(proxy.Canceled)
	case best != nil && best.Code == rec.Code:
		rec.Cause, rec.Q850 = string(best.Cause), best.Q850
	}
}

// measure notes the figures of both sides, where there is one.
func (c *core) measure(rec *cdr.Record, caller, callee media.Terminal) {
	var sides []track.Side
	if caller != nil {
		sides = append(sides, track.Side{Leg: cdr.ByCaller, Terminal: caller})
	}
	if callee != nil {
		sides = append(sides, track.Side{Leg: cdr.ByCallee, Terminal: callee})
	}
	track.Measure(rec, c.engine.seams.Media, sides...)
}
