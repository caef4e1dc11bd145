package registrar

import (
	"errors"
	"time"

	"github.com/sipscript/sipscript/engine/location"
	"github.com/sipscript/sipscript/sip"
)

// Save processes a REGISTER that came by flow and calls done once with the response to send: at once when the request is refused as it
// stands or asks only what there is, else on the store's committer after the commit. done must not block. local tells our domains from
// others'; req is kept.
//
// A 200 means that the bindings are stored; a REGISTER that fails has changed nothing.
func Save(store *location.Store, req *sip.Message, flow sip.Flow, o Options, local func(*sip.URI) bool, now time.Time, done func(Outcome)) {
	o = o.withDefaults()
	req.Keep() // the commit reads its strings
	r, no := read(req, flow, &o, local, now)
	if no != nil {
		done(no.Outcome)
		return
	}
	if r.fetch {
		bindings, _ := store.Lookup(r.aor, now)
		done(r.ok(bindings))
		return
	}
	store.Update(location.Update{
		AOR: r.aor, Now: now,
		Apply: func(old []location.Binding) ([]location.Binding, error) {
			bindings, no := plan(old, r)
			if no != nil {
				return nil, no
			}
			return bindings, nil
		},
	}, func(res location.Result, err error) { done(r.outcome(res.Bindings, err)) })
}

// outcome turns what the store made of the update into a response. A registrar never sends a 6xx (RFC 3261 §10.3).
func (r *register) outcome(bindings []location.Binding, err error) Outcome {
	var no *refusal
	switch {
	case err == nil:
		return r.ok(bindings)
	case errors.As(err, &no):
		return no.Outcome
	case errors.Is(err, location.ErrOverload), errors.Is(err, location.ErrClosed):
		return refuse(503, sip.Reason(503), sip.Field{Name: "Retry-After", Value: "10"}).Outcome
	}
	return refuse(500, "Bindings Not Stored").Outcome // RFC 3261 §10.3 item 7
}
