package scenario

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sipscript/sipscript/engine"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

// talk makes a call from alice to bob and returns both sides' dialogs.
func talk(t *testing.T, a, b *siptest.UA) (caller, callee *siptest.Dialog) {
	t.Helper()
	a.Request(sip.INVITE, "sip:bob@192.0.2.1")
	got := b.Expect(sip.INVITE, soon)
	b.Reply(got, 180)
	b.Reply(got, 200)
	a.Expect("180", soon)
	caller = a.Dialog(a.Expect("200", soon))
	caller.ACK()
	b.Expect(sip.ACK, soon)
	return caller, b.Dialog(got)
}

// bye ends a call from one side and has the other answer.
func bye(t *testing.T, from *siptest.Dialog, a, b *siptest.UA) {
	t.Helper()
	from.BYE()
	b.Reply(b.Expect(sip.BYE, soon), 200)
	a.Expect("200", soon)
}

// logEnd is a handler of the ends of calls that logs what matters of each.
const logEnd = `
	sip.on_end(function(cdr)
		log.info("end", { call_id = cdr.call_id, code = cdr.code, cause = cdr.cause, by = cdr.ended_by or "nobody", q850 = cdr.q850 or 0, duration = cdr.duration,
			from = cdr.from, to = cdr.to, uri = cdr.uri, source = cdr.source, target = cdr.target or "none", account = cdr.vars.account or "none" })
	end)`

// endsTold counts the ends that the script was told of whose line has all of this.
func endsTold(srv *Server, parts ...string) (n int) {
	for line := range strings.Lines(srv.Log.String()) {
		all := strings.Contains(line, "msg=end ")
		for _, part := range parts {
			all = all && strings.Contains(line, part)
		}
		if all {
			n++
		}
	}
	return n
}

func wantEnd(t *testing.T, srv *Server, parts ...string) {
	t.Helper()
	if n, all := endsTold(srv, parts...), endsTold(srv); n != 1 || all != 1 {
		t.Errorf("told %d times of an end, of one with %q %d times; want once each:\n%s", all, parts, n, srv.Log)
	}
}

