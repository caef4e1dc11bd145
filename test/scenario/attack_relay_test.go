package scenario

import (
	"strings"
	"testing"
	"time"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

func TestACallersRouteDoesNotDivertWhatIsForAPhoneHere(t *testing.T) {
	for _, test := range []struct {
		name, route string
	}{
		{"one Route", "<sip:192.0.2.30;lr>"},
		{"behind one of ours", "<sip:192.0.2.1;lr>, <sip:192.0.2.30;lr>"},
		{"a strict router", "<sip:192.0.2.30>"},
	} {
		for _, how := range []string{`req:proxy("` + toBob + `")`, `req:forward("` + toBob + `")`, `req.uri = "` + toBob + `" req:proxy(req.uri)`} {
			t.Run(test.name+", "+how, func(t *testing.T) {
				script := `sip.on("MESSAGE", function(req) ` + how + ` end)`
				play(t, script, Options{}, func(t *testing.T, s *siptest.Scene, _ *Server) {
					alice, bob, victim := alice(s), bob(s), carol(s)
					alice.Request(sip.MESSAGE, "sip:bob@192.0.2.1", siptest.Header("Route", test.route))
					got := bob.Expect(sip.MESSAGE, soon)
					if got.URIText() != toBob || got.Has(sip.Route) {
						t.Errorf("bob got %s with Route %q", got.URIText(), list(got, sip.Route))
					}
					bob.Reply(got, 200)
					alice.Expect("200", soon)
					victim.ExpectNone(time.Second)
				})
			})
		}
	}
}

func TestARouteThatIsStillTrueIsFollowed(t *testing.T) {
	for _, test := range []struct {
		name, uri, how string
	}{
		{"beyond this server's domains", "sip:bob@192.0.2.99", `req:proxy("sip:bob@192.0.2.98")`},
		{"of a request URI that is not translated", "sip:bob@192.0.2.1", `req:proxy(req.uri)`},
		{"put there by the script", "sip:bob@192.0.2.1", `req:set_header("Route", "<sip:192.0.2.30;lr;mine>") req:proxy("` + toBob + `")`},
	} {
		t.Run(test.name, func(t *testing.T) {
			play(t, `sip.on("MESSAGE", function(req) `+test.how+` end)`, Options{}, func(t *testing.T, s *siptest.Scene, _ *Server) {
				alice, next := alice(s), carol(s)
				alice.Request(sip.MESSAGE, test.uri, siptest.Header("Route", "<sip:192.0.2.30;lr>"))
				got := next.Expect(sip.MESSAGE, soon)
				if route := strings.Join(list(got, sip.Route), " "); !strings.HasPrefix(route, "<sip:192.0.2.30;lr") {
					t.Errorf("Route %q", route)
				}
			})
		})
	}
}

func TestARequestThatMayGoNoFurtherIsNotForwarded(t *testing.T) {
	for _, how := range []string{`req:forward("` + toBob + `")`, `req:proxy("` + toBob + `")`} {
		t.Run(how, func(t *testing.T) {
			play(t, `sip.on("REGISTER", function(req) `+how+` end)`, Options{}, func(t *testing.T, s *siptest.Scene, _ *Server) {
				alice, bob := alice(s), bob(s)
				alice.Request(sip.REGISTER, "sip:192.0.2.1", siptest.Set("Max-Forwards", "0"))
				alice.Expect("483", soon)
				bob.ExpectNone(soon)
			})
		})
	}
}
