package auth

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/digest"
)

var start = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func newGuard() *Guard { return New(Config{Secret: []byte("0123456789abcdef")}) }

var office = Params{Realm: "example.org"}

// incoming is a request as a client sends it.
type incoming struct {
	method, uri, callID, via, body string
	cseq                           int
	headers                        []string
}

func (r incoming) message(t testing.TB, headers ...string) *sip.Message {
	t.Helper()
	def := func(s *string, v string) {
		if *s == "" {
			*s = v
		}
	}
	def(&r.method, "INVITE")
	def(&r.uri, "sip:bob@example.org")
	def(&r.callID, "call-1")
	def(&r.via, "SIP/2.0/UDP 192.0.2.4;branch=z9hG4bK1")
	r.cseq = max(1, r.cseq)
	lines := []string{
		r.method + " " + r.uri + " SIP/2.0", "Via: " + r.via, "Max-Forwards: 70", "From: <sip:alice@example.org>;tag=a", "To: <sip:bob@example.org>",
		"Call-ID: " + r.callID, fmt.Sprintf("CSeq: %d %s", r.cseq, r.method),
	}
	lines = append(append(lines, r.headers...), headers...)
	lines = append(lines, fmt.Sprintf("Content-Length: %d", len(r.body)), "", r.body)
	m, err := sip.ReadDatagram([]byte(strings.Join(lines, "\r\n")), sip.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	m.Keep()
	return m
}

// phone answers challenges as a client does.
type phone struct {
	user, password string
	challenge      *digest.Challenge
	count          uint32
}

// challenged returns a phone that has been challenged for a request.
func challenged(t testing.TB, g *Guard, p Params, now time.Time) *phone {
	t.Helper()
	ch := digest.Choose(g.Challenge(incoming{}.message(t), p, false, now))
	if ch == nil {
		t.Fatal("the challenge has nothing that can be answered")
	}
	return &phone{user: "alice", password: "wonderland", challenge: ch}
}

// credentials answers the challenge for the next request.
func (ph *phone) credentials(t testing.TB, r incoming) *digest.Credentials {
	t.Helper()
	ph.count++
	if r.method == "" {
		r.method = "INVITE"
	}
	if r.uri == "" {
		r.uri = "sip:bob@example.org"
	}
	c, err := ph.challenge.Answer(digest.Request{
		Username: ph.user, Password: ph.password, Method: r.method, URI: r.uri, Body: []byte(r.body), CNonce: "cnonce", Count: ph.count,
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// users are who may come in; unknown ones have the zero Secret.
var users = map[string]Secret{"alice": {Password: "wonderland"}, "Jäsøn Doe": {Password: `p"w\`}}

func decide(t testing.TB, g *Guard, p Params, m *sip.Message, now time.Time) Verdict {
	t.Helper()
	a := g.Check(m, p)
	if a.Verdict != Pending {
		return a.Verdict
	}
	return g.Finish(m, &a, users[a.User], now)
}

func (ph *phone) send(t testing.TB, g *Guard, p Params, r incoming, now time.Time) Verdict {
	t.Helper()
	header := "Authorization: "
	if p.Proxy {
		header = "Proxy-Authorization: "
	}
	return decide(t, g, p, r.message(t, header+ph.credentials(t, r).String()), now)
}

func TestB085EveryAlgorithmAndQOP(t *testing.T) {
	t.Parallel()
	for a := digest.MD5; a < digest.Unknown; a++ {
		for _, qop := range []string{"auth", "auth-int"} {
			for _, proxy := range []bool{false, true} {
				t.Run(fmt.Sprint(a, qop, proxy), func(t *testing.T) {
					t.Parallel()
					g := newGuard()
					p := Params{Realm: `the "office"`, Proxy: proxy, Algorithms: []digest.Algorithm{a}, QOP: []string{qop}}
					ph := challenged(t, g, p, start)
					r := incoming{body: "v=0"}
					if got := ph.send(t, g, p, r, start); got != OK {
						t.Errorf("right password: %v", got)
					}
					ph.password = "looking-glass"
					if got := ph.send(t, g, p, r, start); got != Wrong {
						t.Errorf("wrong password: %v", got)
					}
				})
			}
		}
	}
}

func TestB085ChallengesMostPreferredFirst(t *testing.T) {
	t.Parallel()
	g := newGuard()
	p := Params{Realm: "example.org", Algorithms: []digest.Algorithm{digest.SHA256, digest.SHA512256, digest.MD5}}
	values := g.Challenge(incoming{}.message(t), p, true, start)
	var algorithms []digest.Algorithm
	nonces := map[string]bool{}
	for _, v := range values {
		ch, err := digest.ParseChallenge(v)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(ch.QOP, []string{"auth"}) || !ch.Stale || ch.Realm != p.Realm {
			t.Errorf("B151: challenge %q lacks qop, stale or realm", v)
		}
		algorithms = append(algorithms, ch.Algorithm)
		nonces[ch.Nonce] = true
	}
	if !slices.Equal(algorithms, p.Algorithms) {
		t.Errorf("got %v, want %v", algorithms, p.Algorithms)
	}
	if len(nonces) != 1 {
		t.Errorf("%d nonces in one response, want 1", len(nonces))
	}
	if p.Status() != 401 || p.Header() != "WWW-Authenticate" {
		t.Errorf("got %d %s", p.Status(), p.Header())
	}
	p.Proxy = true
	if p.Status() != 407 || p.Header() != "Proxy-Authenticate" {
		t.Errorf("got %d %s", p.Status(), p.Header())
	}
}

func TestB085AlgorithmThatWasNotOfferedIsNoAnswer(t *testing.T) {
	t.Parallel()
	g := newGuard()
	ph := challenged(t, g, office, start) // MD5
	strict := Params{Realm: office.Realm, Algorithms: []digest.Algorithm{digest.SHA256}}
	if got := ph.send(t, g, strict, incoming{}, start); got != NoCredentials {
		t.Errorf("got %v: an attacker could choose the weaker algorithm", got)
	}
}

func TestB087NonceCountWindow(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		counts []uint32
		last   Verdict
	}{
		{"first", []uint32{1}, OK},
		{"in order", []uint32{1, 2, 3}, OK},
		{"B085 same count twice", []uint32{1, 2, 1}, Stale},
		{"B085 highest twice", []uint32{1, 2, 2}, Stale},
		{"out of order", []uint32{3, 1, 2}, OK},
		{"begins anywhere", []uint32{77}, OK},
		{"63 behind", []uint32{100, 37}, OK},
		{"63 behind twice", []uint32{100, 37, 37}, Stale},
		{"64 behind", []uint32{100, 36}, Stale},
		{"a leap forgets what is behind", []uint32{1, 1000, 1}, Stale},
		{"after a leap", []uint32{1, 1000, 999, 1001}, OK},
		{"the last count", []uint32{1, 1<<32 - 1, 1<<32 - 1}, Stale},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g := newGuard()
			ph := challenged(t, g, office, start)
			for i, count := range tt.counts {
				ph.count = count - 1
				got := ph.send(t, g, office, incoming{callID: fmt.Sprint("call-", i)}, start)
				want := OK
				if i == len(tt.counts)-1 {
					want = tt.last
				}
				if got != want {
					t.Errorf("count %d: %v, want %v", count, got, want)
				}
			}
		})
	}
}

func TestB085SpiralPassesAndReplayDoesNot(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*incoming)
		after  time.Duration
		want   Verdict
	}{
		{"same request by another path", func(r *incoming) { r.via = "SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK2" }, time.Second, OK},
		{"other Call-ID", func(r *incoming) { r.callID = "call-2" }, 0, Stale},
		{"other CSeq", func(r *incoming) { r.cseq = 2 }, 0, Stale},
		{"when its transactions are long over", func(*incoming) {}, spiral, Stale},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g := newGuard()
			r := incoming{}
			c := "Authorization: " + challenged(t, g, office, start).credentials(t, r).String()
			if got := decide(t, g, office, r.message(t, c), start); got != OK {
				t.Fatalf("first: %v", got)
			}
			tt.change(&r)
			if got := decide(t, g, office, r.message(t, c), start.Add(tt.after)); got != tt.want {
				t.Errorf("again: %v, want %v", got, tt.want)
			}
		})
	}
}

func TestRegisterIsNeverASpiral(t *testing.T) {
	t.Parallel()
	g := newGuard()
	r := incoming{method: "REGISTER", uri: "sip:example.org"}
	c := "Authorization: " + challenged(t, g, office, start).credentials(t, r).String()
	if got := decide(t, g, office, r.message(t, c), start); got != OK {
		t.Fatalf("first: %v", got)
	}
	if got := decide(t, g, office, r.message(t, c, "Contact: <sip:mallory@192.0.2.66>"), start); got != Stale {
		t.Errorf("again, with the Contact of somebody who read along: %v, want %v", got, Stale)
	}
}

func TestB086StaleOnlyWithARightResponse(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		after    time.Duration
		password string
		nonce    string
		want     Verdict
	}{
		{name: "just in time", after: 300*time.Second - time.Millisecond, want: OK},
		{name: "expired", after: 300 * time.Second, want: Stale},
		{name: "expired, wrong password", after: 300 * time.Second, password: "x", want: Wrong},
		{name: "of another server", nonce: New(Config{Secret: []byte("another secret..")}).nonces.issue(incoming{}.message(t), start), want: Stale},
		{name: "no nonce of ours", nonce: "dcd98b7102dd2f0e8b11d0f600bfb0c0", want: Stale},
		{name: "no nonce of ours, wrong password", nonce: "dcd98b7102dd2f0e8b11d0f600bfb0c0", password: "x", want: Wrong},
		{name: "empty", nonce: "-", want: Stale},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g := newGuard()
			ph := challenged(t, g, office, start)
			if tt.nonce != "" {
				ph.challenge.Nonce = strings.Trim(tt.nonce, "-")
			}
			if tt.password != "" {
				ph.password = tt.password
			}
			if got := ph.send(t, g, office, incoming{}, start.Add(tt.after)); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestNonceCannotBeForged(t *testing.T) {
	t.Parallel()
	n := newGuard().nonces
	text := n.issue(incoming{}.message(t), start)
	if got, ok := n.open(text); !ok || got.issued != start.UnixMilli() {
		t.Fatalf("own nonce: %+v, %v", got, ok)
	}
	for i := range text {
		forged := []byte(text)
		forged[i] ^= 1
		if _, ok := n.open(string(forged)); ok {
			t.Errorf("accepted with character %d changed", i)
		}
	}
	for _, bad := range []string{"", text[1:], text + "A", strings.Repeat("\n", len(text))} {
		if _, ok := n.open(bad); ok {
			t.Errorf("accepted %q", bad)
		}
	}
}

func TestNoncesDifferByRequestAndRepeatForTheSame(t *testing.T) {
	t.Parallel()
	n := newGuard().nonces
	base := n.issue(incoming{}.message(t), start)
	if again := newGuard().nonces.issue(incoming{}.message(t), start); again != base {
		t.Error("the same request at the same time has two nonces: a seeded run would not be repeatable")
	}
	for name, r := range map[string]incoming{"Call-ID": {callID: "x"}, "CSeq": {cseq: 2}, "Via": {via: "SIP/2.0/UDP 192.0.2.5;branch=z9hG4bK1"}} {
		if n.issue(r.message(t), start) == base {
			t.Errorf("two clients share a nonce although their %s differs", name)
		}
	}
	if n.issue(incoming{}.message(t), start.Add(time.Millisecond)) == base {
		t.Error("two times share a nonce")
	}
}

func TestB087NamesAndRealmsOfAnyText(t *testing.T) {
	t.Parallel()
	g := newGuard()
	p := Params{Realm: `a "realm" \ München`}
	ph := challenged(t, g, p, start)
	ph.user, ph.password = "Jäsøn Doe", `p"w\`
	if got := ph.send(t, g, p, incoming{}, start); got != OK {
		t.Errorf("got %v", got)
	}
}

func TestB087UserHash(t *testing.T) {
	t.Parallel()
	g := newGuard()
	p := Params{Realm: "example.org", UserHash: true, Algorithms: []digest.Algorithm{digest.SHA256}}
	ph := challenged(t, g, p, start)
	m := incoming{}.message(t, "Authorization: "+ph.credentials(t, incoming{}).String())
	a := g.Check(m, p)
	if a.Verdict != Pending || !a.UserHash || a.User == "alice" {
		t.Fatalf("got %+v, want a hashed name", a)
	}
	if a.Is("bob") || !a.Is("alice") {
		t.Error("the name behind the hash is not recognised")
	}
	if got := g.Finish(m, &a, Secret{Name: "alice", Password: "wonderland"}, start); got != OK {
		t.Errorf("got %v", got)
	}
}

func TestStoredHA1(t *testing.T) {
	t.Parallel()
	ha1 := digest.HA1(digest.MD5, "alice", "example.org", "wonderland")
	tests := []struct {
		name   string
		secret Secret
		want   Verdict
	}{
		{"right", Secret{HA1: ha1}, OK},
		{"upper case", Secret{HA1: strings.ToUpper(ha1)}, OK},
		{"preferred to the password", Secret{HA1: ha1, Password: "x"}, OK},
		{"of another algorithm", Secret{HA1: digest.HA1(digest.SHA256, "alice", "example.org", "wonderland")}, Wrong},
		{"of another algorithm, beside the password", Secret{HA1: digest.HA1(digest.SHA256, "alice", "example.org", "x"), Password: "wonderland"}, OK},
		{"of another password", Secret{HA1: digest.HA1(digest.MD5, "alice", "example.org", "x")}, Wrong},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g := newGuard()
			m := incoming{}.message(t, "Authorization: "+challenged(t, g, office, start).credentials(t, incoming{}).String())
			a := g.Check(m, office)
			if a.Algorithm() != digest.MD5 || !a.Is("alice") || a.Is("bob") {
				t.Errorf("attempt %+v", a)
			}
			if got := g.Finish(m, &a, tt.secret, start); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestB088AckAndCancelAreNeverChallenged(t *testing.T) {
	t.Parallel()
	g := newGuard()
	for _, method := range []string{"ACK", "CANCEL"} {
		if got := g.Check(incoming{method: method}.message(t), office).Verdict; got != Exempt {
			t.Errorf("%s: %v, want %v", method, got, Exempt)
		}
	}
	// The ACK of a 2xx repeats the INVITE's credentials (RFC 3261 §22.1), whose digest names the INVITE.
	c := "Authorization: " + challenged(t, g, office, start).credentials(t, incoming{}).String()
	if got := decide(t, g, office, incoming{}.message(t, c), start); got != OK {
		t.Fatalf("INVITE: %v", got)
	}
	if got := decide(t, g, office, incoming{method: "ACK"}.message(t, c), start); got != Exempt {
		t.Errorf("its ACK: %v", got)
	}
}

func TestB089DigestURIMustBeOneWeServe(t *testing.T) {
	t.Parallel()
	p := office
	p.Serves = func(u *sip.URI) bool { return u.Port == 0 && (u.Host == "example.org" || u.Host == "192.0.2.1") }
	tests := []struct {
		name, requestURI, digestURI string
		want                        Verdict
	}{
		{"the same", "sip:bob@example.org", "sip:bob@example.org", OK},
		{"the same, of a foreign domain that we proxy to", "sip:bob@elsewhere.net", "sip:bob@elsewhere.net", OK},
		{"equal by the rules", "sip:bob@elsewhere.net", "sip:b%6fb@ELSEWHERE.net", OK},
		{"retargeted by a proxy before us", "sip:bob@10.0.0.1", "sip:bob@example.org", OK},
		{"our address, its port cut short", "sip:192.0.2.1:26001", "sip:192.0.2.1:2600", OK},
		{"somebody else's", "sip:bob@example.org", "sip:bob@elsewhere.net", Misdirected},
		{"no URI", "sip:bob@example.org", "/index.html", Misdirected},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g := newGuard()
			ph := challenged(t, g, p, start)
			c := ph.credentials(t, incoming{uri: tt.digestURI})
			if got := decide(t, g, p, incoming{uri: tt.requestURI}.message(t, "Authorization: "+c.String()), start); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestB090B151WhatIsNotForUsCountsAsNothing(t *testing.T) {
	t.Parallel()
	g := newGuard()
	elsewhere := challenged(t, g, Params{Realm: "elsewhere.net"}, start).credentials(t, incoming{}).String()
	ours := challenged(t, g, office, start).credentials(t, incoming{}).String()
	tests := []struct {
		name    string
		headers []string
		want    Verdict
	}{
		{"nothing", nil, NoCredentials},
		{"unknown scheme", []string{"Authorization: NoOneKnowsThisScheme opaque-data=here"}, NoCredentials},
		{"Basic", []string{"Authorization: Basic YWxpY2U6d29uZGVybGFuZA=="}, NoCredentials},
		{"another realm", []string{"Authorization: " + elsewhere}, NoCredentials},
		{"for a proxy", []string{"Proxy-Authorization: " + ours}, NoCredentials},
		{"ours after others", []string{"Authorization: Basic eA==", "Authorization: " + elsewhere, "Authorization: " + ours}, OK},
		{"broken", []string{`Authorization: Digest username="alice`}, Malformed},
		{"ours beside a broken one", []string{`Authorization: Digest username="alice`, "Authorization: " + ours}, OK},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g := newGuard() // of the same secret
			m := incoming{headers: tt.headers}.message(t)
			before := m.String()
			if got := decide(t, g, office, m, start); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
			if m.String() != before {
				t.Error("the request was changed")
			}
		})
	}
}

func TestB151MissingAlgorithmAndQOP(t *testing.T) {
	t.Parallel()
	g := newGuard()
	ph := challenged(t, g, office, start)
	ph.challenge.QOP = nil // as a client of RFC 2069 reads it
	text := strings.Replace(ph.credentials(t, incoming{}).String(), ", algorithm=MD5", "", 1)
	if strings.Contains(text, "qop") || strings.Contains(text, "algorithm") {
		t.Fatalf("%s is not what this test is about", text)
	}
	send := func(r incoming) Verdict { return decide(t, g, office, r.message(t, "Authorization: "+text), start) }
	if got := send(incoming{}); got != OK {
		t.Errorf("got %v", got)
	}
	if got := send(incoming{callID: "call-2"}); got != Stale {
		t.Errorf("nonce used twice without a count: %v, want %v", got, Stale)
	}
	strict := Params{Realm: office.Realm, QOP: []string{"auth-int"}}
	if got := decide(t, newGuard(), strict, incoming{}.message(t, "Authorization: "+text), start); got != NoCredentials {
		t.Errorf("auth where only auth-int is offered: %v", got)
	}
}

func TestB091NobodyLearnsWhoExists(t *testing.T) {
	t.Parallel()
	g := newGuard()
	ph := challenged(t, g, office, start)
	ph.user, ph.password = "nobody", ""
	if got := ph.send(t, g, office, incoming{}, start); got != Wrong {
		t.Errorf("unknown user with the empty password: %v, want %v", got, Wrong)
	}
	ph.user, ph.password = "alice", ""
	if got := ph.send(t, g, office, incoming{}, start); got != Wrong {
		t.Errorf("known user with the empty password: %v, want %v", got, Wrong)
	}
	// The challenge to either is the same but for its nonce.
	m := incoming{}.message(t)
	if a, b := g.Challenge(m, office, false, start), g.Challenge(m, office, false, start); !slices.Equal(a, b) {
		t.Errorf("%q, %q", a, b)
	}
}

func TestB094OnlyOurCredentialsAreStripped(t *testing.T) {
	t.Parallel()
	g := newGuard()
	ours := challenged(t, g, office, start).credentials(t, incoming{}).String()
	theirs := challenged(t, g, Params{Realm: "elsewhere.net"}, start).credentials(t, incoming{}).String()
	const unknown = "NoOneKnowsThisScheme opaque-data=here"
	m := incoming{headers: []string{
		"Proxy-Authorization: " + theirs, "Proxy-Authorization: " + ours, "Proxy-Authorization: " + unknown, "Authorization: " + ours,
	}}.message(t)
	Strip(m, office.Realm)
	if got := slices.Collect(m.Values(sip.ProxyAuthorization)); !slices.Equal(got, []string{theirs, unknown}) {
		t.Errorf("Proxy-Authorization is now %q", got)
	}
	if got := slices.Collect(m.Values(sip.Authorization)); !slices.Equal(got, []string{ours}) {
		t.Errorf("Authorization is now %q: it is for the user agent server", got)
	}
	before := m.String()
	Strip(m, office.Realm)
	if m.String() != before {
		t.Error("stripping what is not there changed the request")
	}
}

func TestIdentity(t *testing.T) {
	t.Parallel()
	invite, register := incoming{}.message(t), incoming{method: "REGISTER", uri: "sip:example.org"}.message(t)
	tests := []struct {
		m    *sip.Message
		user string
		want bool
	}{
		{invite, "alice", true},
		{invite, "alice@example.org", true},
		{invite, "bob", false},
		{invite, "alice@elsewhere.net", false},
		{invite, "", false},
		{register, "bob", true}, // whose bindings they are
		{register, "alice", false},
	}
	for _, tt := range tests {
		if got := Identity(tt.m, tt.user); got != tt.want {
			t.Errorf("%s by %q: %v, want %v", tt.m.Method(), tt.user, got, tt.want)
		}
	}
}

func TestVerdictsThatAreChallenged(t *testing.T) {
	t.Parallel()
	for v := NoCredentials; v <= Misdirected; v++ {
		challenge, stale := v.Challenge()
		if want := v == NoCredentials || v == Wrong || v == Stale; challenge != want || stale != (v == Stale) {
			t.Errorf("%v: challenge %v, stale %v", v, challenge, stale)
		}
	}
}

func TestGuardFromManyShards(t *testing.T) {
	t.Parallel()
	g := New(Config{Secret: []byte("0123456789abcdef"), Slots: 8}) // so that all of them meet
	var wg sync.WaitGroup
	for shard := range 4 {
		wg.Go(func() {
			for i := range 100 {
				now := start.Add(time.Duration(i) * time.Second)
				ph := challenged(t, g, office, now)
				r := incoming{callID: fmt.Sprint(shard, "-", i)}
				if got := ph.send(t, g, office, r, now); got != OK && got != Stale {
					t.Errorf("got %v", got)
				}
			}
		})
	}
	wg.Wait()
}

func TestVerifyAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	g := newGuard()
	m := incoming{}.message(t, "Authorization: "+challenged(t, g, office, start).credentials(t, incoming{}).String())
	// The credentials, HA1 as text, and what crypto/hmac makes for the nonce.
	if n := testing.AllocsPerRun(100, func() {
		if decide(t, g, office, m, start) != OK {
			t.Fatal("refused")
		}
	}); n > 9 {
		t.Errorf("%v allocations, want at most 9", n)
	}
}

func BenchmarkVerify(b *testing.B) {
	g := newGuard()
	m := incoming{}.message(b, "Authorization: "+challenged(b, g, office, start).credentials(b, incoming{}).String())
	b.ReportAllocs()
	for b.Loop() {
		if decide(b, g, office, m, start) != OK {
			b.Fatal("refused")
		}
	}
}

func BenchmarkChallenge(b *testing.B) {
	g := newGuard()
	m := incoming{}.message(b)
	b.ReportAllocs()
	for b.Loop() {
		g.Challenge(m, office, false, start)
	}
}
