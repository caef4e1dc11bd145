package digest

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

// The examples of RFC 2617 §3.5 and RFC 7616 §3.9. The figures that §3.9.2 prints are those of SHA-512 cut to 256 bits; here stand those of
// the algorithm that the RFC names, SHA-512/256, which has initial values of its own (FIPS 180-4 §5.3.6).
func TestExamplesOfTheRFCs(t *testing.T) {
	t.Parallel()
	const nonce7616 = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
	const cnonce7616 = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
	tests := []struct {
		name      string
		challenge string
		request   Request
		response  string
		username  string
	}{
		{
			"RFC 2617 §3.5",
			`Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"`,
			Request{Username: "Mufasa", Password: "Circle Of Life", Method: "GET", URI: "/dir/index.html", CNonce: "0a4f113b"},
			"6629fae49393a05397450978507c4ef1", "Mufasa",
		},
		{
			"RFC 7616 §3.9.1 MD5",
			`Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=MD5, nonce="` + nonce7616 + `", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"`,
			Request{Username: "Mufasa", Password: "Circle of Life", Method: "GET", URI: "/dir/index.html", CNonce: cnonce7616, Count: 1},
			"8ca523f5e9506fed4657c9700eebdbec", "Mufasa",
		},
		{
			"RFC 7616 §3.9.1 SHA-256",
			`Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=SHA-256, nonce="` + nonce7616 + `", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"`,
			Request{Username: "Mufasa", Password: "Circle of Life", Method: "GET", URI: "/dir/index.html", CNonce: cnonce7616, Count: 1},
			"753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1", "Mufasa",
		},
		{
			"RFC 7616 §3.9.2 SHA-512-256 with user hash",
			`Digest realm="api@example.org", qop="auth", algorithm=SHA-512-256, nonce="5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK", opaque="HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS", charset=UTF-8, userhash=true`,
			Request{Username: "Jäsøn Doe", Password: "Secret, or not?", Method: "GET", URI: "/doe.json", CNonce: "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v", Count: 1},
			"3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5", "793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ch, err := ParseChallenge(tt.challenge)
			if err != nil {
				t.Fatal(err)
			}
			c, err := ch.Answer(tt.request)
			if err != nil {
				t.Fatal(err)
			}
			if c.Response != tt.response {
				t.Errorf("response %s, want %s", c.Response, tt.response)
			}
			if c.Username != tt.username || c.Opaque != ch.Opaque || c.Nonce != ch.Nonce || c.Realm != ch.Realm {
				t.Errorf("answer %+v does not belong to %+v", c, ch)
			}
			got, err := ParseCredentials(c.String())
			if err != nil {
				t.Fatal(err)
			}
			if !got.Verify(HA1(ch.Algorithm, tt.request.Username, ch.Realm, tt.request.Password), tt.request.Method, nil) {
				t.Error("the server side does not accept the answer")
			}
		})
	}
}

