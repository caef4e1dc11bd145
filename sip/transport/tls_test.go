package transport

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io/fs"
	"maps"
	"math/big"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sipscript/sipscript/sip"
)

// These tests run on the loopback: a TLS handshake wants both directions of a connection to hold a little.

// memoryFiles is files that a test can change.
type memoryFiles struct {
	mu   sync.Mutex
	data map[string][]byte
}

func (f *memoryFiles) ReadFile(path string) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	b, ok := f.data[path]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	return b, nil
}

func (f *memoryFiles) write(files map[string][]byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	maps.Copy(f.data, files)
}

// authority issues certificates, valid whatever the clock says.
type authority struct {
	t     testing.TB
	cert  *x509.Certificate
	key   *ecdsa.PrivateKey
	files *memoryFiles // has ca.pem from the start
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	a := &authority{t: t, files: &memoryFiles{data: map[string][]byte{}}}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test Authority"},
		NotBefore: time.Unix(0, 0), NotAfter: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	var der []byte
	a.key, der = a.sign(template, template)
	a.cert, _ = x509.ParseCertificate(der)
	a.files.data["ca.pem"] = pemOf("CERTIFICATE", der)
	return a
}

func (a *authority) sign(template, parent *x509.Certificate) (*ecdsa.PrivateKey, []byte) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	signer := a.key
	if signer == nil {
		signer = key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		a.t.Fatal(err)
	}
	return key, der
}

func pemOf(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// issue returns the PEM of a certificate and key for names: DNS names, IP addresses and sip URIs.
func (a *authority) issue(names ...string) (cert, key []byte) {
	a.t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), NotBefore: time.Unix(0, 0), NotAfter: a.cert.NotAfter,
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	addNames(template, names)
	k, der := a.sign(template, a.cert)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		a.t.Fatal(err)
	}
	return pemOf("CERTIFICATE", der), pemOf("PRIVATE KEY", pkcs8)
}

func addNames(cert *x509.Certificate, names []string) {
	for _, n := range names {
		if ip := net.ParseIP(n); ip != nil {
			cert.IPAddresses = append(cert.IPAddresses, ip)
		} else if u, err := url.Parse(n); err == nil && u.Scheme != "" {
			cert.URIs = append(cert.URIs, u)
		} else {
			cert.DNSNames = append(cert.DNSNames, n)
		}
	}
}

// config writes a certificate for each name to name.pem and name.key and configures them.
func (a *authority) config(names ...string) TLSConfig {
	a.t.Helper()
	cfg := TLSConfig{CA: "ca.pem"}
	for _, n := range names {
		a.renew(n)
		cfg.Certificates = append(cfg.Certificates, Certificate{Cert: n + ".pem", Key: n + ".key"})
	}
	return cfg
}

// renew writes a new certificate for name.
func (a *authority) renew(name string) {
	a.t.Helper()
	cert, key := a.issue(name)
	a.files.write(map[string][]byte{name + ".pem": cert, name + ".key": key})
}

func (a *authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// secure starts a transport with one TLS listener on the loopback.
func secure(t *testing.T, a *authority, cfg TLSConfig) (*Transport, *witness) {
	t.Helper()
	return start(t, Config{Listen: listen("tls:127.0.0.1:0"), TLS: cfg, Files: a.files})
}

// phone connects as a TLS client does and returns the connection after the handshake.
func phone(t *testing.T, tr *Transport, cfg *tls.Config) (*tls.Conn, error) {
	t.Helper()
	raw, err := net.Dial("tcp", tr.Listeners()[0].Local.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { raw.Close() })
	raw.SetDeadline(time.Now().Add(20 * time.Second)) // so that a failing test ends
	c := tls.Client(raw, cfg)
	return c, c.Handshake()
}

// eventually waits for what another goroutine is about to do to real sockets.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("not in 20 seconds: " + what)
		}
	}
}

func (w *witness) received() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.inbound)
}

