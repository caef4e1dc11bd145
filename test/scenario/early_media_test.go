package scenario

import (
	"bytes"
	"testing"
	"time"

	"github.com/sipscript/sipscript/engine"
	"github.com/sipscript/sipscript/engine/media"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

// prack acknowledges a reliable response.
func prack(d *siptest.Dialog, r *sip.Message, opts ...siptest.Option) {
	rseq, _ := r.Value(sip.RSeq)
	cseq, _ := r.Value(sip.CSeq)
	d.Request(sip.PRACK, append(opts, siptest.Header("RAck", rseq+" "+cseq))...)
}

// reliably makes a response of an endpoint a reliable one.
func reliably(r *sip.Message) {
	r.Add("Require", "100rel")
	r.Add("RSeq", "1")
}

// The media of both legs follows what is agreed before the answer, by PRACK and UPDATE, and a session refresh changes nothing of it.
func TestB099B100B101EarlyMediaThroughTheRelay(t *testing.T) {
	t.Parallel()
	for _, setting := range []struct {
		name   string
		config engine.Config
		late   bool
	}{
		{"one shard", engine.Config{Shards: 1}, false},
		{"legs apart", engine.Config{Shards: 4, Apart: true}, false},
		{"a relay that takes its time", engine.Config{Shards: 4, Apart: true}, true},
	} {
		t.Run(setting.name, func(t *testing.T) {
			t.Parallel()
			siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
				srv := Start(t, s, `sip.on("INVITE", function(req) req:b2bua("sip:bob@192.0.2.20", { session_expires = 100, refresher = "server" }) end)`,
					Options{Engine: setting.config, Relay: &media.Config{}, Late: setting.late})
				t.Cleanup(func() {
					if t.Failed() {
						t.Logf("%s\n%s", s.Ladder(), srv.Log)
					}
				})
				v := &voices{t: t, s: s, srv: srv}
				v.a, v.b = s.UA("alice", "192.0.2.10:5060", sip.UDP).Reliable(), s.UA("bob", "192.0.2.20:5060", sip.UDP).Reliable()
				v.mouth, v.ear = NewVoice(t, v.a, 4000), NewVoice(t, v.b, 5000)
				takesUpdate := siptest.Header("Allow", "INVITE, ACK, BYE, CANCEL, UPDATE, PRACK")

				v.a.Request(sip.INVITE, "sip:bob@192.0.2.1", audio(v.mouth.addr), siptest.Header("Supported", "100rel, timer"), takesUpdate)
				out := v.b.Expect(sip.INVITE, time.Second)
				v.nearBob = mediaOf(t, out)
				v.b.Reply(out, 183, reliably, takesUpdate, audio(v.ear.addr))
				v.b.Reply(v.b.Expect(sip.PRACK, time.Second), 200)
				shown := v.a.Expect("183", time.Second)
				alice := v.a.Dialog(shown)
				v.nearAlice = mediaOf(t, shown)
				prack(alice, shown)
				v.a.Expect("200 PRACK", time.Second)
				v.hear()

				// The caller moves, then the callee.
				v.mouth = NewVoice(t, v.a, 4002)
				alice.Request(sip.UPDATE, audio(v.mouth.addr))
				update := v.b.Expect(sip.UPDATE, time.Second)
				if got := mediaOf(t, update); got != v.nearBob {
					t.Errorf("the callee is told of %v, after %v", got, v.nearBob)
				}
				v.b.Reply(update, 200, audio(v.ear.addr))
				v.a.Expect("200 UPDATE", time.Second)
				v.hear()
				bob := v.b.Dialog(out)
				v.ear = NewVoice(t, v.b, 5002)
				bob.Request(sip.UPDATE, audio(v.ear.addr))
				v.a.Reply(v.a.Expect(sip.UPDATE, time.Second), 200, audio(v.mouth.addr))
				v.b.Expect("200 UPDATE", time.Second)
				v.hear()

				// The answer says nothing new.
				v.b.Reply(out, 200, takesUpdate)
				v.b.Expect(sip.ACK, time.Second)
				alice.Accepted(v.a.Expect("200 INVITE", time.Second)).ACK()
				v.a.ExpectNone(time.Second, sip.INVITE, sip.UPDATE)
				v.hear()

				// The session timer is refreshed on both legs at half of 100 s, without an offer.
				for _, u := range []*siptest.UA{v.a, v.b} {
					refresh := u.Expect(sip.UPDATE, 51*time.Second)
					if len(bytes.TrimSpace(refresh.Body())) > 0 {
						t.Errorf("the refresh offers\n%v", refresh)
					}
					u.Reply(refresh, 200, siptest.Header("Session-Expires", "100;refresher=uac"), siptest.Header("Require", "timer"))
				}
				v.hear()
				alice.BYE()
				v.a.Expect("200 BYE", time.Second)
				v.b.Reply(v.b.Expect(sip.BYE, time.Second), 200)
				time.Sleep(35 * time.Second)
				if left := srv.Engine.Leaks(); len(left) > 0 {
					t.Errorf("left behind: %q", left)
				}
			})
		})
	}
}
