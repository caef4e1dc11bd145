package scenario

import (
	"strings"
	"testing"

	"github.com/sipscript/sipscript/sip/siptest"
)

// tlsOptions is a server that speaks TLS as example.org too.
func tlsOptions(s *siptest.Scene) Options {
	o := Options{Listen: []string{"udp:192.0.2.1:5060", "tcp:192.0.2.1:5060", "tls:192.0.2.1:5061"}}
	o.Engine.Domains = []string{"example.org"}
	return o
}

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
