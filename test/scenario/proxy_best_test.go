package scenario

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

func TestB053A6xxEndsTheSearch(t *testing.T) {
	script := proxyTo(`{ { "` + toBob + `", "` + toCarol + `", { uri = "sip:dave@192.0.2.40", after = 5 } }, { "sip:dave@192.0.2.40" } }`)
	for _, test := range []struct {
		name, answer string
		final        int // carol's, after the CANCEL
	}{{"the rest gives up", "603", 487}, {"one answers all the same", "200", 200}} {
		t.Run(test.name, func(t *testing.T) {
			play(t, script, Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
				alice, bob, carol := alice(s), bob(s), carol(s)
				dave := s.UA("dave", "192.0.2.40:5060", sip.UDP)
				alice.Request("INVITE", "sip:team@192.0.2.1")
				one, two := bob.Expect("INVITE", soon), carol.Expect("INVITE", soon)
				carol.Reply(two, 180)
				refuse(bob, one, 603)
				carol.Reply(carol.Expect("CANCEL", soon), 200)
				alice.ExpectNone(20*time.Second, "6xx") // until carol has ended
				carol.Reply(two, test.final)
				alice.Expect(test.answer, soon)
				dave.ExpectNone(time.Minute)
			})
		})
	}
}

func TestB054TheBestResponseGoesUp(t *testing.T) {
	for _, test := range []struct {
		one, two int
		best     string
	}{
		{404, 603, "603"}, {302, 404, "302"}, {500, 486, "486"}, {404, 484, "484"}, {486, 420, "420"}, {404, 415, "415"},
		{415, 407, "407"}, {480, 401, "401"}, {503, 500, "500"}, {503, 501, "501"}, {503, 503, "500"}, {302, 600, "600"},
	} {
		t.Run(fmt.Sprint(test.one, " and ", test.two), func(t *testing.T) {
			play(t, proxyTo(bothAtOnce), Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
				alice, bob, carol := alice(s), bob(s), carol(s)
				alice.Request("INVITE", "sip:team@192.0.2.1")
				one, two := bob.Expect("INVITE", soon), carol.Expect("INVITE", soon)
				bob.Reply(one, 180)
				refuse(carol, two, test.two)
				if test.two < 600 {
					alice.ExpectNone(soon, "3xx", "4xx", "5xx", "6xx")
				}
				refuse(bob, one, test.one)
				got := alice.Expect(test.best, soon)
				if test.best != "500" && got.ToTag() == "" {
					t.Error("no To tag")
				}
				alice.ACK(got)
				alice.ExpectNone(time.Minute, "3xx", "4xx", "5xx", "6xx")
			})
		})
	}
}

func TestB054TheBestOfSeveralForksGoesUpWhenTheHandlerEnds(t *testing.T) {
	script := `
		sip.on("INVITE", function(req)
			req:proxy("` + toBob + `")
			req:proxy("` + toCarol + `")
			sleep(1)
		end)`
	play(t, script, Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
		alice, bob, carol := alice(s), bob(s), carol(s)
		alice.Request("INVITE", "sip:team@192.0.2.1")
		refuse(bob, bob.Expect("INVITE", soon), 404)
		refuse(carol, carol.Expect("INVITE", soon), 500)
		alice.ExpectNone(500*time.Millisecond, "4xx", "5xx")
		alice.Expect("404", time.Second)
	})
}

func TestB054TheScriptMayChooseAnother(t *testing.T) {
	script := `
		sip.on("INVITE", function(req)
			req:proxy("` + toBob + `")
			req:reply(req:proxy("` + toCarol + `"))
		end)`
	play(t, script, Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
		alice, bob, carol := alice(s), bob(s), carol(s)
		alice.Request("INVITE", "sip:team@192.0.2.1")
		refuse(bob, bob.Expect("INVITE", soon), 404)
		refuse(carol, carol.Expect("INVITE", soon), 500, siptest.Header("X-Why", "broken"))
		if got := alice.Expect("500", time.Second); header(got, "X-Why") != "broken" || !strings.HasPrefix(got.ToTag(), "carol") {
			t.Errorf("not carol's response:\n%v", got)
		}
	})
}