func TestB087ParametersAreReadAsTheyWereMeant(t *testing.T) {
	t.Parallel()
	const base = `username="u", realm="r", nonce="n", uri="sip:x", response="00"`
	tests := []struct {
		name, value string
		want        Credentials
	}{
		{"escapes", `Digest username="a\"b\\c\d", realm="say \"hi\"", nonce="n", uri="sip:x", response="00"`,
			Credentials{Username: `a"b\cd`, Realm: `say "hi"`, Nonce: "n", URI: "sip:x", Response: "00"}},
		{"UTF-8 name", `Digest username="Jäsøn", realm="r", nonce="n", uri="sip:x", response="00"`,
			Credentials{Username: "Jäsøn", Realm: "r", Nonce: "n", URI: "sip:x", Response: "00"}},
		{"extended name", `Digest username*=UTF-8''J%C3%A4s%C3%B8n%20Doe, realm="r", nonce="n", uri="sip:x", response="00"`,
			Credentials{Username: "Jäsøn Doe", Realm: "r", Nonce: "n", URI: "sip:x", Response: "00"}},
		{"commas and equals signs inside quotes", `Digest username="a,b=c", realm="r", nonce="n==", uri="sip:x;y=z,w", response="00"`,
			Credentials{Username: "a,b=c", Realm: "r", Nonce: "n==", URI: "sip:x;y=z,w", Response: "00"}},
		{"everything", `Digest ` + base + `, algorithm=SHA-256-sess, opaque="o", cnonce="c", qop=auth, nc=0000000a, userhash=true`,
			Credentials{Username: "u", Realm: "r", Nonce: "n", URI: "sip:x", Response: "00", Algorithm: SHA256Sess, Opaque: "o", CNonce: "c", QOP: "auth", NC: "0000000a", UserHash: true}},
		{"what should not be quoted, quoted", `Digest ` + base + `, algorithm="md5", cnonce="c", qop="auth", nc="00000001"`,
			Credentials{Username: "u", Realm: "r", Nonce: "n", URI: "sip:x", Response: "00", CNonce: "c", QOP: "auth", NC: "00000001"}},
		{"odd case, space, folding, empty elements and extensions", "dIGEST\r\n  USERNAME = \"u\" ,, Realm=\"r\",\tnonce=\"n\",uri=\"sip:x\",response=\"00\", auth-param=1,",
			Credentials{Username: "u", Realm: "r", Nonce: "n", URI: "sip:x", Response: "00"}},
		{"unknown algorithm", `Digest ` + base + `, algorithm=AKAv1-MD5`,
			Credentials{Username: "u", Realm: "r", Nonce: "n", URI: "sip:x", Response: "00", Algorithm: Unknown}},
		{"empty values before the first challenge", `Digest username="u", realm="r", nonce="", uri="sip:x", response=""`,
			Credentials{Username: "u", Realm: "r", URI: "sip:x"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := ParseCredentials(tt.value)
			if err != nil {
				t.Fatal(err)
			}
			if *got != tt.want {
				t.Errorf("got  %+v\nwant %+v", *got, tt.want)
			}
		})
	}
}

