package scenario

import (
	"strings"
	"testing"
	"time"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

func TestB034MaxForwardsIsCountedDown(t *testing.T) {
	for _, test := range []struct {
		name, method, uri string
		option            siptest.Option
		arrives           string // Max-Forwards as forwarded; "" is not forwarded
		answer            string
	}{
		{"counted down", "MESSAGE", toBob, siptest.Set("Max-Forwards", "12"), "11", "200"},
		{"added", "MESSAGE", toBob, siptest.Without("Max-Forwards"), "70", "200"},
		{"the last hop", "MESSAGE", toBob, siptest.Set("Max-Forwards", "1"), "0", "200"},
		{"used up", "MESSAGE", toBob, siptest.Set("Max-Forwards", "0"), "", "483"},
		{"used up, OPTIONS for another", "OPTIONS", toBob, siptest.Set("Max-Forwards", "0"), "", "483"},
		{"used up, OPTIONS for the server", "OPTIONS", "sip:192.0.2.1", siptest.Set("Max-Forwards", "0"), "", "200"},
		{"no number is as good as none (RFC 4475 §3.1.2.4)", "MESSAGE", toBob, siptest.Set("Max-Forwards", "many"), "70", "200"},
		{"nor is one out of range", "MESSAGE", toBob, siptest.Set("Max-Forwards", "300"), "70", "200"},
	} {
		t.Run(test.name, func(t *testing.T) {
			script := `sip.on("MESSAGE", function(req) req:proxy(req.uri) end)`
			play(t, script, Options{}, func(t *testing.T, s *siptest.Scene, _ *Server) {
				alice, bob := alice(s), bob(s)
				alice.Request(test.method, test.uri, test.option)
				if test.arrives != "" {
					m := bob.Expect(test.method, soon)
					if got := header(m, "Max-Forwards"); got != test.arrives || m.Count(sip.MaxForwards) != 1 {
						t.Errorf("Max-Forwards %q", got)
					}
					bob.Reply(m, 200)
				} else {
					bob.ExpectNone(soon)
				}
				alice.Expect(test.answer, soon)
			})
		})
	}
}

func TestB037UnknownProxyRequireIsRefusedAndRequireIsNot(t *testing.T) {
	play(t, proxyTo("req.uri"), Options{}, func(t *testing.T, s *siptest.Scene, _ *Server) {
		alice, bob := alice(s), bob(s)
		alice.Request("INVITE", toBob, siptest.Header("Proxy-Require", "gin, x-later"), siptest.Header("Require", "100rel"))
		refused := alice.Expect("420", soon)
		if got := list(refused, sip.Unsupported); strings.Join(got, " ") != "gin x-later" {
			t.Errorf("Unsupported: %q", got)
		}
		bob.ExpectNone(soon)

		invite := alice.Request("INVITE", toBob, siptest.Header("Require", "x-unheard-of"))
		got := bob.Expect("INVITE", soon)
		if header(got, "Require") != "x-unheard-of" {
			t.Error("Require has been changed")
		}
		bob.Reply(got, 180)
		alice.CANCEL(invite, siptest.Header("Proxy-Require", "gin"), siptest.Header("Require", "gin"))
		alice.Expect("200 CANCEL", soon)
		bob.Reply(bob.Expect("CANCEL", soon), 200)
		refuse(bob, got, 487)
		alice.ACK(alice.Expect("487", soon), siptest.Header("Proxy-Require", "gin"))
		alice.ExpectNone(time.Second)
	})
}

func TestB038OwnRoutesAreRemoved(t *testing.T) {
	for _, test := range []struct {
		name, uri string
		routes    []string
		arrives   string // request URI
		left      []string
	}{
		{"address", toBob, []string{"<sip:192.0.2.1;lr>"}, toBob, nil},
		{"address, port and transport", toBob, []string{"<sip:192.0.2.1:5060;transport=tcp;lr>"}, toBob, nil},
		{"a domain served here", toBob, []string{"<sip:example.org;lr>"}, toBob, nil},
		{"both values of a double record", toBob, []string{"<sip:192.0.2.1;lr>, <sip:192.0.2.1;transport=tcp;lr>"}, toBob, nil},
		{"another port is another server", toBob, []string{"<sip:192.0.2.1;lr>", "<sip:192.0.2.20:5060;lr>"}, toBob, []string{"<sip:192.0.2.20:5060;lr>"}},
		{"a strict router before us", "sip:anything@192.0.2.1;lr", []string{"<sip:192.0.2.20;lr>, <sip:dave@192.0.2.99>"},
			"sip:dave@192.0.2.99", []string{"<sip:192.0.2.20;lr>"}},
		{"a strict router before us, we were the last", "sip:192.0.2.1;lr", []string{"<" + toBob + ">"}, toBob, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := Options{}
			o.Engine.Domains = []string{"example.org"}
			play(t, `sip.on("*", function(req) req:proxy(req.uri) end)`, o, func(t *testing.T, s *siptest.Scene, _ *Server) {
				alice, bob := alice(s), bob(s)
				alice.Request("MESSAGE", test.uri, func(m *sip.Message) {
					for _, r := range test.routes {
						m.Add("Route", r)
					}
				})
				got := bob.Expect("MESSAGE", soon)
				if got.URIText() != test.arrives {
					t.Errorf("request URI %q, want %q", got.URIText(), test.arrives)
				}
				if left := list(got, sip.Route); strings.Join(left, " ") != strings.Join(test.left, " ") {
					t.Errorf("Route %q, want %q", left, test.left)
				}
			})
		})
	}
}

