package proxy

import "github.com/sipscript/sipscript/sip"

// Routing is what a request's own headers said about its way when it came in.
type Routing struct {
	Ours bool     // a Route, or the request URI of a strict router before us, named this server
	Flow sip.Flow // the flow our Record-Route asks for, if any
	URI  string   // the request URI then: of what this server is asked for, whatever a script makes of it
	Loop loopHash // of what decides about the way, of the request as it came
	Back bool     // the request has come round unchanged

	preloaded string // the first Route beyond this server, as the caller wrote it
}

// Preprocess does RFC 3261 §16.4: what the previous hops wrote for us is taken off the request.
func (e *Env) Preprocess(m *sip.Message, from sip.Flow) Routing {
	r := Routing{Loop: e.loopHash(m, from)}
	r.Back = e.looped(m, r.Loop)
	uri, err := m.URI()
	if err != nil {
		return r
	}
	if uri.LooseRoute() && m.Has(sip.Route) && e.Names.IsOwnURI(uri) {
		// A strict router put our Record-Route into the request URI and the real target last.
		if routes, err := m.Routes(); err == nil && len(routes) > 0 {
			e.ours(&r, uri, m)
			m.SetURI(routes[len(routes)-1].URI.String())
			m.RemoveLast(sip.Route)
			uri, err = m.URI()
			if err != nil {
				return r
			}
		}
	}
	if maddr, ok := uri.Params.Get("maddr"); ok {
		e.stripMaddr(m, uri, maddr, from)
	}
	for m.Has(sip.Route) {
		top, err := topRoute(m)
		if err != nil || !e.Names.IsOwnURI(&top.URI) {
			break
		}
		e.ours(&r, &top.URI, m)
		m.RemoveTop(sip.Route)
	}
	if m.Has(sip.Route) {
		r.Flow = sip.Flow{} // another proxy stands between us and whom the flow leads to
		r.preloaded = firstRoute(m)
	}
	r.URI = m.URIText()
	return r
}

func firstRoute(m *sip.Message) string {
	for text := range m.List(sip.Route) {
		return text
	}
	return ""
}

// leftBehind reports whether the caller's Route does not concern where m goes: it led to a request URI that is this
// server's to translate, and the target is what that came to. Followed, it would let anybody who may call a phone here
// send what is for that phone to any place there is, with the phone's contact in it. A Route that a script has put
// there is followed.
func (e *Env) leftBehind(m *sip.Message, r *Routing, target string) bool {
	if r.preloaded == "" || target == "" || target == r.URI || firstRoute(m) != r.preloaded {
		return false
	}
	uri, err := sip.ParseURI(r.URI)
	return err == nil && e.Names.IsLocal(&uri)
}

// topRoute reads the first Route alone: of most requests there is no other to be read.
func topRoute(m *sip.Message) (sip.Address, error) {
	for text := range m.List(sip.Route) {
		return sip.ParseAddress(text)
	}
	return sip.Address{}, sip.ErrMissing
}

func (e *Env) ours(r *Routing, uri *sip.URI, m *sip.Message) {
	r.Ours = true
	if t, ok := e.readToken(uri.User); ok {
		// Two of ours in a row are one record for each side, or a spiral: then each knows one side's flow.
		if flow := e.toward(t, m.FromTag()); flow != (sip.Flow{}) {
			r.Flow = flow
		}
	}
}

// stripMaddr removes an maddr that is us, with the port and transport the request came by, if it says so:
// RFC 3261 §16.4. Anything else has done its work on the way here and goes on as it is.
func (e *Env) stripMaddr(m *sip.Message, uri *sip.URI, maddr string, from sip.Flow) {
	t, given := uri.Transport()
	if !given {
		t = sip.UDP
	}
	if uri.IsSIPS() {
		t = sip.TLS
	}
	port := uri.Port
	if port == 0 {
		port = t.DefaultPort()
	}
	if t != from.Transport || port != from.Local.Port() || !e.Names.IsLocal(&sip.URI{Scheme: "sip", Host: maddr}) {
		return
	}
	u := *uri
	u.Params = u.Params.Without("maddr")
	if u.Port != 0 && u.Port != t.DefaultPort() {
		u.Port = 0
	}
	if given && t != sip.UDP {
		u.Params = u.Params.Without("transport")
	}
	m.SetURI(u.String())
}
