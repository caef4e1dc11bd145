package engine

import (
	"github.com/sipscript/sipscript/engine/call"
	"github.com/sipscript/sipscript/engine/proxy"
	"github.com/sipscript/sipscript/engine/shard"
)

// Originate calls targets for nobody: this server is the caller. done is told once, on loop, which is the shard that the
// call is made from.
func (e *Engine) Originate(loop *shard.Loop, groups []proxy.Group, o call.DialOptions, done func(*call.Call, proxy.Result)) (cancel func()) {
	return e.cores[loop.Index()].legs.Originate(groups, o, done)
}

// LookupCall finds a call of any shard by its ID and tells then on loop.
func (e *Engine) LookupCall(loop *shard.Loop, id string, then func(call.Snapshot, bool)) {
	e.cores[loop.Index()].legs.Lookup(id, then)
}

// ListCalls tells then on loop about all calls of all shards that keep wants, oldest first. keep, which may be nil, runs
// on each call's shard.
func (e *Engine) ListCalls(loop *shard.Loop, keep func(*call.Call) bool, then func([]call.Snapshot)) {
	e.cores[loop.Index()].legs.List(keep, then)
}
