package scenario

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

// lifeScript brings a call into a state, does something, and says what came of it. What comes behind the handler's own
// words says whether it was unwound.
const lifeScript = `
local function shown(ok, ...)
	local words = { ok and "ok" or "raised" }
	for i = 1, select("#", ...) do
		local v = select(i, ...)
		if type(v) == "table" and v.ended_by then v = v.ended_by
		elseif type(v) == "table" and v.cause then v = v.cause
		else v = tostring(v):gsub("^main.lua:%%d+: ", "") end
		words[#words + 1] = v
	end
	return table.concat(words, " ")
end
sip.on("INVITE", function(req)
	local bob = "sip:bob@192.0.2.20"
	local call, leg
	%s
	local function act() %s end
	log.info(shown(pcall(act)))
	sleep(3)
	log.info("on")
end)`

// lives are the states a call can be in, with how a script brings it there.
var lives = []struct {
	state, script string
	bridged       bool
}{
	{"unanswered", `call = req:accept()`, false},
	{"18x sent", `call = req:accept() call:progress()`, false},
	{"answered", `call = req:answer()`, false},
	{"bridged", `call = req:accept() leg = call:dial(bob) task.spawn(function() log.info("bridge: " .. call:bridge(leg).ended_by) end) sleep(2)`, true},
	{"over", `call = req:answer() call:wait("hangup")`, false},
}

// did are a phone's requests to it, answered with 200.
type did struct {
	mu  sync.Mutex
	all []string
}

func (d *did) add(method string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.all = append(d.all, method)
}

func (d *did) String() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return strings.Join(d.all, " ")
}

// live plays a script that brings a call into a state and does something then. during is what the phones do meanwhile. It
// checks what the script says and what alice gets, apart from a 100.
func live(t *testing.T, state int, act, wantSaid, wantAlice string, during func(s *stage)) {
	t.Helper()
	l := lives[state]
	perform(t, fmt.Sprintf(lifeScript, l.script, act), func(s *stage) {
		var got did
		s.alice.Handle(func(m *sip.Message) {
			if m.Method() == sip.ACK {
				return
			}
			got.add(m.Method())
			if m.Method() == sip.INVITE {
				s.alice.Reply(m, 200, siptest.SDP(s.alice.Addr().Addr()))
				return
			}
			s.alice.Reply(m, 200)
		})
		s.bob.AutoAnswer(time.Second)
		s.carol.AutoReply(486)
		s.call()
		var seen []string
		if l.state == "answered" || l.state == "bridged" || l.state == "over" {
			d := s.answered()
			if l.state == "over" {
				time.Sleep(soon)
				d.BYE()
			}
		}
		if during != nil {
			during(s)
		}
		for range 100 {
			time.Sleep(soon)
			if slices.Contains(s.alice.Unread(), "200 OK") {
				s.answered()
				seen = append(seen, "200 OK")
			}
		}
		s.wantSaid(wantSaid)
		for _, label := range s.alice.Unread() {
			if label != "100 Trying" && label != "200 OK (BYE)" {
				seen = append(seen, label)
			}
		}
		if all := strings.TrimSpace(strings.Join(seen, ", ") + " " + got.String()); all != wantAlice {
			s.t.Errorf("alice got  %q\nwant       %q", all, wantAlice)
		}
	})
}

// lifeRow is a row of the table "Life of a call": what something does in each state.
type lifeRow struct {
	act   string
	cells [5]lifeCell
}

// lifeCell is what the script says, and what alice gets.
type lifeCell struct{ said, alice string }

