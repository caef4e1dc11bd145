package scenario

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/resolve"
	"github.com/sipscript/sipscript/sip/siptest"
)

func TestProxyArgumentsThatAreRefused(t *testing.T) {
	raises(t, Options{}, []example{
		{"req:proxy()", "request:proxy: bad argument #1 (targets expected: outside a dialog a request goes nowhere by itself (to the request URI: req:proxy(req.uri)))", nil},
		{"req:proxy(5)", "request:proxy: bad argument #1 (target expected (a URI, a contact, {uri = …} or a list of them), got number)", nil},
		{"req:proxy('bob')", `request:proxy: bad argument #1 ("bob" is no URI)`, nil},
		{"req:proxy('')", `request:proxy: bad argument #1 ("" is no URI)`, nil},
		{"req:proxy({ 'sip:a@b', true })", "request:proxy: bad argument #1 (target expected (a URI, a contact, {uri = …} or a list of them), got boolean)", nil},
		{"req:proxy({ 'sip:a@b', { 'sip:c@d' } })", "request:proxy: bad argument #1 (member 2 is a list among targets; either all members are lists or none)", nil},
		{"req:proxy({ { 'sip:a@b' }, 'sip:c@d' })", "request:proxy: bad argument #1 (member 2 is a target among lists; either all members are lists or none)", nil},
		{"req:proxy({ { { 'sip:a@b' } } })", "request:proxy: bad argument #1 (target: unknown option '1' (known: uri, after, timeout, headers, caller_id, credentials))", nil},
		{"req:proxy({ uri = 'sip:a@b', aftr = 5 })", "request:proxy: bad argument #1 (target: unknown option 'aftr' (did you mean 'after'?))", nil},
		{"req:proxy({ uri = 'sip:a@b', after = -1 })", "request:proxy: bad argument #1 (target: option 'after': seconds expected, got number)", nil},
		{"req:proxy({ uri = 5 })", "request:proxy: bad argument #1 (target expected (a URI, a contact, {uri = …} or a list of them), got number)", nil},
		{"local t = {} t.uri = t req:proxy(t)", "request:proxy: bad argument #1 (target: option 'uri': URI or contact expected, got table)", nil},
		{"req:proxy({ uri = 'sip:a@b', headers = { Via = 'x' } })", "request:proxy: headers: Via is the server's to write", nil},
		{"req:proxy('sip:a@b', { timout = 5 })", "request:proxy: bad argument #2 (unknown option 'timout' (did you mean 'timeout'?))", nil},
		{"req:proxy('sip:a@b', 5)", "request:proxy: bad argument #2 (table of options expected, got number)", nil},
		{"req:proxy('sip:a@b', { timeout = 'soon' })", "request:proxy: bad argument #2 (option 'timeout': seconds expected, got string)", nil},
		{"req:proxy('sip:a@b', { timeout = -1 })", "request:proxy: bad argument #2 (option 'timeout': seconds expected, got number)", nil},
		{"req:proxy('sip:a@b', { failover = 1 })", "request:proxy: bad argument #2 (option 'failover': boolean expected, got number)", nil},
		{"req:proxy('sip:a@b', { on_branch = true })", "request:proxy: bad argument #2 (option 'on_branch': function expected, got boolean)", nil},
		{"req:proxy('sip:a@b', { next_on = 'busy' })", "request:proxy: bad argument #2 (option 'next_on': table expected, got string)", nil},
		{"req:proxy('sip:a@b', { next_on = { 'buzy' } })", "request:proxy: next_on: unknown cause 'buzy' (did you mean 'busy'?)", nil},
		{"req:proxy('sip:a@b', { next_on = { 200 } })", "request:proxy: next_on: unknown cause '200' (known: answered, busy, no_answer, unavailable, rejected, not_found, redirected, challenged, failed, canceled)", nil},
		{"req:forward()", "request:forward: bad argument #1 (target expected: the request URI names this server itself)", nil},
		{"req:forward({ 'sip:a@b' })", "request:forward: bad argument #1 (target: unknown option '1' (known: uri, after, timeout, headers, caller_id, credentials))", nil},
		{"req:forward('x')", `request:forward: bad argument #1 ("x" is no URI)`, nil},
		{"req.proxy('sip:a@b')", "request:proxy: called without its object, use ':' (request expected, got string)", nil},
	})
}

// three plays with endpoints that answer a MESSAGE: one 200, two 486, three 404.
func three(t *testing.T, source string, f func(t *testing.T, srv *Server, alice *siptest.UA)) {
	t.Helper()
	o := Options{Names: resolve.Static{"one.example.org": {netip.MustParseAddr("192.0.2.21")}}}
	withAlice(t, source, o, func(t *testing.T, s *siptest.Scene, srv *Server, alice *siptest.UA) {
		s.UA("one", "192.0.2.21:5060", sip.UDP).AutoReply(200)
		s.UA("two", "192.0.2.22:5060", sip.UDP).AutoReply(486)
		s.UA("three", "192.0.2.23:5060", sip.UDP).AutoReply(404)
		f(t, srv, alice)
	})
}

