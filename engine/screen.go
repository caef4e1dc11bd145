package engine

import (
	"strings"

	"github.com/sipscript/sipscript/engine/observe"
	"github.com/sipscript/sipscript/engine/proxy"
	"github.com/sipscript/sipscript/sip"
)

// screen is what RFC 3261 §16.3 asks of a request before anything else, as far as the reader has not done it.
func (c *core) screen(m *sip.Message) (int, []sip.Field) {
	uri, err := m.URI()
	if err != nil {
		return 400, nil
	}
	if !uri.IsSIP() && !uri.IsSIPS() && uri.Scheme != "tel" && !isSOS(uri) {
		return 416, nil
	}
	return 0, nil
}

// admissible is the rest of it, which needs to know whether the request has come here before and for whom it is.
func (c *core) admissible(m *sip.Message, r proxy.Routing) (int, []sip.Field) {
	if r.Back {
		c.engine.trouble(observe.Event{Kind: "loop", CallID: m.CallID()})
		return 482, nil
	}
	if hopsUsedUp(m) && !c.forItself(m) {
		return 483, nil
	}
	if m.Has(sip.ProxyRequire) {
		// No extension asks anything of this proxy yet (RFC 3261 §16.3(5)).
		if tokens, err := m.Tokens(sip.ProxyRequire); err == nil && len(tokens) > 0 {
			return 420, []sip.Field{{Name: "Unsupported", Value: strings.Join(tokens, ", ")}}
		}
	}
	return 0, nil
}

// hopsUsedUp reports whether Max-Forwards forbids to send m on.
func hopsUsedUp(m *sip.Message) bool {
	n, ok, err := m.MaxForwards()
	return ok && err == nil && n == 0
}

// forItself reports whether m is for this server as a user agent: a REGISTER for a domain of ours, or any request to
// an address of ours without a user. It goes nowhere, so Max-Forwards does not matter (RFC 3261 §16.3(3)).
func (c *core) forItself(m *sip.Message) bool {
	uri, err := m.URI()
	if err != nil || m.Has(sip.Route) || !c.engine.names.IsLocal(uri) {
		return false
	}
	return uri.User == "" || m.Method() == sip.REGISTER
}
