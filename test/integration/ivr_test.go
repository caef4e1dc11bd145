//go:build integration && linux

package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// promptLength is how long each prompt of these tests is: a tone, which tells it from the others.
const promptLength = 600 * time.Millisecond

// menuTones are the prompts of ivr.lua by their tones. All have whole periods in a window of what listens.
var menuTones = map[string]int{
	"welcome": 500, "menu": 600, "wrong": 700, "enter-pin": 800, "you-entered": 900, "4": 1100, "7": 1200, "1": 1300, "please-hold": 1400, "unavailable": 1500, "goodbye": 1600,
}

// counter is a server that talks with callers.
type counter struct {
	*house
	recordings string
}

// openCounter starts a server with a script and prompts that are tones.
func openCounter(t *testing.T, script string) *counter {
	t.Helper()
	c := &counter{house: &house{ports: pickMediaPorts()}, recordings: filepath.Join(t.TempDir(), "recordings")}
	c.server = start(t, setting{script: script + countsCalls, config: fmt.Sprintf(
		"domains: [example.org]\nmedia: {interfaces: [{address: 127.0.0.1}], ports: %d-%d}\nrecordings: %q\n", c.ports.first, c.ports.last, c.recordings)})
	folder := filepath.Join(c.dir, "prompts", "en")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, hz := range menuTones {
		writeToneFile(t, filepath.Join(folder, name+".wav"), hz, promptLength)
	}
	return c
}

// recorded is a file that the server has recorded, and the only one; one that is still written appears in a moment.
func (c *counter) recorded(t *testing.T, name string) *recording {
	t.Helper()
	path := filepath.Join(c.recordings, name)
	if !eventually(t.Context(), 5*time.Second, func() bool { _, err := os.Stat(path); return err == nil }) {
		t.Fatalf("there is no recording %s", name)
	}
	files, err := os.ReadDir(c.recordings)
	if err != nil || len(files) != 1 {
		t.Errorf("recordings %v, %v, want %s alone", files, err, name)
	}
	return readRecording(t, path)
}

// channel is one side of a recording of two.
func (r *recording) channel(i int) *recording {
	one := &recording{rate: r.rate, channels: 1}
	for at := i; at < len(r.samples); at += r.channels {
		one.samples = append(one.samples, r.samples[at])
	}
	return one
}

// menuScript is the example with a line that records each call.
func menuScript(t *testing.T) string {
	t.Helper()
	const answers = "  local call = req:answer()\n"
	example := readFile(t, "../../scripts/examples/ivr.lua")
	if !strings.Contains(example, answers) {
		t.Fatalf("the example has no line %q to record behind", answers)
	}
	return strings.Replace(example, answers, answers+"  call:start_recording(\"talk.wav\", { stereo = true })\n", 1)
}

// throughMenu presses what chooses the PIN, and the PIN, and waits until all that answers it was played. Each prompt but the last is heard to its end.
func throughMenu(press func(digits string)) {
	time.Sleep(2*promptLength + 500*time.Millisecond)
	press("2")
	time.Sleep(promptLength + 500*time.Millisecond)
	press("4711#")
	time.Sleep(9*promptLength + time.Second) // five to read it back, two for the call to nobody, the menu
}

// answeredByMenu fails the test unless a phone that went through the menu was told so, and what it said and heard was recorded.
func (c *counter) answeredByMenu(t *testing.T, tone int, heard func(hz int) time.Duration) {
	t.Helper()
	file := c.recorded(t, "talk.wav")
	if file.channels != 2 || file.duration() < 12*promptLength {
		t.Fatalf("recording of %d channels and %s", file.channels, file.duration())
	}
	said, told := file.channel(0), file.channel(1)
	for _, name := range []string{"welcome", "menu", "enter-pin", "you-entered", "4", "7", "1", "please-hold", "unavailable"} {
		hz, least := menuTones[name], promptLength-150*time.Millisecond
		if got := heard(hz); got < least {
			t.Errorf("%s: the phone heard %d Hz for %s, want %s", name, hz, got, least)
		}
		if got := told.hearing(hz); got < least {
			t.Errorf("%s: the right side of the recording has %d Hz for %s, want %s", name, hz, got, least)
		}
		if got := said.hearing(hz); got > 0 {
			t.Errorf("%s: the left side of the recording has %d Hz for %s", name, hz, got)
		}
	}
	for _, hz := range []int{menuTones["wrong"], menuTones["goodbye"]} {
		if got := heard(hz); got > 0 {
			t.Errorf("the phone heard %d Hz for %s", hz, got)
		}
	}
	if got, least := said.hearing(tone), file.duration()*6/10; got < least { // keys interrupt it
		t.Errorf("the left side of the recording has the phone's tone for %s of %s, want %s", got, file.duration(), least)
	}
	c.quiet(t)
}

