package call

import (
	"strings"

	"github.com/sipscript/sipscript/engine/proxy"
	"github.com/sipscript/sipscript/sip"
)

// crossing are the header fields of a message that may go to the other side: those of the list, an entry of which may end
// in *, but none that belongs to a dialog, to a transaction, or to the way a message has come. All else is hidden.
func crossing(m *sip.Message, list []string) []sip.Field {
	var out []sip.Field
	if len(list) == 0 {
		return nil
	}
	for name, value := range m.Fields() {
		if listed(name, list) && !bound(name) {
			out = append(out, sip.Field{Name: strings.Clone(name), Value: strings.Clone(value)})
		}
	}
	return out
}

func listed(name string, list []string) bool {
	for _, entry := range list {
		if start, open := strings.CutSuffix(entry, "*"); open {
			if len(name) >= len(start) && strings.EqualFold(name[:len(start)], start) {
				return true
			}
			continue
		}
		if strings.EqualFold(name, entry) || sip.LookupName(name) != sip.Other && sip.LookupName(name) == sip.LookupName(entry) {
			return true
		}
	}
	return false
}

// bound reports whether a header field is between us and one peer alone.
func bound(name string) bool {
	switch sip.LookupName(name) {
	case sip.Via, sip.From, sip.To, sip.CallID, sip.CSeq, sip.Contact, sip.MaxForwards, sip.Route, sip.RecordRoute, sip.Path,
		sip.ContentLength, sip.ContentType, sip.ContentEncoding, sip.ContentDisposition, sip.Require, sip.ProxyRequire,
		sip.Supported, sip.Unsupported, sip.Allow, sip.MaxBreadth, sip.Authorization, sip.ProxyAuthorization,
		sip.WWWAuthenticate, sip.ProxyAuthenticate, sip.RSeq, sip.RAck, sip.SessionExpires, sip.MinSE, sip.Replaces,
		sip.ReferTo, sip.Event, sip.SubscriptionState, sip.Expires:
		return true
	}
	return false
}

// brought is what a dial has.
type brought struct {
	proxy.Result
	fields []sip.Field // that may cross
}

// note keeps the better of what dials for an unanswered caller have brought.
func (c *Call) note(r *proxy.Result, fields []sip.Field) {
	if c.best == nil || rank(r.Code) < rank(c.best.Code) {
		c.best = &brought{*r, fields}
	}
}

// rank orders final responses as RFC 3261 §16.7(6) does: a 6xx first, then by class; among equals the first.
func rank(code int) int {
	switch {
	case code >= 600:
		return 0
	case code == 503:
		return 9
	}
	return code / 100
}

// Best refuses an unanswered caller with the best of what its dials have brought, and reports whether there was anything.
func (c *Call) Best() bool {
	if c.state != incoming || c.best == nil {
		return false
	}
	c.refuse(Cause{By: ByOther, Code: shown(&c.best.Result)}, c.best.fields)
	return true
}

// RefuseWith refuses an unanswered caller with the result of a dial.
func (c *Call) RefuseWith(r *proxy.Result) error {
	if c.state != incoming {
		return c.wrong()
	}
	var fields []sip.Field
	if c.best != nil && c.best.Code == r.Code {
		fields = c.best.fields
	}
	c.refuse(Cause{By: ByOther, Code: shown(r)}, fields)
	return nil
}

// shown is what a caller is told of a callee's response. A redirection would tell it where the callee is, a challenge
// would have it answer somebody it does not know of, and a 503 would say that this server can serve nothing
// (RFC 3261 §16.7(6)), unless that is so.
func shown(r *proxy.Result) int {
	switch code := r.Code; {
	case code/100 == 3:
		return 480
	case code == 401 || code == 407:
		return 403
	case code == 503 && !r.Full:
		return 500
	}
	return r.Code
}