func TestB039AStrictRouterGetsItselfAsRequestURI(t *testing.T) {
	play(t, proxyTo("req.uri"), Options{}, func(t *testing.T, s *siptest.Scene, _ *Server) {
		alice, bob := alice(s), bob(s)
		alice.Request("MESSAGE", "sip:dave@192.0.2.99", siptest.Header("Route", "<sip:192.0.2.1;lr>, <sip:strict@192.0.2.20>, <sip:192.0.2.98;lr>"))
		got := bob.Expect("MESSAGE", soon)
		if got.URIText() != "sip:strict@192.0.2.20" {
			t.Errorf("request URI %q", got.URIText())
		}
		if left := strings.Join(list(got, sip.Route), " "); left != "<sip:192.0.2.98;lr> <sip:dave@192.0.2.99>" {
			t.Errorf("Route %q", left)
		}
	})
}

func TestB040OwnMaddrIsStrippedAndAForeignOneIsTheTarget(t *testing.T) {
	for _, test := range []struct{ name, uri, arrives, at string }{
		{"ours, as it came", "sip:bob@192.0.2.20;maddr=192.0.2.1", toBob, "bob"},
		{"ours by the domain", "sip:bob@192.0.2.20;maddr=example.org", toBob, "bob"},
		{"ours, default transport stays", "sip:bob@192.0.2.20;transport=udp;maddr=192.0.2.1", toBob + ";transport=udp", "bob"},
		{"ours on another port", "sip:bob@192.0.2.20:5070;maddr=192.0.2.1", toBob, "bob"},
		{"foreign", "sip:bob@192.0.2.99;maddr=192.0.2.20", "sip:bob@192.0.2.99;maddr=192.0.2.20", "bob"},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := Options{Listen: []string{"udp:192.0.2.1:5060", "udp:192.0.2.1:5070", "tcp:192.0.2.1:5060"}}
			o.Engine.Domains = []string{"example.org"}
			play(t, `sip.on("*", function(req) req:proxy(req.uri) end)`, o, func(t *testing.T, s *siptest.Scene, _ *Server) {
				alice, bob := alice(s), bob(s)
				alice.Request("MESSAGE", test.uri)
				if got := bob.Expect("MESSAGE", soon); got.URIText() != test.arrives {
					t.Errorf("request URI %q, want %q", got.URIText(), test.arrives)
				}
			})
		})
	}
}

func TestB043EachBranchHasAViaOfItsOwn(t *testing.T) {
	play(t, proxyTo(`{ "`+toBob+`", "`+toCarol+`" }`), Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
		alice, bob, carol := alice(s), bob(s), carol(s)
		sent := alice.Request("INVITE", "sip:team@192.0.2.1")
		one, two := bob.Expect("INVITE", soon), carol.Expect("INVITE", soon)
		for _, m := range []*sip.Message{one, two} {
			vias := list(m, sip.Via)
			if len(vias) != 2 || !strings.HasPrefix(vias[0], "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK") ||
				!strings.Contains(vias[1], ";branch="+branchOf(t, sent)) {
				t.Errorf("Via %q", vias)
			}
		}
		if branchOf(t, one) == branchOf(t, two) {
			t.Error("both branches have one branch parameter")
		}
		bob.Reply(one, 180)
		ringing := alice.Expect("180", soon)
		if vias := list(ringing, sip.Via); len(vias) != 1 || !strings.Contains(vias[0], "received=192.0.2.10") {
			t.Errorf("Via upstream %q", vias)
		}
		// A response whose top Via names somebody else, and one that was meant for nobody behind us.
		bob.Reply(one, 181, siptest.Set("Via", "SIP/2.0/UDP 192.0.2.77;branch="+branchOf(t, one)))
		bob.Reply(one, 182, func(m *sip.Message) { m.Set("Via", list(m, sip.Via)[0]) })
		alice.ExpectNone(soon)
		if n := srv.Engine.Counters.Total("response_not_ours"); n != 1 {
			t.Errorf("%d responses counted as not ours", n)
		}
	})
}

