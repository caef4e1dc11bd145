package sip

import (
	"errors"
	"net/netip"
	"testing"
)

func TestParseURI(t *testing.T) {
	t.Parallel()
	rows := []struct {
		text string
		want URI
	}{
		{"sip:example.com", URI{Scheme: "sip", Host: "example.com"}},
		{"SIPS:alice@example.com:5061", URI{Scheme: "sips", User: "alice", Host: "example.com", Port: 5061}},
		{"sip:alice:secret@example.com;transport=tcp;lr?Subject=x&Route=%3Csip:a%3E", URI{
			Scheme: "sip", User: "alice", Password: "secret", Host: "example.com", Params: ";transport=tcp;lr", Headers: "Subject=x&Route=%3Csip:a%3E",
		}},
		{"sip:+1-212-555-1212:1234@gateway.com;user=phone", URI{Scheme: "sip", User: "+1-212-555-1212", Password: "1234", Host: "gateway.com", Params: ";user=phone"}},
		{"sip:user;par=u%40example.net@example.com", URI{Scheme: "sip", User: "user;par=u%40example.net", Host: "example.com"}}, // RFC 4475 §3.1.1.9
		{"sip:a?b/c;d@example.com", URI{Scheme: "sip", User: "a?b/c;d", Host: "example.com"}},
		{"sip:*21#@example.com", URI{Scheme: "sip", User: "*21#", Host: "example.com"}},
		{"sip:example.com?a=b", URI{Scheme: "sip", Host: "example.com", Headers: "a=b"}},
		{"sip:[2001:db8::10]", URI{Scheme: "sip", Host: "[2001:db8::10]"}},                                        // RFC 5118 §4.1
		{"sip:[2001:db8::10:5070]", URI{Scheme: "sip", Host: "[2001:db8::10:5070]"}},                              // §4.3
		{"sip:[2001:db8::10]:5070", URI{Scheme: "sip", Host: "[2001:db8::10]", Port: 5070}},                       // §4.4
		{"sip:[::ffff:192.0.2.10]:1;lr", URI{Scheme: "sip", Host: "[::ffff:192.0.2.10]", Port: 1, Params: ";lr"}}, // §4.9
		{"sip:[2001:db8:::192.0.2.1]", URI{Scheme: "sip", Host: "[2001:db8:::192.0.2.1]"}},                        // §4.10
		{"tel:+1-201-555-0123;ext=1", URI{Scheme: "tel", Opaque: "+1-201-555-0123", Params: ";ext=1"}},
		{"TEL:7042;phone-context=example.com", URI{Scheme: "tel", Opaque: "7042", Params: ";phone-context=example.com"}},
		{"urn:service:sos", URI{Scheme: "urn", Opaque: "service:sos"}},
		{"soap.beep://192.0.2.103:3002", URI{Scheme: "soap.beep", Opaque: "//192.0.2.103:3002"}},
		{"nobodyKnowsThisScheme:totallyopaquecontent", URI{Scheme: "nobodyKnowsThisScheme", Opaque: "totallyopaquecontent"}},
	}
	for _, row := range rows {
		got, err := ParseURI(row.text)
		if err != nil || got != row.want {
			t.Errorf("%q: %+v, %v", row.text, got, err)
			continue
		}
		again, err := ParseURI(got.String())
		if err != nil || again != got {
			t.Errorf("%q writes %q", row.text, got.String())
		}
	}
}

func TestMalformedURIIsRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "sip", "sip:", ":", "sip:@example.com", "sip:alice@", "sip::secret@example.com", "sip:alice@@example.com", "sip:a@b@c",
		"sip:2001:db8::10", // RFC 5118 §4.2
		"sip:[2001:db8::10", "sip:[]", "sip:[host]", "sip:[192.0.2.1]", "sip:[fe80::1%25eth0]", "sip:[2001:db8::g]", "sip:[1:2:3]",
		"sip:example.com:", "sip:example.com:0", "sip:example.com:65536", "sip:example.com:x", "sip:example.com:5060x", "sip:example.com/x",
		"sip:alice@example.com; lr", "sip:al ice@example.com", "<sip:alice@example.com>", "sip:alice@example.com>", "sip:\"a\"@b",
		"sip:100%@example.com", "sip:a%4@example.com", "sip:a%zz@b", "sip:a@b;p=%", "sip:a@b?h=%1",
		"sip:a\x00b@c", "sip:a\r\nb@c", "1sip:a", "s_p:a", "tel:", "tel:+", "tel:1+2", "tel:abx", "tel:12 34", "mailto:", "mailto:a b",
	} {
		if u, err := ParseURI(text); !errors.Is(err, ErrMalformed) {
			t.Errorf("%q: %+v, %v", text, u, err)
		}
	}
}