const resultScript = `
	local cases = { %s }
	sip.on("MESSAGE", function(req)
		local result = cases[tonumber(req.uri.user)](req)
		local ends = {}
		for i, b in ipairs(result.branches) do
			ends[i] = tostring(type(b.target) == "table" and b.target.uri or b.target) .. " " .. b.code .. " " .. b.cause
		end
		log.info("result", { code = result.code, reason = result.reason, cause = result.cause, rang = result.rang, q850 = result.q850, ends = table.concat(ends, ", ") })
	end)`

// Each way to name targets, and what came of it.
func TestProxyResults(t *testing.T) {
	cases := []struct{ call, log string }{
		{`req:proxy("sip:192.0.2.21")`, `cause=answered code=200 ends="sip:192.0.2.21 200 answered" rang=false reason=OK`},
		{`req:proxy({})`, `cause=unavailable code=480 ends="" rang=false reason="Temporarily Unavailable"`},
		{`req:proxy({ "sip:192.0.2.22", { uri = "sip:192.0.2.23", headers = { ["X-A"] = "1" } }, serial = true })`,
			`cause=busy code=486 ends="sip:192.0.2.22 486 busy, sip:192.0.2.23 404 not_found" rang=false reason="Busy Here"`},
		{`req:proxy({ { "sip:192.0.2.22" }, { "sip:192.0.2.21" } })`, `cause=answered code=200 ends="sip:192.0.2.22 486 busy, sip:192.0.2.21 200 answered"`},
		{`req:proxy({ { "sip:192.0.2.22" }, { "sip:192.0.2.21" } }, { next_on = { "not_found" } })`, `cause=busy code=486 ends="sip:192.0.2.22 486 busy"`},
		{`req:proxy({ { "sip:192.0.2.22" }, { "sip:192.0.2.21" } }, { next_on = { "486" } })`, `cause=answered code=200`},
		{`req:proxy({ { "sip:192.0.2.22" }, { "sip:192.0.2.21" } }, { next_on = { 486, "busy" } })`, `cause=answered code=200`},
		{`req:proxy({ "sip:192.0.2.23", "sip:192.0.2.21", serial = true }, { next_on = {} })`, `cause=not_found code=404`},
		{`req:proxy("sip:one.example.org")`, `cause=answered code=200`},
		{`req:proxy("sip:nobody.example.org")`, `cause=failed code=503`},
		{`req:proxy({ uri = "sip:192.0.2.99", timeout = 2 })`, `cause=failed code=408`},
		{`req:proxy("sip:192.0.2.98", { response_timeout = 1 })`, `cause=failed code=408`},
		{`req:proxy("sip:192.0.2.21", { on_branch = function() return false end })`, `cause=unavailable code=480`},
	}
	calls := make([]string, len(cases))
	for i := range cases {
		calls[i] = "function(req) return " + cases[i].call + " end"
	}
	three(t, strings.Replace(resultScript, "%s", strings.Join(calls, ",\n"), 1), func(t *testing.T, srv *Server, alice *siptest.UA) {
		for i, c := range cases {
			before := len(srv.Log.String())
			alice.Request("MESSAGE", "sip:"+string(rune('0'+(i+1)/10))+string(rune('0'+(i+1)%10))+"@192.0.2.1")
			time.Sleep(4 * time.Second)
			if got := srv.Log.String()[before:]; !strings.Contains(got, "msg=result") || !strings.Contains(got, c.log) {
				t.Errorf("%s:\nwant %s\n got %s", c.call, c.log, got)
			}
		}
	})
}

