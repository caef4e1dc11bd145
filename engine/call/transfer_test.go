package call_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sipscript/sipscript/engine"
	"github.com/sipscript/sipscript/engine/call"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

// heardOf takes a NOTIFY of a transfer and answers it.
func (s *stage) heardOf(u *siptest.UA, fragment, state string) *sip.Message {
	s.t.Helper()
	m := u.Expect("NOTIFY", 2*time.Second)
	u.Reply(m, 200)
	if got := strings.TrimSpace(string(m.Body())); got != "SIP/2.0 "+fragment {
		s.t.Errorf("told %q, not %q", got, fragment)
	}
	if got := header(m, "Subscription-State"); !strings.HasPrefix(got, state) {
		s.t.Errorf("Subscription-State %q", got)
	}
	if kind := header(m, "Content-Type"); kind != "message/sipfrag;version=2.0" {
		s.t.Errorf("Content-Type %q", kind)
	}
	return m
}

// transferring is b2bua with a script that lets a REFER lead to any phone.
type transferring struct{ engine.ScriptFunc }

// Transfer implements engine.TransferDecider.
func (transferring) Transfer(t *engine.Transfer) bool {
	t.Accept(targets(strings.Replace(t.Target, "192.0.2.1", "192.0.2.30", 1)), call.DialOptions{})
	return true
}

// B107: a blind transfer: 202, a NOTIFY at once and one for what happens, the last one terminated; then BYE.
func TestB107ABlindTransferConnectsTheParty(t *testing.T) {
	for _, by := range []string{"callee", "caller"} {
		t.Run("by the "+by, func(t *testing.T) {
			playScript(t, transferring{b2bua(call.DialOptions{}, toBob)}, func(s *stage) {
				c := s.connect()
				transferor, leaves := s.bob, c.callee
				party, stays, name := s.alice, c.caller, "alice"
				if by == "caller" {
					transferor, leaves, party, stays, name = s.alice, c.caller, s.bob, c.callee, "bob"
				}
				leaves.Request("REFER", siptest.Header("Refer-To", "<sip:carol@192.0.2.1>"), siptest.Header("Referred-By", "<sip:x@example.org>"))
				transferor.Expect("202", soon)
				s.heardOf(transferor, "100 Trying", "active")
				out := s.carol.Expect("INVITE", soon)
				holds(t, out, name)
				if got := header(out, "Referred-By"); got != "<sip:x@example.org>" {
					t.Errorf("Referred-By %q", got)
				}
				s.carol.Reply(out, 180)
				s.heardOf(transferor, "180 Ringing", "active")
				s.carol.Reply(out, 200, with("carol"))
				s.carol.Expect("ACK", soon)
				s.heardOf(transferor, "200 OK", "terminated;reason=noresource")
				transferor.Reply(transferor.Expect("BYE", soon), 200)
				in := party.Expect("INVITE", soon) // carol says other things than who has left
				holds(t, in, "carol")
				party.Reply(in, 200, with(name))
				party.Expect("ACK", soon)
				stays.BYE()
				party.Expect("200 BYE", soon)
				s.carol.Reply(s.carol.Expect("BYE", soon), 200)
			})
		})
	}
}

// The original call is kept when the target of a transfer fails.
func TestATransferThatFailsLeavesTheCallAsItWas(t *testing.T) {
	playScript(t, transferring{b2bua(call.DialOptions{}, toBob)}, func(s *stage) {
		c := s.connect()
		c.callee.Request("REFER", siptest.Header("Refer-To", "<sip:carol@192.0.2.1>"))
		s.bob.Expect("202", soon)
		s.heardOf(s.bob, "100 Trying", "active")
		refuse(s.carol, s.carol.Expect("INVITE", soon), 486)
		s.heardOf(s.bob, "486 Busy Here", "terminated;reason=noresource")
		s.alice.ExpectNone(soon, "BYE", "INVITE")
		c.callee.ReINVITE(with("bob is back"))
		in := s.alice.Expect("INVITE", soon)
		holds(t, in, "bob is back")
		s.alice.Reply(in, 200, with("alice"))
		s.alice.Expect("ACK", soon)
		c.callee.Accepted(s.bob.Expect("200 INVITE", soon)).ACK()
		s.hangUp(c)
	})
}

