package scenario

import (
	"bytes"
	"io/fs"
	"math"
	"net/netip"
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	sound "github.com/sipscript/sipscript/engine/audio"
	"github.com/sipscript/sipscript/engine/ivr"
	"github.com/sipscript/sipscript/engine/media"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
	"github.com/sipscript/sipscript/test/listen"
)

// counter plays an example that talks. Its prompts are sines, so that what a caller hears can be read as in "500 Hz for 1.0 s".
type counter struct {
	*stage
	ear     *listen.Ear // alice's
	records string      // the folder of recordings
	from    time.Duration
	opened  time.Time      // the ear
	at      netip.AddrPort // where alice's voice is heard
}

// pure is a WAV of one sine for half a second.
func pure(t testing.TB, hz float64) []byte {
	t.Helper()
	clip := make([]int16, 4000)
	for i := range clip {
		clip[i] = int16(8000 * math.Sin(2*math.Pi*hz*float64(i)/8000))
	}
	var b seekable
	w, err := sound.NewWAVWriter(&b, sound.WAVFormat{Rate: 8000})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Append(clip); err != nil {
		t.Fatal(err)
	}
	if err := w.Finish(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// seekable is a file in memory.
type seekable struct {
	bytes.Buffer
	at int
}

func (s *seekable) Write(p []byte) (int, error) {
	n := copy(s.Bytes()[s.at:], p)
	s.at += len(p)
	_, err := s.Buffer.Write(p[n:])
	return len(p), err
}

func (s *seekable) Seek(offset int64, _ int) (int64, error) {
	s.at = int(offset)
	return offset, nil
}

// sines are files by their names, each a sine of this frequency.
func sines(t testing.TB, hz map[string]float64) fs.FS {
	t.Helper()
	files := fstest.MapFS{}
	for name, f := range hz {
		files[name] = &fstest.MapFile{Data: pure(t, f)}
	}
	return files
}

func open(t *testing.T, script string, prompts fs.FS, config map[string]any, f func(c *counter)) {
	t.Helper()
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		dir := t.TempDir()
		srv := Start(t, s, Example(t, script), Options{
			Engine: oneShard(), Prompts: prompts, Records: ivr.NewFolder(dir), Config: config,
			Relay: &media.Config{Ports: media.Ports{First: 20000, Last: 20999}},
		})
		c := &counter{stage: &stage{Scene: s, Server: srv, t: t}, records: dir}
		t.Cleanup(func() {
			if t.Failed() {
				t.Logf("%s\n%s", s.Ladder(), c.Log)
			}
		})
		c.alice = officeUA(s, "alice", "192.0.2.10:5060", "wonderland")
		c.bob = officeUA(s, "bob", "192.0.2.20:5060", "builder")
		for _, u := range []*siptest.UA{c.alice, c.bob} {
			if got := u.Register("", ""); got.Status() != 200 {
				t.Fatalf("registering %s: %d", u.Name(), got.Status())
			}
		}
		c.opened = time.Now()
		c.ear = listen.New(t, mediaNet{c.alice.Host()}, netip.AddrPortFrom(c.alice.Addr().Addr(), 4000))
		c.from = 0
		f(c)
		c.clean()
	})
}

// dial calls the server from alice, who hears and presses keys.
func (c *counter) dial(uri string) *siptest.Dialog {
	c.t.Helper()
	c.alice.Request(sip.INVITE, uri, siptest.Body("application/sdp", string(c.ear.Describe(listen.Formats))))
	ok := c.alice.Expect("200 INVITE", time.Minute)
	c.at = mediaOf(c.t, ok)
	d := c.alice.Dialog(ok)
	d.ACK()
	return d
}

func (c *counter) press(digits string) {
	c.ear.Press(c.at, digits, 100*time.Millisecond, 100*time.Millisecond)
}

// heard fails unless what was heard since it was last asked is this.
func (c *counter) heard(want string) {
	c.t.Helper()
	synctest.Wait()
	var got []string
	for _, p := range c.ear.Parts(c.from) {
		if !p.Silent && p.For >= 50*time.Millisecond { // less is where one sound passes into the next
			p.Hz = (p.Hz + 25) / 50 * 50 // where it begins and ends a sine is not pure
			got = append(got, p.String())
		}
	}
	c.from = time.Duration(len(c.ear.Samples())) * time.Second / listen.Rate
	if text := strings.Join(got, ", "); text != want {
		c.t.Errorf("heard %q\nwant  %q", text, want)
	}
}

func menuPrompts(t testing.TB) fs.FS {
	return sines(t, map[string]float64{
		"prompts/en/welcome.wav": 500, "prompts/en/menu.wav": 600, "prompts/en/wrong.wav": 700, "prompts/en/enter-pin.wav": 800, "prompts/en/you-entered.wav": 900,
		"prompts/en/goodbye.wav": 1000, "prompts/en/please-hold.wav": 1100, "prompts/en/unavailable.wav": 1200,
		"prompts/en/1.wav": 1300, "prompts/en/4.wav": 1400, "prompts/en/7.wav": 1500,
	})
}

func TestMenuAsksChecksAndReadsBack(t *testing.T) {
	open(t, "ivr.lua", menuPrompts(t), nil, func(c *counter) {
		d := c.dial("sip:ivr@192.0.2.1")
		time.Sleep(1500 * time.Millisecond)
		c.heard("500 Hz for 0.5 s, 600 Hz for 0.5 s")
		c.press("9")
		time.Sleep(2 * time.Second)
		c.heard("700 Hz for 0.5 s, 600 Hz for 0.5 s")
		c.press("2")
		time.Sleep(time.Second)
		c.heard("800 Hz for 0.5 s")
		c.press("1111#")
		time.Sleep(1500 * time.Millisecond)
		c.heard("700 Hz for 0.5 s, 800 Hz for 0.5 s")
		c.press("4711#")
		time.Sleep(1100 * time.Millisecond)
		invite := c.bob.Expect(sip.INVITE, 10*time.Second)
		c.heard("900 Hz for 0.5 s, 1400 Hz for 0.5 s, 1500 Hz for 0.5 s, 1300 Hz for 1.0 s, 1100 Hz for 0.5 s")
		c.bob.Reply(invite, 486)
		c.bob.Expect(sip.ACK, time.Second)
		time.Sleep(1500 * time.Millisecond)
		c.heard("1200 Hz for 0.5 s, 600 Hz for 0.5 s")
		d.Request(sip.BYE)
		c.alice.Expect("200 BYE", time.Second)
	})
}

func TestMenuEndsWhenNothingIsPressed(t *testing.T) {
	open(t, "ivr.lua", menuPrompts(t), nil, func(c *counter) {
		c.dial("sip:ivr@192.0.2.1")
		c.alice.Reply(c.alice.Expect(sip.BYE, time.Minute), 200)
		c.heard("500 Hz for 0.5 s, 600 Hz for 0.5 s, 600 Hz for 0.5 s, 600 Hz for 0.5 s, 1000 Hz for 0.5 s")
	})
}

func TestMenuWithoutItsPromptsPlaysTonesAndSaysSo(t *testing.T) {
	open(t, "ivr.lua", fstest.MapFS{}, nil, func(c *counter) {
		d := c.dial("sip:ivr@192.0.2.1")
		time.Sleep(2 * time.Second)
		c.heard("1000 Hz for 0.3 s, 1000 Hz for 0.3 s")
		if !strings.Contains(c.Log.String(), "make prompts") {
			c.t.Error("the log does not say what is missing")
		}
		d.Request(sip.BYE)
		c.alice.Expect("200 BYE", time.Second)
	})
}
