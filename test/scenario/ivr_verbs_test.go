package scenario

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sipscript/sipscript/engine"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
	"github.com/sipscript/sipscript/test/listen"
)

// A prompt waits for a peer that holds, and goes on where it was.
func TestPromptWaitsWhileTheCallerHolds(t *testing.T) {
	t.Parallel()
	for _, direction := range []string{"sendonly", "inactive"} {
		t.Run(direction, func(t *testing.T) {
			t.Parallel()
			desk{}.talk(t, inCall(`local p = call:play("tone:500/2000;once") log.info(p.stopped_by .. " " .. p.played) sleep(5)`), func(m *meeting) {
				alice := m.callers[0]
				alice.call("ivr")
				time.Sleep(time.Second)
				alice.directed(direction)
				held, sent := alice.since(), len(alice.Packets())
				time.Sleep(5 * time.Second)
				synctest.Wait()
				for _, p := range alice.Packets()[sent:] {
					if !p.Control && p.Arrived > held+40*time.Millisecond {
						m.t.Fatalf("a packet %s after the hold", p.Arrived-held)
					}
				}
				m.wantSaid("")
				alice.directed("sendrecv")
				time.Sleep(3 * time.Second)
				m.wantSaid("end 2")
				alice.hear(0, "500 Hz for 1.0 s, silence for 5.0 s, 500 Hz for 1.0 s")
				alice.leaves()
			})
		})
	}
}

// Whatever a caller is in the middle of when it hangs up: the handler unwinds, what was put off is done, and nothing is left.
func TestHangUpInTheMiddleOfEachVerb(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, verb string
		said       string // before what was put off
		files      []string
	}{
		{"play", `call:play("prompts/hello.wav", { loop = true })`, "", nil},
		{"play of what is being loaded", `call:play({ "prompts/hello.wav", "tone:500/60000" })`, "", nil},
		{"say", `call:say("hello")`, "", nil},
		{"say that is slow", `call:say("slow")`, "", nil},
		{"gather in its prompt", `call:gather { prompt = { "prompts/hello.wav", "silence:30" } }`, "", nil},
		{"gather behind its prompt", `call:gather { timeout = 60 }`, "", nil},
		{"gather without barge-in", `call:gather { prompt = { "prompts/hello.wav", "silence:30" }, barge_in = false }`, "", nil},
		{"menu", `call:menu { prompt = "silence:30", choices = { ["1"] = function() end } }`, "", nil},
		{"in a choice of a menu", `call:menu { choices = { ["5"] = function() call:play("silence:60") end } }`, "", nil},
		{"record in its beep", `log.info(call:record("m.wav", { silence = 0, beep = true, max_time = 60 }).stopped_by)`, "caller; ", []string{"m.wav"}},
		{"record", `log.info(call:record("m.wav", { silence = 0, beep = false }).stopped_by)`, "caller; ", []string{"m.wav"}},
		{"record, and the next wait", `log.info(call:record("m.wav", { silence = 0, beep = false }).stopped_by) sleep(1) log.info("slept")`, "caller; slept; ", []string{"m.wav"}},
		{"start_recording", `call:start_recording("c.wav", { stereo = true }) call:play("silence:60")`, "", []string{"c.wav"}},
		{"start_recording, paused", `local r = call:start_recording("c.wav") r:pause() sleep(60)`, "", []string{"c.wav"}},
		{"two of them", `call:start_recording("a/c.wav") log.info(call:record("b/m.wav", { silence = 0 }).stopped_by)`, "caller; ", []string{"a/c.wav", "b/m.wav"}},
		{"music", `call:music("prompts/hello.wav") sleep(60)`, "", nil},
		{"music of what is slow", `task.spawn(function() call:music { "prompts/hello.wav" } end) call:say("slow")`, "", nil},
		{"several at once", `task.all { function() call:play("silence:60") end, function() call:gather { timeout = 50 } end, function() call:wait("app.x") end }`, "", nil},
	} {
		t.Run(strings.ReplaceAll(tt.name, " ", "_"), func(t *testing.T) {
			t.Parallel()
			for _, config := range []engine.Config{{Shards: 1}, {Shards: 4, Apart: true}} {
				desk{engine: config}.talk(t, inCall(`defer(function() log.info("deferred") end) call:on("hangup", function() log.info("gone") end) `+tt.verb), func(m *meeting) {
					alice := m.callers[0]
					alice.call("ivr")
					time.Sleep(300 * time.Millisecond)
					alice.press("5")
					time.Sleep(200 * time.Millisecond)
					alice.leaves()
					time.Sleep(15 * time.Second)
					for _, want := range strings.Split(tt.said+"deferred; gone", "; ") {
						if got := strings.Split(m.said(), "; "); !slices.Contains(got, want) {
							m.t.Errorf("the script said %q, not %q", got, want)
						}
					}
					if got := files(m.t, m.records); !slices.Equal(got, tt.files) {
						m.t.Errorf("files %q, want %q", got, tt.files)
					}
				})
			}
		})
	}
}

