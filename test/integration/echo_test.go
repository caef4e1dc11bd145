//go:build integration && linux

package integration

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// SIPp plays a tone from a capture file, another SIPp sends each packet back, and the tone is heard where the first one has said that it listens.
func TestToneComesBackFromAnEcho(t *testing.T) {
	if os.Geteuid() != 0 {
		loudSkip(t, "SIPp plays audio through a raw socket, which needs root")
	}
	const hz, length = 1000, 3 * time.Second
	h := startHouse(t, houseScript(t))
	listener := newEar(t)
	r := &running{sippLoad: sippLoad{scenario: "talk", rate: 1, seconds: 1, caller: "alice", callee: "bob"}, t: t, dir: t.TempDir()}
	writeTone(t, filepath.Join(r.dir, "tone.pcap"), hz, length)

	needs(t, "sipp", "sip-tester")
	port := freePort(t)
	r.callee = r.sipp("talk_callee", port, "-timeout", "30", "-mi", "127.0.0.1", "-mp", strconv.Itoa(freePort(t)&^1), "-rtp_echo")
	r.launch(r.callee)
	awaitPort(t, port)
	registerContact(t, &h.site, "bob", port)
	r.caller = r.sipp("talk", freePort(t), "-m", "1", "-timeout", "30", "-mi", "127.0.0.1", "-mp", strconv.Itoa(listener.port()-10),
		"-key", "caller", "alice", "-key", "callee", "bob", "-key", "domain", h.domain,
		"-au", "alice", "-ap", h.passwords["alice"], "-auth_uri", "bob@"+h.domain, h.udp)
	r.caller.Stdout, r.caller.Stderr = &r.said, &r.said
	r.launch(r.caller)
	r.flawless()

	heard := listener.heard(hz)
	t.Logf("the %d Hz of SIPp came back for %s", hz, heard)
	if heard < length-500*time.Millisecond {
		t.Errorf("the %d Hz of SIPp came back for %s, want %s", hz, heard, length)
	}
	h.quiet(t)
}
