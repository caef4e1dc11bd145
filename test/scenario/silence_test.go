package scenario

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sipscript/sipscript/engine"
	"github.com/sipscript/sipscript/engine/media"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

// B138: a call in which nobody is heard any more ends for both sides, whatever its handler waits in; whoever listens for that is told first. A side that is
// held is not expected to say anything.
func TestB138SilenceEndsTheWaitOfAHandler(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, act, said string
		bob             string // what he gets after his answer
	}{
		{"bridge", `call = req:accept() local leg = call:dial(bob) return call:bridge(leg)`, "ok X; next raised hangup", "INVITE BYE"},
		{"sleep", `call = req:answer() sleep(500)`, "raised hangup; next raised hangup", ""},
		{"wait", `call = req:answer() return call:wait("dtmf")`, "raised hangup; next raised hangup", ""},
		{"wait for it", `call = req:answer() return call:wait("media_timeout")`, "ok media_timeout; next raised hangup", ""},
		{"listening", `call = req:accept() call:on("media_timeout", function() log.info("heard of it") end) call:answer() sleep(500)`, "heard of it; raised hangup; next raised hangup", ""},
		{"without a handler", `req:b2bua(bob) call = { hold = error }`, "ok; next raised nil", "INVITE BYE"},
	} {
		t.Run(strings.ReplaceAll(tt.name, " ", "_"), func(t *testing.T) {
			t.Parallel()
			for _, setting := range []engine.Config{{Shards: 1}, {Shards: 4, Apart: true}} {
				siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
					st := &stage{Scene: s, t: t, Server: Start(t, s, fmt.Sprintf(`sip.on("INVITE", function(req)
	local bob, call = "sip:bob@192.0.2.20"
	local function act() %s end
	local ok, v = pcall(act)
	log.info((ok and "ok" or "raised") .. (v and " " .. tostring(v.ended_by or v.name or v.cause) or ""))
	local ok, err, why = pcall(call.hold, call)
	log.info("next " .. (ok and "ok " .. tostring(err) .. " " .. tostring(why and why.cause) or "raised " .. tostring(type(err) == "table" and err.cause or nil)))
end)`, tt.act)+logEnd, Options{Engine: setting, Relay: &media.Config{Ports: media.Ports{First: 20000, Last: 20099}}})}
					st.alice, st.bob = alice(s), bob(s)
					var bob did
					st.bob.Handle(func(m *sip.Message) {
						switch m.Method() {
						case sip.ACK:
							return
						case sip.INVITE:
							st.bob.Reply(m, 200, siptest.SDP(st.bob.Addr().Addr()))
						default:
							st.bob.Reply(m, 200)
						}
						bob.add(m.Method())
					})
					st.call()
					st.answered()
					st.alice.Reply(st.alice.Expect(sip.BYE, 70*time.Second), 200)
					time.Sleep(5 * time.Second)
					said := strings.ReplaceAll(strings.ReplaceAll(st.said(), "ok caller", "ok X"), "ok callee", "ok X") // whose silence is noticed first
					said = strings.TrimPrefix(strings.TrimSuffix(said, "; end"), "end; ")
					if said = strings.ReplaceAll(said, "; end", ""); said != tt.said || bob.String() != tt.bob {
						t.Errorf("the script said %q, want %q; bob got %q, want %q", said, tt.said, &bob, tt.bob)
					}
					wantEnd(t, st.Server, "by=media", "cause=answered")
					st.clean()
				})
			}
		})
	}
}