// The sets of RFC 3261 §19.1.4, and what RFC 5954 §4.2 and RFC 3966 §4 add.
func TestB005URIComparison(t *testing.T) {
	t.Parallel()
	rows := []struct {
		a, b string
		same bool
	}{
		{"sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp", true},
		{"sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5", true},
		{"sip:carol@chicago.com", "sip:carol@chicago.com;security=on", true},
		{"sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;security=on", true},
		{"sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com", "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com", true},
		{"sip:alice@atlanta.com?subject=project%20x&priority=urgent", "sip:alice@atlanta.com?priority=urgent&subject=project%20x", true},
		{"SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP", false},
		{"sip:bob@biloxi.com", "sip:bob@biloxi.com:5060", false},
		{"sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp", false},
		{"sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp", false},
		{"sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting", false},
		{"sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4", false},
		{"sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off", false},

		{"sip:a@b", "sips:a@b", false},
		{"sip:a@b", "sip:b", false},
		{"sip:a:x@b", "sip:a@b", false},
		{"sip:a:x@b", "sip:a:X@b", false},
		{"sip:a@b;user=phone", "sip:a@b", false},
		{"sip:a@b;ttl=1", "sip:a@b", false},
		{"sip:a@b", "sip:a@b;maddr=239.255.255.1", false},
		{"sip:a@b;method=INVITE", "sip:a@b", false},
		{"sip:a@b;%6C%72", "sip:a@b;lr", true},
		{"sip:a@b;x=%41", "sip:a@b;X=a", true},
		{"sip:a;b@c", "sip:a%3Bb@c", false}, // ; is reserved: escaped it is another character
		{"sip:a%3bb@c", "sip:a%3Bb@c", true},
		{"sip:a%2541@c", "sip:a%41@c", false}, // decoded once
		{"sip:a%00@c", "sip:a%00%00@c", false},
		{"sip:a@b?x=1&x=2", "sip:a@b?x=2&x=1", true},
		{"sip:a@b?x=1&x=1", "sip:a@b?x=2&x=1", false},
		{"sip:a@[2001:db8::1]", "sip:a@[2001:DB8:0::0001]", true},
		{"sip:a@[2001:db8::1]", "sip:a@[2001:db8::2]", false},
		{"sip:a@[2001:db8:::192.0.2.1]", "sip:a@[2001:db8::192.0.2.1]", true},
		{"sip:a@[::ffff:192.0.2.1]", "sip:a@192.0.2.1", false},

		{"tel:+1-201-555-0123", "tel:+1(201)555.0123", true},
		{"tel:+12015550123", "tel:12015550123", false},
		{"tel:7042;phone-context=example.com", "tel:7042;phone-context=Example.COM", true},
		{"tel:863-1234;phone-context=+1-914-555", "tel:8631234;phone-context=+1914555", true},
		{"tel:7042;phone-context=example.com", "tel:7042", false},
		{"tel:+123;ext=1-2;isub=9", "tel:+123;isub=9;ext=12", true},
		{"tel:1aB", "tel:1Ab", true},
		{"tel:+123", "sip:+123@example.com", false},
		{"urn:service:sos", "URN:service:sos", true},
		{"urn:service:sos", "urn:service:sos.police", false},
	}
	for _, row := range rows {
		a, errA := ParseURI(row.a)
		b, errB := ParseURI(row.b)
		if errA != nil || errB != nil {
			t.Fatal(errA, errB)
		}
		if a.Equal(&b) != row.same || b.Equal(&a) != row.same {
			t.Errorf("%s and %s: %v, %v, want %v", row.a, row.b, a.Equal(&b), b.Equal(&a), row.same)
		}
		if !a.Equal(&a) || !b.Equal(&b) {
			t.Errorf("%s or %s does not equal itself", row.a, row.b)
		}
	}
}

