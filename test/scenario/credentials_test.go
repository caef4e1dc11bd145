package scenario

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/digest"
	"github.com/sipscript/sipscript/sip/siptest"
)

// withPassword is a script that calls a gateway that wants a password.
var withPassword = proxyTo(`"sip:bob@192.0.2.20"`, `{ credentials = { username = "office", password = "secret" } }`)

// challenge answers a request with a challenge.
func challenge(u *siptest.UA, m *sip.Message, code int, values ...string) {
	name := "WWW-Authenticate"
	if code == 407 {
		name = "Proxy-Authenticate"
	}
	opts := make([]siptest.Option, len(values))
	for i, v := range values {
		opts[i] = siptest.Header(name, v)
	}
	u.Reply(m, code, opts...)
	if m.Method() == sip.INVITE {
		u.Expect(sip.ACK, soon)
	}
}

// proven fails unless m answers a challenge rightly, with this nonce and count.
func proven(t *testing.T, m *sip.Message, field, nonce string, count uint32) {
	t.Helper()
	c, err := digest.ParseCredentials(header(m, field))
	if err != nil {
		t.Fatalf("%s: %v\n%v", field, err, m)
	}
	ha1 := digest.HA1(c.Algorithm, "office", c.Realm, "secret")
	if c.Username != "office" || c.Nonce != nonce || c.Count() != count || c.URI != m.URIText() || !c.Verify(ha1, m.Method(), m.Body()) {
		t.Errorf("%s does not answer nonce %s for the time number %d: %s", field, nonce, count, header(m, field))
	}
}

// number is the CSeq number of a message.
func number(t *testing.T, m *sip.Message) uint32 {
	t.Helper()
	c, err := m.CSeq()
	if err != nil {
		t.Fatal(err)
	}
	return c.Number
}

const gateway = `Digest realm="gw", nonce="n1", algorithm=MD5, qop="auth"`

