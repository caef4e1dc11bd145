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

// solo is a script that answers every caller by itself and gives the leg to f.
func solo(f func(c *call.Call)) engine.ScriptFunc {
	return func(r *engine.Request) {
		r.Park()
		c, err := r.Accept(call.Options{})
		if err == nil {
			c.Answer(func(error) {
				f(c)
				_ = r.End()
			})
			return
		}
		_ = r.End()
	}
}

// later runs fn on the leg's shard when the call is up.
func later(c *call.Call, d time.Duration, fn func(c *call.Call)) {
	time.AfterFunc(d, func() { c.On(fn) })
}

// tell has the peer of a leg know how something ended.
func tell(c *call.Call, what any) {
	_ = c.Send(sip.MESSAGE, "text/plain", fmt.Append(nil, what), func(int) {})
}

// told expects that.
func (s *stage) told(ua *siptest.UA, want string) {
	s.t.Helper()
	m := ua.Expect(sip.MESSAGE, 2*soon)
	if string(m.Body()) != want {
		s.t.Errorf("it ends with %q, want %q", m.Body(), want)
	}
	ua.Reply(m, 200)
}

// single has the caller call a script that answers by itself.
func (s *stage) single() *siptest.Dialog {
	s.alice.Request("INVITE", "sip:ivr@192.0.2.1", with("alice"))
	alice := s.alice.Dialog(s.alice.Expect("200 INVITE", soon))
	alice.ACK()
	return alice
}

func (s *stage) bye(alice *siptest.Dialog) {
	alice.BYE()
	s.alice.Expect("200 BYE", soon)
}

func TestB109HoldAndUnhold(t *testing.T) {
	play(t, solo(func(c *call.Call) {
		later(c, time.Second, func(c *call.Call) { c.Hold(func(err error) { tell(c, err) }) })
		later(c, 2*time.Second, func(c *call.Call) { c.Unhold(func(err error) { tell(c, err) }) })
	}), func(s *stage) {
		alice := s.single()
		for _, direction := range []string{"a=sendonly", "a=sendrecv"} {
			offer := s.alice.Expect("INVITE", 2*time.Second)
			body := string(offer.Body())
			held := strings.Contains(body, "a=sendonly") || strings.Contains(body, "a=inactive")
			if held != (direction == "a=sendonly") {
				t.Errorf("%s is offered by\n%s", direction, body)
			}
			s.alice.Reply(offer, 200, siptest.Body("application/sdp", sdp("alice")+strings.Replace(direction, "sendonly", "recvonly", 1)+"\r\n"))
			s.alice.Expect("ACK", soon)
			s.told(s.alice, "<nil>")
		}
		s.bye(alice)
	})
}

// After 491 the side that does not own the Call-ID tries again within 2 s, for the peer's call (RFC 3261 §14.1).
func TestB102OurReinviteIsTriedAgainAfterGlare(t *testing.T) {
	play(t, solo(func(c *call.Call) {
		later(c, time.Second, func(c *call.Call) { c.Hold(func(err error) { tell(c, err) }) })
	}), func(s *stage) {
		alice := s.single()
		first := s.alice.Expect("INVITE", 2*time.Second)
		alice.ReINVITE(with("alice"))
		s.alice.Reply(first, 491)
		s.alice.Expect("ACK", soon)
		refused := s.alice.Expect("491 INVITE", soon)
		s.alice.ACK(refused)
		second := s.alice.Expect("INVITE", 2*time.Second+soon)
		one, _ := first.CSeq()
		if two, _ := second.CSeq(); two.Number != one.Number+1 || string(second.Body()) != string(first.Body()) {
			t.Errorf("first\n%v\nthen\n%v", first, second)
		}
		s.alice.Reply(second, 200, with("alice"))
		s.alice.Expect("ACK", soon)
		s.told(s.alice, "<nil>")
		s.bye(alice)
	})
}