func TestEndOfACallIsToldOnce(t *testing.T) {
	const proxying = `sip.on("INVITE", function(req) req.vars.account = "7" req:proxy("sip:bob@192.0.2.20") end)`
	tests := []struct {
		name, script string
		play         func(t *testing.T, s *siptest.Scene, a, b *siptest.UA)
		want         []string
	}{
		{"BYE of the caller", proxying, func(t *testing.T, _ *siptest.Scene, a, b *siptest.UA) {
			caller, _ := talk(t, a, b)
			time.Sleep(10 * time.Second)
			bye(t, caller, a, b)
		}, []string{"cause=answered", "code=200", "by=caller", "duration=10.0", "account=7", "from=sip:alice@192.0.2.1", "to=sip:bob@192.0.2.1",
			"uri=sip:bob@192.0.2.1", "source=udp:192.0.2.10:5060", "target=sip:bob@192.0.2.20"}},
		{"BYE of the callee", proxying, func(t *testing.T, _ *siptest.Scene, a, b *siptest.UA) {
			_, callee := talk(t, a, b)
			bye(t, callee, b, a)
		}, []string{"cause=answered", "code=200", "by=callee"}},
		{"busy", proxying, func(_ *testing.T, _ *siptest.Scene, a, b *siptest.UA) {
			a.Request(sip.INVITE, "sip:bob@192.0.2.1")
			refuse(b, b.Expect(sip.INVITE, soon), 486, siptest.Header("Reason", "Q.850;cause=17"))
			a.ACK(a.Expect("486", soon))
		}, []string{"cause=busy", "code=486", "q850=17", "by=nobody", "duration=0", "target=sip:bob@192.0.2.20"}},
		{"CANCEL", proxying, func(_ *testing.T, _ *siptest.Scene, a, b *siptest.UA) {
			invite := a.Request(sip.INVITE, "sip:bob@192.0.2.1")
			got := b.Expect(sip.INVITE, soon)
			b.Reply(got, 180)
			a.Expect("180", soon)
			a.CANCEL(invite)
			b.Reply(b.Expect(sip.CANCEL, soon), 200)
			refuse(b, got, 487)
			a.Expect("200", soon)
			a.ACK(a.Expect("487", soon))
		}, []string{"cause=canceled", "code=487", "by=caller"}},
		{"CANCEL that a 2xx crosses", proxying, func(t *testing.T, _ *siptest.Scene, a, b *siptest.UA) {
			invite := a.Request(sip.INVITE, "sip:bob@192.0.2.1")
			got := b.Expect(sip.INVITE, soon)
			b.Reply(got, 180)
			a.Expect("180", soon)
			b.Reply(got, 200)
			a.CANCEL(invite)
			a.Expect("200", soon)
			caller := a.Dialog(a.Expect("200", soon))
			bye(t, caller, a, b)
		}, []string{"cause=answered", "by=caller"}},
		{"no answer", `sip.on("INVITE", function(req) req.vars.account = 1 req:proxy("sip:bob@192.0.2.20", { timeout = 5 }) end)`,
			func(_ *testing.T, _ *siptest.Scene, a, b *siptest.UA) {
				a.Request(sip.INVITE, "sip:bob@192.0.2.1")
				got := b.Expect(sip.INVITE, soon)
				b.Reply(got, 180)
				a.Expect("180", soon)
				b.Reply(b.Expect(sip.CANCEL, 6*time.Second), 200)
				refuse(b, got, 487)
				a.ACK(a.Expect("408", soon))
			}, []string{"cause=no_answer", "code=408", "by=nobody"}},
		{"refused by the script", `sip.on("INVITE", function(req) req.vars.account = 1 req:reply(403) end)`, func(_ *testing.T, _ *siptest.Scene, a, _ *siptest.UA) {
			a.Request(sip.INVITE, "sip:bob@192.0.2.1")
			a.ACK(a.Expect("403", soon))
		}, []string{"cause=rejected", "code=403", "by=nobody"}},
		{"forgotten by the script", `sip.on("INVITE", function(req) req.vars.account = 1 end)`, func(_ *testing.T, _ *siptest.Scene, a, _ *siptest.UA) {
			a.Request(sip.INVITE, "sip:bob@192.0.2.1")
			a.ACK(a.Expect("500", soon))
		}, []string{"cause=failed", "code=500"}},
		{"an error of the script", `sip.on("INVITE", function(req) error("x") end)`, func(_ *testing.T, _ *siptest.Scene, a, _ *siptest.UA) {
			a.Request(sip.INVITE, "sip:bob@192.0.2.1")
			a.ACK(a.Expect("500", soon))
		}, []string{"cause=failed", "code=500"}},
		{"answered by the script itself", `sip.on("INVITE", function(req) req:reply(200, { headers = { Contact = "<sip:192.0.2.1>" } }) end)
			sip.on_indialog(function(req) if req.method == "BYE" then req:reply(200) end end)`, func(_ *testing.T, _ *siptest.Scene, a, _ *siptest.UA) {
			a.Request(sip.INVITE, "sip:bob@192.0.2.1")
			caller := a.Dialog(a.Expect("200", soon))
			caller.ACK()
			time.Sleep(3 * time.Second)
			caller.BYE()
			a.Expect("200", soon)
		}, []string{"cause=answered", "by=caller", "duration=3.0"}},
		{"the second of two carriers", `sip.on("INVITE", function(req)
				local result = req:proxy("sip:carol@192.0.2.30")
				req.vars.account = result.cause
				req:proxy("sip:bob@192.0.2.20")
			end)`, func(t *testing.T, s *siptest.Scene, a, b *siptest.UA) {
			c := carol(s)
			a.Request(sip.INVITE, "sip:bob@192.0.2.1")
			refuse(c, c.Expect(sip.INVITE, soon), 503)
			got := b.Expect(sip.INVITE, soon)
			b.Reply(got, 200)
			caller := a.Dialog(a.Expect("200", soon))
			caller.ACK()
			b.Expect(sip.ACK, soon)
			bye(t, caller, a, b)
		}, []string{"cause=answered", "code=200", "account=failed", "target=sip:bob@192.0.2.20"}},
		{"a BYE that nobody answers", proxying, func(t *testing.T, _ *siptest.Scene, a, b *siptest.UA) {
			caller, _ := talk(t, a, b)
			caller.BYE()
			time.Sleep(33 * time.Second)
		}, []string{"cause=answered", "by=caller"}},
		{"a BYE that is challenged first", proxying, func(t *testing.T, _ *siptest.Scene, a, b *siptest.UA) {
			caller, _ := talk(t, a, b)
			caller.BYE()
			b.Reply(b.Expect(sip.BYE, soon), 401)
			a.Expect("401", soon)
			time.Sleep(time.Second)
			bye(t, caller, a, b)
		}, []string{"cause=answered", "by=caller", "duration=1"}},
		{"a BYE whose end was never seen", proxying, func(t *testing.T, _ *siptest.Scene, a, b *siptest.UA) {
			talk(t, a, b)
			time.Sleep(12*time.Hour + time.Second)
		}, []string{"cause=answered", "by=expiry", "duration=43200"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			play(t, tt.script+logEnd, Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
				tt.play(t, s, alice(s), bob(s))
				time.Sleep(time.Second)
				wantEnd(t, srv, tt.want...)
			})
		})
	}
}

