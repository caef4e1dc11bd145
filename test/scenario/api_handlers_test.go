package scenario

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sipscript/sipscript/engine"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

// What a main chunk may not do is said when it is loaded.
func TestMainChunkUsesThatAreRefused(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		`sip.on("INVITE")`:                           "sip.on: bad argument #2 (function expected, got no value)",
		`sip.on(nil, print)`:                         "sip.on: bad argument #1 (string expected, got nil)",
		`sip.on("", print)`:                          `sip.on: bad argument #1 ("" is no method)`,
		`sip.on("IN VITE", print)`:                   `sip.on: bad argument #1 ("IN VITE" is no method)`,
		`sip.on("invite", print)`:                    "sip.on: bad argument #1 (unknown method 'invite' (did you mean 'INVITE'?))",
		`sip.on("REGISTR", print)`:                   "sip.on: bad argument #1 (unknown method 'REGISTR' (did you mean 'REGISTER'?))",
		`sip.on("BYE", print)`:                       "sip.on: bad argument #1 (BYE belongs to a dialog; use sip.on_indialog)",
		`for i = 1, 2 do sip.on("X", print) end`:     "sip.on: a handler for X is registered already",
		`for i = 1, 2 do sip.on("*", print) end`:     `sip.on: a handler for "*" is registered already`,
		`for i = 1, 2 do sip.on_indialog(print) end`: "sip.on_indialog: a handler is registered already",
		`sip.on_indialog()`:                          "sip.on_indialog: bad argument #1 (function expected, got no value)",
		`sip.on_start("x")`:                          "sip.on_start: bad argument #1 (function expected, got string)",
		`sip.every(0, print)`:                        "sip.every: bad argument #1 (must be at least 0.001)",
		`sip.every("x", print)`:                      "sip.every: bad argument #1 (number expected, got string)",
		`sip.every(1)`:                               "sip.every: bad argument #2 (function expected, got no value)",
		`sip.after(-1, print)`:                       "sip.after: bad argument #1 (seconds, 0 or more, expected)",
		`sip.after(1)`:                               "sip.after: bad argument #2 (function expected, got no value)",
		`sip.is_local("sip:a@b")`:                    "sip.is_local: may not be called in the main chunk",
		`location.lookup("sip:a@b")`:                 "location.lookup: may not be called in the main chunk",
		`location.add("sip:a@b", "sip:a@b")`:         "location.add: may not wait in the main chunk",
		`location.count()`:                           "location.count: may not be called in the main chunk",
		`registrar.save()`:                           "registrar.save: may not wait in the main chunk",
		`auth.require()`:                             "auth.require: may not wait in the main chunk",
		`sleep(1)`:                                   "sleep: may not wait in the main chunk",
		`error("stop")`:                              "stop",
	} {
		wantFault(t, source, want)
	}
}

func TestMainChunkMayUseWhatDoesNotWait(t *testing.T) {
	t.Parallel()
	for _, source := range []string{
		"", `kv.set("a", 1) assert(kv.get("a") == 1)`, `log.info("x")`, `assert(json.decode(json.encode({ 1 }))[1] == 1)`, `assert(time.now() > 0)`,
		`auth.ban("192.0.2.1", 5) assert(auth.banned("192.0.2.1"))`, `sip.after(0, print) sip.every(1, print) sip.on_start(print)`,
		`local s = require "sip" assert(s == sip and require "kv" == kv)`, `sip.on("PING", print) sip.on("BENOTIFY", print)`,
	} {
		if got := faults(t, source, nil); got != nil {
			t.Errorf("%s: %q", source, got)
		}
	}
}

func TestRegisteringLaterRaises(t *testing.T) {
	raises(t, Options{}, []example{
		{"sip.on('X', print)", "sip.on: may not be called in a handler, only in the main chunk", nil},
		{"sip.on_indialog(print)", "sip.on_indialog: may not be called in a handler, only in the main chunk", nil},
		{"sip.on_start(print)", "sip.on_start: may not be called in a handler, only in the main chunk", nil},
		{"sip.every(1, print)", "sip.every: may not be called in a handler, only in the main chunk", nil},
		{"sip.is_local()", "sip.is_local: bad argument #1 (URI expected, got nil)", nil},
		{"sip.is_local('bob')", `sip.is_local: bad argument #1 ("bob" is no URI)`, nil},
		{"sip.after('x', print)", "sip.after: bad argument #1 (number expected, got string)", nil},
		{"undeclared = 1", "attempt to write undeclared global 'undeclared': declare it in the main chunk, or make it local", nil},
	})
}

