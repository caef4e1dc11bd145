package scenario

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sipscript/sipscript/engine"
	sound "github.com/sipscript/sipscript/engine/audio"
	"github.com/sipscript/sipscript/engine/ivr"
	"github.com/sipscript/sipscript/engine/media"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
	"github.com/sipscript/sipscript/test/listen"
)

// meeting is a stage with callers who speak and listen.
type meeting struct {
	*stage
	callers []*party
	records string // the folder
}

// party is a caller with an ear.
type party struct {
	*siptest.UA
	*listen.Ear
	t  *testing.T
	d  *siptest.Dialog
	to netip.AddrPort // where it speaks to

	opened time.Time // the ear
}

// gather runs a script to which so many callers can call, on one shard and on four.
func gather(t *testing.T, callers int, script string, f func(s *meeting)) {
	t.Helper()
	t.Parallel()
	for _, setting := range []struct {
		name   string
		config engine.Config
	}{{"one shard", engine.Config{Shards: 1}}, {"four", engine.Config{Shards: 4, Apart: true}}} {
		t.Run(setting.name, func(t *testing.T) {
			t.Parallel()
			siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
				dir := t.TempDir()
				srv := Start(t, s, script, Options{Engine: setting.config, Prompts: prompts(t), Records: ivr.NewFolder(dir), Relay: &media.Config{Ports: media.Ports{First: 20000, Last: 20199}}})
				m := &meeting{stage: &stage{Scene: s, Server: srv, t: t}, records: dir}
				t.Cleanup(func() {
					if t.Failed() {
						t.Logf("%s\n%s", s.Ladder(), m.Log)
					}
				})
				for i := range callers {
					m.callers = append(m.callers, m.party(i))
				}
				f(m)
				m.clean()
			})
		})
	}
}

// party is the caller with this number.
func (m *meeting) party(i int) *party {
	names := []string{"alice", "bob", "carol", "dave", "erin", "frank"}
	ua := m.UA(names[i], netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(10 * (i + 1))}), 5060).String(), sip.UDP).Reliable()
	return &party{UA: ua, t: m.t, opened: time.Now(), Ear: listen.New(m.t, mediaNet{ua.Host()}, netip.AddrPortFrom(ua.Addr().Addr(), 4000))}
}

// call is an INVITE for a user, which is answered.
func (p *party) call(user string) {
	p.t.Helper()
	p.asks(user)
	p.comes()
}

// asks sends an INVITE for a user.
func (p *party) asks(user string) {
	p.Request(sip.INVITE, "sip:"+user+"@192.0.2.1", p.described())
}

// comes acknowledges the answer.
func (p *party) comes() {
	p.t.Helper()
	ok := p.Expect("200 INVITE", time.Minute)
	p.d = p.Dialog(ok)
	p.d.ACK()
	p.to = mediaOf(p.t, ok)
}

// described is its session description.
func (p *party) described() siptest.Option {
	return siptest.Body("application/sdp", string(p.Describe(listen.Formats)))
}

// hums says a tone in the background.
func (p *party) hums(tone string, d time.Duration) {
	p.t.Helper()
	parsed, err := sound.ParseTone(tone)
	if err != nil {
		p.t.Fatal(err)
	}
	go p.Say(p.to, "PCMU", parsed.Source(), d)
}

// mixes checks which of the tones the caller hears in the last second.
func (p *party) mixes(what string, hz ...float64) {
	p.t.Helper()
	synctest.Wait()
	samples := p.Samples()
	second := make([]int16, listen.Rate)
	if from := int((time.Since(p.opened) - time.Second) * listen.Rate / time.Second); from < len(samples) {
		copy(second, samples[from:])
	}
	for _, tone := range []float64{300, 700, 1100} {
		if got := listen.Power(second, tone, listen.Rate) > 0.2; got != slices.Contains(hz, tone) {
			p.t.Errorf("%s: %s hears %v Hz: %v", what, p.UA.Addr(), tone, got)
		}
	}
}

// leaves hangs up.
func (p *party) leaves() {
	p.t.Helper()
	p.d.BYE()
	p.Expect("200 BYE", time.Second)
}

const conferenceScript = `sip.on("INVITE", function(req)
	local call = req:answer()
	local who = call.from.user
	local e, err = conference.join(call, "room", { tones = false, muted = who == "dave" })
	log.info(who .. " " .. (e and e.ended_by or err.cause))
end)
sip.on("OPTIONS", function(req) req:reply(200) end)
sip.on("MESSAGE", function(req)
	for _, m in ipairs(conference.members("room")) do
		if m.from:match("bob") then conference[req.body]("room", m.id) end
	end
	log.info(req.body .. " " .. #conference.members("room"))
	req:reply(200)
end)`

