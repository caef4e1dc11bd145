package scenario

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

// besieged sleeps, forks, calls for a second try: whatever may be under way when something goes wrong.
const besieged = `
	sip.on("REGISTER", function(req) registrar.save(req) end)
	sip.on("INVITE", function(req)
		sleep(math.random())
		local result = req:proxy(location.lookup(req.uri), { timeout = 20 })
		if result.cause ~= "answered" then
			sleep(math.random())
			req:proxy(location.lookup("sip:phone0@example.org"))
		end
	end)
	sip.on("MESSAGE", function(req)
		req:proxy(location.lookup(req.uri))
	end)
	sip.every(5, function() sleep(6) end)`

// In a siege connections break, links are cut, shards stall, and the script is changed all the time, for the better
// and for the worse. Every call still ends with one answer, and in the end nothing is left of it.
func TestSiege(t *testing.T) {
	t.Parallel()
	for seed := range uint64(10) {
		t.Run(fmt.Sprint("seed ", seed+1), func(t *testing.T) {
			t.Parallel()
			setting := siptest.Setting{Seed: seed + 1, Network: siptest.Options{Link: siptest.Link{Loss: 0.05, Jitter: 20 * ms, Duplicate: 0.02}}}
			siptest.Run(t, setting, func(t *testing.T, s *siptest.Scene) {
				cert, key := s.Net.Authority().IssuePEM("example.org", "192.0.2.1")
				o := secureOptions(pemFiles{"cert": cert, "key": key, "ca": s.Net.Authority().PEM()})
				o.Seed = byte(seed)
				b := &siege{t: t, s: s, srv: Start(t, s, besieged, o), chance: rand.New(rand.NewPCG(seed, 7))}
				b.prepare()
				idle := b.timers()
				for range 60 {
					b.call()
					b.harm()
					time.Sleep(time.Duration(b.chance.IntN(2000)) * ms)
				}
				b.lift(idle)
			})
		})
	}
}

type siege struct {
	t      *testing.T
	s      *siptest.Scene
	srv    *Server
	chance *rand.Rand

	phones  []*siptest.UA
	callers []*siptest.UA
	calls   []besiegedCall
	version int
}

type besiegedCall struct {
	caller *siptest.UA
	invite *sip.Message
}

func (b *siege) prepare() {
	for i := range 6 {
		over := [...]sip.Transport{sip.UDP, sip.TCP, sip.TLS}[i%3]
		server := "192.0.2.1:5060"
		if over == sip.TLS {
			server = "192.0.2.1:5061"
		}
		u := siptest.NewUA(b.t, b.s.Net, fmt.Sprint("phone", i), fmt.Sprintf("192.0.2.%d:5060", 20+i), over, server).Domain("example.org")
		if i < 3 {
			u.AutoAnswer(time.Duration(i) * time.Second)
		} else {
			u.AutoReply(486)
		}
		b.phones = append(b.phones, u)
		b.callers = append(b.callers, b.s.UA(fmt.Sprint("caller", i), fmt.Sprintf("192.0.2.%d:5060", 40+i), sip.UDP).Reliable())
		u.Register("", "")
	}
	time.Sleep(time.Minute)
}

// timers counts those of all shards.
func (b *siege) timers() (n int) {
	counts := make(chan int)
	for _, loop := range b.srv.Engine.Shards() {
		loop.Post(func() { counts <- loop.Wheel().Len() })
		n += <-counts
	}
	return n
}

// call begins a call, which its caller perhaps gives up.
func (b *siege) call() {
	caller := b.callers[b.chance.IntN(len(b.callers))]
	uri := fmt.Sprintf("sip:phone%d@example.org", b.chance.IntN(len(b.phones)+1)) // one of them is not there
	if b.chance.IntN(4) == 0 {
		caller.Request(sip.MESSAGE, uri, siptest.Body("text/plain", "under siege"))
		return
	}
	invite := caller.Request(sip.INVITE, uri, siptest.SDP(caller.Addr().Addr()))
	b.calls = append(b.calls, besiegedCall{caller, invite})
	if b.chance.IntN(3) == 0 {
		time.AfterFunc(time.Duration(200+b.chance.IntN(3000))*ms, func() { caller.CANCEL(invite) })
	}
}

// harm does what may happen to a server.
func (b *siege) harm() {
	phone := b.phones[b.chance.IntN(len(b.phones))]
	server := serverHost(b.s, "")
	switch b.chance.IntN(7) {
	case 0:
		phone.Disconnect()
	case 1:
		phone.Register("", "")
	case 2:
		b.s.Net.Break(server, phone.Host())
	case 3:
		b.s.Net.Partition(server, phone.Host())
		time.AfterFunc(3*time.Second, func() { b.s.Net.Heal(server, phone.Host()) })
	case 4:
		b.version++
		if err := b.srv.Change(fmt.Sprintf("%s\n-- %d", besieged, b.version)); err != nil {
			b.t.Errorf("a sound script was refused: %v", err)
		}
	case 5:
		if err := b.srv.Change(besieged + "\nend"); err == nil {
			b.t.Error("a broken script went live")
		}
	case 6:
		b.srv.stall(300 * ms)
	}
}

// lift looks at what a siege has left behind.
func (b *siege) lift(idle int) {
	time.Sleep(10 * time.Minute)
	for _, c := range b.calls {
		if final := c.caller.Final(c.invite); final.Status()/100 == 2 {
			d := c.caller.Dialog(final)
			d.ACK()
			d.BYE()
		}
	}
	time.Sleep(10 * time.Minute)
	begun := time.Now()
	b.srv.Engine.Drain(time.Minute, nil)
	if took := time.Since(begun); took > 0 {
		b.t.Errorf("requests are open, or handlers wait: draining took %v", took)
	}
	if n := b.timers(); n > idle+1 { // that of the script may be asleep
		b.t.Errorf("%d timers, before the siege %d", n, idle)
	}
	if n := b.srv.Engine.Location.Count(); n > len(b.phones) {
		b.t.Errorf("%d contacts of %d phones", n, len(b.phones))
	}
	if err := b.srv.Change(besieged + "\n-- the last"); err != nil {
		b.t.Error(err)
	}
	if log := b.srv.Log.String(); strings.Contains(log, "level=ERROR") {
		b.t.Errorf("errors in the log:\n%s", log)
	}
	lines := strings.Split(strings.TrimSpace(b.srv.Log.String()), "\n")
	if last := lines[len(lines)-1]; !strings.Contains(last, "msg=reloaded") || !strings.Contains(last, "versions=") ||
		!strings.Contains(last, "versions=1 ") && !strings.Contains(last, "versions=2 ") {
		b.t.Errorf("versions are held that nobody runs on: %s", last)
	}
}
