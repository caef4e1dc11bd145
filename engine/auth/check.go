package auth

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/digest"
)

// Attempt is the outcome of Check: credentials that are to be verified if its Verdict is Pending, else the final Verdict.
type Attempt struct {
	Verdict Verdict
	User    string // the name to look up; with UserHash see Is
	// UserHash: User is H(username:realm). Whoever looks users up has to compare hashes, by Is.
	UserHash bool

	credentials *digest.Credentials
}

// Is reports whether the credentials are those of the user of this name.
func (a *Attempt) Is(name string) bool {
	if !a.UserHash {
		return a.User == name
	}
	return strings.EqualFold(a.User, digest.UserHash(a.credentials.Algorithm, name, a.credentials.Realm))
}

// Algorithm is the algorithm of the credentials, for choosing among stored HA1 values.
func (a *Attempt) Algorithm() digest.Algorithm {
	if a.credentials == nil {
		return digest.Unknown
	}
	return a.credentials.Algorithm
}

// Secret is what is known of a user. The zero Secret means that there is no such user.
type Secret struct {
	Password string
	Name     string // needed with Attempt.UserHash alone: the name that Attempt.Is recognised
	HA1      string // H(username:realm:password) in hexadecimal digits, of the algorithm that its length fits; preferred to Password
}

// Check reads the credentials for the realm out of a request and says what is known without the user's secret. When the Verdict is Pending
// the caller looks the user up, for as long as that takes, and then calls Finish. The Attempt refers to m, which must be kept until then.
func (g *Guard) Check(m *sip.Message, p Params) Attempt {
	if m.Method() == sip.ACK || m.Method() == sip.CANCEL {
		return Attempt{Verdict: Exempt}
	}
	c, verdict := find(m, &p)
	if c == nil {
		return Attempt{Verdict: verdict}
	}
	if !serves(m, c, &p) {
		return Attempt{Verdict: Misdirected}
	}
	return Attempt{Verdict: Pending, User: c.Username, UserHash: c.UserHash, credentials: c}
}

// find returns the first credentials for our realm that answer one of our challenges.
//
// Those for other realms are for others (RFC 3261 §22.3). Another scheme than Digest counts as nothing at all (RFC 4475 §3.3.7); Basic is
// such a one (RFC 8760 §2.6).
func find(m *sip.Message, p *Params) (*digest.Credentials, Verdict) {
	verdict := NoCredentials
	for value := range m.Values(p.credentials()) {
		c, err := digest.ParseCredentials(value)
		switch {
		case errors.Is(err, digest.ErrMalformed):
			verdict = Malformed
		case err != nil || c.Realm != p.Realm:
		case slices.Contains(p.algorithms(), c.Algorithm) && p.accepts(c.QOP):
			return c, Pending
		}
	}
	return nil, verdict
}

// accepts reports whether a qop in credentials is good enough. Without one the client means auth (RFC 8760 §2.6 item 8).
func (p *Params) accepts(qop string) bool {
	return strings.EqualFold(qop, "auth-int") || p.QOP == nil ||
		slices.ContainsFunc(p.QOP, func(offered string) bool { return strings.EqualFold(offered, "auth") })
}

// serves checks the digest-uri. Proxies on the way may have changed the Request-URI, so that another one is no error as it would be in
// HTTP, but it must be somebody that requests are accepted for (RFC 8760 §2.6 item 6). The port is no part of who that is, and sipsak 0.9
// cuts its last digit off.
func serves(m *sip.Message, c *digest.Credentials, p *Params) bool {
	if p.Serves == nil || c.URI == m.URIText() {
		return true
	}
	u, err := sip.ParseURI(c.URI)
	if err != nil {
		return false
	}
	if target, err := m.URI(); err == nil && u.Equal(target) {
		return true
	}
	u.Port = 0
	return p.Serves(&u)
}

// Finish verifies the credentials of a Pending attempt on m: OK, Stale or Wrong. A user who does not exist gets the same answer after the
// same work as one with another password, so that names cannot be found out by trying.
func (g *Guard) Finish(m *sip.Message, a *Attempt, s Secret, now time.Time) Verdict {
	if a.Verdict != Pending {
		return a.Verdict
	}
	c := a.credentials
	name := c.Username
	if c.UserHash {
		name = s.Name
	}
	ha1 := digest.HA1(c.Algorithm, name, c.Realm, s.Password) // for nobody and beside a stored HA1 too: the time is the same
	known := s.Password != ""
	if len(s.HA1) == c.Algorithm.HexLen() {
		ha1, known = strings.ToLower(s.HA1), true
	}
	if right := c.Verify(ha1, m.Method(), m.Body()); !right || !known {
		return Wrong
	}
	// Only who has the password learns that a nonce is old (RFC 7616 §3.3): the client may then answer again without asking its user.
	n, ok := g.nonces.open(c.Nonce)
	if !ok || !g.nonces.fresh(n, now) || !g.replays.accept(n, count(c), requestOf(m), now) {
		return Stale
	}
	return OK
}

// count is the nonce count of the credentials. A client without qop sends none: its nonce is good for one request.
func count(c *digest.Credentials) uint32 {
	if c.QOP == "" {
		return 1
	}
	return c.Count()
}

// Strip removes the credentials for our realm from the Proxy-Authorization of a request that is going to be forwarded. Those for other
// realms stay, for the proxies they are meant for (RFC 3261 §22.3).
func Strip(m *sip.Message, realm string) {
	var others []string
	ours := false
	for value := range m.Values(sip.ProxyAuthorization) {
		if c, err := digest.ParseCredentials(value); err == nil && c.Realm == realm {
			ours = true
		} else {
			others = append(others, value)
		}
	}
	if !ours {
		return
	}
	name := sip.ProxyAuthorization.String()
	m.Remove(name)
	for _, value := range others {
		m.Add(name, value)
	}
}

// Identity reports whether a request speaks for the authenticated user, "name" or "name@domain": in From, and in the To of a REGISTER,
// which says whose bindings it is about (RFC 3261 §10.2).
func Identity(m *sip.Message, user string) bool {
	a, err := m.From()
	if m.Method() == sip.REGISTER {
		a, err = m.To()
	}
	if err != nil {
		return false
	}
	_, address, _ := strings.Cut(a.URI.AOR(), ":")
	at := strings.LastIndexByte(address, '@')
	return user == address || at >= 0 && user == address[:at]
}
