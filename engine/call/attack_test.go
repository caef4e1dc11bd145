package call_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sipscript/sipscript/engine"
	"github.com/sipscript/sipscript/engine/call"
	"github.com/sipscript/sipscript/engine/proxy"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

// A leg that hangs up instead of answering the re-INVITE that is to join it with another one ends the wait of that.
func TestALegThatGoesWhileItIsJoinedEndsTheWait(t *testing.T) {
	playFor(t, func(s *stage) engine.Script {
		return scripted(func(r *engine.Request, c *call.Call) {
			c.Answer(func(err error) {
				if err != nil {
					t.Error(err)
				}
				s.engine.Originate(r.Loop(), targets(toBob), call.DialOptions{}, func(leg *call.Call, res proxy.Result) {
					if leg == nil {
						t.Errorf("bob: %d", res.Code)
						return
					}
					c.Bridge(leg, call.BridgeOptions{}, func(end call.BridgeEnd) {
						s.seen.add(end)
						hangUp(c)
						_ = r.End()
					})
				})
			})
		})
	}, func(s *stage) {
		s.alice.Request("INVITE", "sip:bob@192.0.2.1", with("alice"))
		s.alice.Dialog(s.alice.Expect("200", soon)).ACK()
		out := s.bob.Expect("INVITE", soon)
		s.bob.Reply(out, 200, with("bob"))
		s.bob.Expect("ACK", soon)
		again := s.bob.Expect("INVITE", soon)
		s.bob.Dialog(out).BYE()
		s.bob.Expect("200 BYE", soon)
		refuse(s.bob, again, 487)
		s.alice.Reply(s.alice.Expect("BYE", soon), 200)
		s.seen.are(t, call.EndFailed)
	})
}

// The one who joins goes while the other one is asked: that has agreed to talk with nobody, and gets BYE.
func TestALegThatGoesWhileItJoinsAnotherEndsThatOne(t *testing.T) {
	playFor(t, func(s *stage) engine.Script {
		return scripted(func(r *engine.Request, c *call.Call) {
			c.Answer(func(error) {
				s.engine.Originate(r.Loop(), targets(toBob), call.DialOptions{}, func(leg *call.Call, _ proxy.Result) {
					c.Bridge(leg, call.BridgeOptions{}, func(end call.BridgeEnd) {
						s.seen.add(end)
						_ = r.End()
					})
				})
			})
		})
	}, func(s *stage) {
		s.alice.Request("INVITE", "sip:bob@192.0.2.1", with("alice"))
		caller := s.alice.Dialog(s.alice.Expect("200", soon))
		caller.ACK()
		s.bob.Reply(s.bob.Expect("INVITE", soon), 200, with("bob"))
		s.bob.Expect("ACK", soon)
		again := s.bob.Expect("INVITE", soon)
		caller.BYE()
		s.alice.Expect("200 BYE", soon)
		time.Sleep(soon)
		s.bob.Reply(again, 200, with("bob with alice"))
		s.bob.Expect("ACK", soon)
		s.bob.Reply(s.bob.Expect("BYE", soon), 200)
		s.seen.are(t, call.EndCaller)
	})
}

// A re-INVITE that was passed to a side that hangs up has its final response, though the one that has sent it stays.
func TestAReInviteIsAnsweredWhenTheOtherSideGoes(t *testing.T) {
	playFor(t, func(s *stage) engine.Script {
		return dialAndBridge(s, call.BridgeOptions{}, func(c *call.Call) {})
	}, func(s *stage) {
		c := s.connect()
		c.caller.ReINVITE(with("alice holds"))
		in := s.bob.Expect("INVITE", soon)
		c.callee.BYE()
		s.bob.Expect("200 BYE", soon)
		refuse(s.bob, in, 487)
		s.alice.ACK(s.alice.Expect("480 INVITE", soon))
		s.seen.are(t, call.EndCallee)
		c.caller.BYE()
		s.alice.Expect("200 BYE", soon)
	})
}

// Each 2xx that has no ACK is repeated for 32 s: a peer that never acknowledges does not get any number of them.
func TestAPeerThatNeverAcknowledgesIsNotAnsweredForEver(t *testing.T) {
	playFor(t, func(*stage) engine.Script {
		return scripted(func(_ *engine.Request, c *call.Call) { c.Answer(func(error) {}) })
	}, func(s *stage) {
		s.alice.Request("INVITE", "sip:bob@192.0.2.1", with("alice"))
		d := s.alice.Dialog(s.alice.Expect("200", soon))
		d.ACK()
		for range 8 {
			d.ReINVITE(with("alice"))
			s.alice.Expect("200 INVITE", soon)
		}
		d.ReINVITE(with("alice"))
		refused := s.alice.Expect("500 INVITE", soon)
		if header(refused, "Retry-After") == "" {
			t.Error("it is not told when to try again")
		}
		s.alice.ACK(refused)
		d.BYE()
		s.alice.Expect("200 BYE", soon)
	})
}

