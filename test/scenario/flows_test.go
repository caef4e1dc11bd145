package scenario

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sipscript/sipscript/engine"
	"github.com/sipscript/sipscript/engine/ivr"
	"github.com/sipscript/sipscript/engine/media"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

var flows = flag.Int("flows", 400, "random calls to what a server speaks by itself")

// flowsAtOnce is how many of them share a server.
const flowsAtOnce = 40

const flowScript = `
local function once(of) return of[math.random(#of)] end
local doors = {
	room = function(call, name)
		return conference.join(call, name, {
			moderator = math.random(3) == 1, wait_for_moderator = math.random(3) == 1, end_with_moderator = math.random(3) == 1,
			muted = math.random(4) == 1, music = "tone:300/500,0/100", max = math.random(4) == 1 and 2 or nil,
			keys = { ["5"] = function(c) conference.kick(name, c) end, ["6"] = function(c) conference.mute(name, c) end },
		})
	end,
	park = function(call, name) return call:park(name, 4, { music = "tone:400/500" }) end,
	desk = function(call, name)
		return queue.enter(call, name, { music = "tone:500/500", announce = once { "tone:600/300;once", function(c, n) c:play("silence:0.5") end },
			every = 2, exit_keys = "0", max_wait = math.random(12), ring = 3, wrap_up = 1, strategy = once { "ring_all", "round_robin", "longest_idle" } })
	end,
	ask = function(call) return call:gather { prompt = "prompts/hello.wav", max = 2, timeout = 2 } end,
	keep = function(call) return call:record(call.id .. ".wav", { silence = 2, max_time = 5 }) end,
	hasty = function(call, name)
		return task.any { function() sleep(math.random(4)) return 1 end, function() return conference.join(call, "room1") end, timeout = 3 }
	end,
}
sip.on("INVITE", function(req)
	local call, what = req:accept(), req.uri.user
	local door = doors[what:match("%a+")]
	if door then
		call:answer()
		door(call, what)
	else
		call:pickup("park:park" .. what:match("%d"))
	end
	if call.state == "unanswered" then return call:reject(404) end
	if call.state ~= "over" then call:play("tone:440/300;once") end
end)
sip.on("MESSAGE", function(req)
	local room = "room" .. math.random(2)
	local members = conference.members(room)
	local what = math.random(4)
	if what == 1 then
		conference.play(room, "tone:700/400;once")
	elseif what == 2 and #members > 0 then
		local r = conference.record(room, "rooms/" .. math.random(1000000) .. ".wav")
		sleep(1)
		r:stop()
	elseif #members > 0 then
		conference[what == 3 and "kick" or "mute"](room, members[math.random(#members)].id)
	end
	req:reply(200)
end)
sip.on("OPTIONS", function(req)
	for i, agent in ipairs { "sip:willing@192.0.2.201", "sip:busy@192.0.2.202", "sip:slow@192.0.2.203" } do
		queue[req.uri.user]("desk1", agent)
	end
	req:reply(200)
end)`

// walker is a caller of a random flow.
type walker struct {
	*siptest.UA
	chance *rand.Rand
	mu     sync.Mutex
	d      *siptest.Dialog // nil: in no call
	gone   map[string]bool // Call-IDs that the server has ended
}

func (w *walker) obliges() {
	w.Handle(func(m *sip.Message) {
		switch m.Method() {
		case sip.ACK:
		case sip.INVITE:
			w.Reply(m, 200, siptest.SDP(w.Addr().Addr()))
		default:
			w.mu.Lock()
			w.gone[m.CallID()] = w.gone[m.CallID()] || m.Method() == sip.BYE
			w.mu.Unlock()
			w.Reply(m, 200)
		}
	})
}

// talks reports whether the walker is in a call.
func (w *walker) talks() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.d != nil && w.gone[w.d.CallID] {
		w.d = nil
	}
	return w.d != nil
}

// begins calls something.
func (w *walker) begins() {
	doors := []string{"room1", "room2", "park1", "park2", "fetch1", "fetch2", "desk1", "desk1", "ask", "keep", "hasty"}
	sent := w.Request(sip.INVITE, "sip:"+doors[w.chance.IntN(len(doors))]+"@192.0.2.1", siptest.SDP(w.Addr().Addr()))
	if w.chance.IntN(10) == 0 {
		time.Sleep(time.Duration(w.chance.IntN(4)) * time.Millisecond)
		w.CANCEL(sent)
	}
	final := w.Final(sent)
	if final.Status() != 200 {
		w.ACK(final)
		return
	}
	d := w.Dialog(final)
	d.ACK()
	w.mu.Lock()
	w.d = d
	w.mu.Unlock()
}

