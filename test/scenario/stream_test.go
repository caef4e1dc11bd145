package scenario

import (
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sipscript/sipscript/engine"
	sound "github.com/sipscript/sipscript/engine/audio"
	"github.com/sipscript/sipscript/engine/ivr/stream"
	"github.com/sipscript/sipscript/engine/media"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
	"github.com/sipscript/sipscript/test/listen"
)

// streamStage is a stage whose script streams to an agent.
type streamStage struct {
	*stage
	agents *Agents
	ear    *listen.Ear // alice's
	server netip.AddrPort
	dialog *siptest.Dialog
	begun  time.Duration // of the call, as the ear counts
	start  time.Time
}

// streaming has alice call a script that does body with the call; bot is the agent. f goes on when the call is up.
func streaming(t *testing.T, body string, bot func(b *Bot), f func(s *streamStage), fail ...error) {
	t.Helper()
	t.Parallel()
	for _, setting := range []struct {
		name   string
		config engine.Config
	}{{"one shard", engine.Config{Shards: 1}}, {"four", engine.Config{Shards: 4, Apart: true}}} {
		t.Run(setting.name, func(t *testing.T) {
			siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
				agents := NewAgents(t, bot)
				if len(fail) > 0 && fail[0] != nil {
					agents.fail = func(int) error { return fail[0] }
				}
				srv := Start(t, s, inCall(body), Options{Engine: setting.config, Prompts: prompts(t), Agents: agents, Relay: &media.Config{Ports: media.Ports{First: 20000, Last: 20099}}})
				st := &streamStage{stage: &stage{Scene: s, Server: srv, t: t}, agents: agents}
				t.Cleanup(func() {
					if t.Failed() {
						t.Logf("%s\n%s", s.Ladder(), st.Log)
					}
				})
				st.alice = s.UA("alice", "192.0.2.10:5060", sip.UDP).Reliable()
				st.ear = listen.New(t, mediaNet{st.alice.Host()}, netip.MustParseAddrPort("192.0.2.10:4000"))
				st.start = time.Now()
				obliging(st.alice)
				st.alice.Request(sip.INVITE, "sip:ivr@192.0.2.1", siptest.Body("application/sdp", string(st.ear.Describe(listen.Formats))))
				answer := st.alice.Expect("200 INVITE", time.Minute)
				st.dialog = st.alice.Dialog(answer)
				st.dialog.ACK()
				st.server = audioOf(t, answer.Body())
				st.begun = time.Since(st.start)
				f(st)
				st.clean()
			})
		})
	}
}

// audioOf is where a description wants its audio.
func audioOf(t *testing.T, sdp []byte) netip.AddrPort {
	t.Helper()
	ip := regexp.MustCompile(`(?m)^c=IN IP4 (\S+)`).FindSubmatch(sdp)
	port := regexp.MustCompile(`(?m)^m=audio (\d+)`).FindSubmatch(sdp)
	if ip == nil || port == nil {
		t.Fatalf("no audio in %s", sdp)
	}
	return netip.MustParseAddrPort(string(ip[1]) + ":" + string(port[1]))
}

// tone plays for d.
func (s *streamStage) say(hz int, d time.Duration) {
	s.t.Helper()
	tone, err := sound.ParseTone(strconv.Itoa(hz))
	if err != nil {
		s.t.Fatal(err)
	}
	s.ear.Say(s.server, "PCMU", tone.Source(), d)
}

// mulaw is a tone in μ-law.
func mulaw(hz int, d time.Duration) []byte {
	tone, err := sound.ParseTone(strconv.Itoa(hz))
	if err != nil {
		panic(err)
	}
	codec, _ := sound.NewCodec("PCMU")
	pcm := make([]int16, int(d*8000/time.Second))
	source := tone.Source()
	for i := 0; i < len(pcm); i += 160 {
		source.Read(pcm[i:min(i+160, len(pcm))], 8000)
	}
	b := make([]byte, len(pcm))
	return b[:codec.Encode(b, pcm)]
}

