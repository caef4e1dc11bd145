package scenario

import (
	"testing"
	"time"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

// Without <> what follows a semicolon belongs to the header and not to the URI; a URI with a comma, semicolon or
// question mark stands in <> (RFC 8217).
func TestB139ParametersWithoutBracketsAreTheHeaders(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		contact  string // as registered
		called   string // request URI of a call to it
		redirect string // as a redirection shows it
		refused  bool
	}{
		{"header parameter", "sip:bob@192.0.2.20;x=y", "sip:bob@192.0.2.20", "<sip:bob@192.0.2.20>", false},
		{"expires is the header's", "sip:bob@192.0.2.20;expires=60", "sip:bob@192.0.2.20", "<sip:bob@192.0.2.20>", false},
		{"URI parameter", "<sip:bob@192.0.2.20;x=y>", "sip:bob@192.0.2.20;x=y", "<sip:bob@192.0.2.20;x=y>", false},
		{"both", "<sip:bob@192.0.2.20;x=y>;q=0.5;z=1", "sip:bob@192.0.2.20;x=y", "<sip:bob@192.0.2.20;x=y>;q=0.5", false},
		{"user with a semicolon", "<sip:bob;par=u%40example.net@192.0.2.20>", "sip:bob;par=u%40example.net@192.0.2.20", "<sip:bob;par=u%40example.net@192.0.2.20>", false},
		{"question mark in the URI", "<sip:bob@192.0.2.20?Subject=x>", "sip:bob@192.0.2.20", "<sip:bob@192.0.2.20?Subject=x>", false},
		{"question mark without brackets", "sip:bob@192.0.2.20?Subject=x", "", "", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
				Start(t, s, `
					sip.on("REGISTER", function(req) registrar.save(req) end)
					sip.on("INVITE", function(req) req:proxy(location.lookup(req.uri)) end)
					sip.on("MESSAGE", function(req) req:redirect(location.lookup(req.uri)) end)`, Options{})
				alice := s.UA("alice", "192.0.2.10:5060", sip.UDP)
				bob := s.UA("bob", "192.0.2.20:5060", sip.UDP)
				got := bob.Register("sip:bob@192.0.2.1", test.contact)
				if test.refused {
					if got.Status() != 400 {
						t.Errorf("REGISTER got %d, want 400", got.Status())
					}
					return
				}
				if got.Status() != 200 {
					t.Fatalf("REGISTER got %d", got.Status())
				}
				// The server's own Contacts follow the rule, too.
				if contacts, err := got.Contacts(); err != nil || len(contacts) != 1 || !contacts[0].Bracketed {
					t.Errorf("the answer has Contacts %v, %v", contacts, err)
				}
				alice.Request(sip.INVITE, "sip:bob@192.0.2.1")
				if uri := bob.Expect(sip.INVITE, time.Second).URIText(); uri != test.called {
					t.Errorf("called as %s, want %s", uri, test.called)
				}
				alice.Request(sip.MESSAGE, "sip:bob@192.0.2.1")
				if v, _ := alice.Expect("302", time.Second).Value(sip.Contact); v != test.redirect {
					t.Errorf("redirected to %s, want %s", v, test.redirect)
				}
			})
		})
	}
}

func TestB139TagBehindABareURIIsTheTag(t *testing.T) {
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		Start(t, s, `
			sip.on("MESSAGE", function(req)
				req:reply(200, req.from.tag .. " " .. tostring(req.from.uri) .. " " .. tostring(req.from.uri.params.x))
			end)`, Options{})
		alice := s.UA("alice", "192.0.2.10:5060", sip.UDP)
		alice.Request(sip.MESSAGE, "sip:bob@192.0.2.1", siptest.Set("From", "sip:alice@192.0.2.1;tag=a;x=y"))
		if got, want := alice.Expect("200", time.Second).Reason(), "a sip:alice@192.0.2.1 nil"; got != want {
			t.Errorf("the script saw %q, want %q", got, want)
		}
	})
}
