package scenario

import (
	"slices"
	"testing"
	"time"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

func TestRequestFields(t *testing.T) {
	header, set := siptest.Header, siptest.Set
	returns(t, Options{}, []example{
		{"return req.method, req.uri, req.uri.user, req.uri.host", "OPTIONS sip:bob@192.0.2.1 bob 192.0.2.1", nil},
		{"return req.from, req.from.uri, req.from.name, req.from.tag", `"Al Ice" <sip:alice@example.com;x=1>;tag=7 sip:alice@example.com;x=1 Al Ice 7`,
			[]siptest.Option{set("From", `"Al Ice" <sip:alice@example.com;x=1>;tag=7`)}},
		{"return req.to.uri.user, req.to.tag, req.to.name", "bob nil nil", nil},
		{"return req.to.params.a, req.to.params.b, req.to.params.c", "1 true nil", []siptest.Option{set("To", "<sip:bob@192.0.2.1>;a=1;b")}},
		{"return req.contact", "nil", nil},
		{"return req.contact.uri, req.contact.params.expires", "sip:a@192.0.2.9 60", []siptest.Option{header("Contact", "<sip:a@192.0.2.9>;expires=60, <sip:b@192.0.2.9>")}},
		{"return req.call_id, req.cseq", "fixed@192.0.2.10 77", []siptest.Option{set("Call-ID", "fixed@192.0.2.10"), set("CSeq", "77 OPTIONS")}},
		{"return req.user_agent, req.content_type, '[' .. req.body .. ']'", "nil nil []", nil},
		{"return req.user_agent, req.content_type, req.body", "phone/1 text/plain hello",
			[]siptest.Option{header("User-Agent", "phone/1"), siptest.Body("text/plain", "hello")}},
		{"local s = req.source return s.ip, s.port, s.transport, s.listener", "192.0.2.10 5060 udp udp:192.0.2.1:5060", nil},
		{"req.vars.x = 1 return req.vars.x, req.vars == req.vars, req.user", "1 true nil", nil},
		{"return req:header('Subject'), req:header('s'), req:header('X-Other'), req:header('x-OTHER')", "tea tea nil nil", []siptest.Option{header("s", "tea")}},
		{"return #req:headers('X-N'), table.concat(req:headers('x-n'), '/'), #req:headers('Y')", "2 1/2, 3 0", []siptest.Option{header("X-N", "1"), header("X-N", "2, 3")}},
		{"return 'to ' .. req.to .. ', ' .. req.uri .. '!'", "to <sip:bob@192.0.2.1>, sip:bob@192.0.2.1!", nil},
	})
}

func TestURIFieldsOfARequest(t *testing.T) {
	returns(t, Options{}, []example{
		{"local u = req.from.uri return u.scheme, u.user, u.password, u.host, u.port, u.params.transport, u.params.lr, u.headers, u.number",
			"sips al%69ce pw [2001:db8::1] 5061 tcp true a=b nil", []siptest.Option{siptest.Set("From", "<sips:al%69ce:pw@[2001:db8::1]:5061;transport=tcp;lr?a=b>;tag=1")}},
		{"local u = req.from.uri return u.scheme, u.number, u.user, u.port, u", "tel +49-30-123 nil nil tel:+49-30-123", []siptest.Option{siptest.Set("From", "<tel:+49-30-123>;tag=1")}},
		{"return req.from.uri == req.to.uri, req.from.uri ~= req.to.uri", "true false",
			[]siptest.Option{siptest.Set("From", "<sip:%62ob@EXAMPLE.org;b;a=1>;tag=1"), siptest.Set("To", "<sip:bob@example.org;A=1;b>")}},
		{"return req.from.uri == req.to.uri", "false", []siptest.Option{siptest.Set("From", "<sip:Bob@192.0.2.1>;tag=1")}},
	})
}

func TestRequestURIIsWrittenAsAWholeAndInParts(t *testing.T) {
	returns(t, Options{}, []example{
		{"req.uri = 'sip:carol@example.org;x=1' return req.uri, req.uri.user", "sip:carol@example.org;x=1 carol", nil},
		{"req.uri = req.from.uri return req.uri == req.from.uri", "true", nil},
		{"req.uri = req.from return req.uri == req.from.uri", "true", nil},
		{"req.uri.user = 'carol' return req.uri", "sip:carol@192.0.2.1", nil},
		{"req.uri.user = 4711 return req.uri", "sip:4711@192.0.2.1", nil},
		{"req.uri.user = nil return req.uri, req.uri.user", "sip:192.0.2.1 nil", nil},
		{"req.uri.host = 'example.org' req.uri.port = 5070 return req.uri", "sip:bob@example.org:5070", nil},
		{"req.uri.port = '5070' req.uri.port = nil return req.uri", "sip:bob@192.0.2.1", nil},
		{"req.uri.scheme = 'sips' return req.uri", "sips:bob@192.0.2.1", nil},
		{"req.uri.params = { transport = 'tcp', lr = true, off = false, n = 5 } return req.uri", "sip:bob@192.0.2.1;lr;n=5;transport=tcp", nil},
		{"local p = req.uri.params p.x = 'y' return req.uri", "sip:bob@192.0.2.1", nil},
		{"local u = req.from.uri u.user = 'nobody' return u, req.from.uri.user", "sip:nobody@192.0.2.1 phone", nil},
	})
}

func TestWritingURIsRaises(t *testing.T) {
	raises(t, Options{}, []example{
		{"req.uri = 'bob'", `uri: "bob" is no URI`, nil},
		{"req.uri = 'sip:a b@x'", `uri: "sip:a b@x" is no URI`, nil},
		{"req.uri = nil", "uri: URI expected, got nil", nil},
		{"req.uri = {}", "uri: URI expected, got table", nil},
		{"req.uri.user = 'a@b'", `uri: "a@b" is no user`, nil},
		{"req.uri.user = 'a b'", `uri: "a b" is no user`, nil},
		{"req.uri.host = 'x;lr'", `uri: "x;lr" is no host`, nil},
		{"req.uri.host = ''", `uri: "" is no host`, nil},
		{"req.uri.host = nil", `uri: "" is no host`, nil},
		{"req.uri.scheme = 'http'", `uri: "http" is no scheme`, nil},
		{"req.uri.user = {}", "uri: user must be a string, got table", nil},
		{"req.uri.port = 0", "uri: port must be 1 to 65535 or nil, got 0", nil},
		{"req.uri.port = 70000", "uri: port must be 1 to 65535 or nil, got 70000", nil},
		{"req.uri.port = 'x'", "uri: port must be 1 to 65535 or nil, got x", nil},
		{"req.uri.params = 'x'", "uri: params must be a table, got string", nil},
		{"req.uri.params = { ['a b'] = 1 }", `uri: "a b" = "1" is no parameter`, nil},
		{"req.uri.params = { x = '1;lr' }", `uri: "x" = "1;lr" is no parameter`, nil},
		{"req.uri.headers = 'x'", "uri: field 'headers' cannot be written", nil},
		{"req.uri.usr = 'x'", "uri: unknown field 'usr' (did you mean 'user'?)", nil},
		{"return req.uri.hots", "uri: unknown field 'hots' (did you mean 'host'?)", nil},
		{"return req.uri .. {}", "attempt to concatenate a table value", nil},
	})
}

func TestRequestMembersThatDoNotExist(t *testing.T) {
	raises(t, Options{}, []example{
		{"return req.metod", "request: unknown field 'metod' (did you mean 'method'?)", nil},
		{"req:anwser()", "request: unknown field 'anwser' (did you mean 'answer'?)", nil},
		{"req.method = 'INVITE'", "request: field 'method' cannot be written", nil},
		{"req.vars = {}", "request: field 'vars' cannot be written", nil},
		{"req.mine = 1", "request: unknown field 'mine' (known: accept, add_header, answer, b2bua, body, call_id, contact, content_type, cseq, diversions, drop, emergency, forward, from, header, headers, joins, limit, method, proxy, redirect, remove_header, replaces, reply, sdp, set_header, source, to, uri, user, user_agent, vars)", nil},
		{"return req.from.user", "address: unknown field 'user' (known: name, params, tag, uri)", nil},
		{"req.from.name = 'x'", "address: field 'name' cannot be written", nil},
		{"req.header('Subject')", "request:header: called without its object, use ':' (request expected, got string)", nil},
		{"req:header()", "request:header: bad argument #1 (string expected, got no value)", nil},
		{"req:headers({})", "request:headers: bad argument #1 (string expected, got table)", nil},
	})
}

func TestHeaderEditsThatAreRefused(t *testing.T) {
	raises(t, Options{}, []example{
		{"req:set_header('Via', 'x')", "request:set_header: bad argument #1 (Via is the server's to write)", nil},
		{"req:add_header('v', 'x')", "request:add_header: bad argument #1 (v is the server's to write)", nil},
		{"req:remove_header('Call-ID')", "request:remove_header: bad argument #1 (Call-ID is the server's to write)", nil},
		{"req:set_header('CSeq', '1 INVITE')", "request:set_header: bad argument #1 (CSeq is the server's to write)", nil},
		{"req:set_header('record-route', '<sip:x;lr>')", "request:set_header: bad argument #1 (record-route is the server's to write)", nil},
		{"req:set_header('l', 5)", "request:set_header: bad argument #1 (l is the server's to write)", nil},
		{"req:set_header('From', '<sip:x@y>;tag=other')", `request:set_header: bad argument #2 (the tag of From names the dialog and must stay "7")`, []siptest.Option{siptest.Set("From", "<sip:a@b>;tag=7")}},
		{"req:set_header('From', '<sip:x@y>')", `request:set_header: bad argument #2 (the tag of From names the dialog and must stay "7")`, []siptest.Option{siptest.Set("From", "<sip:a@b>;tag=7")}},
		{"req:set_header('t', '<sip:x@y>;tag=1')", `request:set_header: bad argument #2 (the tag of t names the dialog and must stay "")`, nil},
		{"req:set_header('From', '<<')", `request:set_header: bad argument #2 ("<<" is no address)`, nil},
		{"req:add_header('From', '<sip:x@y>')", "request:add_header: bad argument #1 (From stands once in a message; use set_header)", nil},
		{"req:add_header('Max-Forwards', 70)", "request:add_header: bad argument #1 (Max-Forwards stands once in a message; use set_header)", nil},
		{"req:remove_header('To')", "request:remove_header: bad argument #1 (To cannot be removed)", nil},
		{"req:set_header('X Y', 'x')", `request:set_header: bad argument #1 ("X Y" is no header name)`, nil},
		{"req:set_header('', 'x')", `request:set_header: bad argument #1 ("" is no header name)`, nil},
		{"req:set_header('X:', 'x')", `request:set_header: bad argument #1 ("X:" is no header name)`, nil},
		{"req:set_header('X', 'a\\r\\nVia: y')", "request:set_header: bad argument #2 (a header value has no line ends)", nil},
		{"req:add_header('X', 'a\\nb')", "request:add_header: bad argument #2 (a header value has no line ends)", nil},
		{"req:set_header('X', {})", "request:set_header: bad argument #2 (string expected, got table)", nil},
		{"req:set_header('X')", "request:set_header: bad argument #2 (string expected, got no value)", nil},
	})
}

// Header edits go to every later branch.
func TestHeaderEditsAreSent(t *testing.T) {
	withAlice(t, `
		sip.on("MESSAGE", function(req)
			req:set_header("Subject", "changed")
			req:set_header("s", 42)
			req:add_header("X-Who", req.from.uri)
			req:add_header("X-Who", req.to)
			req:remove_header("X-Secret")
			req:set_header("From", '"Front desk" <sip:desk@example.org>;tag=' .. req.from.tag)
			assert(req:header("Subject") == "42" and req.from.name == "Front desk")
			req:proxy("sip:bob@192.0.2.20")
		end)`, Options{}, func(t *testing.T, s *siptest.Scene, _ *Server, alice *siptest.UA) {
		bob := s.UA("bob", "192.0.2.20:5060", sip.UDP).Reliable()
		req := alice.Request("MESSAGE", "sip:bob@192.0.2.1", siptest.Header("Subject", "tea"), siptest.Header("X-Secret", "1"), siptest.Header("X-Secret", "2"))
		m := bob.Expect("MESSAGE", 10*time.Second)
		if got, _ := m.Get("Subject"); got != "42" {
			t.Errorf("Subject %q", got)
		}
		if got := slices.Collect(m.GetAll("X-Who")); !slices.Equal(got, []string{"sip:alice@192.0.2.1", "<sip:bob@192.0.2.1>"}) {
			t.Errorf("X-Who %q", got)
		}
		if from, _ := m.Value(sip.From); from != `"Front desk" <sip:desk@example.org>;tag=`+req.FromTag() {
			t.Errorf("From %q", from)
		}
		if _, there := m.Get("X-Secret"); there {
			t.Error("X-Secret is still there")
		}
		bob.Reply(m, 200)
		if got := alice.Final(req); got.FromTag() != req.FromTag() || got.Status() != 200 {
			t.Errorf("the answer is\n%v", got)
		}
	})
}

// A request can be read after its handler, and not be acted on.
func TestRequestOutlivesItsHandlerForReading(t *testing.T) {
	withAlice(t, `
		local seen
		sip.on("MESSAGE", function(req)
			seen = req
			req:reply(202)
			sip.after(1, function()
				log.info("later", { method = seen.method, from = seen.from, subject = seen:header("Subject"), body = seen.body, ip = seen.source.ip })
				for name, act in pairs {
					reply = function() seen:reply(200) end, drop = function() seen:drop() end, proxy = function() seen:proxy("sip:x@192.0.2.9") end,
					forward = function() seen:forward("sip:x@192.0.2.9") end, redirect = function() seen:redirect("sip:x@192.0.2.9") end,
					set_header = function() seen:set_header("X", "y") end, uri = function() seen.uri = "sip:x@y" end,
					user = function() seen.uri.user = "x" end,
				} do
					local ok, err = pcall(act)
					log.info("acted", { name = name, ok = ok, err = err })
				end
			end)
		end)`, Options{}, func(t *testing.T, s *siptest.Scene, srv *Server, alice *siptest.UA) {
		req := alice.Request("MESSAGE", "sip:bob@192.0.2.1", siptest.Header("Subject", "tea"), siptest.Body("text/plain", "hello"))
		alice.Final(req)
		settle()
		settle()
		if !srv.logged("msg=later", "method=MESSAGE", "subject=tea", "body=hello", "ip=192.0.2.10", "sip:alice@192.0.2.1") {
			t.Errorf("the request could not be read:\n%s", srv.Log)
		}
		for act, want := range map[string]string{
			"reply": "request:reply: the request's handler has ended", "drop": "request:drop: the request's handler has ended",
			"proxy": "request:proxy: may not be called in a timer", "forward": "request:forward: may not be called in a timer",
			"redirect": "the request's handler has ended", "set_header": "the request's handler has ended",
			"uri": "the request's handler has ended", "user": "the request's handler has ended",
		} {
			if !srv.logged("msg=acted", "name="+act, "ok=false", want) {
				t.Errorf("%s did not raise %q:\n%s", act, want, srv.Log)
			}
		}
	})
}
