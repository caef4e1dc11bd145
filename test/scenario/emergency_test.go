package scenario

import (
	"testing"
	"time"

	"github.com/sipscript/sipscript/engine"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

// A call for help gets in however great the load is. Only a server that goes down sends it on to the next.
func TestEmergencyCallIsNotRefusedForLoad(t *testing.T) {
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		srv := Start(t, s, `
			sip.on("INVITE", function(req) if req.emergency then req:proxy("sip:psap@192.0.2.20") else sleep(100) req:reply(480) end end)`,
			Options{Engine: engine.Config{Shards: 1, Emergency: []string{"112"}, Limits: engine.Limits{ParkedRuns: 1}}})
		alice := s.UA("alice", "192.0.2.10:5060", sip.UDP)
		psap := s.UA("psap", "192.0.2.20:5060", sip.UDP)
		helped := func(uri string) {
			t.Helper()
			alice.Request(sip.INVITE, uri)
			psap.Reply(psap.Expect(sip.INVITE, 5*time.Second), 200)
			alice.Dialog(alice.Expect("200 INVITE", 5*time.Second)).ACK()
			psap.Expect(sip.ACK, time.Second)
		}

		srv.stall(time.Second)
		alice.Request(sip.INVITE, "sip:bob@192.0.2.1")
		helped("sip:112@192.0.2.1")
		alice.Expect("503 INVITE", 0)
		time.Sleep(time.Second)

		alice.Request(sip.INVITE, "sip:bob@192.0.2.1") // waits, which is all that may
		alice.Expect("100", time.Second)
		alice.Request(sip.INVITE, "sip:bob@192.0.2.1")
		alice.Expect("503 INVITE", time.Second)
		helped("urn:service:sos.ambulance")

		srv.Engine.Refuse()
		alice.Request(sip.INVITE, "urn:service:sos")
		alice.Expect("503 INVITE", time.Second)
	})
}

func TestEmergencyCallIsNotLimited(t *testing.T) {
	play(t, `sip.on("INVITE", function(req)
			if not req:limit("all", 1) then return req:reply(486) end
			log.info("up", { n = sip.count("all") })
			req:proxy("sip:bob@192.0.2.20")
		end)`, Options{Engine: engine.Config{Emergency: []string{"112"}}}, func(t *testing.T, s *siptest.Scene, srv *Server) {
		a, b := alice(s), bob(s)
		talk(t, a, b)
		a.Request(sip.INVITE, "sip:bob@192.0.2.1")
		a.ACK(a.Expect("486", soon))
		a.Request(sip.INVITE, "sip:112@192.0.2.1")
		b.Expect(sip.INVITE, soon)
		logged(t, srv, "msg=up", "n=2")
		srv.Engine.SetEmergency(nil)
		a.Request(sip.INVITE, "sip:112@192.0.2.1")
		a.ACK(a.Expect("486", soon))
	})
}