func TestOnBranchEditsOneBranch(t *testing.T) {
	withAlice(t, `
		local kept
		sip.on("MESSAGE", function(req)
			req.vars.mine = "shared"
			local result = req:proxy({ { uri = "sip:bob@192.0.2.20", headers = { ["X-Both"] = "target" } }, "sip:carol@192.0.2.30" }, {
				on_branch = function(branch, target)
					branch:set_header("X-Mine", req.vars.mine)
					branch:set_header("X-To", branch.uri)
					if type(target) == "table" then
						branch.uri.user = "robert"
						branch:add_header("X-Both", "branch")
					else
						branch.uri = "sip:caroline@192.0.2.30"
					end
					kept = branch
				end,
			})
			for _, use in ipairs { function() return kept:header("X-To") end, function() kept:set_header("X", "y") end, function() return kept.uri end, function() kept.uri = "sip:a@b" end } do
				local ok, err = pcall(use)
				log.info("kept", { ok = ok, err = err })
			end
		end)`, Options{}, func(t *testing.T, s *siptest.Scene, srv *Server, alice *siptest.UA) {
		bob := s.UA("bob", "192.0.2.20:5060", sip.UDP).Reliable()
		carol := s.UA("carol", "192.0.2.30:5060", sip.UDP).Reliable()
		alice.Request("MESSAGE", "sip:x@192.0.2.1")
		for _, c := range []struct {
			ua        *siptest.UA
			uri, to   string
			both, all string
		}{
			{bob, "sip:robert@192.0.2.20", "sip:bob@192.0.2.20", "target", "target branch"},
			{carol, "sip:caroline@192.0.2.30", "sip:carol@192.0.2.30", "", ""},
		} {
			m := c.ua.Expect("MESSAGE", time.Second)
			mine, _ := m.Get("X-Mine")
			to, _ := m.Get("X-To")
			var both []string
			for v := range m.GetAll("X-Both") {
				both = append(both, v)
			}
			if m.URIText() != c.uri || mine != "shared" || to != c.to || strings.Join(both, " ") != c.all {
				t.Errorf("%s got %s, X-Mine %q, X-To %q, X-Both %q", c.ua.Name(), m.URIText(), mine, to, both)
			}
			c.ua.Reply(m, 404)
		}
		alice.Expect("404", time.Second)
		if n := strings.Count(srv.Log.String(), "a branch can be used in on_branch only"); n != 4 {
			t.Errorf("a branch that was sent could be used:\n%s", srv.Log)
		}
	})
}

func TestOnReplyReadsAndEditsResponses(t *testing.T) {
	withAlice(t, `
		local kept
		sip.on("INVITE", function(req)
			req:proxy("sip:bob@192.0.2.20", {
				on_reply = function(reply, target)
					log.info("reply", { code = reply.code, reason = reply.reason, target = target, body = reply.body, x = reply:header("X-A"), all = #reply:headers("X-A") })
					reply:set_header("X-Seen", reply.code)
					reply:remove_header("X-A")
					kept = reply
					if reply.code == 180 then return false end
				end,
			})
			local ok, err = pcall(kept.set_header, kept, "X", "y")
			log.info("kept", { code = kept.code, ok = ok, err = err })
		end)`, Options{}, func(t *testing.T, s *siptest.Scene, srv *Server, alice *siptest.UA) {
		bob := s.UA("bob", "192.0.2.20:5060", sip.UDP).Reliable()
		alice.Request("INVITE", "sip:x@192.0.2.1")
		invite := bob.Expect("INVITE", time.Second)
		bob.Reply(invite, 180)
		alice.ExpectNone(time.Second, "180")
		bob.Reply(invite, 183, siptest.Header("X-A", "1"), siptest.Header("X-A", "2"))
		early := alice.Expect("183", time.Second)
		bob.Reply(invite, 486, siptest.Body("text/plain", "no"))
		busy := alice.Expect("486", time.Second)
		if seen, _ := early.Get("X-Seen"); seen != "183" {
			t.Errorf("the 183 is\n%v", early)
		}
		if _, there := early.Get("X-A"); there {
			t.Error("X-A is still there")
		}
		if seen, _ := busy.Get("X-Seen"); seen != "486" || string(busy.Body()) != "no" {
			t.Errorf("the 486 is\n%v", busy)
		}
		settle()
		if !srv.logged("msg=reply", "all=2", "code=183", "target=sip:bob@192.0.2.20", "x=1") || !srv.logged("msg=reply", "body=no", "code=486") {
			t.Errorf("on_reply saw something else:\n%s", srv.Log)
		}
		if !srv.logged("msg=kept", "code=486", "ok=false", "a response can be edited in on_reply only") {
			t.Errorf("a response that was sent could be edited:\n%s", srv.Log)
		}
	})
}

