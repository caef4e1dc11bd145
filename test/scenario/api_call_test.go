package scenario

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

// inCall is a script whose calls are answered before this body runs. bob is dialed as leg.
func inCall(body string) string {
	return fmt.Sprintf(`
sip.on("INVITE", function(req)
	local call = req:answer()
	%s
end)`, body)
}

// digits sends digits as a phone does in INFO.
func (s *stage) digits(u *siptest.UA, d *siptest.Dialog, digits string) {
	s.t.Helper()
	for i := range len(digits) {
		d.Request(sip.INFO, siptest.Body("application/dtmf-relay", "Signal="+digits[i:i+1]+"\r\nDuration=160\r\n"))
		u.Expect("200 INFO", time.Second)
	}
}

func TestCallEvents(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, body, said string
		act              func(s *stage, d *siptest.Dialog)
	}{
		{"digits", `log.info(call:wait("dtmf").digit) sleep(3) log.info(call:wait("dtmf").digit .. call:wait("dtmf", 1).digit) log.info(select(2, call:wait("dtmf", 1)).cause)`,
			"1; 23; timeout", func(s *stage, d *siptest.Dialog) { s.digits(s.alice, d, "123") }},
		{"one of several", `local e = call:wait { "app.x", "dtmf" } log.info(e.name)`, "dtmf", func(s *stage, d *siptest.Dialog) { s.digits(s.alice, d, "1") }},
		{"handlers, one after the other", `call:on("dtmf", function(e) log.info("on " .. e.digit) sleep(1) log.info("off " .. e.digit) end) sleep(5)`,
			"on 1; off 1; on 2; off 2", func(s *stage, d *siptest.Dialog) { s.digits(s.alice, d, "12") }},
		{"a wait comes before a handler", `call:on("dtmf", function(e) log.info("on " .. e.digit) end) log.info(call:wait("dtmf").digit) call:wait("dtmf", 1) call:on("dtmf") sleep(1)`,
			"1", func(s *stage, d *siptest.Dialog) { s.digits(s.alice, d, "12") }},
		{"typed ahead for a handler", `sleep(2) call:on("dtmf", function(e) log.info(e.digit) end) sleep(1)`, "1; 2", func(s *stage, d *siptest.Dialog) { s.digits(s.alice, d, "12") }},
		{"info and message", `local e = call:wait("info") log.info(e.content_type .. " " .. e.data) e = call:wait("message") log.info(e.data)`, "application/x hello; world",
			func(s *stage, d *siptest.Dialog) {
				d.Request(sip.INFO, siptest.Body("application/x", "hello"))
				s.alice.Expect("200 INFO", time.Second)
				d.Request(sip.MESSAGE, siptest.Body("text/plain", "world"))
				s.alice.Expect("200 MESSAGE", time.Second)
			}},
		{"hold", `log.info(call:wait("hold", 5).name) log.info(call:wait("unhold", 5).name) sleep(1)`, "hold; unhold", func(s *stage, d *siptest.Dialog) {
			for _, direction := range []string{"sendonly", "sendrecv"} {
				d.ReINVITE(siptest.Body("application/sdp", "v=0\r\no=- 1 2 IN IP4 192.0.2.10\r\ns=-\r\nc=IN IP4 192.0.2.10\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\na="+direction+"\r\n"))
				d.Accepted(s.alice.Expect("200 INVITE", time.Second)).ACK()
				time.Sleep(time.Second)
			}
		}},
		{"the script's own", `task.spawn(function() sleep(1) call:send("app.x", { a = { 1, "b" } }) end) local e = call:wait("app.x") log.info(e.data.a[1] .. e.data.a[2])`, "1b", nil},
		{"the script's own, kept", `call:send("app.x", 1) call:send("app.y") sleep(1) log.info(call:wait("app.y").name .. call:wait("app.x").data)`, "app.y1", nil},
		{"an error in a handler of events", `call:on("app.x", function() error("boom") end) call:send("app.x") log.info(select(2, pcall(sleep, 5)).cause)`, "script", nil},
	} {
		t.Run(strings.ReplaceAll(tt.name, " ", "_"), func(t *testing.T) {
			perform(t, inCall(tt.body), func(s *stage) {
				obliging(s.alice)
				s.call()
				d := s.answered()
				time.Sleep(500 * time.Millisecond)
				if tt.act != nil {
					tt.act(s, d)
				}
				time.Sleep(10 * time.Second)
				s.wantSaid(tt.said)
			})
		})
	}
}

