package scenario

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

// overseen is a script that proxies calls to bob and runs body for each MESSAGE, with the oldest call as c.
func overseen(body string) string {
	return logEnd + fmt.Sprintf(`
	sip.on("INVITE", function(req)
		req.vars.account = req.from.uri.user
		local result = req:proxy("sip:bob@192.0.2.20")
		if result.code >= 300 then log.info("ended " .. result.cause) req:reply(result) log.info("not reached") end
	end)
	sip.on("MESSAGE", function(req)
		local c = sip.calls()[1]
		%s
		req:reply(200)
	end)`, body)
}

// oversee runs it, and gives f what makes the body run.
func oversee(t *testing.T, body string, f func(t *testing.T, a, b *siptest.UA, srv *Server, look func())) {
	play(t, overseen(body), Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
		boss := s.UA("boss", "192.0.2.90:5060", sip.UDP)
		f(t, alice(s), bob(s), srv, func() {
			t.Helper()
			if got := boss.Final(boss.Request(sip.MESSAGE, "sip:x@192.0.2.1")); got.Status() != 200 {
				t.Errorf("MESSAGE got %d\n%s", got.Status(), srv.Log)
			}
		})
	})
}

// said are the messages of level info that the script has logged, but for those of ends.
func (s *Server) said() string {
	synctest.Wait()
	var all []string
	for line := range strings.Lines(s.Log.String()) {
		if _, rest, ok := strings.Cut(line, "msg="); ok && strings.Contains(line, " at=main.lua:") && strings.Contains(line, "level=INFO") && !strings.HasPrefix(rest, "end ") {
			all = append(all, strings.Trim(rest[:strings.Index(rest, " at=main.lua:")], `"`))
		}
	}
	return strings.Join(all, "; ")
}

func (s *Server) wantSaid(t *testing.T, want string) {
	t.Helper()
	if got := s.said(); got != want {
		t.Errorf("the script said  %q\nwant             %q", got, want)
	}
}

func TestProxiedCallIsAmongTheCalls(t *testing.T) {
	oversee(t, `
		if not c then log.info("none") return req:reply(200) end
		log.info(string.format("%s %s %s %s %s %s %d %s", c.state, c.direction, tostring(c.proxied), c.from.user, c.to.user, c.source, c.duration, c.vars.account))
		log.info(#sip.calls { state = c.state } .. #sip.calls { user = "bob" } .. #sip.calls { user = "carol" } .. #sip.calls { vars = { account = "alice" } } .. #sip.calls { vars = { account = "x" } })
		local again = sip.call(c.id)
		log.info(again and again.id == c.id and again.call_id == c.call_id and tostring(again.peer) or "lost")`,
		func(t *testing.T, a, b *siptest.UA, srv *Server, look func()) {
			look()
			a.Request(sip.INVITE, "sip:bob@192.0.2.1")
			got := b.Expect(sip.INVITE, soon)
			b.Reply(got, 180)
			a.Expect("180", soon)
			look()
			b.Reply(got, 200)
			caller := a.Dialog(a.Expect("200", soon))
			caller.ACK()
			b.Expect(sip.ACK, soon)
			time.Sleep(5 * time.Second)
			look()
			bye(t, caller, a, b)
			look()
			srv.wantSaid(t, "none; unanswered in true alice bob udp:192.0.2.10:5060 0 alice; 11010; nil; answered in true alice bob udp:192.0.2.10:5060 5 alice; 11010; nil; none")
		})
}

func TestProxiedCallIsHungUpFromElsewhere(t *testing.T) {
	oversee(t, `log.info(tostring(c:hangup()))`, func(t *testing.T, a, b *siptest.UA, srv *Server, look func()) {
		talk(t, a, b)
		look()
		a.Reply(a.Expect(sip.BYE, soon), 200)
		b.Reply(b.Expect(sip.BYE, soon), 200)
		time.Sleep(time.Second)
		wantEnd(t, srv, "cause=answered", "by=server", "account=alice")
		srv.wantSaid(t, "true")
	})
}

// An unanswered caller is refused, whom it rings at gets CANCEL, and the handler goes the way of one whose caller has gone.
func TestProxiedCallThatRingsIsHungUpFromElsewhere(t *testing.T) {
	for _, tt := range []struct{ cause, code, word string }{{"", "480", "unavailable"}, {`"busy"`, "486", "busy"}, {"603", "603", "rejected"}} {
		t.Run(tt.code, func(t *testing.T) {
			oversee(t, fmt.Sprintf(`log.info(tostring(c:hangup(%s)))`, tt.cause), func(t *testing.T, a, b *siptest.UA, srv *Server, look func()) {
				a.Request(sip.INVITE, "sip:bob@192.0.2.1")
				got := b.Expect(sip.INVITE, soon)
				b.Reply(got, 180)
				a.Expect("180", soon)
				look()
				a.ACK(a.Expect(tt.code, soon))
				b.Reply(b.Expect(sip.CANCEL, soon), 200)
				refuse(b, got, 487)
				time.Sleep(time.Second)
				a.ExpectNone(time.Second)
				wantEnd(t, srv, "cause="+tt.word, "code="+tt.code, "by=server")
				srv.wantSaid(t, "true; ended canceled")
			})
		})
	}
}