// goesOn does something in its call.
func (w *walker) goesOn() {
	d := w.d
	switch w.chance.IntN(5) {
	case 0:
		w.leaves()
	case 1:
		direction := []string{"sendonly", "sendrecv", "inactive"}[w.chance.IntN(3)]
		final := w.Final(d.ReINVITE(siptest.Body("application/sdp", fmt.Sprintf("v=0\r\no=- 1 2 IN IP4 %[1]v\r\ns=-\r\nc=IN IP4 %[1]v\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\na=%s\r\n", w.Addr().Addr(), direction))))
		if final.Status() == 200 {
			d.Accepted(final).ACK()
		} else {
			w.ACK(final)
		}
	default:
		digit := "0156#"[w.chance.IntN(5)]
		w.Final(d.Request(sip.INFO, siptest.Body("application/dtmf-relay", fmt.Sprintf("Signal=%c\r\nDuration=160\r\n", digit))))
	}
}

func (w *walker) leaves() {
	w.Final(w.d.BYE())
	w.d = nil
}

// Whatever calls do in rooms, slots and queues, and with them, nothing is left when they are over.
func TestRandomFlows(t *testing.T) {
	t.Parallel()
	for seed := range uint64((*flows + flowsAtOnce - 1) / flowsAtOnce) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
				records := t.TempDir()
				srv := Start(t, s, flowScript, Options{
					Seed: byte(seed), Engine: engine.Config{Shards: 1 + int(seed%4), Apart: true}, Prompts: prompts(t), Records: ivr.NewFolder(records),
					Relay: &media.Config{Ports: media.Ports{First: 20000, Last: 20999}}, Late: seed%2 == 1,
				})
				t.Cleanup(func() {
					if t.Failed() {
						t.Log(srv.Log)
					}
				})
				wander(t, s, srv, rand.New(rand.NewPCG(seed, 4)))
				time.Sleep(5 * time.Minute)
				synctest.Wait()
				if left := srv.Engine.Leaks(); len(left) > 0 {
					t.Errorf("left behind: %s", strings.Join(left, ", "))
				}
				if ports := slices.DeleteFunc(s.Net.Open(), func(socket string) bool { return !strings.Contains(socket, "192.0.2.1:2") }); len(ports) > 0 {
					t.Errorf("ports of media are open: %q", ports)
				}
				for _, name := range files(t, records) {
					if !strings.HasSuffix(name, ".wav") {
						t.Errorf("a half recording is left: %s", name)
					}
				}
				if text := srv.Log.String(); strings.Contains(text, "level=ERROR") {
					t.Errorf("errors in the log")
				}
			})
		})
	}
}

// wander lets callers do whatever comes to their mind.
func wander(t *testing.T, s *siptest.Scene, srv *Server, chance *rand.Rand) {
	t.Helper()
	s.UA("willing", "192.0.2.201:5060", sip.UDP).AutoAnswer(2 * time.Second)
	s.UA("busy", "192.0.2.202:5060", sip.UDP).AutoReply(486)
	s.UA("slow", "192.0.2.203:5060", sip.UDP).AutoAnswer(time.Minute)
	var all []*walker
	for i := range 6 {
		w := &walker{UA: s.UA(fmt.Sprint("caller", i), fmt.Sprintf("192.0.2.%d:5060", 100+i), sip.UDP).Reliable(), chance: chance, gone: map[string]bool{}}
		w.obliges()
		all = append(all, w)
	}
	first := all[0]
	first.Final(first.Request(sip.OPTIONS, "sip:login@192.0.2.1"))
	var answers []func()
	for begun, version := 0, 0; begun < flowsAtOnce; {
		w := all[chance.IntN(len(all))]
		switch n := chance.IntN(20); {
		case n == 0 && version < 3:
			version++
			if err := srv.Change(flowScript + fmt.Sprintf("\n-- %d", version)); err != nil {
				t.Fatal(err)
			}
		case n < 4:
			m := w.Request(sip.MESSAGE, "sip:any@192.0.2.1")
			answers = append(answers, func() { w.Final(m) })
		case w.talks():
			w.goesOn()
		default:
			begun++
			w.begins()
		}
		time.Sleep(time.Duration(chance.IntN(1500)) * time.Millisecond)
	}
	for _, final := range answers {
		final()
	}
	for _, w := range all {
		if w.talks() {
			w.leaves()
		}
	}
	time.Sleep(20 * time.Second)
	first.Final(first.Request(sip.OPTIONS, "sip:logout@192.0.2.1"))
}
