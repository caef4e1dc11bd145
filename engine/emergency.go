package engine

import (
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/sipscript/sipscript/sip"
)

// sos is the service URN of emergency calls (RFC 5031 §3), which sub-services follow after a dot.
const sos = "service:sos"

// SetEmergency replaces the numbers of emergency calls while the server runs.
func (e *Engine) SetEmergency(numbers []string) {
	set := make(map[string]struct{}, len(numbers))
	for _, n := range numbers {
		set[n] = struct{}{}
	}
	e.emergency.Store(&set)
}

// EmergencyNumbers are those that SetEmergency was given, in order.
func (e *Engine) EmergencyNumbers() []string { return slices.Sorted(maps.Keys(*e.emergency.Load())) }

// IsEmergency reports whether a request to uri calls for help: urn:service:sos and what is under it (RFC 5031 §4.2), or one of
// the emergency numbers, at this server or as a tel URI. A number at another host is that host's affair; else whoever writes 112
// before any address would get past the limits here. Any goroutine, once the server is started.
func (e *Engine) IsEmergency(uri *sip.URI) bool {
	switch {
	case isSOS(uri):
		return true
	case uri.Scheme == "tel":
		number, _, _ := strings.Cut(uri.Opaque, ";")
		return e.isEmergencyNumber(number)
	case uri.IsSIP(), uri.IsSIPS():
		number, _, _ := strings.Cut(uri.User, ";") // a user part may be a telephone-subscriber with parameters (RFC 3261 §19.1.6)
		return e.isEmergencyNumber(number) && e.names.IsLocal(uri)
	}
	return false
}

func (e *Engine) isEmergencyNumber(number string) bool {
	_, ok := (*e.emergency.Load())[number]
	return ok
}

// isSOS reports whether uri is the service URN of emergency calls or under it. What is written there has no case (RFC 5031 §5).
func isSOS(uri *sip.URI) bool {
	if !strings.EqualFold(uri.Scheme, "urn") {
		return false
	}
	top, _, _ := strings.Cut(uri.Opaque, ".")
	return strings.EqualFold(top, sos)
}

// Emergency reports whether the request, as it came, calls for help. Such a call is not refused for too much load, nor by a limit.
func (r *Request) Emergency() bool {
	uri, err := sip.ParseURI(r.routing.URI)
	return err == nil && r.core.engine.IsEmergency(&uri)
}

// forHelp reports whether a request that has just come calls for help.
func (c *core) forHelp(m *sip.Message) bool {
	uri, err := m.URI()
	return err == nil && c.engine.IsEmergency(uri)
}

// unlimited is the limit of a call for help.
const unlimited = math.MaxInt
