package call

import (
	"time"

	"github.com/sipscript/sipscript/engine/media"
	"github.com/sipscript/sipscript/engine/media/description"
	"github.com/sipscript/sipscript/engine/proxy"
	"github.com/sipscript/sipscript/engine/shard"
	"github.com/sipscript/sipscript/sip"
)

// Options are those of one leg.
type Options struct {
	Media  media.Options // what its peer is offered and is accepted from it
	Direct bool          // media does not go through this server
	// Headers are those that may cross to and from the other side; an entry may end in *. All else is hidden.
	Headers []string
	Extra   []sip.Field // put into the INVITE or its 2xx
	// Session is what is wanted of session timers (RFC 4028); zero: only what the peer wants.
	Session SessionPolicy
}

// ForCaller are the options of the caller's leg where these are told for the one that is dialled. What is encrypted towards the callee, and what it is
// told, says nothing about the caller: his phone may encrypt where the callee's cannot.
func (o Options) ForCaller() Options {
	o.Media.SRTP = description.SRTPFollow
	o.Extra = nil
	return o
}

// DialOptions say how targets are called. The zero value is the default.
type DialOptions struct {
	proxy.Options
	Leg         Options
	Early       Early
	MaxDuration time.Duration  // of the conversation, for B2BUA and Bridge; 0: no limit
	Replaces    bool           // for B2BUA: an INVITE with Replaces may take its call over though nobody has authenticated
	From        string         // the value of the From without a tag, for Originate; "": the caller's
	Vars        map[string]any // the script's values, of the record that Originate begins
	// At is the shard that OnBranch and OnReply have to be called on: the leg is dialled from there. nil: they may be called on any.
	At *shard.Loop
}

// Early is what the caller hears before the answer.
type Early uint8

// The choices.
const (
	EarlyPass     Early = iota // what the callee sends; of several the first that sends something
	EarlyLast                  // of several callees the one that has begun last
	EarlyRingback              // its own ringing tone
	EarlyNone                  // nothing
)

// ByCaller and the like are who has ended a leg.
const (
	ByPeer     = "peer"     // whom this leg is with
	ByOther    = "other"    // whom it was joined to
	ByServer   = "server"   // a script, an administrator, this server
	ByLimit    = "limit"    // the time was up
	ByMedia    = "media"    // no media came any more
	ByExpiry   = "expiry"   // the session timer
	ByShutdown = "shutdown" // this server went down under the call, and nobody knows how it went on
	ByTransfer = "transfer" // the peer has passed its party to somebody else
)

// Cause is why a leg has ended.
type Cause struct {
	By     string
	Code   int    // the status to refuse an unanswered call with; 0: 480
	Reason string // the value of a Reason header field that came or goes along (RFC 3326); "": none
	Phrase string // the reason phrase to refuse with
}

// Result is how a dial ended, in the words of the proxy.
type Result = proxy.Result

// Event is what a leg tells whoever controls it.
type Event struct {
	Kind     EventKind
	Cause    Cause         // Ended
	Digit    string        // Digit
	Duration time.Duration // Digit
	Type     string        // Info, Message: the Content-Type
	Body     []byte        // Info, Message
	Leg      *Call         // LegEnded
}

// EventKind is what an Event is about.
type EventKind uint8

// The events.
const (
	Ended EventKind = iota + 1
	Held
	Unheld
	Digit
	Info
	Message
	MediaTimeout
	Transferred // the peer of the leg was replaced
	LegEnded    // a leg that this one has dialled, and is not bridged with, has ended
)

func (k EventKind) String() string {
	return [...]string{"", "hangup", "hold", "unhold", "dtmf", "info", "message", "media_timeout", "transfer", "leg_ended"}[k]
}

// Events sets who is told what happens to the leg, on its shard.
func (c *Call) Events(fn func(Event)) { c.listener = fn }

func (c *Call) emit(ev Event) {
	if fn := c.listener; fn != nil {
		fn(ev)
	}
}
