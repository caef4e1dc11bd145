package proxy

import (
	"errors"
	"time"

	"github.com/sipscript/sipscript/sip"
)

// Target is one place to send a request to.
type Target struct {
	URI     string        // becomes the request URI
	After   time.Duration // wait this long before trying it, less when every other target of its group has failed
	Timeout time.Duration // for a final response; 0: that of the group
	Headers []sip.Field   // set on this branch only
	Path    []string      // Path of the registration, becomes Route (RFC 3327 §5.3)
	Flow    sip.Flow      // the flow the contact registered over; zero: found by the URI
	Value   any           // the caller's own, handed back with the result

	Identity    *Identity    // nil: as Options say
	Credentials *Credentials // nil: as Options say

	redirected bool      // by a 3xx
	until      time.Time // of a redirection: how long the contact is good for; zero: for this request
}

// Group is a list of targets that are tried at the same time.
type Group []Target

// Options say how a Fork tries its targets. The zero value is the default.
type Options struct {
	Timeout         time.Duration                    // for a final response, per group; 0: 180 s
	ResponseTimeout time.Duration                    // for any response at all; 0: Timer B or F
	NextOn          func(cause Cause, code int) bool // whether the next group is tried after this; nil: unless 6xx
	RecordRoute     RecordRoute                      // whether later requests of the dialog come by here
	NoFailover      bool                             // do not try the next address on 503, timeout or transport error
	Recurse         bool                             // follow 3xx
	Diverts         string                           // the reason of a Diversion to other targets than were called (RFC 5806 §4); "": none
	// OnBranch edits what this branch sends. ErrLeftOut leaves the target out, any other error fails its branch.
	OnBranch func(m *sip.Message, t *Target) error
	OnReply  func(r *sip.Message, t *Target) bool // edits a response; false drops a 1xx

	// What follows is for whoever makes the Passage of a branch; Fork itself does nothing about it.
	Passage     func(t *Target) Passage // nil, and a nil result: none
	Identity    *Identity               // whom the callee sees calling; nil: the caller
	Credentials *Credentials            // for a gateway's challenges; nil: they go to the caller
	MaxDuration time.Duration           // of the call; 0: no bound
	Relay       bool                    // media passes through this server
}

// Tracked reports whether the options ask for more of the call than its final response.
func (o *Options) Tracked() bool {
	return o.Identity != nil || o.Credentials != nil || o.MaxDuration > 0 || o.Relay
}

// RecordRoute is the choice of Options.RecordRoute.
type RecordRoute uint8

// The default records the route of dialog-forming methods.
const (
	RecordRouteDefault RecordRoute = iota
	RecordRouteAlways
	RecordRouteNever
)

const defaultTimeout = 180 * time.Second

// ErrLeftOut is what OnBranch returns for a target that is not to be tried.
var ErrLeftOut = errors.New("proxy: target left out")
