package scenario

import (
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sipscript/sipscript/engine"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/resolve"
	"github.com/sipscript/sipscript/sip/siptest"
)

var luaBlock = regexp.MustCompile("(?s)```lua\n(.*?)```")

// guide plays the one script of the guide for authors that has this text in it, together with what comes before it there.
func guide(t *testing.T, text, before string, f func(t *testing.T, s *siptest.Scene, srv *Server, alice *siptest.UA)) {
	t.Helper()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "lua.md"))
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, block := range luaBlock.FindAllStringSubmatch(string(page), -1) {
		if strings.Contains(block[1], text) {
			found = append(found, block[1])
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d scripts in the guide contain %q", len(found), text)
	}
	o := Options{
		Engine: engine.Config{Domains: []string{"example.com"}},
		Names:  resolve.Static{"example.org": {netip.MustParseAddr("192.0.2.12")}},
	}
	withAlice(t, before+found[0], o, func(t *testing.T, s *siptest.Scene, srv *Server, alice *siptest.UA) {
		f(t, s, srv, alice.Domain("example.com"))
		if srv.logged("level=WARN") {
			t.Errorf("something went wrong:\n%s", srv.Log)
		}
	})
}

const registering = `sip.on("REGISTER", function(req) registrar.save(req) end) `

// ring calls a user and returns the final response.
func ring(from *siptest.UA, user string) *sip.Message {
	return from.Final(from.Request(sip.INVITE, "sip:"+user+"@example.com", siptest.SDP(from.Addr().Addr())))
}

func TestGuideFromNothingToCalls(t *testing.T) {
	guide(t, "registrar.save(req)\nend)", "", func(t *testing.T, s *siptest.Scene, _ *Server, alice *siptest.UA) {
		bob := s.UA("bob", "192.0.2.20:5060", sip.UDP).Reliable().Domain("example.com")
		bob.Register("", "")
		siptest.Call(alice, bob, "sip:bob@example.com").Hangup()
	})
}

func TestGuidePasswords(t *testing.T) {
	guide(t, `{ users = users }`, "", func(t *testing.T, s *siptest.Scene, _ *Server, alice *siptest.UA) {
		if got := alice.Register("", ""); got.Status() != 401 {
			t.Errorf("without a password: %d", got.Status())
		}
		alice.Credentials("alice", "wonderland")
		if got := alice.Register("", ""); got.Status() != 200 {
			t.Errorf("with it: %d", got.Status())
		}
	})
}

func TestGuideSecondTry(t *testing.T) {
	guide(t, `result.cause == "busy"`, registering, func(t *testing.T, s *siptest.Scene, _ *Server, alice *siptest.UA) {
		s.UA("reception", "192.0.2.12:5060", sip.UDP).AutoReply(600)
		bob := s.UA("bob", "192.0.2.20:5060", sip.UDP).Reliable().Domain("example.com")
		bob.Register("", "")
		for code, want := range map[int]int{486: 600, 404: 404} {
			bob.AutoReply(code)
			if got := ring(alice, "bob").Status(); got != want {
				t.Errorf("%d of bob became %d, want %d", code, got, want)
			}
		}
		bob.AutoAnswer(time.Hour)
		alice.Request(sip.INVITE, "sip:bob@example.com")
		alice.ExpectNone(19*time.Second, "600")
		alice.Expect("600", 2*time.Second)
		settle()
	})
}

func TestGuideGroups(t *testing.T) {
	guide(t, "local desk", "", func(t *testing.T, s *siptest.Scene, _ *Server, alice *siptest.UA) {
		alice.Close() // the desk has that address
		desk := s.UA("desk", "192.0.2.10:5060", sip.UDP).AutoAnswer(time.Hour)
		mobile := s.UA("mobile", "192.0.2.11:5060", sip.UDP).AutoAnswer(time.Hour)
		s.UA("reception", "192.0.2.12:5060", sip.UDP).AutoReply(600)
		caller := s.UA("caller", "192.0.2.99:5060", sip.UDP).Reliable()
		begun := time.Now()
		caller.Request(sip.INVITE, "sip:x@example.com", siptest.SDP(caller.Addr().Addr()))
		caller.Expect("600", 20*time.Second)
		if took := time.Since(begun).Round(time.Second); took != 15*time.Second {
			t.Errorf("the reception rang after %s", took)
		}
		desk.AutoReply(486)
		mobile.Handle(nil)
		caller.Request(sip.INVITE, "sip:x@example.com", siptest.SDP(caller.Addr().Addr()))
		invite := mobile.Expect(sip.INVITE, time.Second) // at once: nothing else rings
		if alert, _ := invite.Get("Alert-Info"); alert != "<urn:alert:source:external>" {
			t.Errorf("Alert-Info %q", alert)
		}
		mobile.Reply(invite, 603)
		caller.Expect("603", time.Second)
		settle()
	})
}

