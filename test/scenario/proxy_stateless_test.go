package scenario

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

const statelessScript = `
	sip.on("REGISTER", function(req) registrar.save(req) end)
	local function route(req) req:forward(location.lookup(req.uri)[1]) end
	sip.on("*", route)
	sip.on("CANCEL", route)
	sip.on("ACK", route)`

func TestStatelessForwardLetsRetransmissionsThroughAlike(t *testing.T) {
	play(t, statelessScript, Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
		alice, bob := alice(s), bob(s)
		bob.Register("sip:bob@192.0.2.1", "")
		sent := alice.Request("INVITE", "sip:bob@192.0.2.1")
		first := bob.Expect("INVITE", soon)
		alice.SendAgain(sent)
		second := bob.Expect("INVITE", soon)
		if first.String() != second.String() {
			t.Errorf("the retransmission differs:\n%v\n%v", first, second)
		}
		if vias := list(first, sip.Via); len(vias) != 2 || !strings.Contains(vias[0], "branch=z9hG4bKs") || first.URIText() != bob.Contact() {
			t.Errorf("forwarded as\n%v", first)
		}
		alice.ExpectNone(time.Second) // no 100 either
		bob.Reply(first, 100)
		alice.Expect("100", soon)
		bob.Reply(first, 180)
		bob.Reply(first, 200)
		if got := alice.Expect("200", soon); len(list(got, sip.Via)) != 1 {
			t.Errorf("Via %q", list(got, sip.Via))
		}
		bob.Reply(first, 200)
		alice.Expect("200", soon)
		time.Sleep(time.Hour)
		bob.Reply(first, 200) // it remembers nothing, so it never forgets
		alice.Expect("200", soon)
	})
}

func TestStatelessForwardTakesCancelAndACKTheSameWay(t *testing.T) {
	for _, test := range []struct {
		name     string
		from, to sip.Transport
		add      siptest.Option
	}{
		{"UDP", sip.UDP, sip.UDP, func(*sip.Message) {}},
		{"TCP to UDP", sip.TCP, sip.UDP, func(*sip.Message) {}},
		{"UDP to TCP", sip.UDP, sip.TCP, func(*sip.Message) {}},
		{"with credentials that the CANCEL does not repeat", sip.UDP, sip.UDP, siptest.Header("Proxy-Authorization", `Digest realm="x"`)},
	} {
		t.Run(test.name, func(t *testing.T) {
			play(t, statelessScript, Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
				alice, bob := s.UA("alice", "192.0.2.10:5060", test.from), s.UA("bob", "192.0.2.20:5060", test.to)
				bob.Register("sip:bob@192.0.2.1", "<sip:bob@10.0.0.1;transport="+test.to.Param()+">", siptest.Header("X", "1"), func(m *sip.Message) {
					if test.to == sip.UDP {
						hidden(m)
					}
				})
				sent := alice.Request("INVITE", "sip:bob@192.0.2.1", test.add)
				invite := bob.Expect("INVITE", soon)
				bob.Reply(invite, 180)
				alice.Expect("180", soon)
				alice.CANCEL(sent)
				cancel := bob.Expect("CANCEL", soon)
				if branchOf(t, cancel) != branchOf(t, invite) || cancel.URIText() != invite.URIText() {
					t.Errorf("the CANCEL is of another request:\n%v\n%v", invite, cancel)
				}
				bob.Reply(cancel, 200)
				alice.Expect("200 CANCEL", soon)
				bob.Reply(invite, 487)
				alice.ACK(alice.Expect("487", soon))
				ack := bob.Expect("ACK", soon)
				if branchOf(t, ack) != branchOf(t, invite) || ack.URIText() != invite.URIText() {
					t.Errorf("the ACK is of another request:\n%v\n%v", invite, ack)
				}
			})
		})
	}
}

func TestStatelessForwardOfAnUnreachableTargetIsRefused(t *testing.T) {
	for target, status := range map[string]string{"sip:bob@nowhere.example": "500", "sips:bob@192.0.2.20": "480", "tel:+4930": "416"} {
		t.Run(target, func(t *testing.T) {
			play(t, `sip.on("*", function(req) req:forward("`+target+`") end)`, Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
				alice := alice(s)
				alice.Request("MESSAGE", "sip:bob@192.0.2.1")
				alice.Expect(status, soon)
			})
		})
	}
}

