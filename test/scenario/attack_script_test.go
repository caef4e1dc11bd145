package scenario

import (
	"strings"
	"testing"
	"time"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

func TestAResultAnswersItsOwnRequestOnly(t *testing.T) {
	script := `
		local first
		sip.on("INVITE", function(req)
			if not first then
				first = req:proxy("` + toBob + `")
			else
				req:proxy("` + toBob + `")
				log.info("tried", { err = select(2, pcall(req.reply, req, first)) })
				req:reply(480)
			end
		end)`
	var o Options
	o.Engine.Shards = 1
	play(t, script, o, func(t *testing.T, s *siptest.Scene, srv *Server) {
		alice, bob := alice(s), bob(s)
		for _, want := range []string{"486", "480"} {
			sent := alice.Request(sip.INVITE, "sip:bob@192.0.2.1")
			refuse(bob, bob.Expect(sip.INVITE, soon), 486)
			got := alice.Expect(want, soon)
			if got.CallID() != sent.CallID() {
				t.Errorf("an answer of call %s to %s", got.CallID(), sent.CallID())
			}
			alice.ACK(got)
			alice.ExpectNone(time.Second)
		}
		logged(t, srv, "the result belongs to another request")
	})
}

func TestWhatJSONRepeatsIsPaidFor(t *testing.T) {
	script := `sip.on("MESSAGE", function(req)
		local big, list = ("x"):rep(100000), {}
		for i = 1, 20000 do list[i] = big end
		json.encode(list)
	end)`
	play(t, script, Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
		alice := alice(s)
		alice.Request(sip.MESSAGE, "sip:bob@192.0.2.1")
		alice.Expect("500", soon)
		if !strings.Contains(srv.Log.String(), "cause=budget") {
			t.Errorf("log:\n%s", srv.Log)
		}
	})
}
