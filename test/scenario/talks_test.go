package scenario

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sipscript/sipscript/engine"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
	"github.com/sipscript/sipscript/test/listen"
)

// talkVerbs are what a random script is made of; %d is another number each time.
var talkVerbs = []string{
	`call:play("prompts/hello.wav", { stop_on = "12" })`,
	`call:play { "tone:440/300;once", "prompts/hello.wav", "silence:0.3" }`,
	`call:play("prompts/nothing.wav")`,
	`call:play("prompts/broken.wav")`,
	`call:say("text %d")`,
	`call:say("broken")`,
	`call:gather { prompt = "prompts/hello.wav", max = 3, timeout = 2, tries = 2 }`,
	`call:gather { prompt = "tone:beep", barge_in = false, timeout = 1, pattern = "[1-5]*", invalid = "tone:beep" }`,
	`call:gather { timeout = 1, flush = true }`,
	`call:menu { prompt = "prompts/hello.wav", timeout = 1, tries = 2, choices = { ["1"] = function() call:play("tone:beep") end, ["23"] = function() return 5 end } }`,
	`call:record("m%d.wav", { silence = 1, max_time = 4 })`,
	`call:record("m%d.wav", { silence = 0, max_time = 2, beep = false, format = "wav-ulaw", stop_on = "3" })`,
	`call:start_recording("c%d.wav", { stereo = true })`,
	`local r = call:start_recording("c%d.wav") sleep(1) r:pause() sleep(0.3) r:resume() r:stop()`,
	`call:music("prompts/hello.wav")`,
	`call:music()`,
	`call:wait("dtmf", 1)`,
	`sleep(0.7)`,
	`call:hold() sleep(0.5) call:unhold()`,
	`task.spawn(function() sleep(0.5) call:stop() end)`,
	`task.spawn(function() call:play("tone:440/700;once") end)`,
	`task.all { function() call:play("prompts/hello.wav") end, function() call:gather { max = 1, timeout = 3 } end }`,
	`local leg = call:dial("sip:bob@192.0.2.20", { timeout = 5 }) if leg then call:bridge(leg) end`,
	`local leg = call:dial("sip:bob@192.0.2.20", { timeout = 5 }) if leg then task.spawn(function() sleep(0.5) leg:play("tone:beep") call:stop() end) call:bridge(leg) end`,
	`conference.join(call, "room%d")`,
	`conference.join(call, "room", { tones = false, keys = { ["1"] = "leave" } })`,
	`call:on("dtmf", function() call:play("tone:beep") end)`,
	`error("on purpose")`,
}

// randomTalk is a script that does some of these things in some order.
func randomTalk(random *rand.Rand) string {
	var b strings.Builder
	b.WriteString("sip.on(\"INVITE\", function(req)\n\tlocal call\n\tdefer(function() log.info(\"flow ended\") end)\n")
	if random.IntN(4) == 0 {
		b.WriteString("\tcall = req:accept() call:progress() call:play(\"prompts/hello.wav\") call:answer()\n")
	} else {
		b.WriteString("\tcall = req:answer()\n")
	}
	for range 1 + random.IntN(6) {
		verb := talkVerbs[random.IntN(len(talkVerbs))]
		if strings.Contains(verb, "%d") {
			verb = fmt.Sprintf(verb, random.IntN(100))
		}
		if verb == `error("on purpose")` && random.IntN(5) > 0 {
			continue
		}
		fmt.Fprintf(&b, "\tdo %s end\n", verb)
	}
	b.WriteString("end)\nsip.on(\"MESSAGE\", function(req) req:reply(200) end)\n")
	return b.String()
}

// Callers press keys, hold, hang up and are forgotten over scripts that are replaced meanwhile: nothing is left, and no recording is half written.
func TestRandomScripts(t *testing.T) {
	t.Parallel()
	const batch = 10
	for n := 0; n < *flows; n += batch {
		t.Run(fmt.Sprintf("from %d", n), func(t *testing.T) {
			t.Parallel()
			for seed := n; seed < min(n+batch, *flows); seed++ {
				random := rand.New(rand.NewPCG(10000, uint64(seed)))
				script := randomTalk(random)
				config := engine.Config{Shards: 1}
				if random.IntN(2) == 0 {
					config = engine.Config{Shards: 4, Apart: true}
				}
				setting := siptest.Setting{Seed: uint64(seed) + 1}
				if random.IntN(3) == 0 {
					setting.Network.Link = siptest.Link{Delay: 5 * time.Millisecond, Jitter: 10 * time.Millisecond, Loss: 0.05, Duplicate: 0.02}
				}
				desk{callers: 2, engine: config, setting: setting}.talk(t, script, func(m *meeting) {
					m.t.Cleanup(func() {
						if m.t.Failed() {
							m.t.Logf("seed %d:\n%s", seed, script)
						}
					})
					m.improvise(random, script)
				})
				if t.Failed() {
					t.FailNow()
				}
			}
		})
	}
}

