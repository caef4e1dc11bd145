package scenario

import (
	"testing"
	"time"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

func TestNothingIsCountedAsOpenWhenAllHasEnded(t *testing.T) {
	script := `
		local ways = {
			drop = function(req) req:drop() end,
			forget = function(req) end,
			raise = function(req) error("no") end,
			forward = function(req) req:forward("` + toBob + `") end,
			unknown = function(req) req:forward("sip:bob@nowhere.example") end,
			challenge = function(req) auth.require(req, { users = {}, realm = "here" }) end,
			asleep = function(req) sleep(300) end,
			silent = function(req) req:proxy("` + toBob + `", { timeout = 400 }) end,
			lookup = function(req) req:proxy("sip:bob@nowhere.example") end,
			both = function(req) req:proxy({ "` + toBob + `", "sip:bob@nowhere.example" }, { timeout = 3 }) req:drop() end,
			loop = function(req) while true do end end,
			nobody = function(req) req:proxy({}) end,
			late = function(req) sleep(1) req:reply(486) sleep(5) end,
		}
		local function route(req) ways[req.uri.user](req) end
		sip.on("INVITE", route) sip.on("*", route)`
	ways := []string{"drop", "forget", "raise", "forward", "unknown", "challenge", "asleep", "silent", "lookup", "both", "loop", "nobody", "late"}
	play(t, script, Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
		alice := alice(s)
		bob(s) // hears all and says nothing
		for _, cancel := range []time.Duration{0, time.Millisecond, 500 * time.Millisecond} {
			for _, way := range ways {
				alice.Request(sip.MESSAGE, "sip:"+way+"@192.0.2.1")
				sent := alice.Request(sip.INVITE, "sip:"+way+"@192.0.2.1")
				if cancel > 0 {
					time.Sleep(cancel)
					alice.CANCEL(sent)
				}
			}
		}
		alice.Request(sip.INVITE, "sip:asleep@192.0.2.1", siptest.Header("Proxy-Require", "nothing"))
		alice.Request(sip.BYE, "sip:asleep@192.0.2.1", siptest.Set("To", "<sip:x@192.0.2.1>;tag=x"))
		time.Sleep(15 * time.Minute)
		began := time.Now()
		srv.Engine.Drain(time.Minute, nil)
		if took := time.Since(began); took > time.Second {
			t.Errorf("draining an idle server took %v: something counts as open", took)
		}
	})
}
