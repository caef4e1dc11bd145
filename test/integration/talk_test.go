//go:build integration && linux

package integration

import (
	"strconv"
	"strings"
	"testing"
	"time"
)

// talking is how long the phones of these tests talk, and must be heard but for what setting up and ending a call takes.
const talking = 2 * time.Second

// houseScript is the example of a B2BUA, with two things that tests ask of it: a policy for SRTP, and how many calls are up.
func houseScript(t *testing.T) string {
	t.Helper()
	const options = "    timeout = ring,\n"
	example := readFile(t, "../../scripts/examples/b2bua.lua")
	if !strings.Contains(example, options) {
		t.Fatalf("the example has no line %q to put a policy for SRTP behind", options)
	}
	return strings.Replace(example, options, options+"    srtp = config.srtp,\n", 1) + countsCalls
}

// countsCalls says how many calls are up.
const countsCalls = `
sip.on("OPTIONS", function(req)
  req:reply(200, "Calls " .. #sip.calls())
end)
`

// connected calls from one softphone to another.
func connected(h *house, caller, callee *baresip) {
	caller.command("dial", "sip:"+callee.user+"@"+h.domain)
	caller.await("CALL_ESTABLISHED")
	callee.await("CALL_ESTABLISHED")
}

// hungUp ends a call from one side, and waits until both have seen the end.
func hungUp(from, other *baresip) {
	from.command("hangup", "")
	from.await("CALL_CLOSED")
	other.await("CALL_CLOSED")
}

// Two softphones talk over each transport, one presses keys, and the record of the call says what both have sent.
func TestPhonesTalkThroughTwoDialogs(t *testing.T) {
	for _, transport := range []string{"udp", "tcp", "tls"} {
		t.Run(transport, func(t *testing.T) {
			h := startHouse(t, houseScript(t))
			alice := newBaresip(t, &h.site, transport, "alice", 440)
			bob := newBaresip(t, &h.site, transport, "bob", 700)
			connected(h, alice, bob)
			if open := h.openPorts(t); open != 4 {
				t.Errorf("%d ports are open in a call, want RTP and RTCP for each side", open)
			}
			time.Sleep(talking) // the tones need their time
			bob.receivesDigits(alice, "159#")
			alice.receivesDigits(bob, "8")
			hungUp(alice, bob)
			alice.listens(bob, talking)
			bob.listens(alice, talking)

			r := h.records(t, 1)[0]
			if r.Code != 200 || r.User != "alice" || r.EndedBy != "caller" || len(r.CallIDs) != 2 || r.Duration < talking.Seconds() {
				t.Errorf("call record %+v", r)
			}
			const leastPackets = 50 * int(talking/time.Second) // one each 20 ms
			if len(r.Media) != 2 {
				t.Fatalf("call record with %d sides, want 2: %+v", len(r.Media), r)
			}
			for _, side := range r.Media {
				if int(side.Received.Packets) < leastPackets || int(side.Sent.Packets) < leastPackets || side.Received.Lost > 5 || side.MOS < 3.5 {
					t.Errorf("figures of the %s: %+v", side.Leg, side)
				}
			}
			h.quiet(t)
		})
	}
}

// receivesDigits fails the test unless the keys that the other presses arrive.
func (p *baresip) receivesDigits(from *baresip, digits string) {
	p.t.Helper()
	for _, digit := range digits {
		from.command("sndcode", string(digit))
		if e := p.await("CALL_DTMF_START"); e.Param != string(digit) {
			p.t.Errorf("%s pressed %c, %s got %q", from.user, digit, p.user, e.Param)
		}
		p.await("CALL_DTMF_END")
	}
}

// One side encrypts, the other cannot: this server does it between them.
func TestEncryptedMediaMeetsPlain(t *testing.T) {
	for _, side := range []struct {
		name          string
		caller, calls string // parameters of the accounts
		policy        string
	}{
		{"caller", "mediaenc=srtp-mand", "mediaenc=", `srtp: "off"`},
		{"callee", "mediaenc=", "mediaenc=srtp-mand", "srtp: require"},
		{"both", "mediaenc=srtp-mand", "mediaenc=srtp-mand", "srtp: follow"},
	} {
		t.Run(side.name, func(t *testing.T) {
			h := startHouse(t, houseScript(t), side.policy)
			alice := newBaresip(t, &h.site, "udp", "alice", 440, side.caller)
			bob := newBaresip(t, &h.site, "udp", "bob", 700, side.calls)
			connected(h, alice, bob)
			time.Sleep(talking)
			bob.receivesDigits(alice, "3")
			hungUp(bob, alice)
			alice.listens(bob, talking-200*time.Millisecond)
			bob.listens(alice, talking-200*time.Millisecond)
			if r := h.records(t, 1)[0]; r.EndedBy != "callee" {
				t.Errorf("call record %+v", r)
			}
			h.quiet(t)
		})
	}
}