// improvise plays a caller, and bob, who is called by some flows.
func (m *meeting) improvise(random *rand.Rand, script string) {
	alice, bob := m.callers[0], m.callers[1]
	patience := time.Duration(random.IntN(3000)) * time.Millisecond
	bob.Handle(func(r *sip.Message) {
		switch r.Method() {
		case sip.ACK:
		case sip.INVITE:
			bob.Reply(r, 200, bob.described())
			if r.ToTag() == "" {
				d := bob.Dialog(r)
				time.AfterFunc(patience, func() { d.BYE() })
			}
		default:
			bob.Reply(r, 200)
		}
	})
	var over atomic.Bool
	alice.Handle(func(r *sip.Message) {
		switch r.Method() {
		case sip.ACK:
			return
		case sip.INVITE:
			alice.Reply(r, 200, alice.described())
			return
		case sip.BYE:
			over.Store(true)
		}
		alice.Reply(r, 200)
	})
	invite := alice.Request(sip.INVITE, "sip:ivr@192.0.2.1", alice.described())
	if random.IntN(10) == 0 {
		time.Sleep(time.Duration(random.IntN(100)) * time.Millisecond)
		alice.CANCEL(invite)
	}
	final := alice.Final(invite)
	if final.Status() != 200 {
		time.Sleep(40 * time.Second)
		return
	}
	alice.d = alice.Dialog(final)
	alice.d.ACK()
	alice.to = mediaOf(m.t, final)
	holds := false
	for range random.IntN(12) {
		if over.Load() {
			break
		}
		switch random.IntN(8) {
		case 0, 1, 2:
			alice.press(string("0123456789*#"[random.IntN(12)]))
		case 3:
			alice.hums("300/1000", time.Duration(random.IntN(1500))*time.Millisecond)
		case 4:
			direction := []string{"sendonly", "sendrecv", "inactive"}[random.IntN(3)]
			holds = direction != "sendrecv"
			sdp := string(alice.Describe(listen.Formats, "a="+direction))
			again := alice.d.ReINVITE(siptest.Body("application/sdp", strings.Replace(sdp, "o=ear 1 1", fmt.Sprintf("o=ear 1 %d", alice.since()), 1)))
			if answer := alice.Final(again); answer.Status() == 200 {
				alice.d.Accepted(answer).ACK()
			}
		case 5:
			if random.IntN(4) == 0 {
				if err := m.Change(script + fmt.Sprintf("\n-- %d", random.Int())); err != nil {
					m.t.Error(err)
				}
			}
		default:
			time.Sleep(time.Duration(random.IntN(2000)) * time.Millisecond)
		}
	}
	if (random.IntN(3) > 0 || holds) && !over.Load() { // a prompt waits for ever for whoever holds
		alice.d.BYE()
	}
	time.Sleep(3 * time.Minute) // whoever is forgotten has no sound any more, which ends the call
	if !strings.Contains(m.said(), "flow ended") {
		m.t.Error("the flow has not ended")
	}
}

// What a caller proposes to somebody who leaves before answering it is refused, and may be proposed again.
func TestOfferToWhomTheScriptTakesAwayIsRefused(t *testing.T) {
	t.Parallel()
	for _, config := range []engine.Config{{Shards: 1}, {Shards: 4, Apart: true}} {
		desk{callers: 2, engine: config}.talk(t, `sip.on("INVITE", function(req)
	local call = req:answer()
	local leg = call:dial("sip:bob@192.0.2.20")
	task.spawn(function() sleep(2) call:stop() end)
	call:bridge(leg)
	sleep(30)
end)`, func(m *meeting) {
			alice, bob := m.callers[0], m.callers[1]
			alice.call("ivr")
			bob.takes(bob.Expect(sip.INVITE, time.Second))
			alice.Reply(alice.Expect(sip.INVITE, time.Second), 200, alice.described()) // it learns what was agreed with bob
			alice.Expect(sip.ACK, time.Second)
			time.Sleep(1900 * time.Millisecond)
			again := alice.d.ReINVITE(alice.described())
			out := bob.Expect(sip.INVITE, time.Second)
			bob.Reply(bob.Expect(sip.BYE, time.Second), 200)
			bob.Reply(out, 487)
			if got := alice.Final(again); got.Status() != 491 {
				m.t.Errorf("the offer got %d, want 491", got.Status())
			}
			alice.directed("sendrecv")
			alice.leaves()
		})
	}
}
