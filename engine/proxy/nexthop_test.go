package proxy

import (
	"strconv"
	"testing"
	"time"

	"github.com/sipscript/sipscript/sip"
)

func TestHopOf(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		uri  string
		want string // transport, address or name to look up, port, name of the certificate
		code int
	}{
		{"sip:bob@192.0.2.20", "UDP 192.0.2.20:5060", 0},
		{"sip:bob@192.0.2.20:5070;transport=TCP", "TCP 192.0.2.20:5070", 0},
		{"sip:bob@192.0.2.20;transport=tls", "TLS 192.0.2.20:5061 192.0.2.20", 0},
		{"sips:bob@example.com", "TLS example.com:5061 example.com", 0},
		{"sips:bob@example.com;transport=tcp", "TLS example.com:5061 example.com", 0},
		{"sip:bob@[2001:db8::7]", "UDP 2001:db8::7:5060", 0},
		{"sip:bob@example.com", "UDP example.com:5060", 0},
		{"sip:bob@example.com;maddr=192.0.2.20", "UDP 192.0.2.20:5060", 0},
		{"sips:bob@example.com;maddr=192.0.2.20", "TLS 192.0.2.20:5061 example.com", 0},
		{"sip:bob@192.0.2.20;maddr=other.example:", "UDP other.example::5060", 0},
		{"sip:bob@example.com;transport=sctp", "", 480},
		{"tel:+4930", "", 416},
		{"mailto:bob@example.com", "", 416},
	} {
		u, err := sip.ParseURI(test.uri)
		if err != nil {
			t.Fatal(err)
		}
		n, code := hopOf(&u)
		got := ""
		if code == 0 {
			host := n.host
			if n.numeric {
				host = n.addr.String()
			}
			got = n.transport.String() + " " + host + ":" + strconv.Itoa(int(n.port))
			if name := n.hop(n.addr).serverName; name != "" {
				got += " " + name
			}
		}
		if got != test.want || code != test.code {
			t.Errorf("%s: %q %d", test.uri, got, code)
		}
	}
}

func TestContactsOfARedirectionHaveQAndALife(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.pass(time.Second)
	f := &fork{ctx: &Context{env: r.Env}}
	for _, test := range []struct {
		contact, expires string
		q                int
		life             time.Duration // 0: for this request
	}{
		{"<sip:a>", "", 1000, 0},
		{"<sip:a>;q=0.333;expires=60", "10", 333, time.Minute},
		{"<sip:a>;q=0", "10", 0, 10 * time.Second},
		{"<sip:a>;q=1.1;expires=soon", "", 1000, time.Hour},
		{"<sip:a>;q=nan", "never", 1000, time.Hour},
	} {
		m := sip.NewRequest("X", "sip:x")
		if test.expires != "" {
			m.Add("Expires", test.expires)
		}
		c, err := sip.ParseAddress(test.contact)
		if err != nil {
			t.Fatal(err)
		}
		until := f.expiry(m, &c)
		if q := quality(&c); q != test.q || until.IsZero() != (test.life == 0) || test.life != 0 && until.Sub(r.loop.Wheel().Now()) != test.life {
			t.Errorf("%s: q %d, until %v", test.contact, q, until)
		}
	}
}

func TestTargetsThatAreTheSame(t *testing.T) {
	t.Parallel()
	one, other := flowFrom(sip.UDP, "192.0.2.1:5060", "203.0.113.7:1", 0), flowFrom(sip.UDP, "192.0.2.1:5060", "203.0.113.8:1", 0)
	for _, test := range []struct {
		name string
		a, b Target
		same bool
	}{
		{"one URI", Target{URI: "sip:a@x.example"}, Target{URI: "sip:%61@X.example"}, true},
		{"two users", Target{URI: "sip:a@x.example"}, Target{URI: "sip:A@x.example"}, false},
		{"two phones behind NATs with one Contact", Target{URI: "sip:a@10.0.0.1", Flow: one}, Target{URI: "sip:a@10.0.0.1", Flow: other}, false},
		{"a redirection to a registered phone", Target{URI: "sip:a@10.0.0.1", Flow: one}, Target{URI: "sip:a@10.0.0.1"}, true},
		{"by other proxies", Target{URI: "sip:a@x.example", Path: []string{"<sip:p;lr>"}}, Target{URI: "sip:a@x.example"}, false},
		{"no URI at all, twice", Target{URI: "x"}, Target{URI: "x"}, true},
		{"no URI at all", Target{URI: "x"}, Target{URI: "y"}, false},
	} {
		a, b := wayOf(&test.a), wayOf(&test.b)
		if a.same(&b) != test.same || b.same(&a) != test.same {
			t.Errorf("%s: same %v", test.name, !test.same)
		}
	}
}
