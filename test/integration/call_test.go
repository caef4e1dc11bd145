//go:build integration && linux

package integration

import (
	"testing"
	"time"
)

// Two softphones register with digest and talk, while the script is exchanged for one that refuses calls: the call that is up goes on and
// ends in order, the next one is refused.
func TestPhonesCallEachOtherWhileTheScriptChanges(t *testing.T) {
	for _, transport := range []string{"udp", "tcp", "tls"} {
		t.Run(transport, func(t *testing.T) {
			set := office(t)
			set.listen = append(set.listen, "tls")
			s := start(t, set)
			alice := newBaresip(t, &s.site, transport, "alice", 440)
			bob := newBaresip(t, &s.site, transport, "bob", 700)
			alice.command("dial", "sip:bob@"+s.domain)
			alice.await("CALL_ESTABLISHED")
			bob.await("CALL_ESTABLISHED")

			begun := s.log.len()
			s.replaceScript(t, `sip.on("INVITE", function(req) req:reply(603, "Changed") end)`)
			s.log.awaitAfter(t, begun, 5*time.Second, "reloaded line", isReloaded)
			caller := newPhone(t, &s.site, "udp")
			if answer := caller.exchange(caller.request("INVITE", "sip:bob@"+s.domain, "alice@"+s.domain)); answer.status() != 603 {
				t.Errorf("a call after the change of the script got %q, want the new script's 603", answer.start)
			}

			talk(t, alice, bob)
		})
	}
}

func isReloaded(l line) bool { return l.message() == "reloaded" }

// talk lets a call that is up go on for a while, ends it, and looks at what both have heard.
func talk(t *testing.T, caller, callee *baresip) {
	t.Helper()
	const length = 2500 * time.Millisecond
	time.Sleep(length) // the tone needs its time
	caller.command("hangup", "")
	caller.await("CALL_CLOSED")
	callee.await("CALL_CLOSED")
	caller.hears(callee, length-500*time.Millisecond)
	callee.hears(caller, length-500*time.Millisecond)
}
