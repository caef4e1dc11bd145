package scenario

import (
	"testing"
	"time"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

// behind is a response of one of several phones behind a target.
func behind(invite *sip.Message, tag string) siptest.Option {
	return siptest.Set("To", header(invite, "To")+";tag="+tag)
}

// A proxied call is one between the two sides: each early dialog of a target that forks is one of the caller's, too, with its own PRACK,
// and each 2xx passes, so that the caller ends all but one. What follows the call to its end knows all of them.
func TestB099EarlyDialogsOfAProxiedCallStaySeveral(t *testing.T) {
	for name, options := range map[string]string{"as they come": "", "edited": `, { caller_id = "+4930123" }`} {
		t.Run(name, func(t *testing.T) {
			play(t, `sip.on("INVITE", function(req) req.vars.account = "7" req:proxy("sip:bob@192.0.2.20"`+options+`) end)`+logEnd, Options{},
				func(t *testing.T, s *siptest.Scene, srv *Server) {
					a, b := alice(s), bob(s)
					a.Request(sip.INVITE, "sip:bob@192.0.2.1", siptest.Header("Supported", "100rel"), siptest.SDP(a.Addr().Addr()))
					invite := b.Expect(sip.INVITE, soon)
					phones := []string{"desk", "mobile"}
					for _, phone := range phones {
						b.Reply(invite, 183, behind(invite, phone), reliably, siptest.SDP(b.Addr().Addr()))
						early := a.Expect("183", soon)
						if early.ToTag() != phone || len(early.Body()) == 0 {
							t.Errorf("the %s rings as\n%v", phone, early)
						}
						prack(a.Dialog(early), early)
						got := b.Expect(sip.PRACK, soon)
						if got.ToTag() != phone {
							t.Errorf("the %s gets\n%v", phone, got)
						}
						b.Reply(got, 200)
						a.Expect("200 PRACK", soon)
					}
					var calls []*siptest.Dialog
					for _, phone := range phones {
						b.Reply(invite, 200, behind(invite, phone))
						d := a.Dialog(a.Expect("200 INVITE", soon))
						d.ACK()
						if ack := b.Expect(sip.ACK, soon); ack.ToTag() != phone {
							t.Errorf("the %s gets\n%v", phone, ack)
						}
						calls = append(calls, d)
					}
					for i, d := range calls {
						time.Sleep(5 * time.Second)
						if n := endsTold(srv); n != 0 {
							t.Errorf("over with %d of 2 dialogs up:\n%s", 2-i, srv.Log)
						}
						bye(t, d, a, b)
					}
					time.Sleep(time.Second)
					wantEnd(t, srv, "cause=answered", "by=caller", "account=7", "duration=10.0")
				})
		})
	}
}

// The same through two dialogs: the caller of a script has one call, whatever rings and whoever answers.
func TestB099EarlyDialogsOfACallThatEndsHereAreOne(t *testing.T) {
	for name, script := range map[string]string{
		"b2bua": `req:b2bua("sip:bob@192.0.2.20")`,
		"dial":  `local call = req:accept() local leg = call:dial("sip:bob@192.0.2.20") log.info(leg.to.user) call:bridge(leg)`,
	} {
		t.Run(name, func(t *testing.T) {
			perform(t, `sip.on("INVITE", function(req) `+script+` end)`, func(s *stage) {
				obliging(s.alice)
				s.call()
				invite := s.bob.Expect(sip.INVITE, time.Second)
				tags := map[string]bool{}
				for _, phone := range []string{"desk", "mobile"} {
					s.bob.Reply(invite, 183, behind(invite, phone), siptest.SDP(s.bob.Addr().Addr()))
					tags[s.alice.Expect("183", time.Second).ToTag()] = true
				}
				s.bob.Reply(invite, 200, behind(invite, "mobile"), siptest.SDP(s.bob.Addr().Addr()))
				if ack := s.bob.Expect(sip.ACK, time.Second); ack.ToTag() != "mobile" {
					s.t.Errorf("acknowledged with\n%v", ack)
				}
				ok := s.alice.Expect("200 INVITE", time.Second)
				if tags[ok.ToTag()] = true; len(tags) != 1 {
					s.t.Errorf("the caller has the dialogs %v", tags)
				}
				alice := s.alice.Dialog(ok)
				alice.ACK()
				time.Sleep(time.Second)
				alice.BYE()
				s.alice.Expect("200 BYE", time.Second)
				if got := s.bob.Expect(sip.BYE, time.Second); got.ToTag() != "mobile" {
					s.t.Errorf("hung up with\n%v", got)
				} else {
					s.bob.Reply(got, 200)
				}
			})
		})
	}
}