// For a call of our own it waits for 2.1 to 4 s.
func TestB102TheOwnerOfTheCallIDWaitsLonger(t *testing.T) {
	script := engine.ScriptFunc(func(r *engine.Request) {
		r.Park()
		c, err := r.Accept(call.Options{})
		if err != nil {
			_ = r.End()
			return
		}
		c.Dial(targets(toBob), call.DialOptions{}, func(leg *call.Call, _ call.Result) {
			if leg == nil {
				_ = r.End()
				return
			}
			c.Bridge(leg, call.BridgeOptions{}, func(call.BridgeEnd) { _ = r.End() })
			time.AfterFunc(time.Second, func() {
				leg.On(func(leg *call.Call) { leg.Hold(func(err error) { tell(leg, err) }) })
			})
		})
	})
	play(t, script, func(s *stage) {
		alice, _, _, _ := s.up(nil, nil)
		first := s.bob.Expect("INVITE", 2*time.Second)
		s.bob.Reply(first, 491)
		s.bob.Expect("ACK", soon)
		s.bob.ExpectNone(2*time.Second, "INVITE")
		second := s.bob.Expect("INVITE", 2*time.Second+soon)
		s.bob.Reply(second, 488)
		s.bob.Expect("ACK", soon)
		s.told(s.bob, "refused: 488 Not Acceptable Here")
		s.down(alice)
	})
}

// An error to a re-INVITE of ours leaves the call as it is, but for what says that there is none (RFC 3261 §12.2.1.2).
func TestB103OurReinviteFails(t *testing.T) {
	rows := []struct {
		code int
		ends bool
	}{{488, false}, {500, false}, {481, true}, {408, true}}
	for _, row := range rows {
		t.Run(sip.Reason(row.code), func(t *testing.T) {
			play(t, solo(func(c *call.Call) {
				later(c, time.Second, func(c *call.Call) { c.Hold(func(error) {}) })
			}), func(s *stage) {
				alice := s.single()
				offer := s.alice.Expect("INVITE", 2*time.Second)
				s.alice.Reply(offer, row.code)
				s.alice.Expect("ACK", soon)
				if row.ends {
					s.alice.Reply(s.alice.Expect(sip.BYE, soon), 200)
					return
				}
				s.alice.ExpectNone(time.Second, sip.BYE)
				alice.ReINVITE(with("alice"))
				alice.Accepted(s.alice.Expect("200 INVITE", soon)).ACK()
				s.bye(alice)
			})
		})
	}
}

// What a peer answers to a hold and an offer in it, old style and new, is mirrored: RFC 3264 §6.1 and §8.4.
func TestB109B156HoldByThePeer(t *testing.T) {
	rows := []struct {
		name, change string
		answers      string // one of the directions that may be answered
		held         bool
	}{
		{"sendonly", "a=sendonly\r\n", "recvonly inactive", true},
		{"inactive", "a=inactive\r\n", "inactive", true},
		{"recvonly", "a=recvonly\r\n", "sendonly inactive", false},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			play(t, solo(func(c *call.Call) {
				c.Events(func(ev call.Event) {
					if ev.Kind == call.Held || ev.Kind == call.Unheld {
						later(c, soon, func(c *call.Call) { tell(c, ev.Kind) })
					}
				})
			}), func(s *stage) {
				alice := s.single()
				alice.ReINVITE(siptest.Body("application/sdp", sdp("alice")+row.change))
				ok := s.alice.Expect("200 INVITE", soon)
				alice.Accepted(ok).ACK()
				direction := "sendrecv"
				for _, d := range []string{"sendonly", "recvonly", "inactive"} {
					if strings.Contains(string(ok.Body()), "a="+d) {
						direction = d
					}
				}
				if !strings.Contains(row.answers, direction) {
					t.Errorf("answered %s with\n%s", row.change, ok.Body())
				}
				if row.held {
					s.told(s.alice, "hold")
				} else {
					s.alice.ExpectNone(2*soon, sip.MESSAGE)
				}
				alice.ReINVITE(with("alice"))
				alice.Accepted(s.alice.Expect("200 INVITE", soon)).ACK()
				if row.held {
					s.told(s.alice, "unhold")
				}
				s.bye(alice)
			})
		})
	}
}