const streamed = `local r = call:stream { url = "wss://agent.example.org/media", params = { id = 7 } }
	log.info(r.ended_by .. (r.cause and " " .. r.cause or ""))`

// echo says what it hears.
func echo(b *Bot) {
	for {
		e, ok := b.Until("media")
		if !ok {
			return
		}
		b.Sound(e.Media.Payload)
	}
}

func TestStreamEchoIsHeard(t *testing.T) {
	streaming(t, streamed, echo, func(s *streamStage) {
		time.Sleep(500 * time.Millisecond)
		from := time.Since(s.start)
		s.say(440, 2*time.Second)
		time.Sleep(time.Second)
		if !s.ear.Has(from+100*time.Millisecond, 1900*time.Millisecond, 440) {
			s.t.Errorf("alice hears %s", s.ear.Transcript(from))
		}
		s.dialog.Request(sip.BYE)
		s.alice.Expect("200 BYE", time.Second)
		s.wantSaid("caller")
	})
}

// What an agent is told is Twilio's to the letter: programs read it that were written for that.
func TestStreamSpeaksAsTwilioDoes(t *testing.T) {
	var told []Event
	bot := func(b *Bot) {
		told = nil
		for {
			e, ok := b.Next()
			if !ok {
				return
			}
			told = append(told, e)
		}
	}
	streaming(t, streamed, bot, func(s *streamStage) {
		time.Sleep(time.Second)
		s.digits(s.alice, s.dialog, "7")
		time.Sleep(time.Second)
		s.dialog.Request(sip.BYE)
		s.alice.Expect("200 BYE", time.Second)
		time.Sleep(time.Second)
		s.wantSaid("caller")
		if len(told) < 90 {
			s.t.Fatalf("%d messages", len(told))
		}
		matches(s.t, told[0].Text, `^\{"event":"connected","protocol":"Call","version":"1.0.0"\}$`)
		stream := told[1].Stream
		matches(s.t, told[1].Text, `^\{"event":"start","sequenceNumber":"1","start":\{"accountSid":"AC0{32}","streamSid":"`+stream+`","callSid":"[a-z0-9]+","tracks":\["inbound"\],`+
			`"mediaFormat":\{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1\},"customParameters":\{"id":"7"\}\},"streamSid":"`+stream+`"\}$`)
		matches(s.t, stream, `^MZ[0-9a-f]{32}$`)
		chunk, digits := 0, 0
		for i, e := range told[2:] {
			if e.Sequence != strconv.Itoa(i+2) || e.Stream != stream {
				s.t.Fatalf("message %d is %s", i+2, e.Text)
			}
			switch e.Event {
			case "media": // one each 20 ms, though alice is silent
				chunk++
				matches(s.t, e.Text, `^\{"event":"media","sequenceNumber":"\d+","streamSid":"`+stream+`","media":\{"track":"inbound","chunk":"`+strconv.Itoa(chunk)+`","timestamp":"\d+","payload":"[A-Za-z0-9+/]+=*"\}\}$`)
				first, _ := strconv.Atoi(told[2].Media.Timestamp)
				if at, _ := strconv.Atoi(e.Media.Timestamp); at-first != 20*(chunk-1) || len(e.Media.Payload) != 160 {
					s.t.Fatalf("chunk %d: %d bytes at %d ms, the first at %d", chunk, len(e.Media.Payload), at, first)
				}
			case "dtmf":
				digits++
				matches(s.t, e.Text, `^\{"event":"dtmf","sequenceNumber":"\d+","streamSid":"`+stream+`","dtmf":\{"track":"inbound_track","digit":"7"\}\}$`)
			case "stop":
				if i != len(told)-3 {
					s.t.Errorf("stop is message %d of %d", i+2, len(told))
				}
				matches(s.t, e.Text, `^\{"event":"stop","sequenceNumber":"\d+","streamSid":"`+stream+`","stop":\{"accountSid":"AC0{32}","callSid":"[a-z0-9]+"\}\}$`)
			default:
				s.t.Errorf("message %d is %s", i+2, e.Text)
			}
		}
		if digits != 1 || told[len(told)-1].Event != "stop" {
			s.t.Errorf("%d digits, the last message is %s", digits, told[len(told)-1].Text)
		}
	})
}

