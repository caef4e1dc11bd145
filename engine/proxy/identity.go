package proxy

import (
	"strings"

	"github.com/sipscript/sipscript/sip"
)

// Identity is whom the callee sees calling, in place of the caller's own words.
type Identity struct {
	Number  string // the user part of the URI; the host is that of the caller's From
	Name    string // the display name; "" for none
	Private bool   // the callee is not to see any of it (RFC 3323); proxies that are trusted are told all the same (RFC 3325)
}

// asserted are the header fields by which a caller says who it is, beside From. What stands there would contradict an Identity, or tell what it hides.
var asserted = [...]string{"P-Asserted-Identity", "P-Preferred-Identity", "Remote-Party-ID", "Privacy"}

// Show puts the identity into a request outside a dialog: From, P-Asserted-Identity and Privacy.
func (id *Identity) Show(m *sip.Message) {
	from, err := m.From()
	if err != nil {
		return // the reader lets none in that cannot be read
	}
	own := sip.Address{Name: id.Name, URI: sip.URI{Scheme: from.URI.Scheme, User: sip.EscapeUser(id.Number), Host: from.URI.Host}, Bracketed: true}
	if !from.URI.IsSIP() && !from.URI.IsSIPS() { // a tel URI has no host to keep
		own.URI = sip.URI{Scheme: "tel", Opaque: id.Number}
	}
	m.Set("From", id.from(from, own))
	for _, name := range asserted {
		m.Remove(name)
	}
	m.Add("P-Asserted-Identity", own.String())
	if id.Private {
		m.Add("Privacy", "id")
	}
}

// from is the From value: the identity, or what RFC 3323 §4.1.1.3 has in its place, with the parameters of the caller's.
func (id *Identity) from(caller *sip.Address, own sip.Address) string {
	shown := own
	if id.Private {
		shown = sip.Address{Name: "Anonymous", URI: sip.URI{Scheme: "sip", User: "anonymous", Host: "anonymous.invalid"}, Bracketed: true}
	}
	shown.Params = caller.Params
	return strings.Clone(shown.String())
}