// A fork can be answered twice; the caller ends one of the two calls at once, and the other goes on.
func TestCallEndsWithItsLastDialog(t *testing.T) {
	play(t, `sip.on("INVITE", function(req) req:proxy({ "sip:bob@192.0.2.20", "sip:carol@192.0.2.30" }) end)`+logEnd, Options{},
		func(t *testing.T, s *siptest.Scene, srv *Server) {
			a, b, c := alice(s), bob(s), carol(s)
			a.Request(sip.INVITE, "sip:bob@192.0.2.1")
			b.Reply(b.Expect(sip.INVITE, soon), 200)
			c.Reply(c.Expect(sip.INVITE, soon), 200)
			one, two := a.Dialog(a.Expect("200", soon)), a.Dialog(a.Expect("200", soon))
			one.ACK()
			two.ACK()
			two.BYE()
			time.Sleep(soon)
			for _, u := range []*siptest.UA{b, c} {
				u.Expect(sip.ACK, soon)
			}
			first, second := b, c
			if two.Target == b.Contact() {
				first, second = c, b
			}
			second.Reply(second.Expect(sip.BYE, soon), 200)
			a.Expect("200", soon)
			time.Sleep(5 * time.Second)
			if n := endsTold(srv); n != 0 {
				t.Fatalf("told %d times of the end of a call that goes on:\n%s", n, srv.Log)
			}
			bye(t, one, a, first)
			time.Sleep(soon)
			wantEnd(t, srv, "by=caller", "cause=answered")
		})
}

func TestWhatIsNoCallHasNoEnd(t *testing.T) {
	for name, handler := range map[string]string{
		"challenged": `auth.require(req, { realm = "x", users = { alice = "y" } })`,
		"forwarded":  `req:forward("sip:bob@192.0.2.20")`,
		"dropped":    `req:drop()`,
	} {
		t.Run(name, func(t *testing.T) {
			play(t, `sip.on("INVITE", function(req) req:limit("k", 5) log.info("up", { n = sip.count("k") })`+handler+` end)
				sip.on("MESSAGE", function(req) log.info("left", { n = sip.count("k") }) req:reply(200) end)`+logEnd, Options{},
				func(t *testing.T, s *siptest.Scene, srv *Server) {
					a := alice(s)
					a.Request(sip.INVITE, "sip:bob@192.0.2.1")
					time.Sleep(time.Second)
					a.Request(sip.MESSAGE, "sip:192.0.2.1")
					time.Sleep(soon)
					if log := srv.Log.String(); endsTold(srv) != 0 || !strings.Contains(log, "msg=up n=1") && !strings.Contains(log, "n=1") || !strings.Contains(log, "n=0") {
						t.Errorf("told of an end, or a limit is held:\n%s", log)
					}
				})
		})
	}
}

// The values that a handler puts with a call are there in every later one, in on_branch and on_reply, in another version of the script, and at its end.
func TestVarsStayWithTheCall(t *testing.T) {
	const source = `
		sip.on("INVITE", function(req)
			req.vars.account, req.vars.list = "7", { "a", { b = 1 } }
			local vars = req.vars
			req:proxy("sip:bob@192.0.2.20", {
				on_branch = function() vars.branch = true end,
				on_reply = function() req.vars.replies = (req.vars.replies or 0) + 1 end })
		end)
		sip.on_indialog(function(req)
			req.vars.seen = (req.vars.seen or "") .. req.method .. " "
			log.info("vars", { method = req.method, json = json.encode(req.vars), version = %q, own = tostring(rawequal(req.vars, req.vars)) })
			req:proxy()
		end)
		sip.on_end(function(cdr) log.info("last", { json = json.encode(cdr.vars) }) end)`
	play(t, strings.Replace(source, "%q", `"one"`, 1), Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
		a, b := alice(s), bob(s)
		caller, callee := talk(t, a, b)
		if err := srv.Change(strings.Replace(source, "%q", `"two"`, 1)); err != nil {
			t.Fatal(err)
		}
		callee.Request(sip.INFO)
		a.Reply(a.Expect(sip.INFO, soon), 200)
		b.Expect("200", soon)
		bye(t, caller, a, b)
		time.Sleep(soon)
		for _, want := range []string{
			`json="{\"account\":\"7\",\"branch\":true,\"list\":[\"a\",{\"b\":1}],\"replies\":2,\"seen\":\"ACK \"}" method=ACK own=true version=one`,
			`\"seen\":\"ACK INFO \"}" method=INFO own=true version=two`,
			`msg=last`, `json="{\"account\":\"7\",\"branch\":true,\"list\":[\"a\",{\"b\":1}],\"replies\":2,\"seen\":\"ACK INFO BYE \"}"`,
		} {
			if !strings.Contains(srv.Log.String(), want) {
				t.Errorf("no %s in the log:\n%s", want, srv.Log)
			}
		}
	})
}

