package scenario

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sipscript/sipscript/engine/media"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/resolve"
	"github.com/sipscript/sipscript/sip/siptest"
)

// The storm of forks again, with all that can be asked of a call: each has one end, gives its limit and its ports back, and is forgotten.
func TestStormOfTrackedCalls(t *testing.T) {
	script := strings.Replace(stormScript, `sip.on("INVITE", function(req)`, `sip.on("INVITE", function(req)
		assert(req:limit("all", 100))
		req.vars.plan = 1`, 1)
	script = strings.Replace(script, "return given", `given.media, given.max_duration = "relay", 30
		given.caller_id, given.credentials = "100", { username = "u", password = "p" }
		return given`, 1) + logEnd
	script = strings.Replace(script, "req:reply(step.reply)", "req:reply(step.reply == 200 and 480 or step.reply)", 1) // nobody would hang up
	for seed := range uint64(16) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			o := Options{
				Seed: byte(seed), Names: resolve.Static{"farm.example": {phoneAt(0), phoneAt(1), phoneAt(2)}},
				Relay: &media.Config{Timeout: -1}, Late: seed%2 == 1,
			}
			play(t, script, o, func(t *testing.T, s *siptest.Scene, srv *Server) {
				chance := rand.New(rand.NewPCG(seed, 2))
				for i := range phones {
					storm(s.UA(fmt.Sprint("phone", i), phoneAt(i).String()+":5060", sip.UDP), seed)
				}
				const calls = 10
				for i := range calls {
					caller := s.UA(fmt.Sprint("caller", i), fmt.Sprintf("192.0.2.%d:5060", 100+i), sip.UDP).Reliable()
					caller.Handle(func(m *sip.Message) {
						if m.Method() == sip.BYE {
							caller.Reply(m, 200)
						}
					})
					plan, err := json.Marshal(stormPlan(chance))
					if err != nil {
						t.Fatal(err)
					}
					sent := caller.Request("INVITE", "sip:team@192.0.2.1", siptest.Header("X-Plan", string(plan)),
						audio(netip.AddrPortFrom(caller.Addr().Addr(), 4000)))
					if chance.IntN(3) == 0 {
						time.AfterFunc(time.Duration(chance.IntN(20_000))*time.Millisecond, func() { caller.CANCEL(sent) })
					}
					time.Sleep(time.Duration(chance.IntN(2000)) * time.Millisecond)
				}
				time.Sleep(15 * time.Minute)
				for callID, end := range endsOf(s) {
					slices.Sort(end.finals)
					finals := slices.Compact(end.finals)
					if failed := func(f string) bool { return f[0] != '2' }; len(finals) == 0 || len(finals) > 1 && slices.ContainsFunc(finals, failed) {
						t.Errorf("%s ended with %q", callID, finals)
					}
					if n := endsTold(srv, callID); n != 1 {
						t.Errorf("told %d times of the end of %s", n, callID)
					}
					for tag, taken := range end.taken {
						if !taken {
							t.Errorf("%s: the answer of %s was lost", callID, tag)
						}
					}
				}
				if n := endsTold(srv); n != calls {
					t.Errorf("%d ends of %d calls", n, calls)
				}
				if n, up := srv.Engine.Tracked(), srv.Engine.Counts.Up("all"); n != 0 || up != 0 {
					t.Errorf("%d calls tracked and %d counted when all is over", n, up)
				}
				if ports := slices.DeleteFunc(s.Net.Open(), func(socket string) bool { return !strings.Contains(socket, "192.0.2.1:2") }); len(ports) > 0 {
					t.Errorf("ports of media are open: %q", ports)
				}
				if text := srv.Log.String(); strings.Contains(text, "level=ERROR") {
					t.Errorf("errors in the log:\n%s", text)
				}
			})
		})
	}
}

// The server goes down under a call: its record says so, and that nobody knows more.
func TestShutdownEndsTheRecords(t *testing.T) {
	file := &sheet{}
	play(t, proxyTo(`"sip:bob@192.0.2.20"`), Options{Engine: recorded, Append: file.open}, func(t *testing.T, s *siptest.Scene, srv *Server) {
		a, b := alice(s), bob(s)
		caller, _ := talk(t, a, b)
		time.Sleep(7 * time.Second)
		srv.Host.Stop()
		srv.Engine.Close()
		lines := file.lines(t)
		if len(lines) != 1 || lines[0]["call_id"] != caller.CallID || lines[0]["ended_by"] != "shutdown" || lines[0]["duration"].(float64) < 7 {
			t.Errorf("lines %v", lines)
		}
	})
}

// A description waits for a relay elsewhere while the call goes on without it.
func TestCancelWhileADescriptionIsRewritten(t *testing.T) {
	for name, when := range map[string]time.Duration{"offer": 0, "answer": 3 * time.Millisecond, "behind it": 20 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			relayed(t, anchoring, func(v *voices) {
				sent := v.a.Request(sip.INVITE, "sip:bob@192.0.2.1", audio(v.mouth.addr))
				if name == "offer" {
					time.Sleep(3 * time.Millisecond)
					v.a.CANCEL(sent)
				} else {
					v.b.Reply(v.b.Expect(sip.INVITE, soon), 200, audio(v.ear.addr))
					time.Sleep(when)
					v.a.CANCEL(sent)
				}
				time.Sleep(soon)
				final := v.a.Final(sent)
				switch {
				case final.Status() == 487, final.Status() == 408: // bob may have got the INVITE, and says nothing
					v.a.ACK(final)
				case final.Status() == 200:
					caller := v.a.Dialog(final)
					caller.ACK()
					caller.BYE()
				default:
					v.t.Errorf("the caller got %d", final.Status())
				}
				time.Sleep(soon)
				v.b.Handle(func(m *sip.Message) {
					if m.Method() == sip.BYE {
						v.b.Reply(m, 200)
					}
				})
				time.Sleep(40 * time.Second)
				if n := v.srv.Engine.Tracked(); n != 0 {
					v.t.Errorf("%d calls tracked", n)
				}
				if n := endsTold(v.srv); n != 1 {
					v.t.Errorf("told of %d ends:\n%s", n, v.srv.Log)
				}
			})
		})
	}
}
