//go:build integration && linux

package integration

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The commands of docs/ivr.md lead to a menu that is heard. What needs root is the tests' own to install.
func TestThePageLeadsToATalkingMenu(t *testing.T) {
	needs(t, "espeak-ng", "espeak-ng")
	page := readFile(t, "../../docs/ivr.md")
	block := regexp.MustCompile("(?s)```sh\n(.*?)```").FindStringSubmatch(page)
	if block == nil {
		t.Fatal("the page has no commands")
	}
	var steps []string
	for line := range strings.Lines(block[1]) {
		if strings.HasPrefix(line, "make ") {
			steps = append(steps, strings.TrimSpace(line))
		}
	}
	if len(steps) != 2 || !strings.HasPrefix(steps[1], "make run ") {
		t.Fatalf("the commands are %q", steps)
	}
	prompts := shell(steps[0])
	if out, err := prompts.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", steps[0], err, out)
	}
	me, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:0")))
	if err != nil {
		t.Fatal(err)
	}
	defer me.Close()
	free, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:0")))
	if err != nil {
		t.Fatal(err)
	}
	at := free.LocalAddr().(*net.UDPAddr)
	_ = free.Close()

	var output bytes.Buffer
	server := shell(steps[1] + " LISTEN=" + at.String())
	server.Stdout, server.Stderr = &output, &output
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = server.Wait(); close(ended) }()
	defer func() {
		_ = syscall.Kill(-server.Process.Pid, syscall.SIGKILL)
		<-ended
		if t.Failed() {
			t.Logf("%s", &output)
		}
	}()
	if voice := hear(t, me, at); voice < 50 { // a second; "Welcome." takes that, and a tone in its place a quarter
		t.Errorf("%d packets of sound were heard", voice)
	}
}

// shell is a command at the top of the checkout, in a process group of its own.
func shell(command string) *exec.Cmd {
	cmd := exec.Command("sh", "-c", "exec "+command)
	cmd.Dir, cmd.SysProcAttr = "../..", &syscall.SysProcAttr{Setpgid: true}
	return cmd
}

// hear calls a server until it answers, and counts the packets of 3 seconds that are not silent. Its voice comes to the socket that
// signalling comes to.
func hear(t *testing.T, me *net.UDPConn, at *net.UDPAddr) (voice int) {
	t.Helper()
	own := me.LocalAddr().(*net.UDPAddr)
	body := fmt.Sprintf("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio %d RTP/AVP 0\r\n", own.Port)
	request := func(method, to, body string) string {
		return fmt.Sprintf("%s sip:100@%s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bK-page-%s\r\nMax-Forwards: 70\r\nFrom: <sip:page@%s>;tag=page\r\nTo: <sip:100@%s>%s\r\n"+
			"Call-ID: page@127.0.0.1\r\nCSeq: 1 %s\r\nContact: <sip:page@%s>\r\nContent-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s", method, at, own, method, own, at, to, method, own, len(body), body)
	}
	send := func(text string) { _, _ = me.WriteToUDP([]byte(text), at) }
	tag := regexp.MustCompile(`(?i)\r\nTo:[^\r]*(;tag=[^;\r]+)`)
	limit := time.Now().Add(2 * time.Minute) // make builds the server first
	var until time.Time
	for b := make([]byte, 4096); time.Now().Before(limit) && (until.IsZero() || time.Now().Before(until)); {
		if until.IsZero() {
			send(request("INVITE", "", body))
		}
		_ = me.SetReadDeadline(time.Now().Add(500 * time.Millisecond))
		n, err := me.Read(b)
		switch {
		case err != nil:
		case bytes.HasPrefix(b, []byte("SIP/2.0 200")) && until.IsZero():
			until = time.Now().Add(3 * time.Second)
			send(request("ACK", tag.FindStringSubmatch(string(b[:n]))[1], ""))
		case b[0]>>6 == 2 && n == 172:
			if quiet := bytes.Count(b[12:n], []byte{0xff}) + bytes.Count(b[12:n], []byte{0x7f}); quiet < 140 {
				voice++
			}
		}
	}
	if until.IsZero() {
		t.Fatal("nobody answers")
	}
	return voice
}
