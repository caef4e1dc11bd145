package scenario

import (
	"io/fs"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/sipscript/sipscript/engine"
	"github.com/sipscript/sipscript/engine/media"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
	"github.com/sipscript/sipscript/test/listen"
)

// www is another server.
func www(asked *requests, sound string) Pages {
	text := func(status int, body string, header ...string) func(*http.Request, string) *http.Response {
		return func(*http.Request, string) *http.Response { return Page(status, body, header...) }
	}
	return Pages{
		"GET http://www/hello":  text(200, "hello", "Content-Type", "text/plain", "X-A", "1", "X-A", "2"),
		"GET http://www/json":   text(200, `{"n":7,"list":[1,2]}`),
		"GET http://www/none":   text(404, "no"),
		"GET http://www/slow":   after(time.Minute, text(200, "late")),
		"GET http://www/slower": after(5*time.Second, text(200, "late")),
		"GET http://www/large":  text(200, strings.Repeat("x", 10<<20+1)),
		"GET http://www/full":   text(200, strings.Repeat("x", 10<<20)),
		"GET http://www/1":      text(302, "", "Location", "/2"),
		"GET http://www/2":      text(302, "", "Location", "/3"),
		"GET http://www/3":      text(302, "", "Location", "/hello"),
		"GET http://www/0":      text(302, "", "Location", "/1"),
		"GET http://www/file":   text(302, "", "Location", "file:///etc/passwd"),
		"POST http://www/echo": func(r *http.Request, body string) *http.Response {
			return Page(200, r.Header.Get("Content-Type")+" "+r.Header.Get("Authorization")+" "+body)
		},
		"PATCH http://www/echo": func(r *http.Request, body string) *http.Response { return Page(202, r.Method+body) },
		"GET http://www/hello.wav": func(r *http.Request, _ string) *http.Response {
			tag := r.Header.Get("If-None-Match")
			asked.add("hello " + tag)
			if tag == `"1"` {
				return Page(304, "")
			}
			return Page(200, sound, "ETag", `"1"`)
		},
		"GET http://www/text.wav": text(200, "no sound"),
		"GET http://www/slow.wav": after(time.Minute, text(200, sound)),
	}
}

// web has alice call a script that does body with the call and can ask www.
func web(t *testing.T, body string, f func(s *stage, ear *listen.Ear, speak func(), d *siptest.Dialog, asked *requests)) {
	t.Helper()
	t.Parallel()
	siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
		sound, err := fs.ReadFile(prompts(t), "prompts/hello.wav")
		if err != nil {
			t.Fatal(err)
		}
		asked := new(requests)
		srv := Start(t, s, inCall(body), Options{Engine: engine.Config{Shards: 2}, Prompts: prompts(t), Web: www(asked, string(sound)), Relay: &media.Config{Ports: media.Ports{First: 20000, Last: 20099}}})
		st := &stage{Scene: s, Server: srv, t: t}
		t.Cleanup(func() {
			if t.Failed() {
				t.Logf("%s", st.Log)
			}
		})
		st.alice = s.UA("alice", "192.0.2.10:5060", sip.UDP).Reliable()
		ear := listen.New(t, mediaNet{st.alice.Host()}, netip.MustParseAddrPort("192.0.2.10:4000"))
		obliging(st.alice)
		st.alice.Request(sip.INVITE, "sip:ivr@192.0.2.1", siptest.Body("application/sdp", string(ear.Describe(listen.Formats))))
		answer := st.alice.Expect("200 INVITE", time.Minute)
		d := st.alice.Dialog(answer)
		d.ACK()
		server := audioOf(t, answer.Body())
		f(st, ear, func() { ear.Send(server, 0, make([]byte, 160)) }, d, asked)
		st.clean()
	})
}

