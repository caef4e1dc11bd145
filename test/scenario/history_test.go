package scenario

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

// diverting sends callers on to carol when bob is busy, and says why.
const diverting = `sip.on("INVITE", function(req)
	local result = req:proxy("sip:bob@192.0.2.20")
	if result.cause == "busy" then req:proxy("sip:carol@192.0.2.30", { diversion = "busy" }) end
end)`

// wantHistory fails unless the message tells these entries, in this order.
func wantHistory(t *testing.T, m *sip.Message, want ...string) {
	t.Helper()
	if got := list(m, sip.HistoryInfo); !slices.Equal(got, want) {
		t.Errorf("the history in\n%v\nis  %q\nnot %q", m, got, want)
	}
}

const (
	asCalled = "<sip:bob@192.0.2.1>;index=1"
	toBobs   = "<sip:bob@192.0.2.20>;index=1.1;rc=1"
	wasBusy  = "<sip:bob@192.0.2.20?Reason=SIP%3Bcause%3D486&Reason=Q.850%3Bcause%3D17>;index=1.1;rc=1"
	mapped   = "<sip:carol@192.0.2.30>;index=1.2;mp=1"
)

// B116: each new target has an entry with an index, one that has failed the reason, and the answers tell what is known by then
// (RFC 7044 §9). Who knows nothing newer reads Diversion (RFC 5806 §5.4).
func TestB116HistoryOfADivertedCall(t *testing.T) {
	play(t, diverting, Options{}, func(t *testing.T, s *siptest.Scene, _ *Server) {
		alice, bob, carol := alice(s), bob(s), carol(s)
		alice.Request("INVITE", "sip:bob@192.0.2.1", siptest.Header("Supported", "histinfo"))
		one := bob.Expect("INVITE", soon)
		wantHistory(t, one, asCalled, toBobs)
		if got := header(one, "Diversion"); got != "" {
			t.Errorf("Diversion %q where nothing is diverted", got)
		}
		bob.Reply(one, 180)
		wantHistory(t, alice.Expect("180", soon), asCalled, toBobs)
		refuse(bob, one, 486, siptest.Header("Reason", "Q.850;cause=17"))
		two := carol.Expect("INVITE", soon)
		wantHistory(t, two, asCalled, wasBusy, mapped)
		if got := header(two, "Diversion"); got != "<sip:bob@192.0.2.1>;reason=user-busy" {
			t.Errorf("Diversion %q", got)
		}
		carol.Reply(two, 200)
		wantHistory(t, alice.Expect("200", soon), asCalled, wasBusy, mapped)
	})
}

// B116: who has not asked is told nothing, and is shown to whom the call is diverted all the same.
func TestB116HistoryIsForWhoAsks(t *testing.T) {
	play(t, diverting, Options{}, func(t *testing.T, s *siptest.Scene, _ *Server) {
		alice, bob, carol := alice(s), bob(s), carol(s)
		alice.Request("INVITE", "sip:bob@192.0.2.1")
		one := bob.Expect("INVITE", soon)
		wantHistory(t, one)
		refuse(bob, one, 486)
		two := carol.Expect("INVITE", soon)
		wantHistory(t, two, asCalled, "<sip:carol@192.0.2.30>;index=1.1;mp=1")
		carol.Reply(two, 200, siptest.Header("History-Info", asCalled))
		wantHistory(t, alice.Expect("200", soon))
	})
}

