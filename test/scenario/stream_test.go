package scenario

import (
	"net/netip"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/sipscript/sipscript/engine"
	sound "github.com/sipscript/sipscript/engine/audio"
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
func streaming(t *testing.T, body string, bot func(b *Bot), f func(s *streamStage)) {
	t.Helper()
	t.Parallel()
	for _, setting := range []struct {
		name   string
		config engine.Config
	}{{"one shard", engine.Config{Shards: 1}}, {"four", engine.Config{Shards: 4, Apart: true}}} {
		t.Run(setting.name, func(t *testing.T) {
			t.Parallel()
			siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
				agents := NewAgents(t, bot)
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
		if !s.ear.Has(from, 1900*time.Millisecond, 440) {
			s.t.Errorf("alice hears %s", s.ear.Transcript(from))
		}
		s.dialog.Request(sip.BYE)
		s.alice.Expect("200 BYE", time.Second)
		s.wantSaid("caller")
	})
}
