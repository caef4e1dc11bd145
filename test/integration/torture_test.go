//go:build integration && linux

package integration

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// insideVariable is set for the test process that has a network of its own.
const insideVariable = "SIPSCRIPT_TEST_NETWORK"

// The messages of RFC 4475 and RFC 5118 name addresses all over the Internet, and a server may believe them. So they are sent in a network
// namespace that has nothing but a loopback.
func TestTortureMessages(t *testing.T) {
	if os.Getenv(insideVariable) != "" {
		torture(t)
		return
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, "-test.run=^TestTortureMessages$", "-test.v", "-sipscript="+*program)
	cmd.Env = append(os.Environ(), insideVariable+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	out, err := cmd.CombinedOutput()
	if cmd.Process == nil {
		loudSkip(t, "a network namespace of its own needs root: "+err.Error())
	}
	t.Logf("%s", out)
	if err != nil {
		t.Error(err)
	}
}

func torture(t *testing.T) {
	t.Helper()
	raiseLoopback(t)
	messages, err := filepath.Glob("../../sip/testdata/torture/rfc*/*.dat")
	if err != nil || len(messages) < 60 {
		t.Fatalf("%d torture messages, %v", len(messages), err)
	}
	for _, transport := range []string{"udp", "tcp"} {
		s := start(t, setting{script: readFile(t, "testdata/curious.lua"), listen: []string{"udp:127.0.0.1:5060", "tcp:127.0.0.1:5060"}})
		for _, file := range messages {
			sendRaw(t, transport, s.address(transport), []byte(readFile(t, file)))
			probe := newPhone(t, &s.site, transport)
			if status := probe.options(); status != 200 || !s.alive() {
				t.Fatalf("after %s over %s: OPTIONS got %d, the server is alive: %t", filepath.Base(file), transport, status, s.alive())
			}
			probe.conn.Close()
		}
		for _, l := range s.log.panics() {
			t.Errorf("%s: %s", transport, l.text)
		}
		s.stop()
		if code := s.cmd.ProcessState.ExitCode(); code != 0 {
			t.Errorf("%s: exit code %d", transport, code)
		}
	}
	t.Logf("%d messages over UDP and TCP", len(messages))
}

var sentByPort = regexp.MustCompile(`(?i)(?:^|\n)(?:v|via)\s*:\s*SIP\s*/\s*2\.0\s*/\s*\w+\s+[^\s;,:\]]+:(\d+)`)

// sendRaw sends bytes as they are, and reads for a moment what comes back. Over UDP they come from the port that their Via names, as
// RFC 3261 §18.2.2 sends answers there.
func sendRaw(t *testing.T, transport, server string, raw []byte) {
	t.Helper()
	local := net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}
	dialer := net.Dialer{Timeout: time.Second, LocalAddr: &local}
	if transport == "udp" {
		port := 5060
		if m := sentByPort.FindSubmatch(raw); m != nil {
			port, _ = strconv.Atoi(string(m[1]))
		}
		dialer.LocalAddr = &net.UDPAddr{IP: local.IP, Port: port}
	}
	c, err := dialer.Dial(transport+"4", server)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write(raw); err != nil {
		t.Fatal(err)
	}
	if err := c.SetReadDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, 1<<16)
	if n, _ := c.Read(answer); n > 0 && !bytes.HasPrefix(answer, []byte("SIP/2.0 ")) { // no answer is right for some
		t.Errorf("an answer that is no response: %q", answer[:n])
	}
}

func raiseLoopback(t *testing.T) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		t.Fatal(err)
	}
	lo.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, lo); err != nil {
		t.Fatalf("raising the loopback: %v", err)
	}
	all, err := net.Interfaces()
	if err != nil || len(all) != 1 {
		t.Fatalf("refused: this network has more than a loopback: %v, %v", all, err)
	}
}
