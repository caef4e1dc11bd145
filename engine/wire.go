package engine

import (
	"time"

	"github.com/sipscript/sipscript/engine/auth"
	"github.com/sipscript/sipscript/engine/kv"
	"github.com/sipscript/sipscript/engine/location"
	"github.com/sipscript/sipscript/engine/proxy"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/transaction"
	"github.com/sipscript/sipscript/sip/transport"
)

// Each lower package has one trace hook; this file connects them all.

func (e *Engine) transportConfig() transport.Config {
	return transport.Config{
		Net: e.seams.Net, Listen: e.cfg.Listen, Shards: e.cfg.Shards, TLS: e.cfg.TLS, Limits: e.cfg.Limits.Limits,
		Receive: e.receive, Failed: e.failed, Closed: e.flowClosed,
		Trace: func(ev transport.Event) { e.count(ev.Kind.String(), 1) },
		Files: e.seams.Files,
	}
}

// flowClosed takes the end of a connection to what was bound to it: the contacts registered over it can be reached
// no more.
func (e *Engine) flowClosed(flow sip.Flow, _ error) { e.Location.FlowClosed(flow) }

func (e *Engine) traceProxy(ev proxy.Event) { e.count(ev.String(), 1) }

func (e *Engine) traceTransaction(transaction.Event) {}

// count counts something a peer has caused; it is summed up in the log, never logged one by one.
func (e *Engine) count(kind string, n int) { e.Counters.Counter(kind).Add(uint64(n)) }

func (e *Engine) openStores() error {
	e.Location = location.New(location.Config{})
	e.KV = kv.New(kv.Config{})
	secret := e.random16()
	e.Auth = auth.New(auth.Config{Secret: secret[:], NonceLife: 300 * time.Second})
	return nil
}

func (e *Engine) closeStores() {
	e.Location.Close()
	e.KV.Close()
}