// Through a whole dialog the gateway sees one number more for each of its challenges, and the caller none of it.
func TestCredentialsKeepBothSidesInStep(t *testing.T) {
	play(t, withPassword+logEnd, Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
		a, b := alice(s), bob(s)
		sent := a.Request(sip.INVITE, "sip:bob@192.0.2.1", siptest.SDP(a.Addr().Addr()), siptest.Header("Proxy-Authorization", `Digest username="alice", realm="x", nonce="n", uri="sip:x", response="00"`))
		first := b.Expect(sip.INVITE, soon)
		challenge(b, first, 407, gateway)
		second := b.Expect(sip.INVITE, soon)
		proven(t, second, "Proxy-Authorization", "n1", 1)
		if number(t, first) != 1 || number(t, second) != 2 || second.Count(sip.ProxyAuthorization) != 1 ||
			second.FromTag() != sent.FromTag() || second.CallID() != sent.CallID() || branchOf(t, first) == branchOf(t, second) {
			t.Errorf("second INVITE\n%v", second)
		}
		b.Reply(second, 183, siptest.Header("RSeq", "7"), siptest.Header("Require", "100rel"))
		early := a.Dialog(a.Expect("183", soon))
		early.Request(sip.PRACK, siptest.Header("RAck", "7 1 INVITE"))
		prack := b.Expect(sip.PRACK, soon)
		if number(t, prack) != 3 || header(prack, "RAck") != "7 2 INVITE" {
			t.Errorf("PRACK with CSeq %d and RAck %s", number(t, prack), header(prack, "RAck"))
		}
		proven(t, prack, "Proxy-Authorization", "n1", 2)
		b.Reply(prack, 200)
		if r := a.Expect("200", soon); number(t, r) != 2 {
			t.Errorf("PRACK answered with CSeq %d", number(t, r))
		}
		b.Reply(second, 200)
		ok := a.Expect("200", soon)
		if number(t, ok) != 1 {
			t.Errorf("the caller's INVITE is answered with CSeq %d", number(t, ok))
		}
		caller, callee := a.Dialog(ok), b.Dialog(second)
		caller.CSeq = 2
		caller.ACK()
		if ack := b.Expect(sip.ACK, soon); number(t, ack) != 2 || header(ack, "Proxy-Authorization") != header(second, "Proxy-Authorization") {
			t.Errorf("ACK with CSeq %d and other credentials than the INVITE:\n%v", number(t, ack), ack)
		}

		// A request whose nonce has become too old is challenged once more.
		caller.ReINVITE()
		re := b.Expect(sip.INVITE, soon)
		proven(t, re, "Proxy-Authorization", "n1", 3)
		challenge(b, re, 407, strings.Replace(gateway, `"n1"`, `"n2", stale=true`, 1))
		again := b.Expect(sip.INVITE, soon)
		proven(t, again, "Proxy-Authorization", "n2", 1)
		if number(t, re) != 4 || number(t, again) != 5 {
			t.Errorf("re-INVITE with CSeq %d, then %d", number(t, re), number(t, again))
		}
		b.Reply(again, 200)
		ok = a.Expect("200", soon)
		if number(t, ok) != 3 {
			t.Errorf("re-INVITE answered with CSeq %d", number(t, ok))
		}
		caller.Request(sip.INFO) // before the ACK, whose number stays that of its INVITE
		info := b.Expect(sip.INFO, soon)
		challenge(b, info, 401, `Digest realm="phone", nonce="p1", algorithm=SHA-256, qop="auth"`, `Digest realm="phone", nonce="p1", algorithm=MD5, qop="auth"`)
		info = b.Expect(sip.INFO, soon)
		proven(t, info, "Authorization", "p1", 1)
		proven(t, info, "Proxy-Authorization", "n2", 3)
		b.Reply(info, 200)
		if r := a.Expect("200", soon); number(t, info) != 7 || number(t, r) != 4 {
			t.Errorf("INFO with CSeq %d, answered with %d", number(t, info), number(t, r))
		}
		caller.Accepted(ok).ACK()
		if ack := b.Expect(sip.ACK, soon); number(t, ack) != 5 {
			t.Errorf("ACK of the re-INVITE with CSeq %d, want 5", number(t, ack))
		}

		// The gateway's own numbers are its own.
		callee.CSeq = 100
		callee.Request(sip.INFO)
		info = a.Expect(sip.INFO, soon)
		a.Reply(info, 200)
		if r := b.Expect("200", soon); number(t, info) != 101 || number(t, r) != 101 || info.Has(sip.ProxyAuthorization) {
			t.Errorf("INFO of the gateway with CSeq %d", number(t, info))
		}
		caller.BYE()
		last := b.Expect(sip.BYE, soon)
		proven(t, last, "Proxy-Authorization", "n2", 4)
		b.Reply(last, 200)
		if r := a.Expect("200", soon); number(t, last) != 8 || number(t, r) != 5 {
			t.Errorf("BYE with CSeq %d, answered with %d", number(t, last), number(t, r))
		}
		time.Sleep(33 * time.Second)
		wantEnd(t, srv, "cause=answered", "by=caller")
		if n := srv.Engine.Tracked(); n != 0 {
			t.Errorf("%d calls tracked at the end", n)
		}
	})
}

// What was said wrong once is not said again: the caller is told, with its own number.
func TestWrongCredentialsAreSentOnce(t *testing.T) {
	for name, second := range map[string]string{
		"the same nonce":        gateway,
		"another nonce":         strings.Replace(gateway, "n1", "n2", 1),
		"nothing to answer":     `Basic realm="gw"`,
		"an unknown algorithm":  `Digest realm="gw", nonce="n3", algorithm=AKAv1-MD5`,
		"a nonce for every try": strings.Replace(gateway, `"n1"`, `"n9", stale=true`, 1),
	} {
		t.Run(name, func(t *testing.T) {
			play(t, withPassword, Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
				a, b := alice(s), bob(s)
				a.Request(sip.INVITE, "sip:bob@192.0.2.1")
				challenge(b, b.Expect(sip.INVITE, soon), 401, gateway)
				tries := 1
				if strings.Contains(second, "stale") {
					tries = 4
				}
				for n := range tries {
					got := b.Expect(sip.INVITE, soon)
					if number(t, got) != uint32(n+2) {
						t.Errorf("CSeq %d", number(t, got))
					}
					challenge(b, got, 401, second)
				}
				r := a.Expect("401", soon)
				if number(t, r) != 1 {
					t.Errorf("the caller got CSeq %d", number(t, r))
				}
				a.ACK(r)
				b.ExpectNone(time.Second, sip.INVITE)
				if n := srv.Engine.Tracked(); n != 0 {
					t.Errorf("%d calls tracked, want none", n)
				}
			})
		})
	}
}

