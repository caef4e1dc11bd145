package names

import (
	"net/netip"
	"testing"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/transport"
)

func listener(t sip.Transport, local, host string, port uint16) transport.Listener {
	return transport.Listener{Transport: t, Local: netip.MustParseAddrPort(local), Host: host, Port: port}
}

// office listens at two ports, speaks TLS under an advertised name, and serves two domains.
func office() *Names {
	return New([]transport.Listener{
		listener(sip.UDP, "192.0.2.1:5060", "192.0.2.1", 5060),
		listener(sip.TCP, "192.0.2.1:5070", "192.0.2.1", 5070),
		listener(sip.TLS, "192.0.2.1:5061", "sip.example.org", 443),
		listener(sip.UDP, "[2001:db8::1]:5060", "2001:db8::1", 5060),
	}, []string{"Example.ORG", "example.net"})
}

func uri(t *testing.T, s string) *sip.URI {
	t.Helper()
	u, err := sip.ParseURI(s)
	if err != nil {
		t.Fatal(err)
	}
	return &u
}

func TestWhatIsOursAndWhatIsServedHere(t *testing.T) {
	t.Parallel()
	n := office()
	for _, test := range []struct {
		uri        string
		own, local bool // as a Route, as a request URI
	}{
		{"sip:192.0.2.1;lr", true, true},
		{"sip:192.0.2.1:5060;lr", true, true},
		{"sip:192.0.2.1:5070;transport=tcp;lr", true, true},
		{"sip:192.0.2.1:5080;lr", false, false},
		{"sips:sip.example.org:443;lr", true, true},
		{"sips:192.0.2.1;lr", true, true},
		{"sip:SIP.Example.Org.", false, true}, // port 5060 is not where this name is advertised
		{"sip:[2001:DB8:0::1]", true, true},
		{"sip:example.org;lr", true, true},
		{"sip:EXAMPLE.net:5070;lr", true, true},
		{"sip:example.org:5080", false, true},
		{"sip:192.0.2.2;lr", false, false},
		{"sip:other.example.org", false, false},
		{"tel:+4930", false, false},
	} {
		u := uri(t, test.uri)
		if own, local := n.IsOwnURI(u), n.IsLocal(u); own != test.own || local != test.local {
			t.Errorf("%s: own %v, local %v", test.uri, own, local)
		}
	}
}

func TestAddressesOfRecordHaveOneKey(t *testing.T) {
	t.Parallel()
	n := office()
	for text, want := range map[string]string{
		"sip:bob@example.org":             "sip:bob@example.org",
		"sip:b%6fb@EXAMPLE.org;user=x":    "sip:bob@example.org",
		"sips:bob@example.org":            "sip:bob@example.org",
		"sip:bob@example.net":             "sip:bob@example.net",
		"sip:bob@192.0.2.1":               "sip:bob@example.org",
		"sips:bob@192.0.2.1:5061":         "sip:bob@example.org",
		"sip:bob@[2001:db8::1]:5060":      "sip:bob@example.org",
		"sip:bob@elsewhere.example":       "sip:bob@elsewhere.example",
		"sip:bob@elsewhere.example:5070":  "sip:bob@elsewhere.example",
		"sips:bob@elsewhere.example:5071": "sip:bob@elsewhere.example",
		"sip:bob@192.0.2.1:9":             "sip:bob@192.0.2.1",
		"tel:+49-30-1":                    "tel:+49301",
	} {
		if got := n.AOR(uri(t, text)); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

func TestTowardPrefersWhereTheRequestCameIn(t *testing.T) {
	t.Parallel()
	n := New([]transport.Listener{
		listener(sip.UDP, "127.0.0.1:5060", "127.0.0.1", 5060),
		listener(sip.UDP, "192.0.2.1:5060", "192.0.2.1", 5060),
		listener(sip.UDP, "192.0.2.1:5070", "192.0.2.1", 5070),
		listener(sip.UDP, "198.51.100.1:5060", "198.51.100.1", 5060),
	}, nil)
	for _, test := range []struct{ from, remote, want string }{
		{"192.0.2.1:5070", "203.0.113.1", "192.0.2.1:5070"},
		{"198.51.100.1:5060", "203.0.113.1", "198.51.100.1:5060"},
		{"192.0.2.1:5060", "127.0.0.2", "127.0.0.1:5060"},
		{"127.0.0.1:5060", "203.0.113.1", "192.0.2.1:5060"},
		{"192.0.2.1:5060", "2001:db8::2", ""},
	} {
		l, ok := n.Toward(sip.UDP, netip.MustParseAddr(test.remote), sip.Flow{Transport: sip.UDP, Local: netip.MustParseAddrPort(test.from)})
		if ok != (test.want != "") || ok && l.Local.String() != test.want {
			t.Errorf("from %s to %s: %v %v", test.from, test.remote, l.Local, ok)
		}
	}
	if !n.Speaks(sip.UDP) || n.Speaks(sip.TLS) {
		t.Error("wrong transports")
	}
}

func TestWriteLeavesDefaultsOut(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		listener transport.Listener
		want     string
	}{
		{listener(sip.UDP, "192.0.2.1:5060", "192.0.2.1", 5060), "192.0.2.1"},
		{listener(sip.TLS, "192.0.2.1:5061", "sip.example.org", 5061), "sip.example.org"},
		{listener(sip.TLS, "192.0.2.1:5060", "sip.example.org", 5060), "sip.example.org:5060"},
		{listener(sip.UDP, "[2001:db8::1]:5070", "2001:db8::1", 5070), "[2001:db8::1]:5070"},
	} {
		if got := string(Write(nil, test.listener)); got != test.want {
			t.Errorf("%s, want %s", got, test.want)
		}
	}
}
