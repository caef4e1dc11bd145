package scenario

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sipscript/sipscript/engine"
	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

// stage is a server whose script has calls, and phones: alice calls, bob and carol are called.
type stage struct {
	*siptest.Scene
	*Server
	t                 *testing.T
	alice, bob, carol *siptest.UA
}

// perform runs a script with both legs of each call on one shard, and again with each dialed leg on another one. Nothing may be left of the calls.
func perform(t *testing.T, script string, f func(s *stage)) {
	t.Helper()
	t.Parallel()
	for _, setting := range []struct {
		name   string
		config engine.Config
	}{{"one shard", engine.Config{Shards: 1}}, {"legs apart on four", engine.Config{Shards: 4, Apart: true}}} {
		t.Run(setting.name, func(t *testing.T) {
			t.Parallel()
			siptest.Run(t, siptest.Setting{}, func(t *testing.T, s *siptest.Scene) {
				st := &stage{Scene: s, Server: Start(t, s, script, Options{Engine: setting.config}), t: t}
				nameServer(s)
				t.Cleanup(func() {
					if t.Failed() {
						t.Logf("%s\n%s", s.Ladder(), st.Log)
					}
				})
				st.alice = s.UA("alice", "192.0.2.10:5060", sip.UDP).Reliable()
				st.bob = s.UA("bob", "192.0.2.20:5060", sip.UDP).Reliable()
				st.carol = s.UA("carol", "192.0.2.30:5060", sip.UDP).Reliable()
				f(st)
				st.clean()
			})
		})
	}
}

// clean fails when anything is left of a call that is over.
func (s *stage) clean() {
	s.t.Helper()
	time.Sleep(70 * time.Second) // 64·T1 for what came last, and for what that brought
	synctest.Wait()
	if left := s.Engine.Leaks(); len(left) > 0 {
		s.t.Errorf("left behind: %s", strings.Join(left, ", "))
	}
}

// call is alice's INVITE, with an offer.
func (s *stage) call(opts ...siptest.Option) *sip.Message {
	return s.alice.Request(sip.INVITE, "sip:bob@192.0.2.1", append(opts, siptest.SDP(s.alice.Addr().Addr()))...)
}

// answered is alice's side of the call that was answered now.
func (s *stage) answered() *siptest.Dialog {
	s.t.Helper()
	d := s.alice.Dialog(s.alice.Expect("200 INVITE", time.Minute))
	d.ACK()
	return d
}

// said are the messages that the script has logged, in order.
func (s *stage) said() string {
	var all []string
	for line := range strings.Lines(s.Log.String()) {
		if _, rest, ok := strings.Cut(line, "msg="); ok && strings.Contains(line, " at=main.lua:") && strings.Contains(line, "level=INFO") {
			all = append(all, strings.Trim(rest[:strings.Index(rest, " at=main.lua:")], `"`))
		}
	}
	return strings.Join(all, "; ")
}

func (s *stage) wantSaid(want string) {
	s.t.Helper()
	synctest.Wait()
	if got := s.said(); got != want {
		s.t.Errorf("the script said  %q\nwant             %q", got, want)
	}
}

func TestAnsweredCallEndsWithItsHandler(t *testing.T) {
	perform(t, `sip.on("INVITE", function(req)
	local call = req:answer()
	log.info(call.state .. " " .. call.direction .. " " .. call.from.user .. " " .. call.to.user .. " " .. #call.id)
	sleep(5)
	log.info(call.state .. " " .. math.floor(call.duration))
end)`, func(s *stage) {
		s.call()
		s.answered()
		s.alice.Reply(s.alice.Expect("BYE", 6*time.Second), 200)
		s.wantSaid("answered in alice bob 15; answered 5")
	})
}

func TestDialAndBridge(t *testing.T) {
	perform(t, `sip.on("INVITE", function(req)
	local call = req:accept()
	local leg, result = call:dial("sip:bob@192.0.2.20")
	log.info(leg.state .. " " .. leg.direction)
	local e = call:bridge(leg)
	log.info(e.ended_by .. " " .. math.floor(e.duration) .. " " .. call.state .. " " .. leg.state)
	sleep(1)
	log.info("still here")
end)`, func(s *stage) {
		s.bob.AutoAnswer(time.Second)
		s.call()
		s.alice.Expect("180", time.Minute)
		d := s.answered()
		time.Sleep(5 * time.Second)
		d.BYE()
		s.alice.Expect("200 BYE", soon)
		time.Sleep(2 * time.Second)
		s.wantSaid("answered out; caller 5 over over; still here")
	})
}