func TestB142BodyAndTagsPassUnchanged(t *testing.T) {
	play(t, proxyTo(`"sip:bob@192.0.2.20;transport=tcp"`), Options{}, func(t *testing.T, s *siptest.Scene, _ *Server) {
		alice, bob := alice(s), s.UA("bob", "192.0.2.20:5060", sip.TCP)
		body := "a=x\r\n\r\n\x00 \xff end"
		alice.Request("INVITE", "sip:bob@192.0.2.1", siptest.Body("application/x", body), siptest.Without("Content-Length"))
		invite := bob.Expect("INVITE", soon)
		if string(invite.Body()) != body || header(invite, "Content-Length") != "14" {
			t.Errorf("Content-Length %q, body %q", header(invite, "Content-Length"), invite.Body())
		}
		// Not even a missing To tag is put right.
		bob.Reply(invite, 180, siptest.Set("To", "<sip:bob@192.0.2.1>"))
		if got := alice.Expect("180", soon); got.ToTag() != "" {
			t.Errorf("the proxy gave a 180 the tag %q", got.ToTag())
		}
		bob.Reply(invite, 200, siptest.Body("text/plain", body))
		ok := alice.Expect("200", soon)
		if string(ok.Body()) != body || ok.ToTag() != bob.Dialog(invite).Local[strings.LastIndex(bob.Dialog(invite).Local, "=")+1:] {
			t.Errorf("body %q, tag %q", ok.Body(), ok.ToTag())
		}
	})
}

func TestB142AFailureInADialogKeepsItsTag(t *testing.T) {
	play(t, proxyTo("req.uri"), Options{}, func(t *testing.T, s *siptest.Scene, _ *Server) {
		alice, bob := alice(s), bob(s)
		c := siptest.Call(alice, bob, toBob)
		c.Caller.ReINVITE()
		refuse(bob, bob.Expect("INVITE", soon), 488)
		if got := alice.Expect("488", soon); !strings.Contains(c.Caller.Remote, "tag="+got.ToTag()) {
			t.Errorf("tag %q in a dialog with %s", got.ToTag(), c.Caller.Remote)
		}
	})
}

func TestB143TheProxyChallengesWith407AndRingsForNobody(t *testing.T) {
	script := `
		sip.on("*", function(req)
			if auth.require(req, { realm = "here", users = { alice = "secret" } }) then req:proxy("` + toBob + `") end
		end)`
	play(t, script, Options{}, func(t *testing.T, s *siptest.Scene, _ *Server) {
		alice, bob := alice(s), bob(s)
		for _, method := range []string{"MESSAGE", "INVITE", "SUBSCRIBE"} {
			got := alice.Final(alice.Request(method, "sip:bob@192.0.2.1"))
			if got.Status() != 407 || header(got, "Proxy-Authenticate") == "" || header(got, "WWW-Authenticate") != "" {
				t.Errorf("%s: %d", method, got.Status())
			}
		}
		alice.Credentials("alice", "secret")
		alice.Request("INVITE", "sip:bob@192.0.2.1")
		invite := bob.Expect("INVITE", soon)
		if header(invite, "Proxy-Authorization") != "" {
			t.Error("the credentials for this server went on")
		}
		alice.Expect("100", soon)
		alice.ExpectNone(10*time.Second, "1xx")
	})
}

func TestARequestIsNotRelayedWithoutTheScript(t *testing.T) {
	play(t, proxyTo("req.uri"), Options{}, func(t *testing.T, s *siptest.Scene, _ *Server) {
		alice, bob := alice(s), bob(s)
		inDialog := siptest.Set("To", "<"+toBob+">;tag=made-up")
		alice.Request("BYE", toBob, inDialog)
		alice.Expect("481", soon)
		alice.Request("INVITE", toBob, inDialog)
		alice.Expect("481", soon)
		alice.Request("ACK", toBob, inDialog)
		alice.Request("ACK", toBob)
		alice.ExpectNone(soon)
		bob.ExpectNone(time.Second)
	})
}

func TestAPhoneThatLeavesOutOurRouteIsServed(t *testing.T) {
	play(t, proxyTo("req.uri"), Options{}, func(t *testing.T, s *siptest.Scene, _ *Server) {
		alice, bob := alice(s), bob(s)
		alice.Request("INVITE", toBob)
		invite := bob.Expect("INVITE", soon)
		bob.Reply(invite, 200)
		caller, callee := alice.Dialog(alice.Expect("200", soon)), bob.Dialog(invite)
		for _, d := range []*siptest.Dialog{caller, callee} {
			d.Routes = nil
			d.NextHop = serverAddr
		}
		caller.ACK()
		ack := bob.Expect("ACK", soon)
		if len(list(ack, sip.Via)) != 2 {
			t.Errorf("the ACK did not come by the server:\n%v", ack)
		}
		callee.Request("INFO")
		alice.Reply(alice.Expect("INFO", soon), 200)
		bob.Expect("200 INFO", soon)
		caller.BYE()
		bob.Reply(bob.Expect("BYE", soon), 200)
		alice.Expect("200 BYE", soon)
	})
}
