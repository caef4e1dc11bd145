package proxy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/digest"
)

// Credentials are what a gateway is told when it asks who calls.
type Credentials struct{ Username, Password string }

// Format implements fmt.Formatter: a password is not printed, whatever it is printed with.
func (c Credentials) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(c.Username + ":(password)")) }

// MarshalText implements encoding.TextMarshaler, for the same reason.
func (c Credentials) MarshalText() ([]byte, error) { return []byte(c.Username + ":(password)"), nil }

// Authenticator answers the challenges that the requests of one dialog meet, RFC 3261 §22 and RFC 7616. It remembers them, so that later requests
// have their answer with them. It belongs to its shard. The zero value without Random does not work.
type Authenticator struct {
	Credentials
	Random func() uint64 // for the cnonce

	known []*challenge
}

// challenge is what one realm wants to be told.
type challenge struct {
	*digest.Challenge
	header string // that the answer stands in
	count  uint32 // requests sent with its nonce
	asked  int    // how often it has challenged the request that is being sent
}

const (
	mostRealms = 4 // of one dialog: the gateway, and proxies in front of it
	mostStale  = 3 // nonces that may be too old, one after the other
)

// Answer takes the challenges of r, a 401 or 407, and puts answers to all realms known into m. It returns false when there is nothing to answer,
// or when what m says already was wrong: the same words would be wrong again.
func (a *Authenticator) Answer(r, m *sip.Message) bool {
	name, header := sip.WWWAuthenticate, "Authorization"
	switch r.Status() {
	case 401:
	case 407:
		name, header = sip.ProxyAuthenticate, "Proxy-Authorization"
	default:
		return false
	}
	// Of one realm the topmost that is understood counts (RFC 8760 §2.4); several realms may ask at once, after a fork for instance.
	byRealm := map[string][]string{}
	var realms []string
	for v := range r.Values(name) {
		if ch, err := digest.ParseChallenge(v); err == nil {
			if byRealm[ch.Realm] == nil {
				realms = append(realms, ch.Realm)
			}
			byRealm[ch.Realm] = append(byRealm[ch.Realm], strings.Clone(v))
		}
	}
	for _, realm := range realms {
		ch := digest.Choose(byRealm[realm])
		if ch == nil || !a.learn(ch, header) {
			return false
		}
	}
	if len(realms) == 0 {
		return false
	}
	a.put(m)
	return true
}

// learn remembers a challenge. When its realm has had an answer in this request that answer was wrong, unless the nonce was only too old.
func (a *Authenticator) learn(ch *digest.Challenge, header string) bool {
	i := slices.IndexFunc(a.known, func(k *challenge) bool { return k.Realm == ch.Realm && k.header == header })
	if i < 0 {
		if len(a.known) == mostRealms {
			return false
		}
		a.known = append(a.known, &challenge{Challenge: ch, header: header, asked: 1})
		return true
	}
	asked := a.known[i].asked
	if asked > 0 && (!ch.Stale || asked > mostStale) {
		return false
	}
	a.known[i] = &challenge{Challenge: ch, header: header, asked: asked + 1}
	return true
}

// Attach begins another request: it puts the answers to all challenges met so far into m, which spares it most of them.
func (a *Authenticator) Attach(m *sip.Message) {
	for _, k := range a.known {
		k.asked = 0
	}
	a.put(m)
}

// put writes the answers. Those of the caller's that stand there are taken out: they are for others.
func (a *Authenticator) put(m *sip.Message) {
	if len(a.known) == 0 {
		return
	}
	m.Remove("Authorization")
	m.Remove("Proxy-Authorization")
	for _, k := range a.known {
		k.count++
		c, err := k.Answer(digest.Request{
			Username: a.Username, Password: a.Password, Method: m.Method(), URI: m.URIText(), Body: m.Body(),
			CNonce: NewTag(a.Random), Count: k.count,
		})
		if err == nil { // Choose has taken none that cannot be answered
			m.Add(k.header, c.String())
		}
	}
}