func TestBaresipGoesThroughTheMenu(t *testing.T) {
	c := openCounter(t, menuScript(t))
	p := newBaresip(t, &c.site, "udp", "alice", 440)
	p.command("dial", "sip:ivr@"+c.domain)
	p.await("CALL_ESTABLISHED")
	throughMenu(func(digits string) {
		for _, d := range digits {
			p.command("sndcode", string(d))
			time.Sleep(300 * time.Millisecond)
		}
	})
	p.command("hangup", "")
	p.await("CALL_CLOSED")
	c.answeredByMenu(t, p.tone, p.heard)
}

func TestLinphoneGoesThroughTheMenu(t *testing.T) {
	c := openCounter(t, menuScript(t))
	p := newLinphone(t, &c.site, "udp", "alice", 440)
	p.say("call sip:ivr@" + c.domain)
	p.await("said", `[Cc]onnected|answered|Media streams established`)
	throughMenu(func(digits string) {
		for _, d := range digits {
			p.say(string(d))
			time.Sleep(500 * time.Millisecond)
		}
	})
	p.say("terminate")
	p.await("said", `Call .* ended`)
	p.stop()
	heard := readRecording(t, filepath.Join(p.dir, "heard.wav"))
	c.answeredByMenu(t, p.tone, heard.hearing)
}

// A message of a phone has the length and the tone of what was said behind the beep.
func TestBaresipLeavesAMessage(t *testing.T) {
	c := openCounter(t, `
sip.on("REGISTER", function(req) registrar.save(req) end)
sip.on("INVITE", function(req)
  local r = req:answer():record("box/message.wav", { max_time = 3 })
  log.info("recorded " .. r.duration .. " " .. r.stopped_by)
end)`)
	p := newBaresip(t, &c.site, "udp", "alice", 440)
	p.command("dial", "sip:box@"+c.domain)
	p.await("CALL_ESTABLISHED")
	p.await("CALL_CLOSED")
	c.log.await(t, time.Second, "the end of the message", func(l line) bool { return l.message() == "recorded 3 limit" })
	r := readRecording(t, filepath.Join(c.recordings, "box", "message.wav"))
	if r.duration() != 3*time.Second || r.hearing(p.tone) < 2800*time.Millisecond {
		t.Errorf("message of %s with the tone for %s", r.duration(), r.hearing(p.tone))
	}
	if heard := p.heard(1000); heard < 150*time.Millisecond || heard > 500*time.Millisecond {
		t.Errorf("the phone heard the beep for %s", heard)
	}
	c.quiet(t)
}

// Another maker's telephone-events, whose end comes three times in one millisecond.
func TestKeysFromACaptureAreGathered(t *testing.T) {
	needs(t, "sipp", "sip-tester")
	if os.Geteuid() != 0 {
		loudSkip(t, "SIPp plays captures through a raw socket: run as root")
	}
	c := openCounter(t, `
sip.on("INVITE", function(req)
  local call = req:answer()
  local digits = call:gather { prompt = "prompts/en/enter-pin.wav" }
  log.info("gathered " .. digits .. call.last_terminator)
end)`)
	r := &running{sippLoad: sippLoad{scenario: "keys"}, t: t, dir: t.TempDir()}
	r.caller = r.sipp("keys", freePort(t), "-m", "1", "-timeout", "30", "-mi", "127.0.0.1", "-mp", strconv.Itoa(freePort(t)&^1), "-key", "domain", c.domain, c.udp)
	r.caller.Stdout, r.caller.Stderr = &r.said, &r.said
	r.launch(r.caller)
	if got := r.end(); got.succeeded != 1 || got.failed != 0 {
		t.Errorf("%+v", got)
	}
	c.log.await(t, time.Second, "the digits", func(l line) bool { return l.message() == "gathered 157#" })
	c.quiet(t)
}
