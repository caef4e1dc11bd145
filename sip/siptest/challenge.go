package siptest

import (
	"errors"
	"fmt"
	"slices"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/digest"
)

// Authorize sends a request again with the credentials that a challenge asks for (RFC 3261 §22) and returns it. The
// challenge may be that of an earlier request: the nonce is then used once more, and the nonce count says so.
func (u *UA) Authorize(req, challenge *sip.Message, user, password string) *sip.Message {
	u.t.Helper()
	s := u.sentBy(req)
	if s == nil {
		u.t.Fatalf("%s has not sent this:\n%v", u.name, req)
	}
	m, err := u.authorized(s.request(), challenge, user, password)
	if err != nil {
		u.t.Fatalf("%s cannot answer this challenge: %v\n%v", u.name, err, challenge)
	}
	return u.launch(m, s.path.remote())
}

// answerChallenge does so when the endpoint has Credentials, and reports whether it did.
func (u *UA) answerChallenge(s *sent, resp *sip.Message) bool {
	u.mu.Lock()
	user, password, reliable := u.user, u.password, u.reliable
	again := s != nil && s.next != nil
	u.mu.Unlock()
	if s == nil || user == "" || resp.Status() != 401 && resp.Status() != 407 {
		return false
	}
	req := s.request()
	if req.Method() == sip.INVITE && !reliable {
		u.transmit(outgoing{s.path, sip.NewACK(req, resp).Append(nil)})
	}
	if again {
		return true
	}
	m, err := u.authorized(req, resp, user, password)
	if err != nil {
		return false
	}
	next := u.sentBy(u.launch(m, s.path.remote()))
	u.mu.Lock()
	defer u.mu.Unlock()
	s.next = next
	return true
}

var errDisbelieved = errors.New("siptest: the credentials were not believed")

// authorized is req with credentials, a branch of its own and the next CSeq.
func (u *UA) authorized(req, resp *sip.Message, user, password string) (*sip.Message, error) {
	challenge, name := sip.WWWAuthenticate, sip.Authorization
	if resp.Status() == 407 {
		challenge, name = sip.ProxyAuthenticate, sip.ProxyAuthorization
	}
	ch := digest.Choose(slices.Collect(resp.Values(challenge)))
	switch {
	case ch == nil:
		return nil, digest.ErrUnsupported
	case req.Has(name) && !ch.Stale:
		return nil, errDisbelieved
	}
	c, err := ch.Answer(digest.Request{
		Username: user, Password: password, Method: req.Method(), URI: req.URIText(), Body: req.Body(),
		CNonce: fmt.Sprintf("%s-%d", u.name, u.count("cnonce")), Count: uint32(u.count("nonce " + ch.Nonce)),
	})
	if err != nil {
		return nil, err
	}
	m := req.Clone()
	m.ReplaceTop(sip.Via, u.via())
	m.Set("CSeq", fmt.Sprintf("%d %s", u.nextNumber(req.CallID()), req.Method()))
	m.Set(name.String(), c.String())
	return m, nil
}

// credentialsOf returns the credentials of the request that a response answers.
func (u *UA) credentialsOf(resp *sip.Message) []sip.Field {
	s := u.sentBy(resp)
	if s == nil {
		return nil
	}
	var all []sip.Field
	req := s.request()
	for _, name := range []sip.Name{sip.Authorization, sip.ProxyAuthorization} {
		for value := range req.Values(name) {
			all = append(all, sip.Field{Name: name.String(), Value: value})
		}
	}
	return all
}
