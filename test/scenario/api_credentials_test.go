package scenario

import (
	"strings"
	"testing"
	"time"

	"github.com/sipscript/sipscript/engine"
	"github.com/sipscript/sipscript/engine/proxy"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

// trunk is a config with credentials for one gateway.
func trunk() engine.Config {
	return engine.Config{Credentials: map[string]proxy.Credentials{"trunk": {Username: "office", Password: "secret"}, "spare": {Username: "x", Password: "y"}}}
}

// Credentials go by a name of the config wherever they are given, and no password stands in the log.
func TestCredentialsByTheirNameInTheConfig(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, script string }{
		{"proxy", proxyTo(`"sip:bob@192.0.2.20"`, `{ credentials = "trunk" }`)},
		{"a target", proxyTo(`{ uri = "sip:bob@192.0.2.20", credentials = "trunk" }`)},
		{"b2bua", `sip.on("INVITE", function(req) req:b2bua("sip:bob@192.0.2.20", { credentials = "trunk" }) end)`},
		{"dial", `sip.on("INVITE", function(req) local c = req:accept() c:bridge(c:dial({ uri = "sip:bob@192.0.2.20", credentials = "trunk" })) end)`},
		{"originate", `sip.on("INVITE", function(req) req:reply(480) sip.originate("sip:bob@192.0.2.20", { credentials = "trunk" }) end)`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			play(t, tt.script, Options{Engine: trunk()}, func(t *testing.T, s *siptest.Scene, srv *Server) {
				a, b := alice(s), bob(s)
				a.Request(sip.INVITE, "sip:bob@192.0.2.1", siptest.SDP(a.Addr().Addr()))
				challenge(b, b.Expect(sip.INVITE, soon), 407, gateway)
				second := b.Expect(sip.INVITE, soon)
				proven(t, second, "Proxy-Authorization", "n1", 1)
				refuse(b, second, 486)
				time.Sleep(soon)
				if strings.Contains(srv.Log.String(), "secret") {
					t.Errorf("the password is in the log:\n%s", srv.Log)
				}
			})
		})
	}
}

// What a script says to a gateway in a call is sent once more when the gateway asks for a password, and the script does not notice.
func TestWhatIsSaidInACallIsProvenWhenAsked(t *testing.T) {
	play(t, `sip.on("INVITE", function(req)
			req:reply(480)
			local leg = sip.originate("sip:bob@192.0.2.20", { credentials = "trunk" })
			log.info("info", { ok = leg:send_info { content_type = "text/plain", body = "x" } })
			log.info("message", { ok = leg:message("hello") })
		end)`, Options{Engine: trunk()}, func(t *testing.T, s *siptest.Scene, srv *Server) {
		a, b := alice(s), bob(s)
		a.Request(sip.INVITE, "sip:bob@192.0.2.1")
		invite := b.Expect(sip.INVITE, soon)
		b.Reply(invite, 200, siptest.SDP(b.Addr().Addr()))
		b.Expect(sip.ACK, soon)
		for i, method := range []string{sip.INFO, sip.MESSAGE} {
			nonce := strings.Replace(gateway, "n1", "n"+method, 1) + ", stale=true"
			challenge(b, b.Expect(method, soon), 401+6*i, strings.Replace(nonce, `"gw"`, `"`+method+`"`, 1))
			again := b.Expect(method, soon)
			proven(t, again, []string{"Authorization", "Proxy-Authorization"}[i], "n"+method, 1)
			b.Reply(again, 200)
		}
		b.Reply(b.Expect(sip.BYE, soon), 200)
		logged(t, srv, "msg=info at=main.lua:4 ok=true", "msg=message at=main.lua:5 ok=true")
	})
}

func TestUnknownCredentialsRaise(t *testing.T) {
	raises(t, Options{Engine: trunk()}, []example{
		{"req:proxy('sip:x@192.0.2.9', { credentials = 'trnk' })", "request:proxy: credentials: unknown name 'trnk' (did you mean 'trunk'?)", nil},
		{"req:proxy({ uri = 'sip:x@192.0.2.9', credentials = 'gateway' })", "request:proxy: credentials: unknown name 'gateway' (known: spare, trunk)", nil},
		{"req:proxy('sip:x@192.0.2.9', { credentials = 7 })", "request:proxy: credentials: name in the config or {username=, password=} expected, got number", nil},
		{"req:proxy('sip:x@192.0.2.9', { credentials = { user = 'x' } })", "request:proxy: credentials: unknown field 'user' (known: username, password)", nil},
		{"sip.originate('sip:x@192.0.2.9', { credentials = 'trunks' })", "sip.originate: credentials: unknown name 'trunks' (did you mean 'trunk'?)", nil},
	})
}

func TestUnknownCredentialsWhereThereAreNone(t *testing.T) {
	raises(t, Options{}, []example{
		{"req:proxy('sip:x@192.0.2.9', { credentials = 'trunk' })", "request:proxy: credentials: unknown name 'trunk' (there are none in the config)", nil},
	})
}

// A reload changes what the next call says; the call that has begun goes on with what it began with.
func TestReloadedCredentialsCountForTheNextCall(t *testing.T) {
	play(t, proxyTo(`"sip:bob@192.0.2.20"`, `{ credentials = "trunk" }`), Options{Engine: engine.Config{
		Credentials: map[string]proxy.Credentials{"trunk": {Username: "office", Password: "old"}},
	}}, func(t *testing.T, s *siptest.Scene, srv *Server) {
		a, b := alice(s), bob(s)
		a.Request(sip.INVITE, "sip:bob@192.0.2.1")
		first := b.Expect(sip.INVITE, soon)
		srv.Engine.SetCredentials(trunk().Credentials)
		challenge(b, first, 407, gateway)
		old := b.Expect(sip.INVITE, soon)
		challenge(b, old, 407, gateway) // it was wrong, and is not tried again
		a.ACK(a.Expect("407", soon))
		b.ExpectNone(time.Second, sip.INVITE)

		a.Request(sip.INVITE, "sip:bob@192.0.2.1")
		challenge(b, b.Expect(sip.INVITE, soon), 407, gateway)
		now := b.Expect(sip.INVITE, soon)
		proven(t, now, "Proxy-Authorization", "n1", 1)
		refuse(b, now, 486)
		a.ACK(a.Expect("486", soon))
	})
}
