package scenario

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

// queueScript is a queue that callers enter with options; a MESSAGE is a statement about it.
func queueScript(options string) string {
	return fmt.Sprintf(`sip.on("INVITE", function(req)
	local call = req:answer()
	local who = call.from.user
	local e, err = queue.enter(call, "desk", { %s })
	log.info(who .. " " .. (e and e.cause .. " " .. math.floor(e.waited) .. " " .. (e.agent or "") .. (e.key or "") .. (e.ended_by or "") or err.cause))
	if call.state ~= "over" then call:play("tone:700/1000") end
end)
sip.on("MESSAGE", function(req)
	local what, who = req.body:match("(%%a+) (%%a+)")
	local ok, err = queue[what]("desk", ({ bob = "sip:bob@192.0.2.20", carol = "sip:carol@192.0.2.30", dave = "sip:dave@192.0.2.40" })[who])
	req:reply(ok and 200 or 404)
end)`, options)
}

// tells sends a MESSAGE.
func (p *party) tells(what string) {
	p.t.Helper()
	p.Request(sip.MESSAGE, "sip:desk@192.0.2.1", siptest.Body("text/plain", what))
	p.Expect("200 MESSAGE", time.Second)
}

// picks answers a call that rings.
func (p *party) picks() {
	p.t.Helper()
	invite := p.Expect("INVITE", time.Second)
	p.Reply(invite, 200, p.described())
	p.Expect("ACK", time.Second)
	p.d, p.to = p.Dialog(invite), mediaOf(p.t, invite)
}

// A caller hears music and its place until an agent answers, talks, and stays when the agent leaves.
func TestQueueServesOneAfterTheOther(t *testing.T) {
	gather(t, 3, queueScript(`music = "tone:1100/1000", announce = "prompts/hello.wav", every = 10, strategy = "longest_idle", wrap_up = 3`), func(m *meeting) {
		alice, bob, carol := m.callers[0], m.callers[1], m.callers[2]
		bob.tells("login bob")
		alice.call("desk")
		invite := bob.Expect("INVITE", time.Second)
		bob.Reply(invite, 180)
		carol.call("desk")
		time.Sleep(4 * time.Second)
		alice.mixes("waiting", 1100)
		carol.mixes("waiting", 1100)
		bob.Reply(invite, 200, bob.described())
		bob.Expect("ACK", time.Second)
		bob.d, bob.to = bob.Dialog(invite), mediaOf(t, invite)
		alice.hums("300/1000", 3*time.Second)
		time.Sleep(2 * time.Second)
		bob.mixes("talking", 300)
		alice.mixes("talking")
		carol.mixes("still waiting", 1100)
		bob.leaves()
		time.Sleep(2 * time.Second)
		alice.mixes("alone again", 700)
		alice.leaves()
		time.Sleep(time.Second)
		bob.picks()
		carol.leaves()
		bob.Reply(bob.Expect("BYE", time.Second), 200)
		bob.tells("logout bob")
		synctest.Wait()
		m.wantSaid("alice answered 4 sip:bob@192.0.2.20callee; carol answered 9 sip:bob@192.0.2.20caller")
	})
}

func TestQueueEnds(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, options, said string
		before, after       string // what bob tells
		stays               bool   // alice does
		act                 func(m *meeting, alice, bob *party)
	}{
		{name: "nobody serves it", said: "alice empty 0 ", stays: true, act: func(*meeting, *party, *party) {}},
		{name: "nobody serves it any more", said: "alice empty 1 ", before: "login pause", stays: true, act: func(_ *meeting, _, bob *party) {
			time.Sleep(time.Second)
			bob.tells("logout bob")
		}},
		{name: "too long", options: `max_wait = 12, ring = 3`, said: "alice timeout 12 ", before: "login", after: "logout", stays: true, act: func(m *meeting, alice, bob *party) {
			for range 2 { // the second time it is not over when the wait is
				bob.Reply(bob.Expect("INVITE", 7*time.Second), 180)
				bob.Expect("CANCEL", 4*time.Second)
			}
		}},
		{name: "a key", options: `exit_keys = "0#"`, said: "alice key 2 0", before: "login", after: "logout", stays: true, act: func(m *meeting, alice, bob *party) {
			bob.Reply(bob.Expect("INVITE", time.Second), 180)
			time.Sleep(2 * time.Second)
			alice.Press(alice.to, "10", 100*time.Millisecond, 100*time.Millisecond)
			bob.Expect("CANCEL", time.Second)
		}},
		{name: "it is full", options: `max = 1`, said: "bob full 0 ; alice caller 1 ", before: "login pause", after: "logout", act: func(m *meeting, alice, bob *party) {
			bob.call("desk")
			time.Sleep(time.Second)
			bob.leaves()
			alice.leaves()
		}},
		{name: "the caller goes while it rings", said: "alice caller 2 ", before: "login", after: "logout", act: func(m *meeting, alice, bob *party) {
			bob.Reply(bob.Expect("INVITE", time.Second), 180)
			time.Sleep(2 * time.Second)
			alice.leaves()
			bob.Expect("CANCEL", time.Second)
		}},
	} {
		t.Run(strings.ReplaceAll(tt.name, " ", "_"), func(t *testing.T) {
			gather(t, 2, queueScript(tt.options), func(m *meeting) {
				alice, bob := m.callers[0], m.callers[1]
				for what := range strings.FieldsSeq(tt.before) {
					bob.tells(what + " bob")
				}
				alice.call("desk")
				tt.act(m, alice, bob)
				time.Sleep(100 * time.Millisecond)
				m.wantSaid(tt.said)
				if tt.stays {
					alice.leaves()
				}
				if tt.after != "" {
					bob.tells(tt.after + " bob")
				}
			})
		})
	}
}
