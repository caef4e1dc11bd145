package scenario

import (
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/resolve"
	"github.com/sipscript/sipscript/sip/siptest"
)

// farm is a host with two addresses, bob's and carol's, in this order.
func farm() Options {
	return Options{Names: resolve.Static{"farm.example": {netip.MustParseAddr("192.0.2.20"), netip.MustParseAddr("192.0.2.30")}}}
}

func TestFailoverTriesTheNextAddressOfAHost(t *testing.T) {
	for _, test := range []struct {
		name, port, options string
		status              int // bob's answer, 0: none
		within              time.Duration
		fails               string // what the caller gets when carol is not tried
	}{
		{"503", "5060", "{}", 503, soon, ""},
		{"no answer at all", "5060", "{}", 0, 33 * time.Second, ""},
		{"no answer in time", "5060", "{ response_timeout = 3 }", 0, 3100 * time.Millisecond, ""},
		{"nobody listens", "5070", "{}", 0, soon, ""},
		{"refused connection", "5070;transport=tcp", "{}", 0, soon, ""},
		{"any other failure is an answer", "5060", "{}", 500, soon, "500"},
		{"not wanted", "5060", "{ failover = false }", 503, soon, "500"},
	} {
		t.Run(test.name, func(t *testing.T) {
			play(t, proxyTo(`"sip:bob@farm.example:`+test.port+`"`, test.options), farm(), func(t *testing.T, s *siptest.Scene, srv *Server) {
				alice, bob := alice(s), bob(s)
				carol := s.UA("carol", "192.0.2.30:"+test.port[:4], sip.UDP)
				if strings.Contains(test.port, "tcp") {
					carol.Close()
					carol = s.UA("carol2", "192.0.2.30:"+test.port[:4], sip.TCP)
				}
				alice.Request("INVITE", "sip:bob@192.0.2.1")
				var first *sip.Message
				if test.port == "5060" {
					first = bob.Expect("INVITE", soon)
				}
				if test.status != 0 {
					refuse(bob, first, test.status)
				}
				if test.fails != "" {
					alice.Expect(test.fails, soon)
					carol.ExpectNone(time.Second)
					return
				}
				second := carol.Expect("INVITE", test.within)
				if first != nil && branchOf(t, first) == branchOf(t, second) {
					t.Error("both attempts have one branch")
				}
				if n := len(list(second, sip.Via)); n != 2 || len(list(second, sip.RecordRoute)) == 0 || second.URIText() != strings.ReplaceAll("sip:bob@farm.example:PORT", "PORT", test.port) {
					t.Errorf("not a fresh copy:\n%v", second)
				}
				carol.Reply(second, 200)
				alice.Expect("200", soon)
				ended(t, srv, "answered", "200")
			})
		})
	}
}

func TestFailoverIsBoundedByTheTimeOfTheGroup(t *testing.T) {
	play(t, proxyTo(`"sip:bob@farm.example"`, "{ timeout = 5 }"), farm(), func(t *testing.T, s *siptest.Scene, srv *Server) {
		alice, bob, carol := alice(s), bob(s), carol(s)
		alice.Request("INVITE", "sip:bob@192.0.2.1")
		bob.Expect("INVITE", soon)
		alice.Expect("408", 5100*time.Millisecond)
		carol.ExpectNone(time.Minute)
	})
}

func TestAnAddressGivenUpMayStillAnswer(t *testing.T) {
	play(t, proxyTo(`"sip:bob@farm.example"`, "{ response_timeout = 3 }"), farm(), func(t *testing.T, s *siptest.Scene, srv *Server) {
		alice, bob, carol := alice(s), bob(s), carol(s)
		alice.Request("INVITE", "sip:bob@192.0.2.1")
		first := bob.Expect("INVITE", soon)
		second := carol.Expect("INVITE", 3100*time.Millisecond)
		carol.Reply(second, 180)
		bob.Reply(first, 100)
		bob.Expect("CANCEL", soon)
		bob.Reply(first, 200)
		if got := alice.Expect("200", soon); !strings.HasPrefix(got.ToTag(), "bob") {
			t.Errorf("answered by %s", got.ToTag())
		}
		carol.Expect("CANCEL", soon)
		ended(t, srv, "answered", "200")
	})
}

