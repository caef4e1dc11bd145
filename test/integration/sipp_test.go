//go:build integration && linux

package integration

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// sippLoad is a SIPp run: the calling side, and behind the server, for calls and messages, the called side.
type sippLoad struct {
	scenario string // of testdata/sipp: "call", "message", "register", "options"
	rate     int    // a second
	seconds  int
	caller   string
	callee   string
}

func (l sippLoad) count() int { return l.rate * l.seconds }

// tally is what a side of a load counted at its end.
type tally struct {
	created, succeeded, failed, resent int
	errors                             string // the start of what SIPp wrote about failures
}

// running is a load under way.
type running struct {
	sippLoad
	t      *testing.T
	dir    string
	caller *exec.Cmd
	callee *exec.Cmd
	said   bytes.Buffer
}

// begin starts a load, with the callee registered where there is one.
func (l sippLoad) begin(t *testing.T, s *site) *running {
	t.Helper()
	needs(t, "sipp", "sip-tester")
	r := &running{sippLoad: l, t: t, dir: t.TempDir()}
	port := freePort(t)
	if l.scenario == "call" || l.scenario == "message" {
		r.callee = r.sipp(l.scenario+"_callee", port, "-timeout", strconv.Itoa(l.seconds+30))
		r.launch(r.callee)
		awaitPort(t, port)
		registerContact(t, s, l.callee, port)
		port = freePort(t)
	}
	uri := l.callee + "@" + s.domain // SIPp puts this into its credentials as the request URI
	if l.scenario == "register" {
		uri = s.domain
	}
	r.caller = r.sipp(l.scenario, port, "-r", strconv.Itoa(l.rate), "-m", strconv.Itoa(l.count()), "-l", "100000", "-timeout", strconv.Itoa(l.seconds+25),
		"-key", "caller", l.caller, "-key", "callee", l.callee, "-key", "domain", s.domain,
		"-au", l.caller, "-ap", s.passwords[l.caller], "-auth_uri", uri, "-recv_timeout", "10000", s.udp)
	r.caller.Stdout, r.caller.Stderr = &r.said, &r.said
	r.launch(r.caller)
	return r
}

func (r *running) sipp(scenario string, port int, args ...string) *exec.Cmd {
	file, err := filepath.Abs("testdata/sipp/" + scenario + ".xml")
	if err != nil {
		r.t.Fatal(err)
	}
	stem := filepath.Join(r.dir, scenario)
	cmd := exec.Command("sipp", append([]string{"-sf", file, "-i", "127.0.0.1", "-p", strconv.Itoa(port), "-nostdin", "-nd", "-default_behaviors", "none",
		"-buff_size", "4000000", "-trace_stat", "-fd", "1", "-stf", stem + ".csv", "-trace_err", "-error_file", stem + ".errors"}, args...)...)
	cmd.Dir = r.dir
	return cmd
}

func (r *running) launch(cmd *exec.Cmd) {
	r.t.Helper()
	if err := cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill() // it may have ended
			_ = cmd.Wait()
		}
	})
}

// end waits for the load and returns what the calling side counted.
func (r *running) end() tally {
	r.t.Helper()
	err := r.caller.Wait()
	got := r.read(r.scenario)
	if r.callee != nil {
		_ = r.callee.Process.Signal(syscall.SIGUSR1) // SIPp's way of being told to end; it may have ended
		_ = r.callee.Wait()
		got.errors += r.read(r.scenario + "_callee").errors
	}
	if err != nil {
		got.errors += fmt.Sprintf("sipp: %v\n%s", err, r.said.String()[max(0, r.said.Len()-1500):])
	}
	return got
}

func (r *running) read(scenario string) tally {
	stem := filepath.Join(r.dir, scenario)
	errors, _ := os.ReadFile(stem + ".errors") // there is none without failures
	got := tally{errors: string(errors[:min(len(errors), 1500)])}
	table, err := os.ReadFile(stem + ".csv")
	rows := strings.Split(strings.TrimSpace(string(table)), "\n")
	if err != nil || len(rows) < 2 {
		return got
	}
	names, last := strings.Split(rows[0], ";"), strings.Split(rows[len(rows)-1], ";")
	column := func(name string) int {
		for i := range min(len(names), len(last)) {
			if names[i] == name {
				n, _ := strconv.Atoi(last[i])
				return n
			}
		}
		return -1
	}
	got.created, got.succeeded = column("TotalCallCreated"), column("SuccessfulCall(C)")
	got.failed, got.resent = column("FailedCall(C)"), column("Retransmissions(C)")
	return got
}

// flawless fails the test unless every operation of the load succeeded.
func (r *running) flawless() {
	r.t.Helper()
	if got := r.end(); got.created != r.count() || got.succeeded != r.count() || got.failed != 0 {
		r.t.Errorf("%s at %d/s: %d of %d succeeded, %d failed, %d sent again\n%s", r.scenario, r.rate, got.succeeded, r.count(), got.failed, got.resent, got.errors)
	} else {
		r.t.Logf("%s at %d/s: all %d succeeded, %d sent again", r.scenario, r.rate, got.succeeded, got.resent)
	}
}

// registerContact makes the called side of a load the contact of its user.
func registerContact(t *testing.T, s *site, user string, port int) {
	t.Helper()
	p := newPhone(t, s, "udp")
	p.contactAddress = fmt.Sprintf("127.0.0.1:%d", port)
	p.register(s, user)
}

func freePort(t *testing.T) int {
	t.Helper()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.LocalAddr().(*net.UDPAddr).Port
}

// awaitPort waits until somebody has bound a UDP port.
func awaitPort(t *testing.T, port int) {
	t.Helper()
	taken := func() bool {
		c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
		if err == nil {
			c.Close()
		}
		return err != nil
	}
	if !eventually(t.Context(), 5*time.Second, taken) {
		t.Fatalf("nobody listens at UDP port %d", port)
	}
}
