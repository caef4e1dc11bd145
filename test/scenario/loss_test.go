package scenario

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

// At thirty percent loss a request or its answer is lost every second time; retransmission sees to it that calls,
// registrations and messages come through all the same, and none of them twice.
func TestEverythingCompletesThoughThirtyPercentIsLost(t *testing.T) {
	t.Parallel()
	for seed := range uint64(12) {
		t.Run(fmt.Sprint("seed ", seed+1), func(t *testing.T) {
			t.Parallel()
			setting := siptest.Setting{Seed: seed + 1, Network: siptest.Options{Link: siptest.Link{Loss: 0.3, Jitter: 30 * ms, Duplicate: 0.05}}}
			siptest.Run(t, setting, func(t *testing.T, s *siptest.Scene) {
				srv := Start(t, s, `
					sip.on("REGISTER", function(req) registrar.save(req) end)
					sip.on("INVITE", function(req)
						kv.incr("calls")
						req:proxy(location.lookup(req.uri))
					end)
					sip.on("MESSAGE", function(req)
						kv.incr("messages")
						req:proxy(location.lookup(req.uri))
					end)`, Options{Seed: byte(seed)})
				alice := s.UA("alice", "192.0.2.10:5060", sip.UDP).Reliable()
				bob := s.UA("bob", "192.0.2.20:5060", sip.UDP).Reliable()
				if ok := bob.Register("", ""); ok.Status() != 200 {
					t.Fatalf("REGISTER got %d", ok.Status())
				}
				invite := alice.Request(sip.INVITE, "sip:bob@192.0.2.1", siptest.SDP(alice.Addr().Addr()))
				offer := bob.Expect(sip.INVITE, 32*time.Second)
				bob.Reply(offer, 180) // may be lost for good
				bob.Reply(offer, 200, siptest.SDP(bob.Addr().Addr()))
				caller, callee := alice.Dialog(alice.Final(invite)), bob.Dialog(offer)
				caller.ACK() // two phones may lose every one of eleven 200 and ACK between them: that is not the server's to mend
				caller.ReINVITE(siptest.SDP(alice.Addr().Addr()))
				bob.Reply(bob.Expect(sip.INVITE, 32*time.Second), 200, siptest.SDP(bob.Addr().Addr()))
				caller.Accepted(alice.Expect("200 INVITE", 32*time.Second)).ACK()
				callee.BYE()
				alice.Reply(alice.Expect(sip.BYE, 32*time.Second), 200)
				bob.Expect("200 BYE", 32*time.Second)

				message := alice.Request(sip.MESSAGE, "sip:bob@192.0.2.1", siptest.Body("text/plain", "hi"))
				bob.Reply(bob.Expect(sip.MESSAGE, 32*time.Second), 200)
				if got := alice.Final(message); got.Status() != 200 {
					t.Errorf("MESSAGE got %d", got.Status())
				}

				invite = alice.Request(sip.INVITE, "sip:bob@192.0.2.1")
				bob.Reply(bob.Expect(sip.INVITE, 32*time.Second), 486)
				if got := alice.Final(invite); got.Status() != 486 {
					t.Errorf("the second call got %d", got.Status())
				}

				invite = alice.Request(sip.INVITE, "sip:bob@192.0.2.1")
				ringing := bob.Expect(sip.INVITE, 32*time.Second)
				bob.Reply(ringing, 180)
				time.Sleep(2 * time.Second)
				alice.CANCEL(invite)
				bob.Reply(bob.Expect(sip.CANCEL, 64*time.Second), 200)
				bob.Reply(ringing, 487)
				if got := alice.Final(invite); got.Status() != 487 {
					t.Errorf("the cancelled call got %d", got.Status())
				}
				time.Sleep(time.Minute)
				left := slices.DeleteFunc(bob.Unread(), func(m string) bool { return m == sip.ACK || strings.HasPrefix(m, "100 ") })
				if len(left) > 0 {
					t.Errorf("bob also got %q: a copy was taken for something new", left)
				}
				for key, want := range map[string]float64{"calls": 3, "messages": 1} {
					if got := srv.Engine.KV.Get(key).Number(); got != want {
						t.Errorf("the script saw %v %s, want %v", got, key, want)
					}
				}
			})
		})
	}
}

func TestCallSurvivesALinkThatIsCutForAWhile(t *testing.T) {
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		Start(t, s, `sip.on("INVITE", function(req) req:proxy("sip:bob@192.0.2.20") end)`, Options{})
		alice := s.UA("alice", "192.0.2.10:5060", sip.UDP).Reliable()
		bob := s.UA("bob", "192.0.2.20:5060", sip.UDP).Reliable()
		server := serverHost(s, "")
		s.Net.Partition(server, bob.Host())
		request := alice.Request(sip.INVITE, "sip:bob@192.0.2.1")
		time.Sleep(10 * time.Second)
		s.Net.Heal(server, bob.Host())
		invite := bob.Expect(sip.INVITE, 6*time.Second)
		bob.Reply(invite, 180)
		alice.Expect("180", time.Second)
		s.Net.Partition(server, alice.Host())
		bob.Reply(invite, 200)
		time.Sleep(10 * time.Second)
		s.Net.Heal(server, alice.Host())
		answer := alice.Final(request) // bob repeats it until the ACK
		alice.Dialog(answer).ACK()
		bob.Expect(sip.ACK, time.Second)
	})
}
