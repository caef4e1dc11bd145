package engine

import (
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/sipscript/sipscript/engine/call"
	"github.com/sipscript/sipscript/engine/cdr"
	"github.com/sipscript/sipscript/engine/observe"
	"github.com/sipscript/sipscript/engine/proxy"
	"github.com/sipscript/sipscript/engine/shard"
	"github.com/sipscript/sipscript/engine/track"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/transaction"
	"github.com/sipscript/sipscript/sip/transport"
)

// core is one shard's share of the server: the page where a message meets the features. All of it belongs to the
// shard's goroutine.
type core struct {
	engine *Engine
	shard  *shard.Shard[transport.Inbound]
	table  *transaction.Table
	sender *transport.Sender
	env    *proxy.Env
	rand   *rand.ChaCha8

	arena      arena
	standing   atomic.Int64 // transactions, for tidy
	up         atomic.Int64 // calls that end here, for who may not wait for the shard
	dialogs    fingerprints
	valve      valve
	merged     merged
	receiving  *transaction.Client // whose response is handled right now
	unanswered int                 // requests without a final response
	calls      *track.Table        // that somebody wants to know more of than their requests
	legs       *call.Env           // calls that end here
	notices    notices
	unsettled  []*cdr.Record // of calls that are over, and whose figures are not final
}

func newCore(e *Engine, index int) *core {
	c := &core{engine: e, rand: rand.NewChaCha8(e.seed()), merged: merged{known: map[uint64]struct{}{}}}
	c.dialogs.init(maxDialogs / e.cfg.Shards)
	cfg := shard.Config[transport.Inbound]{Index: index, Queue: e.cfg.Queue, Handle: c.handle, Flush: c.flush}
	if !e.cfg.Fragile {
		cfg.Panicked = c.panicked
	}
	c.shard = shard.New(cfg)
	return c
}

// open connects the core to the transport.
func (c *core) open() {
	e := c.engine
	c.sender = e.transport.Sender(c.shard.Index())
	c.table = transaction.NewTable(transaction.Config{
		Wheel:  c.shard.Wheel(),
		Timers: transaction.Timers{T1: e.cfg.Timers.T1, T2: e.cfg.Timers.T2, T4: e.cfg.Timers.T4},
		Send:   c.sender.SendTo,
		Alive:  e.transport.Alive,
	})
	c.env = &proxy.Env{
		Loop: &c.shard.Loop, Table: c.table, Names: e.names, Key: e.key, Random: c.rand.Uint64,
		Transient: c.arena.take, Alive: e.transport.Alive,
		Resolver: e.seams.Resolver, Resolves: e.resolves, Send: c.send,
		TimerC: e.cfg.Timers.C, T1: e.cfg.Timers.T1, Branches: e.cfg.Limits.Branches,
		Confirmed: c.dialogs.add, Trace: e.traceProxy,
	}
	c.calls = track.NewTable(c.env, e.seams.Media)
}

// send is SendTo for who does not wait for what becomes of it.
func (c *core) send(flow sip.Flow, serverName string, b []byte) { c.sender.SendTo(flow, serverName, b) }

func (c *core) flush() (more bool) {
	servers, clients := c.table.Len()
	c.standing.Store(int64(servers + clients))
	c.up.Store(int64(c.legs.Len()))
	c.sender.Flush()
	if c.sender.Pending() {
		return true
	}
	c.arena.reset()
	return false
}

// handle takes one message to where it belongs. What nobody holds on to is free to be used again afterwards.
func (c *core) handle(in transport.Inbound, waited time.Duration) {
	c.valve.observe(waited)
	if !c.receive(in.Msg, in.Flow) {
		in.Msg.Release()
	}
}

// receive reports whether somebody holds the message beyond this turn and will release it.
func (c *core) receive(m *sip.Message, flow sip.Flow) (held bool) {
	if !m.IsRequest() {
		c.response(m, flow)
		return false
	}
	s, done := c.table.Request(m)
	if done {
		return false
	}
	if s != nil {
		if s.Receive(m) {
			c.ack(m, flow)
		}
		return false
	}
	switch m.Method() {
	case sip.ACK:
		c.ack(m, flow)
	case sip.CANCEL:
		c.cancel(m, flow)
	default:
		return c.request(m, flow)
	}
	return false
}