// Each of a conference hears the others and not itself; who is muted is not heard, nor is who has left.
func TestConferenceOfFour(t *testing.T) {
	gather(t, 4, conferenceScript, func(m *meeting) {
		alice, bob, carol, dave := m.callers[0], m.callers[1], m.callers[2], m.callers[3]
		for _, p := range m.callers {
			p.call("room")
		}
		alice.hums("300/1000", 6*time.Second)
		bob.hums("700/1000", 6*time.Second)
		dave.hums("1100/1000", 6*time.Second)
		time.Sleep(2500 * time.Millisecond)
		alice.mixes("all there", 700)
		bob.mixes("all there", 300)
		carol.mixes("all there", 300, 700)
		dave.mixes("all there", 300, 700)

		alice.Request(sip.MESSAGE, "sip:room@192.0.2.1", siptest.Body("text/plain", "mute"))
		alice.Expect("200 MESSAGE", time.Second)
		time.Sleep(1500 * time.Millisecond)
		alice.mixes("bob muted")
		carol.mixes("bob muted", 300)

		alice.leaves()
		time.Sleep(1500 * time.Millisecond)
		carol.mixes("alice gone")
		alice.Request(sip.MESSAGE, "sip:room@192.0.2.1", siptest.Body("text/plain", "kick"))
		bob.Reply(bob.Expect("BYE", time.Second), 200)
		alice.Expect("200 MESSAGE", time.Second)
		carol.leaves()
		dave.leaves()
		synctest.Wait()
		m.wantSaid("mute 4; alice caller; bob kicked; kick 2; carol caller; dave caller")
	})
}

// A moderator lets in who waits, and takes along whose stay ends with it.
func TestConferenceWithModerator(t *testing.T) {
	gather(t, 3, `sip.on("INVITE", function(req)
	local call = req:answer()
	local who = call.from.user
	local e, err = conference.join(call, "room", { tones = false, moderator = who == "bob", wait_for_moderator = true, end_with_moderator = who == "alice", music = "tone:1100/1000" })
	log.info(who .. " " .. (e and e.ended_by .. " " .. math.floor(e.duration) or err.cause))
end)`, func(m *meeting) {
		alice, bob, carol := m.callers[0], m.callers[1], m.callers[2]
		alice.call("room")
		carol.call("room")
		alice.hums("300/1000", 10*time.Second)
		time.Sleep(2 * time.Second)
		alice.mixes("without a moderator", 1100)
		carol.mixes("without a moderator", 1100)
		bob.call("room")
		time.Sleep(2 * time.Second)
		alice.mixes("with a moderator")
		carol.mixes("with a moderator", 300)
		bob.leaves()
		alice.Reply(alice.Expect("BYE", time.Second), 200)
		time.Sleep(2 * time.Second)
		carol.mixes("alone again", 1100)
		carol.leaves()
		synctest.Wait()
		if got := strings.Split(m.said(), "; "); !slices.Contains(got, "alice moderator 4") || !slices.Contains(got, "bob caller 2") || got[2] != "carol caller 6" {
			t.Errorf("the script said %q", got)
		}
	})
}

// What is played to a room is heard by all in it, and what is said there is recorded.
func TestConferencePlaysAndRecords(t *testing.T) {
	gather(t, 2, `sip.on("INVITE", function(req)
	local call = req:answer()
	local e = conference.join(call, "room", { keys = { ["*1"] = function(c) log.info("key " .. c.from.user) end } })
	log.info(e.ended_by)
end)
sip.on("MESSAGE", function(req)
	local r = conference.record("room", "meeting.wav")
	local p = conference.play("room", "tone:700/1000;once")
	log.info(p.stopped_by .. " " .. p.played)
	sleep(1)
	local f = r:stop()
	log.info(f.path .. " " .. math.floor(f.duration + 0.2))
	log.info(select(2, conference.play("other", "tone:700/1000;once")).cause .. " " .. select(2, conference.kick("room", "x")).cause)
	req:reply(200)
end)`, func(m *meeting) {
		alice, bob := m.callers[0], m.callers[1]
		alice.call("room")
		bob.call("room")
		time.Sleep(2 * time.Second)
		alice.Request(sip.MESSAGE, "sip:room@192.0.2.1")
		time.Sleep(1100 * time.Millisecond)
		alice.mixes("announcement", 700)
		bob.mixes("announcement", 700)
		alice.Expect("200 MESSAGE", 2*time.Second)
		bob.Press(bob.to, "*1", 100*time.Millisecond, 100*time.Millisecond)
		if names := files(t, m.records); !slices.Equal(names, []string{"meeting.wav"}) {
			t.Errorf("recordings: %v", names)
		}
		alice.leaves()
		bob.leaves()
		synctest.Wait()
		m.wantSaid("end 1; meeting.wav 2; gone gone; key bob; caller; caller")
	})
}

