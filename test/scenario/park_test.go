package scenario

import (
	"testing"
	"testing/synctest"
	"time"
)

const parkScript = `sip.on("INVITE", function(req)
	local call = req:accept()
	local who, slot = call.from.user, req.uri.user:match("%d+")
	local e, err
	if req.uri.user:match("^fetch") then
		e, err = call:pickup("park:" .. slot)
	else
		call:answer()
		e, err = call:park(slot, 5, { music = "tone:1100/1000" })
	end
	log.info(who .. " " .. (e and e.ended_by .. " " .. math.floor(e.duration) or err.cause))
	if call.state == "unanswered" then call:reject(404) return end
	if call.state ~= "over" then call:play("tone:700/1000") end
end)`

// A parked call hears music, is fetched by another, and each stays when the other one goes.
func TestParkedCallIsFetched(t *testing.T) {
	gather(t, 2, parkScript, func(m *meeting) {
		alice, bob := m.callers[0], m.callers[1]
		alice.call("park701")
		time.Sleep(2 * time.Second)
		alice.mixes("parked", 1100)
		bob.asks("fetch701")
		reoffered(alice)
		bob.comes()
		alice.hums("300/1000", 10*time.Second)
		time.Sleep(2 * time.Second)
		bob.mixes("fetched", 300)
		alice.mixes("fetched")
		bob.leaves()
		time.Sleep(2 * time.Second)
		alice.mixes("alone again", 700)
		alice.leaves()
		synctest.Wait()
		m.wantSaid("bob caller 2; alice callee 2")
	})
}

// reoffered answers the re-INVITE that joins a call with another one.
func reoffered(p *party) {
	p.t.Helper()
	re := p.Expect("INVITE", time.Second)
	p.Reply(re, 200, p.described())
	p.to = mediaOf(p.t, re)
}

// Nobody comes, somebody is there, nobody is there.
func TestParkingEnds(t *testing.T) {
	gather(t, 3, parkScript, func(m *meeting) {
		alice, bob, carol := m.callers[0], m.callers[1], m.callers[2]
		alice.call("park701")
		bob.call("park701")
		carol.asks("fetch702")
		carol.Expect("404 INVITE", time.Second)
		time.Sleep(7 * time.Second)
		alice.mixes("too late", 700)
		alice.leaves()
		bob.leaves()
		alice.call("park702")
		time.Sleep(time.Second)
		alice.leaves()
		synctest.Wait()
		m.wantSaid("bob busy; carol gone; alice timeout; alice caller 0")
	})
}
