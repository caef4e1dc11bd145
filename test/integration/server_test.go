//go:build integration && linux

package integration

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// site is what a client has to know of a server.
type site struct {
	udp, tcp, tls string // ADDR:PORT
	domain        string
	passwords     map[string]string
}

// address returns where the server listens for a transport, "udp", "tcp" or "tls".
func (s *site) address(transport string) string {
	return map[string]string{"udp": s.udp, "tcp": s.tcp, "tls": s.tls}[transport]
}

// server is the server as a child process.
type server struct {
	site
	dir    string // of its script, config and certificates
	script string
	config string
	cmd    *exec.Cmd
	log    *logBook
	done   chan struct{} // closed when the process has ended
}

// setting is how a server is started. Zero values: listeners on UDP and TCP, no config file.
type setting struct {
	script string   // text of the script
	listen []string // "udp" is written for udp:127.0.0.1:0
	config string   // text of the config file
}

// office is what phones find: the example that the README begins with, its users and passwords.
func office(t *testing.T) setting {
	t.Helper()
	return setting{script: readFile(t, "../../scripts/examples/office.lua"), listen: []string{"udp", "tcp"}, config: "domains: [example.org]\n"}
}

func officeSite(s *site) {
	s.domain = "example.org"
	s.passwords = map[string]string{"alice": "wonderland", "bob": "builder", "carol": "christmas"}
}

// prepare writes the files of a server into a folder of its own and returns it, with its command not yet started.
func prepare(t *testing.T, set setting) *server {
	t.Helper()
	s := &server{dir: t.TempDir(), log: newLogBook(), done: make(chan struct{})}
	officeSite(&s.site)
	s.script = filepath.Join(s.dir, "script.lua")
	writeFile(t, s.script, set.script)
	args := []string{"run"}
	listen := set.listen
	if listen == nil {
		listen = []string{"udp", "tcp"}
	}
	for _, l := range listen {
		if l == "tls" {
			writeCertificate(t, s.dir, 1)
			set.config += fmt.Sprintf("tls: {certificates: [{cert: %q, key: %q}]}\n", s.certFile(), s.keyFile())
		}
		if !strings.Contains(l, ":") {
			l += ":127.0.0.1:0"
		}
		args = append(args, "--listen", l)
	}
	if set.config != "" {
		s.config = filepath.Join(s.dir, "sipscript.yaml")
		writeFile(t, s.config, set.config)
		args = append(args, "--config", s.config)
	}
	s.cmd = exec.Command(*program, append(args, s.script)...)
	return s
}

// start runs a server and waits until it is ready; the test's end stops it.
func start(t *testing.T, set setting) *server {
	t.Helper()
	s := prepare(t, set)
	stderr, err := s.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(s.done)
		s.log.read(stderr)
		_ = s.cmd.Wait() // the exit code is asked of ProcessState
	}()
	t.Cleanup(func() {
		s.stop()
		if t.Failed() {
			t.Logf("log of the server, its end:\n%s", s.log.tail(60))
		}
	})
	ready := s.log.await(t, 10*time.Second, "the ready line", func(l line) bool { return l.message() == "ready" })
	for _, address := range ready.list("listen") {
		transport, at, _ := strings.Cut(address, ":")
		switch transport {
		case "udp":
			s.udp = at
		case "tcp":
			s.tcp = at
		case "tls":
			s.tls = at
		}
	}
	return s
}

// stop ends the process: in order, or by force when it does not end within 5 s.
func (s *server) stop() {
	for _, sig := range []os.Signal{syscall.SIGTERM, syscall.SIGTERM, syscall.SIGKILL} {
		_ = s.cmd.Process.Signal(sig) // it may have ended
		select {
		case <-s.done:
			return
		case <-time.After(2500 * time.Millisecond):
		}
	}
}

func (s *server) signal(t *testing.T, sig os.Signal) {
	t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		t.Fatalf("sending %s: %v", sig, err)
	}
}

func (s *server) alive() bool {
	select {
	case <-s.done:
		return false
	default:
		return true
	}
}

// awaitExit returns the exit code, and fails the test when the process is still there after timeout.
func (s *server) awaitExit(t *testing.T, timeout time.Duration) int {
	t.Helper()
	select {
	case <-s.done:
		return s.cmd.ProcessState.ExitCode()
	case <-time.After(timeout):
		t.Fatalf("the server is still running %s later", timeout)
		return -1
	}
}

// replaceScript puts another script in the place of the one that runs, in one step, as editors do.
func (s *server) replaceScript(t *testing.T, text string) {
	t.Helper()
	next := s.script + ".next"
	writeFile(t, next, text)
	if err := os.Rename(next, s.script); err != nil {
		t.Fatal(err)
	}
}

func (s *server) certFile() string { return filepath.Join(s.dir, "cert.pem") }
func (s *server) keyFile() string  { return filepath.Join(s.dir, "key.pem") }

// outcome runs the server where it is expected to end by itself, and returns what it wrote and its exit code.
func outcome(t *testing.T, cmd *exec.Cmd) (output string, code int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	bounded := exec.CommandContext(ctx, cmd.Path, cmd.Args[1:]...)
	var out bytes.Buffer
	bounded.Stdout, bounded.Stderr = &out, &out
	var exit *exec.ExitError
	if err := bounded.Run(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if ctx.Err() != nil {
		t.Fatalf("still running after 10 s:\n%s", out.String())
	}
	return out.String(), bounded.ProcessState.ExitCode()
}

// writeCertificate writes a fresh key and a certificate of itself with that serial number.
func writeCertificate(t *testing.T, dir string, serial int64) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "example.org"},
		DNSNames: []string{"example.org", "localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "key.pem"), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})))
	writeFile(t, filepath.Join(dir, "cert.pem"), string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
