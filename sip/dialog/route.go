package dialog

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sipscript/sipscript/sip"
)

// route takes the route set from the Record-Route of a message: from a request in order, from a response in reverse (RFC 3261 §12.1.1 and
// §12.1.2). A dialog that was early takes it anew from the 2xx, and then never again (§13.2.2.4, §12.2).
func (d *Dialog) route(m *sip.Message, reverse bool) error {
	d.routes, d.strict = nil, false
	for value := range m.List(sip.RecordRoute) {
		if _, err := sip.ParseAddress(value); err != nil {
			d.routes = nil
			return fmt.Errorf("%w: %w", ErrRouteSet, err)
		}
		d.routes = append(d.routes, strings.Clone(value))
	}
	if len(d.routes) == 0 {
		return nil
	}
	if reverse {
		slices.Reverse(d.routes)
	}
	first, _ := sip.ParseAddress(d.routes[0])
	d.strict = !first.URI.LooseRoute()
	return nil
}

// targetOf returns the URI of the Contact of a message. A list counts by its first element.
func targetOf(m *sip.Message) (uri string, ok bool) {
	for value := range m.List(sip.Contact) {
		a, err := sip.ParseAddress(value)
		if err != nil || a.Star || !a.URI.IsSIP() {
			return "", false
		}
		return strings.Clone(a.URIText), true
	}
	return "", false
}

// aim gives a request its request URI and Route (RFC 3261 §12.2.1.1). Through a strict router of RFC 2543 the request URI is the router's
// and the target comes last in the Route.
func (d *Dialog) aim(method string) *sip.Message {
	uri, routes := d.target, d.routes
	if d.strict {
		first, _ := sip.ParseAddress(routes[0])
		uri, routes = first.URIText, routes[1:]
	}
	m := sip.NewRequest(method, requestURI(uri))
	for _, value := range routes {
		m.Add("Route", value)
	}
	if d.strict {
		m.Add("Route", "<"+d.target+">")
	}
	return m
}

// requestURI takes away what no request URI may have: the method parameter and header fields (RFC 3261 §19.1.1, table 1). A Contact or a
// Record-Route with them would have its sender refuse every request of the dialog.
func requestURI(text string) string {
	if !strings.Contains(text, "?") && !strings.Contains(text, "method") {
		return text
	}
	uri, err := sip.ParseURI(text)
	if err != nil {
		return text
	}
	if _, ok := uri.Param("method"); !ok && uri.Headers == "" {
		return text
	}
	uri.Headers = ""
	uri.Params = uri.Params.Without("method")
	return uri.String()
}