func TestIsLocal(t *testing.T) {
	returns(t, Options{Engine: engine.Config{Domains: []string{"example.org"}}}, []example{
		{"return sip.is_local('sip:a@example.org'), sip.is_local('sips:EXAMPLE.org'), sip.is_local('sip:a@example.org:7777'), sip.is_local('sip:a@sub.example.org')", "true true true false", nil},
		{"return sip.is_local('sip:192.0.2.1'), sip.is_local('sip:192.0.2.1:5060'), sip.is_local('sip:192.0.2.1:5070'), sip.is_local('sip:192.0.2.2')", "true true false false", nil},
		{"return sip.is_local('tel:+4930123'), sip.is_local(req.uri), sip.is_local(req.from), sip.is_local(req.to.uri)", "false true true true", nil},
	})
}

// Every method to whom it belongs, and 405 with Allow where nobody wants it.
func TestHandlersByMethod(t *testing.T) {
	for _, c := range []struct{ source, allow string }{
		{`sip.on("MESSAGE", reply) sip.on("PING", reply)`, "ACK, BYE, CANCEL, MESSAGE, OPTIONS, PING"},
		{`sip.on("INVITE", reply) sip.on("REGISTER", reply)`, "ACK, BYE, CANCEL, INVITE, OPTIONS, REGISTER"},
	} {
		t.Run(c.allow, func(t *testing.T) {
			source := "local function reply(req) req:reply(200, req.method) end " + c.source
			withAlice(t, source, Options{}, func(t *testing.T, s *siptest.Scene, _ *Server, alice *siptest.UA) {
				got := alice.Final(alice.Request("SUBSCRIBE", "sip:bob@192.0.2.1"))
				if allow, _ := got.Value(sip.Allow); got.Status() != 405 || allow != c.allow {
					t.Errorf("%s: %d, Allow %s", c.source, got.Status(), allow)
				}
			})
		})
	}
}

func TestHandlerForTheRest(t *testing.T) {
	withAlice(t, `
		sip.on("MESSAGE", function(req) req:reply(200, "own") end)
		sip.on("*", function(req) req:reply(200, "rest " .. req.method) end)`, Options{}, func(t *testing.T, s *siptest.Scene, _ *Server, alice *siptest.UA) {
		for method, want := range map[string]string{"MESSAGE": "own", "INFO": "rest INFO", "PING": "rest PING", "REGISTER": "rest REGISTER"} {
			if got := alice.Final(alice.Request(method, "sip:bob@192.0.2.1")); got.Reason() != want {
				t.Errorf("%s: %d %s", method, got.Status(), got.Reason())
			}
		}
		// OPTIONS to the server itself are its own affair unless there is a handler of their own.
		if got := alice.Final(alice.Request("OPTIONS", "sip:192.0.2.1")); got.Status() != 200 || !got.Has(sip.Allow) || !got.Has(sip.Accept) || !got.Has(sip.Supported) {
			t.Errorf("OPTIONS to the server:\n%v", got)
		}
		if got := alice.Final(alice.Request("OPTIONS", "sip:bob@192.0.2.1")); got.Reason() != "rest OPTIONS" {
			t.Errorf("OPTIONS to a user: %s", got.Reason())
		}
	})
}