// A 2xx that is on its way when the call is hung up makes a call that nobody wants: ACK and BYE.
func TestProxiedCallThatIsAnsweredWhileItIsHungUp(t *testing.T) {
	oversee(t, `c:hangup()`, func(t *testing.T, a, b *siptest.UA, srv *Server, look func()) {
		a.Request(sip.INVITE, "sip:bob@192.0.2.1")
		got := b.Expect(sip.INVITE, soon)
		b.Reply(got, 180)
		a.Expect("180", soon)
		look()
		a.ACK(a.Expect("480", soon))
		b.Reply(b.Expect(sip.CANCEL, soon), 200)
		b.Reply(got, 200)
		b.Expect(sip.ACK, soon)
		b.Reply(b.Expect(sip.BYE, soon), 200)
		time.Sleep(time.Second)
		wantEnd(t, srv, "code=480", "by=server")
	})
}

func TestWhatCannotBeDoneWithAProxiedCallIsReturned(t *testing.T) {
	oversee(t, `
		local function why(...) local ok, err = ... return tostring(ok) .. " " .. err.cause end
		log.info(why(c:transfer("sip:carol@192.0.2.30")))
		log.info(why(c:send("app.x", 1)))
		log.info(why(c:play("tone:440/500;once")))
		log.info(tostring(c:hangup()))
		log.info(why(c:hangup()))
		log.info(tostring(sip.call(c.id)))
		log.info(tostring(sip.call("aa1234567890123")) .. tostring(sip.call("x")))`,
		func(t *testing.T, a, b *siptest.UA, srv *Server, look func()) {
			talk(t, a, b)
			look()
			a.Reply(a.Expect(sip.BYE, soon), 200)
			b.Reply(b.Expect(sip.BYE, soon), 200)
			srv.wantSaid(t, "nil proxied; nil proxied; nil proxied; true; nil gone; nil; nilnil")
		})
}

// An INVITE with Replaces names a call, on whichever shard that is: one that ends here, or one that was proxied.
func TestCallThatARequestWantsToReplace(t *testing.T) {
	const script = `sip.on("INVITE", function(req)
		if req.uri.user == "other" then
			local c = req.replaces
			log.info(c and c.from.user .. " " .. tostring(c.proxied) .. " " .. c.state or "none")
			return req:reply(480)
		end
		if req.uri.user == "here" then return req:answer():wait("hangup") end
		req.vars.x = 1
		req:proxy("sip:bob@192.0.2.20")
	end)`
	play(t, script, Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
		a, b, c := alice(s), bob(s), carol(s)
		ask := func(value string) {
			t.Helper()
			c.Request(sip.INVITE, "sip:other@192.0.2.1", siptest.Header("Replaces", value))
			c.ACK(c.Expect("480", soon))
		}
		for range 8 { // over the shards by chance
			talk(t, a, b)
		}
		sent := a.Request(sip.INVITE, "sip:bob@192.0.2.1")
		got := b.Expect(sip.INVITE, soon)
		b.Reply(got, 200)
		ok := a.Expect("200", soon)
		a.Dialog(ok).ACK()
		b.Expect(sip.ACK, soon)
		ask(fmt.Sprintf("%s;to-tag=%s;from-tag=%s", sent.CallID(), ok.ToTag(), sent.FromTag())) // to the callee
		ask(fmt.Sprintf("%s;to-tag=%s;from-tag=%s", sent.CallID(), sent.FromTag(), ok.ToTag())) // to the caller
		ask(fmt.Sprintf("%s;to-tag=%s;from-tag=x", sent.CallID(), ok.ToTag()))
		ask("broken")
		sent = a.Request(sip.INVITE, "sip:here@192.0.2.1", siptest.SDP(a.Addr().Addr()))
		ok = a.Expect("200", soon)
		a.Dialog(ok).ACK()
		time.Sleep(time.Second)
		ask(fmt.Sprintf("%s;to-tag=%s;from-tag=%s", sent.CallID(), ok.ToTag(), sent.FromTag()))
		srv.wantSaid(t, "alice true answered; alice true answered; none; none; alice false answered")
	})
}

// What is heard of a call is there for whoever looks at it from elsewhere, too.
func TestMediaOfACallOfSomebodyElse(t *testing.T) {
	for name, tt := range map[string]struct{ route, want string }{
		"proxied": {`req:proxy("sip:bob@192.0.2.20", { media = "relay" })`, "in 2 0 nil"},
		"b2bua":   {`req:b2bua("sip:bob@192.0.2.20")`, "in 2 0 PCMU; out 2 0 PCMU"},
	} {
		t.Run(name, func(t *testing.T) {
			relayed(t, `
				sip.on("INVITE", function(req) `+tt.route+` end)
				sip.on("MESSAGE", function(req)
					req:reply(200)
					local calls = sip.calls()
					table.sort(calls, function(a, b) return a.direction < b.direction end)
					for _, c in ipairs(calls) do log.info(string.format("%s %d %d %s", c.direction, c.media.packets, c.media.loss, tostring(c.codec))) end
				end)`, func(v *voices) {
				v.call()
				v.hear()
				boss := v.s.UA("boss", "192.0.2.90:5060", sip.UDP)
				boss.Final(boss.Request(sip.MESSAGE, "sip:x@192.0.2.1"))
				time.Sleep(time.Second)
				v.srv.wantSaid(v.t, tt.want)
			})
		})
	}
}