func TestGuideGateways(t *testing.T) {
	guide(t, "next_on", "", func(t *testing.T, s *siptest.Scene, srv *Server, alice *siptest.UA) {
		s.UA("gw1", "192.0.2.21:5060", sip.UDP).Handle(func(*sip.Message) {}) // silent
		gw2 := s.UA("gw2", "192.0.2.22:5060", sip.UDP).Reliable()
		alice.Request(sip.INVITE, "sip:4711@example.com", siptest.Header("X-Internal", "1"))
		invite := gw2.Expect(sip.INVITE, 3*time.Second)
		if _, there := invite.Get("X-Internal"); there || invite.URIText() != "sip:4711@192.0.2.22" {
			t.Errorf("the gateway got\n%v", invite)
		}
		gw2.Reply(invite, 486, siptest.Header("Server", "gateway/1"))
		if busy := alice.Expect("486", time.Second); busy.Has(sip.Server) {
			t.Errorf("the caller got\n%v", busy)
		}
		settle()
		if !srv.logged("msg=call", "cause=busy", "code=486", "tried=2", "by=sip:192.0.2.22") {
			t.Errorf("the log says\n%s", srv.Log)
		}
	})
}

func TestGuideErrors(t *testing.T) {
	guide(t, "not registered", "", func(t *testing.T, s *siptest.Scene, srv *Server, alice *siptest.UA) {
		for i, want := range []int{200, 200, 403} {
			if got := alice.Register("", "<sip:alice@192.0.2."+string(rune('1'+i))+">").Status(); got != want {
				t.Errorf("contact %d: %d, want %d", i+1, got, want)
			}
		}
		if !srv.logged("msg=registered", "phones=2", "user=sip:alice@example.com") || !srv.logged(`msg="not registered"`, "code=403", `why="rejected (403)`) {
			t.Errorf("the log says\n%s", srv.Log)
		}
	})
}

func TestGuideSharedCount(t *testing.T) {
	guide(t, "kv.incr", registering, func(t *testing.T, s *siptest.Scene, _ *Server, alice *siptest.UA) {
		s.UA("bob", "192.0.2.20:5060", sip.UDP).AutoReply(200).Domain("example.com").Register("", "")
		send := func() int { return alice.Final(alice.Request("MESSAGE", "sip:bob@example.com")).Status() }
		for i := range 31 {
			want := 200
			if i == 30 {
				want = 480
			}
			if got := send(); got != want {
				t.Errorf("message %d: %d, want %d", i+1, got, want)
			}
		}
		time.Sleep(time.Minute)
		if got := send(); got != 200 {
			t.Errorf("a minute later: %d", got)
		}
	})
}

func TestGuideUsersFromElsewhere(t *testing.T) {
	guide(t, "local function find", registering, func(t *testing.T, s *siptest.Scene, _ *Server, alice *siptest.UA) {
		bob := s.UA("bob", "192.0.2.20:5060", sip.UDP).Reliable().Domain("example.com")
		bob.Register("", "")
		if got := ring(alice, "bob").Status(); got != 407 {
			t.Errorf("without a password: %d", got)
		}
		alice.Credentials("alice", "wonderland")
		alice.Request(sip.INVITE, "sip:bob@example.com")
		invite := bob.Expect(sip.INVITE, time.Second)
		if plan, _ := invite.Get("X-Plan"); plan != "gold" {
			t.Errorf("X-Plan %q", plan)
		}
		bob.Reply(invite, 486)
		alice.Expect("486", time.Second)
		settle()
	})
}

func TestGuideTimers(t *testing.T) {
	guide(t, "sip.every", "", func(t *testing.T, s *siptest.Scene, srv *Server, alice *siptest.UA) {
		alice.Final(alice.Request("MESSAGE", "sip:bob@example.com"))
		time.Sleep(3 * time.Minute)
		if !srv.logged("msg=live") || !srv.logged(`msg="five seconds ago"`, "from=sip:alice@example.com") || strings.Count(srv.Log.String(), "msg=registered") != 3 {
			t.Errorf("the log says\n%s", srv.Log)
		}
	})
}