// response takes a response to the client transaction that waits for it, or on its way if it answers what was
// forwarded statelessly. Anything else is dropped (RFC 6026 §8.9), first of all one whose top Via is not ours
// (RFC 3261 §18.1.2).
func (c *core) response(m *sip.Message, flow sip.Flow) {
	via, err := m.Via()
	if err != nil {
		return
	}
	t, ok := sip.ParseTransport(via.Transport)
	if !ok || !c.engine.names.IsOwn(via.Host, via.Port, t) {
		c.engine.trouble(observe.Event{Kind: "response_not_ours", Source: flow.Remote, CallID: m.CallID()})
		return
	}
	tx, up, done := c.table.Response(m)
	switch {
	case tx != nil:
		c.receiving = tx
		tx.Receive(m)
		c.receiving = nil
	case up != (sip.Flow{}):
		c.env.RelayFurther(m, up)
	case done:
	case !c.env.RelayResponse(m):
		c.engine.trouble(observe.Event{Kind: "response_stray", Source: flow.Remote, CallID: m.CallID()})
	}
}

// ack is the ACK of a 2xx, or one that matches nothing: relayed along its route, never answered.
func (c *core) ack(m *sip.Message, flow sip.Flow) {
	if c.answeredAlone(m) {
		return
	}
	if leg := c.legs.Find(m); leg != nil {
		c.legs.ACK(leg, m)
		return
	}
	routing := c.env.Preprocess(m, flow)
	if routing.Back || hopsUsedUp(m) {
		return
	}
	c.engine.script.Handle(&Request{Message: m, Flow: flow, core: c, routing: routing, passing: c.calls.Find(m)})
}

// cancel answers the CANCEL of a request known here and cancels that.
func (c *core) cancel(m *sip.Message, flow sip.Flow) {
	s, known := c.table.Canceled(m)
	if !known {
		c.strayCancel(m, flow)
		return
	}
	m.Keep() // a CANCEL is rare enough for the garbage collector
	tx := c.table.NewServer(m, flow, ended{})
	var r cancellable
	if s != nil {
		r, _ = s.User().(cancellable)
	}
	tag := c.newTag()
	if r != nil {
		tag = r.LocalTag() // as in the final response of the INVITE (RFC 3261 §9.2)
	}
	ok := sip.NewResponse(m, 200, "", tag)
	_ = tx.Respond(200, encode(ok)) // a failed send is reported by the transport
	tx.Abandon()
	if r != nil && m.Method() == sip.CANCEL && s.Method() == sip.INVITE {
		reason, _ := m.Value(sip.ReasonHeader)
		r.Canceled(reason)
	}
}

// cancellable is a request whose final response a CANCEL may bring about: one of a script's, or of a call's.
type cancellable interface {
	LocalTag() string
	Canceled(reason string)
}

// strayCancel is the CANCEL of nothing known here, perhaps of what was forwarded statelessly.
func (c *core) strayCancel(m *sip.Message, flow sip.Flow) {
	routing := c.env.Preprocess(m, flow)
	if routing.Back || hopsUsedUp(m) {
		return
	}
	c.engine.script.Handle(&Request{Message: m, Flow: flow, core: c, routing: routing})
}

// request is a new request: refused at the door, or given to the script in a transaction of its own, which then holds
// the message.
func (c *core) request(m *sip.Message, flow sip.Flow) (held bool) {
	inDialog := m.ToTag() != ""
	if !inDialog && c.closedTo(m, flow) {
		return false
	}
	if code, extra := c.screen(m); code != 0 {
		c.reply(m, flow, code, extra...)
		return false
	}
	if inDialog {
		if leg := c.legs.Find(m); leg != nil {
			c.legs.Receive(leg, m, flow)
			return true
		}
	}
	r := &Request{Message: m, Flow: flow, core: c}
	r.server = c.table.NewServer(m, flow, r) // first: it is known by what Preprocess takes away
	r.routing = c.env.Preprocess(m, flow)
	if code, extra := c.admissible(m, r.routing); code != 0 {
		r.server.Dissolve()
		c.reply(m, flow, code, extra...)
		return false
	}
	c.unanswered++
	r.open, r.holds = true, true
	r.came = c.shard.Wheel().Now().UnixNano()
	switch {
	case inDialog:
		r.passing = c.calls.Find(m)
	case c.engine.records != nil && r.invite():
		r.Record() // there will be a line for it
	}
	c.engine.script.Handle(r)
	return true
}

// ended is the user of a server transaction that has been answered for good.
type ended struct{}

func (ended) ServerEnded(*transaction.Server, error) {}

func encode(m *sip.Message) []byte { return m.Append(make([]byte, 0, m.Size())) }

func (c *core) newTag() string { return proxy.NewTag(c.rand.Uint64) }