// A callee cannot make any number of dialogs of one INVITE by To tags.
func TestACalleeMakesABoundedNumberOfEarlyDialogs(t *testing.T) {
	play(t, b2bua(call.DialOptions{}, toBob), func(s *stage) {
		invite := s.alice.Request("INVITE", "sip:bob@192.0.2.1", with("alice"))
		out := s.bob.Expect("INVITE", soon)
		for i := range 1000 {
			s.bob.Send(ringingOf(out, fmt.Sprint("tag", i)))
		}
		time.Sleep(soon)
		rang := 0
		for _, line := range s.alice.Unread() {
			if strings.Contains(line, "180") {
				rang++
			}
		}
		if rang == 0 || rang > 128 {
			t.Errorf("it has rung in %d dialogs", rang)
		}
		s.alice.CANCEL(invite)
		s.alice.ACK(s.alice.Expect("487", soon))
		s.bob.Reply(s.bob.Expect(sip.CANCEL, soon), 200)
		refuse(s.bob, out, 487)
	})
}

// What one peer says is passed on to the other, but not without a bound: each request that is not answered stands for 32 s.
func TestAPeerCannotFloodTheOther(t *testing.T) {
	play(t, b2bua(call.DialOptions{}, toBob), func(s *stage) {
		c := s.connect()
		for range 500 {
			c.caller.Request("MESSAGE", siptest.Body("text/plain", "hello"))
			c.caller.Request("INFO", siptest.Body("application/dtmf-relay", "Signal=5\r\n"))
		}
		time.Sleep(10 * soon)
		said := 0
		for _, line := range s.bob.Unread() {
			if strings.Contains(line, "MESSAGE") || strings.Contains(line, "INFO") {
				said++
			}
		}
		if said == 0 || said > 3*64 { // with those that are sent again
			t.Errorf("it was sent on %d times", said)
		}
		s.hangUp(c)
	})
}

// A callee that rings in a new way again and again does not have whoever has transferred to it told each time, if that does not answer.
func TestACalleeCannotFloodTheTransferor(t *testing.T) {
	playScript(t, transferring{b2bua(call.DialOptions{}, toBob)}, func(s *stage) {
		c := s.connect()
		c.callee.Request("REFER", siptest.Header("Refer-To", "<sip:carol@192.0.2.1>"))
		s.bob.Expect("202", soon)
		in := s.carol.Expect("INVITE", soon)
		for i := range 500 {
			s.carol.Reply(in, 180+i%4)
		}
		time.Sleep(5 * soon)
		told := 0
		for _, line := range s.bob.Unread() {
			if strings.Contains(line, "NOTIFY") {
				told++
			}
		}
		if told == 0 || told > 3*64 {
			t.Errorf("it was told %d times", told)
		}
		c.caller.BYE()
		s.alice.Expect("200 BYE", soon)
		s.bob.Reply(s.bob.Expect("BYE", soon), 200)
		s.carol.Reply(s.carol.Expect("CANCEL", soon), 200)
		refuse(s.carol, in, 487)
	})
}

// undecided is a script that never says where a REFER may lead.
type undecided struct{ engine.ScriptFunc }

// Transfer implements engine.TransferDecider.
func (undecided) Transfer(*engine.Transfer) bool { return true }

// A peer cannot keep any number of scripts busy with REFERs.
func TestAPeerHasABoundedNumberOfTransfersUnderWay(t *testing.T) {
	playScript(t, undecided{b2bua(call.DialOptions{}, toBob)}, func(s *stage) {
		c := s.connect()
		for range 4 {
			c.caller.Request("REFER", siptest.Header("Refer-To", "<sip:carol@192.0.2.1>"))
		}
		s.alice.ExpectNone(soon, "REFER")
		c.caller.Request("REFER", siptest.Header("Refer-To", "<sip:carol@192.0.2.1>"))
		s.alice.Expect("500 REFER", soon)
		s.hangUp(c)
		for range 4 {
			s.alice.Expect("487 REFER", soon)
		}
	})
}

func ringingOf(invite *sip.Message, tag string) string {
	var b strings.Builder
	b.WriteString("SIP/2.0 180 Ringing\r\n")
	for _, n := range []string{"Via", "From", "To", "Call-ID", "CSeq"} {
		v := header(invite, n)
		if n == "To" {
			v += ";tag=" + tag
		}
		b.WriteString(n + ": " + v + "\r\n")
	}
	return b.String() + "Contact: <sip:bob@192.0.2.20>\r\nContent-Length: 0\r\n\r\n"
}