func TestMalformedCredentialsAreRefused(t *testing.T) {
	t.Parallel()
	const base = `Digest username="u", realm="r", nonce="n", uri="sip:x", response="00"`
	tests := []struct {
		name, value string
		want        error
	}{
		{"B151 Basic", `Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==`, ErrScheme},
		{"B090 unknown scheme", `NoOneKnowsThisScheme opaque-data=here`, ErrScheme},
		{"nothing", ``, ErrScheme},
		{"scheme alone", `Digest`, ErrScheme},
		{"longer word", `Digestive username="u"`, ErrScheme},
		{"no username", `Digest realm="r", nonce="n", uri="sip:x", response="00"`, ErrMalformed},
		{"no response", `Digest username="u", realm="r", nonce="n", uri="sip:x"`, ErrMalformed},
		{"open quote", `Digest username="u`, ErrMalformed},
		{"open escape", `Digest username="u\`, ErrMalformed},
		{"no comma", `Digest username="u" realm="r"`, ErrMalformed},
		{"no name", `Digest ="u"`, ErrMalformed},
		{"no value", `Digest username`, ErrMalformed},
		{"two names", base + `, username="v"`, ErrMalformed},
		{"username and username*", base + `, username*=UTF-8''v`, ErrMalformed},
		{"username* in another charset", `Digest username*=ISO-8859-1''v, realm="r", nonce="n", uri="sip:x", response="00"`, ErrMalformed},
		{"username* with a broken escape", `Digest username*=UTF-8''%z, realm="r", nonce="n", uri="sip:x", response="00"`, ErrMalformed},
		{"qop without nc", base + `, qop=auth, cnonce="c"`, ErrMalformed},
		{"qop with nc 0", base + `, qop=auth, cnonce="c", nc=00000000`, ErrMalformed},
		{"qop with an nc of nine digits", base + `, qop=auth, cnonce="c", nc=100000000`, ErrMalformed},
		{"qop without cnonce", base + `, qop=auth, nc=00000001`, ErrMalformed},
		{"unknown qop", base + `, qop=auth-conf, cnonce="c", nc=00000001`, ErrMalformed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got, err := ParseCredentials(tt.value); !errors.Is(err, tt.want) {
				t.Errorf("got %+v, %v, want %v", got, err, tt.want)
			}
		})
	}
}

// Each algorithm and qop: what the client side builds is what the server side accepts, and nothing else is.
func TestB085AnswersVerify(t *testing.T) {
	t.Parallel()
	for a := MD5; a < Unknown; a++ {
		for _, qop := range []string{"auth", "auth-int", ""} {
			t.Run(a.String()+" "+qop, func(t *testing.T) {
				t.Parallel()
				ch := &Challenge{Realm: `a "realm"`, Nonce: "nonce", Algorithm: a}
				if qop != "" {
					ch.QOP = []string{"auth-conf", qop}
				}
				c, err := ch.Answer(Request{Username: `al\ice`, Password: "pw", Method: "INVITE", URI: "sip:bob@example.org", CNonce: "c", Count: 17, Body: []byte("v=0")})
				if err != nil {
					t.Fatal(err)
				}
				if got, err := ParseCredentials(c.String()); err != nil || *got != *c {
					t.Fatalf("parsed back: %+v, %v, want %+v", got, err, c)
				}
				if len(c.Response) != a.HexLen() {
					t.Errorf("B151: response has %d digits, want %d", len(c.Response), a.HexLen())
				}
				ha1 := HA1(a, `al\ice`, `a "realm"`, "pw")
				if !c.Verify(ha1, "INVITE", []byte("v=0")) {
					t.Error("right answer refused")
				}
				upper := *c
				upper.Response = strings.ToUpper(c.Response)
				if !upper.Verify(ha1, "INVITE", []byte("v=0")) {
					t.Error("right answer in upper case refused")
				}
				if c.Verify(HA1(a, `al\ice`, `a "realm"`, "PW"), "INVITE", []byte("v=0")) {
					t.Error("wrong password accepted")
				}
				if c.Verify(ha1, "BYE", []byte("v=0")) {
					t.Error("another method accepted")
				}
				if got, want := c.Verify(ha1, "INVITE", []byte("v=1")), qop != "auth-int"; got != want {
					t.Errorf("another body: accepted %v, want %v", got, want)
				}
				short := *c
				short.Response = c.Response[:len(c.Response)-1]
				if short.Verify(ha1, "INVITE", []byte("v=0")) {
					t.Error("a response one digit short accepted")
				}
			})
		}
	}
}

func TestResponseOfAnotherLengthIsWrong(t *testing.T) {
	t.Parallel()
	c := &Credentials{Username: "u", Realm: "r", Nonce: "n", URI: "sip:x", Algorithm: Unknown}
	if c.Verify("", "INVITE", nil) {
		t.Error("an empty response of an unknown algorithm accepted")
	}
}

func TestChallengeRoundTrip(t *testing.T) {
	t.Parallel()
	want := &Challenge{
		Realm: `a "b" \c`, Domain: "sip:example.org", Nonce: "n", Opaque: "o", Algorithm: SHA512256, QOP: []string{"auth", "auth-int"},
		Stale: true, UserHash: true, UTF8: true,
	}
	const text = `Digest realm="a \"b\" \\c", domain="sip:example.org", nonce="n", opaque="o", algorithm=SHA-512-256, qop="auth,auth-int", stale=true, userhash=true, charset=UTF-8`
	if got := want.String(); got != text {
		t.Errorf("got  %s\nwant %s", got, text)
	}
	got, err := ParseChallenge(text)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
}

func TestLineBreaksCannotLeaveAQuotedString(t *testing.T) {
	t.Parallel()
	ch := &Challenge{Realm: "r\r\nX-Evil: 1", Nonce: "n"}
	if got := ch.String(); strings.ContainsAny(got, "\r\n") {
		t.Errorf("%q would be two header fields", got)
	}
}

func TestClientTakesTheTopmostChallengeItKnows(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		values []string
		want   string
	}{
		{"first", []string{`Digest realm="r", nonce="1", algorithm=SHA-256, qop="auth"`, `Digest realm="r", nonce="2", algorithm=MD5, qop="auth"`}, "1"},
		{"unknown algorithm passed over", []string{`Digest realm="r", nonce="1", algorithm=SHA3`, `Digest realm="r", nonce="2"`}, "2"},
		{"unknown qop passed over", []string{`Digest realm="r", nonce="1", qop="auth-conf"`, `Digest realm="r", nonce="2"`}, "2"},
		{"Basic passed over", []string{`Basic realm="r"`, `Digest realm="r", nonce="2"`}, "2"},
		{"broken passed over", []string{`Digest realm="r"`, `Digest realm="r", nonce="2"`}, "2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := Choose(tt.values); got == nil || got.Nonce != tt.want {
				t.Errorf("got %+v, want nonce %s", got, tt.want)
			}
		})
	}
	if got := Choose([]string{`Basic realm="r"`}); got != nil {
		t.Errorf("got %+v, want none", got)
	}
}

func TestAnswerRefusesWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	for _, ch := range []*Challenge{{Algorithm: Unknown}, {QOP: []string{"auth-conf"}}} {
		if _, err := ch.Answer(Request{}); !errors.Is(err, ErrUnsupported) {
			t.Errorf("%+v: err = %v, want ErrUnsupported", ch, err)
		}
	}
}

func FuzzParseCredentials(f *testing.F) {
	f.Add(`Digest username="a\"b", realm="r", nonce="n", uri="sip:x", response="00", qop=auth, nc=00000001, cnonce="c"`)
	f.Add(`Digest username*=UTF-8''a%20b, realm="r", nonce="n", uri="sip:x", response="00", algorithm=SHA-256-sess, userhash=true`)
	f.Fuzz(func(t *testing.T, value string) {
		c, err := ParseCredentials(value)
		if err != nil || strings.ContainsAny(value, "\r\n") {
			return
		}
		again, err := ParseCredentials(c.String())
		if err != nil {
			t.Fatalf("%q was written as %q: %v", value, c.String(), err)
		}
		if c.QOP == "" {
			again.NC = c.NC // a count without qop means nothing and is not written
		}
		if c.Algorithm == Unknown {
			again.Algorithm = Unknown
		}
		if *again != *c {
			t.Fatalf("%+v was read back as %+v", c, again)
		}
	})
}

func TestVerifyDoesNotAllocate(t *testing.T) {
	c, ha1 := answered(SHA256)
	if n := testing.AllocsPerRun(100, func() {
		if !c.Verify(ha1, "REGISTER", nil) {
			t.Fatal("refused")
		}
	}); n != 0 && !raceEnabled {
		t.Errorf("%v allocations, want 0", n)
	}
}

func answered(a Algorithm) (*Credentials, string) {
	ch := &Challenge{Realm: "example.org", Nonce: "Wm9vbSB6b29tIHpvb20gem9vbSB6b29tIHpvbw", Algorithm: a, QOP: []string{"auth"}}
	c, err := ch.Answer(Request{Username: "alice", Password: "wonderland", Method: "REGISTER", URI: "sip:example.org", CNonce: "0a4f113b", Count: 1})
	if err != nil {
		panic(err)
	}
	return c, HA1(a, "alice", "example.org", "wonderland")
}

func BenchmarkParseCredentials(b *testing.B) {
	c, _ := answered(MD5)
	text := c.String()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseCredentials(text); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	for _, a := range []Algorithm{MD5, SHA256, SHA512256} {
		b.Run(a.String(), func(b *testing.B) {
			c, ha1 := answered(a)
			b.ReportAllocs()
			for b.Loop() {
				c.Verify(ha1, "REGISTER", nil)
			}
		})
	}
}
