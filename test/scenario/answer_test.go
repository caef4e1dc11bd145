package scenario

import (
	"strings"
	"testing"
	"time"

	"github.com/sipscript/sipscript/engine"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

// Every request gets exactly one final answer, whatever its handler does.

// logs fails the test unless a line of the log has all these words.
func (s *Server) logs(words ...string) {
	s.t.Helper()
	for line := range strings.Lines(s.Log.String()) {
		all := true
		for _, w := range words {
			all = all && strings.Contains(line, w)
		}
		if all {
			return
		}
	}
	s.t.Errorf("no line with %q in the log:\n%s", words, s.Log)
}

func TestHandlerThatEndsWithoutAnAnswerGets500(t *testing.T) {
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		srv := Start(t, s, `
			sip.on("INVITE", function(req) end)
			sip.on("MESSAGE", function(req)
				sleep(0.5)
			end)
			sip.on("INFO", print)
			sip.on("OPTIONS", function(req) req:reply(200) end)`, Options{})
		alice := s.UA("alice", "192.0.2.10:5060", sip.UDP).Reliable()
		for method, at := range map[string]string{sip.INVITE: "at=main.lua:2", sip.MESSAGE: "at=main.lua:3", sip.INFO: ""} {
			if got := alice.Final(alice.Request(method, "sip:bob@192.0.2.1")); got.Status() != 500 {
				t.Errorf("%s was answered %d, want 500", method, got.Status())
			}
			srv.logs("level=WARN", "without an answer", method, "handler="+method, at, "call_id=", "version=1")
		}
		if n := srv.Engine.Counters.Total("no_answer"); n != 3 {
			t.Errorf("%d were counted, want 3", n)
		}
		alice.Final(alice.Request(sip.OPTIONS, "sip:192.0.2.1"))
	})
}

func TestScriptErrorIsA500WithATracebackInTheLog(t *testing.T) {
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		srv := Start(t, s, `local function deeper(req)
	return req.nobody.home
end
sip.on("INVITE", function(req) deeper(req) end)
sip.on("MESSAGE", function(req) sleep(1) error("on purpose") end)
sip.on("INFO", function(req) req:reply(202) error("late") end)
sip.on("OPTIONS", function(req) req:reply(200) end)`, Options{})
		alice := s.UA("alice", "192.0.2.10:5060", sip.UDP).Reliable()
		for _, test := range []struct {
			method string
			code   int
			logged []string
		}{
			{sip.INVITE, 500, []string{"at=main.lua:2", "main.lua:4", "in function"}},
			{sip.MESSAGE, 500, []string{"on purpose", "at=main.lua:5", "main.lua:5"}},
			{sip.INFO, 202, []string{"late", "at=main.lua:6"}},
		} {
			if got := alice.Final(alice.Request(test.method, "sip:bob@192.0.2.1")); got.Status() != test.code {
				t.Errorf("%s was answered %d, want %d", test.method, got.Status(), test.code)
			}
			srv.logs(append(test.logged, "level=WARN", "traceback=", "handler="+test.method, "call_id=")...)
		}
		alice.Final(alice.Request(sip.OPTIONS, "sip:192.0.2.1"))
	})
}

func TestInviteThatNobodyWorksOnGets500AfterTheLimit(t *testing.T) {
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		srv := Start(t, s, `
			sip.on("INVITE", function(req)
				local ok, err = pcall(sleep, 86400)
				log.info("woken", { by = ok and "time" or err.cause })
				req:reply(200)
			end)`, Options{Engine: engine.Config{Limits: engine.Limits{Answer: 20 * time.Second}}})
		alice := s.UA("alice", "192.0.2.10:5060", sip.UDP).Reliable()
		invite := alice.Request(sip.INVITE, "sip:bob@192.0.2.1")
		alice.Expect("100", 300*time.Millisecond)
		alice.ExpectNone(19 * time.Second)
		if got := alice.Final(invite); got.Status() != 500 {
			t.Errorf("answered %d, want 500", got.Status())
		}
		srv.logs("level=WARN", "no answer in time", "call_id=alice-1@192.0.2.10", "after=20s")
		srv.logs("woken", "by=timeout")
		srv.logs("level=WARN", "answered") // the reply it tried has raised
		alice.ExpectNone(time.Minute)
	})
}

func TestRingingScriptAndRingingPhoneOutliveTheAnswerLimit(t *testing.T) {
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		Start(t, s, `
			sip.on("INVITE", function(req)
				if req.uri.user == "bob" then
					req:proxy("sip:bob@192.0.2.20", { timeout = 90 })
				else
					req:reply(180)
					sleep(90)
					req:reply(486)
				end
			end)`, Options{Engine: engine.Config{Limits: engine.Limits{Answer: 20 * time.Second}}})
		alice := s.UA("alice", "192.0.2.10:5060", sip.UDP).Reliable()
		bob := s.UA("bob", "192.0.2.20:5060", sip.UDP).Reliable()
		first := alice.Request(sip.INVITE, "sip:script@192.0.2.1")
		second := alice.Request(sip.INVITE, "sip:bob@192.0.2.1")
		invite := bob.Expect(sip.INVITE, time.Second)
		bob.Reply(invite, 180)
		time.Sleep(80 * time.Second)
		bob.Reply(invite, 486)
		for _, req := range []*sip.Message{first, second} {
			if got := alice.Final(req); got.Status() != 486 {
				t.Errorf("answered %d, want 486", got.Status())
			}
		}
	})
}

