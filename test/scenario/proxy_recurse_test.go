package scenario

import (
	"strings"
	"testing"
	"time"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

// moved answers an INVITE with a redirection to these contacts.
func moved(u *siptest.UA, invite *sip.Message, contacts ...string) {
	refuse(u, invite, 302, func(m *sip.Message) {
		for _, c := range contacts {
			m.Add("Contact", c)
		}
	})
}

func dave(s *siptest.Scene) *siptest.UA { return s.UA("dave", "192.0.2.40:5060", sip.UDP) }

const toDave = "sip:dave@192.0.2.40"

func TestB057RedirectionsAreFollowedOnlyIfAskedAndOnlyForOwnDomains(t *testing.T) {
	for _, test := range []struct {
		name, options, uri string
		follows            bool
	}{
		{"not asked for", "{}", "sip:bob@192.0.2.1", false},
		{"asked for", "{ recurse = true }", "sip:bob@192.0.2.1", true},
		{"not ours to decide", "{ recurse = true }", "sip:bob@192.0.2.77", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			play(t, proxyTo(`"`+toBob+`"`, test.options), Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
				alice, bob, carol := alice(s), bob(s), carol(s)
				alice.Request("INVITE", test.uri)
				moved(bob, bob.Expect("INVITE", soon), "<"+toCarol+">")
				if !test.follows {
					if got := alice.Expect("302", soon); header(got, "Contact") != "<"+toCarol+">" {
						t.Errorf("Contact %q", header(got, "Contact"))
					}
					ended(t, srv, "redirected", "302")
					carol.ExpectNone(time.Second)
					return
				}
				invite := carol.Expect("INVITE", soon)
				if invite.URIText() != toCarol {
					t.Errorf("request URI %q", invite.URIText())
				}
				carol.Reply(invite, 200)
				alice.Expect("200", soon)
			})
		})
	}
}

func TestB057RewritingTheRequestURIDoesNotMakeADomainOurs(t *testing.T) {
	script := `
		sip.on("INVITE", function(req)
			req.uri = "sip:bob@192.0.2.1"
			req:proxy("` + toBob + `", { recurse = true })
		end)`
	play(t, script, Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
		alice, bob := alice(s), bob(s)
		alice.Request("INVITE", "sip:bob@192.0.2.77")
		moved(bob, bob.Expect("INVITE", soon), "<"+toCarol+">")
		alice.Expect("302", soon)
	})
}

func TestB058ContactsOfARedirectionAreTargets(t *testing.T) {
	for _, test := range []struct {
		name     string
		contacts []string
		order    []string // who is asked, one after the other; names together ring together
		left     string   // Contact of the 302 that goes up; "" when another response does
	}{
		{"q decides, equal q ring together", []string{"<" + toCarol + ">;q=0.2", "<" + toDave + ">;q=0.9"}, []string{"dave", "carol"}, ""},
		{"equal q", []string{"<" + toCarol + ">;q=0.5, <" + toDave + ">;q=0.5"}, []string{"carol dave"}, ""},
		{"each once", []string{"<" + toCarol + ">", "<sip:carol@192.0.2.30;x=1>", "<" + toBob + ">"}, []string{"carol"}, ""},
		{"method and headers are left out", []string{"<" + toCarol + ";method=INFO?Subject=hello>"}, []string{"carol"}, ""},
		{"what is over is not tried", []string{"<" + toCarol + ">;expires=0", "<" + toDave + ">"}, []string{"dave"}, ""},
		{"a malformed life is an hour", []string{"<" + toCarol + ">;expires=soon"}, []string{"carol"}, ""},
		{"no sips for a sip request", []string{"<sips:carol@192.0.2.30>", "<" + toDave + ">"}, []string{"dave"}, "<sips:carol@192.0.2.30>"},
		{"no tel", []string{"<tel:+4930>"}, nil, "<tel:+4930>"},
	} {
		t.Run(test.name, func(t *testing.T) {
			play(t, proxyTo(`"`+toBob+`"`, "{ recurse = true }"), Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
				alice, bob := alice(s), bob(s)
				uas := map[string]*siptest.UA{"carol": carol(s), "dave": dave(s)}
				alice.Request("INVITE", "sip:bob@192.0.2.1")
				moved(bob, bob.Expect("INVITE", soon), test.contacts...)
				for _, together := range test.order {
					invites := map[string]*sip.Message{}
					for _, name := range strings.Fields(together) {
						invites[name] = uas[name].Expect("INVITE", soon)
						if uri := invites[name].URIText(); uri != "sip:"+name+"@"+uas[name].Addr().Addr().String() {
							t.Errorf("request URI %q", uri)
						}
					}
					for _, u := range uas {
						u.ExpectNone(soon, "INVITE")
					}
					for _, name := range strings.Fields(together) {
						refuse(uas[name], invites[name], 486)
					}
				}
				best := "486"
				if test.left != "" {
					best = "302"
				}
				final := alice.Expect(best, soon)
				if header(final, "Contact") != test.left {
					t.Errorf("Contact %q", header(final, "Contact"))
				}
			})
		})
	}
}

