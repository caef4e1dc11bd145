package scenario

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

const registrarScript = `
	sip.on("REGISTER", function(req) registrar.save(req) end)
	local function route(req) req:proxy(location.lookup(req.uri)) end
	sip.on("INVITE", route)
	sip.on("MESSAGE", route)`

func TestRecordRouteIsAddedWhereADialogBegins(t *testing.T) {
	for _, test := range []struct {
		method, options string
		recorded        int
	}{
		{"INVITE", "{}", 1}, {"SUBSCRIBE", "{}", 1}, {"REFER", "{}", 1}, {"MESSAGE", "{}", 0}, {"UNHEARD", "{}", 0},
		{"INVITE", "{ record_route = false }", 0}, {"MESSAGE", "{ record_route = true }", 1},
	} {
		t.Run(test.method+test.options, func(t *testing.T) {
			play(t, proxyTo(`"`+toBob+`"`, test.options), Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
				alice, bob := alice(s), bob(s)
				alice.Request(test.method, "sip:bob@192.0.2.1", siptest.Header("Record-Route", "<sip:192.0.2.99;lr>"))
				got := list(bob.Expect(test.method, soon), sip.RecordRoute)
				if len(got) != test.recorded+1 || got[test.recorded] != "<sip:192.0.2.99;lr>" || got[0] != "<sip:192.0.2.1;lr>" && test.recorded > 0 {
					t.Errorf("Record-Route %q", got)
				}
			})
		})
	}
}

func TestADialogBetweenUDPAndTCPHasTwoRecordRoutes(t *testing.T) {
	for _, test := range []struct {
		name     string
		from, to sip.Transport
		top      string // as the callee sees them, without the user parts
		below    string
	}{
		{"UDP to TCP", sip.UDP, sip.TCP, "<sip:192.0.2.1;transport=tcp;lr>", "<sip:192.0.2.1;lr>"},
		{"TCP to UDP", sip.TCP, sip.UDP, "<sip:192.0.2.1;lr>", "<sip:192.0.2.1;transport=tcp;lr>"},
	} {
		t.Run(test.name, func(t *testing.T) {
			play(t, proxyTo("req.uri"), Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
				alice, bob := s.UA("alice", "192.0.2.10:5060", test.from), s.UA("bob", "192.0.2.20:5060", test.to)
				c := siptest.Call(alice, bob, bob.Contact())
				got := list(c.Invite, sip.RecordRoute)
				for i := range got {
					if at := strings.IndexByte(got[i], '@'); at > 0 {
						got[i] = "<sip:" + got[i][at+1:]
					}
				}
				if len(got) != 2 || got[0] != test.top || got[1] != test.below {
					t.Errorf("Record-Route %q", got)
				}
				c.Caller.Request("INFO")
				info := bob.Expect("INFO", soon)
				if info.Has(sip.Route) || info.URIText() != bob.Contact() {
					t.Errorf("routes left:\n%v", info)
				}
				bob.Reply(info, 200)
				alice.Expect("200 INFO", soon)
				c.HangupByCallee()
			})
		})
	}
}

// A dialog that crosses from IPv6 to IPv4 has an address for either side, which it takes to the other one and back (RFC 6157 §3.1.1).
func TestADialogBetweenIPv6AndIPv4HasTwoRecordRoutes(t *testing.T) {
	o := Options{Addr: "192.0.2.1 2001:db8::1", Listen: []string{"udp:192.0.2.1:5060", "udp:[2001:db8::1]:5060"}}
	play(t, proxyTo(`"`+toBob+`"`), o, func(t *testing.T, s *siptest.Scene, _ *Server) {
		alice, bob := siptest.NewUA(t, s.Net, "alice", "[2001:db8::10]:5060", sip.UDP, "[2001:db8::1]:5060"), bob(s)
		c := siptest.Call(alice, bob, "sip:bob@[2001:db8::1]")
		if got := list(c.Invite, sip.RecordRoute); !slices.Equal(got, []string{"<sip:192.0.2.1;lr>", "<sip:[2001:db8::1];lr>"}) {
			t.Errorf("Record-Route %q", got)
		}
		c.Caller.Request("INFO")
		bob.Reply(bob.Expect("INFO", soon), 200)
		alice.Expect("200 INFO", soon)
		c.HangupByCallee()
	})
}

