package scenario

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sipscript/sipscript/engine"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/digest"
	"github.com/sipscript/sipscript/sip/siptest"
)

// users plays with a script whose handler of MESSAGE asks for credentials with these options; it answers 200 with what
// auth.require returned.
func users(t *testing.T, options string, f func(t *testing.T, s *siptest.Scene, srv *Server, alice *siptest.UA)) {
	t.Helper()
	source := `
		local function guard(req)
			local user, record = auth.require(req, ` + options + `)
			log.info("required", { user = user, is = req.user, record = record and type(record) })
			if user then req:reply(200, { headers = { ["X-User"] = user } }) end
		end
		sip.on("MESSAGE", guard)
		sip.on("INVITE", guard)
		sip.on("REGISTER", guard)`
	withAlice(t, source, Options{Engine: engine.Config{Domains: []string{"example.org"}}}, func(t *testing.T, s *siptest.Scene, srv *Server, alice *siptest.UA) {
		f(t, s, srv, alice.Domain("example.org"))
	})
}

// status sends a MESSAGE and returns the status of the final response.
func status(u *siptest.UA, opts ...siptest.Option) int {
	return u.Final(u.Request("MESSAGE", "sip:bob@example.org", opts...)).Status()
}

func TestAuthRequire(t *testing.T) {
	users(t, `{ users = { alice = "wonderland", ["carol@example.org"] = "christmas" } }`, func(t *testing.T, s *siptest.Scene, srv *Server, alice *siptest.UA) {
		challenge := alice.Final(alice.Request("MESSAGE", "sip:bob@example.org"))
		value, _ := challenge.Value(sip.ProxyAuthenticate)
		if challenge.Status() != 407 || !strings.Contains(value, `realm="example.org"`) || !strings.Contains(value, `qop="auth"`) || strings.Contains(value, "SHA") {
			t.Errorf("the challenge is %d %s", challenge.Status(), value)
		}
		if got := alice.Register("", ""); got.Status() != 401 || !got.Has(sip.WWWAuthenticate) {
			t.Errorf("a REGISTER gets %d", got.Status())
		}
		if srv.logged("msg=required", "user=") {
			t.Errorf("somebody was let in:\n%s", srv.Log)
		}
		alice.Credentials("alice", "wonderland")
		if got := status(alice); got != 200 {
			t.Errorf("the right password: %d", got)
		}
		if !srv.logged("msg=required", "user=alice", "is=alice", "record=string") {
			t.Errorf("the script does not see the user:\n%s", srv.Log)
		}
		alice.Credentials("alice", "guessed")
		if got := status(alice); got != 407 {
			t.Errorf("a wrong password: %d", got)
		}
		alice.Credentials("nobody", "")
		if got := status(alice); got != 407 {
			t.Errorf("an unknown user: %d", got)
		}
		alice.Credentials("alice", "wonderland")
		if got := status(alice, siptest.Set("From", "<sip:bob@example.org>;tag=1")); got != 403 {
			t.Errorf("as somebody else: %d", got)
		}
		carol := s.UA("carol", "192.0.2.30:5060", sip.UDP).Reliable().Domain("example.org").Credentials("carol@example.org", "christmas")
		if got := status(carol); got != 200 {
			t.Errorf("a user with a domain: %d", got)
		}
		if got := status(carol, siptest.Set("From", "<sip:carol@example.com>;tag=2")); got != 403 {
			t.Errorf("a user of another domain: %d", got)
		}
	})
}

func TestAuthWithoutStrictIdentity(t *testing.T) {
	users(t, `{ users = { alice = "wonderland" }, identity = "any", realm = "elsewhere", proxy = false }`, func(t *testing.T, s *siptest.Scene, srv *Server, alice *siptest.UA) {
		challenge := alice.Final(alice.Request("MESSAGE", "sip:bob@example.org"))
		if value, _ := challenge.Value(sip.WWWAuthenticate); challenge.Status() != 401 || !strings.Contains(value, `realm="elsewhere"`) {
			t.Errorf("the challenge is %d %s", challenge.Status(), value)
		}
		alice.Credentials("alice", "wonderland")
		if got := status(alice, siptest.Set("From", "<sip:bob@example.org>;tag=1")); got != 200 {
			t.Errorf("as somebody else: %d", got)
		}
	})
}

// A function may wait, sees user and realm, and returns what a table would hold; nil, err is no wrong password.
func TestAuthAsksAFunctionForTheUser(t *testing.T) {
	users(t, `{ users = function(user, realm)
			assert(realm == "example.org")
			sleep(0.5)
			if user == "alice" then return "wonderland" end
			if user == "bob" then return { ha1 = "`+digest.HA1(digest.MD5, "bob", "example.org", "builder")+`", extension = 42 } end
			if user == "carol" then return { password = "christmas" } end
			if user == "dave" then return nil, { cause = "unreachable" } end
			if user == "erin" then return 5 end
			if user == "frank" then return {} end
			if user == "grace" then return nil end
			if user == "heidi" then return true end
			if user == "ivan" then return false end
			error("no such luck")
		end }`, func(t *testing.T, s *siptest.Scene, srv *Server, alice *siptest.UA) {
		for i, c := range []struct {
			user, password string
			want           int
		}{
			{"alice", "wonderland", 200}, {"bob", "builder", 200}, {"bob", "x", 407}, {"carol", "christmas", 200},
			{"dave", "x", 503}, {"erin", "x", 500}, {"frank", "x", 500}, {"grace", "x", 407}, {"heidi", "x", 500}, {"ivan", "x", 407}, {"judy", "x", 500},
		} {
			u := s.UA(c.user, fmt.Sprintf("192.0.2.%d:5060", 30+i), sip.UDP).Reliable().Domain("example.org").Credentials(c.user, c.password)
			got := u.Final(u.Request("MESSAGE", "sip:x@example.org"))
			if got.Status() != c.want {
				t.Errorf("%s with %s: %d, want %d", c.user, c.password, got.Status(), c.want)
			}
			if retry, _ := got.Value(sip.RetryAfter); c.want == 503 && retry == "" {
				t.Error("503 without Retry-After")
			}
		}
		for _, line := range [][]string{
			{"msg=required", "user=bob", "record=table"}, {`the password of \"erin\" is a number`},
			{`the record of \"frank\" has neither password nor ha1`}, {`password, record or nil expected for \"heidi\", got boolean`}, {"no such luck"},
		} {
			if !srv.logged(line...) {
				t.Errorf("no line with %q:\n%s", line, srv.Log)
			}
		}
	})
}