func TestB057RedirectionsEnd(t *testing.T) {
	play(t, proxyTo(`"`+toBob+`"`, "{ recurse = true }"), Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
		alice, bob := alice(s), bob(s)
		asked := 0
		bob.Reliable().Handle(func(m *sip.Message) {
			if m.Method() == "INVITE" {
				asked++
				bob.Reply(m, 302, siptest.Header("Contact", "<sip:"+strings.Repeat("x", asked)+"@192.0.2.20>"))
			}
		})
		alice.Request("INVITE", "sip:bob@192.0.2.1")
		alice.Expect("302", time.Second)
		if asked > 20 {
			t.Errorf("bob was asked %d times", asked)
		}
	})
}

func TestB057ARedirectionGoesBeforeTheNextGroup(t *testing.T) {
	groups := `{ "` + toBob + `", "` + toDave + `", serial = true }`
	play(t, proxyTo(groups, `{ recurse = true, next_on = { "busy" } }`), Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
		alice, bob, carol, dave := alice(s), bob(s), carol(s), dave(s)
		alice.Request("INVITE", "sip:bob@192.0.2.1")
		moved(bob, bob.Expect("INVITE", soon), "<"+toCarol+">")
		dave.ExpectNone(soon)
		refuse(carol, carol.Expect("INVITE", soon), 486)
		refuse(dave, dave.Expect("INVITE", soon), 404)
		alice.Expect("486", soon)
	})
}

func TestB145ARedirectServerAsksNothingOfTheRequest(t *testing.T) {
	script := `
		sip.on("*", function(req)
			if req:header("X-Wait") then sleep(5) end
			req:redirect({ req.uri, "` + toCarol + `" })
		end)`
	play(t, script, Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
		alice := alice(s)
		odd := []siptest.Option{siptest.Header("Require", "x-unheard-of"), siptest.Header("X-New", "1")}
		for _, method := range []string{"INVITE", "UNHEARD", "SUBSCRIBE"} {
			sent := alice.Request(method, "sip:bob@192.0.2.1", odd...)
			got := alice.Final(sent)
			if contacts := list(got, sip.Contact); got.Status() != 302 || len(contacts) != 1 || contacts[0] != "<"+toCarol+">" {
				t.Errorf("%s: %d %q", method, got.Status(), contacts)
			}
			if method == "INVITE" {
				alice.ACK(got)
			}
		}
		sent := alice.Request("INVITE", "sip:bob@192.0.2.1", siptest.Header("X-Wait", "1"))
		alice.Expect("100", soon)
		alice.CANCEL(sent)
		alice.Expect("200 CANCEL", soon)
		alice.Expect("487", soon)
	})
}