func matches(t *testing.T, text, pattern string) {
	t.Helper()
	if !regexp.MustCompile(pattern).MatchString(text) {
		t.Fatalf("%s\ndoes not match %s", text, pattern)
	}
}

// An agent says ten seconds at once, with marks, and takes back what was not heard.
func TestStreamPlaysABurstAndClearsIt(t *testing.T) {
	var marks []string
	var at []time.Duration
	bot := func(b *Bot) {
		marks, at = nil, nil
		if _, ok := b.Until("start"); !ok {
			return
		}
		begun := time.Now()
		b.Say(`{"event":"mark","streamSid":"x","mark":{"name":"empty"}}`)
		b.Sound(mulaw(440, 2*time.Second))
		b.Say(`{"event":"mark","streamSid":"x","mark":{"name":"two \"seconds\""}}`)
		for _, ms := range []int{1, 7, 500, 7491} { // pieces of any length
			b.Sound(mulaw(700, time.Duration(ms)*time.Millisecond))
		}
		b.Say(`{"event":"mark","streamSid":"x","mark":{"name":"ten"}}`)
		b.Say(`{"event":"mark","streamSid":"x","mark":{"name":"end"}}`)
		for len(marks) < 4 {
			e, ok := b.Next()
			switch {
			case !ok:
				return
			case e.Event == "mark":
				marks, at = append(marks, e.Mark.Name), append(at, time.Since(begun))
			case time.Since(begun) > 5*time.Second && len(marks) == 2:
				b.Say(`{"event":"clear","streamSid":"x"}`)
				b.Until("mark")
				marks, at = append(marks, "ten"), append(at, time.Since(begun))
			}
		}
	}
	streaming(t, streamed, bot, func(s *streamStage) {
		time.Sleep(8 * time.Second)
		s.wantSaid("agent")
		want := []string{"empty", `two "seconds"`, "ten", "end"}
		if len(marks) != 4 {
			s.t.Fatalf("marks %q", marks)
		}
		for i, when := range []time.Duration{0, 2 * time.Second, 5 * time.Second, 5 * time.Second} {
			if marks[i] != want[i] || (at[i]-when).Abs() > 100*time.Millisecond {
				s.t.Errorf("mark %q after %v, want %q after %v", marks[i], at[i], want[i], when)
			}
		}
		parts := s.ear.Parts(s.begun)
		var tones []listen.Part
		for _, p := range parts {
			if !p.Silent {
				tones = append(tones, p)
			}
		}
		if len(tones) != 2 || !around(tones[0], 440, 2*time.Second) || !around(tones[1], 700, 3*time.Second) {
			s.t.Errorf("alice hears %s", s.ear.Transcript(s.begun))
		}
	})
}

func around(p listen.Part, hz int, length time.Duration) bool {
	return p.Hz > hz-15 && p.Hz < hz+15 && (p.For-length).Abs() <= 100*time.Millisecond
}

