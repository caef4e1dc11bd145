package scenario

import (
	"strings"
	"testing"
	"time"

	"github.com/sipscript/sipscript/engine"
	"github.com/sipscript/sipscript/engine/media"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

// A call with two dialogs has one record with both of them, its limit until its end, and the values of its INVITE; with both legs on one shard and on two.
func TestCallOfTwoDialogsHasOneRecord(t *testing.T) {
	t.Parallel()
	const script = `
		sip.on("INVITE", function(req)
			assert(req:limit("k", 9))
			req.vars.account = "7"
			%s
		end)
		sip.on_end(function(cdr) log.info("end", { up = sip.count("k"), cause = cdr.cause, code = cdr.code, by = cdr.ended_by or "nobody", q850 = cdr.q850 or 0,
			account = cdr.vars.account, dialogs = #cdr.call_ids, legs = #cdr.media, heard = cdr.media[1] and cdr.media[1].packets or 0, target = cdr.target or "none" }) end)`
	const b2bua = `req:b2bua("sip:bob@192.0.2.20")`
	tests := []struct {
		name, handler string
		play          func(v *voices)
		want          []string
	}{
		{"BYE of the caller", b2bua, func(v *voices) {
			caller, _ := v.call()
			v.hear()
			caller.BYE()
			v.b.Reply(v.b.Expect(sip.BYE, soon), 200)
			v.a.Expect("200", soon)
		}, []string{"cause=answered", "code=200", "by=caller", "dialogs=2", "legs=2", "heard=2", "target=sip:bob@192.0.2.20"}},
		{"BYE of the callee", b2bua, func(v *voices) {
			_, callee := v.call()
			callee.BYE()
			v.a.Reply(v.a.Expect(sip.BYE, soon), 200)
			v.b.Expect("200", soon)
		}, []string{"cause=answered", "by=callee", "dialogs=2"}},
		{"busy", b2bua, func(v *voices) {
			v.a.Request(sip.INVITE, "sip:bob@192.0.2.1", audio(v.mouth.addr))
			refuse(v.b, v.b.Expect(sip.INVITE, soon), 486, siptest.Header("Reason", "Q.850;cause=17"))
			v.a.ACK(v.a.Expect("486", soon))
		}, []string{"cause=busy", "code=486", "by=nobody", "q850=17"}},
		{"CANCEL", b2bua, func(v *voices) {
			sent := v.a.Request(sip.INVITE, "sip:bob@192.0.2.1", audio(v.mouth.addr))
			got := v.b.Expect(sip.INVITE, soon)
			v.b.Reply(got, 180)
			v.a.Expect("180", soon)
			v.a.CANCEL(sent)
			v.b.Reply(v.b.Expect(sip.CANCEL, soon), 200)
			refuse(v.b, got, 487)
			v.a.Expect("200", soon)
			v.a.ACK(v.a.Expect("487", soon))
		}, []string{"cause=canceled", "code=487", "by=caller"}},
		{"hung up by the script", `local call = req:answer() sleep(3) call:hangup()`, func(v *voices) {
			v.a.Request(sip.INVITE, "sip:bob@192.0.2.1", audio(v.mouth.addr))
			v.a.Dialog(v.a.Expect("200", soon)).ACK()
			v.a.Reply(v.a.Expect(sip.BYE, 4*time.Second), 200)
		}, []string{"cause=answered", "by=server", "dialogs=1", "legs=1"}},
	}
	for _, tt := range tests {
		for _, apart := range []bool{false, true} {
			name := tt.name + ", on one shard"
			if apart {
				name = tt.name + ", on two"
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
					o := Options{Engine: engine.Config{Shards: 4, Apart: apart}, Relay: &media.Config{}}
					srv := Start(t, s, strings.Replace(script, "%s", tt.handler, 1), o)
					v := &voices{t: t, s: s, srv: srv, a: alice(s), b: bob(s)}
					v.mouth, v.ear = NewVoice(t, v.a, 4000), NewVoice(t, v.b, 5000)
					tt.play(v)
					time.Sleep(time.Second)
					wantEnd(t, srv, append(tt.want, "account=7", "up=0")...)
				})
			})
		}
	}
}
