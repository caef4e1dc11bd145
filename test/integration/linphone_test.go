//go:build integration && linux

package integration

import (
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// linphone is a softphone on a terminal: commands go to its input, a tone comes from a file, and what it hears goes into another.
type linphone struct {
	t    *testing.T
	user string
	tone int // Hz
	dir  string
	cmd  *exec.Cmd
	in   io.WriteCloser
}

// linphoneConfig has 0 for a transport that is not used and -1 for one with a port that the system picks. What it would do by itself is off.
const linphoneConfig = `[sip]
sip_port=%[1]d
sip_tcp_port=%[2]d
sip_tls_port=%[3]d
default_proxy=0
use_ipv6=0
verify_server_certs=0
verify_server_cn=0
guess_hostname=0
keepalive_period=30000
ping_with_options=0
[net]
mtu=1300
firewall_policy=0
[proxy_0]
reg_proxy=<sip:%[4]s;transport=%[5]s>
reg_route=<sip:%[4]s;transport=%[5]s;lr>
reg_identity=sip:%[6]s@%[7]s
reg_expires=120
reg_sendregister=1
publish=0
dial_escape_plus=0
[auth_info_0]
username=%[6]s
passwd=%[8]s
realm=%[7]s
[rtp]
audio_rtp_port=%[9]d
[sound]
playback_dev_id=ANY
[video]
enabled=0
`

// newLinphone starts a softphone, which answers by itself, and waits until it has registered.
func newLinphone(t *testing.T, s *site, transport, user string, tone int) *linphone {
	t.Helper()
	needs(t, "linphonec", "linphone-cli")
	p := &linphone{t: t, user: user, tone: tone, dir: t.TempDir()}
	for _, folder := range []string{".local/share/linphone", ".config/linphone"} {
		if err := os.MkdirAll(filepath.Join(p.dir, folder), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	ports := map[string]int{transport: -1}
	writeFile(t, filepath.Join(p.dir, "rc"), fmt.Sprintf(linphoneConfig, ports["udp"], ports["tcp"], ports["tls"],
		s.address(transport), transport, user, s.domain, s.passwords[user], freePort(t)&^1))
	writeToneFile(t, filepath.Join(p.dir, "tone.wav"), tone, 30*time.Second)
	said, err := os.Create(filepath.Join(p.dir, "said"))
	if err != nil {
		t.Fatal(err)
	}
	defer said.Close()
	p.cmd = exec.Command("linphonec", "-c", filepath.Join(p.dir, "rc"), "-d", "4", "-l", filepath.Join(p.dir, "log"), "-a")
	p.cmd.Env = append(os.Environ(), "HOME="+p.dir)
	p.cmd.Stdout, p.cmd.Stderr = said, said
	if p.in, err = p.cmd.StdinPipe(); err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.stop()
		if t.Failed() {
			text := p.text("said")
			t.Logf("%s's linphone has said, its end:\n%s", user, text[max(0, len(text)-3000):])
		}
	})
	p.say("soundcard use files")
	p.say("play " + filepath.Join(p.dir, "tone.wav"))
	p.say("record " + filepath.Join(p.dir, "heard.wav"))
	p.await("log", "LinphoneRegistrationOk")
	return p
}

func (p *linphone) say(command string) {
	p.t.Helper()
	if _, err := io.WriteString(p.in, command+"\n"); err != nil {
		p.t.Fatalf("%s's linphone: %s: %v", p.user, command, err)
	}
}

// text is what the program has written into one of its files.
func (p *linphone) text(file string) string {
	b, _ := os.ReadFile(filepath.Join(p.dir, file)) // there is no log at first
	return string(b)
}

// await waits until a file of the program has a line that matches.
func (p *linphone) await(file, pattern string) {
	p.t.Helper()
	seen := regexp.MustCompile(pattern)
	if !eventually(p.t.Context(), 20*time.Second, func() bool { return seen.MatchString(p.text(file)) }) {
		p.t.Fatalf("%s's linphone has not said %q", p.user, pattern)
	}
}

// stop ends the program; what it has heard is complete only then.
func (p *linphone) stop() {
	if p.cmd.ProcessState != nil {
		return
	}
	_, _ = io.WriteString(p.in, "quit\n") // it may have ended
	ended := make(chan struct{})
	go func() {
		_ = p.cmd.Wait() // how it ended is of no interest
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(5 * time.Second):
		_ = p.cmd.Process.Kill() // it may end this moment
		<-ended
	}
}

// listens stops the program and fails the test unless it has heard a tone for at least that long.
func (p *linphone) listens(hz int, atLeast time.Duration) {
	p.t.Helper()
	p.stop()
	heard := readRecording(p.t, filepath.Join(p.dir, "heard.wav")).hearing(hz)
	p.t.Logf("%s heard %d Hz for %s", p.user, hz, heard)
	if heard < atLeast {
		p.t.Errorf("%s heard %d Hz for %s, want %s", p.user, hz, heard, atLeast)
	}
}

// writeToneFile writes a tone as mono audio of 8000 Hz into a WAV file.
func writeToneFile(t *testing.T, path string, hz int, length time.Duration) {
	t.Helper()
	const rate = 8000
	n := int(length.Seconds() * rate)
	var b strings.Builder
	little := func(size int, v uint32) {
		for i := range size {
			b.WriteByte(byte(v >> (8 * i)))
		}
	}
	b.WriteString("RIFF")
	little(4, uint32(36+2*n))
	b.WriteString("WAVEfmt ")
	for _, field := range []struct {
		size  int
		value uint32
	}{{4, 16}, {2, 1}, {2, 1}, {4, rate}, {4, 2 * rate}, {2, 2}, {2, 16}} {
		little(field.size, field.value)
	}
	b.WriteString("data")
	little(4, uint32(2*n))
	for i := range n {
		little(2, uint32(uint16(int16(9000*math.Sin(2*math.Pi*float64(hz*i)/rate)))))
	}
	writeFile(t, path, b.String())
}

// Another maker's phone, to its own kind and to a baresip: tones both ways, a digit, the end.
func TestLinphoneTalksThroughTwoDialogs(t *testing.T) {
	for _, transport := range []string{"udp", "tcp", "tls"} {
		t.Run(transport, func(t *testing.T) {
			h := startHouse(t, houseScript(t))
			alice := newLinphone(t, &h.site, transport, "alice", 440)
			bob := newLinphone(t, &h.site, transport, "bob", 700)
			alice.say("call sip:bob@" + h.domain)
			bob.await("said", `[Cc]onnected|answered|Media streams established`)
			alice.await("said", `[Cc]onnected|answered|Media streams established`)
			time.Sleep(talking)
			alice.say("5")
			bob.await("said", `Receiving tone 5|tone 5 from`)
			alice.say("terminate")
			bob.await("said", `Call .* ended`)
			alice.listens(bob.tone, talking-500*time.Millisecond)
			bob.listens(alice.tone, talking-500*time.Millisecond)
			if r := h.records(t, 1)[0]; r.Code != 200 || r.EndedBy != "caller" {
				t.Errorf("call record %+v", r)
			}
			h.quiet(t)
		})
	}
}

// Somebody holds one call, asks in another, and joins the two: an attended transfer, REFER with Replaces (RFC 3891). Of the two who talk then, one was on
// hold, and its recorder ended there; it shows by digits that it hears.
func TestAttendedTransferByLinphone(t *testing.T) {
	for _, script := range []struct{ name, text string }{
		{"of pairs in the engine", houseScript(t)},
		{"of calls in bridges", readFile(t, "../../scripts/examples/transfer.lua") + countsCalls},
	} {
		t.Run(script.name, func(t *testing.T) {
			h := startHouse(t, script.text)
			alice := newLinphone(t, &h.site, "udp", "alice", 440)
			bob := newBaresip(t, &h.site, "udp", "bob", 700)
			carol := newBaresip(t, &h.site, "tcp", "carol", 1000)
			alice.say("call sip:bob@" + h.domain)
			bob.await("CALL_ESTABLISHED")
			alice.await("said", `Call 1 .*(connected|streams)`)
			time.Sleep(talking / 2)
			alice.say("pause")
			bob.await("CALL_REMOTE_SDP")
			alice.say("call sip:carol@" + h.domain)
			carol.await("CALL_ESTABLISHED")
			alice.await("said", `Call 2 .*(connected|streams)`)
			time.Sleep(talking / 2)
			alice.say("transfer 1 --to-call 2")
			alice.await("said", `Call 1 .*ended`)
			alice.await("said", `Call 2 .*ended`)
			bob.receivesDigits(carol, "6")
			carol.receivesDigits(bob, "9")
			time.Sleep(talking)
			hungUp(bob, carol)
			carol.listens(&baresip{user: "alice", tone: alice.tone}, talking/2-500*time.Millisecond)
			carol.listens(bob, talking-500*time.Millisecond)
			bob.listens(&baresip{user: "alice", tone: alice.tone}, talking/2-500*time.Millisecond)
			h.quiet(t)
		})
	}
}