func TestScriptAsksOtherServers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, body, said string }{
		{"a page", `local r = http.get("http://www/hello") log.info(r.status .. r.body .. r.headers["x-a"] .. r.url)`, "200hello1, 2http://www/hello"},
		{"JSON", `local v = http.get("http://www/json"):json() log.info(v.n .. #v.list)`, "72"},
		{"no JSON", `local v, err = http.get("http://www/hello"):json() log.info(err.cause)`, "invalid"},
		{"a page that is not there", `log.info(http.get("http://www/none").status)`, "404"},
		{"a server that is not there", `local r, err = http.get("http://nowhere/") log.info(err.cause)`, "unreachable"},
		{"a slow one", `local t = time.now() local r, err = http.get("http://www/slow") log.info(err.cause .. math.floor(time.now() - t + 0.5))`, "timeout10"},
		{"with less patience", `local t = time.now() local r, err = http.get("http://www/slow", { timeout = 2 }) log.info(err.cause .. math.floor(time.now() - t + 0.5))`, "timeout2"},
		{"too large", `local r, err = http.get("http://www/large") log.info(err.cause)`, "too_large"},
		{"just not too large", `log.info(#http.get("http://www/full").body)`, "10485760"},
		{"three redirections", `log.info(http.get("http://www/1").url)`, "http://www/hello"},
		{"four", `local r, err = http.get("http://www/0") log.info(err.cause)`, "redirected"},
		{"out of HTTP", `local r, err = http.get("http://www/file") log.info(err.cause)`, "redirected"},
		{"text is posted", `log.info(http.post("http://www/echo", "x=1", { headers = { ["content-type"] = "application/x-www-form-urlencoded", Authorization = "Bearer 7" } }).body)`, "application/x-www-form-urlencoded Bearer 7 x=1"},
		{"a table is posted", `log.info(http.post("http://www/echo", { b = 1, a = { 2 } }).body)`, `application/json  {\"a\":[2],\"b\":1}`},
		{"any request", `local r = http.request { method = "PATCH", url = "http://www/echo", body = "!" } log.info(r.status .. r.body)`, "202PATCH!"},
		{"not of HTTP", `log.info(tostring(select(2, pcall(http.get, "ftp://www/"))):match("http:// or https://"))`, "http:// or https://"},
		{"a broken header field", `log.info(tostring(select(2, pcall(http.get, "http://www/", { headers = { A = "x\r\nB: y" } }))):match("no header field"))`, "no header field"},
	} {
		t.Run(strings.ReplaceAll(tt.name, " ", "_"), func(t *testing.T) {
			web(t, tt.body, func(s *stage, _ *listen.Ear, _ func(), _ *siptest.Dialog, _ *requests) {
				time.Sleep(15 * time.Second)
				s.wantSaid(tt.said)
			})
		})
	}
}

// What was begun elsewhere is known to the script, though its caller has gone meanwhile.
func TestRequestOutlastsTheCaller(t *testing.T) {
	web(t, `local r = http.get("http://www/slower") log.info(r.body) log.info(select(2, pcall(sleep, 1)).cause)`, func(s *stage, _ *listen.Ear, _ func(), d *siptest.Dialog, _ *requests) {
		time.Sleep(time.Second)
		d.Request(sip.BYE)
		s.alice.Expect("200 BYE", time.Second)
		time.Sleep(5 * time.Second)
		s.wantSaid("late; hangup")
	})
}

func TestPromptsOfOtherServers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, body, said, asked string }{
		{"played", `log.info(call:play("http://www/hello.wav").played)`, "2", "hello "},
		{"kept", `for i = 1, 3 do call:play("http://www/hello.wav") end`, "", "hello "},
		{"asked for again after a minute", `for i = 1, 2 do call:play("http://www/hello.wav") sleep(61) end`, "", `hello ; hello "1"`},
		{"with others", `log.info(call:play { "silence:1", "http://www/hello.wav" }.played)`, "3", "hello "},
		{"not there", `local p, err = call:play("http://www/none") log.info(err.cause)`, "not_found", ""},
		{"no server", `local p, err = call:play("http://nowhere/x.wav") log.info(err.cause)`, "unreachable", ""},
		{"no sound", `local p, err = call:play("http://www/text.wav") log.info(err.cause)`, "unreadable", ""},
		{"slow", `local p, err = call:play("http://www/slow.wav") log.info(err.cause)`, "timeout", ""},
		{"no address", `log.info(tostring(select(2, pcall(call.play, call, "http://"))):match("a host expected"))`, "a host expected", ""},
	} {
		t.Run(strings.ReplaceAll(tt.name, " ", "_"), func(t *testing.T) {
			web(t, tt.body, func(s *stage, ear *listen.Ear, speak func(), _ *siptest.Dialog, asked *requests) {
				from := 100 * time.Millisecond
				for range 140 { // so that she counts as being there
					time.Sleep(time.Second)
					speak()
				}
				s.wantSaid(tt.said)
				if got := asked.String(); got != tt.asked {
					s.t.Errorf("asked %q, want %q", got, tt.asked)
				}
				if tt.name == "played" && !ear.Has(from, 1500*time.Millisecond, 500) {
					s.t.Errorf("alice hears %s", ear.Transcript(0))
				}
			})
		})
	}
}
