package scenario

import (
	"io/fs"
	"testing"
	"time"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
	"github.com/sipscript/sipscript/test/listen"
)

func pbxPrompts(t testing.TB) fs.FS {
	return sines(t, map[string]float64{
		"prompts/en/leave-message.wav": 500, "prompts/en/message-saved.wav": 600, "prompts/en/enter-pin.wav": 700, "prompts/en/no-messages.wav": 800,
		"prompts/en/you-have.wav": 900, "prompts/en/messages.wav": 1100, "prompts/en/closed.wav": 1200, "prompts/en/parked.wav": 1300, "prompts/en/wrong.wav": 1400,
		"prompts/en/welcome.wav": 1500, "prompts/en/1.wav": 1600, "prompts/en/7.wav": 1700, "prompts/en/0.wav": 1800, "prompts/en/alone.wav": 1900,
		"prompts/en/all-busy.wav": 2000, "prompts/en/position.wav": 2100,
	})
}

// accepts takes a call that comes to p.
func (p *party) accepts() {
	p.t.Helper()
	invite := p.Expect(sip.INVITE, 10*time.Second)
	p.Reply(invite, 180)
	p.Reply(invite, 200, p.described())
	p.Expect(sip.ACK, time.Second)
	p.d = p.Dialog(invite)
	p.to = mediaOf(p.t, invite)
}

// ends is the server's BYE.
func (p *party) ends() {
	p.t.Helper()
	p.Reply(p.Expect(sip.BYE, 10*time.Second), 200)
}

// mine is alice as a party.
func (c *counter) mine() *party { return &party{UA: c.alice, Ear: c.ear, t: c.t, opened: c.opened} }

func TestPBXTakesMessages(t *testing.T) {
	open(t, "pbx.lua", pbxPrompts(t), nil, func(c *counter) {
		bob := c.visitor(c.bob)
		c.alice.AutoReply(486)
		bob.call("alice")
		c.alice.Handle(nil)
		time.Sleep(1500 * time.Millisecond)
		bob.speaks("450/1000", 2*time.Second)
		bob.leaves()
		c.lamp("1/0")
		c.dial("sip:*97@192.0.2.1")
		time.Sleep(700 * time.Millisecond)
		c.press("1234#")
		c.lamp("0/0")
		c.alice.Reply(c.alice.Expect(sip.BYE, 10*time.Second), 200)
		c.heard("700 Hz for 0.5 s, 900 Hz for 0.5 s, 1600 Hz for 0.5 s, 1100 Hz for 0.5 s, 450 Hz for 1.9 s")
	})
}

func TestPBXRingsGroups(t *testing.T) {
	open(t, "pbx.lua", pbxPrompts(t), map[string]any{"groups": map[string]any{"600": []any{"alice", "bob"}}}, func(c *counter) {
		carol := c.visitor(officeUA(c.Scene, "carol", "192.0.2.30:5060", "christmas"))
		carol.Register("", "")
		carol.asks("600")
		bob := c.visitor(c.bob)
		invite := c.alice.Expect(sip.INVITE, time.Second)
		c.alice.Reply(invite, 180)
		bob.accepts()
		carol.comes()
		c.alice.Reply(c.alice.Expect(sip.CANCEL, time.Second), 200)
		c.alice.Reply(invite, 487)
		c.alice.Expect(sip.ACK, time.Second)
		bob.hums("300/1000", 10*time.Second)
		time.Sleep(2 * time.Second)
		carol.mixes("with bob", 300)
		carol.leaves()
		bob.ends()
	})
}

