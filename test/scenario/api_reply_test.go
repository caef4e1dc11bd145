package scenario

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

func TestReplyVariants(t *testing.T) {
	t.Parallel()
	cases := []struct {
		body, start string
		fields      map[string][]string // name and all its values
		content     string
	}{
		{"req:reply(200)", "200 OK", nil, ""},
		{"req:reply('404')", "404 Not Found", nil, ""},
		{"req:reply(299)", "299 OK", nil, ""},
		{"req:reply(200, 'Fine')", "200 Fine", nil, ""},
		{"req:reply(603, { headers = { ['Retry-After'] = 60, Warning = { '399 a \"x\"', '399 b \"y\"' } } })", "603 Decline",
			map[string][]string{"Retry-After": {"60"}, "Warning": {`399 a "x"`, `399 b "y"`}}, ""},
		{"req:reply(200, nil, { body = 'hello' })", "200 OK", map[string][]string{"Content-Type": {"text/plain"}}, "hello"},
		{"req:reply(200, 'Yes', { body = '{}', content_type = 'application/json' })", "200 Yes", map[string][]string{"Content-Type": {"application/json"}}, "{}"},
		{"req:reply(488, { headers = { Contact = req.from.uri } })", "488 Not Acceptable Here", map[string][]string{"Contact": {"sip:alice@192.0.2.1"}}, ""},
		{"req:redirect('sip:carol@192.0.2.30')", "302 Moved Temporarily", map[string][]string{"Contact": {"<sip:carol@192.0.2.30>"}}, ""},
		{"req:redirect({ 'sip:b@192.0.2.2', 'sip:a@192.0.2.1' }, 300)", "300 Multiple Choices", map[string][]string{"Contact": {"<sip:b@192.0.2.2>", "<sip:a@192.0.2.1>"}}, ""},
		{"req:redirect({ { 'sip:b@192.0.2.2' }, { 'sip:a@192.0.2.1', req.uri } }, '301')", "301 Moved Permanently", map[string][]string{"Contact": {"<sip:b@192.0.2.2>", "<sip:a@192.0.2.1>"}}, ""},
		{"req:redirect(req.from.uri)", "302 Moved Temporarily", map[string][]string{"Contact": {"<sip:alice@192.0.2.1>"}}, ""},
		{"", "500 Server Internal Error", nil, ""}, // forgotten
		{"error('on purpose')", "500 Server Internal Error", nil, ""},
	}
	for _, c := range cases {
		siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
			Start(t, s, `sip.on("MESSAGE", function(req) `+c.body+` end)`, Options{})
			alice := s.UA("alice", "192.0.2.10:5060", sip.UDP).Reliable()
			got := alice.Final(alice.Request("MESSAGE", "sip:bob@192.0.2.1"))
			if start, _, _ := strings.Cut(got.String(), "\r\n"); start != "SIP/2.0 "+c.start {
				t.Errorf("%s: %s", c.body, start)
			}
			for name, want := range c.fields {
				if values := slices.Collect(got.GetAll(name)); !slices.Equal(values, want) {
					t.Errorf("%s: %s %q, want %q", c.body, name, values, want)
				}
			}
			if string(got.Body()) != c.content {
				t.Errorf("%s: body %q", c.body, got.Body())
			}
			if got.ToTag() == "" {
				t.Errorf("%s: no To tag", c.body)
			}
		})
	}
}

func TestReplyArgumentsThatAreRefused(t *testing.T) {
	raises(t, Options{}, []example{
		{"req:reply()", "request:reply: bad argument #1 (status code from 100 to 699 expected, got nil)", nil},
		{"req:reply(99)", "request:reply: bad argument #1 (status code from 100 to 699 expected, got 99)", nil},
		{"req:reply(700)", "request:reply: bad argument #1 (status code from 100 to 699 expected, got 700)", nil},
		{"req:reply(200.5)", "request:reply: bad argument #1 (status code from 100 to 699 expected, got 200.5)", nil},
		{"req:reply('busy')", "request:reply: bad argument #1 (status code from 100 to 699 expected, got busy)", nil},
		{"req:reply(200, 'a\\nb')", "request:reply: bad argument #2 (a reason phrase has no line ends)", nil},
		{"req:reply(200, true)", "request:reply: bad argument #2 (string expected, got boolean)", nil},
		{"req:reply(200, { header = {} })", "request:reply: bad argument #2 (unknown option 'header' (did you mean 'headers'?))", nil},
		{"req:reply(200, 'OK', { headers = 'x' })", "request:reply: bad argument #3 (option 'headers': table expected, got string)", nil},
		{"req:reply(200, 'OK', 5)", "request:reply: bad argument #3 (table of options expected, got number)", nil},
		{"req:reply(200, { body = {} })", "request:reply: bad argument #2 (option 'body': string expected, got table)", nil},
		{"req:reply(200, { headers = { Via = 'x' } })", "request:reply: headers: Via is the server's to write", nil},
		{"req:reply(200, { headers = { From = 'x' } })", "request:reply: headers: From is the server's to write", nil},
		{"req:reply(200, { headers = { X = 'a\\r\\nb' } })", `request:reply: headers: "X": "a\r\nb" is no header field`, nil},
		{"req:reply(200, { headers = { 'x' } })", "request:reply: headers must be a table of names and values", nil},
		{"req:reply(200, { content_type = 'a\\r\\nX: y', body = 'b' })", `request:reply: bad argument #2 (option 'content_type': "a\r\nX: y" is no header value)`, nil},
		{"req:reply(180)", "request:reply: only an INVITE has provisional responses", nil},
		{"req:redirect()", "request:redirect: bad argument #1 (target expected (a URI, a contact, {uri = …} or a list of them), got nil)", nil},
		{"req:redirect({})", "request:redirect: bad argument #1 (no contact to redirect to)", nil},
		{"req:redirect(req.uri)", "request:redirect: bad argument #1 (no contact to redirect to)", nil},
		{"req:redirect('sip:x@y', 404)", "request:redirect: bad argument #2 (a redirection is 300 to 399, got 404)", nil},
		{"req:redirect('x')", `request:redirect: bad argument #1 ("x" is no URI)`, nil},
	})
}

