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

func TestHostileHandlerHurtsOnlyItsOwnRequest(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, does string }{
		{"busy loop", `while true do end`},
		{"busy loop after a wait", `sleep(0.1) while true do end`},
		{"busy loop in coroutine.wrap", `coroutine.wrap(function() while true do end end)()`},
		{"busy loop in a coroutine that waits", `local co = coroutine.create(function() sleep(0.1) while true do end end) coroutine.resume(co) while true do coroutine.resume(co) end`},
		{"busy loop in pcall", `while true do pcall(function() while true do end end) end`},
		{"busy loop in xpcall", `while true do xpcall(function() while true do end end, function() while true do end end) end`},
		{"busy loop in a metamethod", `local t = setmetatable({}, { __index = function(t, k) while true do end end }) local x = t.y`},
		{"busy loop in a comparison", `local t = {} for i = 1, 100 do t[i] = i end table.sort(t, function(a, b) while true do end end)`},
		{"busy loop in gsub", `(("x"):rep(1000)):gsub(".", function() while true do end end)`},
		{"pattern bomb", `(("a"):rep(200)):find("(.-)(.-)(.-)(.-)(.-)x")`},
		{"pattern bomb in pcall", `while true do pcall(string.find, ("a"):rep(200), "(.-)(.-)(.-)(.-)(.-)x") end`},
		{"string bomb", `local s = "x" while true do s = s .. s end`},
		{"table bomb", `local t = {} while true do t[#t + 1] = {} end`},
		{"endless recursion", `local function f() return 1 + f() end f()`},
		{"endless recursion in pcall", `local function f() pcall(f) f() end f()`},
		{"raises", `error({})`},
		{"raises nil", `error()`},
		{"waits and swallows its end", `while true do pcall(sleep, 3600) end`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
				srv := Start(t, s, fmt.Sprintf(`
					sip.on("INVITE", function(req) %s end)
					sip.on("MESSAGE", function(req) sleep(0.5) req:reply(202) end)
					sip.on("OPTIONS", function(req) req:reply(200) end)`, test.does),
					Options{Engine: engine.Config{Shards: 1, Limits: engine.Limits{Answer: 5 * time.Second}}})
				mallory := s.UA("mallory", "192.0.2.66:5060", sip.UDP).Reliable()
				alice := s.UA("alice", "192.0.2.10:5060", sip.UDP).Reliable()
				before := alice.Request(sip.MESSAGE, "sip:bob@192.0.2.1")
				time.Sleep(100 * time.Millisecond)
				hurt := mallory.Request(sip.INVITE, "sip:bob@192.0.2.1")
				after := alice.Request(sip.OPTIONS, "sip:bob@192.0.2.1")
				if got := alice.Final(after); got.Status() != 200 {
					t.Errorf("the request after it got %d", got.Status())
				}
				if got := alice.Final(before); got.Status() != 202 {
					t.Errorf("the request before it got %d", got.Status())
				}
				if got := mallory.Final(hurt); got.Status() != 500 {
					t.Errorf("its own request got %d, want 500", got.Status())
				}
				srv.logs("level=WARN", "call_id=mallory-1@192.0.2.66")
			})
		})
	}
}

func TestSpentBudgetIsLoggedWithItsPlace(t *testing.T) {
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		srv := Start(t, s, `local function spin()
	while true do end
end
sip.on("INVITE", function(req) spin() end)`, Options{})
		mallory := s.UA("mallory", "192.0.2.66:5060", sip.UDP).Reliable()
		mallory.Final(mallory.Request(sip.INVITE, "sip:bob@192.0.2.1"))
		srv.logs("cause=budget", "at=main.lua:2", "main.lua:4", "handler=INVITE", "call_id=mallory-1@192.0.2.66")
		if n := strings.Count(srv.Log.String(), "cause=budget"); n != 1 {
			t.Errorf("it was logged %d times", n)
		}
	})
}

func TestHostileTimerHurtsNobody(t *testing.T) {
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		srv := Start(t, s, `
			sip.on_start(function() while true do end end)
			sip.every(1, function() while true do pcall(sleep, -1) end end)
			sip.after(1, function() error("after all") end)
			sip.on("OPTIONS", function(req) req:reply(200) end)`, Options{})
		alice := s.UA("alice", "192.0.2.10:5060", sip.UDP)
		for range 5 {
			time.Sleep(time.Second)
			alice.Request(sip.OPTIONS, "sip:192.0.2.1")
			alice.Expect("200", 100*time.Millisecond)
		}
		srv.logs("handler=on_start", "cause=budget")
		srv.logs("handler=every", "cause=budget")
		srv.logs("handler=after", "after all")
	})
}
