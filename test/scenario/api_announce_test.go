package scenario

import (
	"strings"
	"testing"
	"time"

	"github.com/sipscript/sipscript/sip"
)

// Who has no more of a call than its id plays something to it, on whichever shard it is, and never breaks by what has become of the call.
func TestPlayToACallOfSomebodyElse(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, call, body, said string }{
		{"a file", "req:answer():wait('hangup', 20)", `local p = c:play("prompts/hello.wav") log.info(p.stopped_by .. p.played)`, "end2"},
		{"no such file", "req:answer():wait('hangup', 20)", `local p, err = c:play("prompts/nothing.wav") log.info(tostring(p) .. err.cause)`, "nilnot_found"},
		{"in place of what plays", `log.info(req:answer():play("tone:440/1000", { loop = true }).stopped_by) sleep(10)`, `log.info(c:play("prompts/hello.wav", { loop = 2 }).played)`, "replaced; 4"},
		{"not answered", "req:accept() sleep(20)", `local p, err = c:play("prompts/hello.wav") log.info(tostring(p) .. err.cause)`, "nilunsupported"},
		{"hung up meanwhile", "local call = req:answer() sleep(1.5) call:hangup()", `local p, err = c:play("prompts/hello.wav") log.info(tostring(p) .. err.cause)`, "nilgone"},
		{"given up by who plays", "req:answer():wait('hangup', 20)", `local won = task.any { slow = function() return c:play("prompts/hello.wav", { loop = true }) end, fast = function() sleep(1) return true end } log.info(won .. c:play("tone:440/500;once").stopped_by)`, "fastend"},
	} {
		t.Run(strings.ReplaceAll(tt.name, " ", "_"), func(t *testing.T) {
			listening(t, `
				sip.on("INVITE", function(req) `+tt.call+` end)
				sip.on("MESSAGE", function(req) req:reply(202) local c = sip.call(sip.calls()[1].id) `+tt.body+` end)`, func(s *ivrStage) {
				obliging(s.alice)
				s.alice.Request(sip.INVITE, "sip:ivr@192.0.2.1", audio(s.mouth.addr))
				if !strings.Contains(tt.call, "accept") {
					s.answered()
				}
				time.Sleep(500 * time.Millisecond)
				s.bob.Final(s.bob.Request(sip.MESSAGE, "sip:x@192.0.2.1"))
				time.Sleep(30 * time.Second)
				s.wantSaid(tt.said)
			})
		})
	}
}