// A phone that hangs up as soon as its REFER was accepted does not end the transfer.
func TestATransferorThatHangsUpDoesNotEndTheTransfer(t *testing.T) {
	playScript(t, transferring{b2bua(call.DialOptions{}, toBob)}, func(s *stage) {
		c := s.connect()
		c.callee.Request("REFER", siptest.Header("Refer-To", "<sip:carol@192.0.2.1>"))
		s.bob.Expect("202", soon)
		s.heardOf(s.bob, "100 Trying", "active")
		out := s.carol.Expect("INVITE", soon)
		c.callee.BYE()
		s.bob.Expect("200 BYE", soon)
		s.alice.ExpectNone(soon, "BYE")
		s.carol.Reply(out, 200, with("carol"))
		s.carol.Expect("ACK", soon)
		in := s.alice.Expect("INVITE", soon)
		s.alice.Reply(in, 200, with("alice"))
		s.alice.Expect("ACK", soon)
		c.caller.BYE()
		s.alice.Expect("200 BYE", soon)
		s.carol.Reply(s.carol.Expect("BYE", soon), 200)
	})
}

// Without a script that allows it a REFER leads to what is registered here and nowhere else.
func TestB107AReferToTheWorldIsDeclined(t *testing.T) {
	play(t, b2bua(call.DialOptions{}, toBob), func(s *stage) {
		c := s.connect()
		c.callee.Request("REFER", siptest.Header("Refer-To", "<sip:0900123456@carrier.example>"))
		s.bob.Expect("603", soon)
		c.callee.Request("REFER", siptest.Header("Refer-To", "<sip:carol@192.0.2.1>"))
		s.bob.Expect("603", soon) // nobody is registered as carol
		s.hangUp(c)
	})
}

// B154: a REFER without or with two Refer-To is malformed; one does not subscribe to a transfer otherwise.
func TestB154AMalformedReferIsRefused(t *testing.T) {
	play(t, b2bua(call.DialOptions{}, toBob), func(s *stage) {
		c := s.connect()
		c.callee.Request("REFER")
		s.bob.Expect("400", soon)
		c.callee.Request("REFER", siptest.Header("Refer-To", "<sip:a@192.0.2.1>"), siptest.Header("Refer-To", "<sip:b@192.0.2.1>"))
		s.bob.Expect("400", soon)
		c.callee.Request("SUBSCRIBE", siptest.Header("Event", "refer"))
		s.bob.Expect("403", soon)
		s.hangUp(c)
	})
}

// B107, B154: no NOTIFYs are sent where none are wanted, and those of a second REFER say which they are of.
func TestB154NotificationsOfASecondReferCarryItsID(t *testing.T) {
	playScript(t, transferring{b2bua(call.DialOptions{}, toBob)}, func(s *stage) {
		c := s.connect()
		c.callee.Request("REFER", siptest.Header("Refer-To", "<sip:carol@192.0.2.1>"), siptest.Header("Refer-Sub", "false"))
		if got := header(s.bob.Expect("202", soon), "Refer-Sub"); got != "false" {
			t.Errorf("Refer-Sub %q", got)
		}
		refuse(s.carol, s.carol.Expect("INVITE", soon), 486)
		s.bob.ExpectNone(soon, "NOTIFY")
		refer := c.callee.Request("REFER", siptest.Header("Refer-To", "<sip:carol@192.0.2.1>"))
		s.bob.Expect("202", soon)
		number, _, _ := strings.Cut(header(refer, "CSeq"), " ")
		if got := header(s.heardOf(s.bob, "100 Trying", "active"), "Event"); got != "refer;id="+number {
			t.Errorf("Event %q", got)
		}
		refuse(s.carol, s.carol.Expect("INVITE", soon), 486)
		s.heardOf(s.bob, "486 Busy Here", "terminated")
		s.hangUp(c)
	})
}