// natted registers a phone whose Contact and Via name an address that nobody can reach.
func natted(u *siptest.UA, aor string) {
	u.Register(aor, "<sip:"+u.Name()+"@10.0.0.1:5060>", hidden)
}

// hidden is what a phone behind a NAT writes into its Via and Contact.
func hidden(m *sip.Message) {
	via, _ := m.Via()
	m.ReplaceTop(sip.Via, "SIP/2.0/UDP 10.0.0.1:5060;rport;branch="+via.Branch)
	if m.Has(sip.Contact) && m.Method() != sip.REGISTER {
		m.Set("Contact", "<sip:phone@10.0.0.1:5060>")
	}
}

func TestPhonesBehindNATAreReachedByTheFlowTheyOpened(t *testing.T) {
	play(t, registrarScript, Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
		alice, bob := s.UA("alice", "192.0.2.10:40001", sip.UDP), s.UA("bob", "192.0.2.20:40002", sip.UDP)
		natted(bob, "sip:bob@192.0.2.1")
		alice.Request("INVITE", "sip:bob@192.0.2.1", hidden)
		invite := bob.Expect("INVITE", soon)
		if invite.URIText() != "sip:bob@10.0.0.1:5060" {
			t.Errorf("request URI %q", invite.URIText())
		}
		bob.Reply(invite, 200, siptest.Set("Contact", "<sip:bob@10.0.0.1:5060>"))
		caller, callee := alice.Dialog(alice.Expect("200", soon)), bob.Dialog(invite)
		caller.ACK(hidden)
		bob.Expect("ACK", soon)
		callee.Request("INFO", hidden)
		alice.Reply(alice.Expect("INFO", soon), 200)
		bob.Expect("200 INFO", soon)
		caller.BYE(hidden)
		bob.Reply(bob.Expect("BYE", soon), 200)
		alice.Expect("200 BYE", soon)
	})
}

func TestPhonesOnTCPAreReachedOverTheirConnection(t *testing.T) {
	play(t, registrarScript, Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
		alice, bob := s.UA("alice", "192.0.2.10:5060", sip.TCP), s.UA("bob", "192.0.2.20:5060", sip.TCP)
		bob.Register("sip:bob@192.0.2.1", "<sip:bob@10.0.0.1:5060;transport=tcp>")
		alice.Request("INVITE", "sip:bob@192.0.2.1", siptest.Set("Contact", "<sip:alice@10.0.0.2:5060;transport=tcp>"))
		invite := bob.Expect("INVITE", soon)
		bob.Reply(invite, 200, siptest.Set("Contact", "<sip:bob@10.0.0.1:5060;transport=tcp>"))
		caller, callee := alice.Dialog(alice.Expect("200", soon)), bob.Dialog(invite)
		caller.ACK()
		bob.Expect("ACK", soon)
		callee.BYE()
		alice.Reply(alice.Expect("BYE", soon), 200)
		bob.Expect("200 BYE", soon)
		if n := opened(s); n != 2 {
			t.Errorf("%d connections were opened", n)
		}
	})
}

func TestAFlowTokenThatWasTamperedWithIsIgnored(t *testing.T) {
	play(t, registrarScript, Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
		alice, bob := alice(s), s.UA("bob", "192.0.2.20:40002", sip.UDP)
		carol := carol(s)
		natted(bob, "sip:bob@192.0.2.1")
		alice.Request("INVITE", "sip:bob@192.0.2.1")
		invite := bob.Expect("INVITE", soon)
		bob.Reply(invite, 200, siptest.Set("Contact", "<"+toCarol+">"))
		caller := alice.Dialog(alice.Expect("200", soon))
		if len(caller.Routes) != 1 || !strings.Contains(caller.Routes[0], "@192.0.2.1") {
			t.Fatalf("routes %q", caller.Routes)
		}
		good := caller.Routes[0]
		caller.BYE()
		bob.Expect("BYE", soon) // by its flow, whatever the Contact
		for i := len("<sip:"); i < strings.IndexByte(good, '@'); i++ {
			other := byte('A')
			if good[i] == other {
				other = 'B'
			}
			caller.Routes = []string{good[:i] + string(other) + good[i+1:]}
			caller.NextHop = netip.MustParseAddrPort("192.0.2.1:5060")
			caller.BYE()
			carol.Expect("BYE", soon) // by its Contact
		}
		bob.ExpectNone(soon)
	})
}

