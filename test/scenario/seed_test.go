package scenario

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

// busy is a script that leans on everything that draws random numbers or waits: tags, branches, nonces, math.random,
// timers, forking, look-ups in the location store.
const busy = `
	local users = {}
	for i = 1, 8 do users["callee" .. i] = "secret" end
	sip.on("REGISTER", function(req)
		if not auth.require(req, { users = users }) then return end
		registrar.save(req)
	end)
	sip.on("INVITE", function(req)
		sleep(math.random() / 10)
		local result = req:proxy(location.lookup(req.uri), { timeout = 5 })
		if result.cause ~= "answered" then
			req:set_header("X-Chance", tostring(math.random(1000000)))
			req:proxy(location.lookup("sip:callee1@192.0.2.1"))
		end
	end)
	sip.on("MESSAGE", function(req)
		sleep(0.3)
		req:proxy(location.lookup(req.uri))
	end)
	sip.every(0.7, function() kv.incr("ticks") end)`

// playBusy plays a busy minute over a bad network and returns every packet of it.
func playBusy(t *testing.T, seed uint64) (trace string) {
	t.Helper()
	setting := siptest.Setting{Seed: seed, Network: siptest.Options{Link: siptest.Link{
		Delay: 5 * time.Millisecond, Jitter: 20 * time.Millisecond, Loss: 0.1, Duplicate: 0.05, Reorder: 0.05,
	}}}
	siptest.Run(t, setting, func(t *testing.T, s *siptest.Scene) {
		cert, key := s.Net.Authority().IssuePEM("192.0.2.1")
		o := secureOptions(pemFiles{"cert": cert, "key": key, "ca": s.Net.Authority().PEM()})
		o.Engine.Domains, o.Seed = nil, byte(seed)
		Start(t, s, busy, o)
		var callers, callees []*siptest.UA
		for i := 1; i <= 8; i++ {
			over, server := sip.UDP, "192.0.2.1:5060"
			switch i % 4 {
			case 0:
				over = sip.TCP
			case 3:
				over, server = sip.TLS, "192.0.2.1:5061"
			}
			ua := func(name string, host int) *siptest.UA {
				return siptest.NewUA(t, s.Net, fmt.Sprint(name, i), fmt.Sprintf("192.0.2.%d:5060", host+i), over, server)
			}
			callees = append(callees, ua("callee", 20).AutoAnswer(time.Duration(i)*time.Second).Credentials(fmt.Sprint("callee", i), "secret"))
			callers = append(callers, ua("caller", 40).Reliable())
		}
		for i, u := range callees {
			if ok := u.Register("", ""); ok.Status() != 200 {
				t.Errorf("callee %d registered with %d", i, ok.Status())
			}
		}
		var invites, messages []*sip.Message
		for i, u := range callers {
			invites = append(invites, u.Request(sip.INVITE, fmt.Sprintf("sip:callee%d@192.0.2.1", i+1), siptest.SDP(u.Addr().Addr())))
			messages = append(messages, u.Request(sip.MESSAGE, fmt.Sprintf("sip:callee%d@192.0.2.1", 8-i), siptest.Body("text/plain", "hi")))
		}
		for i, u := range callers {
			if ok := u.Final(invites[i]); ok.Status() == 200 {
				d := u.Dialog(ok)
				d.ACK()
				time.Sleep(100 * time.Millisecond)
				d.BYE()
			}
			u.Final(messages[i])
		}
		time.Sleep(40 * time.Second)
		trace = s.Net.Trace().String()
	})
	return trace
}

func TestSameSeedMakesTheSameTrace(t *testing.T) {
	t.Parallel()
	first := playBusy(t, 7)
	for range 3 {
		if again := playBusy(t, 7); again != first {
			t.Fatal(firstDifference(first, again))
		}
	}
	if other := playBusy(t, 8); other == first {
		t.Error("another seed made the same trace: the test shows nothing")
	}
	if n := strings.Count(first, "\n"); n < 200 {
		t.Errorf("only %d packets", n)
	}
}

func firstDifference(a, b string) string {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			return fmt.Sprintf("the runs differ from packet %d on:\n%s\n%s", i, x[i], y[i])
		}
	}
	return fmt.Sprintf("one run has %d packets, the other %d", len(x), len(y))
}
