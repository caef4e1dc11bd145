package scenario

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

// endScript does something with a call, during which somebody goes, and says what comes of that and of what it does next.
const endScript = `
local function shown(ok, ...)
	local words = { ok and "ok" or "raised" }
	for i = 1, select("#", ...) do
		local v = select(i, ...)
		words[#words + 1] = tostring(type(v) == "table" and (v.ended_by or v.cause) or v)
	end
	return table.concat(words, " ")
end
sip.on("INVITE", function(req)
	local bob = "sip:bob@192.0.2.20"
	local call, leg
	defer(function() log.info("deferred") end)
	local function act() %s end
	log.info(shown(pcall(act)))
	log.info("sleep " .. shown(pcall(sleep, 1)))
	if call then log.info("hold " .. shown(pcall(call.hold, call))) end
end)`

// obliging lets a phone take what it is sent, and lists the requests.
func obliging(u *siptest.UA) *did {
	d := &did{}
	u.Handle(func(m *sip.Message) {
		switch m.Method() {
		case sip.ACK:
			return
		case sip.INVITE:
			u.Reply(m, 200, siptest.SDP(u.Addr().Addr()))
		default:
			u.Reply(m, 200)
		}
		d.add(m.Method())
	})
	return d
}

func TestCallerGoes(t *testing.T) {
	t.Parallel()
	cancel := func(s *stage, invite *sip.Message) {
		s.alice.Expect("100", soon)
		time.Sleep(time.Second)
		s.alice.CANCEL(invite)
		s.alice.Expect("487", soon)
	}
	bye := func(s *stage, _ *sip.Message) {
		d := s.answered()
		time.Sleep(3 * time.Second)
		d.BYE()
		s.alice.Expect("200 BYE", soon)
	}
	for _, tt := range []struct {
		name, act string
		goes      func(s *stage, invite *sip.Message)
		said      string
		bob       string // what he gets after his first answer
	}{
		{"while the script waits", `call = req:accept() sleep(60)`, cancel, "raised hangup; sleep raised hangup; hold raised hangup; deferred", ""},
		{"while another call rings", `call = req:accept() local leg, result = call:dial(bob, { timeout = 60 }) return leg, result.cause`, cancel,
			"ok nil canceled; sleep ok; hold raised hangup; deferred", "INVITE CANCEL"},
		{"while b2bua rings", `local result = req:b2bua(bob, { timeout = 60 }) return result.cause`, cancel, "ok canceled; sleep ok; deferred", "INVITE CANCEL"},
		{"while tasks ring", `call = req:accept() return task.any { function() return (call:dial(bob)) end, function() sleep(60) end }`, cancel,
			"raised hangup; sleep raised hangup; hold raised hangup; deferred", "INVITE CANCEL"},
		{"before the answer that a task gives", `call = req:accept() task.spawn(function() sleep(9) call:answer() end) call:wait("hangup")`, cancel,
			"ok; sleep ok; hold raised hangup; deferred", ""},
		{"after the answer", `call = req:answer() sleep(60)`, bye, "raised hangup; sleep raised hangup; hold raised hangup; deferred", ""},
		{"while the end is waited for", `call = req:answer() return call:wait("hangup").name`, bye, "ok hangup; sleep ok; hold raised hangup; deferred", ""},
		{"while an event is waited for", `call = req:answer() call:wait({ "dtmf", "app.x" }, 60)`, bye, "raised hangup; sleep raised hangup; hold raised hangup; deferred", ""},
		{"in a conversation", `call = req:accept() leg = call:dial("sip:bob@192.0.2.20;quick") return call:bridge(leg)`, bye,
			"ok caller; sleep ok; hold raised hangup; deferred", "INVITE BYE"},
		{"in a conversation of a task", `call = req:accept() leg = call:dial("sip:bob@192.0.2.20;quick") return task.any { talk = function() return call:bridge(leg) end }`, bye,
			"ok talk caller; sleep ok; hold raised hangup; deferred", "INVITE BYE"},
		{"without an ACK", `call = req:answer() sleep(60)`, func(s *stage, _ *sip.Message) { s.alice.Expect("200", soon); time.Sleep(33 * time.Second) },
			"raised hangup; sleep raised hangup; hold raised hangup; deferred", ""},
	} {
		t.Run(strings.ReplaceAll(tt.name, " ", "_"), func(t *testing.T) {
			perform(t, fmt.Sprintf(endScript, tt.act), func(s *stage) {
				obliging(s.alice)
				var bob did
				s.bob.Handle(func(m *sip.Message) {
					switch {
					case m.Method() == sip.ACK:
						return
					case m.Method() == sip.CANCEL:
						s.bob.Reply(m, 200)
					case m.Method() == sip.INVITE && !strings.Contains(m.URIText(), "quick"):
						s.bob.Reply(m, 180)
					default:
						s.bob.Reply(m, 200, siptest.SDP(s.bob.Addr().Addr()))
					}
					bob.add(m.Method())
				})
				tt.goes(s, s.call())
				time.Sleep(5 * time.Second)
				s.wantSaid(tt.said)
				if got := bob.String(); got != tt.bob {
					s.t.Errorf("bob got %q, want %q", got, tt.bob)
				}
			})
		})
	}
}