// B154: who asks to be told no more of a transfer does not take it back, and who asks for longer is told how it stands.
func TestB154SubscriptionsToATransfer(t *testing.T) {
	playScript(t, transferring{b2bua(call.DialOptions{}, toBob)}, func(s *stage) {
		c := s.connect()
		subscribe := func(event, expires, answer string) {
			t.Helper()
			c.callee.Request("SUBSCRIBE", siptest.Header("Event", event), siptest.Header("Expires", expires))
			if r := s.bob.Expect(answer+" SUBSCRIBE", soon); answer == "200" && (header(r, "Expires") != expires || header(r, "Contact") == "") {
				t.Errorf("answered with\n%v", r)
			}
		}
		c.callee.Request("REFER", siptest.Header("Refer-To", "<sip:carol@192.0.2.1>"))
		s.bob.Expect("202", soon)
		s.heardOf(s.bob, "100 Trying", "active")
		out := s.carol.Expect("INVITE", soon)
		s.carol.Reply(out, 180)
		s.heardOf(s.bob, "180 Ringing", "active")
		subscribe("refer;id=77", "60", "403")
		subscribe("presence", "60", "403")
		subscribe("refer", "60", "200")
		s.heardOf(s.bob, "180 Ringing", "active;expires=60")
		subscribe("refer", "0", "200")
		s.heardOf(s.bob, "180 Ringing", "terminated;reason=timeout")
		subscribe("refer", "60", "403")
		s.carol.Reply(out, 200, with("carol"))
		s.carol.Expect("ACK", soon)
		s.bob.Reply(s.bob.Expect("BYE", soon), 200) // and no NOTIFY before it
		s.alice.Reply(s.alice.Expect("INVITE", soon), 200, with("alice"))
		s.alice.Expect("ACK", soon)
		c.caller.BYE()
		s.alice.Expect("200 BYE", soon)
		s.carol.Reply(s.carol.Expect("BYE", soon), 200)
	})
}

// An attended transfer joins the parties of two calls, on whichever shards their legs are (RFC 3891, RFC 5589 §7).
func TestB108AnAttendedTransferJoinsTwoCalls(t *testing.T) {
	route := func(r *engine.Request) {
		if r.InDialog() {
			r.FollowRoutes()
			return
		}
		to := toBob
		if strings.HasPrefix(r.Message.URIText(), "sip:carol@") {
			to = toCarol
		}
		b2bua(call.DialOptions{}, to)(r)
	}
	play(t, route, func(s *stage) {
		c := s.connect()
		s.bob.Request("INVITE", "sip:carol@192.0.2.1", with("bob asks"))
		s.carol.Reply(s.carol.Expect("INVITE", soon), 200, with("carol"))
		s.carol.Expect("ACK", soon)
		ok := s.bob.Expect("200 INVITE", soon)
		second := s.bob.Dialog(ok)
		second.ACK()
		time.Sleep(soon)
		replaces := fmt.Sprintf("%s%%3Bto-tag%%3D%s%%3Bfrom-tag%%3D%s", second.CallID, ok.ToTag(), ok.FromTag())
		c.callee.Request("REFER", siptest.Header("Refer-To", "<sip:carol@192.0.2.1?Replaces="+replaces+">"))
		s.bob.Expect("202", soon)
		s.heardOf(s.bob, "100 Trying", "active")

		in := s.carol.Expect("INVITE", soon)
		holds(t, in, "alice")
		s.carol.Reply(in, 200, with("carol with alice"))
		s.carol.Expect("ACK", soon)
		in = s.alice.Expect("INVITE", soon)
		holds(t, in, "carol with alice")
		s.alice.Reply(in, 200, with("alice"))
		s.alice.Expect("ACK", soon)
		s.heardOf(s.bob, "200 OK", "terminated")
		for range 2 {
			s.bob.Reply(s.bob.Expect("BYE", soon), 200)
		}
		c.caller.BYE()
		s.alice.Expect("200 BYE", soon)
		s.carol.Reply(s.carol.Expect("BYE", soon), 200)
	})
}

