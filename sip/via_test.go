package sip

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
)

func TestParseVia(t *testing.T) {
	t.Parallel()
	rows := []struct {
		text string
		want ViaValue
	}{
		{"SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1", ViaValue{"UDP", "192.0.2.1", 5060, ";branch=z9hG4bK1", "z9hG4bK1"}},
		{"SIP/2.0/TCP host.example.com", ViaValue{"TCP", "host.example.com", 0, "", ""}},
		{"SIP  / 2.0  / TCP     spindle.example.com   ;  branch  =   z9hG4bK9ikj8", ViaValue{"TCP", "spindle.example.com", 0, ";  branch  =   z9hG4bK9ikj8", "z9hG4bK9ikj8"}},
		{"sip/2.0/udp host : 5070 ;rport", ViaValue{"udp", "host", 5070, ";rport", ""}},
		{"SIP/7.0/UDP c.example.com;branch=z9hG4bKkdjuw", ViaValue{"UDP", "c.example.com", 0, ";branch=z9hG4bKkdjuw", "z9hG4bKkdjuw"}},
		{"SIP/2.0/UNKNOWN t4.example.com", ViaValue{"UNKNOWN", "t4.example.com", 0, "", ""}},
		{"SIP/2.0/TLS [2001:db8::9:1]:6050;branch=z9hG4bKas3-111", ViaValue{"TLS", "[2001:db8::9:1]", 6050, ";branch=z9hG4bKas3-111", "z9hG4bKas3-111"}},
		{"SIP/2.0/UDP [2001:db8::9:1]", ViaValue{"UDP", "[2001:db8::9:1]", 0, "", ""}},
	}
	for _, row := range rows {
		got, err := ParseVia(row.text)
		if err != nil || got != row.want {
			t.Errorf("%q: %+v, %v", row.text, got, err)
		}
		if again, err := ParseVia(got.String()); err != nil || again != got {
			t.Errorf("%q writes %q: %v", row.text, got.String(), err)
		}
	}
	for _, text := range []string{
		"", "SIP", "SIP/2.0/UDP", "SIP/2.0/UDP ", "SIP/2.0 host", "SIP/2.0/UDP:host", "SIP/2.0/ host", "S P/2.0/UDP host",
		"SIP/2.0/UDP host:0", "SIP/2.0/UDP host:", "SIP/2.0/UDP 2001:db8::1", "SIP/2.0/UDP host x", "SIP/2.0/UDP host:1 x",
		"SIP/2.0/UDP 192.0.2.15;;", "SIP/2.0/UDP h;branch=", "SIP/2.0/UDP [::1;branch=x",
	} {
		if v, err := ParseVia(text); !errors.Is(err, ErrMalformed) {
			t.Errorf("%q: %+v, %v", text, v, err)
		}
	}
}

func TestReplyAddr(t *testing.T) {
	t.Parallel()
	rows := []struct {
		via, host string
		port      uint16
	}{
		{"SIP/2.0/UDP 192.0.2.1", "192.0.2.1", 5060},
		{"SIP/2.0/TLS 192.0.2.1", "192.0.2.1", 5061},
		{"SIP/2.0/UDP 192.0.2.1:5070", "192.0.2.1", 5070},
		{"SIP/2.0/UDP h.example.com:5070;received=192.0.2.9", "192.0.2.9", 5070},
		{"SIP/2.0/UDP h.example.com:5070;rport=9999;received=192.0.2.9", "192.0.2.9", 9999},
		{"SIP/2.0/UDP h.example.com:5070;rport;received=192.0.2.9", "192.0.2.9", 5070},
		{"SIP/2.0/UDP h.example.com:5070;rport=99999;received=192.0.2.9", "192.0.2.9", 5070},
		{"SIP/2.0/UDP h.example.com:5070;rport=9999;received=192.0.2.9;maddr=239.1.1.1", "239.1.1.1", 5070},
		{"SIP/2.0/UDP [2001:db8::1];received=[2001:db8::9:255]", "[2001:db8::9:255]", 5060},
		{"SIP/2.0/UDP [2001:db8::1]", "[2001:db8::1]", 5060},
	}
	for _, row := range rows {
		v, err := ParseVia(row.via)
		if err != nil {
			t.Fatal(err)
		}
		if host, port := v.ReplyAddr(); host != row.host || port != row.port {
			t.Errorf("%s: %s %d", row.via, host, port)
		}
	}
}

func TestReceivedIsReadWithAndWithoutBrackets(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"SIP/2.0/UDP h;received=[2001:db8::9:255]", "SIP/2.0/UDP h;received=2001:db8::9:255"} {
		v, err := ParseVia(text)
		if err != nil {
			t.Fatal(err)
		}
		if addr, ok := v.Received(); !ok || addr != netip.MustParseAddr("2001:db8::9:255") {
			t.Errorf("%s: %v, %v", text, addr, ok)
		}
	}
	v, _ := ParseVia("SIP/2.0/UDP h;rport")
	if _, ok := v.Received(); ok {
		t.Error("received out of nothing")
	}
	if port, ok := v.RPort(); port != 0 || !ok {
		t.Errorf("rport %d, %v", port, ok)
	}
}

