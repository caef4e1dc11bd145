package registrar

import (
	"slices"

	"github.com/sipscript/sipscript/engine/location"
	"github.com/sipscript/sipscript/sip"
)

// plan returns the bindings that an AOR has after r, given those it has before: items 6 and 7 of RFC 3261 §10.3. It refuses r as a whole or
// takes it as a whole, and writes neither old nor r. When nothing changes it returns old itself.
//
//	in r        binding          Call-ID   CSeq       → the binding
//	*           each             other     any        is removed
//	*           each             same      higher     is removed
//	*           one              same      not higher 500, nothing changes
//	contact     none             –         –          is added; not with expiry 0
//	contact     one              other     any        is replaced; removed with expiry 0
//	contact     one              same      higher     is replaced; removed with expiry 0
//	contact     one              same      not higher 500, nothing changes
//	–           any other        –         –          stays
func plan(old []location.Binding, r *register) ([]location.Binding, *refusal) {
	if r.star {
		for i := range old {
			if r.isStale(&old[i]) {
				return nil, staleCSeq()
			}
		}
		return nil, nil
	}
	next := slices.Clone(old)
	added, changed := 0, false
	for i := range r.contacts {
		c := &r.contacts[i]
		if at := find(old, c); at >= 0 && r.isStale(&old[at]) {
			return nil, staleCSeq()
		}
		at := find(next, c) // of two equal contacts in one request the later one counts
		if at < 0 && c.remove {
			continue
		}
		changed = true
		switch {
		case at < 0:
			next = append(next, c.binding)
			added++
		case c.remove:
			next = slices.Delete(next, at, at+1)
		default:
			next[at] = c.binding
		}
	}
	if !changed {
		return old, nil
	}
	// A phone that is here already may refresh, also when the limit has been lowered since.
	if added > 0 && len(next) > r.maxContacts {
		return r.makeRoom(next)
	}
	return next, nil
}

// isStale reports whether r is older than what it would change. The order of a UA's own requests is that of their CSeq.
func (r *register) isStale(b *location.Binding) bool { return b.CallID == r.callID && r.cseq <= b.CSeq }

// staleCSeq: §10.3 says that such a request fails, not how.
func staleCSeq() *refusal { return refuse(500, "CSeq Out of Order") }

// makeRoom brings bindings down to the limit by removing those that were refreshed longest ago, if that is the policy. What r itself
// registers is not removed: its 200 would be a lie.
func (r *register) makeRoom(next []location.Binding) ([]location.Binding, *refusal) {
	for len(next) > r.maxContacts {
		oldest := -1
		for i := range next {
			own := next[i].CallID == r.callID && next[i].CSeq == r.cseq
			if !own && (oldest < 0 || next[i].Registered.Before(next[oldest].Registered)) {
				oldest = i
			}
		}
		if !r.replace || oldest < 0 {
			return nil, refuse(403, "Too Many Contacts")
		}
		next = slices.Delete(next, oldest, oldest+1)
	}
	return next, nil
}

// find returns the index of the binding whose URI equals the contact's by RFC 3261 §19.1.4, -1 when there is none.
func find(bindings []location.Binding, c *contact) int {
	for i := range bindings {
		if bindings[i].URI == c.binding.URI { // every refresh but the first after a change of phone
			return i
		}
	}
	for i := range bindings {
		if u, err := sip.ParseURI(bindings[i].URI); err == nil && u.Equal(&c.uri) {
			return i
		}
	}
	return -1
}
