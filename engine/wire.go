package engine

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/sipscript/sipscript/engine/auth"
	"github.com/sipscript/sipscript/engine/cdr"
	"github.com/sipscript/sipscript/engine/kv"
	"github.com/sipscript/sipscript/engine/location"
	"github.com/sipscript/sipscript/engine/observe"
	"github.com/sipscript/sipscript/engine/proxy"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/transport"
)

// Each lower package has one trace hook; this file connects them all to the observer.

func (e *Engine) transportConfig() transport.Config {
	return transport.Config{
		Net: e.seams.Net, Listen: e.cfg.Listen, Shards: e.cfg.Shards, TLS: e.cfg.TLS, Limits: e.cfg.Limits.Limits,
		Receive: e.receive, Failed: e.failed, Closed: e.flowClosed,
		Trace: e.traceTransport,
		Rand:  rand.NewChaCha8(e.seed()),
		Files: e.seams.Files,
	}
}

// flowClosed takes the end of a connection to what was bound to it: the contacts registered over it can be reached
// no more, and the requests written to it without an answer may have been read by nobody. Which shards have such is
// known to nobody but them.
func (e *Engine) flowClosed(flow sip.Flow, err error) {
	e.Location.FlowClosed(flow)
	for _, c := range e.cores {
		c.shard.Post(func() { c.table.FlowClosed(flow.Conn, err) })
	}
}

// bound watches what is registered over connections: one that ended before its REGISTER was committed has been reported
// to a store that knew nothing of it yet.
func (e *Engine) bound(changes []location.Change) {
	for _, c := range changes {
		for i := range c.New {
			f := c.New[i].Flow
			known := func(b location.Binding) bool { return b.Flow.Conn == f.Conn }
			if f.Conn != 0 && !slices.ContainsFunc(c.Old, known) && !e.transport.Alive(f) {
				e.Location.FlowClosed(f)
			}
		}
		e.registered(&c)
	}
}

func (e *Engine) traceTransport(ev transport.Event) {
	switch ev.Kind {
	case transport.Connected, transport.ConnectionEnded, transport.KeepAlive:
		e.count(ev.Kind.String())
	default:
		e.trouble(observe.Event{Kind: ev.Kind.String(), Source: ev.Flow.Remote, Err: ev.Err})
	}
}

func (e *Engine) traceProxy(ev proxy.Event) { e.trouble(observe.Event{Kind: ev.String()}) }

// count counts everyday life: it is in the metrics alone.
func (e *Engine) count(kind string) { e.Counters.Counter(kind).Add(1) }

// trouble counts what a peer has caused; it is summed up in the log, never logged one by one.
func (e *Engine) trouble(ev observe.Event) { e.observer.Peer(ev) }

func (e *Engine) openStores() error {
	e.Location = location.New(location.Config{Changed: e.bound})
	e.KV = kv.New(kv.Config{})
	secret := e.random16()
	e.Auth = auth.New(auth.Config{Secret: secret[:], NonceLife: 300 * time.Second})
	return nil
}

// openRecords opens the file of call records, if one is wanted.
func (e *Engine) openRecords() (err error) {
	if e.cfg.CDR.File != "" {
		e.records, err = cdr.Open(e.cfg.CDR.File, e.seams.Append, e.cfg.Log)
	}
	return err
}

func (e *Engine) closeStores() {
	if e.records != nil {
		e.records.Close()
	}
	e.Location.Close()
	e.KV.Close()
}
