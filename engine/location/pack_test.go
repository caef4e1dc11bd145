package location

import (
	"fmt"
	"math"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/sipscript/sipscript/sip"
)

func TestPackRoundTrip(t *testing.T) {
	t.Parallel()
	at := time.Unix(1_700_000_000, 123_456_789)
	v6 := netip.MustParseAddrPort("[2001:db8::1]:5061")
	full := Binding{
		URI: "sip:alice@192.0.2.4?Route=%3Csip:x%3E", Name: `Alice "A"`, Params: `;audio;+sip.instance="<urn:uuid:1>"`, Q: 123,
		Expires: at, Registered: at.Add(-time.Hour), CallID: "call@host", CSeq: math.MaxUint32, Path: []string{"<sip:a;lr>", "", "<sip:b;lr>"},
		Flow:      sip.Flow{Transport: sip.TLS, Local: loopback, Remote: v6, Conn: math.MaxUint64},
		Source:    netip.MustParseAddrPort("192.0.2.9:65535"),
		UserAgent: "Phone/1.0", Instance: "<urn:uuid:1>", RegID: 7,
	}
	elsewhere := full
	elsewhere.Instance = "not among the parameters"
	elsewhere.UserAgent = strings.Repeat("u", maxAgentLen+1)
	sameSource := full
	sameSource.Source = v6
	zone := full
	zone.Flow.Remote = netip.MustParseAddrPort("[fe80::1%eth0]:5060")
	zone.Source = netip.MustParseAddrPort("[::ffff:192.0.2.1]:5060")
	past := full
	past.Expires = time.Unix(-1, 0)
	long := full
	long.URI = "sip:" + strings.Repeat("x", 100_000)
	tests := map[string][]Binding{
		"none": nil, "zero": {{}}, "full": {full}, "instance and agent as text": {elsewhere}, "source is remote": {sameSource}, "zone": {zone}, "past": {past}, "long": {long},
		"several": {full, {}, elsewhere, sameSource},
	}
	for name, want := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pk := newPacker()
			p := pk.pack(want)
			pk.pack([]Binding{{URI: "sip:overwrites the scratch buffer"}})
			if got := p.unpack(time.Time{}, pk.agents.names); !reflect.DeepEqual(got, want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
			if got := p.count(); got != len(want) {
				t.Errorf("count %d, want %d", got, len(want))
			}
		})
	}
}

func TestAgentsAreSharedAndBounded(t *testing.T) {
	t.Parallel()
	pk := newPacker()
	ag := &pk.agents
	first := ag.number("Phone/1")
	if again := ag.number("Phone/1"); again != first || len(ag.names) != 1 {
		t.Errorf("the same agent has numbers %d and %d", first, again)
	}
	for i := range 2 * maxAgents {
		ag.number(fmt.Sprint("flood ", i))
	}
	if len(ag.names) != maxAgents || len(ag.numbers) != maxAgents {
		t.Errorf("%d agents kept, want %d", len(ag.names), maxAgents)
	}
	b := Binding{URI: "sip:x", UserAgent: "one too many"}
	if got := pk.pack([]Binding{b}).unpack(time.Time{}, ag.names); got[0].UserAgent != b.UserAgent {
		t.Errorf("got %q, want %q", got[0].UserAgent, b.UserAgent)
	}
}

func FuzzPack(f *testing.F) {
	f.Add("sip:a@b", "n", ";a=b", "call", "ua", "inst", "path", int64(1), uint64(2), []byte{127, 0, 0, 1}, uint16(5060))
	f.Fuzz(func(t *testing.T, uri, name, params, call, agent, instance, path string, at int64, n uint64, ip []byte, port uint16) {
		addr, _ := netip.AddrFromSlice(ip)
		b := Binding{
			URI: uri, Name: name, Params: sip.Params(params), CallID: call, UserAgent: agent, Instance: instance, Path: []string{path},
			Q: int(n % 1001), CSeq: uint32(n), RegID: uint32(n >> 3), Flow: sip.Flow{Conn: n, Transport: sip.TCP},
		}
		if at != 0 {
			b.Expires = time.Unix(0, at)
		}
		if addr.IsValid() {
			b.Flow.Remote = netip.AddrPortFrom(addr, port)
		}
		pk := newPacker()
		want := []Binding{b, b}
		if got := pk.pack(want).unpack(time.Time{}, pk.agents.names); !reflect.DeepEqual(got, want) {
			t.Fatalf("got  %+v\nwant %+v", got, want)
		}
	})
}