func TestNonInviteThatNobodyAnswersIsGivenUpInSilence(t *testing.T) {
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		srv := Start(t, s, `
			sip.on("MESSAGE", function(req)
				local ok, err = pcall(sleep, 86400)
				log.info("woken", { by = ok and "time" or err.cause })
				req:reply(200)
			end)
			sip.on("OPTIONS", function(req) req:reply(200) end)`, Options{})
		alice := s.UA("alice", "192.0.2.10:5060", sip.UDP)
		alice.Request(sip.MESSAGE, "sip:bob@192.0.2.1")
		alice.Expect("100", 4*time.Second)
		alice.ExpectNone(2 * time.Minute)
		srv.logs("woken", "by=timeout", "2000-01-01T00:00:32")
		alice.Request(sip.OPTIONS, "sip:192.0.2.1")
		alice.Expect("200", time.Second)
	})
}

// A script would rather store a message nobody took than be told that it took too long.
func TestNonInviteThatNobodyAnswersDownstreamIsAResult(t *testing.T) {
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		srv := Start(t, s, `
			sip.on("MESSAGE", function(req)
				local result = req:proxy("sip:bob@192.0.2.20")
				log.info("over", { code = result.code, cause = result.cause, body = req.body })
			end)
			sip.on("INFO", function(req) -- a second group of targets finds nobody who waits any more
				local ok, err = pcall(req.proxy, req, { serial = true, "sip:a@192.0.2.20", "sip:b@192.0.2.20" })
				log.info("info over", { cause = err.cause })
			end)`, Options{})
		alice := s.UA("alice", "192.0.2.10:5060", sip.UDP)
		bob := s.UA("bob", "192.0.2.20:5060", sip.UDP)
		alice.Request(sip.MESSAGE, "sip:bob@192.0.2.1", siptest.Body("text/plain", "hello"))
		alice.Request(sip.INFO, "sip:bob@192.0.2.1")
		alice.Expect("100 MESSAGE", 4*time.Second)
		alice.Expect("100 INFO", 4*time.Second)
		alice.ExpectNone(2 * time.Minute)
		bob.Expect("MESSAGE", 0)
		srv.logs("msg=over", "code=408", "cause=failed", "body=hello")
		srv.logs("msg=\"info over\"", "cause=failed") // at once, and not by being unwound
	})
}

func TestRetransmittedRequestsRunTheScriptOnce(t *testing.T) {
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		srv := Start(t, s, `
			sip.on("INVITE", function(req) log.info("ran INVITE") sleep(2) req:reply(180) sleep(2) req:reply(603) end)
			sip.on("REGISTER", function(req) log.info("ran REGISTER") sleep(4) registrar.save(req) end)`, Options{})
		alice := s.UA("alice", "192.0.2.10:5060", sip.UDP)
		invite := alice.Request(sip.INVITE, "sip:bob@192.0.2.1")
		register := alice.Request(sip.REGISTER, "sip:192.0.2.1", siptest.Header("Contact", "<"+alice.Contact()+">"), siptest.Set("To", "<"+alice.AOR()+">"))
		alice.Expect("100 INVITE", 100*time.Millisecond)
		again := func(want string) {
			t.Helper()
			alice.SendAgain(invite)
			alice.SendAgain(register)
			if want == "" {
				alice.ExpectNone(100 * time.Millisecond)
				return
			}
			alice.Expect(want, 100*time.Millisecond)
			alice.ExpectNone(100 * time.Millisecond)
		}
		time.Sleep(500 * time.Millisecond)
		again("100 INVITE") // the last provisional again; the REGISTER is absorbed
		time.Sleep(2 * time.Second)
		alice.Expect("180 INVITE", 0)
		again("180 INVITE")
		alice.Expect("100 REGISTER", time.Second) // due by RFC 4320 §4.1
		alice.Expect("603 INVITE", 2*time.Second)
		alice.Expect("200 REGISTER", 2*time.Second)
		time.Sleep(100 * time.Millisecond)
		alice.SendAgain(register)
		alice.Expect("200 REGISTER", 100*time.Millisecond)
		for _, method := range []string{sip.INVITE, sip.REGISTER} {
			if n := strings.Count(srv.Log.String(), "ran "+method); n != 1 {
				t.Errorf("the handler of %s ran %d times", method, n)
			}
		}
	})
}

func TestHandlerAsleepAcrossAReloadAnswersFromItsOwnVersion(t *testing.T) {
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		script := func(word string) string {
			return `
				local count = 0
				sip.on("INVITE", function(req) count = count + 1 sleep(5) req:reply(480, "` + word + ` " .. count) end)
				sip.on("OPTIONS", function(req) req:reply(200, "` + word + `") end)`
		}
		srv := Start(t, s, script("old"), Options{})
		alice := s.UA("alice", "192.0.2.10:5060", sip.UDP).Reliable()
		first := alice.Request(sip.INVITE, "sip:bob@192.0.2.1")
		time.Sleep(time.Second)
		if err := srv.Change(script("new")); err != nil {
			t.Fatal(err)
		}
		second := alice.Request(sip.INVITE, "sip:bob@192.0.2.1")
		if got := alice.Final(alice.Request(sip.OPTIONS, "sip:192.0.2.1")).Reason(); got != "new" {
			t.Errorf("a new request was answered by %q", got)
		}
		if err := srv.Change("syntax error"); err == nil {
			t.Error("a broken script went live")
		}
		if got := alice.Final(first).Reason(); got != "old 1" {
			t.Errorf("the request from before was answered by %q", got)
		}
		if got := alice.Final(second).Reason(); got != "new 1" {
			t.Errorf("the request from after was answered by %q", got)
		}
	})
}
