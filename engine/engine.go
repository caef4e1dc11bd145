// Package engine is the SIP server: it opens the transports, spreads calls over shards and takes each request
// through transactions and the proxy core to the script that decides about it. It does not know Lua: a script is
// anything with a Handle method.
package engine

import (
	crand "crypto/rand"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sipscript/sipscript/engine/auth"
	"github.com/sipscript/sipscript/engine/cdr"
	"github.com/sipscript/sipscript/engine/ivr"
	"github.com/sipscript/sipscript/engine/ivr/stream"
	"github.com/sipscript/sipscript/engine/kv"
	"github.com/sipscript/sipscript/engine/location"
	"github.com/sipscript/sipscript/engine/names"
	"github.com/sipscript/sipscript/engine/observe"
	"github.com/sipscript/sipscript/engine/rest"
	"github.com/sipscript/sipscript/engine/shard"
	"github.com/sipscript/sipscript/engine/siphash"
	"github.com/sipscript/sipscript/engine/web"
	"github.com/sipscript/sipscript/sip/resolve"
	"github.com/sipscript/sipscript/sip/transport"
)

// Script decides about requests. Handle is called on the request's shard and must not block; it may answer later,
// from the same shard, and calls Request.End when it has done all it will. An ACK, and a CANCEL that matches nothing
// known here, come without a transaction: they can be sent on and not be answered.
type Script interface {
	Handle(*Request)
}

// ScriptFunc is a Script in Go.
type ScriptFunc func(*Request)

// Handle calls f.
func (f ScriptFunc) Handle(r *Request) { f(r) }

// CallEnder is a Script that is told of each INVITE's call that is over or has failed, on a shard and never from within Handle. The record does
// not change any more.
type CallEnder interface {
	CallEnded(loop *shard.Loop, r *cdr.Record)
}

// Engine is one server. New makes it, Start opens it.
type Engine struct {
	cfg   Config
	seams Seams
	rand  *rand.ChaCha8 // only before Start
	key   siphash.Key

	shards    []*shard.Shard[transport.Inbound]
	cores     []*core
	transport *transport.Transport
	names     *names.Names
	script    Script

	reloadable
	mailboxes mailboxes // what waits for users
	arrivals  arrivals  // who waits for users

	Location *location.Store
	KV       *kv.Store
	Auth     *auth.Guard
	Counters *observe.Counters
	Counts   *cdr.Counts // calls that count under a key of a script's
	Studio   *ivr.Studio // what calls are talked to with
	Agents   *stream.Agents
	Web      *web.Client

	records   *cdr.File // of ended calls; nil: nobody wants them
	ender     CallEnder // the script, when it wants to know of the ends of calls
	observer  *observe.Observer
	registrar atomic.Pointer[Registrar]
	resolves  *shard.Pool
	chores    *shard.Pool  // giving memory back
	disk      *shard.Pool  // prompts and recordings
	api       *rest.Server // nil: nobody may ask
	speaking  *shard.Pool  // text to speech: a program that hangs must not hold up files
	http      *shard.Pool  // pages
	parked    atomic.Int64 // runs that wait, over all shards
	draining  atomic.Bool
	closed    atomic.Bool
	quit      chan struct{} // ends the shards
	streams   chan struct{} // ends stream readers that wait for room
	running   sync.WaitGroup
}

// New makes an engine that is not open yet: its shards can be given work, but no message comes.
func New(cfg Config, seams Seams) (*Engine, error) {
	cfg.applyDefaults()
	if seams.Net == nil {
		seams.Net = transport.Real()
	}
	if seams.Resolver == nil {
		seams.Resolver = resolve.System()
	}
	var seed [32]byte
	if seams.Seed != nil {
		seed = *seams.Seed
	} else if _, err := crand.Read(seed[:]); err != nil {
		return nil, fmt.Errorf("read random seed: %w", err)
	}
	e := &Engine{
		cfg: cfg, seams: seams, rand: rand.NewChaCha8(seed),
		resolves: shard.NewPool(64, 4096), chores: shard.NewPool(1, 0),
		quit: make(chan struct{}), streams: make(chan struct{}),
		observer: observe.New(cfg.Log),
	}
	e.Counters = e.observer.Counters()
	e.Counts = cdr.NewCounts()
	e.registrar.Store(&cfg.Registrar)
	e.SetCredentials(cfg.Credentials)
	e.SetEmergency(cfg.Emergency)
	e.key = siphash.KeyFrom(e.random16())
	e.openWeb()
	e.openStudio()
	if err := e.openStores(); err != nil {
		return nil, err
	}
	for i := range cfg.Shards {
		c := newCore(e, i)
		e.cores = append(e.cores, c)
		e.shards = append(e.shards, c.shard)
	}
	e.Studio.Open(e.Shards(), e.shardOf)
	return e, nil
}

func (e *Engine) random16() (b [16]byte) {
	binary.LittleEndian.PutUint64(b[:], e.rand.Uint64())
	binary.LittleEndian.PutUint64(b[8:], e.rand.Uint64())
	return b
}