func TestOnStartRunsOncePerProcessAndVersion(t *testing.T) {
	const source = `
		sip.on_start(function() sleep(1) log.info("started", { n = kv.incr("starts") }) end)
		sip.on_start(function() log.info("second") end)
		sip.on_start(function() error("on purpose") end)`
	withAlice(t, source, Options{}, func(t *testing.T, s *siptest.Scene, srv *Server, _ *siptest.UA) {
		time.Sleep(2 * time.Second)
		if n := strings.Count(srv.Log.String(), "msg=started"); n != 1 || !srv.logged("msg=second", "handler=on_start") || !srv.logged("level=WARN", "script error in on_start", "on purpose") {
			t.Errorf("started %d times:\n%s", n, srv.Log)
		}
		if err := srv.Change(source + "-- another"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		if !srv.logged("msg=started", "n=2", "version=2") || srv.logged("n=3") {
			t.Errorf("after the reload:\n%s", srv.Log)
		}
	})
}

func TestEveryTicksOncePerProcessInTheNewestVersion(t *testing.T) {
	source := func(name string) string {
		return `sip.every(10, function() log.info("tick", { who = "` + name + `", n = kv.incr("` + name + `") }) end)`
	}
	withAlice(t, source("one"), Options{}, func(t *testing.T, s *siptest.Scene, srv *Server, _ *siptest.UA) {
		time.Sleep(35 * time.Second)
		if n := strings.Count(srv.Log.String(), "who=one"); n != 3 {
			t.Errorf("%d ticks in 35 s:\n%s", n, srv.Log)
		}
		if err := srv.Change(source("two")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(25 * time.Second)
		if one, two := strings.Count(srv.Log.String(), "who=one"), strings.Count(srv.Log.String(), "who=two"); one != 3 || two != 2 {
			t.Errorf("%d and %d ticks after the reload:\n%s", one, two, srv.Log)
		}
	})
}

// A tick whose predecessor still runs is left out and counted; one that fails does not end the others.
func TestEverySkipsATickWhileTheLastStillRuns(t *testing.T) {
	withAlice(t, `
		sip.every(1, function() log.info("slow", { n = kv.incr("slow") }) sleep(2.5) end)
		sip.every(1, function() error("tick " .. kv.incr("bad")) end)`, Options{}, func(t *testing.T, s *siptest.Scene, srv *Server, _ *siptest.UA) {
		time.Sleep(9500 * time.Millisecond)
		if n := strings.Count(srv.Log.String(), "msg=slow"); n != 3 { // at 1, 4 and 7
			t.Errorf("%d slow ticks:\n%s", n, srv.Log)
		}
		if n := srv.Engine.Counters.Total("tick_skipped"); n != 6 {
			t.Errorf("%d ticks skipped, want 6", n)
		}
		if !srv.logged("script error in every", "tick 9") {
			t.Errorf("the failing timer has stopped:\n%s", srv.Log)
		}
	})
}

func TestAfterInTheMainChunkRunsOnceUnlessReplaced(t *testing.T) {
	withAlice(t, `sip.after(5, function() log.info("early") end) sip.after(20, function() log.info("late") end)`, Options{}, func(t *testing.T, s *siptest.Scene, srv *Server, _ *siptest.UA) {
		time.Sleep(10 * time.Second)
		if n := strings.Count(srv.Log.String(), "msg=early"); n != 1 {
			t.Errorf("%d times:\n%s", n, srv.Log)
		}
		if err := srv.Change(`log.info("new")`); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if srv.logged("msg=late") {
			t.Errorf("a timer of the old version fired:\n%s", srv.Log)
		}
	})
}

// A timer that a handler has set belongs to its version, and outlives the call and the reload.
func TestAfterInAHandlerRunsInItsVersion(t *testing.T) {
	withAlice(t, `
		sip.on("MESSAGE", function(req)
			local from = req.from.uri
			sip.after(10, function() sleep(1) log.info("later", { from = from }) end)
			req:reply(202)
		end)`, Options{}, func(t *testing.T, s *siptest.Scene, srv *Server, alice *siptest.UA) {
		alice.Final(alice.Request("MESSAGE", "sip:bob@192.0.2.1"))
		if err := srv.Change(`log.info("new")`); err != nil {
			t.Fatal(err)
		}
		time.Sleep(15 * time.Second)
		if !srv.logged("msg=later", "from=sip:alice@192.0.2.1", "version=1", "handler=after") {
			t.Errorf("the timer was lost:\n%s", srv.Log)
		}
	})
}

// A new version gets the requests that come after it; the one before keeps those it has begun with.
func TestReloadLeavesRunningHandlersAlone(t *testing.T) {
	source := func(name string) string {
		return fmt.Sprintf(`sip.on("MESSAGE", function(req) sleep(5) req:reply(200, "%s") end)`, name)
	}
	withAlice(t, source("old"), Options{}, func(t *testing.T, s *siptest.Scene, srv *Server, alice *siptest.UA) {
		first := alice.Request("MESSAGE", "sip:bob@192.0.2.1")
		time.Sleep(time.Second)
		if err := srv.Change(source("new")); err != nil {
			t.Fatal(err)
		}
		second := alice.Request("MESSAGE", "sip:bob@192.0.2.1")
		if a, b := alice.Final(first).Reason(), alice.Final(second).Reason(); a != "old" || b != "new" {
			t.Errorf("the first got %s, the second %s", a, b)
		}
		if err := srv.Change("sip.on("); err == nil {
			t.Error("a broken version went live")
		}
		if got := alice.Final(alice.Request("MESSAGE", "sip:bob@192.0.2.1")).Reason(); got != "new" {
			t.Errorf("after a broken version: %s", got)
		}
	})
}
