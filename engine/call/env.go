package call

import (
	"log/slog"
	"time"

	"github.com/sipscript/sipscript/engine/media"
	"github.com/sipscript/sipscript/engine/proxy"
	"github.com/sipscript/sipscript/engine/shard"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/dialog"
)

// Env is what all legs of one shard share. Its exported fields are set before Join and not changed any more.
type Env struct {
	Loop    *shard.Loop
	Proxy   *proxy.Env
	Relay   media.Backend // keeps media on its way through this server; nil: there is none, media goes directly
	T1, T2  time.Duration // of RFC 3261 §17, for what a user agent repeats
	Log     *slog.Logger
	ShardOf func(callID string) int // where a dialog lives
	// Transfers decides where a REFER may lead; nil: nowhere.
	Transfers Transfers
	// Record begins the record of a call that no INVITE has made; nil: there are none.
	Record Recorder
	// Trace is told what is worth counting; nil: nobody wants to know.
	Trace func(kind string)
	// Apart puts each dialled leg on another shard than its caller's, as a crowd of peers does by chance. Tests want it.
	Apart bool

	shards  []*Env
	direct  *direct
	dialogs map[dialog.ID]*Call
	calls   map[string]*Call // by ID
	at      *Call            // whose input is being handled
	bygone  bygone
	usual   *Options // of the last leg
}

// Join makes environments, one for each shard in order, know each other.
func Join(envs []*Env) {
	d := new(direct)
	for _, e := range envs {
		e.shards, e.direct = envs, d
		e.dialogs, e.calls = make(map[dialog.ID]*Call), make(map[string]*Call)
	}
}

// Len is how many legs there are on this shard.
func (e *Env) Len() int { return len(e.calls) }

// Leaks says what is left on this shard that belongs to no leg any more; nil: nothing.
func (e *Env) Leaks() []string {
	var list []string
	for id, c := range e.dialogs {
		if e.calls[c.id] != c {
			list = append(list, "dialog "+id.CallID+" of a leg that is "+c.state.String())
		}
	}
	for _, c := range e.calls {
		if c.state == over {
			list = append(list, "leg "+c.id+" is over")
		}
	}
	return list
}

// Find is the leg whose dialog a request or response belongs to, or nil.
func (e *Env) Find(m *sip.Message) *Call {
	if len(e.dialogs) == 0 {
		return nil
	}
	return e.dialogs[dialog.Of(m)]
}

// End hangs up every leg of this shard: the server goes down, or there is no time left.
func (e *Env) End() {
	for _, id := range sorted(e.calls) {
		if c := e.calls[id]; c != nil {
			c.Hangup(Cause{By: ByServer})
		}
	}
}

// Close lets go of what the legs of this shard hold outside of it, when the shard runs no more.
func (e *Env) Close() {
	for _, id := range sorted(e.calls) {
		c := e.calls[id]
		c.closeMedia()
		if c.state.live() {
			c.cause = &Cause{By: ByShutdown}
			c.conclude()
		}
	}
}

// Broken ends the leg whose input was handled when a panic came, and reports whether there was one.
func (e *Env) Broken() bool {
	c := e.at
	e.at = nil
	if c == nil || c.state == over {
		return false
	}
	c.Hangup(Cause{By: ByServer, Code: 500})
	return true
}

// run handles an input of c. Only what is left undone by a panic is seen by Broken.
func (e *Env) run(c *Call, fn func()) {
	before := e.at
	e.at = c
	fn()
	e.at = before
}

func (e *Env) trace(kind string) {
	if e.Trace != nil {
		e.Trace(kind)
	}
}

func (e *Env) backend(o *Options) media.Backend {
	if o.Direct || e.Relay == nil {
		return e.direct
	}
	return e.Relay
}

// draw makes a random name of n 64-bit words in base32 that belongs to a shard.
func (e *Env) draw(shard, words int) string {
	for {
		var b []byte
		for range words {
			b = proxy.AppendBase32(b, e.Proxy.Random())
		}
		if name := string(b); e.ShardOf(name) == shard {
			return name
		}
	}
}

// place is the environment that a leg dialled from here lives in: with whoever is asked about its branches, if anybody is.
func (e *Env) place(at *shard.Loop) *Env {
	if at != nil {
		return e.shards[at.Index()]
	}
	if e.Apart && len(e.shards) > 1 {
		return e.shards[(e.Loop.Index()+1)%len(e.shards)]
	}
	return e
}
