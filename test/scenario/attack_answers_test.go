package scenario

import (
	"testing"
	"time"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

func TestWhatTheServerAnswersByItselfIsSaidOnceToWhoeverSeemsToAsk(t *testing.T) {
	for _, test := range []struct {
		name, method, code string
		opts               []siptest.Option
	}{
		{"an INVITE that no handler takes", sip.INVITE, "405", nil},
		{"an INVITE in no dialog known here", sip.INVITE, "481", []siptest.Option{siptest.Set("To", "<sip:bob@192.0.2.1>;tag=guessed")}},
		{"a BYE in no dialog known here", sip.BYE, "481", []siptest.Option{siptest.Set("To", "<sip:bob@192.0.2.1>;tag=guessed")}},
		{"OPTIONS", sip.OPTIONS, "200", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			play(t, `sip.on("REGISTER", function(req) req:reply(200) end)`, Options{}, func(t *testing.T, s *siptest.Scene, _ *Server) {
				alice := alice(s)
				sent := alice.Request(test.method, "sip:192.0.2.1", test.opts...)
				first := alice.Expect(test.code, soon)
				alice.ExpectNone(40 * time.Second)
				alice.SendAgain(sent)
				if again := alice.Expect(test.code, soon); again.ToTag() != first.ToTag() {
					t.Errorf("To tag %q, and %q in answer to a retransmission", first.ToTag(), again.ToTag())
				}
				alice.ExpectNone(40 * time.Second)
			})
		})
	}
}

func TestTheACKOfAStatelessChallengeGoesNowhere(t *testing.T) {
	script := `sip.on("INVITE", function(req)
		if auth.require(req, { realm = "here", users = { alice = "secret" } }) then req:proxy("` + toBob + `") end
	end)`
	play(t, script, Options{}, func(t *testing.T, s *siptest.Scene, _ *Server) {
		alice, bob := alice(s), bob(s)
		route := siptest.Header("Route", "<sip:192.0.2.1;lr>") // of a phone with an outbound proxy
		alice.Request(sip.INVITE, toBob, route)
		alice.ACK(alice.Expect("407", soon), route)
		bob.ExpectNone(time.Second)
		alice.ExpectNone(40 * time.Second)
	})
}