// A phone cannot connect its party with the party of a call that is somebody else's, though it knows the names of that.
func TestB108AnAttendedTransferWithTheCallOfSomebodyElseIsDeclined(t *testing.T) {
	play(t, func(r *engine.Request) {
		to := toBob
		if strings.HasPrefix(r.Message.URIText(), "sip:carol@") {
			to = toCarol
		}
		b2bua(call.DialOptions{}, to)(r)
	}, func(s *stage) {
		c := s.connect()
		dave := s.UA("dave", "192.0.2.40:5060", sip.UDP)
		dave.Request("INVITE", "sip:carol@192.0.2.1", with("dave"))
		s.carol.Reply(s.carol.Expect("INVITE", soon), 200, with("carol"))
		s.carol.Expect("ACK", soon)
		ok := dave.Expect("200 INVITE", soon)
		other := dave.Dialog(ok)
		other.ACK()
		time.Sleep(soon)
		replaces := fmt.Sprintf("%s%%3Bto-tag%%3D%s%%3Bfrom-tag%%3D%s", other.CallID, ok.ToTag(), ok.FromTag())
		c.callee.Request("REFER", siptest.Header("Refer-To", "<sip:carol@192.0.2.1?Replaces="+replaces+">"))
		s.bob.Expect("603 REFER", soon)
		for _, u := range []*siptest.UA{s.alice, s.carol, dave} {
			u.ExpectNone(soon)
		}
		s.hangUp(c)
		other.BYE()
		dave.Expect("200 BYE", soon)
		s.carol.Reply(s.carol.Expect("BYE", soon), 200)
	})
}

// A REFER of ours: the peer calls somebody else, and tells how that goes.
func TestThisServerTransfersItsPeer(t *testing.T) {
	outcome := make(chan error, 8)
	script := func(r *engine.Request) {
		if r.InDialog() {
			r.FollowRoutes()
			return
		}
		r.Park()
		leg, err := r.Accept(call.Options{})
		if err != nil {
			t.Error(err)
			return
		}
		leg.Answer(func(error) {})
		r.Loop().After(time.Second, func() {
			leg.Transfer("sip:carol@192.0.2.30", func(err error) {
				outcome <- err
				leg.Hangup(call.Cause{By: call.ByServer})
				_ = r.End()
			})
		})
	}
	play(t, script, func(s *stage) {
		s.alice.Request("INVITE", "sip:bob@192.0.2.1", with("alice"))
		dialog := s.alice.Dialog(s.alice.Expect("200", soon))
		dialog.ACK()
		refer := s.alice.Expect("REFER", 2*time.Second)
		if got := header(refer, "Refer-To"); got != "<sip:carol@192.0.2.30>" {
			t.Errorf("Refer-To %q", got)
		}
		s.alice.Reply(refer, 202)
		notify := func(state, fragment string) {
			dialog.Request("NOTIFY", siptest.Header("Event", "refer"), siptest.Header("Subscription-State", state), siptest.Body("message/sipfrag", fragment))
			s.alice.Expect("200 NOTIFY", soon)
		}
		notify("active;expires=60", "SIP/2.0 100 Trying\r\n")
		notify("terminated;reason=noresource", "SIP/2.0 200 OK\r\n")
		s.alice.Reply(s.alice.Expect("BYE", soon), 200)
		if err := <-outcome; err != nil {
			t.Error(err)
		}
	})
}
