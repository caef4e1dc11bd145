// Package auth decides who sent a request, by Digest authentication (RFC 7616, RFC 8760), and keeps out addresses that have been banned.
//
// It keeps no state for a challenge: a nonce carries its time and a keyed hash, so that any shard can check what another has issued, and so
// that a flood of requests without credentials costs no memory. Only nonces that were answered rightly are remembered, in a table of fixed
// size, to refuse their second use.
package auth

import (
	"time"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/digest"
)

// Config is what a Guard needs.
type Config struct {
	Secret    []byte        // key of the nonces, 16 bytes or more; whoever knows it can make nonces; restart
	NonceLife time.Duration // how long a nonce is good for; 0: 300 s; restart
	Slots     int           // nonces remembered against replay; 0: 65,536, some 4 MB when all are in use; restart
	Bans      int           // addresses banned at one time; 0: 16,384; restart
}

// Guard checks credentials. Its methods may be called from any goroutine; its locks are leaves.
type Guard struct {
	nonces  nonces
	replays *replays
	bans    *bans
}

// New returns a Guard.
func New(cfg Config) *Guard {
	if cfg.NonceLife == 0 {
		cfg.NonceLife = 300 * time.Second
	}
	if cfg.Slots == 0 {
		cfg.Slots = 65_536
	}
	if cfg.Bans == 0 {
		cfg.Bans = 16_384
	}
	return &Guard{nonces: nonces{secret: cfg.Secret, life: cfg.NonceLife}, replays: newReplays(cfg.Slots), bans: newBans(cfg.Bans)}
}

// Params are the policy of one check.
type Params struct {
	Realm string
	Proxy bool // 407 and Proxy-Authorization instead of 401 and Authorization
	// Algorithms are offered in this order and no others are accepted; nil: MD5 alone. RFC 8760 wants SHA-256 above MD5, but phones that
	// know only MD5 give up on such a response instead of passing over the challenge (baresip 1.0, SIPp 3.6 and sipsak 0.9 do): offering it
	// is the site's choice.
	Algorithms []digest.Algorithm
	QOP        []string // offered; nil: auth. Without auth among them only auth-int is accepted
	UserHash   bool     // offer to take H(username:realm) for the name
	// Serves tells the users and addresses that requests are accepted for (RFC 8760 §2.6 item 6). It is asked about the digest-uri when
	// that is not the Request-URI, without its port; nil: any will do.
	Serves func(*sip.URI) bool
}

func (p *Params) algorithms() []digest.Algorithm {
	if p.Algorithms == nil {
		return []digest.Algorithm{digest.MD5}
	}
	return p.Algorithms
}

func (p *Params) qop() []string {
	if p.QOP == nil {
		return []string{"auth"}
	}
	return p.QOP
}

// Status is the status code of a challenge: 401, or 407 of a proxy.
func (p *Params) Status() int {
	if p.Proxy {
		return 407
	}
	return 401
}

// Header is the name of the header fields that carry the challenges.
func (p *Params) Header() string {
	if p.Proxy {
		return sip.ProxyAuthenticate.String()
	}
	return sip.WWWAuthenticate.String()
}

func (p *Params) credentials() sip.Name {
	if p.Proxy {
		return sip.ProxyAuthorization
	}
	return sip.Authorization
}

// Challenge returns the values of the header fields (Params.Header) of a challenge to m, the most preferred algorithm first (RFC 8760
// §2.3). All carry the same nonce, and a qop, as every challenge must.
func (g *Guard) Challenge(m *sip.Message, p Params, stale bool, now time.Time) []string {
	ch := digest.Challenge{Realm: p.Realm, Nonce: g.nonces.issue(m, now), QOP: p.qop(), Stale: stale, UserHash: p.UserHash}
	var values []string
	for _, a := range p.algorithms() {
		ch.Algorithm = a
		values = append(values, ch.String())
	}
	return values
}
