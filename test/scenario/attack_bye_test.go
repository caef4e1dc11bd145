package scenario

import (
	"testing"
	"time"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

// A caller who has a BYE answered by somebody else than the callee, to whom the call would go on uncounted, loses the call: the engine ends it on both
// sides.
func TestAByeThatGoesElsewhereEndsTheCallForTheCallee(t *testing.T) {
	const script = `sip.on("INVITE", function(req) req:limit("k", 9) req:proxy("sip:bob@192.0.2.20") end)`
	tests := map[string]func(d *siptest.Dialog){
		"by its URI":   func(d *siptest.Dialog) { d.Target = "sip:mallory@192.0.2.66" },
		"by its Route": func(d *siptest.Dialog) { d.Routes = append(d.Routes, "<sip:192.0.2.66;lr>") },
	}
	for name, lead := range tests {
		t.Run(name, func(t *testing.T) {
			play(t, script, Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
				alice, bob, mallory := alice(s), bob(s), s.UA("mallory", "192.0.2.66:5060", sip.UDP)
				call := siptest.Call(alice, bob, "sip:bob@192.0.2.1")
				lead(call.Caller)
				call.Caller.BYE()
				mallory.Reply(mallory.Expect(sip.BYE, soon), 200)
				alice.Expect("200 BYE", soon)
				bob.Reply(bob.Expect(sip.BYE, soon), 200)
				alice.Reply(alice.Expect(sip.BYE, soon), 481)
				time.Sleep(soon)
				if up := srv.Engine.Counts.Up("k"); up != 0 {
					t.Errorf("%d calls are counted", up)
				}
			})
		})
	}
}

// One that the callee refuses, for its CSeq is an old one, does so as well.
func TestAByeThatIsRefusedEndsTheCallForTheCallee(t *testing.T) {
	const script = `sip.on("INVITE", function(req) req:limit("k", 9) req:proxy("sip:bob@192.0.2.20") end)`
	play(t, script, Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
		alice, bob := alice(s), bob(s)
		call := siptest.Call(alice, bob, "sip:bob@192.0.2.1")
		call.Caller.BYE()
		bob.Reply(bob.Expect(sip.BYE, soon), 500)
		alice.Expect("500 BYE", soon)
		bob.Reply(bob.Expect(sip.BYE, soon), 200)
		alice.Reply(alice.Expect(sip.BYE, soon), 481)
		time.Sleep(soon)
		if up := srv.Engine.Counts.Up("k"); up != 0 {
			t.Errorf("%d calls are counted", up)
		}
	})
}