// A leg that a script has called is recorded: its own hang-up ends the message, that of the caller whose handler it is ends it too.
func TestRecordOfALegThatAScriptHasCalled(t *testing.T) {
	t.Parallel()
	for _, who := range []string{"alice", "bob"} {
		t.Run(who, func(t *testing.T) {
			t.Parallel()
			desk{callers: 2}.talk(t, `sip.on("INVITE", function(req)
	local call = req:answer()
	local leg = sip.originate("sip:bob@192.0.2.20")
	local r = leg:record("m.wav", { silence = 0, beep = false })
	log.info(r.stopped_by)
end)`, func(m *meeting) {
				alice, bob := m.callers[0], m.callers[1]
				alice.call("ivr")
				bob.takes(bob.Expect(sip.INVITE, time.Second))
				time.Sleep(2 * time.Second)
				if who == "alice" {
					alice.leaves()
					bob.Reply(bob.Expect(sip.BYE, time.Second), 200)
					m.wantSaid("")
				} else {
					bob.leaves()
					alice.Reply(alice.Expect(sip.BYE, time.Second), 200)
					m.wantSaid("caller")
				}
				synctest.Wait()
				if got := files(m.t, m.records); !slices.Equal(got, []string{"m.wav"}) {
					m.t.Errorf("files %q", got)
				}
			})
		})
	}
}

// 1,000 digits, 50 ms each, of which one packet in ten is lost: none is lost, doubled or moved. The same in INFO.
func TestThousandDigitsOverALossyNetwork(t *testing.T) {
	t.Parallel()
	for _, way := range []string{"RFC 4733", "INFO"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			setting := siptest.Setting{Seed: 4733, Network: siptest.Options{Link: siptest.Link{Delay: 5 * time.Millisecond, Loss: 0.1}}}
			desk{setting: setting}.talk(t, inCall(`while true do
		local d, err = call:gather { max = 7, digit_timeout = 60, timeout = 60, terminators = "" }
		log.info(d or err.digits)
	end`), func(m *meeting) {
				random := rand.New(rand.NewPCG(47, 33))
				want := make([]byte, 1001) // 143 times seven
				for i := range want {
					want[i] = "0123456789*#ABCD"[random.IntN(16)]
				}
				alice := m.callers[0]
				alice.call("ivr")
				if way == "INFO" {
					alice.hums("300/1000", 150*time.Second) // a call without sound is over after a while
				}
				for i := range want {
					if way == "INFO" {
						info := alice.d.Request(sip.INFO, siptest.Body("application/dtmf-relay", "Signal="+string(want[i])+"\r\nDuration=160\r\n"))
						if got := alice.Final(info); got.Status() != 200 {
							m.t.Fatalf("digit %d got %v", i, got)
						}
						continue
					}
					alice.Press(alice.to, string(want[i]), 50*time.Millisecond, 50*time.Millisecond)
				}
				time.Sleep(time.Second)
				if got := strings.ReplaceAll(m.said(), "; ", ""); got != string(want) {
					m.t.Errorf("gathered %d digits\n%s\nwant\n%s", len(got), got, want)
				}
				alice.d.BYE()
				alice.Expect("200 BYE", 32*time.Second)
			})
		})
	}
}

