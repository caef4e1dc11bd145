//go:build integration && linux

package integration

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// baresip is a softphone without screen and sound card: it says a tone and records what it hears.
type baresip struct {
	t      *testing.T
	user   string
	tone   int // Hz
	dir    string
	cmd    *exec.Cmd
	ctrl   net.Conn
	events chan baresipEvent
	seen   []baresipEvent
}

type baresipEvent struct {
	Type  string `json:"type"`
	Param string `json:"param"`
	Peer  string `json:"peeruri"`
}

// The tone generator works at 48 kHz in stereo alone, and with net_interface a name instead of an address SDP carries another interface's.
// Every phone that answers by itself needs no keys pressed.
const baresipConfig = `poll_method epoll
call_local_timeout 60
call_max_calls 4
sip_listen 127.0.0.1:0
net_interface 127.0.0.1
audio_source ausine,%[1]d,
audio_player aubridge,nil
audio_alert none,none
audio_level no
ausrc_srate 48000
ausrc_channels 2
auplay_srate 8000
auplay_channels 1
rtp_ports %[2]d-%[3]d
module_path %[4]s
module ausine.so
module aubridge.so
module g711.so
module sndfile.so
module srtp.so
module uuid.so
snd_path %[5]s
module_tmp account.so
module_app contact.so
module_app debug_cmd.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen 127.0.0.1:%[6]d
`

// baresipModules is where Debian and Ubuntu put them.
const baresipModules = "/usr/lib/baresip/modules"

// newBaresip starts a softphone and waits until it has registered. Parameters, as "mediaenc=srtp-mand", are of its account.
func newBaresip(t *testing.T, s *site, transport, user string, tone int, parameters ...string) *baresip {
	t.Helper()
	needs(t, "baresip", "baresip-core")
	p := &baresip{t: t, user: user, tone: tone, dir: t.TempDir(), events: make(chan baresipEvent, 1000)}
	recordings := filepath.Join(p.dir, "recordings")
	if err := os.Mkdir(recordings, 0o700); err != nil {
		t.Fatal(err)
	}
	control, rtp := freeTCPPort(t), freePort(t)&^1
	rtp = min(rtp, 65000)
	writeFile(t, filepath.Join(p.dir, "config"), fmt.Sprintf(baresipConfig, tone, rtp, rtp+100, baresipModules, recordings, control))
	writeFile(t, filepath.Join(p.dir, "accounts"), fmt.Sprintf("<sip:%s@%s>;auth_user=%[1]s;auth_pass=%[3]s;outbound=\"sip:%[4]s;transport=%[5]s\";regint=60;answermode=auto;audio_codecs=pcmu,pcma%[6]s\n",
		user, s.domain, s.passwords[user], s.address(transport), transport, strings.Join(append([]string{""}, parameters...), ";")))
	writeFile(t, filepath.Join(p.dir, "contacts"), "")
	log, err := os.Create(p.logFile())
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	p.cmd = exec.Command("baresip", "-f", p.dir, "-v", "-s")
	p.cmd.Stdout, p.cmd.Stderr = log, log
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.stop()
		if t.Failed() {
			text := readFile(t, p.logFile())
			t.Logf("log of %s's baresip, its end:\n%s", user, text[max(0, len(text)-30000):])
		}
	})
	p.connect(control)
	// The answer to REGISTER may come before the control connection stands, so it is looked for in the log.
	registered := regexp.MustCompile(`\{\d/\w+/v\d\} 200 OK`)
	if !eventually(t.Context(), 10*time.Second, func() bool { return registered.MatchString(readFile(t, p.logFile())) }) {
		t.Fatalf("%s's baresip has not registered over %s", user, transport)
	}
	return p
}

func (p *baresip) logFile() string { return filepath.Join(p.dir, "log") }