func TestAReInviteKeepsTheRoute(t *testing.T) {
	play(t, proxyTo("req.uri"), Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
		alice, bob := alice(s), bob(s)
		c := siptest.Call(alice, bob, toBob)
		for _, side := range []struct {
			d    *siptest.Dialog
			u, p *siptest.UA
		}{{c.Caller, alice, bob}, {c.Callee, bob, alice}} {
			side.d.ReINVITE()
			invite := side.p.Expect("INVITE", soon)
			side.p.Reply(invite, 200)
			side.d.Accepted(side.u.Expect("200 INVITE", soon)).ACK()
			side.p.Expect("ACK", soon)
		}
		c.Hangup()
	})
}

func TestB022TheACKOfA2xxIsRelayedWithoutATransaction(t *testing.T) {
	play(t, proxyTo("req.uri"), Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
		alice, bob := alice(s), bob(s)
		alice.Request("INVITE", toBob)
		invite := bob.Expect("INVITE", soon)
		bob.Reply(invite, 200)
		caller := alice.Dialog(alice.Expect("200", soon))
		seen := map[string]bool{branchOf(t, invite): true}
		for range 3 {
			caller.ACK()
			ack := bob.Expect("ACK", soon)
			if seen[branchOf(t, ack)] {
				t.Error("the ACK has the branch of another request")
			}
			seen[branchOf(t, ack)] = true
			if vias := list(ack, sip.Via); len(vias) != 2 || ack.Has(sip.Route) || header(ack, "Max-Forwards") != "69" {
				t.Errorf("not relayed:\n%v", ack)
			}
		}
		alice.ExpectNone(time.Minute, "2xx", "3xx", "4xx", "5xx", "6xx")
	})
}

func TestB023AnACKThatMatchesNothingIsRelayedByItsRouteOrDropped(t *testing.T) {
	play(t, proxyTo("req.uri"), Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
		alice, bob := alice(s), bob(s)
		tagged := siptest.Set("To", "<"+toBob+">;tag=x")
		alice.Request("ACK", toBob, tagged, siptest.Header("Route", "<sip:192.0.2.1;lr>"))
		bob.Expect("ACK", soon)
		alice.Request("ACK", toBob, tagged)
		alice.Request("ACK", toBob)
		alice.Request("ACK", "sip:192.0.2.1", tagged)
		alice.Request("ACK", toBob, tagged, siptest.Header("Route", "<sip:192.0.2.1;lr>"), siptest.Set("Max-Forwards", "0"))
		alice.Request("ACK", "sip:nobody@nowhere.example", tagged, siptest.Header("Route", "<sip:192.0.2.1;lr>"))
		bob.ExpectNone(time.Second)
		alice.ExpectNone(time.Minute)
	})
}

func TestB026ResponsesNobodyWaitsForAreDropped(t *testing.T) {
	play(t, proxyTo("req.uri"), Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
		alice, bob := alice(s), bob(s)
		alice.Request("MESSAGE", toBob)
		message := bob.Expect("MESSAGE", soon)
		bob.Reply(message, 200)
		alice.Expect("200", soon)
		bob.Reply(message, 404) // after a final response
		bob.Reply(message, 200, siptest.Set("CSeq", "1 INFO"))
		alice.ExpectNone(soon)

		alice.Request("INVITE", toBob)
		invite := bob.Expect("INVITE", soon)
		bob.Reply(invite, 200)
		alice.Expect("200", soon)
		time.Sleep(33 * time.Second) // Timers L and M
		bob.Reply(invite, 200)
		bob.Reply(message, 200)
		alice.ExpectNone(time.Second)
		if n := srv.Engine.Counters.Total("response_stray"); n != 3 {
			t.Errorf("%d stray responses counted", n)
		}
	})
}