func TestB055ChallengesOfAllBranchesGoUp(t *testing.T) {
	const (
		basic  = `Digest realm="one", nonce="a", algorithm=SHA-256`
		second = `Digest realm="one", nonce="a", algorithm=MD5`
		third  = `Digest realm="two", nonce="b"`
		fourth = `Digest realm="three", nonce="c"`
	)
	check := func(t *testing.T, got *sip.Message) {
		t.Helper()
		proxy, www := slices.Collect(got.Values(sip.ProxyAuthenticate)), slices.Collect(got.Values(sip.WWWAuthenticate))
		if !slices.Equal(proxy, []string{basic, second}) || !slices.Equal(www, []string{third, fourth}) {
			t.Errorf("Proxy-Authenticate %q, WWW-Authenticate %q", proxy, www)
		}
	}
	challenge := func(t *testing.T, bob, carol *siptest.UA) {
		t.Helper()
		refuse(bob, bob.Expect("INVITE", soon), 407, siptest.Header("Proxy-Authenticate", basic), siptest.Header("Proxy-Authenticate", second))
		refuse(carol, carol.Expect("INVITE", soon), 401, siptest.Header("WWW-Authenticate", third), siptest.Header("WWW-Authenticate", fourth))
	}
	for _, test := range []struct{ name, script string }{
		{"in parallel", proxyTo(bothAtOnce)},
		{"one after the other", proxyTo(`{ "` + toBob + `", "` + toCarol + `", serial = true }`)},
		{"in two forks", `sip.on("INVITE", function(req) req:proxy("` + toBob + `"); req:proxy("` + toCarol + `") end)`},
		{"by hand", `sip.on("INVITE", function(req) req:proxy("` + toBob + `"); req:reply(req:proxy("` + toCarol + `")) end)`},
	} {
		t.Run(test.name, func(t *testing.T) {
			play(t, test.script, Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
				alice, bob, carol := alice(s), bob(s), carol(s)
				alice.Request("INVITE", "sip:team@192.0.2.1")
				challenge(t, bob, carol)
				check(t, alice.Expect("4xx", soon))
			})
		})
	}
}

func TestB020AnUnreachableHopIsA503AndGoesUpAs500(t *testing.T) {
	for _, test := range []struct{ name, target string }{
		{"nobody listens, UDP", "sip:nobody@192.0.2.20:5070"},
		{"nobody listens, TCP", "sip:nobody@192.0.2.20:5070;transport=tcp"},
		{"no such name", "sip:nobody@nowhere.example"},
		{"no listener of this transport", "sip:nobody@192.0.2.20;transport=tls"},
		{"no listener of this family", "sip:nobody@[2001:db8::1]"},
	} {
		t.Run(test.name, func(t *testing.T) {
			play(t, proxyTo(`"`+test.target+`"`), Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
				alice, _ := alice(s), bob(s)
				for _, method := range []string{"INVITE", "MESSAGE"} {
					alice.Request(method, "sip:bob@192.0.2.1")
					got := alice.Expect("5xx "+method, 6*time.Second)
					if got.Status() != 500 {
						t.Errorf("%s: %d", method, got.Status())
					}
				}
				ended(t, srv, "failed", "503")
			})
		})
	}
}

func TestB020AReceived503IsA500UnlessThereIsBetter(t *testing.T) {
	play(t, proxyTo(`"`+toBob+`"`), Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
		alice, bob := alice(s), bob(s)
		alice.Request("INVITE", "sip:bob@192.0.2.1")
		refuse(bob, bob.Expect("INVITE", soon), 503, siptest.Header("Retry-After", "60"))
		if got := alice.Expect("500", soon); header(got, "Retry-After") != "" {
			t.Error("the caller is told to leave this server alone")
		}
		ended(t, srv, "failed", "503")
	})
}

func TestB019AnInviteWithoutAnswerIs408AndANonInviteIsLeftUnanswered(t *testing.T) {
	t.Run("INVITE", func(t *testing.T) {
		play(t, proxyTo(`"`+toBob+`"`), Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
			alice, bob := alice(s), bob(s)
			alice.Request("INVITE", "sip:bob@192.0.2.1")
			bob.Expect("INVITE", soon)
			alice.ExpectNone(31900*time.Millisecond, "4xx")
			alice.Expect("408", time.Second)
			ended(t, srv, "failed", "408")
		})
	})
	t.Run("INVITE, something better is there", func(t *testing.T) {
		play(t, proxyTo(bothAtOnce), Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
			alice, bob, carol := alice(s), bob(s), carol(s)
			alice.Request("INVITE", "sip:team@192.0.2.1")
			bob.Expect("INVITE", soon)
			refuse(carol, carol.Expect("INVITE", soon), 480)
			alice.Expect("480", 33*time.Second)
		})
	})
	for _, test := range []struct {
		name  string
		reply int
	}{{"MESSAGE without an answer", 0}, {"MESSAGE answered 408", 408}} {
		t.Run(test.name, func(t *testing.T) {
			play(t, proxyTo(`"`+toBob+`"`), Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
				alice, bob := alice(s), bob(s)
				sent := alice.Request("MESSAGE", "sip:bob@192.0.2.1")
				message := bob.Expect("MESSAGE", soon)
				if test.reply != 0 {
					bob.Reply(message, test.reply)
					alice.ExpectNone(3 * time.Second)
					alice.SendAgain(sent)
					bob.ExpectNone(soon) // it is no new request
				}
				alice.ExpectNone(2*time.Minute, "2xx", "3xx", "4xx", "5xx", "6xx")
				ended(t, srv, "failed", "408")
			})
		})
	}
	t.Run("MESSAGE, one of two times out", func(t *testing.T) {
		play(t, proxyTo(bothAtOnce), Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
			alice, bob, carol := alice(s), bob(s), carol(s)
			alice.Request("MESSAGE", "sip:team@192.0.2.1")
			one, two := bob.Expect("MESSAGE", soon), carol.Expect("MESSAGE", soon)
			bob.Reply(one, 408)
			carol.Reply(two, 503)
			alice.Expect("500", soon)
		})
	})
}