func TestCertificateIsChosenByServerName(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	tr, w := secure(t, a, a.config("one.example.org", "two.example.org"))
	for asked, want := range map[string]string{
		"one.example.org":   "one.example.org",
		"two.example.org":   "two.example.org",
		"three.example.org": "one.example.org", // the first one when none fits
		"":                  "one.example.org",
	} {
		c, err := phone(t, tr, &tls.Config{ServerName: asked, RootCAs: a.pool(), InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		if got := c.ConnectionState().PeerCertificates[0].DNSNames[0]; got != want {
			t.Errorf("asked for %q, got the certificate of %q", asked, got)
		}
		c.Write(request("z9hG4bKa"))
	}
	eventually(t, "a request by each connection", func() bool { return w.received() == 4 })
	if f := w.inbound[0].Flow; f.Transport != sip.TLS || f.Local != tr.Listeners()[0].Local {
		t.Errorf("flow %+v", f)
	}
}

func TestReloadedCertificateIsForNewConnections(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	tr, w := secure(t, a, a.config("sip.example.org"))
	serial := func(c *tls.Conn) string { return string(c.ConnectionState().PeerCertificates[0].Raw) }
	cfg := &tls.Config{ServerName: "sip.example.org", RootCAs: a.pool()}
	before, err := phone(t, tr, cfg)
	if err != nil {
		t.Fatal(err)
	}
	a.renew("sip.example.org")
	if err := tr.ReloadCertificates(); err != nil {
		t.Fatal(err)
	}
	after, err := phone(t, tr, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if serial(before) == serial(after) {
		t.Error("the old certificate is still in force")
	}
	before.Write(request("z9hG4bKa"))
	eventually(t, "a request by the connection from before", func() bool { return w.received() == 1 })
}

func TestBrokenPairLeavesTheOldInForce(t *testing.T) {
	t.Parallel()
	other, _ := newAuthority(t).issue("sip.example.org")
	for name, test := range map[string]struct {
		files map[string][]byte
		names string // what the error names
	}{
		"certificate of another key": {map[string][]byte{"sip.example.org.pem": other}, "sip.example.org.pem"},
		"garbage":                    {map[string][]byte{"sip.example.org.key": []byte("half a fi")}, "sip.example.org.key"},
		"authorities without one":    {map[string][]byte{"ca.pem": nil}, "ca.pem"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAuthority(t)
			tr, _ := secure(t, a, a.config("sip.example.org"))
			a.files.write(test.files)
			if err := tr.ReloadCertificates(); err == nil || !strings.Contains(err.Error(), test.names) {
				t.Errorf("ReloadCertificates: %v", err)
			}
			if _, err := phone(t, tr, &tls.Config{ServerName: "sip.example.org", RootCAs: a.pool()}); err != nil {
				t.Errorf("the old certificate is not in force: %v", err)
			}
		})
	}
}

func TestMissingCertificateFileIsNamed(t *testing.T) {
	t.Parallel()
	_, err := Open(Config{Net: newFakeNet(), Receive: func([]Inbound) {}, Files: newAuthority(t).files,
		TLS: TLSConfig{Certificates: []Certificate{{Cert: "none.pem", Key: "none.key"}}}})
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "none.pem") {
		t.Errorf("Open: %v", err)
	}
}

func TestOldTLSIsRefused(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		configured string
		offered    uint16
		want       bool
	}{
		{"", tls.VersionTLS11, false},
		{"", tls.VersionTLS12, true},
		{"1.2", tls.VersionTLS13, true},
		{"1.3", tls.VersionTLS12, false},
		{"1.3", tls.VersionTLS13, true},
	} {
		a := newAuthority(t)
		cfg := a.config("sip.example.org")
		cfg.MinVersion = test.configured
		tr, w := secure(t, a, cfg)
		_, err := phone(t, tr, &tls.Config{ServerName: "sip.example.org", RootCAs: a.pool(), MinVersion: tls.VersionTLS10, MaxVersion: test.offered})
		if (err == nil) != test.want {
			t.Errorf("minimum %q, offered %x: %v", test.configured, test.offered, err)
		}
		if !test.want {
			eventually(t, "the end of the connection counted", func() bool { return w.count(ConnectionEnded) == 1 })
		}
	}
	if _, err := loadCredentials(TLSConfig{MinVersion: "1.1"}, nil); err == nil {
		t.Error("a minimum of 1.1 was accepted (RFC 8996)")
	}
}

