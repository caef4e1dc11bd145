//go:build integration && linux

package integration

import (
	"crypto/tls"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"
)

const answering = `sip.on("INVITE", function(req) req:reply(486) end)`

func TestTakenPortEndsTheServerNamingIt(t *testing.T) {
	t.Parallel()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	s := prepare(t, setting{script: answering, listen: []string{"udp:" + c.LocalAddr().String()}})
	if out, code := outcome(t, s.cmd); code != 1 || !strings.Contains(out, c.LocalAddr().String()) {
		t.Errorf("exit code %d, want 1 and %s named:\n%s", code, c.LocalAddr(), out)
	}
}

func TestBrokenScriptEndsTheServerNamingTheLine(t *testing.T) {
	t.Parallel()
	for name, script := range map[string]string{
		"does not compile": "local a = 1\nlocal b = = 2\n",
		"raises":           "local a = 1\nerror('on purpose')\n",
	} {
		s := prepare(t, setting{script: script})
		if out, code := outcome(t, s.cmd); code != 1 || !strings.Contains(out, "script.lua:2") {
			t.Errorf("%s: exit code %d, want 1 and script.lua:2 named:\n%s", name, code, out)
		}
		s = prepare(t, setting{script: script})
		s.cmd.Args = []string{s.cmd.Path, "check", s.script}
		if out, code := outcome(t, s.cmd); code != 1 || !strings.Contains(out, "script.lua:2: ") {
			t.Errorf("%s: check: exit code %d, want 1 and script.lua:2 named:\n%s", name, code, out)
		}
	}
}

func TestCheckOfGoodScriptSucceeds(t *testing.T) {
	t.Parallel()
	s := prepare(t, setting{script: answering})
	s.cmd.Args = []string{s.cmd.Path, "check", s.script}
	if out, code := outcome(t, s.cmd); code != 0 {
		t.Errorf("exit code %d:\n%s", code, out)
	}
}

func TestTLSWithoutCertificateIsUsage(t *testing.T) {
	t.Parallel()
	s := prepare(t, setting{script: answering, listen: []string{"tls:127.0.0.1:0"}})
	if out, code := outcome(t, s.cmd); code != 2 || !strings.Contains(strings.ToLower(out), "certificate") {
		t.Errorf("exit code %d, want 2 and the certificate named:\n%s", code, out)
	}
}

// ringing starts a server and a call that rings at bob's phone.
func ringing(t *testing.T) (s *server, alice, bob *phone, request string, invite message) {
	t.Helper()
	s = start(t, setting{script: `
sip.on("REGISTER", function(req) registrar.save(req) end)
sip.on("INVITE", function(req) req:proxy(location.lookup(req.uri)) end)`, config: "domains: [example.org]\n"})
	alice, bob = newPhone(t, &s.site, "udp"), newPhone(t, &s.site, "tcp")
	bob.register(&s.site, "bob")
	request = alice.request("INVITE", "sip:bob@"+s.domain, "alice@"+s.domain)
	alice.send(request)
	invite = bob.await("INVITE", func(m message) bool { return m.status() == 0 && m.method() == "INVITE" })
	bob.reply(invite, "180 Ringing")
	alice.await("180", func(m message) bool { return m.status() == 180 })
	return s, alice, bob, request, invite
}

func TestTerminationDrainsCallsInSetUp(t *testing.T) {
	t.Parallel()
	s, alice, bob, request, invite := ringing(t)
	s.signal(t, syscall.SIGTERM)
	s.log.await(t, 5*time.Second, "draining line", func(l line) bool { return l.message() == "draining" })

	refused := alice.exchange(alice.request("INVITE", "sip:bob@"+s.domain, "alice@"+s.domain))
	if refused.status() != 503 || refused.get("Retry-After") == "" {
		t.Errorf("a new call got %q, Retry-After %q; want 503", refused.start, refused.get("Retry-After"))
	}
	if status := alice.options(); status != 503 {
		t.Errorf("OPTIONS got %d, want 503", status)
	}
	if !s.alive() {
		t.Fatal("the server has ended while a call was being set up")
	}
	bob.reply(invite, "200 OK", "Contact: <"+bob.contact("bob")+">")
	if ok := alice.await("200", final(request)); ok.status() != 200 {
		t.Errorf("the ringing call got %q", ok.start)
	}
	if code := s.awaitExit(t, 10*time.Second); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

func TestSecondTerminationStopsAtOnce(t *testing.T) {
	t.Parallel()
	s, _, _, _, _ := ringing(t)
	s.signal(t, syscall.SIGTERM)
	s.log.await(t, 5*time.Second, "draining line", func(l line) bool { return l.message() == "draining" })
	s.signal(t, syscall.SIGTERM)
	if code := s.awaitExit(t, 3*time.Second); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

func TestChangedCertificateIsTakenUpWithoutDroppingAConnection(t *testing.T) {
	t.Parallel()
	s := start(t, setting{script: answering, listen: []string{"tls"}})
	old := newPhone(t, &s.site, "tls")
	if serial, status := serialOf(t, &s.site), old.options(); serial != 1 || status != 200 {
		t.Fatalf("at first: serial number %d, OPTIONS %d", serial, status)
	}
	writeCertificate(t, s.dir, 2)
	if !eventually(t.Context(), 10*time.Second, func() bool { return serialOf(t, &s.site) == 2 }) {
		t.Errorf("the certificate with serial number %d is still in force", serialOf(t, &s.site))
	}
	writeFile(t, s.certFile(), "no certificate")
	s.signal(t, syscall.SIGHUP)
	s.log.await(t, 5*time.Second, "error about the broken certificate", func(l line) bool {
		return l.troubling() && strings.Contains(l.text, "certificate")
	})
	if serial := serialOf(t, &s.site); serial != 2 {
		t.Errorf("after a broken certificate file: serial number %d, want the one before", serial)
	}
	if status := old.options(); status != 200 {
		t.Errorf("OPTIONS over the connection from before: %d", status)
	}
}

// serialOf opens a connection and returns the serial number of the certificate that the server shows.
func serialOf(t *testing.T, s *site) int64 {
	t.Helper()
	dialer := &net.Dialer{Timeout: 5 * time.Second}
	c, err := tls.DialWithDialer(dialer, "tcp4", s.tls, &tls.Config{InsecureSkipVerify: true}) // the certificate is one of the test
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
}