// B116: what has come goes on unchanged, and is added to: below its last entry, or below a gap that somebody has left; the
// Diversion of others stays below ours.
func TestB116HistoryGoesOn(t *testing.T) {
	const begun = "<sip:team@192.0.2.9>;index=1"
	for _, row := range []struct{ name, last, target string }{
		{"told", "<sip:bob@192.0.2.1>;index=1.1;mp=1", "<sip:carol@192.0.2.30>;index=1.1.1;mp=1.1"},
		{"gap", "<sip:bob@192.0.2.1>;index=1.0", "<sip:carol@192.0.2.30>;index=1.0.1;mp=1.0"},
	} {
		t.Run(row.name, func(t *testing.T) {
			play(t, proxyTo(`"sip:carol@192.0.2.30"`, `{ diversion = "unconditional" }`), Options{}, func(t *testing.T, s *siptest.Scene, _ *Server) {
				alice, carol := alice(s), carol(s)
				options := []siptest.Option{siptest.Header("History-Info", begun), siptest.Header("Diversion", "<sip:team@192.0.2.9>;reason=away")}
				if row.name == "told" {
					options = append(options, siptest.Header("History-Info", row.last))
				}
				alice.Request("INVITE", "sip:bob@192.0.2.1", options...)
				in := carol.Expect("INVITE", soon)
				wantHistory(t, in, begun, row.last, row.target)
				if got := list(in, sip.Diversion); !slices.Equal(got, []string{"<sip:bob@192.0.2.1>;reason=unconditional", "<sip:team@192.0.2.9>;reason=away"}) {
					t.Errorf("Diversion %q", got)
				}
				further := "<sip:carol@192.0.2.31>;index=" + row.target[len("<sip:carol@192.0.2.30>;index="):len("<sip:carol@192.0.2.30>;index=")+5] + ".1;rc=1"
				refuse(carol, in, 480, siptest.Header("History-Info", begun), siptest.Header("History-Info", further))
				no := alice.Expect("480", soon)
				failed := row.target[:len("<sip:carol@192.0.2.30")] + "?Reason=SIP%3Bcause%3D480" + row.target[len("<sip:carol@192.0.2.30"):]
				wantHistory(t, no, begun, row.last, failed, further)
				alice.ACK(no)
			})
		})
	}
}

// B116: targets that are tried at the same time have each an index of their own, and none that has not answered is told of to the
// others; one that does not answer in time has the reason of that.
func TestB116HistoryOfAFork(t *testing.T) {
	script := `sip.on("INVITE", function(req) req:proxy({ { "sip:bob@192.0.2.20", "sip:carol@192.0.2.30" }, { "sip:dave@192.0.2.30" } }, { timeout = 5 }) end)`
	play(t, script, Options{}, func(t *testing.T, s *siptest.Scene, _ *Server) {
		alice, bob, carol := alice(s), bob(s), carol(s)
		alice.Request("INVITE", "sip:bob@192.0.2.1", siptest.Header("Supported", "histinfo"))
		wantHistory(t, bob.Expect("INVITE", soon), asCalled, toBobs)
		two := carol.Expect("INVITE", soon)
		wantHistory(t, two, asCalled, mapped)
		refuse(carol, two, 404)
		wantHistory(t, carol.Expect("INVITE", 7*time.Second), asCalled, "<sip:bob@192.0.2.20?Reason=SIP%3Bcause%3D408>;index=1.1;rc=1",
			"<sip:carol@192.0.2.30?Reason=SIP%3Bcause%3D404>;index=1.2;mp=1", "<sip:dave@192.0.2.30>;index=1.3;mp=1")
	})
}

// B116: a call of this server's own tells its callee where it was diverted from, and nothing to a caller that sees nothing of the
// other side.
func TestB116HistoryOfACallOfTwoLegs(t *testing.T) {
	perform(t, `sip.on("INVITE", function(req) req:b2bua("sip:carol@192.0.2.30", { diversion = "no-answer" }) end)`, func(s *stage) {
		s.call(siptest.Header("Supported", "histinfo"))
		in := s.carol.Expect("INVITE", soon)
		wantHistory(s.t, in, asCalled, "<sip:carol@192.0.2.30>;index=1.1;mp=1")
		if got := header(in, "Diversion"); got != "<sip:bob@192.0.2.1>;reason=no-answer" {
			s.t.Errorf("Diversion %q", got)
		}
		s.carol.Reply(in, 486)
		no := s.alice.Final(s.alice.Request(sip.OPTIONS, "sip:192.0.2.1"))
		wantHistory(s.t, no)
		wantHistory(s.t, s.alice.Expect("486", soon))
	})
}

