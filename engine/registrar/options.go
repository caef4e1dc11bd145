// Package registrar is the registrar of RFC 3261 §10.3 with Path (RFC 3327): it turns a REGISTER into an update of the location store and
// that into a response.
//
// A REGISTER is read and checked against nothing but itself where it came in; what it means for the bindings there are is decided by plan,
// a pure function that the store runs inside its commit, since two UAs of one user may register on two shards at the same moment.
package registrar

import (
	"time"

	"github.com/sipscript/sipscript/engine/location"
	"github.com/sipscript/sipscript/sip"
)

// What to do with a new contact when the AOR has MaxContacts already.
const (
	Refuse  = "refuse"  // 403; the default
	Replace = "replace" // the binding that was refreshed longest ago goes
)

// Options are the policy of one Save. The zero value is useful.
type Options struct {
	MaxContacts    int           // bindings an AOR may have; 0: 10
	WhenFull       string        // Refuse or Replace; "": Refuse
	MinExpires     time.Duration // shorter ones get 423, unless they are an hour or more (RFC 3261 §10.3 item 7); 0: 60 s
	MaxExpires     time.Duration // longer ones are shortened; 0: 24 h
	DefaultExpires time.Duration // of a contact that asks for none; 0: 1 h
	ThirdParty     bool          // who registers need not be the user in To
	User           string        // the authenticated user, "name" or "name@domain"; "": From is believed to be who it says (RFC 3261 §10.3 item 3)
	Path           bool          // take Path also from a UA that does not support it; else such a REGISTER gets 420 (RFC 3327 §5.3)
	Direct         bool          // a UDP contact gets there by itself, no NAT is in the way: the binding is not tied to the flow it came by

	// AOR returns the key of an address of record, (*sip.URI).AOR where nil. A server whose own addresses stand for a domain maps them
	// here.
	AOR func(*sip.URI) string
}

func (o Options) withDefaults() Options {
	def := func(d *time.Duration, seconds int) {
		if *d == 0 {
			*d = time.Duration(seconds) * time.Second
		}
	}
	def(&o.MinExpires, 60)
	def(&o.MaxExpires, 86_400)
	def(&o.DefaultExpires, 3600)
	if o.MaxContacts == 0 {
		o.MaxContacts = 10
	}
	if o.AOR == nil {
		o.AOR = (*sip.URI).AOR
	}
	return o
}

// Outcome is the response to a REGISTER.
type Outcome struct {
	Code     int
	Reason   string
	Headers  []sip.Field
	Bindings []location.Binding // of the AOR, by q, then latest first; only with 200
}

// refusal is an Outcome that is not 200, as an error of the store's update.
type refusal struct {
	Outcome
}

func (r *refusal) Error() string { return r.Reason }

func refuse(code int, reason string, headers ...sip.Field) *refusal {
	return &refusal{Outcome{Code: code, Reason: reason, Headers: headers}}
}