func TestReplyingTwiceRaises(t *testing.T) {
	withAlice(t, `
		sip.on("MESSAGE", function(req)
			req:reply(200)
			for name, again in pairs {
				reply = function() req:reply(200) end, redirect = function() req:redirect("sip:x@192.0.2.9") end, drop = function() req:drop() end,
				proxy = function() req:proxy("sip:x@192.0.2.9") end, forward = function() req:forward("sip:x@192.0.2.9") end,
			} do
				local ok, err = pcall(again)
				log.info("again", { name = name, ok = ok, err = err })
			end
		end)`, Options{}, func(t *testing.T, s *siptest.Scene, srv *Server, alice *siptest.UA) {
		alice.Final(alice.Request("MESSAGE", "sip:bob@192.0.2.1"))
		for name, want := range map[string]string{
			"reply": "the request has been answered", "redirect": "the request has been answered", "drop": "the request has been answered",
			"proxy": "the request has been answered", "forward": "the request has been answered or proxied; forward has to come first",
		} {
			if !srv.logged("msg=again", "name="+name, "ok=false", want) {
				t.Errorf("%s did not say %q:\n%s", name, want, srv.Log)
			}
		}
	})
}

func TestReplySendsProvisionalsToAnINVITE(t *testing.T) {
	withAlice(t, `
		sip.on("INVITE", function(req)
			req:reply(180)
			sleep(1)
			req:reply(183, "Nearly", { headers = { ["X-Step"] = 2 } })
			sleep(1)
			req:reply(486)
		end)`, Options{}, func(t *testing.T, s *siptest.Scene, _ *Server, alice *siptest.UA) {
		alice.Request("INVITE", "sip:bob@192.0.2.1")
		ringing := alice.Expect("180", time.Second)
		nearly := alice.Expect("183", 2*time.Second)
		busy := alice.Expect("486", 2*time.Second)
		if step, _ := nearly.Get("X-Step"); step != "2" || nearly.Reason() != "Nearly" {
			t.Errorf("the second is\n%v", nearly)
		}
		if ringing.ToTag() != nearly.ToTag() || nearly.ToTag() != busy.ToTag() || busy.ToTag() == "" {
			t.Error("the To tag is not the same in all responses")
		}
		settle()
	})
}

func TestDropAnswersNothing(t *testing.T) {
	withAlice(t, `sip.on("MESSAGE", function(req) req:drop() end)`, Options{}, func(t *testing.T, s *siptest.Scene, _ *Server, alice *siptest.UA) {
		alice.Request("MESSAGE", "sip:bob@192.0.2.1")
		alice.ExpectNone(40 * time.Second)
	})
}

// With a result, the response that came is passed on as it is.
func TestReplyPassesTheResponseOfAResultOn(t *testing.T) {
	withAlice(t, `
		sip.on("MESSAGE", function(req)
			local result = req:proxy("sip:bob@192.0.2.20", { timeout = 5 })
			log.info("came", { code = result.code, cause = result.cause, q850 = result.q850, x = result.reply and result.reply:header("X-Why"), target = result.target })
			req:reply(result)
		end)`, Options{}, func(t *testing.T, s *siptest.Scene, srv *Server, alice *siptest.UA) {
		bob := s.UA("bob", "192.0.2.20:5060", sip.UDP).AutoReply(415, siptest.Header("X-Why", "no text"), siptest.Header("Reason", "SIP;cause=415, Q.850;cause=65"))
		got := alice.Final(alice.Request("MESSAGE", "sip:bob@192.0.2.1"))
		if why, _ := got.Get("X-Why"); got.Status() != 415 || why != "no text" {
			t.Errorf("got\n%v", got)
		}
		if !srv.logged("msg=came", "code=415", "cause=rejected", "q850=65", `x="no text"`, "target=sip:bob@192.0.2.20") {
			t.Errorf("the script saw something else:\n%s", srv.Log)
		}
		bob.AutoReply(503)
		if got := alice.Final(alice.Request("MESSAGE", "sip:bob@192.0.2.1")); got.Status() != 500 {
			t.Errorf("503 went upstream as %d", got.Status())
		}
	})
}