func TestB004AddressOfRecordKey(t *testing.T) {
	t.Parallel()
	rows := []struct{ text, want string }{
		{"sip:alice@Example.COM:5070;transport=tcp;user=phone?a=b", "sip:alice@example.com"},
		{"sip:%61lice:pw@example.com", "sip:alice@example.com"},
		{"sip:sips%3Auser%40example.com@example.net", "sip:sips:user@example.com@example.net"},
		{"sip:null-%00-null@example.com", "sip:null-\x00-null@example.com"},
		{"sip:a%2541@example.com", "sip:a%41@example.com"},
		{"sips:Alice@example.com", "sips:Alice@example.com"},
		{"sip:Example.com", "sip:example.com"},
		{"sip:a@[2001:DB8:0::1]", "sip:a@[2001:db8::1]"},
		{"tel:+1-201-555-0123;ext=5", "tel:+12015550123"},
		{"URN:service:sos", "urn:service:sos"},
	}
	for _, row := range rows {
		u, err := ParseURI(row.text)
		if err != nil {
			t.Fatal(err)
		}
		if got := u.AOR(); got != row.want {
			t.Errorf("%s: %q", row.text, got)
		}
	}
}

func TestURIParametersAreDecodedOnce(t *testing.T) {
	t.Parallel()
	u, err := ParseURI("sip:cal%6Cer@host5.example.net;%6C%72;n%61me=v%61lue%25%34%31;transport=%54cp")
	if err != nil {
		t.Fatal(err)
	}
	if !u.LooseRoute() {
		t.Error("%6C%72 is lr")
	}
	if value, ok := u.Param("name"); !ok || value != "value%41" { // RFC 4475 §3.1.1.3
		t.Errorf("name is %q, %v", value, ok)
	}
	if transport, ok := u.Transport(); !ok || transport != TCP {
		t.Errorf("transport is %v, %v", transport, ok)
	}
	if _, ok := u.Param("other"); ok {
		t.Error("other is there")
	}
	plain, _ := ParseURI("sip:a@b;transport=sctp")
	if _, ok := plain.Transport(); ok || plain.LooseRoute() || !plain.IsSIP() || plain.IsSIPS() {
		t.Errorf("%+v", plain)
	}
	if _, ok := (&URI{Scheme: "sip", Host: "b"}).Transport(); ok {
		t.Error("transport out of nothing")
	}
}

func TestNumericHosts(t *testing.T) {
	t.Parallel()
	rows := []struct{ text, want string }{
		{"sip:192.0.2.1", "192.0.2.1"},
		{"sip:[2001:db8::1]", "2001:db8::1"},
		{"sip:[2001:db8:::192.0.2.1]", "2001:db8::c000:201"},
		{"sip:[::ffff:192.0.2.2]", "::ffff:192.0.2.2"},
		{"sip:example.com", ""},
		{"sip:1.example.com", ""},
		{"sip:300.1.1.1", ""},
		{"sip:1.2.3", ""},
		{"sip:12", ""},
	}
	for _, row := range rows {
		u, err := ParseURI(row.text)
		if err != nil {
			t.Fatal(err)
		}
		addr, ok := u.Addr()
		if ok != (row.want != "") || ok && addr != netip.MustParseAddr(row.want) {
			t.Errorf("%s: %v, %v", row.text, addr, ok)
		}
	}
}

func TestEscapeUser(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ text, want string }{
		{"alice", "alice"},
		{"+1(212)", "+1(212)"},
		{"a b@c", "a%20b%40c"},
		{"50%", "50%25"},
		{"a:b", "a%3Ab"},
		{"\x00é#", "%00%C3%A9%23"},
	} {
		got := EscapeUser(row.text)
		if got != row.want || unescape(got) != row.text {
			t.Errorf("%q: %q", row.text, got)
		}
	}
}
