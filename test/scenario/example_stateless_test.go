package scenario

import (
	"testing"
	"time"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

// stateless plays a test with the stateless example: a phone before it, two servers behind it.
func stateless(t *testing.T, ladder string, f func(t *testing.T, phone, one, two *siptest.UA)) {
	t.Helper()
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		Start(t, s, Example(t, "stateless.lua"), Options{})
		nameServer(s)
		f(t, s.UA("phone", "192.0.2.10:5060", sip.UDP).Reliable(),
			s.UA("one", "192.0.2.101:5060", sip.UDP).Reliable(), s.UA("two", "192.0.2.102:5060", sip.UDP).Reliable())
		siptest.Golden(t, "testdata/stateless_"+ladder+".ladder", s.Ladder())
	})
}

func TestStatelessExampleSpreadsUsersOverTheServers(t *testing.T) {
	stateless(t, "register", func(t *testing.T, phone, one, two *siptest.UA) {
		one.AutoReply(200)
		two.AutoReply(200)
		for _, user := range []string{"alice", "bob", "carol"} {
			phone.Register("sip:"+user+"@192.0.2.1", "")
		}
	})
}

func TestStatelessExampleSendsAllOfACallTheSameWay(t *testing.T) {
	stateless(t, "call", func(t *testing.T, phone, one, two *siptest.UA) {
		one.Handle(func(*sip.Message) { t.Error("the other server got something") })
		phone.Request(sip.INVITE, "sip:alice@192.0.2.1", siptest.SDP(phone.Addr().Addr()))
		invite := two.Expect(sip.INVITE, time.Second)
		two.Reply(invite, 180)
		phone.Expect("180", time.Second)
		two.Reply(invite, 200, siptest.SDP(two.Addr().Addr()))
		d := phone.Dialog(phone.Expect("200 INVITE", time.Second))
		d.ACK()
		two.Expect(sip.ACK, time.Second)
		d.BYE() // without a Record-Route it goes straight to the other end
		two.Reply(two.Expect(sip.BYE, time.Second), 200)
		phone.Expect("200 BYE", time.Second)
	})
}

func TestStatelessExampleSendsCancelAndAckAfterTheCall(t *testing.T) {
	stateless(t, "cancel", func(t *testing.T, phone, one, two *siptest.UA) {
		two.AutoAnswer(time.Minute)
		invite := phone.Request(sip.INVITE, "sip:alice@192.0.2.1", siptest.SDP(phone.Addr().Addr()))
		phone.Expect("180", time.Second)
		phone.CANCEL(invite)
		phone.Expect("200 CANCEL", time.Second)
		phone.Expect("487", time.Second)
		time.Sleep(time.Minute) // the ACK has ended the 487: nothing more comes
	})
}

func TestStatelessExampleLeavesRetransmissionToTheEnds(t *testing.T) {
	stateless(t, "loss", func(t *testing.T, phone, one, two *siptest.UA) {
		two.AutoReply(486)
		phone.Request(sip.INVITE, "sip:alice@192.0.2.1", siptest.SDP(phone.Addr().Addr()))
		two.Close()
		phone.ExpectNone(33 * time.Second)
	})
}
