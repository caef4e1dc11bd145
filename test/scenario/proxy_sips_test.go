package scenario

import (
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/resolve"
	"github.com/sipscript/sipscript/sip/siptest"
	"github.com/sipscript/sipscript/sip/transport"
)

func TestB144WithoutTLSNoSipsPasses(t *testing.T) {
	for _, test := range []struct{ name, uri, target, warning string }{
		{"sips to sip", "sips:bob@192.0.2.1", toBob, "380"},
		{"sip to a sips contact that cannot be reached", "sip:bob@192.0.2.1", "sips:bob@192.0.2.20", "381"},
	} {
		t.Run(test.name, func(t *testing.T) {
			play(t, proxyTo(`"`+test.target+`"`), Options{}, func(t *testing.T, s *siptest.Scene, srv *Server) {
				alice, bob := alice(s), bob(s)
				alice.Request("INVITE", test.uri)
				got := alice.Expect("480", soon)
				if w := header(got, "Warning"); !strings.HasPrefix(w, test.warning+" ") {
					t.Errorf("Warning %q", w)
				}
				bob.ExpectNone(soon)
				ended(t, srv, "unavailable", "480")
			})
		})
	}
}

// pemFiles are files by their names.
type pemFiles map[string][]byte

func (f pemFiles) ReadFile(name string) ([]byte, error) {
	if b, ok := f[name]; ok {
		return b, nil
	}
	return nil, fmt.Errorf("open %s: %w", name, os.ErrNotExist)
}

// secureOptions are those of a server on UDP, TCP and TLS that is example.org.
func secureOptions(files pemFiles) Options {
	o := Options{Listen: []string{"udp:192.0.2.1:5060", "tcp:192.0.2.1:5060", "tls:192.0.2.1:5061"}, Files: files}
	o.Engine.Domains = []string{"example.org"}
	o.Names = resolve.Static{"bobs.example": {netip.MustParseAddr("192.0.2.66")}} // as somebody who poisons its cache has it
	o.Engine.TLS = transport.TLSConfig{Certificates: []transport.Certificate{{Cert: "cert", Key: "key"}}, CA: "ca"}
	return o
}

// playSecurely is play with secureOptions.
func playSecurely(t *testing.T, source string, f func(t *testing.T, s *siptest.Scene, srv *Server)) {
	t.Helper()
	t.Parallel()
	siptest.Run(t, siptest.Setting{Server: "192.0.2.1:5061"}, func(t *testing.T, s *siptest.Scene) {
		cert, key := s.Net.Authority().IssuePEM("example.org", "192.0.2.1")
		f(t, s, Start(t, s, source, secureOptions(pemFiles{"cert": cert, "key": key, "ca": s.Net.Authority().PEM()})))
	})
}

func secure(s *siptest.Scene, name, addr string) *siptest.UA {
	return s.UA(name, addr, sip.TLS).Domain("example.org")
}

func TestB144SipsGoesToSipsOnlyAndSipStaysSip(t *testing.T) {
	for _, test := range []struct {
		name, uri, contact string
		arrives            string // request URI; "" is a 480
		warning            string
	}{
		{"sips to sips", "sips:bob@example.org", "sips:bob@192.0.2.20:5061", "sips:bob@192.0.2.20:5061", ""},
		{"sips to sip over TLS", "sips:bob@example.org", "sip:bob@192.0.2.20:5061;transport=tls", "", "380"},
		{"sip to sips", "sip:bob@example.org", "sips:bob@192.0.2.20:5061", "sip:bob@192.0.2.20:5061", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			playSecurely(t, registrarScript, func(t *testing.T, s *siptest.Scene, _ *Server) {
				alice, bob := secure(s, "alice", "192.0.2.10:5061"), secure(s, "bob", "192.0.2.20:5061")
				bob.Register(test.contact[:strings.IndexByte(test.contact, ':')]+":bob@example.org", "<"+test.contact+">")
				alice.Request("INVITE", test.uri, siptest.Set("Contact", "<sips:alice@192.0.2.10:5061>"))
				if test.arrives == "" {
					if w := header(alice.Expect("480", soon), "Warning"); !strings.HasPrefix(w, test.warning+" ") {
						t.Errorf("Warning %q", w)
					}
					return
				}
				invite := bob.Expect("INVITE", soon)
				if invite.URIText() != test.arrives {
					t.Errorf("request URI %q", invite.URIText())
				}
				for _, rr := range list(invite, sip.RecordRoute) {
					if strings.HasPrefix(rr, "<sips:") != strings.HasPrefix(test.arrives, "sips:") {
						t.Errorf("Record-Route %q", rr)
					}
				}
				bob.Reply(invite, 200)
				c := alice.Dialog(alice.Expect("200", soon))
				c.ACK()
				bob.Expect("ACK", soon)
				c.BYE()
				bob.Reply(bob.Expect("BYE", soon), 200)
				alice.Expect("200 BYE", soon)
			})
		})
	}
}

func TestB144ASipsTargetIsDialledOverTLSAndItsNameChecked(t *testing.T) {
	script := proxyTo(`{ "sips:bob@bobs.example", "sips:bob@192.0.2.20", serial = true }`, "{ next_on = { 503 } }")
	playSecurely(t, script, func(t *testing.T, s *siptest.Scene, srv *Server) {
		alice, bob := secure(s, "alice", "192.0.2.10:5061"), secure(s, "bob", "192.0.2.20:5061")
		mallory := secure(s, "mallory", "192.0.2.66:5061") // has a certificate of the authority, of another name
		alice.Request("INVITE", "sips:bob@example.org")
		refuse(bob, bob.Expect("INVITE", time.Second), 486)
		alice.Expect("486", time.Second)
		mallory.ExpectNone(soon)
		if n := opened(s); n != 3 {
			t.Errorf("%d connections were opened, want alice's, and one to mallory and bob each", n)
		}
	})
}

func TestB042ARecordOverTheBorderOfTLSNeedsNoRewriting(t *testing.T) {
	playSecurely(t, proxyTo(`"`+toBob+`"`), func(t *testing.T, s *siptest.Scene, _ *Server) {
		alice := secure(s, "alice", "192.0.2.10:5061")
		bob := siptest.NewUA(t, s.Net, "bob", "192.0.2.20:5060", sip.UDP, "192.0.2.1:5060")
		alice.Request("INVITE", "sip:bob@example.org", siptest.Header("Record-Route", "<sip:192.0.2.10;lr;x=1>"))
		invite := bob.Expect("INVITE", soon)
		recorded := list(invite, sip.RecordRoute)
		if len(recorded) != 3 || recorded[0] != "<sip:192.0.2.1;lr>" || !strings.Contains(recorded[1], "192.0.2.1;transport=tls;lr>") {
			t.Errorf("Record-Route %q", recorded)
		}
		bob.Reply(invite, 200, func(m *sip.Message) { m.Prepend("Record-Route", "<sip:192.0.2.20;lr>") })
		answer := alice.Expect("200", soon)
		if got := list(answer, sip.RecordRoute); !slices.Equal(got[1:], recorded) || got[0] != "<sip:192.0.2.20;lr>" {
			t.Errorf("Record-Route of the 200 %q", got)
		}
	})
}
