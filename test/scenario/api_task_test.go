package scenario

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

func TestTasksOfAHandler(t *testing.T) {
	returns(t, Options{}, []example{
		{body: `return task.any{ slow = function() sleep(2) return 1 end, fast = function() sleep(1) return 2, 3 end }`, want: "fast 2 3"},
		{body: `local key, err = task.any{ function() sleep(9) end, timeout = 1 } return key, err.cause`, want: "nil timeout"},
		{body: `local r = task.all{ function() return req.method end, function() sleep(1) return 2 end } return r[1], r[2]`, want: "OPTIONS 2"},
		{body: `local t = task.spawn(function(a) sleep(1) return a end, "x") return t.ended, t:wait()`, want: "false x"},
		{body: `return pcall(task.any, { function() error("boom", 0) end })`, want: "false boom"},
	})
}

// A handler whose request was answered goes on with tasks, and its defers run behind everything.
func TestErrorOfATaskFailsItsRequest(t *testing.T) {
	withAlice(t, `
sip.on("OPTIONS", function(req)
	defer(function() log.info("deferred") end)
	task.spawn(function() sleep(1) error("a dead task") end)
	sleep(60)
end)`, Options{}, func(t *testing.T, _ *siptest.Scene, srv *Server, alice *siptest.UA) {
		if got := alice.Final(alice.Request(sip.OPTIONS, "sip:192.0.2.1")).Status(); got != 500 {
			t.Errorf("answered %d, want 500", got)
		}
		settle()
		if !srv.logged("script error in OPTIONS/task", "a dead task", "handler=OPTIONS", "call_id=") {
			t.Errorf("the error is not in the log:\n%s", srv.Log)
		}
		if !srv.logged("msg=deferred", "handler=OPTIONS/defer", "call_id=") {
			t.Errorf("what was deferred has not run:\n%s", srv.Log)
		}
	})
}

func TestErrorOfADeferIsLogged(t *testing.T) {
	withAlice(t, `sip.on("OPTIONS", function(req) defer(function() error("a dead defer") end) req:reply(200) end)`, Options{},
		func(t *testing.T, _ *siptest.Scene, srv *Server, alice *siptest.UA) {
			if got := alice.Final(alice.Request(sip.OPTIONS, "sip:192.0.2.1")).Status(); got != 200 {
				t.Errorf("answered %d, want 200", got)
			}
			settle()
			if !srv.logged("script error in OPTIONS/defer", "a dead defer") || srv.Engine.Counters.Total("script_error") != 1 {
				t.Errorf("the error is not in the log:\n%s", srv.Log)
			}
		})
}

// The 487 has left before anything the script does about it.
func TestCallerWhoGoesUnwindsTasksToo(t *testing.T) {
	withAlice(t, `
sip.on("INVITE", function(req)
	defer(function() log.info("deferred") end)
	task.spawn(function() local ok, err = pcall(sleep, 60) log.info("task " .. err.cause) end)
	task.any { function() local ok, err = pcall(sleep, 60) log.info("member " .. err.cause) end }
	log.info("not reached")
end)`, Options{}, func(t *testing.T, _ *siptest.Scene, srv *Server, alice *siptest.UA) {
		invite := alice.Request(sip.INVITE, "sip:bob@192.0.2.1")
		alice.Expect("100", time.Second)
		alice.CANCEL(invite)
		alice.Expect("487", time.Second)
		settle()
		var said []string
		for line := range strings.Lines(srv.Log.String()) {
			if _, word, ok := strings.Cut(line, "msg="); ok && strings.Contains(line, "handler=INVITE") {
				said = append(said, strings.Trim(word[:strings.Index(word, " at=")], `"`))
			}
		}
		if got := strings.Join(said, ", "); got != "member hangup, task canceled, deferred" {
			t.Errorf("the script said %q\n%s", got, srv.Log)
		}
	})
}

// A version that was superseded stays until its defers and unfinished tasks have ended.
func TestDeferHoldsItsVersion(t *testing.T) {
	withAlice(t, `sip.on("OPTIONS", function(req) defer(function() sleep(20) log.info("deferred") end) req:reply(200) end)`, Options{},
		func(t *testing.T, _ *siptest.Scene, srv *Server, alice *siptest.UA) {
			alice.Final(alice.Request(sip.OPTIONS, "sip:192.0.2.1"))
			if err := srv.Change(`sip.on("OPTIONS", function(req) req:reply(202) end)`); err != nil {
				t.Fatal(err)
			}
			time.Sleep(25 * time.Second)
			synctest.Wait()
			if !srv.logged("msg=deferred", "version=1") {
				t.Errorf("what was deferred has not run:\n%s", srv.Log)
			}
		})
}
