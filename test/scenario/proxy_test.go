package scenario

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

// soon is longer than any message takes, and shorter than any timer.
const soon = 100 * time.Millisecond

// play runs a server with this script on a network of its own.
func play(t *testing.T, source string, o Options, f func(t *testing.T, s *siptest.Scene, srv *Server)) {
	t.Helper()
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		f(t, s, Start(t, s, source, o))
	})
}

// alice calls, bob and carol are called. Each is a bare endpoint: it sends once and shows every copy it gets.
func alice(s *siptest.Scene) *siptest.UA { return s.UA("alice", "192.0.2.10:5060", sip.UDP) }
func bob(s *siptest.Scene) *siptest.UA   { return s.UA("bob", "192.0.2.20:5060", sip.UDP) }
func carol(s *siptest.Scene) *siptest.UA { return s.UA("carol", "192.0.2.30:5060", sip.UDP) }

const (
	toBob   = "sip:bob@192.0.2.20"
	toCarol = "sip:carol@192.0.2.30"
)

var serverAddr = netip.MustParseAddrPort("192.0.2.1:5060")

// proxyTo is a script that proxies every request to a Lua expression, logs how that ended and ends.
func proxyTo(targets string, options ...string) string {
	return `
		local function route(req)
			local result = req:proxy(` + strings.Join(append([]string{targets}, options...), ", ") + `)
			log.info("over", { code = result.code, cause = result.cause })
		end
		sip.on("INVITE", route)
		sip.on("*", route)`
}

// ended fails unless the script has logged this code and cause.
func ended(t *testing.T, srv *Server, cause string, code string) {
	t.Helper()
	if want := "cause=" + cause + " code=" + code; !strings.Contains(srv.Log.String(), want) {
		t.Errorf("no %q in the log:\n%s", want, srv.Log)
	}
}

// header is the first value of a header field, "" without one.
func header(m *sip.Message, name string) string {
	v, _ := m.Get(name)
	return v
}

// list is every element of a header field.
func list(m *sip.Message, name sip.Name) []string { return slices.Collect(m.List(name)) }

func branchOf(t *testing.T, m *sip.Message) string {
	t.Helper()
	v, err := m.Via()
	if err != nil {
		t.Fatal(err)
	}
	return v.Branch
}

// refuse answers an INVITE with a failure and takes the ACK.
func refuse(u *siptest.UA, invite *sip.Message, code int, opts ...siptest.Option) {
	u.Reply(invite, code, opts...)
	u.Expect(sip.ACK, soon)
}

// logged fails unless each of the lines has been logged.
func logged(t *testing.T, srv *Server, lines ...string) {
	t.Helper()
	for _, want := range lines {
		if !strings.Contains(srv.Log.String(), want) {
			t.Errorf("no %q in the log:\n%s", want, srv.Log)
		}
	}
}