func TestCallKeysAndStop(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, options, digits, said string
		callee                      bool
	}{
		{"a key", `{ keys = { ["*1"] = function(c) log.info("pressed " .. c.direction) end } }`, "*1", "pressed in; caller", false},
		{"a key of the callee", `{ keys = { ["*1"] = function(c) log.info("pressed " .. c.direction) end } }`, "*1", "pressed out; caller", true},
		{"after other digits", `{ keys = { ["*1"] = function() log.info("pressed") end } }`, "4**1", "pressed; caller", false},
		{"the longer one", `{ keys = { ["1"] = function() log.info("short") end, ["12"] = function() log.info("long") end } }`, "12", "long; caller", false},
		{"the shorter one, after a while", `{ keys = { ["1"] = function() log.info("short") end, ["12"] = function() log.info("long") end } }`, "1", "short; caller", false},
		{"one that ends the conversation", `{ keep_callee = true, keys = { ["#"] = function(c) call:stop() end } }`, "#", "stopped", false},
		{"none", `{ keys = { ["9"] = function() log.info("never") end } }`, "1234", "caller", false},
	} {
		t.Run(strings.ReplaceAll(tt.name, " ", "_"), func(t *testing.T) {
			perform(t, fmt.Sprintf(`sip.on("INVITE", function(req)
	local call = req:accept()
	local leg = call:dial("sip:bob@192.0.2.20")
	log.info(call:bridge(leg, %s).ended_by)
end)`, tt.options), func(s *stage) {
				obliging(s.alice)
				obliging(s.carol)
				s.call()
				invite := s.bob.Expect(sip.INVITE, time.Second)
				s.bob.Reply(invite, 200, siptest.SDP(s.bob.Addr().Addr()))
				s.bob.Expect(sip.ACK, time.Second)
				obliging(s.bob)
				d, b := s.answered(), s.bob.Dialog(invite)
				time.Sleep(time.Second)
				if tt.callee {
					s.digits(s.bob, b, tt.digits)
				} else {
					s.digits(s.alice, d, tt.digits)
				}
				time.Sleep(5 * time.Second)
				if !strings.Contains(tt.said, "stopped") {
					d.BYE()
				}
				time.Sleep(time.Second)
				s.wantSaid(tt.said)
			})
		})
	}
}

func TestCallTellsItsPeer(t *testing.T) {
	perform(t, inCall(`
	log.info(tostring(call:hold()))
	log.info(tostring(call:unhold()))
	log.info(tostring(call:message("hello")))
	log.info(tostring(call:send_info { body = "x", content_type = "application/x" }))
	log.info(tostring(call:send_dtmf("1#")))
	log.info(tostring(call:transfer("sip:carol@192.0.2.30")))
	local ok, err = call:message("again")
	log.info(err.cause .. " " .. err.code)`), func(s *stage) {
		refused := false
		got := did{}
		s.alice.Handle(func(m *sip.Message) {
			if m.Method() == sip.ACK {
				return
			}
			got.add(m.Method())
			switch m.Method() {
			case sip.INVITE:
				s.alice.Reply(m, 200, siptest.SDP(s.alice.Addr().Addr()))
			case sip.REFER:
				s.alice.Reply(m, 202)
				refused = true
			case sip.MESSAGE:
				if refused {
					s.alice.Reply(m, 486)
					return
				}
				s.alice.Reply(m, 200)
			default:
				s.alice.Reply(m, 200)
			}
		})
		s.call()
		d := s.answered()
		time.Sleep(2 * time.Second)
		d.Request(sip.NOTIFY, siptest.Header("Event", "refer"), siptest.Header("Subscription-State", "terminated;reason=noresource"),
			siptest.Body("message/sipfrag", "SIP/2.0 200 OK\r\n"))
		s.alice.Expect("200 NOTIFY", time.Second)
		time.Sleep(5 * time.Second)
		s.wantSaid("true; true; true; true; true; true; busy 486")
		if all := got.String(); all != "INVITE INVITE MESSAGE INFO INFO INFO REFER MESSAGE BYE" {
			s.t.Errorf("alice got %s", all)
		}
	})
}