// seed is a new one for a shard, drawn in order.
func (e *Engine) seed() (b [32]byte) {
	for i := 0; i < len(b); i += 8 {
		binary.LittleEndian.PutUint64(b[i:], e.rand.Uint64())
	}
	return b
}

// Derive returns a random number that follows from the engine's seed and from what it is for. It says nothing about
// any other. Any goroutine.
func (e *Engine) Derive(purpose string) uint64 { return e.key.SumString(purpose) }

// Start opens the listeners and lets script handle what comes. On an error nothing is open and the engine is closed.
func (e *Engine) Start(script Script) error {
	e.script = script
	e.ender, _ = script.(CallEnder)
	if err := e.openRecords(); err != nil {
		e.closeStores()
		return err
	}
	t, err := transport.Open(e.transportConfig())
	if err != nil {
		e.closeStores()
		return err
	}
	e.transport = t
	e.names = names.New(t.Listeners(), e.cfg.Domains)
	for _, c := range e.cores {
		c.open()
	}
	e.openLegs()
	for _, s := range e.shards {
		e.running.Go(func() { s.Run(e.quit) })
	}
	loop := &e.shards[0].Loop
	loop.Post(func() { e.observer.Start(func(d time.Duration, fn func()) { loop.After(d, fn) }) })
	loop.Post((&tidy{engine: e}).look)
	if err := e.openAPI(); err != nil {
		e.Close()
		return err
	}
	t.Start() // only now: Receive and Failed need the shards
	return nil
}

// Shards are the loops of all shards: where versions of a script are provisioned.
func (e *Engine) Shards() []*shard.Loop {
	loops := make([]*shard.Loop, len(e.shards))
	for i, s := range e.shards {
		loops[i] = &s.Loop
	}
	return loops
}

// Listeners are the open listeners with their real ports.
func (e *Engine) Listeners() []transport.Listener { return e.transport.Listeners() }

// Names are what this server is called; nil before Start.
func (e *Engine) Names() *names.Names { return e.names }

// Registrar holds the defaults of registrations. SetRegistrar replaces them.
func (e *Engine) Registrar() Registrar { return *e.registrar.Load() }

// SetRegistrar replaces the defaults of registrations while the server runs.
func (e *Engine) SetRegistrar(r Registrar) {
	c := Config{Registrar: r}
	c.applyDefaults()
	e.registrar.Store(&c.Registrar)
}

// ReloadCertificates reads the TLS certificate files again. Connections stay; a broken pair leaves the old ones.
func (e *Engine) ReloadCertificates() error { return e.transport.ReloadCertificates() }

// Close ends everything at once and waits until no goroutine of the engine is left.
func (e *Engine) Close() {
	if e.closed.Swap(true) {
		return
	}
	close(e.streams)
	if e.api != nil {
		e.api.Close()
	}
	if e.transport != nil {
		e.transport.Close()
		close(e.quit)
		e.running.Wait()
		for _, c := range e.cores {
			c.legs.Close()
			c.calls.Close()
			c.settled()
			c.table.Close()
		}
		e.observer.Summarize() // what came after the last one
	}
	e.resolves.Close()
	e.chores.Close()
	e.Agents.Close()
	e.http.Close()
	e.disk.Close()
	e.speaking.Close()
	e.closeStores()
}

// Refuse refuses new work from now on.
func (e *Engine) Refuse() { e.draining.Store(true) }

// Drain refuses new work and waits until what was begun is done: no handler waits, every request has its final response,
// and no call that ends here stands; at most timeout. Then calls that still stand get their BYE. What only absorbs
// retransmissions is not waited for. It returns early when stop closes.
func (e *Engine) Drain(timeout time.Duration, stop <-chan struct{}) {
	e.Refuse()
	begun := func(c *core) int { return c.unanswered + c.legs.Len() + int(e.parked.Load()) }
	if e.drained(timeout, stop, begun) {
		return
	}
	var up int64
	for _, c := range e.cores {
		up += c.up.Load()
		c.shard.Post(c.legs.End)
	}
	if up == 0 {
		return
	}
	e.drained(farewell, stop, func(c *core) int { return c.legs.Len() })
}

// farewell is how long the answers to the last BYEs are waited for.
const farewell = time.Second

// drained waits until every shard counts nothing open any more, and reports whether that came about. What has come in
// before is counted; a shard that hangs does not answer.
func (e *Engine) drained(timeout time.Duration, stop <-chan struct{}, count func(*core) int) bool {
	limit := time.NewTimer(timeout)
	defer limit.Stop()
	look := time.NewTicker(100 * time.Millisecond)
	defer look.Stop()
	for {
		var open int
		left := make(chan int, len(e.cores))
		for _, c := range e.cores {
			c.shard.Post(func() { left <- count(c) })
		}
		for range e.cores {
			select {
			case n := <-left:
				open += n
			case <-limit.C:
				return false
			case <-stop:
				return false
			}
		}
		if open == 0 {
			return true
		}
		select {
		case <-look.C:
		case <-limit.C:
			return false
		case <-stop:
			return false
		}
	}
}