func TestClientMustShowACertificateOfTheConfiguredAuthority(t *testing.T) {
	t.Parallel()
	a, stranger := newAuthority(t), newAuthority(t)
	cfg := a.config("sip.example.org")
	cfg.ClientCA = "ca.pem"
	tr, w := secure(t, a, cfg)
	pair := func(from *authority) []tls.Certificate {
		cert, err := tls.X509KeyPair(from.issue("phone.example.org"))
		if err != nil {
			t.Fatal(err)
		}
		return []tls.Certificate{cert}
	}
	for name, test := range map[string]struct {
		certs []tls.Certificate
		want  bool
	}{
		"ours":    {pair(a), true},
		"another": {pair(stranger), false},
		"none":    {nil, false},
	} {
		c, err := phone(t, tr, &tls.Config{ServerName: "sip.example.org", RootCAs: a.pool(), Certificates: test.certs})
		if err == nil {
			_, err = c.Write([]byte("\r\n\r\n"))
		}
		if err == nil { // in TLS 1.3 a client hears of the refusal when it reads
			_, err = c.Read(make([]byte, 2))
		}
		if (err == nil) != test.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	eventually(t, "two connections refused", func() bool { return w.count(ConnectionEnded) == 2 })
}

// pair starts a server for names and a client, both of one authority, and returns the flow from one to the other.
func pair(t *testing.T, names ...string) (client *Transport, told *witness, server *witness, flow sip.Flow) {
	t.Helper()
	a := newAuthority(t)
	cert, key := a.issue(names...)
	a.files.write(map[string][]byte{"server.pem": cert, "server.key": key})
	cfg := a.config("client.example.org")
	client, told = secure(t, a, cfg)
	cfg.Certificates = []Certificate{{Cert: "server.pem", Key: "server.key"}}
	tr, server := secure(t, a, cfg)
	return client, told, server, sip.Flow{Transport: sip.TLS, Local: client.Listeners()[0].Local, Remote: tr.Listeners()[0].Local}
}

func TestServerIsVerifiedForTheNameAskedFor(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		names  []string
		server string
		want   bool
	}{
		{[]string{"sip.example.org"}, "sip.example.org", true},
		{[]string{"sip.example.org"}, "other.example.org", false},
		{[]string{"127.0.0.1"}, "", true},
		{[]string{"sip.example.org"}, "", false},
	} {
		client, told, server, flow := pair(t, test.names...)
		client.Sender(0).SendTo(flow, test.server, request("z9hG4bKa"))
		if test.want {
			eventually(t, "the request", func() bool { return server.received() == 1 })
			continue
		}
		var fs []Failure
		eventually(t, "the failure", func() bool { fs = append(fs, told.takeFailures()...); return len(fs) > 0 })
		if len(fs) != 1 || !errors.Is(fs[0].Err, ErrIdentity) || fs[0].Branch != "z9hG4bKa" || server.received() > 0 {
			t.Errorf("%v asked for %q: %+v", test.names, test.server, fs)
		}
		eventually(t, "the flow closed", func() bool { return len(told.takeClosed()) == 1 })
	}
}

func TestServerOfAnUnknownAuthorityIsRefused(t *testing.T) {
	t.Parallel()
	_, _, _, flow := pair(t, "sip.example.org")
	stranger := newAuthority(t)
	client, told := secure(t, stranger, stranger.config("client.example.org"))
	flow.Local = client.Listeners()[0].Local
	client.Sender(0).SendTo(flow, "sip.example.org", request("z9hG4bKa"))
	var fs []Failure
	eventually(t, "the failure", func() bool { fs = append(fs, told.takeFailures()...); return len(fs) > 0 })
	if unknown := (x509.UnknownAuthorityError{}); !errors.As(fs[0].Err, &unknown) {
		t.Errorf("failure %+v", fs[0])
	}
}

// A connection proves one name. A message for another goes by another connection, which may fail.
func TestConnectionIsReusedForTheVerifiedNameOnly(t *testing.T) {
	t.Parallel()
	client, told, server, flow := pair(t, "one.example.org", "two.example.org")
	for i, name := range []string{"one.example.org", "one.example.org", "two.example.org", "three.example.org"} {
		client.Sender(0).SendTo(flow, name, request("z9hG4bKa"))
		if i < 3 {
			eventually(t, "the request", func() bool { return server.received() == i+1 })
		}
	}
	eventually(t, "the failure", func() bool { return len(told.takeFailures()) == 1 })
	var conns []uint64
	for _, in := range server.inbound {
		conns = append(conns, in.Flow.Conn)
	}
	if conns[0] != conns[1] || conns[1] == conns[2] {
		t.Errorf("connections %v", conns)
	}
}