func TestHandlesOfCallsOnAnyShard(t *testing.T) {
	perform(t, `
sip.on("INVITE", function(req)
	req.vars.queue = "sales"
	local call = req:answer()
	req = nil
	kv.set("id", call.id)
	local e = call:wait { "app.hello", "hangup" }
	log.info(e.name .. " " .. tostring(e.data))
	sleep(60)
end)
sip.on("MESSAGE", function(req)
	local function count(filter) return #sip.calls(filter) end
	log.info(count() .. count { user = "alice" } .. count { user = "nobody" } .. count { state = "answered" } .. count { state = "bridged" } ..
		count { vars = { queue = "sales" } } .. count { vars = { queue = "x" } })
	local h = sip.call(kv.get("id"))
	log.info(h.state .. " " .. h.direction .. " " .. h.from.user)
	log.info(tostring(h:send("app.hello", "there")))
	sleep(1)
	log.info(tostring(h:hangup()))
	sleep(1)
	local ok, err = h:send("app.hello")
	log.info(tostring(ok) .. " " .. err.cause .. " " .. tostring(sip.call(kv.get("id"))) .. " " .. tostring(sip.call("x")))
	req:reply(200)
end)`, func(s *stage) {
		obliging(s.alice)
		s.call()
		s.answered()
		time.Sleep(time.Second)
		s.carol.Final(s.carol.Request(sip.MESSAGE, "sip:x@192.0.2.1"))
		time.Sleep(time.Second)
		s.wantSaid("1101010; answered in alice; app.hello there; true; true; nil gone nil nil")
	})
}

func TestOriginate(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, body, said, bob string }{
		{"a call of the handler's own", `local call = sip.originate("sip:bob@192.0.2.20", { from = "sip:boss@example.org" }) log.info(call.state .. " " .. call.direction) sleep(1)`,
			"answered out", "INVITE BYE"},
		{"one with a handler", `local call = sip.originate("sip:bob@192.0.2.20", function(call) log.info("handler " .. call.state) sleep(2) log.info("end") end) log.info(call.direction) sleep(1) log.info("over")`,
			"out; handler answered; over; end", "INVITE BYE"},
		{"a refusal", `local call, result = sip.originate("sip:carol@192.0.2.30") log.info(tostring(call) .. " " .. result.cause)`, "nil busy", ""},
		{"given up", `local key = task.any { function() return sip.originate("sip:bob@192.0.2.20;ring") end, function() sleep(1) return true end } log.info(key)`, "2", "INVITE CANCEL"},
		{"nobody", `local call, result = sip.originate({}) log.info(result.cause)`, "unavailable", ""},
	} {
		t.Run(strings.ReplaceAll(tt.name, " ", "_"), func(t *testing.T) {
			perform(t, `sip.on("MESSAGE", function(req) req:reply(202) `+tt.body+` end)`, func(s *stage) {
				var bob did
				s.bob.Handle(func(m *sip.Message) {
					switch {
					case m.Method() == sip.ACK:
						return
					case strings.Contains(m.URIText(), "ring") && m.Method() == sip.INVITE:
						s.bob.Reply(m, 180)
					default:
						s.bob.Reply(m, 200, siptest.SDP(s.bob.Addr().Addr()))
					}
					bob.add(m.Method())
				})
				s.carol.AutoReply(486)
				s.alice.Final(s.alice.Request(sip.MESSAGE, "sip:x@192.0.2.1"))
				time.Sleep(10 * time.Second)
				s.wantSaid(tt.said)
				if got := bob.String(); got != tt.bob {
					s.t.Errorf("bob got %q, want %q", got, tt.bob)
				}
			})
		})
	}
}

