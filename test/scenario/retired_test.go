package scenario

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

// supersede reloads the script so often that the version in force is retired at once.
func (s *stage) supersede() {
	s.t.Helper()
	for i := range 5 {
		if err := s.Change(fmt.Sprintf(`sip.on("INVITE", function(req) sleep(%d) req:reply(480) end)`, i)); err != nil {
			s.t.Fatal(err)
		}
		// Only versions with a handler count.
		s.carol.Request(sip.INVITE, "sip:x@192.0.2.1")
		time.Sleep(soon)
	}
}

// A version that is retired by force ends each wait of its handlers with cause retired: conversations go on without it, all other calls end as when their
// handler ends, and what was put off is done.
func TestForcedRetirementInEachVerb(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		verb, act  string
		said       string
		alice, bob string // what they get, after the answer and the call
		code       string // of alice's INVITE
		talks      bool   // alice's call is answered and goes on
	}{
		{"dial", `call = req:accept() return call:dial(bob .. ";slow", { timeout = 60 })`, "raised retired; deferred", "", "INVITE CANCEL", "500", false},
		{"dial of an answered call", `call = req:answer() return call:dial(bob .. ";slow", { timeout = 60 })`, "raised retired; deferred", "BYE", "INVITE CANCEL", "200", false},
		{"b2bua", `req:b2bua(bob .. ";slow", { timeout = 60 })`, "raised retired; deferred", "", "INVITE CANCEL", "500", false},
		{"bridge", `call = req:accept() local leg = call:dial(bob) return call:bridge(leg)`, "raised retired; deferred", "", "INVITE", "200", true},
		{"bridge in a task", `call = req:accept() local leg = call:dial(bob) local t = task.spawn(function() return call:bridge(leg) end) return t:wait()`,
			"raised retired; deferred", "", "INVITE", "200", true},
		{"wait", `call = req:answer() return call:wait("dtmf")`, "raised retired; deferred", "BYE", "", "200", false},
		{"wait of a leg", `call = req:accept() local leg = call:dial(bob) call:answer() return leg:wait("dtmf")`, "raised retired; deferred", "BYE", "INVITE BYE", "200", false},
		{"transfer", `call = req:answer() sleep(0.5) return call:transfer("sip:carol@192.0.2.30")`, "raised retired; deferred", "REFER BYE", "", "200", false},
		{"sleep in a task", `call = req:answer() return task.all { function() sleep(500) end, function() call:wait("app.x") end }`, "raised retired; deferred", "BYE", "", "200", false},
		{"originate", `return sip.originate(bob .. ";slow", { timeout = 60 })`, "raised retired; deferred", "", "INVITE CANCEL", "500", false},
		{"what was put off", `call = req:answer() defer(function() sleep(10) log.info("late") end)`, "ok; late; deferred", "BYE", "", "200", false},
	} {
		t.Run(strings.ReplaceAll(tt.verb, " ", "_"), func(t *testing.T) {
			perform(t, fmt.Sprintf(`sip.on("INVITE", function(req)
	local bob, call = "sip:bob@192.0.2.20"
	defer(function() log.info("deferred") end)
	local function act() %s end
	local ok, err = pcall(act)
	log.info(ok and "ok" or "raised " .. tostring(err.cause))
	if not ok then error(err) end
end)`, tt.act), func(s *stage) {
				alice := obliging(s.alice)
				s.carol.AutoReply(200)
				var bob did
				s.bob.Handle(func(m *sip.Message) {
					switch {
					case m.Method() == sip.ACK:
						return
					case m.Method() == sip.INVITE && strings.Contains(m.URIText(), "slow"):
						s.bob.Reply(m, 180)
					case m.Method() == sip.INVITE:
						s.bob.Reply(m, 200, siptest.SDP(s.bob.Addr().Addr()))
					default:
						s.bob.Reply(m, 200)
					}
					bob.add(m.Method())
				})
				s.call()
				var d *siptest.Dialog
				if tt.code == "200" {
					d = s.answered()
				}
				time.Sleep(2 * time.Second)
				s.supersede()
				if tt.code != "200" {
					s.alice.Expect(tt.code+" INVITE", time.Second)
				}
				time.Sleep(30 * time.Second)
				if got := s.said(); got != tt.said {
					s.t.Errorf("the script said  %q\nwant             %q", got, tt.said)
				}
				if alice.String() != tt.alice || bob.String() != tt.bob {
					s.t.Errorf("alice got %q, bob %q; want %q and %q", alice, &bob, tt.alice, tt.bob)
				}
				if tt.talks {
					d.BYE()
					s.alice.Expect("200 BYE", soon)
					time.Sleep(time.Second)
					if !strings.HasSuffix(bob.String(), "BYE") {
						s.t.Errorf("bob got %q in the end", &bob)
					}
				}
			})
		})
	}
}
