package proxy

import (
	"time"

	"github.com/sipscript/sipscript/engine/names"
	"github.com/sipscript/sipscript/engine/shard"
	"github.com/sipscript/sipscript/engine/siphash"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/resolve"
	"github.com/sipscript/sipscript/sip/transaction"
)

// Env is what all proxy contexts of one shard share.
type Env struct {
	Loop     *shard.Loop
	Table    *transaction.Table
	Names    *names.Names
	Key      siphash.Key   // marks branches and signs flow tokens
	Random   func() uint64 // for branches and tags; the shard's own
	Resolver resolve.Resolver
	Resolves *shard.Pool // bounds look-ups
	Send     func(flow sip.Flow, serverName string, b []byte)
	Alive    func(flow sip.Flow) bool // whether a connection is still open
	// Transient returns an empty slice for n bytes that are sent over UDP in this turn and kept by nobody.
	Transient func(n int) []byte

	TimerC   time.Duration // 0: 181 s
	T1       time.Duration // 0: 500 ms
	Branches int           // most targets of one group; 0: 16

	// Confirmed is told of each 2xx to an INVITE that passes: the dialog's later requests may come without our Route.
	Confirmed func(response *sip.Message)
	// Trace is told what happened that nobody else can see; nil: nobody wants to know.
	Trace func(Event)

	draft   sip.Message // what is being sent; good for one turn
	scratch []byte      // for what is hashed
}

// Event is a thing worth counting.
type Event uint8

// Events.
const (
	EventLateAnswer    Event = iota + 1 // a 2xx nobody upstream could take: ACK and BYE were sent
	EventStrayResponse                  // a response that went nowhere
)

func (e Event) String() string {
	return [...]string{"", "late_answer", "stray_response"}[e]
}

func (e *Env) trace(ev Event) {
	if e.Trace != nil {
		e.Trace(ev)
	}
}

func (e *Env) timerC() time.Duration {
	if e.TimerC == 0 {
		return 181 * time.Second // RFC 3261 §16.6(11): more than 3 minutes
	}
	return e.TimerC
}

// transactionEnd is 64·T1, how long a request is waited for.
func (e *Env) transactionEnd() time.Duration {
	if e.T1 == 0 {
		return 64 * 500 * time.Millisecond
	}
	return 64 * e.T1
}

func (e *Env) maxBranches() int {
	if e.Branches == 0 {
		return 16
	}
	return e.Branches
}

// encode writes a message that is sent by flow once and kept by nobody.
func (e *Env) encode(m *sip.Message, flow sip.Flow) []byte {
	if flow.Transport == sip.UDP {
		return m.Append(e.Transient(m.Size()))
	}
	return m.Append(make([]byte, 0, m.Size()))
}
