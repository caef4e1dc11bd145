package scenario

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sipscript/sipscript/engine"
	"github.com/sipscript/sipscript/lua"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

// The tests of this kind run pieces of Lua as handlers, each in the place of body, and look at what they return or raise.
const apiScript = `
local cases = { %s }
local function shown(...)
	local words = {}
	for i = 1, select("#", ...) do words[i] = tostring((select(i, ...))) end
	return table.concat(words, " ")
end
for _, method in ipairs { "OPTIONS", "INVITE", "MESSAGE", "REGISTER" } do
	sip.on(method, function(req)
		local function finish(ok, ...)
			req:reply(ok and 200 or 299, { body = shown(...) })
		end
		finish(pcall(cases[tonumber(req:header("X-Case"))], req))
	end)
end
`

// lab is a server whose handlers are pieces of Lua.
type lab struct {
	*Server
	t     *testing.T
	phone *siptest.UA
	cases []string
}

// newLab starts a server with these cases. Each is the body of a function with the parameter req.
func newLab(t *testing.T, s *siptest.Scene, o Options, cases ...string) *lab {
	t.Helper()
	var functions strings.Builder
	for _, body := range cases {
		fmt.Fprintf(&functions, "function(req) %s\nend,", body)
	}
	return &lab{
		Server: Start(t, s, fmt.Sprintf(apiScript, functions.String()), o),
		t:      t, phone: s.UA("phone", "192.0.2.10:5060", sip.UDP).Reliable(), cases: cases,
	}
}

// run sends a request to case i and returns the answer: 200 and what it has returned, or 299 and what it has raised.
func (l *lab) run(i int, method, uri string, opts ...siptest.Option) *sip.Message {
	l.t.Helper()
	opts = append(opts, siptest.Header("X-Case", strconv.Itoa(i+1)))
	return l.phone.Final(l.phone.Request(method, uri, opts...))
}

var position = regexp.MustCompile(`^main\.lua:\d+: `)

// returns checks what each piece of Lua returns, as text.
func returns(t *testing.T, o Options, cases []example) {
	t.Helper()
	check(t, o, cases, 200, func(got string) string { return got })
}

// raises checks the error that each piece of Lua raises, without its position, which has to be there.
func raises(t *testing.T, o Options, cases []example) {
	t.Helper()
	check(t, o, cases, 299, func(got string) string {
		if !position.MatchString(got) {
			return "(no position) " + got
		}
		return position.ReplaceAllString(got, "")
	})
}

// example is a piece of Lua with what it returns or raises. It runs for an OPTIONS with these options of the request.
type example struct {
	body, want string
	opts       []siptest.Option
}

func check(t *testing.T, o Options, cases []example, status int, form func(string) string) {
	t.Helper()
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		bodies := make([]string, len(cases))
		for i := range cases {
			bodies[i] = cases[i].body
		}
		l := newLab(t, s, o, bodies...)
		for i, c := range cases {
			got := l.run(i, "OPTIONS", "sip:bob@192.0.2.1", c.opts...)
			if got.Status() != status || form(string(got.Body())) != c.want {
				t.Errorf("%s:\n got %d %s\nwant %d %s", c.body, got.Status(), form(string(got.Body())), status, c.want)
			}
		}
	})
}

// faults loads a script and returns what is wrong with it.
func faults(t *testing.T, source string, config map[string]any) []string {
	t.Helper()
	var problems []string
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		srv := New(t, s, "", Options{})
		defer srv.Host.Close()
		defer srv.Engine.Close()
		err := lua.Check(lua.Config{Script: "/scripts/main.lua", Engine: srv.Engine, Config: config, Files: &file{source: source}})
		if err != nil {
			problems = lua.Problems(err)
		}
	})
	return problems
}

// wantFault checks that a script is refused with this one problem, whose position is line 1.
func wantFault(t *testing.T, source, want string) {
	t.Helper()
	got := strings.Join(faults(t, source, nil), "\n")
	if rest, ok := strings.CutPrefix(got, "main.lua:1: "); !ok || rest != want {
		t.Errorf("%s:\n got %s\nwant main.lua:1: %s", source, cmp.Or(got, "nothing"), want)
	}
}

// withAlice runs a server with a script, and an endpoint alice beside it.
func withAlice(t *testing.T, source string, o Options, f func(t *testing.T, s *siptest.Scene, srv *Server, alice *siptest.UA)) {
	t.Helper()
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		srv := Start(t, s, source, o)
		f(t, s, srv, s.UA("alice", "192.0.2.10:5060", sip.UDP).Reliable())
	})
}

// logged reports whether a line of the log has all of these in it.
func (s *Server) logged(parts ...string) bool {
	for line := range strings.SplitSeq(s.Log.String(), "\n") {
		all := true
		for _, p := range parts {
			all = all && strings.Contains(line, p)
		}
		if all {
			return true
		}
	}
	return false
}

// settle lets what was sent arrive.
func settle() { time.Sleep(time.Second) }

// oneShard makes all handlers share their variables.
func oneShard() engine.Config { return engine.Config{Shards: 1} }
