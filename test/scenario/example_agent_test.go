package scenario

import (
	"net/netip"
	"testing"
	"time"

	"github.com/sipscript/sipscript/engine"
	"github.com/sipscript/sipscript/engine/ivr/stream"
	"github.com/sipscript/sipscript/engine/media"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
	"github.com/sipscript/sipscript/test/listen"
)

// agency plays the example of a voice agent; bob is the human who is asked.
func agency(t *testing.T, bot func(b *Bot), fail error, f func(s *streamStage)) {
	t.Helper()
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		agents := NewAgents(t, bot)
		if fail != nil {
			agents.fail = func(int) error { return fail }
		}
		srv := Start(t, s, Example(t, "voice-agent.lua"), Options{
			Engine: engine.Config{Shards: 2, Apart: true}, Agents: agents, Relay: &media.Config{Ports: media.Ports{First: 20000, Last: 20099}},
			Config: map[string]any{"agent": "wss://agent.example.org/media", "human": "sip:bob@192.0.2.20", "token": "secret"},
		})
		st := &streamStage{stage: &stage{Scene: s, Server: srv, t: t}, agents: agents}
		t.Cleanup(func() {
			if t.Failed() {
				t.Logf("%s\n%s", s.Ladder(), st.Log)
			}
		})
		st.alice = s.UA("alice", "192.0.2.10:5060", sip.UDP).Reliable()
		st.bob = s.UA("bob", "192.0.2.20:5060", sip.UDP).Reliable()
		st.ear = listen.New(t, mediaNet{st.alice.Host()}, netip.MustParseAddrPort("192.0.2.10:4000"))
		st.start = time.Now()
		obliging(st.alice)
		st.alice.Request(sip.INVITE, "sip:help@192.0.2.1", siptest.Body("application/sdp", string(st.ear.Describe(listen.Formats))))
		answer := st.alice.Expect("200 INVITE", time.Minute)
		st.dialog = st.alice.Dialog(answer)
		st.dialog.ACK()
		st.server = audioOf(t, answer.Body())
		st.begun = time.Since(st.start)
		f(st)
		st.clean()
	})
}

func TestVoiceAgentTalks(t *testing.T) {
	bot := func(b *Bot) {
		for range 200 {
			if e, ok := b.Until("media"); ok {
				b.Sound(e.Media.Payload)
			}
		}
	}
	agency(t, bot, nil, func(s *streamStage) {
		time.Sleep(500 * time.Millisecond)
		from := time.Since(s.start)
		s.say(440, 2*time.Second)
		time.Sleep(5 * time.Second)
		if !s.ear.Has(from+100*time.Millisecond, 1900*time.Millisecond, 440) {
			s.t.Errorf("alice hears %s", s.ear.Transcript(from))
		}
		s.wantSaid("the voice agent is done")
		if got := s.agents.headers[0].Get("Authorization"); got != "Bearer secret" {
			s.t.Errorf("the agent is asked with %q", got)
		}
	})
}

// Whoever asks, and where there is no agent, a human rings.
func TestVoiceAgentHandsOver(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		bot  func(b *Bot)
		fail error
		act  func(s *streamStage)
	}{
		{"it asks", func(b *Bot) {
			b.Until("media")
			b.Say(`{"event":"handover","reason":"angry"}`)
			b.Until("stop")
		}, nil, func(*streamStage) {}},
		{"the caller asks", echo, nil, func(s *streamStage) { s.digits(s.alice, s.dialog, "10") }},
		{"there is none", echo, stream.ErrUnreachable, func(*streamStage) {}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			agency(t, tt.bot, tt.fail, func(s *streamStage) {
				time.Sleep(500 * time.Millisecond)
				tt.act(s)
				invite := s.bob.Expect("INVITE", 5*time.Second)
				s.bob.Reply(invite, 486)
				s.bob.Expect("ACK", time.Second)
				time.Sleep(5 * time.Second)
			})
		})
	}
}
