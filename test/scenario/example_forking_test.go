package scenario

import (
	"testing"
	"time"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

// house is the hotline of the forking example with the phones of alice and bob at the desk, carol and dave in the office.
type house struct {
	caller, alice, bob, carol, dave *siptest.UA
}

func forking(t *testing.T, ladder string, f func(t *testing.T, s *siptest.Scene, h house)) {
	t.Helper()
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		Start(t, s, Example(t, "forking.lua"), Options{})
		nameServer(s)
		h := house{
			caller: s.UA("caller", "192.0.2.10:5060", sip.UDP).Reliable(),
			alice:  s.UA("alice", "192.0.2.20:5060", sip.UDP).AutoAnswer(time.Hour),
			bob:    s.UA("bob", "192.0.2.30:5060", sip.UDP).AutoAnswer(time.Hour),
			carol:  s.UA("carol", "192.0.2.40:5060", sip.UDP).AutoAnswer(time.Hour),
			dave:   s.UA("dave", "192.0.2.50:5060", sip.UDP).AutoAnswer(time.Hour),
		}
		for _, u := range []*siptest.UA{h.alice, h.bob, h.carol, h.dave} {
			u.Register("", "")
		}
		f(t, s, h)
		siptest.Golden(t, "testdata/forking_"+ladder+".ladder", s.Ladder())
	})
}

func (h house) call() *sip.Message {
	return h.caller.Request(sip.INVITE, "sip:hotline@192.0.2.1", siptest.SDP(h.caller.Addr().Addr()))
}

// talk acknowledges the answer and hangs up.
func (h house) talk(answer *sip.Message) {
	d := h.caller.Dialog(answer)
	d.ACK()
	time.Sleep(time.Second)
	d.BYE()
	h.caller.Expect("200 BYE", time.Second)
}

func TestForkingExampleStopsTheOthersWhenOneAtTheDeskAnswers(t *testing.T) {
	forking(t, "desk", func(t *testing.T, s *siptest.Scene, h house) {
		h.bob.AutoAnswer(2 * time.Second)
		h.call()
		h.talk(h.caller.Expect("200 INVITE", 5*time.Second))
	})
}

func TestForkingExampleRingsTheOfficeOneAfterTheOther(t *testing.T) {
	forking(t, "office", func(t *testing.T, s *siptest.Scene, h house) {
		h.alice.AutoReply(486)
		h.bob.AutoReply(486)
		h.dave.AutoAnswer(2 * time.Second)
		h.call()
		h.talk(h.caller.Expect("200 INVITE", 15*time.Second))
	})
}

func TestForkingExampleRingsEverybodyInTheEnd(t *testing.T) {
	forking(t, "everybody", func(t *testing.T, s *siptest.Scene, h house) {
		h.carol.AutoAnswer(12 * time.Second) // longer than it rings alone
		h.call()
		h.talk(h.caller.Expect("200 INVITE", 60*time.Second))
	})
}

func TestForkingExampleEndsWhenTheCallerHangsUp(t *testing.T) {
	forking(t, "cancel", func(t *testing.T, s *siptest.Scene, h house) {
		invite := h.call()
		h.caller.Expect("180", time.Second)
		time.Sleep(12 * time.Second)
		h.caller.CANCEL(invite)
		h.caller.Expect("487", time.Second)
		h.dave.ExpectNone(time.Minute)
	})
}

func TestForkingExampleTakesADeclineForAnAnswer(t *testing.T) {
	forking(t, "decline", func(t *testing.T, s *siptest.Scene, h house) {
		h.bob.AutoReply(603)
		h.call()
		h.caller.Expect("603", time.Second)
		time.Sleep(time.Second) // for the ACKs
	})
}

func TestForkingExampleKnowsOneNumber(t *testing.T) {
	forking(t, "unknown", func(t *testing.T, s *siptest.Scene, h house) {
		h.caller.Request(sip.INVITE, "sip:alice@192.0.2.1")
		h.caller.Expect("404", time.Second)
		h.caller.Request(sip.INVITE, "sip:hotline@example.com")
		h.caller.Expect("404", time.Second)
		time.Sleep(time.Second) // for the ACK
	})
}