func TestVarsThatAreRefused(t *testing.T) {
	raises(t, Options{}, []example{
		{"req.vars.f = print", "vars: string, number, boolean or plain table expected, got function", nil},
		{"req.vars[1] = 2", "vars have names, got a number as key", nil},
		{"req.vars.t = { 1, a = 2 }", "vars: a table is a list or has names, not both, and a list has no holes", nil},
		{"req.vars.t = { 1, nil, 3 }", "vars: a table is a list or has names, not both, and a list has no holes", nil},
		{"local t = {} t.t = t req.vars.t = t", "vars: the table is nested too deep, or holds itself", nil},
		{"req.vars.n = 0/0", "vars: NaN is no number that can be written down", nil},
		{"req.vars.t = { 1 } req.vars.t[1] = 2", "attempt to write field '1' of a read-only table", nil},
		{"req:limit()", "request:limit: bad argument #1 (string expected, got no value)", nil},
		{"req:limit('k', 1)", "request:limit: the request makes no call, and belongs to none that is tracked", nil},
		{"sip.count()", "sip.count: bad argument #1 (string expected, got no value)", nil},
	})
}

func TestLimitHoldsUntilTheCallIsOver(t *testing.T) {
	play(t, `
		sip.on("INVITE", function(req)
			if not req:limit("user:alice", 1) then return req:reply(486) end
			assert(req:limit("user:alice", 1), "once is enough for a call")
			assert(sip.count("user:alice") == 1)
			req:proxy("sip:bob@192.0.2.20")
		end)
		sip.on("MESSAGE", function(req) req:reply(200, nil, { body = tostring(sip.count("user:alice")), content_type = "text/plain" }) end)`, Options{},
		func(t *testing.T, s *siptest.Scene, srv *Server) {
			a, b := alice(s), bob(s)
			up := func() string {
				a.Request(sip.MESSAGE, "sip:192.0.2.1")
				return string(a.Expect("200", soon).Body())
			}
			for range 2 {
				caller, _ := talk(t, a, b)
				a.Request(sip.INVITE, "sip:bob@192.0.2.1")
				a.ACK(a.Expect("486", soon))
				if n := up(); n != "1" {
					t.Errorf("%s calls up during the call, want 1", n)
				}
				bye(t, caller, a, b)
				if n := up(); n != "0" {
					t.Errorf("%s calls up after the BYE, want 0", n)
				}
			}
			a.Request(sip.INVITE, "sip:bob@192.0.2.1")
			refuse(b, b.Expect(sip.INVITE, soon), 404)
			a.ACK(a.Expect("404", soon))
			if n := up(); n != "0" || srv.Engine.Counts.Up("user:alice") != 0 {
				t.Errorf("%s calls up after one that failed, want 0", n)
			}
		})
}

