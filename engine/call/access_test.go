package call_test

import (
	"strings"
	"testing"

	"github.com/sipscript/sipscript/engine/call"
	"github.com/sipscript/sipscript/engine/proxy"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

// gateway is a call to a target that wants a password.
func gateway() call.DialOptions {
	return call.DialOptions{Options: proxy.Options{Credentials: &proxy.Credentials{Username: "us", Password: "secret"}}}
}

const challenge = `Digest realm="gw", nonce="n1", algorithm=MD5, qop="auth"`

func number(t *testing.T, m *sip.Message) uint32 {
	t.Helper()
	cseq, err := m.CSeq()
	if err != nil {
		t.Fatal(err)
	}
	return cseq.Number
}

func TestChallengesOfTheCalleeAreAnsweredHere(t *testing.T) {
	play(t, b2bua(gateway(), toBob), func(s *stage) {
		s.alice.Request("INVITE", "sip:bob@192.0.2.1", with("alice"), siptest.Header("Authorization", `Digest username="alice", realm="ours"`))
		first := s.bob.Expect("INVITE", soon)
		if first.Has(sip.Authorization) {
			t.Errorf("the caller's credentials go on:\n%v", first)
		}
		s.bob.Reply(first, 407, siptest.Header("Proxy-Authenticate", challenge))
		s.bob.Expect("ACK", soon)
		out := s.bob.Expect("INVITE", soon)
		if proof := header(out, "Proxy-Authorization"); !strings.Contains(proof, `username="us"`) || strings.Contains(proof, "secret") {
			t.Errorf("proved by %s", proof)
		}
		if number(t, out) != number(t, first)+1 || out.CallID() != first.CallID() || out.FromTag() != first.FromTag() {
			t.Errorf("first\n%v\nthen\n%v", first, out)
		}
		s.bob.Reply(out, 183, numbered(1), with("bob"))
		prack := s.bob.Expect("PRACK", soon)
		if number(t, prack) != number(t, out)+1 || header(prack, "RAck") != "1 "+header(out, "CSeq") {
			t.Errorf("acknowledged by\n%v", prack)
		}
		s.bob.Reply(prack, 200)
		s.alice.Expect("183", soon)
		s.bob.Reply(out, 200)
		ack := s.bob.Expect("ACK", soon)
		if number(t, ack) != number(t, out) || header(ack, "Proxy-Authorization") != header(out, "Proxy-Authorization") {
			t.Errorf("the ACK of\n%v\nis\n%v", out, ack)
		}
		ok := s.alice.Expect("200 INVITE", soon)
		alice := s.alice.Dialog(ok)
		alice.ACK()

		alice.ReINVITE(with("alice"))
		again := s.bob.Expect("INVITE", soon)
		if !strings.Contains(header(again, "Proxy-Authorization"), "nc=00000003") { // INVITE, PRACK, and this
			t.Errorf("a later request is proved by %s", header(again, "Proxy-Authorization"))
		}
		s.bob.Reply(again, 407, siptest.Header("Proxy-Authenticate", strings.Replace(challenge, "n1", "n2", 1)+", stale=true"))
		s.bob.Expect("ACK", soon)
		again = s.bob.Expect("INVITE", soon)
		if !strings.Contains(header(again, "Proxy-Authorization"), `nonce="n2"`) {
			t.Errorf("proved anew by %s", header(again, "Proxy-Authorization"))
		}
		s.bob.Reply(again, 200, with("bob"))
		s.bob.Expect("ACK", soon)
		alice.Accepted(s.alice.Expect("200 INVITE", soon)).ACK()

		alice.BYE()
		s.alice.Expect("200 BYE", soon)
		bye := s.bob.Expect(sip.BYE, soon)
		s.bob.Reply(bye, 407, siptest.Header("Proxy-Authenticate", strings.Replace(challenge, "n1", "n3", 1)+", stale=true"))
		bye = s.bob.Expect(sip.BYE, soon)
		if !strings.Contains(header(bye, "Proxy-Authorization"), `nonce="n3"`) {
			t.Errorf("hung up by\n%v", bye)
		}
		s.bob.Reply(bye, 200)
	})
}

// Credentials that are wrong are not tried for ever, and the caller is not asked for what it cannot know.
func TestWrongCredentialsForTheCallee(t *testing.T) {
	play(t, b2bua(gateway(), toBob), func(s *stage) {
		s.alice.Request("INVITE", "sip:bob@192.0.2.1", with("alice"))
		for range 2 {
			s.bob.Reply(s.bob.Expect("INVITE", soon), 401, siptest.Header("WWW-Authenticate", challenge))
			s.bob.Expect("ACK", soon)
		}
		s.bob.ExpectNone(soon, "INVITE")
		refusal := s.alice.Expect("403", soon)
		if refusal.Has(sip.WWWAuthenticate) {
			t.Errorf("the caller is told\n%v", refusal)
		}
		s.alice.ACK(refusal)
	})
}

func TestChallengeWithoutCredentials(t *testing.T) {
	play(t, b2bua(call.DialOptions{}, toBob), func(s *stage) {
		s.alice.Request("INVITE", "sip:bob@192.0.2.1", with("alice"))
		s.bob.Reply(s.bob.Expect("INVITE", soon), 407, siptest.Header("Proxy-Authenticate", challenge))
		s.bob.Expect("ACK", soon)
		s.alice.ACK(s.alice.Expect("403", soon))
	})
}