func TestSIPIdentitiesOfACertificate(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		names []string
		asked string
		want  bool
	}{
		{[]string{"example.org"}, "example.org", true},
		{[]string{"example.org"}, "EXAMPLE.org.", true},
		{[]string{"example.org"}, "sip.example.org", false},       // no suffixes
		{[]string{"*.example.org"}, "sip.example.org", false},     // no wildcards
		{[]string{"*.example.org"}, "*.example.org", false},       // not even themselves: no such name can be asked for
		{[]string{"sip:example.org"}, "example.org", true},        // the URI form
		{[]string{"SIP:example.org;x=y"}, "example.org", true},    // its scheme in any case, parameters not compared
		{[]string{"sip:alice@example.org"}, "example.org", false}, // a user, not a domain
		{[]string{"sips:example.org"}, "example.org", false},
		{[]string{"https://example.org"}, "example.org", false},
		{[]string{"sip:a.example.org", "b.example.org"}, "b.example.org", false}, // DNS names only without a sip URI
		{[]string{"sip:alice@example.org", "b.example.org"}, "b.example.org", true},
		{[]string{"192.0.2.1"}, "192.0.2.1", true},
		{[]string{"192.0.2.1"}, "192.0.2.2", false},
		{[]string{"2001:db8::1"}, "[2001:DB8:0::1]", true},
		{[]string{"192.0.2.1.example.org"}, "192.0.2.1", false},
		{nil, "example.org", false},
	} {
		cert := &x509.Certificate{Subject: pkix.Name{CommonName: "example.org"}}
		addNames(cert, test.names)
		if err := verifyIdentity(cert, test.asked); (err == nil) != test.want {
			t.Errorf("%v asked for %q: %v", test.names, test.asked, err)
		}
	}
}

func TestLastAnswerArrivesBeforeTheEnd(t *testing.T) {
	t.Parallel()
	for _, spec := range []string{"tcp:127.0.0.1:0", "tls:127.0.0.1:0"} {
		t.Run(spec, func(t *testing.T) {
			t.Parallel()
			a := newAuthority(t)
			tr, _ := start(t, Config{Listen: listen(spec), TLS: a.config("sip.example.org"), Files: a.files})
			var c net.Conn
			var err error
			if tr.Listeners()[0].Transport == sip.TLS {
				c, err = phone(t, tr, &tls.Config{ServerName: "sip.example.org", RootCAs: a.pool()})
			} else {
				c, err = net.Dial("tcp", tr.Listeners()[0].Local.String())
			}
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			// Unread bytes at the server would have it reset the connection, answer and all.
			c.Write(withBody("z9hG4bKa", 100_000))
			got := answer(t, c)
			if statusOf(t, got) != 513 {
				t.Errorf("answered %q", got)
			}
			if n, err := c.Read(make([]byte, 1)); n > 0 || err == nil {
				t.Error("the connection is still open")
			}
		})
	}
}

func TestEndToEndOverRealSockets(t *testing.T) {
	t.Parallel()
	for _, addr := range []string{"127.0.0.1:0", "[::1]:0"} {
		for _, transport := range []string{"udp", "tcp"} {
			t.Run(transport+" "+addr, func(t *testing.T) {
				t.Parallel()
				a, _ := start(t, Config{Listen: listen(transport + ":" + addr), Shards: 2})
				b, heard := start(t, Config{Listen: listen(transport + ":" + addr), Shards: 2})
				flow := sip.Flow{Transport: a.Listeners()[0].Transport, Local: a.Listeners()[0].Local, Remote: b.Listeners()[0].Local}
				for shard := range 2 {
					a.Sender(shard).Send(flow, request("z9hG4bKa"))
					a.Sender(shard).Flush()
				}
				eventually(t, "both requests", func() bool { return heard.received() == 2 })
				in := heard.inbound[0]
				if in.Flow.Local != b.Listeners()[0].Local || in.Flow.Remote.Addr() != flow.Local.Addr() {
					t.Errorf("flow %+v", in.Flow)
				}
				if transport == "udp" && in.Flow.Remote != flow.Local {
					t.Errorf("sent from %v, not from the listener's address", in.Flow.Remote)
				}
			})
		}
	}
}

func TestRealWildcardNamesLocalAddresses(t *testing.T) {
	t.Parallel()
	addrs, err := Real().LocalAddrs()
	if err != nil {
		t.Fatal(err)
	}
	loopback := false
	for _, a := range addrs {
		loopback = loopback || a == netip.MustParseAddr("127.0.0.1")
		if a.Zone() != "" || a.Is4In6() || a.IsUnspecified() {
			t.Errorf("address %v", a)
		}
	}
	if !loopback {
		t.Errorf("no loopback among %v", addrs)
	}
}

func TestRealRouteToTheLoopback(t *testing.T) {
	t.Parallel()
	router, ok := Real().(Router)
	if !ok {
		t.Fatal("the kernel's Net has no routes")
	}
	if local, err := router.Route(netip.MustParseAddr("127.0.0.1")); err != nil || !local.IsLoopback() {
		t.Errorf("from %v, %v", local, err)
	}
}