// A caller who goes while the gateway rings the second time cancels that INVITE.
func TestCancelAfterAChallenge(t *testing.T) {
	play(t, withPassword, Options{}, func(t *testing.T, s *siptest.Scene, _ *Server) {
		a, b := alice(s), bob(s)
		sent := a.Request(sip.INVITE, "sip:bob@192.0.2.1")
		challenge(b, b.Expect(sip.INVITE, soon), 407, gateway)
		second := b.Expect(sip.INVITE, soon)
		b.Reply(second, 180)
		a.Expect("180", soon)
		a.CANCEL(sent)
		c := b.Expect(sip.CANCEL, soon)
		if number(t, c) != 2 || branchOf(t, c) != branchOf(t, second) {
			t.Errorf("CANCEL with CSeq %d", number(t, c))
		}
		b.Reply(c, 200)
		refuse(b, second, 487)
		a.Expect("200", soon)
		a.ACK(a.Expect("487", soon))
	})
}

// Several proxies on the way want to know, each for its realm.
func TestChallengesOfSeveralRealms(t *testing.T) {
	play(t, withPassword, Options{}, func(t *testing.T, s *siptest.Scene, _ *Server) {
		a, b := alice(s), bob(s)
		a.Request(sip.INVITE, "sip:bob@192.0.2.1")
		challenge(b, b.Expect(sip.INVITE, soon), 407, `Digest realm="one", nonce="1", qop="auth"`, `Digest realm="two", nonce="2"`)
		got := b.Expect(sip.INVITE, soon)
		realms := map[string]bool{}
		for v := range got.Values(sip.ProxyAuthorization) {
			c, err := digest.ParseCredentials(v)
			if err != nil || !c.Verify(digest.HA1(c.Algorithm, "office", c.Realm, "secret"), sip.INVITE, nil) {
				t.Errorf("%s: %v", v, err)
				continue
			}
			realms[c.Realm+c.Nonce] = true
		}
		if len(realms) != 2 || !realms["one1"] || !realms["two2"] {
			t.Errorf("answered %v", realms)
		}
		challenge(b, got, 401, gateway)
		got = b.Expect(sip.INVITE, soon)
		if number(t, got) != 3 || got.Count(sip.ProxyAuthorization) != 2 || got.Count(sip.Authorization) != 1 {
			t.Errorf("third INVITE\n%v", got)
		}
		refuse(b, got, 486)
		a.ACK(a.Expect("486", soon))
	})
}

// The BYE that ends a call that was long enough is challenged as any other.
func TestMaxDurationTellsTheGatewayItsPassword(t *testing.T) {
	play(t, proxyTo(`{ { uri = "sip:bob@192.0.2.20", credentials = { username = "office", password = "secret" } } }`, `{ max_duration = 5 }`), Options{},
		func(t *testing.T, s *siptest.Scene, _ *Server) {
			a, b := alice(s), bob(s)
			a.Request(sip.INVITE, "sip:bob@192.0.2.1")
			challenge(b, b.Expect(sip.INVITE, soon), 407, gateway)
			b.Reply(b.Expect(sip.INVITE, soon), 200)
			a.Dialog(a.Expect("200", soon)).ACK()
			b.Expect(sip.ACK, soon)
			a.Reply(a.Expect(sip.BYE, 6*time.Second), 200)
			got := b.Expect(sip.BYE, soon)
			proven(t, got, "Proxy-Authorization", "n1", 2)
			challenge(b, got, 407, strings.Replace(gateway, "n1", "n2", 1))
			got = b.Expect(sip.BYE, soon)
			proven(t, got, "Proxy-Authorization", "n2", 1)
			if n := number(t, got); n != 4 {
				t.Errorf("BYE with CSeq %s", strconv.Itoa(int(n)))
			}
			b.Reply(got, 200)
		})
}