// What waits, answers or registers may not be called where nothing can wait.
func TestHooksMayNotWait(t *testing.T) {
	withAlice(t, `
		local function try(where, req)
			for name, use in pairs {
				sleep = function() sleep(1) end, proxy = function() req:proxy("sip:x@192.0.2.9") end, add = function() location.add("sip:x@y", "sip:x@z") end,
				save = function() registrar.save(req) end, require = function() auth.require(req, { users = {} }) end, on = function() sip.on("X", print) end,
			} do
				local ok, err = pcall(use)
				log.info("tried", { where = where, name = name, ok = ok, err = err })
			end
		end
		sip.on("MESSAGE", function(req)
			req:proxy("sip:bob@192.0.2.20", { on_branch = function() try("branch", req) end, on_reply = function() try("reply", req) end })
		end)`, Options{}, func(t *testing.T, s *siptest.Scene, srv *Server, alice *siptest.UA) {
		s.UA("bob", "192.0.2.20:5060", sip.UDP).AutoReply(200)
		alice.Final(alice.Request("MESSAGE", "sip:x@192.0.2.1"))
		for where, place := range map[string]string{"branch": "on_branch", "reply": "on_reply"} {
			for name, want := range map[string]string{
				"sleep": "sleep: may not wait in " + place, "proxy": "request:proxy: may not wait in " + place,
				"add": "location.add: may not wait in " + place, "save": "registrar.save: may not wait in " + place,
				"require": "auth.require: may not wait in " + place, "on": "sip.on: may not be called in " + place + ", only in the main chunk",
			} {
				if !srv.logged("msg=tried", "where="+where, "name="+name, "ok=false", want) {
					t.Errorf("%s in %s did not raise %q:\n%s", name, place, want, srv.Log)
				}
			}
		}
	})
}

// An error in on_branch fails its branch, one in on_reply lets the response pass; both are logged with their place.
func TestErrorsInHooks(t *testing.T) {
	withAlice(t, `
		sip.on("MESSAGE", function(req)
			local result = req:proxy({ "sip:bob@192.0.2.20", "sip:carol@192.0.2.30", serial = true }, {
				on_branch = function(branch) if branch.uri.user == "bob" then error("no bob") end end,
				on_reply = function(reply) error("no reply") end,
			})
			log.info("result", { cause = result.cause, first = result.branches[1].cause })
		end)`, Options{}, func(t *testing.T, s *siptest.Scene, srv *Server, alice *siptest.UA) {
		s.UA("carol", "192.0.2.30:5060", sip.UDP).AutoReply(200)
		if got := alice.Final(alice.Request("MESSAGE", "sip:x@192.0.2.1")); got.Status() != 200 {
			t.Errorf("got %d", got.Status())
		}
		if !srv.logged("msg=result", "cause=answered", "first=failed") {
			t.Errorf("the script saw something else:\n%s", srv.Log)
		}
		if !srv.logged("level=WARN", "script error in on_branch", "main.lua:4", "no bob") || !srv.logged("level=WARN", "script error in on_reply", "main.lua:5", "no reply") {
			t.Errorf("the errors are not in the log:\n%s", srv.Log)
		}
	})
}

// A request is acted on by its own handler alone.
func TestProxyingAnotherHandlersRequestRaises(t *testing.T) {
	withAlice(t, `
		local first
		sip.on("MESSAGE", function(req)
			if not first then first = req return req:reply(202) end
			local ok, err = pcall(first.proxy, first, "sip:x@192.0.2.9")
			req:reply(ok and 200 or 299, { body = err })
		end)`, Options{Engine: oneShard()}, func(t *testing.T, s *siptest.Scene, srv *Server, alice *siptest.UA) {
		alice.Final(alice.Request("MESSAGE", "sip:x@192.0.2.1"))
		got := alice.Final(alice.Request("MESSAGE", "sip:x@192.0.2.1"))
		if !strings.HasSuffix(string(got.Body()), "the request's handler has ended") {
			t.Errorf("got %d %s", got.Status(), got.Body())
		}
	})
}

func TestInDialogHandler(t *testing.T) {
	withAlice(t, `
		sip.on("INVITE", function(req) req:proxy("sip:bob@192.0.2.20") end)
		sip.on_indialog(function(req)
			if req.method ~= "ACK" then
				local ok, err = pcall(req.proxy, req, "sip:x@192.0.2.9")
				log.info("with target", { ok = ok, err = err })
			else
				local ok, err = pcall(sleep, 1)
				log.info("slept", { ok = ok, err = err })
			end
			local result = req:proxy()
			log.info("in dialog", { method = req.method, cause = result and result.cause, user = req.uri.user })
		end)`, Options{}, func(t *testing.T, s *siptest.Scene, srv *Server, alice *siptest.UA) {
		bob := s.UA("bob", "192.0.2.20:5060", sip.UDP).Reliable()
		siptest.Call(alice, bob, "sip:x@192.0.2.1").Hangup()
		if !srv.logged("msg=\"in dialog\"", "method=ACK") || !srv.logged("msg=\"in dialog\"", "cause=answered", "method=BYE", "user=bob") {
			t.Errorf("the handler saw something else:\n%s", srv.Log)
		}
		if !srv.logged("msg=\"with target\"", "ok=false", "in a dialog the route set decides where a request goes") ||
			!srv.logged("msg=slept", "ok=false", "may not wait in the handler of an ACK") {
			t.Errorf("wrong use was allowed:\n%s", srv.Log)
		}
	})
}