func TestWrongUseOfCallsRaises(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`call:brigde()`:                            "call: unknown field 'brigde' (did you mean 'bridge'?)",
		`call:bridge(1)`:                           "call:bridge: bad argument #1 (call expected, got number)",
		`call:bridge(call)`:                        "call:bridge: bad argument #1 (a call cannot be bridged with itself)",
		`call:dial()`:                              "call:dial: bad argument #1 (target expected (a URI, a contact, {uri = …} or a list of them), got nil)",
		`call:dial("sip:x@y", { timout = 1 })`:     "call:dial: bad argument #2 (unknown option 'timout' (did you mean 'timeout'?))",
		`call:dial("sip:x@y", { media = "rely" })`: "call:dial: bad argument #2 (option 'media': unknown value 'rely' (did you mean 'relay'?))",
		`call:wait("dmtf")`:                        "call:wait: bad argument #1 (unknown event 'dmtf' (did you mean 'dtmf'?))",
		`call:wait({})`:                            "call:wait: bad argument #1 (name of an event expected, got an empty list)",
		`call:on("app.", print)`:                   "call:on: bad argument #1 (unknown event 'app.' (known: dtmf, hangup, hold, unhold, info, message, transfer, media_timeout))",
		`call:send("dtmf")`:                        "call:send: bad argument #1 ('dtmf' is no event of the script's own; their names begin with app.)",
		`call:hangup("bussy")`:                     "call:hangup: bad argument #1 (unknown cause 'bussy' (did you mean 'busy'?))",
		`call:hangup(200)`:                         "call:hangup: bad argument #1 (a call is refused with 300 to 699, got 200)",
		`call:send_dtmf("12x")`:                    `call:send_dtmf: bad argument #1 (digits of 0123456789*#ABCD and w expected, got "12X")`,
		`call:transfer_to(call)`:                   "call:transfer_to: bad argument #1 (a call cannot be transferred to itself)",
		`req:accept()`:                             "request:accept: the request has been taken as a call already",
		`sip.calls { stat = 1 }`:                   "sip.calls: bad argument #1 (unknown option 'stat' (did you mean 'state'?))",
		`call.state = "over"`:                      "call: field 'state' cannot be written",
	} {
		t.Run(strings.NewReplacer(" ", "_", "/", "").Replace(body), func(t *testing.T) {
			perform(t, inCall(`log.info((select(2, pcall(function() `+body+` end)):gsub("^main.lua:%d+: ", "")))`), func(s *stage) {
				obliging(s.alice)
				s.call()
				s.answered()
				time.Sleep(2 * time.Second)
				if got := strings.ReplaceAll(s.said(), `\"`, `"`); got != want {
					s.t.Errorf("got  %s\nwant %s", got, want)
				}
			})
		})
	}
}

// A version that is retired by force leaves conversations to the engine, and ends all other calls.
func TestRetiredVersionLeavesConversations(t *testing.T) {
	perform(t, `sip.on("INVITE", function(req)
	local call = req:accept()
	if req.uri.user == "bob" then
		local leg = call:dial("sip:bob@192.0.2.20")
		log.info(select(2, pcall(call.bridge, call, leg)).cause)
	else
		call:answer()
		log.info(select(2, pcall(sleep, 86400)).cause)
	end
end)`, func(s *stage) {
		alice, carol := obliging(s.alice), obliging(s.carol)
		bob := obliging(s.bob)
		s.call()
		d := s.answered()
		s.carol.Request(sip.INVITE, "sip:other@192.0.2.1", siptest.SDP(s.carol.Addr().Addr()))
		s.carol.Dialog(s.carol.Expect("200 INVITE", time.Second)).ACK()
		if err := s.Change(`sip.on("INVITE", function(req) req:reply(480) end)`); err != nil {
			s.t.Fatal(err)
		}
		time.Sleep(time.Hour + time.Minute)
		s.wantSaid("retired; retired")
		if alice.String() != "" || bob.String() != "INVITE" || carol.String() != "BYE" {
			s.t.Errorf("alice got %q, bob %q, carol %q", alice, bob, carol)
		}
		d.BYE()
		s.alice.Expect("200 BYE", time.Second)
		time.Sleep(time.Second)
		if bob.String() != "INVITE BYE" {
			s.t.Errorf("bob got %q in the end", bob)
		}
	})
}
