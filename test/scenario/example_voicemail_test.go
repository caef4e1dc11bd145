package scenario

import (
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	sound "github.com/sipscript/sipscript/engine/audio"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
	"github.com/sipscript/sipscript/test/listen"
)

// visitor is another phone that speaks and hears.
func (c *counter) visitor(ua *siptest.UA) *party {
	return &party{UA: ua, t: c.t, opened: time.Now(), Ear: listen.New(c.t, mediaNet{ua.Host()}, netip.AddrPortFrom(ua.Addr().Addr(), 4000))}
}

// lamp fails unless alice's phone is told that so many messages wait.
func (c *counter) lamp(counts string) {
	c.t.Helper()
	m := c.alice.Expect(sip.NOTIFY, 10*time.Second)
	waiting := "yes"
	if counts[0] == '0' {
		waiting = "no"
	}
	if want := "Messages-Waiting: " + waiting + "\r\nMessage-Account: sip:alice@192.0.2.1\r\nVoice-Message: " + counts + "\r\n"; string(m.Body()) != want {
		c.t.Errorf("alice's phone was told\n%s\nwant\n%s", m.Body(), want)
	}
	c.alice.Reply(m, 200)
}

// speaks says a tone.
func (p *party) speaks(tone string, d time.Duration) {
	p.t.Helper()
	parsed, err := sound.ParseTone(tone)
	if err != nil {
		p.t.Fatal(err)
	}
	p.Say(p.to, "PCMU", parsed.Source(), d)
}

// files are the recordings there are.
func (c *counter) files() []string {
	c.t.Helper()
	names, err := fs.Glob(os.DirFS(c.records), "*/*")
	if err != nil {
		c.t.Fatal(err)
	}
	return names
}

func voicemailPrompts(t testing.TB) fs.FS {
	return sines(t, map[string]float64{
		"prompts/en/leave-message.wav": 500, "prompts/en/message-saved.wav": 600, "prompts/en/enter-pin.wav": 700, "prompts/en/no-messages.wav": 800,
		"prompts/en/you-have.wav": 900, "prompts/en/messages.wav": 1100, "prompts/en/next-or-delete.wav": 1200, "prompts/en/deleted.wav": 1300,
		"prompts/en/goodbye.wav": 1400, "prompts/en/wrong.wav": 1500, "prompts/en/1.wav": 1600, "prompts/en/2.wav": 1700,
	})
}

func TestVoicemailTakesAMessageAndTellsTheNumber(t *testing.T) {
	open(t, "voicemail.lua", voicemailPrompts(t), nil, func(c *counter) {
		c.alice.AutoReply(486)
		bob := c.visitor(c.bob)
		bob.call("alice")
		c.alice.Handle(nil)
		time.Sleep(1500 * time.Millisecond) // the greeting and the beep
		bob.speaks("450/1000", 3*time.Second)
		bob.d.BYE() // a hang-up finishes the message
		bob.Expect("200 BYE", time.Second)
		c.lamp("1/0")

		c.bob.Request(sip.INVITE, "sip:alice@192.0.2.1", bob.described())
		c.alice.Reply(c.alice.Expect(sip.INVITE, time.Second), 480)
		c.alice.Expect(sip.ACK, time.Second)
		bob.comes()
		time.Sleep(1500 * time.Millisecond)
		bob.speaks("350/1000", 2*time.Second)
		bob.Press(bob.to, "#", 100*time.Millisecond, 100*time.Millisecond)
		c.lamp("2/0")
		c.bob.Reply(c.bob.Expect(sip.BYE, time.Minute), 200)
		if names := c.files(); len(names) != 2 || filepath.Dir(names[0]) != "alice" {
			c.t.Errorf("the recordings are %q", names)
		}

		c.dial("sip:*97@192.0.2.1")
		time.Sleep(time.Second)
		c.heard("700 Hz for 0.5 s")
		c.press("1234#")
		c.lamp("1/1")
		time.Sleep(800 * time.Millisecond)
		c.heard("900 Hz for 0.5 s, 1700 Hz for 0.5 s, 1100 Hz for 0.5 s, 450 Hz for 3.0 s, 1200 Hz for 0.5 s")
		c.press("1")
		c.lamp("0/2")
		time.Sleep(800 * time.Millisecond)
		c.heard("350 Hz for 2.0 s, 1200 Hz for 0.5 s")
		c.press("2")
		c.lamp("0/1")
		c.alice.Reply(c.alice.Expect(sip.BYE, time.Minute), 200)
		c.heard("1300 Hz for 0.5 s, 1400 Hz for 0.5 s")
	})
}

func TestVoicemailAsksForThePIN(t *testing.T) {
	open(t, "voicemail.lua", voicemailPrompts(t), nil, func(c *counter) {
		c.dial("sip:*97@192.0.2.1")
		for _, pin := range []string{"1111#", "2222#", "3333#"} {
			time.Sleep(1500 * time.Millisecond)
			c.press(pin)
		}
		c.alice.Reply(c.alice.Expect(sip.BYE, time.Minute), 200)
		c.heard("700 Hz for 0.5 s, 1500 Hz for 0.5 s, 700 Hz for 0.5 s, 1500 Hz for 0.5 s, 700 Hz for 0.5 s, 1500 Hz for 0.5 s, 1400 Hz for 0.5 s")
		c.dial("sip:*97@192.0.2.1")
		time.Sleep(time.Second)
		c.press("1234#")
		c.alice.Reply(c.alice.Expect(sip.BYE, time.Minute), 200)
		c.heard("700 Hz for 0.5 s, 800 Hz for 0.5 s")
	})
}

func TestVoicemailKeepsNothingOfWhoSaysNothing(t *testing.T) {
	open(t, "voicemail.lua", voicemailPrompts(t), nil, func(c *counter) {
		c.alice.AutoReply(486)
		bob := c.visitor(c.bob)
		for _, heard := range []time.Duration{300 * time.Millisecond, 1200 * time.Millisecond} { // the greeting, the message
			bob.call("alice")
			time.Sleep(heard)
			bob.d.BYE()
			bob.Expect("200 BYE", time.Second)
		}
		bob.call("alice") // and says nothing
		bob.Reply(bob.Expect(sip.BYE, time.Minute), 200)
		c.alice.Handle(nil)
		c.alice.ExpectNone(time.Minute)
	})
}
