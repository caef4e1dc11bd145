//go:build integration && linux

package integration

import (
	"context"
	"errors"
	"net"
	"os/exec"
	"regexp"
	"strconv"
	"testing"
	"time"
)

var statusPattern = regexp.MustCompile(`SIP/2\.0 (\d{3})`)

// sipsak runs one check and returns the status of the last response it printed.
func sipsak(t *testing.T, args ...string) (status string, code int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sipsak", args...)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if all := statusPattern.FindAllSubmatch(out, -1); len(all) > 0 {
		status = string(all[len(all)-1][1])
	}
	return status, cmd.ProcessState.ExitCode()
}

func TestSipsakChecks(t *testing.T) {
	needs(t, "sipsak", "sipsak")
	set := office(t)
	port := shortPort(t)
	set.listen = []string{"udp:127.0.0.1:" + port, "tcp:127.0.0.1:" + port}
	s := start(t, set)
	checkWithSipsak(t, &s.site)
	if p := s.log.panics(); !s.alive() || len(p) > 0 {
		t.Errorf("the server is alive: %t; panics: %v", s.alive(), p)
	}
}

// shortPort returns a free port of four digits: sipsak drops the fifth from the request URI.
func shortPort(t *testing.T) string {
	t.Helper()
	for port := 9999; port > 1024; port-- {
		c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
		if err != nil {
			continue
		}
		c.Close()
		l, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
		if err != nil {
			continue
		}
		l.Close()
		return strconv.Itoa(port)
	}
	t.Fatal("no free port of four digits")
	return ""
}

func checkWithSipsak(t *testing.T, s *site) {
	t.Helper()
	const user = "alice"
	server, aor, contact := "sip:"+s.udp, "sip:"+user+"@"+s.udp, "sip:"+user+"@127.0.0.1:5999" // sipsak resolves the host of a URI, so it is an address
	known := func(args ...string) []string {
		return append([]string{"-a", s.passwords[user], "-u", user, "-s", aor, "-v", "-U"}, args...)
	}
	for _, check := range []struct {
		name string
		args []string
	}{
		{"OPTIONS to the server", []string{"-v", "-s", server}},
		{"OPTIONS over TCP", []string{"-v", "-E", "tcp", "-s", "sip:" + s.tcp}},
		{"REGISTER with credentials", known("-C", contact, "-x", "60")},
		{"fetch of the bindings", known("-C", "empty")},
		{"removal of all bindings", known("-C", "star", "-x", "0")},
	} {
		if status, code := sipsak(t, check.args...); code != 0 { // 0: it got a 200
			t.Errorf("%s: status %s, exit code %d", check.name, status, code)
		}
	}
	if status, code := sipsak(t, "-v", "-m", "0", "-s", "sip:nobody@"+s.udp); status != "483" || code == 0 {
		t.Errorf("Max-Forwards used up: status %s, exit code %d; want 483", status, code)
	}
	if status, code := sipsak(t, "-v", "-U", "-C", contact, "-x", "60", "-a", "wrong", "-u", user, "-s", aor); status != "401" && status != "403" || code == 0 {
		t.Errorf("REGISTER with a wrong password: status %s, exit code %d", status, code)
	}
	sipsak(t, "-R", "-t", "20", "-s", server) // random damage to the request: only that the server survives counts
	sipsak(t, "-F", "-e", "50", "-s", server) // 50 at once
	if status, code := sipsak(t, "-v", "-s", server); status != "200" || code != 0 {
		t.Errorf("OPTIONS after damaged requests and a flood: status %s, exit code %d", status, code)
	}
}
