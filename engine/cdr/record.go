package cdr

import (
	"maps"
	"slices"
	"time"
)

// Record is what stays with one call. The engine makes it of an INVITE; whoever holds the call fills it in and ends it, once. The fields are
// plain values, so that a record can outlive every message of its call.
type Record struct {
	ID      string   // this server's own name of the call; letters and digits
	CallIDs []string // the caller's Call-ID, then those of the legs this server has dialled
	From    string   // the caller's URI, as it stood in From
	To      string   // the URI in To
	URI     string   // the request URI, as the request came
	User    string   // who has authenticated, "" for nobody
	Source  string   // where the INVITE came from, "udp:192.0.2.10:5060"
	Target  string   // the URI that has answered, or was the last to refuse; "" when nobody was asked

	Started  time.Time // when the INVITE came
	Answered time.Time // when the first 2xx came; zero for a call that failed
	Ended    time.Time // zero until then

	Code    int    // the final response to the INVITE that went to the caller
	Cause   string // the same in a word, as of a proxy result
	Q850    int    // from the Reason header field of that response, or of the BYE; 0 for none (RFC 3326)
	EndedBy string // one of the words below; "" for a call that failed without the caller's doing

	Media []Media // what this server has relayed, one entry for each leg, the caller's first

	// Settle, where the figures of Media are final only some time after the end, calls done with those, once, from any goroutine. nil: they are final.
	Settle func(done func([]Media))

	// View is for whoever shows the vars to a script: what stands for them there.
	View any

	counts *Counts
	held   []string
	vars   map[string]any
	writes uint64
	over   func(*Record)
}

// The words of EndedBy.
const (
	ByCaller   = "caller"   // CANCEL or BYE of the caller
	ByCallee   = "callee"   // BYE of the callee
	ByLimit    = "limit"    // max_duration is over
	ByMedia    = "media"    // no media came any more
	ByTransfer = "transfer" // the call has gone on without this server's caller
	ByServer   = "server"   // the script or an administrator has hung up
	ByExpiry   = "expiry"   // a session timer, or the longest life of a call whose BYE was never seen
	ByShutdown = "shutdown" // the server was ended under the call, and nobody knows how it went on
)

// Media are the figures of one leg's media.
type Media struct {
	Leg      string        // ByCaller or ByCallee
	Received Stream        // from the peer
	Sent     Stream        // to the peer; Lost and Jitter as the peer has reported them
	RTT      time.Duration // between this server and the peer; 0 when unknown
	MOS      float64       // 1 to 4.5, estimated quality of what was received; 0 without packets
}

// Stream are the figures of one direction of a leg.
type Stream struct {
	Packets, Bytes, Lost uint64
	Jitter               time.Duration
}

// New makes the record of a call that begins now. Limits are counted in counts; over, which may be nil, is called by End.
func New(counts *Counts, id string, now time.Time, over func(*Record)) *Record {
	return &Record{ID: id, Started: now, counts: counts, over: over}
}

// End says that the call is over, or has failed: its limits are given back and everybody who wants to know is told. Only the first call of End
// or Drop counts.
func (r *Record) End(now time.Time, by string) {
	if !r.Ended.IsZero() {
		return
	}
	r.Ended = now
	if r.EndedBy == "" {
		r.EndedBy = by
	}
	r.giveBack()
	if over := r.over; over != nil {
		r.over = nil
		over(r)
	}
}

// Drop ends the record of what turned out to be no call: an INVITE that was challenged and comes again, or one that was sent on without this
// server remembering it. Its limits are given back and nobody is told.
func (r *Record) Drop(now time.Time) {
	r.over = nil
	r.End(now, "")
}

// Over reports whether End or Drop was called.
func (r *Record) Over() bool { return !r.Ended.IsZero() }

// Duration is how long the parties could talk: from the answer to the end, 0 for a call that failed.
func (r *Record) Duration() time.Duration {
	if r.Answered.IsZero() || r.Ended.Before(r.Answered) {
		return 0
	}
	return r.Ended.Sub(r.Answered)
}

// Limit counts the call under key unless most are up under it already; false then. A call counts once under a key, however often it is asked,
// and no more when it is over.
func (r *Record) Limit(key string, most int) bool {
	if r.Over() || r.counts == nil {
		return false
	}
	if slices.Contains(r.held, key) {
		return true
	}
	if !r.counts.take(key, most) {
		return false
	}
	r.held = append(r.held, key)
	return true
}

// Limits are the keys that the call counts under.
func (r *Record) Limits() []string { return r.held }

func (r *Record) giveBack() {
	for _, key := range r.held {
		r.counts.give(key)
	}
	r.held = nil
}

// Vars are the script's own values: strings, float64s, bools, []any and map[string]any, as of JSON. The map is a copy; what is in it never
// changes.
func (r *Record) Vars() map[string]any { return maps.Clone(r.vars) }

// Var is one of them, nil for none.
func (r *Record) Var(name string) any { return r.vars[name] }

// SetVar sets one of them; nil removes it. The value must not change any more.
func (r *Record) SetVar(name string, value any) {
	r.writes++
	if value == nil {
		delete(r.vars, name)
		return
	}
	if r.vars == nil {
		r.vars = make(map[string]any)
	}
	r.vars[name] = value
}

// Writes counts the calls of SetVar: who holds a copy of the vars sees by it whether it is stale.
func (r *Record) Writes() uint64 { return r.writes }
