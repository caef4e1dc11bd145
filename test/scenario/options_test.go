package scenario

import (
	"strings"
	"testing"
	"time"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

func TestOptionsIsAnsweredByAParkedRun(t *testing.T) {
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		Start(t, s, `
			sip.on("OPTIONS", function(req)
				sleep(1)
				req:reply(200, "Slept", { headers = { ["X-Method"] = req.method } })
			end)`, Options{})
		alice := s.UA("alice", "192.0.2.10:5060", sip.UDP)
		alice.Request("OPTIONS", "sip:192.0.2.1")
		alice.ExpectNone(900 * time.Millisecond)
		ok := alice.Expect("200", time.Second)
		if v, _ := ok.Get("X-Method"); v != "OPTIONS" || ok.Reason() != "Slept" {
			t.Errorf("got %q %q", v, ok.Reason())
		}
	})
}

func TestCallThroughTheProxy(t *testing.T) {
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		srv := Start(t, s, `
			sip.on("REGISTER", function(req) registrar.save(req) end)
			sip.on("INVITE", function(req)
				local result = req:proxy(location.lookup(req.uri))
				log.info("over", { code = result.code, cause = result.cause })
			end)`, Options{})
		alice := s.UA("alice", "192.0.2.10:5060", sip.UDP)
		bob := s.UA("bob", "192.0.2.20:5060", sip.UDP)
		bob.Register("sip:bob@192.0.2.1", "")
		c := siptest.Call(alice, bob, "sip:bob@192.0.2.1")
		c.Hangup()
		if !strings.Contains(srv.Log.String(), "cause=answered code=200") {
			t.Errorf("the script did not see the end of the call:\n%s", srv.Log)
		}
	})
}
