package scenario

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/sipscript/sipscript/engine"
	sound "github.com/sipscript/sipscript/engine/audio"
	"github.com/sipscript/sipscript/engine/ivr"
	"github.com/sipscript/sipscript/engine/media"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

// ivrStage is a stage whose server speaks: it has a relay, a folder of prompts and one for recordings.
type ivrStage struct {
	*stage
	mouth   *Voice // alice's
	records string // the folder
}

// speak is a speech service that needs a second for a text, never ends for "slow", fails for "broken", and knows each text only once.
func speak(t testing.TB) ivr.Synthesize {
	sound, err := fs.ReadFile(prompts(t), "prompts/hello.wav")
	if err != nil {
		t.Fatal(err)
	}
	var known sync.Map
	return func(ctx context.Context, w ivr.Words) ([]byte, error) {
		wait := time.Second
		switch _, again := known.LoadOrStore(w, true); {
		case again:
			return nil, errors.New("it was asked twice")
		case w.Text == "broken":
			return nil, errors.New("no voice")
		case w.Text == "slow":
			wait = time.Hour
		}
		select {
		case <-time.After(wait):
			return sound, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// prompts are the files that scripts can name: hello.wav is two seconds of 500 Hz.
func prompts(t testing.TB) fs.FS {
	t.Helper()
	clip := make([]int16, 16000)
	for i := range clip {
		clip[i] = int16(8000 - 16000*(i/8%2)) // a square wave
	}
	f, err := os.CreateTemp(t.TempDir(), "*.wav")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w, err := sound.NewWAVWriter(f, sound.WAVFormat{Rate: 8000})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Append(clip); err != nil {
		t.Fatal(err)
	}
	if err := w.Finish(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	return fstest.MapFS{"prompts/hello.wav": {Data: b}, "prompts/broken.wav": {Data: b[:30]}}
}

// listening is perform for scripts that speak to alice, whose offer names media that is there.
func listening(t *testing.T, script string, f func(s *ivrStage)) {
	t.Helper()
	t.Parallel()
	for _, setting := range []struct {
		name   string
		config engine.Config
	}{{"one shard", engine.Config{Shards: 1}}, {"four", engine.Config{Shards: 4, Apart: true}}} {
		t.Run(setting.name, func(t *testing.T) {
			t.Parallel()
			siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
				dir := t.TempDir()
				srv := Start(t, s, script, Options{Engine: setting.config, Prompts: prompts(t), Records: ivr.NewFolder(dir), Speak: speak(t), Spoken: ivr.NewFolder(t.TempDir()), Relay: &media.Config{Ports: media.Ports{First: 20000, Last: 20099}}})
				st := &ivrStage{stage: &stage{Scene: s, Server: srv, t: t}, records: dir}
				t.Cleanup(func() {
					if t.Failed() {
						t.Logf("%s\n%s", s.Ladder(), st.Log)
					}
				})
				st.alice = s.UA("alice", "192.0.2.10:5060", sip.UDP).Reliable()
				st.bob = s.UA("bob", "192.0.2.20:5060", sip.UDP).Reliable()
				st.mouth = NewVoice(t, st.alice, 4000)
				f(st)
				st.clean()
			})
		})
	}
}

// call is alice's INVITE, answered.
func (s *ivrStage) call() *siptest.Dialog {
	s.t.Helper()
	s.alice.Request(sip.INVITE, "sip:ivr@192.0.2.1", audio(s.mouth.addr))
	return s.answered()
}

func TestPromptsAndDigits(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, body, said string
		act              func(s *ivrStage, d *siptest.Dialog)
	}{
		{"a tone", `local p = call:play("tone:440/1000;once") log.info(p.stopped_by .. " " .. p.played)`, "end 1", nil},
		{"a file", `local p = call:play("prompts/hello.wav") log.info(p.stopped_by .. " " .. p.played)`, "end 2", nil},
		{"a file twice", `local p = call:play("prompts/hello.wav", { loop = 2 }) log.info(p.stopped_by .. " " .. p.played)`, "end 4", nil},
		{"a list", `local p = call:play { "prompts/hello.wav", "silence:0.5", "tone:440/500;once" } log.info(p.played)`, "3", nil},
		{"no such file", `local p, err = call:play("prompts/nothing.wav") log.info(err.cause)`, "not_found", nil},
		{"no sound", `local p, err = call:play("prompts/broken.wav") log.info(err.cause)`, "unreadable", nil},
		{"outside", `log.info(tostring(select(2, pcall(call.play, call, "../secret.wav"))):match("outside of its folder"))`, "outside of its folder", nil},
		{"stopped by a digit", `local p = call:play("prompts/hello.wav", { loop = true, stop_on = "1" }) log.info(p.stopped_by .. p.digit)`, "digit1",
			func(s *ivrStage, d *siptest.Dialog) { s.digits(s.alice, d, "1") }},
		{"stopped by call:stop", `task.spawn(function() sleep(3) call:stop() end) local p = call:play("prompts/hello.wav", { loop = true }) log.info(p.stopped_by)`, "stopped", nil},
		{"replaced", `task.spawn(function() sleep(1) call:play("tone:440/500;once") log.info("second") end) local p = call:play("prompts/hello.wav") log.info(p.stopped_by) sleep(2)`, "replaced; second", nil},
		{"digits", `log.info(call:gather { prompt = "prompts/hello.wav", max = 3 })`, "123", func(s *ivrStage, d *siptest.Dialog) { s.digits(s.alice, d, "123") }},
		{"typed ahead", `sleep(2) log.info(call:gather { prompt = "prompts/hello.wav", max = 3 })`, "123", func(s *ivrStage, d *siptest.Dialog) { s.digits(s.alice, d, "123") }},
		{"typed ahead for two", `sleep(2) log.info(call:gather { max = 2 } .. " " .. call:gather { max = 1 })`, "12 3", func(s *ivrStage, d *siptest.Dialog) { s.digits(s.alice, d, "123") }},
		{"terminator", `log.info(call:gather {} .. call.last_terminator)`, "12#", func(s *ivrStage, d *siptest.Dialog) { s.digits(s.alice, d, "12#") }},
		{"nothing", `local d, err = call:gather { prompt = "prompts/hello.wav", timeout = 2 } log.info(err.cause .. err.digits)`, "timeout", nil},
		{"wrong", `local d, err = call:gather { max = 2, pattern = "[12]*" } log.info(err.cause .. err.digits)`, "invalid13", func(s *ivrStage, d *siptest.Dialog) { s.digits(s.alice, d, "13") }},
		{"menu", `log.info(call:menu { prompt = "prompts/hello.wav", choices = { ["1"] = function(d) return "one" .. d end, ["2"] = function() return "two" end } })`, "one1",
			func(s *ivrStage, d *siptest.Dialog) { s.digits(s.alice, d, "1") }},
		{"a message, ended by silence", `local r = call:record("a/b.wav", { beep = false, silence = 2 }) log.info(r.stopped_by .. " " .. r.path .. " " .. r.duration)`, "silence a/b.wav 2", nil},
		{"a message, ended by a digit", `local r = call:record("m.wav", { silence = 0 }) log.info(r.stopped_by .. r.digit)`, "digit#", func(s *ivrStage, d *siptest.Dialog) {
			time.Sleep(2 * time.Second)
			s.digits(s.alice, d, "#")
		}},
		{"a message, and it is played", `local r = call:record("m.wav", { silence = 0, max_time = 3 }) local p = call:play(r.path) log.info(r.stopped_by .. p.played)`, "limit3", nil},
		{"speech", `local began = time.now() local p = call:say("hello world") log.info(p.stopped_by .. p.played .. " " .. math.floor(time.now() - began + 0.5))`, "end2 3", nil},
		{"speech again", `call:say("hello") local began = time.now() local p = call:say(" hello ") log.info(p.played .. " " .. math.floor(time.now() - began + 0.5))`, "2 2", nil},
		{"speech fails", `local p, err = call:say("broken") log.info(err.cause .. " " .. err.message)`, "failed speech has failed: no voice", nil},
		{"speech is slow", `local began = time.now() local p, err = call:say("slow") log.info(err.cause .. " " .. math.floor(time.now() - began + 0.5))`, "failed 10", nil},
		{"speech, with an option for the program", `log.info(tostring(select(2, pcall(call.say, call, "x", { voice = "-x" }))):match("it begins with a letter"))`, "it begins with a letter", nil},
		{"numbers without their files", `local p, err = call:play("say:12") log.info(err.message)`, "no such file: prompts/en/12.wav", nil},
		{"music between prompts", `log.info(tostring(call:music("prompts/hello.wav"))) sleep(3) call:play("tone:440/500;once") call:music() log.info("off")`, "true; off", nil},
	} {
		t.Run(strings.ReplaceAll(tt.name, " ", "_"), func(t *testing.T) {
			listening(t, inCall(tt.body), func(s *ivrStage) {
				obliging(s.alice)
				d := s.call()
				time.Sleep(500 * time.Millisecond)
				if tt.act != nil {
					tt.act(s, d)
				}
				time.Sleep(20 * time.Second)
				s.wantSaid(tt.said)
			})
		})
	}
}

// A caller who hangs up to finish a message is heard out: the line behind record runs, and the file is there.
func TestHangUpFinishesTheMessage(t *testing.T) {
	listening(t, inCall(`local r = call:record("m/" .. call.to.user .. ".wav", { silence = 0 })
	log.info(r.stopped_by .. " " .. math.floor(r.duration))
	log.info(select(2, pcall(call.play, call, "tone:440/1000;once")).cause)`), func(s *ivrStage) {
		d := s.call()
		time.Sleep(3500 * time.Millisecond)
		if names := files(s.t, s.records); slices.Contains(names, "m/ivr.wav") {
			s.t.Errorf("files while it is recorded: %v", names)
		}
		d.Request(sip.BYE)
		s.alice.Expect("200 BYE", time.Second)
		synctest.Wait()
		s.wantSaid("caller 3; hangup")
		if names := files(s.t, s.records); !slices.Equal(names, []string{"m/ivr.wav"}) {
			s.t.Errorf("files afterwards: %v", names)
		}
	})
}

// files are those below a folder.
func files(t *testing.T, dir string) (names []string) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}