// B116: who does not want it known whom a call was for has it told to nobody beyond this domain (RFC 7044 §10.1.2, RFC 5806 §9), and phones of this domain
// see it.
func TestB116HistoryIsPrivateBeyondThisDomain(t *testing.T) {
	const nobody = "<sip:anonymous@anonymous.invalid>"
	for _, row := range []struct {
		privacy, left string // as the call comes, and as it goes on
		busy          string // what the phone that is busy says of itself
		last, back    string // its entry as the next one and the caller see it
		diversion     string
		first         string
	}{
		{"", "", "", wasBusy, wasBusy, "<sip:bob@192.0.2.1>;reason=user-busy", asCalled},
		{"history;id", "id", "", "<sip:anonymous@anonymous.invalid?Reason=SIP%3Bcause%3D486&Reason=Q.850%3Bcause%3D17>;index=1.1;rc=1", wasBusy,
			nobody + ";reason=user-busy;privacy=full", nobody + ";index=1"},
		{"header", "header", "", "<sip:anonymous@anonymous.invalid?Reason=SIP%3Bcause%3D486&Reason=Q.850%3Bcause%3D17>;index=1.1;rc=1", wasBusy,
			nobody + ";reason=user-busy;privacy=full", nobody + ";index=1"},
		{"none", "none", "", wasBusy, wasBusy, "<sip:bob@192.0.2.1>;reason=user-busy", asCalled},
	} {
		t.Run(row.privacy, func(t *testing.T) {
			play(t, diverting, Options{}, func(t *testing.T, s *siptest.Scene, _ *Server) {
				alice, bob, carol := alice(s), bob(s), carol(s)
				options := []siptest.Option{siptest.Header("Supported", "histinfo")}
				if row.privacy != "" {
					options = append(options, siptest.Header("Privacy", row.privacy))
				}
				alice.Request("INVITE", "sip:bob@192.0.2.1", options...)
				refuse(bob, bob.Expect("INVITE", soon), 486, siptest.Header("Reason", "Q.850;cause=17"))
				two := carol.Expect("INVITE", soon)
				end := mapped
				if row.first != asCalled {
					end = nobody + ";index=1.2;mp=1"
				}
				wantHistory(t, two, row.first, row.last, end)
				if got := header(two, "Diversion"); got != row.diversion {
					t.Errorf("Diversion %q", got)
				}
				if got := header(two, "Privacy"); got != row.left {
					t.Errorf("Privacy %q", got)
				}
				carol.Reply(two, 200)
				wantHistory(t, alice.Expect("200", soon), asCalled, row.back, mapped)
			})
		})
	}
}

// B116: one entry may be private. Those of other domains are theirs to judge, and phones that are registered here see all.
func TestB116OneEntryOfTheHistoryMayBePrivate(t *testing.T) {
	const team, there = "<sip:team@192.0.2.1?Privacy=history>;index=1", "<sip:x@there.example?Privacy=history>;index=1.1"
	for script, want := range map[string]string{
		`req:proxy("sip:bob@192.0.2.20")`:     "<sip:anonymous@anonymous.invalid>;index=1",
		`req:proxy(location.lookup(req.uri))`: team,
	} {
		t.Run(want, func(t *testing.T) {
			play(t, `sip.on("REGISTER", function(req) registrar.save(req) end) sip.on("INVITE", function(req) `+script+` end)`, Options{},
				func(t *testing.T, s *siptest.Scene, _ *Server) {
					alice, bob := alice(s), bob(s)
					if strings.Contains(script, "lookup") {
						bob = s.UA("bob", "192.0.2.21:5060", sip.TCP)
						bob.Register("sip:bob@192.0.2.1", "")
					}
					alice.Request("INVITE", "sip:bob@192.0.2.1", siptest.Header("History-Info", team), siptest.Header("History-Info", there))
					got := list(bob.Expect("INVITE", soon), sip.HistoryInfo)
					if len(got) < 2 || got[0] != want || got[1] != there {
						t.Errorf("told %q", got)
					}
				})
		})
	}
}