// What keeps a call out of a room, and what else takes it out.
func TestConferenceRefusesAndStops(t *testing.T) {
	gather(t, 3, `sip.on("INVITE", function(req)
	local call, who = req:answer(), req.from.uri.user
	local given = { alice = { pin = "12", music = "tone:1100/1000" }, bob = { pin = "21" }, carol = { pin = "12", max = 1 } }
	if who == "alice" then task.spawn(function() sleep(3) call:stop() end) end
	local e, err = conference.join(call, "room", given[who])
	log.info(who .. " " .. (e and e.ended_by or err.cause))
	if who == "alice" then log.info(#conference.members("room") .. " " .. tostring(select(2, pcall(conference.join, call, ""))):match("name of a room")) end
end)`, func(m *meeting) {
		alice, bob, carol := m.callers[0], m.callers[1], m.callers[2]
		alice.call("room")
		for _, p := range []*party{bob, carol} {
			p.call("room")
			p.Reply(p.Expect("BYE", time.Second), 200)
		}
		time.Sleep(2 * time.Second)
		alice.mixes("alone", 1100)
		alice.Reply(alice.Expect("BYE", 2*time.Second), 200)
		m.wantSaid("bob pin; carol full; alice stopped; 0 name of a room")
	})
}

// A version that is retired by force leaves who is in a room or a slot there; who waits in a queue is hung up.
func TestRetirementLeavesRoomsAndSlots(t *testing.T) {
	gather(t, 4, `sip.on("INVITE", function(req)
	local call, where = req:answer(), req.uri.user
	queue.login("desk", "sip:nobody@192.0.2.99")
	queue.pause("desk", "sip:nobody@192.0.2.99")
	defer(function() queue.logout("desk", "sip:nobody@192.0.2.99") end)
	if where == "room" then conference.join(call, "room", { music = "tone:1100/1000" }) end
	if where == "slot" then call:park("701", 60, { music = "tone:1100/1000" }) end
	if where == "desk" then queue.enter(call, "desk", { music = "tone:1100/1000" }) end
end)`, func(m *meeting) {
		alice, bob, dave := m.callers[0], m.callers[1], m.callers[3]
		m.carol = m.callers[2].UA
		alice.call("room")
		bob.call("slot")
		dave.call("desk")
		time.Sleep(time.Second)
		m.supersede()
		dave.Reply(dave.Expect("BYE", 5*time.Second), 200)
		time.Sleep(2 * time.Second)
		alice.mixes("in a room without a script", 1100)
		bob.mixes("in a slot without a script", 1100)
		alice.leaves()
		bob.Reply(bob.Expect("BYE", time.Minute), 200) // nobody came
	})
}

// An INVITE with a Join comes into the room of the call that it names, where the script lets it; one that names none gets 481 (RFC 3911 §4).
func TestJoinComesIntoTheRoom(t *testing.T) {
	gather(t, 3, `sip.on("INVITE", function(req)
	local room = "room " .. math.random(1000)
	if req:header("Join") then
		room = req.joins and conference.room(req.joins)
		if not room then return req:reply(481) end
	end
	local call = req:answer()
	conference.join(call, room, { tones = false })
end)`, func(m *meeting) {
		alice, bob, carol := m.callers[0], m.callers[1], m.callers[2]
		alice.call("room")
		tagOf := func(text string) string { _, tag, _ := strings.Cut(text, "tag="); return tag }
		join := func(toTag string) siptest.Option {
			return siptest.Header("Join", alice.d.CallID+";to-tag="+toTag+";from-tag="+tagOf(alice.d.Local))
		}
		bob.Request(sip.INVITE, "sip:room@192.0.2.1", bob.described(), join(tagOf(alice.d.Remote)))
		bob.comes()
		carol.Request(sip.INVITE, "sip:room@192.0.2.1", carol.described(), join("other"))
		carol.Expect("481 INVITE", time.Second)
		alice.hums("300/1000", 3*time.Second)
		time.Sleep(2 * time.Second)
		bob.mixes("joined", 300)
		alice.leaves()
		bob.leaves()
	})
}