func (p *baresip) connect(port int) {
	p.t.Helper()
	dialled := eventually(p.t.Context(), 10*time.Second, func() bool {
		var err error
		p.ctrl, err = net.Dial("tcp4", fmt.Sprintf("127.0.0.1:%d", port))
		return err == nil
	})
	if !dialled {
		p.t.Fatalf("%s's baresip has not opened its control port", p.user)
	}
	go func() {
		defer close(p.events)
		for in := bufio.NewReader(p.ctrl); ; {
			e, err := readEvent(in)
			if err != nil {
				return
			}
			p.events <- e
		}
	}()
}

// readEvent reads one netstring, LENGTH:JSON, and what it says.
func readEvent(in *bufio.Reader) (e baresipEvent, err error) {
	length, err := in.ReadString(':')
	if err != nil {
		return e, err
	}
	n, err := strconv.Atoi(strings.TrimSuffix(length, ":"))
	if err != nil {
		return e, err
	}
	text := make([]byte, n+1) // and the comma
	if _, err := io.ReadFull(in, text); err != nil {
		return e, err
	}
	return e, json.Unmarshal(text[:n], &e)
}

func (p *baresip) command(name, parameters string) {
	p.t.Helper()
	text, err := json.Marshal(map[string]string{"command": name, "params": parameters})
	if err == nil {
		_, err = fmt.Fprintf(p.ctrl, "%d:%s,", len(text), text)
	}
	if err != nil {
		p.t.Fatalf("%s's baresip: %s: %v", p.user, name, err)
	}
}

// await returns the next event of a type, also one that came before and was not asked for.
func (p *baresip) await(what string) baresipEvent {
	p.t.Helper()
	deadline := time.After(10 * time.Second)
	for i := 0; ; i++ {
		for i < len(p.seen) {
			if e := p.seen[i]; e.Type == what {
				p.seen = append(p.seen[:i], p.seen[i+1:]...)
				return e
			}
			i++
		}
		select {
		case e, ok := <-p.events:
			if !ok {
				p.t.Fatalf("%s's baresip has ended", p.user)
			}
			p.seen = append(p.seen, e)
			i--
		case <-deadline:
			p.t.Fatalf("%s's baresip: no %s within 10 s; got %+v", p.user, what, p.seen)
		}
	}
}

// stop ends the program; the recordings are complete only then.
func (p *baresip) stop() {
	if p.cmd.ProcessState != nil {
		return
	}
	if p.ctrl != nil {
		fmt.Fprint(p.ctrl, `18:{"command":"quit"},`)
	}
	ended := make(chan struct{})
	go func() {
		_ = p.cmd.Wait() // how it ended is of no interest
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(4 * time.Second):
		_ = p.cmd.Process.Kill() // it may end this moment
		<-ended
	}
	if p.ctrl != nil {
		p.ctrl.Close()
	}
}

// hears stops the program and fails the test unless it has heard the other's tone for at least that long.
func (p *baresip) hears(other *baresip, atLeast time.Duration) {
	p.t.Helper()
	p.stop()
	files, err := filepath.Glob(filepath.Join(p.dir, "recordings", "*dec*.wav"))
	if err != nil || len(files) == 0 {
		p.t.Errorf("%s's baresip has recorded nothing", p.user)
		return
	}
	heard := readRecording(p.t, files[0])
	duration, level, pitch := heard.duration(), heard.level(), heard.pitch()
	p.t.Logf("%s heard %s, level %.0f, pitch %.0f Hz", p.user, duration.Round(10*time.Millisecond), level, pitch)
	if duration < atLeast {
		p.t.Errorf("%s heard only %s of the call, want %s", p.user, duration, atLeast)
	}
	if level < 500 {
		p.t.Errorf("%s heard silence: level %.0f of 32767", p.user, level)
	}
	if off := pitch / float64(other.tone); off < 0.97 || off > 1.03 {
		p.t.Errorf("%s heard %.0f Hz, want the %d Hz of %s", p.user, pitch, other.tone, other.user)
	}
}

func freeTCPPort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
