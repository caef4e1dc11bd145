package scenario

import (
	"context"
	"crypto/tls"
	"strings"
	"testing"
	"time"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/siptest"
)

const officeOfTwo = `
	sip.on("REGISTER", function(req) registrar.save(req) end)
	sip.on("INVITE", function(req)
		local result = req:proxy(location.lookup(req.uri))
		log.info("over", { cause = result.cause })
	end)
	sip.on("MESSAGE", function(req) req:proxy(location.lookup(req.uri)) end)`

func TestContactIsReachedOverTheConnectionItRegisteredOver(t *testing.T) {
	for _, over := range []sip.Transport{sip.TLS, sip.TCP} {
		t.Run(over.String(), func(t *testing.T) {
			playSecurely(t, officeOfTwo, func(t *testing.T, s *siptest.Scene, srv *Server) {
				phone := func(name, addr string) *siptest.UA {
					if over == sip.TLS {
						return secure(s, name, addr)
					}
					return siptest.NewUA(t, s.Net, name, addr, over, "192.0.2.1:5060").Domain("example.org")
				}
				alice, bob := phone("alice", "192.0.2.10:5071"), phone("bob", "192.0.2.20:5071")
				if got := bob.Register("", ""); got.Status() != 200 {
					t.Fatalf("REGISTER got %d", got.Status())
				}
				call := siptest.Call(alice, bob, "sip:bob@example.org")
				call.HangupByCallee()
				if n := countConnects(s); n != 2 {
					t.Errorf("%d connections were opened, want those of the two phones", n)
				}
				// Without it the phone cannot be reached, and is not looked for anywhere else.
				bob.Disconnect()
				time.Sleep(time.Second)
				if n := srv.Engine.Location.Count(); n != 0 {
					t.Errorf("%d contacts are left that nothing leads to", n)
				}
				message := alice.Request(sip.MESSAGE, "sip:bob@example.org")
				if got := alice.Final(message); got.Status() != 480 {
					t.Errorf("a message to a phone without a connection got %d, want 480", got.Status())
				}
				bob.Register("", "")
				siptest.Call(alice, bob, "sip:bob@example.org").Hangup()
				if n := countConnects(s); n != 3 {
					t.Errorf("%d connections were opened, want that of the phone and its next one", n)
				}
			})
		})
	}
}

// shown is the serial number of the certificate that the server shows to a new connection.
func shown(t *testing.T, s *siptest.Scene) string {
	t.Helper()
	c := connect(t, s, "192.0.2.50")
	defer func() { _ = c.Close() }()
	secure := tls.Client(c, &tls.Config{RootCAs: s.Net.Authority().Pool(), ServerName: "example.org"})
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := secure.HandshakeContext(ctx); err != nil {
		t.Fatal(err)
	}
	return secure.ConnectionState().PeerCertificates[0].SerialNumber.String()
}

func TestChangedCertificateIsShownToNewConnectionsOnly(t *testing.T) {
	t.Parallel()
	siptest.Run(t, siptest.Setting{Server: "192.0.2.1:5061"}, func(t *testing.T, s *siptest.Scene) {
		first, key := s.Net.Authority().IssuePEM("example.org", "192.0.2.1")
		files := pemFiles{"cert": first, "key": key, "ca": s.Net.Authority().PEM()}
		o := secureOptions(files)
		srv := Start(t, s, officeOfTwo, o)
		alice, bob := secure(s, "alice", "192.0.2.10:5071"), secure(s, "bob", "192.0.2.20:5071")
		bob.Register("", "")
		call := siptest.Call(alice, bob, "sip:bob@example.org")
		before := shown(t, s)

		files["cert"], files["key"] = s.Net.Authority().IssuePEM("example.org", "192.0.2.1", "sip.example.org")
		if now := shown(t, s); now != before {
			t.Error("a new certificate was shown before anybody asked for it")
		}
		if err := srv.Engine.ReloadCertificates(); err != nil {
			t.Fatal(err)
		}
		after := shown(t, s)
		if after == before {
			t.Error("the old certificate is still shown")
		}

		good := files["key"]
		for name, broken := range map[string][]byte{"key": key, "cert": []byte("nothing"), "ca": nil} {
			was := files[name]
			files[name] = broken
			if err := srv.Engine.ReloadCertificates(); err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("with a broken %s it returned %v", name, err)
			}
			files[name] = was
			if now := shown(t, s); now != after {
				t.Errorf("a broken %s has changed what is shown", name)
			}
		}
		files["key"] = good

		call.Hangup() // over the connections from before
		if n := countConnects(s); n != 2+6 {
			t.Errorf("%d connections were opened, want two of the phones and six of this test", n)
		}
		siptest.Call(alice, bob, "sip:bob@example.org").Hangup()
	})
}
