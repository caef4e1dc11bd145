package scenario

import (
	"testing"
	"time"

	"github.com/sipscript/sipscript/engine/media"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

// timed is a call through the server whose sides agree on a session interval.
type timed struct {
	a, b           *siptest.UA
	caller, callee *siptest.Dialog
}

// session makes it.
func session(s *siptest.Scene, agreed ...siptest.Option) *timed {
	c := &timed{a: alice(s), b: bob(s)}
	c.a.Request(sip.INVITE, "sip:bob@192.0.2.1", siptest.Header("Supported", "timer"), siptest.SDP(c.a.Addr().Addr()))
	invite := c.b.Expect(sip.INVITE, soon)
	c.b.Reply(invite, 200, append(agreed, siptest.SDP(c.b.Addr().Addr()))...)
	c.caller = c.a.Dialog(c.a.Expect("200", soon))
	c.caller.ACK()
	c.b.Expect(sip.ACK, soon)
	c.callee = c.b.Dialog(invite)
	return c
}

// refresh is an UPDATE of the caller, answered with these fields.
func (c *timed) refresh(from *siptest.Dialog, a, b *siptest.UA, agreed ...siptest.Option) {
	from.Request(sip.UPDATE)
	b.Reply(b.Expect(sip.UPDATE, soon), 200, agreed...)
	a.Expect("200 UPDATE", soon)
}

func every(seconds string) siptest.Option { return siptest.Header("Session-Expires", seconds) }

// B106: a proxy sees by the 2xx that pass how long a session lasts that nobody refreshes. It forgets it then, and sends no BYE
// (RFC 4028 §8.3).
func TestB106ProxiedSessionThatNobodyRefreshesIsOver(t *testing.T) {
	const record = `sip.on("INVITE", function(req) req:proxy("sip:bob@192.0.2.20") end)`
	for _, tt := range []struct {
		name   string
		agreed []siptest.Option
		play   func(s *siptest.Scene, c *timed)
		want   []string // of its end; nil: it goes on
	}{
		{"no refresh", []siptest.Option{every("90;refresher=uac")}, func(*siptest.Scene, *timed) {}, []string{"by=expiry", "cause=answered", "duration=122.00"}},
		{"the last refresh of both sides counts", []siptest.Option{every("90;refresher=uac")}, func(_ *siptest.Scene, c *timed) {
			time.Sleep(80 * time.Second)
			c.refresh(c.caller, c.a, c.b, every("100;refresher=uac"))
			time.Sleep(80 * time.Second)
			c.refresh(c.callee, c.b, c.a, every("100;refresher=uas"))
		}, []string{"by=expiry", "duration=292.0"}},
		{"a refresh that is refused is none", []siptest.Option{every("90")}, func(_ *siptest.Scene, c *timed) {
			time.Sleep(60 * time.Second)
			c.caller.Request(sip.UPDATE)
			c.b.Reply(c.b.Expect(sip.UPDATE, soon), 500, every("1000"))
			c.a.Expect("500", soon)
		}, []string{"by=expiry", "duration=122.00"}},
		{"no interval is too short", []siptest.Option{every("1")}, func(*siptest.Scene, *timed) {}, []string{"by=expiry", "duration=122.00"}},
		{"no interval was agreed on", nil, func(*siptest.Scene, *timed) {}, nil},
		{"given up by a later answer", []siptest.Option{every("90")}, func(_ *siptest.Scene, c *timed) {
			time.Sleep(time.Second)
			c.refresh(c.caller, c.a, c.b)
		}, nil},
		{"longer than any call", []siptest.Option{every("4294967295")}, func(*siptest.Scene, *timed) {}, nil},
		{"unreadable", []siptest.Option{every("soon")}, func(*siptest.Scene, *timed) {}, nil},
		{"hung up before", []siptest.Option{every("90")}, func(_ *siptest.Scene, c *timed) {
			time.Sleep(50 * time.Second)
			c.callee.BYE()
			c.a.Reply(c.a.Expect(sip.BYE, soon), 200)
			c.b.Expect("200 BYE", soon)
		}, []string{"by=callee", "duration=50.0"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			play(t, record+logEnd, Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
				c := session(s, tt.agreed...)
				tt.play(s, c)
				c.a.ExpectNone(400*time.Second, sip.BYE)
				c.b.ExpectNone(0, sip.BYE)
				if tt.want == nil {
					if n := endsTold(srv); n != 0 {
						t.Errorf("told of the end of a call that goes on:\n%s", srv.Log)
					}
					return
				}
				wantEnd(t, srv, tt.want...)
			})
		})
	}
}

// Where the server does more for a call than writing down its end, two sides that ignore their own session must not talk on without that: a
// bound would be none, a number shown to the callee would be lost, and relayed media fall silent.
func TestExpiredSessionOfACallThatIsMoreThanProxiedIsHungUp(t *testing.T) {
	for _, tt := range []struct {
		name, script string
		relay        *media.Config
	}{
		{"max_duration", `req:proxy("sip:bob@192.0.2.20", { max_duration = 3600 })`, nil},
		{"limit", `req:limit("all", 1) req:proxy("sip:bob@192.0.2.20")`, nil},
		{"caller_id", `req:proxy("sip:bob@192.0.2.20", { caller_id = "+4930123" })`, nil},
		{"credentials", `req:proxy("sip:bob@192.0.2.20", { credentials = { username = "x", password = "y" } })`, nil},
		{"relay", `req:proxy("sip:bob@192.0.2.20", { media = "relay" })`, &media.Config{Timeout: time.Hour}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			play(t, `sip.on("INVITE", function(req) `+tt.script+` end)`+logEnd, Options{Relay: tt.relay}, func(t *testing.T, s *siptest.Scene, srv *Server) {
				c := session(s, every("90;refresher=uac"))
				c.a.Reply(c.a.Expect(sip.BYE, 123*time.Second), 200)
				c.b.Reply(c.b.Expect(sip.BYE, time.Second), 200)
				time.Sleep(60 * time.Second)
				wantEnd(t, srv, "by=expiry", "cause=answered", "duration=122.00")
				if n := srv.Engine.Tracked(); n != 0 {
					t.Errorf("%d calls are still followed", n)
				}
			})
		})
	}
}