// A call that lasts too long is ended towards both sides, as each would expect it from the other.
func TestMaxDurationEndsBothSides(t *testing.T) {
	play(t, proxyTo(`"sip:bob@192.0.2.20"`, `{ max_duration = 60 }`)+logEnd, Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
		a, b := alice(s), bob(s)
		caller, callee := talk(t, a, b)
		caller.Request(sip.INFO)
		b.Reply(b.Expect(sip.INFO, soon), 200)
		a.Expect("200", soon)
		callee.CSeq = 40
		callee.Request(sip.INFO)
		a.Reply(a.Expect(sip.INFO, soon), 200)
		b.Expect("200", soon)

		toAlice, toBob := a.Expect(sip.BYE, 61*time.Second), b.Expect(sip.BYE, soon)
		for _, got := range []struct {
			who  string
			m    *sip.Message
			peer *siptest.Dialog
			mine *siptest.Dialog
			cseq uint32
			uri  string
		}{
			{"alice", toAlice, callee, caller, 42, a.Contact()}, {"bob", toBob, caller, callee, caller.CSeq + 1, b.Contact()},
		} {
			cseq, err := got.m.CSeq()
			if err != nil || cseq.Number != got.cseq {
				t.Errorf("%s: CSeq %v, want %d", got.who, cseq, got.cseq)
			}
			if f, to := header(got.m, "From"), header(got.m, "To"); f != got.mine.Remote || to != got.mine.Local {
				t.Errorf("%s: From %s To %s, want %s and %s", got.who, f, to, got.mine.Remote, got.mine.Local)
			}
			if got.m.URIText() != got.uri || got.m.Has(sip.Route) {
				t.Errorf("%s: got\n%v", got.who, got.m)
			}
		}
		a.Reply(toAlice, 200)
		b.Reply(toBob, 200)
		time.Sleep(time.Second)
		wantEnd(t, srv, "by=limit", "cause=answered", "duration=60")
	})
}

// Proxies on both sides have recorded their routes: each BYE goes along its own.
func TestMaxDurationFollowsTheRoutes(t *testing.T) {
	play(t, proxyTo(`"sip:bob@192.0.2.20"`, `{ max_duration = 5 }`), Options{}, func(t *testing.T, s *siptest.Scene, _ *Server) {
		a, b := alice(s), bob(s)
		left, right := s.UA("left", "192.0.2.60:5060", sip.UDP), s.UA("right", "192.0.2.70:5060", sip.UDP)
		a.Request(sip.INVITE, "sip:bob@192.0.2.1", siptest.Header("Record-Route", "<sip:192.0.2.60;lr>"), siptest.Header("Record-Route", "<sip:192.0.2.61;lr>"))
		got := b.Expect(sip.INVITE, soon)
		b.Reply(got, 200, func(m *sip.Message) { m.Prepend("Record-Route", "<sip:192.0.2.70;lr>") })
		a.Dialog(a.Expect("200", soon)).ACK()
		time.Sleep(5 * time.Second)
		toLeft, toRight := left.Expect(sip.BYE, soon), right.Expect(sip.BYE, soon)
		if r := list(toLeft, sip.Route); len(r) != 2 || r[0] != "<sip:192.0.2.60;lr>" || r[1] != "<sip:192.0.2.61;lr>" {
			t.Errorf("Route to the caller %q", r)
		}
		if r := list(toRight, sip.Route); len(r) != 1 || r[0] != "<sip:192.0.2.70;lr>" || toRight.URIText() != b.Contact() {
			t.Errorf("Route to the callee %q, URI %s", r, toRight.URIText())
		}
		left.Reply(toLeft, 200)
		right.Reply(toRight, 200)
	})
}

// A phone on a connection is reached over it alone.
func TestMaxDurationReachesTheCallersConnection(t *testing.T) {
	play(t, proxyTo(`"sip:bob@192.0.2.20"`, `{ max_duration = 5 }`), Options{}, func(t *testing.T, s *siptest.Scene, _ *Server) {
		a, b := s.UA("alice", "192.0.2.10:5060", sip.TCP), bob(s)
		a.Request(sip.INVITE, "sip:bob@192.0.2.1", siptest.Set("Contact", "<sip:alice@10.0.0.1:9;transport=tcp>"))
		b.Reply(b.Expect(sip.INVITE, soon), 200)
		a.Dialog(a.Expect("200", soon)).ACK()
		b.Expect(sip.ACK, soon)
		a.Reply(a.Expect(sip.BYE, 6*time.Second), 200)
		b.Reply(b.Expect(sip.BYE, soon), 200)
	})
}

// A request that comes round makes two calls of one dialog, and its BYE ends both.
func TestSpiralHasTwoEnds(t *testing.T) {
	play(t, `sip.on("INVITE", function(req)
			req.vars.account = req.uri.user
			if req.uri.user == "bob" then req:proxy("sip:mobile@192.0.2.1") else req:proxy("sip:bob@192.0.2.20", { max_duration = 100 }) end
		end)`+logEnd, Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
		a, b := alice(s), bob(s)
		caller, _ := talk(t, a, b)
		bye(t, caller, a, b)
		time.Sleep(soon)
		if endsTold(srv, "account=bob", "by=caller") != 1 || endsTold(srv, "account=mobile", "by=caller") != 1 {
			t.Errorf("want one end each:\n%s", srv.Log)
		}
	})
}

