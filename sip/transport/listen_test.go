package transport

import (
	"net/netip"
	"testing"
)

func TestParseListen(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"udp:0.0.0.0:5060": "udp:0.0.0.0:5060",
		"tls:[::1]:5061":   "tls:[::1]:5061",
		"TCP:127.0.0.1:0":  "tcp:127.0.0.1:0",
		"udp:127.0.0.1":    "udp:127.0.0.1:5060",
		"tls:[::]":         "tls:[::]:5061",
		"tls:::1":          "tls:[::1]:5061",
		"udp":              "",
		"udp:":             "",
		"sctp:127.0.0.1:1": "",
		"udp:localhost:1":  "",
		"udp:127.0.0.1:x":  "",
	} {
		spec, err := ParseListen(in)
		if err == nil && spec.String() != want || (err == nil) != (want != "") {
			t.Errorf("%q: %v, %v", in, spec, err)
		}
	}
}

func TestAdvertisedAddress(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		local, advertise string
		host             string
		port             uint16
	}{
		{"192.0.2.1:5060", "", "192.0.2.1", 5060},
		{"[2001:db8::1]:5060", "", "[2001:db8::1]", 5060},
		{"192.0.2.1:5060", "sip.example.org", "sip.example.org", 5060},
		{"192.0.2.1:5060", "sip.example.org:5080", "sip.example.org", 5080},
		{"192.0.2.1:5060", "2001:db8::2", "[2001:db8::2]", 5060},
		{"192.0.2.1:5060", "[2001:db8::2]", "[2001:db8::2]", 5060},
		{"192.0.2.1:5060", "[2001:db8::2]:5080", "[2001:db8::2]", 5080},
		{"192.0.2.1:5060", "198.51.100.7:5080", "198.51.100.7", 5080},
		{"192.0.2.1:5060", "a host", "", 0},
		{"192.0.2.1:5060", "sip:example.org", "", 0},
		{"192.0.2.1:5060", "example.org:0", "", 0},
		{"192.0.2.1:5060", ":5060", "", 0},
	} {
		l, err := newListener(ListenSpec{Advertise: test.advertise}, netip.MustParseAddrPort(test.local))
		if test.host == "" {
			if err == nil {
				t.Errorf("%q was accepted as %s:%d", test.advertise, l.Host, l.Port)
			}
			continue
		}
		if err != nil || l.Host != test.host || l.Port != test.port {
			t.Errorf("%q: %s:%d, %v", test.advertise, l.Host, l.Port, err)
		}
	}
}
