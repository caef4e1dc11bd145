package scenario

import (
	"testing"
	"time"

	"github.com/sipscript/sipscript/sip"
)

func TestConferenceExampleWaitsForItsModerator(t *testing.T) {
	prompts := sines(t, map[string]float64{
		"prompts/en/enter-pin.wav": 500, "prompts/en/wrong.wav": 600, "prompts/en/alone.wav": 900, "prompts/en/goodbye.wav": 1200, "prompts/en/2.wav": 1300,
	})
	open(t, "conference.lua", prompts, map[string]any{
		"rooms": map[string]any{"801": map[string]any{"pin": "1111", "moderator": "9999"}}, "music": "tone:1500/4000",
	}, func(c *counter) {
		c.dial("sip:801@192.0.2.1")
		time.Sleep(700 * time.Millisecond)
		c.press("1111#")
		time.Sleep(2 * time.Second)
		c.heard("500 Hz for 0.5 s, 900 Hz for 0.5 s, 1500 Hz for 1.7 s")
		bob := c.visitor(c.bob)
		bob.call("801")
		time.Sleep(700 * time.Millisecond)
		bob.Press(bob.to, "9999#", 100*time.Millisecond, 100*time.Millisecond)
		time.Sleep(2 * time.Second)
		bob.hums("300/1000", time.Minute)
		time.Sleep(2 * time.Second)
		hears := func(what string, hz ...float64) {
			t.Helper()
			alice := &party{UA: c.alice, Ear: c.ear, t: c.t, opened: c.opened}
			alice.mixes(what, hz...)
		}
		hears("together", 300)
		bob.Press(bob.to, "*6", 100*time.Millisecond, 100*time.Millisecond)
		time.Sleep(2 * time.Second)
		hears("muted")
		bob.Press(bob.to, "*6", 100*time.Millisecond, 100*time.Millisecond)
		time.Sleep(2 * time.Second)
		hears("heard again", 300)
		bob.leaves()
		c.alice.Reply(c.alice.Expect(sip.BYE, 10*time.Second), 200) // it ends with its moderator
	})
}

func TestConferenceExampleIsFull(t *testing.T) {
	prompts := sines(t, map[string]float64{"prompts/en/alone.wav": 900, "prompts/en/room-full.wav": 1100})
	open(t, "conference.lua", prompts, map[string]any{"rooms": map[string]any{"802": map[string]any{"max": 1}}}, func(c *counter) {
		bob := c.visitor(c.bob)
		bob.call("802")
		time.Sleep(time.Second)
		c.dial("sip:802@192.0.2.1")
		c.alice.Reply(c.alice.Expect(sip.BYE, 10*time.Second), 200)
		c.heard("1100 Hz for 0.5 s")
		bob.leaves()
	})
}