func TestCalleeGoes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, act, said string }{
		{"in a conversation", `call = req:accept() leg = call:dial(bob) return call:bridge(leg)`, "ok callee; sleep ok; hold ok true; deferred"},
		{"while something is done with it", `call = req:accept() leg = call:dial(bob) call:answer() return leg:wait("dtmf")`, "ok nil hangup; sleep ok; hold ok true; deferred"},
		{"before something is done with it", `call = req:accept() leg = call:dial(bob) call:answer() sleep(9) return leg:hold()`, "ok nil hangup; sleep ok; hold ok true; deferred"},
		{"before it is bridged", `call = req:accept() leg = call:dial(bob) call:answer() sleep(9) return call:bridge(leg)`, "ok nil hangup; sleep ok; hold ok true; deferred"},
	} {
		t.Run(strings.ReplaceAll(tt.name, " ", "_"), func(t *testing.T) {
			perform(t, fmt.Sprintf(endScript, tt.act), func(s *stage) {
				obliging(s.alice)
				s.call()
				invite := s.bob.Expect(sip.INVITE, soon)
				s.bob.Reply(invite, 200, siptest.SDP(s.bob.Addr().Addr()))
				s.bob.Expect(sip.ACK, soon)
				s.answered()
				time.Sleep(2 * time.Second)
				s.bob.Dialog(invite).BYE()
				s.bob.Expect("200 BYE", soon)
				time.Sleep(15 * time.Second)
				s.wantSaid(tt.said)
			})
		})
	}
}

func TestHandlerEnds(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, act, alice, bob string }{
		{"unanswered", `req:accept()`, "500", ""},
		{"unanswered after a busy dial", `req:accept():dial("sip:carol@192.0.2.30")`, "486", ""},
		{"unanswered with an error", `req:accept() error("boom")`, "500", ""},
		{"with a dialed leg that nobody talks to", `local call = req:accept() call:dial(bob) call:reject(603)`, "603", "INVITE BYE"},
		{"answered", `req:answer()`, "200 BYE", ""},
		{"answered with an error", `req:answer() error("boom")`, "200 BYE", ""},
		{"bridged", `local call = req:accept() local leg = call:dial(bob) task.spawn(function() call:bridge(leg) end) sleep(2)`, "200 BYE", "INVITE BYE"},
		{"bridged with an error in a task", `local call = req:accept() local leg = call:dial(bob) task.spawn(function() sleep(2) error("boom") end) call:bridge(leg)`, "200 BYE", "INVITE BYE"},
		{"detached", `local call = req:accept() assert(call:bridge(call:dial(bob), { detach = true }))`, "200", "INVITE"},
		{"after b2bua", `assert(req:b2bua(bob).call.state == "bridged")`, "200", "INVITE"},
		{"while a task dials", `local call = req:answer() task.spawn(function() call:dial("sip:bob@192.0.2.20;ring") end) sleep(1)`, "200 BYE", "INVITE CANCEL"},
	} {
		t.Run(strings.ReplaceAll(tt.name, " ", "_"), func(t *testing.T) {
			perform(t, fmt.Sprintf(`sip.on("INVITE", function(req) local bob = "sip:bob@192.0.2.20" %s end)`, tt.act), func(s *stage) {
				alice := obliging(s.alice)
				var bob did
				s.bob.Handle(func(m *sip.Message) {
					switch {
					case m.Method() == sip.ACK:
						return
					case m.Method() == sip.INVITE && strings.Contains(m.URIText(), "ring"):
						s.bob.Reply(m, 180)
					case m.Method() == sip.CANCEL:
						s.bob.Reply(m, 200)
					default:
						s.bob.Reply(m, 200, siptest.SDP(s.bob.Addr().Addr()))
					}
					bob.add(m.Method())
				})
				s.carol.AutoReply(486)
				final := s.alice.Final(s.call())
				got := fmt.Sprint(final.Status())
				if final.Status() == 200 {
					d := s.alice.Dialog(final)
					d.ACK()
					time.Sleep(5 * time.Second)
					got = strings.TrimSpace(got + " " + alice.String())
					if got == "200" { // it lives in the engine, which ends it
						d.BYE()
						s.alice.Expect("200 BYE", soon)
						time.Sleep(soon)
						bob.mu.Lock()
						bob.all = bob.all[:len(bob.all)-1]
						bob.mu.Unlock()
					}
				}
				time.Sleep(time.Second)
				if got != tt.alice || bob.String() != tt.bob {
					s.t.Errorf("alice got %q, want %q; bob got %q, want %q", got, tt.alice, bob.String(), tt.bob)
				}
			})
		})
	}
}

func TestDetachedPairEndsWithTheCallee(t *testing.T) {
	perform(t, `sip.on("INVITE", function(req)
	local call = req:accept()
	log.info(tostring(call:bridge(call:dial("sip:bob@192.0.2.20"), { detach = true })))
end)`, func(s *stage) {
		alice := obliging(s.alice)
		s.call()
		invite := s.bob.Expect(sip.INVITE, soon)
		s.bob.Reply(invite, 200, siptest.SDP(s.bob.Addr().Addr()))
		s.bob.Expect(sip.ACK, soon)
		s.answered()
		time.Sleep(5 * time.Second)
		if got := alice.String(); got != "" {
			s.t.Errorf("alice got %q while they talked", got)
		}
		s.bob.Dialog(invite).BYE()
		s.bob.Expect("200 BYE", soon)
		time.Sleep(soon)
		if got := alice.String(); got != "BYE" {
			s.t.Errorf("alice got %q, want a BYE", got)
		}
		s.wantSaid("true")
	})
}