func TestADeadGatewayIsLeftAfterTheResponseTimeout(t *testing.T) {
	list := `{ "` + toBob + `", "` + toCarol + `", serial = true }`
	play(t, proxyTo(list, `{ response_timeout = 2, next_on = { "failed" } }`), Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
		alice, bob, carol := alice(s), bob(s), carol(s)
		alice.Request("INVITE", "sip:bob@192.0.2.1")
		bob.Expect("INVITE", soon)
		invite := carol.Expect("INVITE", 2100*time.Millisecond)
		carol.Reply(invite, 100) // any response counts
		carol.ExpectNone(30*time.Second, "CANCEL")
		carol.Reply(invite, 200)
		alice.Expect("200", soon)
	})
}

func TestNextOnSaysAfterWhichFailuresTheNextGroupIsTried(t *testing.T) {
	for _, test := range []struct {
		name, nextOn string
		code         int
		goesOn       bool
	}{
		{"default, busy", "nil", 486, true},
		{"default, 6xx", "nil", 603, false},
		{"a cause", `{ "busy" }`, 486, true},
		{"another cause", `{ "busy" }`, 404, false},
		{"a code", `{ 404, "failed" }`, 404, true},
		{"failed is 5xx", `{ "failed" }`, 502, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			list := `{ "` + toBob + `", "` + toCarol + `", serial = true }`
			play(t, proxyTo(list, "{ next_on = "+test.nextOn+" }"), Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
				alice, bob, carol := alice(s), bob(s), carol(s)
				alice.Request("INVITE", "sip:bob@192.0.2.1")
				refuse(bob, bob.Expect("INVITE", soon), test.code)
				if test.goesOn {
					carol.Expect("INVITE", soon)
				} else {
					alice.Expect(strconv.Itoa(test.code), soon)
					carol.ExpectNone(time.Second)
				}
			})
		})
	}
}

func TestOnBranchEditsWhatOneTargetGets(t *testing.T) {
	script := `
		sip.on("INVITE", function(req)
			req:add_header("X-All", "1")
			local result = req:proxy({ { uri = "` + toBob + `", headers = { ["X-Target"] = "2" } }, "` + toCarol + `", "sip:left@192.0.2.30", "sip:broken@192.0.2.30" }, {
				on_branch = function(branch, target)
					if branch.uri.user == "left" then return false end
					if branch.uri.user == "broken" then error("oops") end
					branch:add_header("X-Branch", branch.uri.user)
					if branch.uri.user == "carol" then branch.uri = "sip:moved@192.0.2.40:5060" end
				end })
			for _, b in ipairs(result.branches) do log.info("branch", { code = b.code }) end
		end)`
	play(t, script, Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
		alice, bob, carol, dave := alice(s), bob(s), carol(s), dave(s)
		alice.Request("INVITE", "sip:team@192.0.2.1")
		one, two := bob.Expect("INVITE", soon), dave.Expect("INVITE", soon)
		if header(one, "X-All") != "1" || header(one, "X-Target") != "2" || header(one, "X-Branch") != "bob" {
			t.Errorf("bob got\n%v", one)
		}
		if header(two, "X-All") != "1" || header(two, "X-Target") != "" || header(two, "X-Branch") != "carol" || two.URIText() != "sip:moved@192.0.2.40:5060" {
			t.Errorf("dave got\n%v", two)
		}
		carol.ExpectNone(soon)
		refuse(bob, one, 503)
		refuse(dave, two, 503)
		alice.Expect("500", soon)
		logged(t, srv, "oops", "code=503")
		if strings.Contains(srv.Log.String(), "code=480") {
			t.Error("a target left out counts as one that failed")
		}
	})
}

func TestOnBranchMayLeaveEverybodyOut(t *testing.T) {
	for _, test := range []struct{ name, body, answer string }{
		{"left out", "return false", "480"},
		{"broken", `error("oops")`, "500"},
		{"answered instead", `req:reply(486)`, "486"},
	} {
		t.Run(test.name, func(t *testing.T) {
			script := `
				sip.on("INVITE", function(req)
					req:proxy({ "` + toBob + `", "` + toCarol + `", serial = true }, { on_branch = function() ` + test.body + ` end })
				end)`
			play(t, script, Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
				alice, bob, carol := alice(s), bob(s), carol(s)
				alice.Request("INVITE", "sip:team@192.0.2.1")
				alice.ACK(alice.Expect(test.answer, soon))
				bob.ExpectNone(time.Second)
				carol.ExpectNone(time.Second)
				alice.ExpectNone(time.Minute)
			})
		})
	}
}