func TestStamp(t *testing.T) {
	t.Parallel()
	rows := []struct{ name, via, src, want string }{
		{"the sent-by is the source", "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1", "192.0.2.1:5060", "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1"},
		{"another port alone needs nothing", "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1", "192.0.2.1:9", "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1"},
		{"a name", "SIP/2.0/UDP h.example.com;branch=z9hG4bK1", "192.0.2.1:5060", "SIP/2.0/UDP h.example.com;branch=z9hG4bK1;received=192.0.2.1"},
		{"another address", "SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1", "192.0.2.1:5060", "SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1;received=192.0.2.1"},
		{"rport", "SIP/2.0/UDP 192.0.2.1:5060;rport;branch=z9hG4bK1", "192.0.2.1:9988", "SIP/2.0/UDP 192.0.2.1:5060;rport=9988;branch=z9hG4bK1;received=192.0.2.1"},
		{"rport that equals the sent-by", "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1;RPORT", "192.0.2.1:5060", "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1;rport=5060;received=192.0.2.1"},
		{"received put there by the sender", "SIP/2.0/UDP 192.0.2.1;received=203.0.113.7;branch=z9hG4bK1", "192.0.2.1:5060", "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1;received=192.0.2.1"},
		{"rport put there by the sender", "SIP/2.0/UDP 192.0.2.1;rport=1;received=192.0.2.1;branch=z9hG4bK1", "192.0.2.1:5060", "SIP/2.0/UDP 192.0.2.1;rport=5060;branch=z9hG4bK1;received=192.0.2.1"},
		{"already stamped", "SIP/2.0/UDP 192.0.2.1;rport=7;received=192.0.2.1;branch=z9hG4bK1", "192.0.2.1:7", "SIP/2.0/UDP 192.0.2.1;rport=7;received=192.0.2.1;branch=z9hG4bK1"},
		{"IPv6 without brackets", "SIP/2.0/UDP [2001:db8::2]:5070;branch=z9hG4bK1", "[2001:db8::1]:5060", "SIP/2.0/UDP [2001:db8::2]:5070;branch=z9hG4bK1;received=2001:db8::1"},
		{"IPv6 written in another way", "SIP/2.0/UDP [2001:0DB8::0:1];branch=z9hG4bK1", "[2001:db8::1]:5060", "SIP/2.0/UDP [2001:0DB8::0:1];branch=z9hG4bK1"},
		{"IPv4 on a socket of both families", "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1", "[::ffff:192.0.2.1]:5060", "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1"},
		{"a zone is not written", "SIP/2.0/UDP h;branch=z9hG4bK1", "[fe80::1%eth0]:5060", "SIP/2.0/UDP h;branch=z9hG4bK1;received=fe80::1"},
		{"the rest of the list stays", "SIP/2.0/UDP h;branch=z9hG4bK1 ,  SIP/2.0/TCP  g ; x", "192.0.2.1:5060", "SIP/2.0/UDP h;branch=z9hG4bK1;received=192.0.2.1 ,  SIP/2.0/TCP  g ; x"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			m := mustRead(t, request("OPTIONS", "Via: "+row.via))
			before, err := m.Via()
			if err != nil {
				t.Fatal(err)
			}
			branch := before.Branch
			m.Stamp(netip.MustParseAddrPort(row.src))
			if got, _ := m.Value(Via); got != row.want {
				t.Errorf("stamped %q", got)
			}
			after, err := m.Via()
			if err != nil || after.Branch != branch {
				t.Errorf("%+v, %v", after, err)
			}
			if encoded := m.String(); !strings.Contains(encoded, "\r\nVia: "+row.want+"\r\n") {
				t.Errorf("encoded\n%s", encoded)
			}
			again := m.String()
			m.Stamp(netip.MustParseAddrPort(row.src))
			if m.String() != again {
				t.Error("stamped twice")
			}
		})
	}
}

func TestStampingAnInviteDoesNotAllocate(t *testing.T) {
	if poison {
		t.Skip("released messages are not used again under the race detector")
	}
	raw := []byte(invite800)
	src := netip.MustParseAddrPort("192.0.2.10:5060")
	allocs := testing.AllocsPerRun(1000, func() {
		m, err := ReadDatagram(raw, Limits{})
		if err != nil {
			t.Fatal(err)
		}
		m.Stamp(src)
		if via, _ := m.Via(); via.Branch != "z9hG4bK776asdhds8fh2lk2j" {
			t.Fatal("wrong branch")
		}
		m.Release()
	})
	if allocs > 0 {
		t.Errorf("%v allocations", allocs)
	}
}

// A refused request with unreadable Via parameters is still answered to where it came from, not to where it says.
func TestStampOfAMalformedVia(t *testing.T) {
	t.Parallel()
	m, err := ReadDatagram(torture(t, "rfc4475/badinv01"), Limits{})
	if code(err) != 400 || m == nil {
		t.Fatal(m, err)
	}
	m.Stamp(netip.MustParseAddrPort("198.51.100.1:5066"))
	via, _ := m.Via()
	if host, port := via.ReplyAddr(); host != "198.51.100.1" || port != 5060 {
		t.Errorf("reply to %s %d", host, port)
	}
}
