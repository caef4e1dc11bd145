package scenario

import (
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sipscript/sipscript/engine"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

// What a server that is proxy and registrar does with the messages of RFC 4475 and RFC 5118: a status, several where
// there is a choice, "accept" for any but 400, "drop" for nothing at all. Behind a slash stands what is different over
// a stream, where the Content-Length frames.
var tortured = map[string]string{
	"rfc4475/wsinv": "accept", "rfc4475/intmeth": "accept", "rfc4475/esc01": "accept", "rfc4475/escnull": "200",
	"rfc4475/esc02": "accept", "rfc4475/lwsdisp": "accept", "rfc4475/longreq": "accept", "rfc4475/dblreq": "200",
	"rfc4475/semiuri": "accept", "rfc4475/transports": "accept", "rfc4475/mpart01": "accept",
	"rfc4475/unreason": "drop", "rfc4475/noreason": "drop",
	"rfc4475/badinv01": "400", "rfc4475/clerr": "400/drop", "rfc4475/ncl": "400", "rfc4475/scalar02": "400",
	"rfc4475/scalarlg": "drop", "rfc4475/quotbal": "400", "rfc4475/ltgtruri": "400", "rfc4475/lwsruri": "400",
	"rfc4475/lwsstart": "400", "rfc4475/trws": "400", "rfc4475/escruri": "400", "rfc4475/baddate": "accept",
	"rfc4475/regbadct": "400 200", "rfc4475/badaspec": "400", "rfc4475/baddn": "400/drop", "rfc4475/baddn-terminated": "400",
	"rfc4475/badvers": "505", "rfc4475/mismatch01": "400", "rfc4475/mismatch02": "501 400", "rfc4475/bigcode": "drop",
	"rfc4475/badbranch": "400", "rfc4475/insuf": "400 drop", "rfc4475/unkscm": "416", "rfc4475/novelsc": "416 404",
	"rfc4475/unksm2": "400", "rfc4475/bext01": "420", "rfc4475/invut": "accept", "rfc4475/regaut01": "200",
	"rfc4475/multi01": "400", "rfc4475/mcl01": "400", "rfc4475/bcast": "drop", "rfc4475/zeromf": "483 200",
	"rfc4475/cparam01": "200", "rfc4475/cparam02": "200", "rfc4475/regescrt": "200", "rfc4475/sdp01": "accept",
	"rfc4475/inv2543": "accept/400", "rfc4475/test": "400 drop",
	"rfc5118/ipv6-good": "200 404", "rfc5118/ipv6-bad": "400", "rfc5118/port-ambiguous": "200 404",
	"rfc5118/port-unambiguous": "200 404", "rfc5118/via-received-param-with-delim": "accept",
	"rfc5118/via-received-param-no-delim": "accept", "rfc5118/ipv6-in-sdp": "accept",
	"rfc5118/mult-ip-in-header": "accept", "rfc5118/mult-ip-in-sdp": "accept",
	"rfc5118/ipv4-mapped-ipv6": "accept", "rfc5118/ipv6-bug-abnf-3-colons": "accept",
	"rfc5118/ipv6-correct-abnf-2-colons": "accept",
}

// deciding sends nothing on: what is not refused gets an answer of the proxy's own, mostly 480. relaying sends all of
// it on, so that nothing that is refused may come out on the other side.
const (
	deciding = `
		sip.on("REGISTER", function(req) registrar.save(req) end)
		sip.on("*", function(req) req:proxy(location.lookup(req.uri)) end)`
	relaying = `
		sip.on("REGISTER", function(req) req:proxy("sip:192.0.2.20") end)
		sip.on("*", function(req) req:proxy("sip:sink@192.0.2.20") end)`
)

func TestTortureMessages(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../sip/testdata/torture/*/*.dat")
	if err != nil || len(files) != len(tortured) {
		t.Fatalf("%d files for %d expectations: %v", len(files), len(tortured), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(file[len("../../sip/testdata/torture/"):], ".dat")
		message, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		udp, tcp, differs := strings.Cut(tortured[name], "/")
		if !differs {
			tcp = udp
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			torture(t, string(message), sip.UDP, strings.Fields(udp))
			torture(t, string(message), sip.TCP, strings.Fields(tcp))
		})
	}
}

func torture(t *testing.T, message string, over sip.Transport, want []string) {
	t.Helper()
	for _, script := range []string{deciding, relaying} {
		siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
			srv := Start(t, s, script, Options{Engine: engine.Config{
				Domains: []string{"example.com", "example.org", "example.net", "registrar.example.com"},
			}})
			newPeer(t, s, "192.0.2.20:5060")
			if over == sip.UDP {
				newPeer(t, s, "192.0.2.10:5060").send(message)
			} else {
				put(t, connect(t, s, "192.0.2.10"), message)
			}
			time.Sleep(40 * time.Second)
			answers, relayed := sent(t, s)
			got := finals(answers, callID(message))
			switch {
			case script == deciding && !fits(got, want):
				t.Errorf("over %v it was answered %q, want %q", over, got, want)
			case script == deciding && relayed > 0, refused(message, want) && relayed > 0:
				t.Errorf("over %v it was sent on", over)
			case want[0] == "accept" && relayed == 0 && len(got) == 0:
				t.Errorf("over %v it was neither sent on nor answered", over)
			}
			serves(t, s.UA("after", "192.0.2.30:5060", over))
			if strings.Contains(srv.Log.String(), "level=ERROR") {
				t.Errorf("over %v:\n%s", over, srv.Log)
			}
		})
	}
}

// fits reports whether a request that got these final responses fared as it should.
func fits(got, want []string) bool {
	for _, w := range want {
		switch {
		case w == "drop" && len(got) == 0:
			return true
		case len(got) == 0:
		case w == "accept" && got[0] != "400", w == got[0]:
			return true
		}
	}
	return false
}

// refused reports whether nobody would take the request, a registrar elsewhere included.
func refused(message string, want []string) bool {
	return !slices.Contains(want, "accept") && !strings.HasPrefix(message, "REGISTER ")
}

var callIDs = regexp.MustCompile(`(?im)^(?:call-id|i)[ \t]*:[ \t\r\n]*(\S+)`)

// callID is what answers are known by.
func callID(message string) string {
	if m := callIDs.FindStringSubmatch(message); m != nil {
		return m[1]
	}
	return ""
}

// sent returns the responses that the server has sent, and how many requests. A message may name who it likes, and its
// Route does count; but it is answered to where it came from.
func sent(t *testing.T, s *siptest.Scene) (answers []string, requests int) {
	t.Helper()
	for _, e := range s.Net.Trace() {
		if e.Src.Addr() != netip.MustParseAddr("192.0.2.1") || len(e.Bytes) == 0 {
			continue
		}
		if !strings.HasPrefix(string(e.Bytes), "SIP/2.0 ") {
			requests++
			continue
		}
		if e.Dst.Addr() != netip.MustParseAddr("192.0.2.10") {
			t.Errorf("the server has answered %v: %.60q", e.Dst, e.Bytes)
		}
		answers = append(answers, strings.SplitAfter("\r\n\r\n"+string(e.Bytes), "\r\n\r\n")[1:]...)
	}
	return answers, requests
}

// finals lists the statuses of the final responses in a call, each once.
func finals(answers []string, call string) (all []string) {
	for _, a := range answers {
		if len(a) > 11 && a[8] != '1' && strings.Contains(a, call) && !slices.Contains(all, a[8:11]) {
			all = append(all, a[8:11])
		}
	}
	return all
}