func TestStreamEndsAsItShould(t *testing.T) {
	leaves := func(b *Bot) { b.Until("media") }
	dies := func(b *Bot) {
		b.Until("media")
		b.Die()
	}
	deaf := func(b *Bot) { <-b.gone }
	for _, tt := range []struct {
		name, body string
		bot        func(b *Bot)
		fail       error
		said       string
		attempts   int
	}{
		{"by the agent", streamed, leaves, nil, "agent", 1},
		{"by its word", streamed, func(b *Bot) { b.Say(`{"event":"stop"}`); b.Until("stop") }, nil, "agent", 1},
		{"by its death", streamed, dies, nil, "error lost", 1},
		{"by call:stop", `task.spawn(function() sleep(3) call:stop() end) ` + streamed, echo, nil, "stopped", 1},
		{"by an agent that does not read", streamed, deaf, nil, "error slow", 1},
		{"by one that cannot be reached", streamed, echo, stream.ErrUnreachable, "error unreachable", 1},
		{"by one that is silent", streamed, echo, stream.ErrTimeout, "error timeout", 1},
		{"by one that refuses", streamed, echo, stream.ErrRefused, "error refused", 1},
		{"in a task that is cancelled", `local key = task.any { function() call:stream { url = "ws://agent.example.org" } return true end, timeout = 3 } log.info(tostring(key))`, echo, nil, "nil", 1},
		{"after a second connection", `local r = call:stream { url = "ws://agent.example.org", reconnect = 2 } log.info(r.ended_by)`, func(b *Bot) {
			b.Until("media")
			if b.Attempt == 1 {
				b.Die()
			}
		}, nil, "agent", 2},
		{"after the last connection", `local r = call:stream { url = "ws://agent.example.org", reconnect = 2 } log.info(r.ended_by .. r.cause)`, dies, nil, "errorlost", 3},
		{"without one", `local r = call:stream { url = "ws://agent.example.org", reconnect = 2 } log.info(r.ended_by .. r.cause .. r.duration)`, echo, stream.ErrUnreachable, "errorunreachable0", 3},
		{"wrong messages", `local r = call:stream { url = "ws://agent.example.org" } log.info(r.ended_by .. r.wrong)`, func(b *Bot) {
			for _, m := range []string{"", "x", "[]", "{}", `{"event":"media"}`, `{"event":"media","media":{"payload":"*"}}`, `{"event":"mark"}`, `{"event":"other"}`, `{"event":7}`} {
				b.Say(m)
			}
			b.send(message{true, "samples"})
			b.Until("media")
		}, nil, "agent10", 1},
		{"messages to the script", `local r = call:stream { url = "ws://agent.example.org", on_message = function(m) sleep(0.1) log.info(m.event .. " " .. m.x) end } sleep(1) log.info(r.ended_by)`, func(b *Bot) {
			b.Say(`{"event":"app","x":1}`)
			b.Say(`{"event":"app","x":2}`)
			for range 20 {
				b.Until("media")
			}
		}, nil, "app 1; app 2; agent", 1},
		{"an address of HTTP", `log.info(tostring(select(2, pcall(call.stream, call, { url = "http://x" }))):match("ws:// or wss://"))`, echo, nil, "ws:// or wss://", 0},
		{"a rate of its own", `log.info(tostring(select(2, pcall(call.stream, call, { url = "ws://x", protocol = "l16", rate = 11025 }))):match("8000, 16000 or 24000"))`, echo, nil, "8000, 16000 or 24000", 0},
	} {
		t.Run(strings.ReplaceAll(tt.name, " ", "_"), func(t *testing.T) {
			streaming(t, tt.body, tt.bot, func(s *streamStage) {
				time.Sleep(30 * time.Second)
				s.wantSaid(tt.said)
				if s.agents.attempts != tt.attempts {
					s.t.Errorf("%d connections, want %d", s.agents.attempts, tt.attempts)
				}
			}, tt.fail)
		})
	}
}

// An agent that says more than is to be kept is not read until there is room again.
func TestStreamHoldsBackAnAgentThatSaysTooMuch(t *testing.T) {
	var sent int
	bot := func(b *Bot) {
		sent = 0
		b.Until("start")
		piece := mulaw(440, 10*time.Second)
		full := make(chan struct{})
		go func() {
			defer close(full)
			for range 1100 { // the connection itself holds 1,024
				b.Sound(piece)
				sent++
			}
		}()
		for {
			if _, ok := b.Next(); !ok {
				<-full
				return
			}
		}
	}
	streaming(t, streamed, bot, func(s *streamStage) {
		time.Sleep(3 * time.Second)
		if sent != 1085 {
			s.t.Errorf("%d pieces were taken, want 1085: 60 of 10 s, what the connection holds, and the next as soon as some was heard", sent)
		}
		time.Sleep(20 * time.Second)
		if sent != 1087 {
			s.t.Errorf("%d pieces were taken after two were heard", sent)
		}
		s.dialog.Request(sip.BYE)
		s.alice.Expect("200 BYE", time.Second)
		s.wantSaid("caller")
	})
}

