package track

import (
	"slices"
	"strings"

	"github.com/sipscript/sipscript/engine/names"
	"github.com/sipscript/sipscript/engine/proxy"
	"github.com/sipscript/sipscript/sip"
)

// side is what has to be known of one party to send it a request inside the dialog (RFC 3261 §12.1).
type side struct {
	target string   // its Contact, "" while unknown
	routes []string // to it, from here, as they stand in Route
	flow   sip.Flow // by which alone it is reached; zero: by route and target
	near   sip.Flow // the one its messages come by: which of our addresses it knows
	sent   uint32   // highest CSeq of its requests, as the other side has seen it; 0 for none
}

// read takes the caller's side from its INVITE: the route set is the Record-Route list as it stands (RFC 3261 §12.1.1).
func (s *side) read(invite *sip.Message, from sip.Flow) {
	s.near = from
	s.refresh(invite)
	s.routes = slices.Collect(cloned(invite))
	if len(s.routes) == 0 && vias(invite) == 1 && proxy.BehindNAT(invite, from) {
		s.flow = from
	}
}

// accept takes the callee's side from its response: the route set is the Record-Route list in reverse (RFC 3261 §12.1.2), up to this server and what
// lies in front of it.
func (s *side) accept(r *sip.Message, ours *names.Names) {
	s.refresh(r)
	s.routes = nil
	routes, err := r.RecordRoutes()
	if err != nil {
		return
	}
	for i := range routes {
		if ours.IsOwnURI(&routes[i].URI) {
			break
		}
		s.routes = append(s.routes, strings.Clone(routes[i].String()))
	}
	slices.Reverse(s.routes)
}

// refresh takes the remote target from the Contact, where there is one.
func (s *side) refresh(m *sip.Message) {
	if contacts, err := m.Contacts(); err == nil && len(contacts) > 0 && !contacts[0].Star {
		s.target = strings.Clone(contacts[0].URI.String())
	}
}

// meets reports whether a request of the other side goes to this one, over no more hops than its route set has: a sender may write any URI and any
// Route. A side that has never said where it is cannot be missed.
func (s *side) meets(m *sip.Message) bool {
	hops := 0
	for range m.List(sip.Route) {
		hops++
	}
	switch {
	case s.target == "":
		return true
	case hops > len(s.routes):
		return false
	case m.URIText() == s.target:
		return true
	}
	uri, err := m.URI()
	known, wrong := sip.ParseURI(s.target)
	return err == nil && wrong == nil && uri.Equal(&known)
}

func vias(m *sip.Message) (n int) {
	for range m.List(sip.Via) {
		n++
	}
	return n
}

// cloned are the Record-Route elements of m.
func cloned(m *sip.Message) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for v := range m.List(sip.RecordRoute) {
			if !yield(strings.Clone(v)) {
				return
			}
		}
	}
}
