package scenario

import (
	"testing"
	"time"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

const tellsEnds = `
	sip.on_end(function(cdr) log.info("end", { cause = cdr.cause, code = cdr.code, by = cdr.ended_by or "nobody", dialogs = #cdr.call_ids,
		from = tostring(cdr.from), to = tostring(cdr.to), target = cdr.target or "none", seconds = string.format("%.1f", cdr.duration) }) end)
	`

// A call that this server has made by itself is told of once, however it ends.
func TestOriginatedCallHasARecord(t *testing.T) {
	t.Parallel()
	const call = `sip.on("MESSAGE", function(req) req:reply(202) local call = sip.originate("sip:bob@192.0.2.20", { from = "sip:boss@example.org" }) sleep(5) end)`
	answers := func(s *stage) *siptest.Dialog {
		invite := s.bob.Expect(sip.INVITE, time.Second)
		s.bob.Reply(invite, 200, siptest.SDP(s.bob.Addr().Addr()))
		s.bob.Expect(sip.ACK, time.Second)
		return s.bob.Dialog(invite)
	}
	for _, tt := range []struct {
		name, script string
		play         func(s *stage)
		want         []string
	}{
		{"hung up by the script", call, func(s *stage) {
			answers(s)
			s.bob.Reply(s.bob.Expect(sip.BYE, 6*time.Second), 200)
		}, []string{"cause=answered", "code=200", "by=server", "dialogs=1", "from=sip:boss@example.org", "to=sip:bob@192.0.2.20", "target=sip:bob@192.0.2.20", "seconds=5.0"}},
		{"hung up by the callee", call, func(s *stage) {
			callee := answers(s)
			time.Sleep(2 * time.Second)
			callee.BYE()
			s.bob.Expect("200 BYE", time.Second)
		}, []string{"cause=answered", "by=callee", "seconds=2.0"}},
		{"refused", call, func(s *stage) {
			refuse(s.bob, s.bob.Expect(sip.INVITE, time.Second), 486)
		}, []string{"cause=busy", "code=486", "by=nobody", "dialogs=1", "target=sip:bob@192.0.2.20", "seconds=0.0"}},
		{"given up", `sip.on("MESSAGE", function(req) req:reply(202) task.any { function() return sip.originate("sip:bob@192.0.2.20") end, function() sleep(1) return true end } end)`,
			func(s *stage) {
				got := s.bob.Expect(sip.INVITE, time.Second)
				s.bob.Reply(got, 180)
				s.bob.Reply(s.bob.Expect(sip.CANCEL, 2*time.Second), 200)
				refuse(s.bob, got, 487)
			}, []string{"cause=canceled", "code=487", "by=server"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			perform(t, tellsEnds+tt.script, func(s *stage) {
				s.alice.Final(s.alice.Request(sip.MESSAGE, "sip:x@192.0.2.1"))
				tt.play(s)
				time.Sleep(10 * time.Second)
				wantEnd(s.t, s.Server, tt.want...)
			})
		})
	}
}

// Whom a caller has left alone with somebody else have a call of their own, which is told of besides the caller's.
func TestPairLeftByATransferHasARecord(t *testing.T) {
	const script = tellsEnds + `
		sip.on_transfer(function(t) return "sip:carol@192.0.2.30" end)
		sip.on("INVITE", function(req) req.vars.account = "7" req:b2bua("sip:bob@192.0.2.20") end)`
	perform(t, script, func(s *stage) {
		alice, bob := s.talk(s.alice, s.bob, "sip:bob@192.0.2.1")
		time.Sleep(2 * time.Second)
		s.refer(s.alice, alice, "<sip:carol@192.0.2.1>")
		invite := s.carol.Expect(sip.INVITE, time.Second)
		s.carol.Reply(invite, 200, siptest.SDP(s.carol.Addr().Addr()))
		s.carol.Expect(sip.ACK, time.Second)
		update := s.bob.Expect(sip.INVITE, time.Second)
		s.bob.Reply(update, 200, siptest.SDP(s.bob.Addr().Addr()))
		s.bob.Expect(sip.ACK, time.Second)
		s.told(s.alice, "SIP/2.0 200 OK")
		s.takes(s.alice, sip.BYE)
		time.Sleep(5 * time.Second)
		bob.BYE()
		s.bob.Expect("200 BYE", time.Second)
		s.takes(s.carol, sip.BYE)
		time.Sleep(time.Second)
		if n := endsTold(s.Server); n != 2 {
			s.t.Errorf("told of %d ends, want the caller's and that of the two whom it left:\n%s", n, s.Log)
		}
		for _, want := range [][]string{
			{"by=transfer", "from=sip:alice@", "target=sip:bob@192.0.2.20"},
			{"cause=answered", "by=caller", "dialogs=2", "from=sip:bob@192.0.2.20", "to=sip:carol@192.0.2.30", "target=sip:carol@192.0.2.30"},
		} {
			if n := endsTold(s.Server, want...); n != 1 {
				s.t.Errorf("told %d times of an end with %q, want once:\n%s", n, want, s.Log)
			}
		}
	})
}

// What a script says of a call that it makes is in the call's record, as with a call that comes: from the beginning, by the call, by one that
// was dialed for it, and in the handler that the call has.
func TestOriginatedCallHasVars(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, body, want string }{
		{"nobody to call", `local call, result = sip.originate({}, { vars = { account = "7", n = 1 } }) log.info(tostring(call) .. result.cause)`, "nilunavailable; end unavailable 480 nil nobody 0 account=7 n=1"},
		{"nobody to call, and nothing said", `sip.originate({})`, "end unavailable 480 nil nobody 0"},
		{"refused", `sip.originate("sip:carol@192.0.2.30", { vars = { account = "7" } })`, "end busy 486 sip:carol@192.0.2.30 nobody 1 account=7"},
		{"answered", `local call = sip.originate("sip:bob@192.0.2.20", { vars = { account = "7" } })
			log.info(call.vars.account, { listed = #sip.calls { vars = { account = "7" } } })
			call.vars.account, call.vars.x = "8", { 1 } call:hangup() sleep(1) log.info(call.vars.account)`, "7; end answered 200 sip:bob@192.0.2.20 server 1 account=8 x=[1]; 8"},
		{"with a handler", `sip.originate("sip:bob@192.0.2.20", { vars = { account = "7" } }, function(call) call.vars.n = call.vars.account .. "!" end)`,
			"end answered 200 sip:bob@192.0.2.20 server 1 account=7 n=7!"},
		{"dialed for it", `local call = sip.originate("sip:bob@192.0.2.20") local leg = call:dial("sip:bob@192.0.2.20") leg.vars.account = "7" log.info(call.vars.account)`,
			"7; end answered 200 sip:bob@192.0.2.20 server 2 account=7"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			perform(t, `
			sip.on_end(function(cdr)
				local vars = ""
				for _, name in ipairs { "account", "n", "x" } do
					local v = cdr.vars[name]
					if v then vars = vars .. " " .. name .. "=" .. (type(v) == "table" and json.encode(v) or v) end
				end
				log.info(string.format("end %s %d %s %s %d%s", cdr.cause, cdr.code, tostring(cdr.target), cdr.ended_by or "nobody", #cdr.call_ids, vars))
			end)
			sip.on("MESSAGE", function(req) req:reply(202) `+tt.body+` end)`, func(s *stage) {
				obliging(s.bob)
				s.carol.Handle(func(m *sip.Message) {
					if m.Method() == sip.INVITE {
						s.carol.Reply(m, 486)
					}
				})
				s.alice.Final(s.alice.Request(sip.MESSAGE, "sip:x@192.0.2.1"))
				time.Sleep(10 * time.Second)
				s.wantSaid(tt.want)
			})
		})
	}
}

func TestVarsOfAnOriginatedCallHaveNames(t *testing.T) {
	raises(t, Options{}, []example{
		{"sip.originate('sip:x@192.0.2.9', { vars = { 1, 2 } })", "sip.originate: vars: names with values expected, got a list", nil},
		{"sip.originate('sip:x@192.0.2.9', { vars = { f = print } })", "sip.originate: vars: string, number, boolean or plain table expected, got function", nil},
	})
}