// sheet is a file of records in memory.
type sheet struct {
	mu   sync.Mutex
	text strings.Builder
	full bool
}

func (f *sheet) open(string) (io.WriteCloser, error) { return f, nil }
func (f *sheet) Close() error                        { return nil }
func (f *sheet) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.full {
		return 0, errors.New("no space left on device")
	}
	return f.text.Write(p)
}

func (f *sheet) lines(t *testing.T) (all []map[string]any) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	for line := range strings.Lines(f.text.String()) {
		var l map[string]any
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		all = append(all, l)
	}
	return all
}

// recorded is a server with a file of records.
var recorded = engine.Config{CDR: engine.CDR{File: "cdr"}}

// Each call has its line, though the script knows nothing of records; a full disk costs neither a call nor a record.
func TestEachCallHasItsLine(t *testing.T) {
	file := &sheet{}
	play(t, proxyTo(`"sip:bob@192.0.2.20"`), Options{Engine: recorded, Append: file.open},
		func(t *testing.T, s *siptest.Scene, srv *Server) {
			a, b := alice(s), bob(s)
			caller, _ := talk(t, a, b)
			time.Sleep(2 * time.Second)
			bye(t, caller, a, b)
			a.Request(sip.INVITE, "sip:bob@192.0.2.1")
			refuse(b, b.Expect(sip.INVITE, soon), 486)
			a.ACK(a.Expect("486", soon))
			time.Sleep(soon)
			lines := file.lines(t)
			if len(lines) != 2 {
				t.Fatalf("%d lines, want 2: %v", len(lines), lines)
			}
			for key, want := range map[string]any{"call_id": caller.CallID, "code": 200.0, "cause": "answered", "ended_by": "caller", "from": "sip:alice@192.0.2.1"} {
				if lines[0][key] != want {
					t.Errorf("%s is %v, want %v", key, lines[0][key], want)
				}
			}
			if lines[1]["code"] != 486.0 || lines[1]["cause"] != "busy" || lines[1]["duration"] != 0.0 {
				t.Errorf("second line %v", lines[1])
			}
			file.mu.Lock()
			file.full = true
			file.mu.Unlock()
			caller, _ = talk(t, a, b)
			bye(t, caller, a, b)
			time.Sleep(soon)
			if log := srv.Log.String(); !strings.Contains(log, "level=ERROR msg=\"call records cannot be written") || !strings.Contains(log, caller.CallID+`\",`) {
				t.Errorf("the record is not in the log:\n%s", log)
			}
		})
}

// The script of the guide: two calls at a time, a gateway with a password, and a line for each call.
func TestGuideWhatStaysWithACall(t *testing.T) {
	guide(t, "sip.on_end", "", func(t *testing.T, s *siptest.Scene, srv *Server, a *siptest.UA) {
		gw := s.UA("gateway", "192.0.2.21:5060", sip.UDP)
		for _, want := range []int{200, 200, 486} {
			invite := a.Request(sip.INVITE, "sip:+49301@example.com")
			if want == 200 {
				challenge(gw, gw.Expect(sip.INVITE, soon), 407, gateway)
				got := gw.Expect(sip.INVITE, soon)
				proven(t, got, "Proxy-Authorization", "n1", 1)
				if from := header(got, "From"); !strings.HasPrefix(from, `"Office" <sip:+4930123456@`) {
					t.Errorf("the gateway sees %s", from)
				}
				gw.Reply(got, 200)
			}
			if r := a.Final(invite); r.Status() != want {
				t.Errorf("%d, want %d", r.Status(), want)
			} else if want == 200 {
				a.Dialog(r).ACK()
				gw.Expect(sip.ACK, soon)
			}
		}
		time.Sleep(4*time.Hour + time.Second)
		for range 2 {
			gw.Reply(gw.Expect(sip.BYE, soon), 200)
		}
		time.Sleep(time.Second)
		if n := strings.Count(srv.Log.String(), " account=4711 by=limit cause=answered seconds=14400"); n != 2 {
			t.Errorf("%d calls of four hours in the log, want 2:\n%s", n, srv.Log)
		}
	})
}

// What nobody asks about is not tracked.
func TestOtherCallsAreNotTracked(t *testing.T) {
	play(t, proxyTo(`"sip:bob@192.0.2.20"`), Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
		a, b := alice(s), bob(s)
		talk(t, a, b)
		if n := srv.Engine.Tracked(); n != 0 {
			t.Errorf("%d calls tracked, want none", n)
		}
	})
}