// A prompt is heard instead of the agent, who goes on behind it.
func TestStreamGivesWayToAPrompt(t *testing.T) {
	bot := func(b *Bot) {
		b.Until("start")
		b.Sound(mulaw(440, 4*time.Second))
		b.Until("stop")
	}
	streaming(t, `task.spawn(function() sleep(2) call:play("tone:700/1000;once") end) `+streamed, bot, func(s *streamStage) {
		time.Sleep(7 * time.Second)
		var tones []string
		for _, p := range s.ear.Parts(s.begun) {
			if !p.Silent {
				tones = append(tones, fmt.Sprintf("%d Hz %.1f", p.Hz/10*10, p.For.Seconds()))
			}
		}
		if got := strings.Join(tones, ", "); got != "440 Hz 2.0, 700 Hz 1.0, 440 Hz 2.0" {
			s.t.Errorf("alice hears %s", got)
		}
		s.dialog.Request(sip.BYE)
		s.alice.Expect("200 BYE", time.Second)
	})
}

// Samples as they are, at each rate: alice hears herself.
func TestStreamOfPlainSamples(t *testing.T) {
	for _, rate := range []string{"8000", "16000", "24000"} {
		t.Run(rate, func(t *testing.T) {
			bot := func(b *Bot) {
				if e, ok := b.Next(); !ok || e.Event != "start" || !strings.Contains(e.Text, `"rate":`+rate) || !strings.Contains(e.Text, `"params":{"id":"7"}`) {
					b.t.Errorf("the beginning is %s", e.Text)
				}
				for {
					e, ok := b.Next()
					switch {
					case !ok:
						return
					case e.Event == "":
						b.send(message{true, e.Text})
					case e.Event == "dtmf":
						b.Say(`{"event":"stop"}`)
					}
				}
			}
			body := strings.Replace(streamed, "params", `protocol = "l16", rate = `+rate+`, params`, 1)
			streaming(t, body, bot, func(s *streamStage) {
				time.Sleep(500 * time.Millisecond)
				from := time.Since(s.start)
				s.say(440, 2*time.Second)
				s.digits(s.alice, s.dialog, "1")
				time.Sleep(time.Second)
				if !s.ear.Has(from+100*time.Millisecond, 1900*time.Millisecond, 440) {
					s.t.Errorf("alice hears %s", s.ear.Transcript(from))
				}
				s.wantSaid("agent")
			})
		})
	}
}

// Music is heard again when the agent has gone.
func TestStreamTakesThePlaceOfMusic(t *testing.T) {
	bot := func(b *Bot) {
		b.Until("start")
		b.Sound(mulaw(440, 2*time.Second))
		b.Say(`{"event":"mark","mark":{"name":"end"}}`)
		b.Until("mark")
	}
	streaming(t, `call:music("tone:300") sleep(1) `+streamed+` sleep(2)`, bot, func(s *streamStage) {
		time.Sleep(4500 * time.Millisecond)
		var tones []string
		for _, p := range s.ear.Parts(s.begun) {
			if !p.Silent && p.For > 500*time.Millisecond {
				tones = append(tones, fmt.Sprintf("%d Hz", p.Hz/10*10))
			}
		}
		if got := strings.Join(tones, ", "); got != "300 Hz, 440 Hz, 300 Hz" {
			s.t.Errorf("alice hears %s", s.ear.Transcript(s.begun))
		}
		s.wantSaid("agent")
		time.Sleep(time.Second)
	})
}
