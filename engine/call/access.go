package call

import (
	"strconv"

	"github.com/sipscript/sipscript/engine/proxy"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/dialog"
)

// access answers what is asked of the INVITE to one target before it is let in: the same request goes there once more, with the
// next CSeq, and with credentials (401 and 407, RFC 3261 §22.2) or for a longer session interval (422, RFC 4028 §7.3). No other
// target notices. It is the proxy.Passage of that target's branches.
type access struct {
	target *proxy.Target
	policy SessionPolicy
	terms  dialog.SessionTimer  // with this target
	tries  int                  // after a 422
	auth   *proxy.Authenticator // nil: there are no credentials
	invite *sip.Message         // as it went out last; nil: as the dial has made it
}

// letIn has the targets of a dial answered where there are credentials for their challenges, or a session interval that they
// may find too short.
func (d *dial) letIn() {
	all, timed := d.options.Credentials, d.request.Has(sip.SessionExpires)
	d.options.Passage = func(t *proxy.Target) proxy.Passage {
		credentials := all
		if t.Credentials != nil {
			credentials = t.Credentials
		}
		if a := d.accessOf(t); a != nil || credentials == nil && !timed {
			return passageOf(a)
		}
		a := &access{target: t, policy: d.leg.options.Session, terms: d.leg.expiry.terms}
		if credentials != nil {
			a.auth = &proxy.Authenticator{Credentials: *credentials, Random: d.leg.env.Proxy.Random}
		}
		d.accesses = append(d.accesses, a)
		return a
	}
}

// passageOf keeps a nil pointer from becoming a Passage.
func passageOf(a *access) proxy.Passage {
	if a == nil {
		return nil
	}
	return a
}

func (d *dial) accessOf(t *proxy.Target) *access {
	for _, a := range d.accesses {
		if a.target == t {
			return a
		}
	}
	return nil
}

// sentTo is the INVITE that a response answers. A copy of a 2xx does not say which target it is from.
func (d *dial) sentTo(r *sip.Message, t *proxy.Target) *sip.Message {
	number, _ := r.CSeq()
	for _, a := range d.accesses {
		if a.invite == nil || t != nil && t != a.target {
			continue
		}
		if cseq, err := a.invite.CSeq(); err == nil && cseq == number {
			return a.invite
		}
	}
	return d.invite()
}

// nextNumber is a CSeq number that no INVITE of the dial has had.
func (d *dial) nextNumber() uint32 {
	cseq, _ := d.request.CSeq()
	last := cseq.Number
	for _, a := range d.accesses {
		if a.invite != nil {
			cseq, _ = a.invite.CSeq()
			last = max(last, cseq.Number)
		}
	}
	return last + 1
}

// Request implements proxy.Passage.
func (a *access) Request(m *sip.Message, next func(int)) {
	a.invite = nil
	a.attach(m)
	if m.Has(sip.Authorization) || m.Has(sip.ProxyAuthorization) {
		a.invite = m.Clone()
	}
	next(0)
}

func (a *access) attach(m *sip.Message) {
	if a.auth != nil {
		a.auth.Attach(m)
	}
}

// Answers implements proxy.Passage.
func (a *access) Answers(r, m *sip.Message) bool {
	cseq, err := m.CSeq()
	switch {
	case err != nil:
		return false
	case r.Status() == 422:
		if a.tries == mostTries || !a.terms.TooSmall(m, r) {
			return false
		}
		a.tries++
		a.terms.Ask(m, a.policy)
		a.attach(m) // no nonce is used twice for one count
	case a.auth == nil || !a.auth.Answer(r, m):
		return false
	}
	m.Set("CSeq", strconv.FormatUint(uint64(cseq.Number+1), 10)+" INVITE")
	a.invite = m.Clone()
	return true
}

// Response implements proxy.Passage.
func (*access) Response(_ *sip.Message, _ sip.Flow, next func(int)) { next(0) }

// Restore implements proxy.Passage.
func (*access) Restore(*sip.Message) {}

// Failed implements proxy.Passage.
func (*access) Failed() {}

var _ proxy.Passage = (*access)(nil)
