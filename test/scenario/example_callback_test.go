package scenario

import (
	"io/fs"
	"testing"
	"time"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
	"github.com/sipscript/sipscript/test/listen"
)

func callbackPrompts(t testing.TB) fs.FS {
	return sines(t, map[string]float64{
		"prompts/en/when.wav": 500, "prompts/en/wrong.wav": 600, "prompts/en/call-back.wav": 700, "prompts/en/call-back-at.wav": 800,
		"prompts/en/please-hold.wav": 900, "prompts/en/unavailable.wav": 1100, "prompts/en/goodbye.wav": 1200,
	})
}

// called takes the server's call to alice.
func (c *counter) called() {
	c.t.Helper()
	invite := c.alice.Expect(sip.INVITE, time.Second)
	c.alice.Reply(invite, 200, siptest.Body("application/sdp", string(c.ear.Describe(listen.Formats))))
	c.alice.Expect(sip.ACK, time.Second)
	c.at = mediaOf(c.t, invite)
}

func TestCallbackCallsAsSoonAsPossible(t *testing.T) {
	open(t, "callback.lua", callbackPrompts(t), nil, func(c *counter) {
		c.dial("sip:555@192.0.2.1")
		time.Sleep(700 * time.Millisecond)
		c.press("#")
		c.alice.Reply(c.alice.Expect(sip.BYE, time.Second), 200)
		c.heard("500 Hz for 0.5 s, 700 Hz for 0.5 s")
		time.Sleep(4 * time.Second)
		c.called()
		bob := c.bob.Expect(sip.INVITE, time.Second)
		c.heard("900 Hz for 0.5 s")
		c.bob.Reply(bob, 486)
		c.bob.Expect(sip.ACK, time.Second)
		c.alice.Reply(c.alice.Expect(sip.BYE, time.Second), 200)
		c.heard("1100 Hz for 0.5 s")
	})
}

func TestCallbackCallsWhenTheClockSaysSo(t *testing.T) {
	open(t, "callback.lua", callbackPrompts(t), map[string]any{"pause": 60}, func(c *counter) {
		at := time.Now().Truncate(time.Minute).Add(3 * time.Minute)
		c.dial("sip:555@192.0.2.1")
		time.Sleep(700 * time.Millisecond)
		c.press("2461")
		time.Sleep(1200 * time.Millisecond)
		c.press(at.Local().Format("1504"))
		c.alice.Reply(c.alice.Expect(sip.BYE, 10*time.Second), 200)
		c.heard("500 Hz for 0.5 s, 600 Hz for 0.5 s, 500 Hz for 0.5 s, 1000 Hz for 0.3 s") // the numbers are not spoken here
		time.Sleep(time.Until(at.Add(-time.Second)))
		invite := c.alice.Expect(sip.INVITE, 2*time.Second)
		c.alice.Reply(invite, 486) // another try is to come
		c.alice.Expect(sip.ACK, time.Second)
		time.Sleep(time.Until(at.Add(time.Minute - time.Second)))
		c.alice.Reply(c.alice.Expect(sip.INVITE, 2*time.Second), 603)
		c.alice.Expect(sip.ACK, time.Second)
		time.Sleep(time.Minute)
		c.alice.Reply(c.alice.Expect(sip.INVITE, 2*time.Second), 603)
		c.alice.Expect(sip.ACK, time.Second)
		c.alice.ExpectNone(5 * time.Minute) // three tries were promised
	})
}
