package siptest_test

import (
	"testing"
	"time"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

func ExampleRun() {
	_ = func(t *testing.T) {
		siptest.Run(t, siptest.Setting{Seed: 7}, func(t *testing.T, s *siptest.Scene) {
			// The program under test listens on s.Net.Host(netip.MustParseAddr("192.0.2.1")).
			alice := s.UA("alice", "192.0.2.10:5060", sip.UDP)
			bob := s.UA("bob", "192.0.2.20:5060", sip.UDP)
			bob.Register("", "")

			alice.Request(sip.INVITE, bob.AOR(), siptest.SDP(alice.Addr().Addr()))
			invite := bob.Expect("INVITE", time.Second)
			bob.Reply(invite, 180)
			alice.Expect("180", time.Second)
			bob.Reply(invite, 200, siptest.SDP(bob.Addr().Addr()))
			call := alice.Dialog(alice.Expect("200 INVITE", time.Second))
			call.ACK()
			bob.Expect("ACK", time.Second)
			call.BYE()
			bob.Reply(bob.Expect("BYE", time.Second), 200)
			alice.Expect("200 BYE", time.Second)

			siptest.Golden(t, "testdata/call.ladder", s.Ladder())
		})
	}
}
