package scenario

import (
	"testing"
	"time"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
	"github.com/sipscript/sipscript/test/listen"
)

func TestQueueExampleBringsCallersToAgents(t *testing.T) {
	prompts := sines(t, map[string]float64{
		"prompts/en/welcome.wav": 500, "prompts/en/position.wav": 600, "prompts/en/1.wav": 700, "prompts/en/goodbye.wav": 900, "prompts/en/all-busy.wav": 1100,
	})
	open(t, "queue.lua", prompts, map[string]any{"music": "tone:1500/4000", "max_wait": 20}, func(c *counter) {
		c.dial("sip:700@192.0.2.1")
		c.alice.Reply(c.alice.Expect(sip.BYE, 10*time.Second), 200) // nobody is there
		c.heard("500 Hz for 0.5 s, 1100 Hz for 0.5 s")

		bob := c.visitor(c.bob)
		bob.call("*71")
		bob.Reply(bob.Expect(sip.BYE, 10*time.Second), 200)
		d := c.dial("sip:700@192.0.2.1")
		invite := bob.Expect(sip.INVITE, 10*time.Second)
		bob.Reply(invite, 180)
		time.Sleep(2 * time.Second)
		bob.Reply(invite, 200, bob.described())
		bob.to = mediaOf(t, invite)
		again := c.alice.Expect(sip.INVITE, time.Second) // she is joined with the agent
		c.alice.Reply(again, 200, siptest.Body("application/sdp", string(c.ear.Describe(listen.Formats))))
		bob.Expect(sip.ACK, time.Second)
		bob.hums("300/1000", 3*time.Second)
		time.Sleep(4 * time.Second)
		c.heard("500 Hz for 0.5 s, 600 Hz for 0.5 s, 700 Hz for 0.5 s, 1500 Hz for 1.0 s, 300 Hz for 3.0 s")
		d.BYE()
		c.alice.Expect("200 BYE", time.Second)
		bob.Reply(bob.Expect(sip.BYE, time.Second), 200)

		bob.call("*73")
		bob.Reply(bob.Expect(sip.BYE, 10*time.Second), 200)
		c.dial("sip:700@192.0.2.1")
		time.Sleep(3 * time.Second)
		c.press("0")
		c.alice.Reply(c.alice.Expect(sip.BYE, 10*time.Second), 200)
	})
}
