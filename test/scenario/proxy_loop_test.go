package scenario

import (
	"strconv"
	"testing"
	"time"

	"github.com/sipscript/sipscript/engine"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

func TestB035ALoopIsRefusedAndASpiralIsNot(t *testing.T) {
	for _, test := range []struct {
		name    string
		change  siptest.Option // what the other proxy does to the request before it sends it back
		spirals bool
	}{
		{"unchanged", func(*sip.Message) {}, false},
		{"another request URI", func(m *sip.Message) { m.SetURI("sip:carol@192.0.2.1") }, true},
		{"another Route", siptest.Header("Route", "<sip:192.0.2.1;lr>"), true},
		{"other credentials", siptest.Header("Proxy-Authorization", `Digest realm="x", nonce="y"`), true},
		{"only what routes nothing", siptest.Set("Subject", "round"), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			script := `
				sip.on("*", function(req)
					if req.source.ip == "192.0.2.20" then return req:reply(603) end
					req:proxy("` + toBob + `")
				end)`
			play(t, script, Options{}, func(t *testing.T, s *siptest.Scene, _ *Server) {
				alice, bob := alice(s), bob(s)
				for _, method := range []string{"INVITE", "MESSAGE"} {
					alice.Request(method, "sip:bob@192.0.2.1")
					m := bob.Expect(method, soon)
					back(bob, m, test.change)
					want := "482 " + method
					if test.spirals {
						want = "603 " + method
					}
					bob.Expect(want, soon)
				}
			})
		})
	}
}

// back sends a request on to the server, as a proxy does.
func back(u *siptest.UA, m *sip.Message, change siptest.Option) {
	again := m.Clone()
	again.SetURI("sip:bob@192.0.2.1")
	n, _, _ := m.MaxForwards()
	again.Set("Max-Forwards", strconv.Itoa(n-1))
	change(again)
	again.Prepend("Via", "SIP/2.0/UDP "+u.Addr().String()+";branch=z9hG4bK-back-"+m.Method()+strconv.Itoa(n))
	u.Send(again.String())
}

func TestB035AServerThatSendsToItselfStopsAtOnce(t *testing.T) {
	play(t, proxyTo(`"sip:bob@192.0.2.1"`), Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
		alice := alice(s)
		alice.Request("INVITE", "sip:bob@192.0.2.1")
		alice.Expect("482", soon)
		if n := srv.Engine.Counters.Total("loop"); n != 1 {
			t.Errorf("%d loops counted", n)
		}
	})
}

func TestB036MaxBreadthBoundsAFork(t *testing.T) {
	both := `{ "` + toBob + `", "` + toCarol + `" }`
	for _, test := range []struct {
		name, given string
		at, answer  string // of bob; "" is no request
		serial      bool   // carol hears of it only after bob's answer
	}{
		{"absent", "", "22", "", false},
		{"above our maximum", "1000", "22", "", false},
		{"small, some is kept for later", "20", "2", "", false},
		{"just enough", "2", "1", "", false},
		{"too small for two at a time", "1", "1", "", true},
		{"none left", "0", "", "440", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			play(t, proxyTo(both), Options{}, func(t *testing.T, s *siptest.Scene, _ *Server) {
				alice, bob, carol := alice(s), bob(s), carol(s)
				var opts []siptest.Option
				if test.given != "" {
					opts = append(opts, siptest.Header("Max-Breadth", test.given))
				}
				alice.Request("INVITE", "sip:team@192.0.2.1", opts...)
				if test.at == "" {
					alice.Expect(test.answer, soon)
					return
				}
				invite := bob.Expect("INVITE", soon)
				if got := header(invite, "Max-Breadth"); got != test.at {
					t.Errorf("Max-Breadth %q", got)
				}
				if test.serial {
					carol.ExpectNone(time.Second)
					refuse(bob, invite, 486)
				}
				carol.Expect("INVITE", soon)
			})
		})
	}
}

// otherWay is a request that has been forked upstream and comes by another way too.
func otherWay(m *sip.Message, change ...siptest.Option) string {
	again := m.Clone()
	again.ReplaceTop(sip.Via, "SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK-other-way")
	for _, c := range change {
		c(again)
	}
	return again.String()
}

func TestB059AMergedRequestIsNoErrorForAProxy(t *testing.T) {
	play(t, proxyTo(`"`+toBob+`"`), Options{}, func(t *testing.T, s *siptest.Scene, _ *Server) {
		alice, bob := alice(s), bob(s)
		sent := alice.Request("INVITE", "sip:bob@192.0.2.1")
		bob.Reply(bob.Expect("INVITE", soon), 180)
		alice.Send(otherWay(sent))
		bob.Expect("INVITE", soon)
		alice.ExpectNone(soon, "482")
	})
}

func TestB059AMergedRequestIsRefusedByAUAS(t *testing.T) {
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		srv := New(t, s, ``, Options{})
		script := engine.ScriptFunc(func(r *engine.Request) {
			if !r.BecomeUAS() {
				return
			}
			r.Loop().After(10*time.Second, func() {
				_ = r.Reply(200, "", engine.Content{})
				_ = r.End()
			})
		})
		if err := srv.Engine.Start(script); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { srv.Engine.Close(); srv.Host.Close() })
		alice := alice(s)
		sent := alice.Request("MESSAGE", "sip:bob@192.0.2.1")
		alice.Send(otherWay(sent))
		alice.Expect("482", soon)
		alice.Send(otherWay(sent, siptest.Set("CSeq", "2 MESSAGE"), siptest.Set("Call-ID", "another")))
		alice.ExpectNone(soon)
		alice.Expect("200", 10*time.Second)
		alice.Expect("200", soon)
	})
}

// TestB059AMergedRequestIsRefusedAfterTheCall asks when nobody holds the INVITE any more that was answered.
func TestB059AMergedRequestIsRefusedAfterTheCall(t *testing.T) {
	play(t, `sip.on("INVITE", function(req) req:answer() end)`, Options{}, func(t *testing.T, s *siptest.Scene, _ *Server) {
		alice := alice(s)
		sent := alice.Request("INVITE", "sip:bob@192.0.2.1")
		alice.ACK(alice.Expect("200", soon))
		alice.Reply(alice.Expect("BYE", soon), 200)
		time.Sleep(31 * time.Second)
		alice.Send(otherWay(sent))
		alice.Expect("482", soon)
		time.Sleep(2 * time.Second)
		alice.Send(otherWay(sent, siptest.Set("Via", "SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK-a-third-way")))
		alice.Expect("200", soon)
	})
}