func TestLifeOfACall(t *testing.T) {
	t.Parallel()
	for _, row := range []lifeRow{
		{`call:ringing()`, [5]lifeCell{
			{"ok; on", "180 Ringing, 500 Server Internal Error"},
			{"ok; on", "183 Session Progress, 180 Ringing, 500 Server Internal Error"},
			{"raised call:ringing: the call has been answered; on", "BYE"},
			{"raised call:ringing: the call has been answered; on", "180 Ringing BYE"},
			{"raised hangup; on", ""},
		}},
		{`call:progress()`, [5]lifeCell{
			{"ok; on", "183 Session Progress, 500 Server Internal Error"},
			{"ok; on", "183 Session Progress, 183 Session Progress, 500 Server Internal Error"},
			{"raised call:progress: the call has been answered; on", "BYE"},
			{"raised call:progress: the call has been answered; on", "180 Ringing BYE"},
			{"raised hangup; on", ""},
		}},
		{`call:reject(486)`, [5]lifeCell{
			{"ok; on", "486 Busy Here"},
			{"ok; on", "183 Session Progress, 486 Busy Here"},
			{"raised call:reject: the call has been answered; on", "BYE"},
			{"raised call:reject: the call has been answered; on", "180 Ringing BYE"},
			{"raised hangup; on", ""},
		}},
		{`req:reply(486)`, [5]lifeCell{
			{"ok; on", "486 Busy Here"},
			{"ok; on", "183 Session Progress, 486 Busy Here"},
			{"raised request:reply: the request has been answered; on", "BYE"},
			{"raised request:reply: the request has been answered; on", "180 Ringing BYE"},
			{"raised hangup; on", ""},
		}},
		{`req:redirect("sip:carol@192.0.2.30")`, [5]lifeCell{
			{"ok; on", "302 Moved Temporarily"},
			{"ok; on", "183 Session Progress, 302 Moved Temporarily"},
			{"raised request:redirect: the request has been answered; on", "BYE"},
			{"raised request:redirect: the request has been answered; on", "180 Ringing BYE"},
			{"raised hangup; on", ""},
		}},
		{`req:proxy(bob)`, [5]lifeCell{
			{"raised request:proxy: the request has been taken as a call; use call:dial and call:bridge; on", "500 Server Internal Error"},
			{"raised request:proxy: the request has been taken as a call; use call:dial and call:bridge; on", "183 Session Progress, 500 Server Internal Error"},
			{"raised request:proxy: the request has been taken as a call; use call:dial and call:bridge; on", "BYE"},
			{"raised request:proxy: the request has been taken as a call; use call:dial and call:bridge; on", "180 Ringing BYE"},
			{"raised hangup; on", ""},
		}},
		{`req:b2bua(bob)`, [5]lifeCell{
			{"raised request:b2bua: the request has been taken as a call; use call:dial and call:bridge; on", "500 Server Internal Error"},
			{"raised request:b2bua: the request has been taken as a call; use call:dial and call:bridge; on", "183 Session Progress, 500 Server Internal Error"},
			{"raised request:b2bua: the request has been taken as a call; use call:dial and call:bridge; on", "BYE"},
			{"raised request:b2bua: the request has been taken as a call; use call:dial and call:bridge; on", "180 Ringing BYE"},
			{"raised hangup; on", ""},
		}},
		{`call:answer()`, [5]lifeCell{
			{"ok; on", "200 OK BYE"},
			{"ok; on", "200 OK, 183 Session Progress BYE"},
			{"ok; on", "BYE"},
			{"ok; on", "180 Ringing BYE"},
			{"raised hangup; on", ""},
		}},
		{`local leg = call:dial(bob) return leg.state`, [5]lifeCell{
			{"ok answered; on", "180 Ringing, 500 Server Internal Error"},
			{"ok answered; on", "183 Session Progress, 180 Ringing, 500 Server Internal Error"},
			{"ok answered; on", "BYE"},
			{"ok answered; on", "180 Ringing BYE"},
			{"raised hangup; on", ""},
		}},
		{`local leg, result = call:dial("sip:carol@192.0.2.30") return leg, result.cause`, [5]lifeCell{
			{"ok nil busy; on", "486 Busy Here"},
			{"ok nil busy; on", "183 Session Progress, 486 Busy Here"},
			{"ok nil busy; on", "BYE"},
			{"ok nil busy; on", "180 Ringing BYE"},
			{"raised hangup; on", ""},
		}},
		{`local other = call:dial(bob) return call:bridge(other, { max_duration = 1 })`, [5]lifeCell{
			{"ok limit; on", "200 OK, 180 Ringing BYE"},
			{"ok limit; on", "200 OK, 183 Session Progress, 180 Ringing INVITE BYE"},
			{"ok limit; on", "INVITE BYE"},
			{"raised call:bridge: the call is bridged already; end that by call:stop first; on", "180 Ringing BYE"},
			{"raised hangup; on", ""},
		}},
		{`call:hangup()`, [5]lifeCell{
			{"ok; on", "480 Temporarily Unavailable"},
			{"ok; on", "183 Session Progress, 480 Temporarily Unavailable"},
			{"ok; on", "BYE"},
			{"ok; bridge: caller; on", "180 Ringing BYE"},
			{"ok; on", ""},
		}},
		{`call:hangup("busy")`, [5]lifeCell{
			{"ok; on", "486 Busy Here"},
			{"ok; on", "183 Session Progress, 486 Busy Here"},
			{"ok; on", "BYE"},
			{"ok; bridge: caller; on", "180 Ringing BYE"},
			{"ok; on", ""},
		}},
	} {
		for i, cell := range row.cells {
			t.Run(strings.NewReplacer(" ", "_", "/", "").Replace(lives[i].state+": "+row.act), func(t *testing.T) {
				live(t, i, row.act, cell.said, cell.alice, nil)
			})
		}
	}
}
