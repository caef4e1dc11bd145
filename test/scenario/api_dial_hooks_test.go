package scenario

import (
	"testing"
	"time"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

// What a script wants to see of the branches of a dial it sees where it runs, whatever shard the legs live on: its own tables
// are changed by both. The race detector watches.
func TestHooksOfADialRunWhereTheirScriptDoes(t *testing.T) {
	const hooks = `
		local seen = {}
		local hooks = {
			on_branch = function(branch, target)
				table.insert(seen, "branch " .. branch.uri.user)
				branch:set_header("X-Seen", tostring(#seen))
				return target ~= "sip:nobody@192.0.2.30"
			end,
			on_reply = function(reply, target) table.insert(seen, reply.code) if reply.code == 183 then return false end end,
		}
		task.spawn(function() for i = 1, 50 do table.insert(seen, "") table.remove(seen) sleep(0.001) end end)
	`
	const told = ` sleep(1) log.info(table.concat(seen, " "))`
	for _, tt := range []struct{ name, script, want string }{
		{"dial", `sip.on("INVITE", function(req) local call = req:accept()` + hooks + `
			call:bridge(call:dial({ "sip:bob@192.0.2.20", "sip:nobody@192.0.2.30" }, hooks))` + told + ` end)`, "branch bob branch nobody 183 180 200"},
		{"b2bua", `sip.on("INVITE", function(req)` + hooks + `req:b2bua({ "sip:bob@192.0.2.20", "sip:nobody@192.0.2.30" }, hooks)` + told + ` end)`, "branch bob branch nobody 183 180 200"},
		{"dial for a leg of another shard", `sip.on("INVITE", function(req) req:reply(480)
			local first = sip.originate("sip:carol@192.0.2.30")
			local leg = first:dial("sip:carol@192.0.2.30")` + hooks + `
			leg:bridge(leg:dial("sip:bob@192.0.2.20", hooks))` + told + ` end)`, "branch bob 183 180 200"},
		{"originate", `sip.on("INVITE", function(req) req:reply(480)` + hooks + `local leg = sip.originate("sip:bob@192.0.2.20", hooks)` + told + ` end)`, "branch bob 183 180 200"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			perform(t, tt.script, func(s *stage) {
				obliging(s.alice)
				obliging(s.carol)
				s.call()
				invite := s.bob.Expect(sip.INVITE, 5*time.Second)
				if header(invite, "X-Seen") != "1" {
					s.t.Errorf("INVITE without what on_branch has set\n%v", invite)
				}
				s.bob.Reply(invite, 183)
				s.bob.Reply(invite, 180)
				time.Sleep(20 * time.Millisecond)
				s.bob.Reply(invite, 200, siptest.SDP(s.bob.Addr().Addr()))
				s.bob.Expect(sip.ACK, time.Second)
				obliging(s.bob)
				time.Sleep(3 * time.Second)
				s.bob.Dialog(invite).BYE()
				time.Sleep(3 * time.Second)
				s.wantSaid(tt.want)
			})
		})
	}
}