func TestAuthAlgorithms(t *testing.T) {
	users(t, `{ users = { alice = "wonderland" }, algorithms = { "SHA-512-256", "SHA-256", "MD5" }, qop = { "auth-int", "auth" } }`, func(t *testing.T, s *siptest.Scene, srv *Server, alice *siptest.UA) {
		challenge := alice.Final(alice.Request("MESSAGE", "sip:bob@example.org"))
		values := slices.Collect(challenge.Values(sip.ProxyAuthenticate))
		if len(values) != 3 || !strings.Contains(values[0], "SHA-512-256") || !strings.Contains(values[1], "SHA-256") || !strings.Contains(values[2], "MD5") ||
			!strings.Contains(values[0], `qop="auth-int,auth"`) {
			t.Errorf("the challenges are %q", values)
		}
		alice.Credentials("alice", "wonderland")
		if got := status(alice, siptest.Body("text/plain", "x")); got != 200 {
			t.Errorf("got %d", got)
		}
	})
}

// The credentials for this server do not go on to the next, those for others do.
func TestAuthStripsItsCredentials(t *testing.T) {
	withAlice(t, `
		sip.on("MESSAGE", function(req)
			if auth.require(req, { users = { alice = "wonderland" }, realm = "here" }) then req:proxy("sip:bob@192.0.2.20") end
		end)`, Options{}, func(t *testing.T, s *siptest.Scene, srv *Server, alice *siptest.UA) {
		bob := s.UA("bob", "192.0.2.20:5060", sip.UDP).Reliable()
		alice.Credentials("alice", "wonderland")
		alice.Request("MESSAGE", "sip:bob@192.0.2.1")
		m := bob.Expect("MESSAGE", time.Second)
		if m.Has(sip.ProxyAuthorization) {
			t.Errorf("bob sees\n%v", m)
		}
		bob.Reply(m, 200)
		alice.Expect("200", time.Second)
	})
}

func TestAuthUsesThatAreRefused(t *testing.T) {
	raises(t, Options{}, []example{
		{"auth.require()", "auth.require: bad argument #1 (request expected, got nil)", nil},
		{"auth.require(req)", "auth.require: bad argument #2 (table of options expected, got no value)", nil},
		{"auth.require(req, {})", "auth.require: bad argument #2 (option 'users' is missing)", nil},
		{"auth.require(req, { user = {} })", "auth.require: bad argument #2 (unknown option 'user' (did you mean 'users'?))", nil},
		{"auth.require(req, { users = 'alice' })", "auth.require: bad argument #2 (option 'users': function or table expected, got string)", nil},
		{"auth.require(req, { users = {}, identity = 'loose' })", "auth.require: bad argument #2 (option 'identity': unknown value 'loose' (known: strict, any))", nil},
		{"auth.require(req, { users = {}, algorithms = { 'SHA256' } })", "auth.require: algorithms: unknown algorithm 'SHA256' (did you mean 'SHA-256'?)", nil},
		{"auth.require(req, { users = {}, algorithms = 'MD5' })", "auth.require: bad argument #2 (option 'algorithms': table expected, got string)", nil},
		{"auth.require(req, { users = {}, qop = { 'none' } })", "auth.require: qop: unknown value 'none' (known: auth, auth-int)", nil},
		{"auth.ban('nowhere', 5)", `auth.ban: bad argument #1 ("nowhere" is no IP address)`, nil},
		{"auth.ban('192.0.2.9')", "auth.ban: bad argument #2 (number expected, got no value)", nil},
		{"auth.banned(req)", "auth.banned: bad argument #1 (string expected, got userdata)", nil},
	})
}

func TestAuthBan(t *testing.T) {
	returns(t, Options{}, []example{
		{"auth.ban(req.source.ip, 10) local a = auth.banned('192.0.2.10') sleep(11) return a, auth.banned('192.0.2.10'), auth.banned('192.0.2.11')", "true false false", nil},
		{"auth.ban('2001:db8::1', 10) return auth.banned('2001:DB8:0::1')", "true", nil},
	})
}

// Who has hung up while the user was looked up is not asked for a password.
func TestAuthEndsWhenTheCallerHangsUpDuringTheLookUp(t *testing.T) {
	users(t, `{ users = function() sleep(10) return "wonderland" end }`, func(t *testing.T, s *siptest.Scene, srv *Server, alice *siptest.UA) {
		alice.Credentials("alice", "wonderland")
		invite := alice.Request("INVITE", "sip:bob@example.org")
		time.Sleep(2 * time.Second)
		alice.CANCEL(invite)
		alice.Expect("487", time.Second)
		alice.ExpectNone(20*time.Second, "4xx", "5xx")
		if srv.logged("level=WARN") {
			t.Errorf("a hang-up was taken for an error:\n%s", srv.Log)
		}
	})
}