func TestOnReplyReadsEditsAndDropsResponses(t *testing.T) {
	script := `
		sip.on("INVITE", function(req)
			req:proxy("` + toBob + `", { on_reply = function(reply, target)
				if reply.code == 183 then return false end
				if reply.code == 181 then error("oops") end
				reply:set_header("X-Seen", tostring(reply.code))
				return false
			end })
		end)`
	play(t, script, Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
		alice, bob := alice(s), bob(s)
		alice.Request("INVITE", "sip:bob@192.0.2.1")
		invite := bob.Expect("INVITE", soon)
		for _, code := range []int{183, 180, 181} {
			bob.Reply(invite, code)
		}
		if got := alice.Expect("181", soon); header(got, "X-Seen") != "" {
			t.Error("the reply passes as it was when on_reply fails")
		}
		bob.Reply(invite, 200) // only a 1xx can be dropped
		if got := alice.Expect("200", soon); header(got, "X-Seen") != "200" {
			t.Errorf("not edited:\n%v", got)
		}
		if len(alice.Unread()) != 1 { // the 100
			t.Errorf("there came %q", alice.Unread())
		}
		logged(t, srv, "oops")
	})
}

func TestOnReplySeesFailuresToo(t *testing.T) {
	script := `
		sip.on("INVITE", function(req)
			req:proxy("` + toBob + `", { on_reply = function(reply) reply:set_header("Subject", "changed") end })
		end)`
	play(t, script, Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
		alice, bob := alice(s), bob(s)
		alice.Request("INVITE", "sip:bob@192.0.2.1")
		refuse(bob, bob.Expect("INVITE", soon), 486)
		if got := alice.Expect("486", soon); header(got, "Subject") != "changed" {
			t.Errorf("not edited:\n%v", got)
		}
	})
}

func TestB033TimerC(t *testing.T) {
	play(t, proxyTo(`"`+toBob+`"`, "{ timeout = 1000 }"), Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
		alice, bob := alice(s), bob(s)
		alice.Request("INVITE", "sip:bob@192.0.2.1")
		invite := bob.Expect("INVITE", soon)
		bob.Reply(invite, 180)
		bob.ExpectNone(170*time.Second, "CANCEL")
		bob.Reply(invite, 180) // the clock starts again
		bob.ExpectNone(170*time.Second, "CANCEL")
		bob.Reply(invite, 100) // and this does not
		cancel := bob.Expect("CANCEL", 15*time.Second)
		bob.Reply(cancel, 200)
		refuse(bob, invite, 487)
		alice.Expect("408", soon)
		ended(t, srv, "no_answer", "408")
	})
}

func TestB033TimerCRunsFromA100Too(t *testing.T) {
	play(t, proxyTo(`"`+toBob+`"`, "{ timeout = 1000 }"), Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
		alice, bob := alice(s), bob(s)
		alice.Request("INVITE", "sip:bob@192.0.2.1")
		bob.Reply(bob.Expect("INVITE", soon), 100)
		bob.ExpectNone(180*time.Second, "CANCEL")
		bob.Expect("CANCEL", 2*time.Second)
	})
}

func TestB062The100CarriesTheTimestamp(t *testing.T) {
	play(t, `sip.on("*", function(req) sleep(10) end)`, Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
		alice := alice(s)
		alice.Request("INVITE", "sip:bob@192.0.2.1", siptest.Header("Timestamp", "54.21"))
		if got := header(alice.Expect("100", soon), "Timestamp"); got != "54.21" {
			t.Errorf("Timestamp %q at once", got)
		}
		alice.Request("MESSAGE", "sip:bob@192.0.2.1", siptest.Header("Timestamp", "54.21"))
		if got := header(alice.Expect("100 MESSAGE", 4*time.Second), "Timestamp"); !strings.HasPrefix(got, "54.21 3.50") {
			t.Errorf("Timestamp %q after a delay", got)
		}
	})
}
