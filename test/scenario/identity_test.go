package scenario

import (
	"strings"
	"testing"
	"time"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

func TestCallerIDIsWhatTheCalleeSees(t *testing.T) {
	tests := []struct{ name, options, from, asserted, privacy string }{
		{"number", `{ caller_id = "+4930123" }`, `<sip:+4930123@192.0.2.1>`, `<sip:+4930123@192.0.2.1>`, ""},
		{"a number written as one", `{ caller_id = 4930123 }`, `<sip:4930123@192.0.2.1>`, `<sip:4930123@192.0.2.1>`, ""},
		{"number and name", `{ caller_id = { number = "100", name = 'The "Office"' } }`, `"The \"Office\"" <sip:100@192.0.2.1>`, `"The \"Office\"" <sip:100@192.0.2.1>`, ""},
		{"private", `{ caller_id = { number = "100", name = "Office", privacy = true } }`, `"Anonymous" <sip:anonymous@anonymous.invalid>`,
			`"Office" <sip:100@192.0.2.1>`, "id"},
		{"none", `{ max_duration = 100 }`, `<sip:alice@192.0.2.1>`, `<sip:boss@192.0.2.1>`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			play(t, proxyTo(`"sip:bob@192.0.2.20"`, tt.options), Options{}, func(t *testing.T, s *siptest.Scene, _ *Server) {
				a, b := alice(s), bob(s)
				sent := a.Request(sip.INVITE, "sip:bob@192.0.2.1", siptest.Header("P-Asserted-Identity", "<sip:boss@192.0.2.1>"))
				own := header(sent, "From")
				shown := tt.from + ";tag=" + sent.FromTag()
				got := b.Expect(sip.INVITE, soon)
				if header(got, "From") != shown || header(got, "P-Asserted-Identity") != tt.asserted || header(got, "Privacy") != tt.privacy {
					t.Errorf("the callee sees From %s, P-Asserted-Identity %s, Privacy %q", header(got, "From"), header(got, "P-Asserted-Identity"), header(got, "Privacy"))
				}
				b.Reply(got, 183)
				b.Reply(got, 200)
				early, ok := a.Expect("183", soon), a.Expect("200", soon)
				for _, r := range []*sip.Message{early, ok} {
					if header(r, "From") != own {
						t.Errorf("the caller sees From %s in its %d, want its own %s", header(r, "From"), r.Status(), own)
					}
				}
				caller, callee := a.Dialog(ok), b.Dialog(got)
				caller.ACK()
				if m := b.Expect(sip.ACK, soon); header(m, "From") != shown {
					t.Errorf("ACK from %s", header(m, "From"))
				}
				caller.Request(sip.INFO)
				info := b.Expect(sip.INFO, soon)
				b.Reply(info, 200)
				if r := a.Expect("200", soon); header(info, "From") != shown || header(r, "From") != own {
					t.Errorf("INFO from %s, its answer to %s", header(info, "From"), header(r, "From"))
				}
				callee.Request(sip.INFO)
				info = a.Expect(sip.INFO, soon)
				a.Reply(info, 486)
				if r := b.Expect("486", soon); header(info, "To") != own || header(r, "To") != shown {
					t.Errorf("INFO to %s, its answer from %s", header(info, "To"), header(r, "To"))
				}
				callee.BYE()
				a.Reply(a.Expect(sip.BYE, soon), 200)
				if r := b.Expect("200", soon); header(r, "To") != shown {
					t.Errorf("BYE answered by %s", header(r, "To"))
				}
			})
		})
	}
}

// A target may have a caller_id of its own; a refusal goes to the caller under its own name.
func TestCallerIDOfATarget(t *testing.T) {
	play(t, proxyTo(`{ { uri = "sip:bob@192.0.2.20", caller_id = "1" }, { uri = "sip:carol@192.0.2.30" } }`, `{ caller_id = "2" }`), Options{},
		func(t *testing.T, s *siptest.Scene, _ *Server) {
			a, b, c := alice(s), bob(s), carol(s)
			sent := a.Request(sip.INVITE, "sip:bob@192.0.2.1")
			one, two := b.Expect(sip.INVITE, soon), c.Expect(sip.INVITE, soon)
			if f, g := header(one, "From"), header(two, "From"); !strings.HasPrefix(f, "<sip:1@") || !strings.HasPrefix(g, "<sip:2@") {
				t.Errorf("From %s and %s", f, g)
			}
			refuse(c, two, 486)
			b.Reply(one, 404)
			if m := b.Expect(sip.ACK, soon); header(m, "From") != header(one, "From") {
				t.Errorf("ACK from %s, INVITE from %s", header(m, "From"), header(one, "From"))
			}
			r := a.Expect("4xx", soon)
			if header(r, "From") != header(sent, "From") {
				t.Errorf("refused as %s", header(r, "From"))
			}
			a.ACK(r)
		})
}

// A BYE that crosses the one of the server finds its way with the right names.
func TestCallerIDHoldsWhileAnEndedCallIsSpokenOf(t *testing.T) {
	play(t, proxyTo(`"sip:bob@192.0.2.20"`, `{ caller_id = "100", max_duration = 5 }`), Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
		a, b := alice(s), bob(s)
		caller, callee := talk(t, a, b)
		toAlice, toBob := a.Expect(sip.BYE, 6*time.Second), b.Expect(sip.BYE, soon)
		if header(toBob, "From") != callee.Remote || header(toAlice, "To") != caller.Local {
			t.Errorf("BYE from %s, and to %s", header(toBob, "From"), header(toAlice, "To"))
		}
		callee.BYE()
		if m := a.Expect(sip.BYE, soon); header(m, "To") != caller.Local {
			t.Errorf("the crossing BYE is for %s, want %s", header(m, "To"), caller.Local)
		} else {
			a.Reply(m, 481)
		}
		b.Expect("481", soon)
		a.Reply(toAlice, 200)
		b.Reply(toBob, 200)
		time.Sleep(33 * time.Second)
		if n := srv.Engine.Tracked(); n != 0 {
			t.Errorf("%d calls tracked at the end, want none", n)
		}
	})
}

func TestIdentityOptionsThatAreRefused(t *testing.T) {
	raises(t, Options{}, []example{
		{"req:proxy('sip:a@b', { caller_id = true })", "request:proxy: caller_id: number or {number=, name=, privacy=} expected, got boolean", nil},
		{"req:proxy('sip:a@b', { caller_id = { name = 'x' } })", "request:proxy: caller_id: number expected", nil},
		{"req:proxy('sip:a@b', { caller_id = { number = '1', nam = 'x' } })", "request:proxy: caller_id: unknown field 'nam' (did you mean 'name'?)", nil},
		{"req:proxy('sip:a@b', { credentials = 'x' })", "request:proxy: credentials: unknown name 'x' (there are none in the config)", nil},
		{"req:proxy('sip:a@b', { credentials = { user = 'x' } })", "request:proxy: credentials: unknown field 'user' (known: username, password)", nil},
		{"req:proxy('sip:a@b', { credentials = { password = 'x' } })", "request:proxy: credentials: username expected", nil},
		{"req:proxy('sip:a@b', { credentials = { username = 'x', password = {} } })", "request:proxy: credentials: password: string expected, got table", nil},
	})
}