func TestPBXParks(t *testing.T) {
	open(t, "pbx.lua", pbxPrompts(t), map[string]any{"music": "tone:1100/4000"}, func(c *counter) {
		bob := c.visitor(c.bob)
		bob.asks("alice")
		alice := c.mine()
		alice.accepts()
		bob.comes()
		time.Sleep(time.Second)
		c.from = time.Since(c.opened)
		alice.Press(alice.to, "*3", 100*time.Millisecond, 100*time.Millisecond)
		alice.ends()
		c.heard("1300 Hz for 0.5 s, 1700 Hz for 0.5 s, 1800 Hz for 0.5 s, 1600 Hz for 0.5 s")
		bob.mixes("parked", 1100)
		alice.asks("701")
		reoffered(bob)
		alice.comes()
		bob.hums("300/1000", 10*time.Second)
		time.Sleep(2 * time.Second)
		alice.mixes("fetched", 300)
		alice.leaves()
		bob.ends()
		alice.asks("701")
		alice.Expect("404 INVITE", time.Second)
	})
}

func TestPBXBringsBackWhoIsNotFetched(t *testing.T) {
	open(t, "pbx.lua", pbxPrompts(t), map[string]any{"patience": 10}, func(c *counter) {
		bob := c.visitor(c.bob)
		bob.asks("alice")
		alice := c.mine()
		alice.accepts()
		bob.comes()
		alice.Press(alice.to, "*3", 100*time.Millisecond, 100*time.Millisecond)
		alice.ends()
		time.Sleep(5 * time.Second)
		alice.accepts()
		alice.leaves()
		bob.ends()
	})
}

func TestPBXTransfers(t *testing.T) {
	open(t, "pbx.lua", pbxPrompts(t), nil, func(c *counter) {
		carol := c.visitor(officeUA(c.Scene, "carol", "192.0.2.30:5060", "christmas"))
		carol.Register("", "")
		bob := c.visitor(c.bob)
		bob.asks("alice")
		alice := c.mine()
		alice.accepts()
		bob.comes()
		time.Sleep(time.Second)
		c.refer(c.alice, alice.d, "<sip:carol@192.0.2.1>")
		carol.accepts()
		c.told(c.alice, "SIP/2.0 200 OK")
		alice.ends()
		time.Sleep(time.Second)
		bob.leaves()
		carol.ends()
	})
}

func TestPBXClosesAtNight(t *testing.T) {
	open(t, "pbx.lua", pbxPrompts(t), nil, func(c *counter) {
		c.dial("sip:*28@192.0.2.1")
		c.alice.Reply(c.alice.Expect(sip.BYE, time.Minute), 200)
		c.heard("1200 Hz for 0.5 s")
		outside := c.visitor(c.UA("gateway", "192.0.2.77:5060", sip.UDP).Reliable().Domain("carrier.example"))
		outside.call("bob")
		time.Sleep(2 * time.Second)
		outside.speaks("450/1000", 2*time.Second)
		outside.leaves()
		c.lamp("1/0") // alice is the operator
		c.bob.ExpectNone(time.Second)
		bob := c.visitor(c.bob)
		bob.asks("alice") // users call each other as ever
		alice := c.mine()
		alice.accepts()
		bob.comes()
		bob.leaves()
		alice.ends()
	})
}

func TestPBXHasAQueueAndAConference(t *testing.T) {
	open(t, "pbx.lua", pbxPrompts(t), map[string]any{"music": "tone:1100/4000"}, func(c *counter) {
		bob := c.visitor(c.bob)
		bob.call("*71")
		bob.ends()
		outside := c.visitor(c.UA("gateway", "192.0.2.77:5060", sip.UDP).Reliable().Domain("carrier.example"))
		outside.call("700")
		bob.accepts()
		reoffered(outside)
		bob.hums("300/1000", 3*time.Second)
		time.Sleep(2 * time.Second)
		outside.mixes("in the queue", 300)
		outside.leaves()
		bob.ends()

		bob.call("800")
		c.alice.Request(sip.INVITE, "sip:800@192.0.2.1", siptest.Body("application/sdp", string(c.ear.Describe(listen.Formats))))
		alice := c.mine()
		alice.comes()
		time.Sleep(time.Second)
		bob.hums("300/1000", 3*time.Second)
		time.Sleep(2 * time.Second)
		alice.mixes("in the conference", 300)
		alice.leaves()
		bob.leaves()
		outside.asks("800") // is for users
		outside.Expect("404 INVITE", time.Second)
	})
}