func TestStatelessResponsesGoBackWhereTheRequestCameIn(t *testing.T) {
	t.Run("the same port of several", func(t *testing.T) {
		o := Options{Listen: []string{"udp:192.0.2.1:5060", "udp:192.0.2.1:5070"}}
		play(t, `sip.on("*", function(req) req:forward("`+toBob+`") end)`, o, func(t *testing.T, s *siptest.Scene, srv *Server) {
			alice := siptest.NewUA(t, s.Net, "alice", "192.0.2.10:40001", sip.UDP, "192.0.2.1:5070")
			bob := bob(s)
			alice.Request("MESSAGE", "sip:bob@192.0.2.1", hidden)
			bob.Reply(bob.Expect("MESSAGE", soon), 200)
			alice.Expect("200", soon)
			for _, e := range s.Net.Trace() {
				if e.Dst == alice.Addr() && e.Src != netip.MustParseAddrPort("192.0.2.1:5070") {
					t.Errorf("a NAT lets nothing through from %v", e.Src)
				}
			}
		})
	})
	t.Run("the connection", func(t *testing.T) {
		play(t, `sip.on("*", function(req) req:forward("`+toBob+`") end)`, Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
			alice, bob := s.UA("alice", "192.0.2.10:5060", sip.TCP), bob(s)
			alice.Request("MESSAGE", "sip:bob@192.0.2.1")
			bob.Reply(bob.Expect("MESSAGE", soon), 200)
			alice.Expect("200", soon)
			if n := opened(s); n != 1 {
				t.Errorf("%d connections were opened", n)
			}
		})
	})
	t.Run("another connection when that one is gone", func(t *testing.T) {
		play(t, `sip.on("*", function(req) req:forward("`+toBob+`") end)`, Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
			alice, bob := s.UA("alice", "192.0.2.10:5060", sip.TCP), bob(s)
			alice.Request("MESSAGE", "sip:bob@192.0.2.1")
			message := bob.Expect("MESSAGE", soon)
			alice.Disconnect()
			time.Sleep(time.Second)
			bob.Reply(message, 200)
			alice.Expect("200", soon)
		})
	})
	t.Run("nowhere with a Via that was changed", func(t *testing.T) {
		play(t, `sip.on("*", function(req) req:forward("`+toBob+`") end)`, Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
			alice, bob, carol := alice(s), bob(s), carol(s)
			alice.Request("MESSAGE", "sip:bob@192.0.2.1")
			message := bob.Expect("MESSAGE", soon)
			bob.Reply(message, 200, func(m *sip.Message) {
				vias := list(m, sip.Via)
				m.Set("Via", vias[0])
				m.Add("Via", "SIP/2.0/UDP 192.0.2.30:5060;branch=z9hG4bKx")
			})
			carol.ExpectNone(soon)
			alice.ExpectNone(soon)
		})
	})
}

func TestForwardComesBeforeAnyAnswer(t *testing.T) {
	script := `
		sip.on("INVITE", function(req)
			req:reply(180)
			local ok, err = pcall(req.forward, req, "` + toBob + `")
			log.info("tried", { ok = ok, err = tostring(err) })
			req:reply(486)
		end)
		sip.on("MESSAGE", function(req)
			req:forward("` + toBob + `")
			log.info("again", { ok = pcall(req.reply, req, 200) })
		end)`
	play(t, script, Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
		alice, bob := alice(s), bob(s)
		alice.Request("INVITE", "sip:bob@192.0.2.1")
		alice.Expect("486", soon)
		bob.ExpectNone(soon)
		alice.Request("MESSAGE", "sip:bob@192.0.2.1")
		bob.Expect("MESSAGE", soon)
		alice.ExpectNone(soon)
		logged(t, srv, "forward has to come first", "msg=again at=main.lua:10 ok=false")
	})
}

func TestB060AStatelessAnswerIsTheSameForEveryCopy(t *testing.T) {
	play(t, proxyTo("req.uri"), Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
		alice, bob := alice(s), bob(s)
		used := siptest.Set("Max-Forwards", "0")
		sent := alice.Request("INVITE", toBob, used)
		first := alice.Expect("483", soon)
		alice.SendAgain(sent)
		second := alice.Expect("483", soon)
		if first.String() != second.String() || first.ToTag() == "" {
			t.Errorf("the answers differ:\n%v\n%v", first, second)
		}
		alice.Request("INVITE", toBob, used)
		if other := alice.Expect("483", soon); other.ToTag() == first.ToTag() {
			t.Error("another request got the same tag")
		}
		alice.ExpectNone(40 * time.Second) // no 1xx, and it is not sent again
		alice.ACK(first)
		alice.ExpectNone(soon)
		bob.ExpectNone(soon)
	})
}