// From the first packet of a key to the last one of the prompt it ends: 40 ms at most, wherever in a frame the key is pressed.
func TestBargeInWithinFortyMilliseconds(t *testing.T) {
	t.Parallel()
	desk{}.talk(t, inCall(`while true do log.info(call:gather { prompt = "tone:500/20000;once", max = 1 }) sleep(1) end`), func(m *meeting) {
		random := rand.New(rand.NewPCG(4, 0))
		alice := m.callers[0]
		alice.call("ivr")
		for i := range 50 {
			time.Sleep(1500*time.Millisecond + time.Duration(random.Int64N(int64(40*time.Millisecond))))
			pressed := alice.since()
			alice.press("1")
			time.Sleep(300 * time.Millisecond)
			var last time.Duration
			for _, p := range alice.Packets() {
				if !p.Control && p.Payload == 0 {
					last = p.Arrived
				}
			}
			if late := last - pressed; late > 40*time.Millisecond || late < -20*time.Millisecond {
				m.t.Errorf("prompt %d: its last packet came %s after the key's first", i, late)
			}
			time.Sleep(700 * time.Millisecond)
		}
		alice.leaves()
	})
}

// What is played to one of two who talk is heard by that one alone; its keys are gathered meanwhile.
func TestBridgedPartiesArePlayedToAlone(t *testing.T) {
	t.Parallel()
	desk{callers: 2}.talk(t, `sip.on("INVITE", function(req)
	local call = req:answer()
	local leg = call:dial("sip:bob@192.0.2.20")
	task.spawn(function()
		sleep(1)
		local p = leg:play("tone:1100/1500;once")
		log.info("played " .. p.stopped_by)
		log.info("gathered " .. call:gather { max = 2, timeout = 10 })
	end)
	call:bridge(leg)
end)`, func(m *meeting) {
		alice, bob := m.callers[0], m.callers[1]
		alice.call("ivr")
		bob.takes(bob.Expect(sip.INVITE, time.Second))
		alice.hums("300/1000", 5*time.Second)
		bob.hums("700/1000", 5*time.Second)
		time.Sleep(900 * time.Millisecond)
		time.Sleep(1400 * time.Millisecond)
		alice.mixes("while bob is played to", 700)
		bob.mixes("while bob is played to", 300, 1100)
		time.Sleep(1500 * time.Millisecond)
		alice.mixes("behind it", 700)
		bob.mixes("behind it", 300)
		time.Sleep(2 * time.Second)
		alice.press("42")
		time.Sleep(100 * time.Millisecond)
		m.wantSaid("played end; gathered 42")
		alice.leaves()
		bob.Reply(bob.Expect(sip.BYE, time.Second), 200)
	})
}