// Whoever holds and resumes, the call goes on afterwards. A baresip ends its recording with the first hold, whoever holds; that packets pass again both
// ways is seen by the digits in them.
func TestHoldAndResumeThroughTwoDialogs(t *testing.T) {
	h := startHouse(t, houseScript(t))
	alice := newBaresip(t, &h.site, "tcp", "alice", 440)
	bob := newBaresip(t, &h.site, "udp", "bob", 700)
	connected(h, alice, bob)
	time.Sleep(talking)
	for _, who := range []struct{ holds, held *baresip }{{alice, bob}, {bob, alice}} {
		who.holds.command("hold", "")
		who.held.await("CALL_REMOTE_SDP")
		time.Sleep(time.Second)
		who.holds.command("resume", "")
		who.held.await("CALL_REMOTE_SDP")
		who.held.receivesDigits(who.holds, "42")
		who.holds.receivesDigits(who.held, "7")
	}
	hungUp(alice, bob)
	alice.listens(bob, talking-500*time.Millisecond)
	bob.listens(alice, talking-500*time.Millisecond)
	h.quiet(t)
}

// One of two gives the other to a third phone, and is out of the call: where the engine decides whom a phone may call so, and where a script does.
func TestBlindTransferBetweenPhones(t *testing.T) {
	for _, c := range []struct{ name, script, by string }{
		{"by the callee", houseScript(t), "callee"},
		{"by the caller", houseScript(t), "caller"},
		{"by the callee, in a bridge", readFile(t, "../../scripts/examples/transfer.lua") + countsCalls, "callee"},
		{"by the caller, in a bridge", readFile(t, "../../scripts/examples/transfer.lua") + countsCalls, "caller"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := startHouse(t, c.script)
			alice := newBaresip(t, &h.site, "udp", "alice", 440)
			bob := newBaresip(t, &h.site, "tcp", "bob", 700)
			carol := newBaresip(t, &h.site, "udp", "carol", 1000)
			stays, leaves := alice, bob
			if c.by == "caller" {
				stays, leaves = bob, alice
			}
			connected(h, alice, bob)
			time.Sleep(talking)
			leaves.command("transfer", "sip:carol@"+h.domain)
			carol.await("CALL_ESTABLISHED")
			leaves.await("CALL_CLOSED")
			time.Sleep(talking)
			hungUp(carol, stays)
			for _, pair := range [][2]*baresip{{stays, leaves}, {stays, carol}, {carol, stays}, {leaves, stays}} {
				pair[0].listens(pair[1], talking-500*time.Millisecond)
			}
			h.quiet(t)
		})
	}
}

// A phone that encrypts calls over a trunk that does not: what it says comes back from there.
func TestEncryptedPhoneCallsOverPlainTrunk(t *testing.T) {
	needs(t, "sipp", "sip-tester")
	port := freePort(t)
	h := startHouse(t, readFile(t, "../../scripts/examples/sbc.lua")+countsCalls,
		`trunk: {uri: "sip:127.0.0.1:`+strconv.Itoa(port)+`", addresses: [192.0.2.50], lines: 2}`)
	trunk := &running{sippLoad: sippLoad{scenario: "talk"}, t: t, dir: t.TempDir()}
	trunk.callee = trunk.sipp("talk_callee", port, "-timeout", "30", "-mi", "127.0.0.1", "-mp", strconv.Itoa(freePort(t)&^1), "-rtp_echo", "-m", "1")
	trunk.launch(trunk.callee)
	awaitPort(t, port)
	alice := newBaresip(t, &h.site, "tls", "alice", 440, "mediaenc=srtp-mand")
	alice.command("dial", "sip:+4930123456@"+h.domain)
	alice.await("CALL_ESTABLISHED")
	time.Sleep(talking)
	alice.command("hangup", "")
	alice.await("CALL_CLOSED")
	alice.listens(alice, talking-500*time.Millisecond)
	h.quiet(t)
}

// The script is changed while its handler waits in a bridge, again and again, until the version of that handler is retired by force. Nobody who talks
// notices, and the call ends as calls do.
func TestTalkOutlivesTheScriptThatBridgedIt(t *testing.T) {
	script := readFile(t, "testdata/bridge.lua")
	h := startHouse(t, script)
	alice := newBaresip(t, &h.site, "udp", "alice", 440)
	bob := newBaresip(t, &h.site, "tcp", "bob", 700)
	connected(h, alice, bob)
	time.Sleep(talking)
	begun := h.log.len()
	parker := newPhone(t, &h.site, "udp")
	r := &reloader{server: h.server, text: script}
	for range 6 {
		r.reload(t)
		parker.exchange(parker.request("MESSAGE", "sip:anybody@"+h.domain, "parker@"+h.domain))
	}
	h.log.awaitAfter(t, begun, 5*time.Second, "line about the version retired by force", isRetired)
	bob.receivesDigits(alice, "7")
	time.Sleep(talking)
	hungUp(bob, alice)
	alice.listens(bob, 2*talking)
	bob.listens(alice, 2*talking)
	if p := h.log.panics(); !h.alive() || len(p) > 0 {
		t.Errorf("the server is alive: %t; panics: %v", h.alive(), p)
	}
	for _, l := range h.log.matching(line.troubling) {
		if !isRetired(l) {
			t.Errorf("complaint in the log: %s", l.text)
		}
	}
	if r := h.records(t, 1)[0]; r.EndedBy != "callee" || r.Duration < 2*talking.Seconds() {
		t.Errorf("call record %+v", r)
	}
}

func isRetired(l line) bool { return l.message() == "handlers of an old version are ended by force" }
