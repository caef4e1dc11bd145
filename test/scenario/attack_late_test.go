package scenario

import (
	"testing"
	"time"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

func TestALateAnswerToADroppedRequestIsHungUp(t *testing.T) {
	script := `sip.on("INVITE", function(req)
		req:proxy("` + toBob + `", { timeout = 5 })
		req:drop()
	end)`
	play(t, script, Options{}, func(t *testing.T, s *siptest.Scene, _ *Server) {
		alice, bob := alice(s), bob(s)
		alice.Request(sip.INVITE, "sip:bob@192.0.2.1")
		invite := bob.Expect(sip.INVITE, soon)
		bob.Reply(invite, 180)
		alice.Expect("180", soon)
		bob.Expect(sip.CANCEL, 6*time.Second) // unanswered
		time.Sleep(3 * time.Second)
		bob.Reply(invite, 200)
		bob.Expect(sip.ACK, soon)
		bob.Reply(bob.Expect(sip.BYE, soon), 200)
		alice.ExpectNone(time.Second, "2xx", "4xx", "5xx")
	})
}