// A conversation is recorded: what the caller says on the left, what it hears, the prompt included, on the right; or both in one.
func TestConversationIsRecordedSideBySide(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"stereo", "mixed", "paused"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			desk{callers: 2}.talk(t, `sip.on("INVITE", function(req)
	local call = req:answer()
	local r = call:start_recording("c.wav", { stereo = `+map[bool]string{true: "false", false: "true"}[mode == "mixed"]+` })
	call:play("tone:1100/1000;once")
	local leg = call:dial("sip:bob@192.0.2.20")
	task.spawn(function()
		sleep(2)
		`+map[bool]string{true: "r:pause() sleep(2) r:resume()", false: "sleep(2)"}[mode == "paused"]+`
		sleep(1)
		local one = task.spawn(function() local f = r:stop() log.info("one " .. f.path) end)
		local f = r:stop()
		one:wait()
		log.info("two " .. f.duration)
	end)
	call:bridge(leg)
end)`, func(m *meeting) {
				alice, bob := m.callers[0], m.callers[1]
				alice.call("ivr")
				alice.hums("300/1000", 8*time.Second)
				bob.takes(bob.Expect(sip.INVITE, 2*time.Second))
				bob.hums("700/1000", 8*time.Second)
				time.Sleep(6 * time.Second)
				length := 6.0
				if mode == "paused" {
					length = 4
				}
				clip := recordedBy(m, "c.wav")
				if got := float64(len(clip[0])) / listen.Rate; got < length-0.1 || got > length+0.1 {
					m.t.Errorf("it is %g s long, want %g", got, length)
				}
				if !strings.Contains(m.said(), "one c.wav; two ") {
					m.t.Errorf("the script said %q", m.said())
				}
				for _, second := range []struct {
					from        float64
					left, right []float64
				}{{0.2, []float64{300}, []float64{1100}}, {1.5, []float64{300}, []float64{700}}, {length - 0.8, []float64{300}, []float64{700}}} {
					if mode == "mixed" {
						second.left = append(second.left, second.right...)
					}
					for i, want := range [][]float64{second.left, second.right}[:len(clip)] {
						from := int(second.from * listen.Rate)
						samples := clip[i][from : from+listen.Rate/2]
						for _, hz := range []float64{300, 700, 1100} {
							if got := listen.Power(samples, hz, listen.Rate) > 0.2; got != slices.Contains(want, hz) {
								m.t.Errorf("side %d after %g s: %g Hz: %v", i, second.from, hz, got)
							}
						}
					}
				}
				alice.leaves()
				bob.Reply(bob.Expect(sip.BYE, time.Second), 200)
			})
		})
	}
}

// recordedBy is what a file of linear samples holds, a list for each channel.
func recordedBy(m *meeting, name string) [][]int16 {
	m.t.Helper()
	b, err := os.ReadFile(filepath.Join(m.records, name))
	if err != nil {
		m.t.Fatal(err)
	}
	channels := make([][]int16, b[22])
	for at := 44; at+2*len(channels) <= len(b); {
		for i := range channels {
			channels[i] = append(channels[i], int16(uint16(b[at])|uint16(b[at+1])<<8))
			at += 2
		}
	}
	return channels
}

// What is played before the answer goes on behind it as one stream of RTP.
func TestEarlyPromptsAndLateOnesAreOneStream(t *testing.T) {
	t.Parallel()
	desk{}.talk(t, `sip.on("INVITE", function(req)
	local call = req:accept()
	log.info(tostring(select(2, pcall(call.play, call, "tone:beep"))):match("answer it first"))
	call:progress()
	call:play("tone:500/1000;once")
	task.spawn(function() sleep(1) call:answer() end)
	call:play("tone:1100/2000;once")
	call:play("tone:700/1000;once")
end)`, func(m *meeting) {
		alice := m.callers[0]
		alice.asks("ivr")
		alice.Expect("183", time.Second)
		alice.comes()
		alice.Reply(alice.Expect(sip.BYE, 5*time.Second), 200)
		alice.hear(0, "500 Hz for 1.0 s, 1100 Hz for 2.0 s, 700 Hz for 1.0 s")
		var last *listen.Packet
		for _, p := range alice.Packets() {
			if p.Control {
				continue
			}
			if last != nil && (p.SSRC != last.SSRC || p.Sequence != last.Sequence+1) {
				m.t.Fatalf("packet %d of stream %x behind %d of %x", p.Sequence, p.SSRC, last.Sequence, last.SSRC)
			}
			last = &p
		}
		m.wantSaid("answer it first")
	})
}
