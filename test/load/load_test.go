//go:build linux

package load

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"
	"time"
)

func TestHistogramBucketHoldsItsDurations(t *testing.T) {
	t.Parallel()
	for _, ns := range []int64{0, 1, 63, 64, 100, 127, 128, 129, 1000, 123456, 1e9, 1e12} {
		if top := bucketTop(bucketOf(ns)); top < ns || float64(top) > 1.017*float64(ns)+1 {
			t.Errorf("%d ns is counted as up to %d ns", ns, top)
		}
	}
}

func TestHistogramQuantiles(t *testing.T) {
	t.Parallel()
	var h histogram
	for us := range int64(1000) {
		h.add((us + 1) * 1000)
	}
	if p50 := h.quantile(0.5); p50 < 500*time.Microsecond || p50 > 510*time.Microsecond {
		t.Errorf("p50 = %s", p50)
	}
	if top := h.quantile(1); top != time.Millisecond {
		t.Errorf("p100 = %s", top)
	}
}

func TestQueueKeepsOrderWhenItGrowsWrapped(t *testing.T) {
	t.Parallel()
	var q queue
	pushed, taken := int64(0), int64(0)
	for round := range 3000 {
		for range 1 + round%3 {
			q.push(due{at: pushed, number: pushed})
			pushed++
		}
		d, ok := q.next(pushed)
		if !ok || d.number != taken {
			t.Fatalf("got %d, %t, want %d", d.number, ok, taken)
		}
		taken++
	}
	if int64(q.count) != pushed-taken || q.earliest(1<<40) != taken {
		t.Errorf("%d left, earliest %d; want %d, %d", q.count, q.earliest(1<<40), pushed-taken, taken)
	}
}

func crlf(s string) []byte { return []byte(strings.ReplaceAll(s, "\n", "\r\n")) }

func TestReadResponse(t *testing.T) {
	t.Parallel()
	b := crlf(`SIP/2.0 200 OK
Via: SIP/2.0/UDP 127.0.0.1:6060;branch=z9hG4bKxI0000000007, SIP/2.0/UDP 127.0.0.1:1
Record-Route: <sip:127.0.0.1:2;lr;x="a,b">, <sip:127.0.0.1:3;lr>
record-route: <sip:127.0.0.1:1;lr>
f: <sip:a@b>;tag=1
t: <sip:a@b>;tag=2
i: x-0000000007@127.0.0.1
CSeq: 1 INVITE
m: "x, y" <sip:u@127.0.0.1:6061>;q=1
Content-Length: 0

`)
	var m message
	if err := m.read(b); err != nil {
		t.Fatal(err)
	}
	if m.status != 200 || m.method != nil || m.cseq != 1 || string(m.cseqMethod) != "INVITE" || !m.toTag() || m.viaCount() != 2 || string(m.contact) != "sip:u@127.0.0.1:6061" {
		t.Errorf("read %+v", m)
	}
	if set := string(bytes.Join(m.routeSet(), []byte(" "))); set != `<sip:127.0.0.1:2;lr;x="a,b"> <sip:127.0.0.1:3;lr> <sip:127.0.0.1:1;lr>` {
		t.Errorf("route set %s", set)
	}
	for _, bad := range []string{"", "SIP/2.0 200 OK\r\n", "SIP/2.0 2x0 OK\r\n\r\n", "INVITE\r\n\r\n", string(b[:len(b)-2]), "SIP/2.0 200 OK\r\nCSeq: 1 INVITE\r\n\r\n"} {
		if m.read([]byte(bad)) == nil {
			t.Errorf("%q was taken for a message", bad)
		}
	}
}

// pair is a generator whose two sides face each other through memory.
func pair(t *testing.T, mode Mode) *generator {
	t.Helper()
	cfg := Config{Mode: mode, Window: 1, Count: 1, Users: 1000, User: 50, Direct: true,
		Target: netip.MustParseAddrPort("127.0.0.1:5060"), Caller: netip.MustParseAddrPort("127.0.0.1:6060"), Callee: netip.MustParseAddrPort("127.0.0.1:6061")}
	if err := cfg.complete(); err != nil {
		t.Fatal(err)
	}
	g := newGenerator(cfg, "test")
	g.caller, g.callee = new(socket), new(socket)
	g.caller.out.wire()
	g.callee.out.wire()
	return g
}

// outbox empties what a side has queued.
func outbox(s *socket) (sent []string) {
	for i := range s.queued {
		sent = append(sent, string(s.out.data[i][:s.out.vectors[i].Len]))
	}
	s.queued = 0
	return sent
}

// exchange carries datagrams between the sides until both are silent.
func exchange(g *generator, now int64) (ladder []string) {
	for {
		requests, responses := outbox(g.caller), outbox(g.callee)
		if len(requests)+len(responses) == 0 {
			return ladder
		}
		for _, b := range requests {
			ladder = append(ladder, b[:strings.IndexByte(b, ' ')])
			g.onRequest([]byte(b), now)
		}
		for _, b := range responses {
			ladder = append(ladder, b[8:11])
			g.onResponse([]byte(b), now)
		}
	}
}

func TestEveryModeRunsAnOperationToItsEnd(t *testing.T) {
	t.Parallel()
	want := map[Mode]string{
		Options: "OPTIONS 200", Register: "REGISTER 200", Message: "MESSAGE 200", Call: "INVITE 180 200 ACK BYE 200",
		B2BUA: "INVITE 180 200 ACK BYE 200",
	}
	for _, mode := range Modes {
		g := pair(t, mode)
		g.begin(0, 4321)
		ladder := strings.Join(exchange(g, 1000), " ")
		r := g.finish()
		if ladder != want[mode] || r.Succeeded != 1 || !r.Clean() || g.open != 0 {
			t.Errorf("%s: ladder %q, result %+v", mode, ladder, r)
		}
	}
}

func TestLost200IsSentAgainAndAcknowledgedAgain(t *testing.T) {
	t.Parallel()
	g := pair(t, Call)
	g.begin(0, 0)
	invite := outbox(g.caller)[0]
	g.onRequest([]byte(invite), 0)
	outbox(g.callee) // 180 and 200 are lost
	g.fire(t1 + 1)
	if again := outbox(g.caller); len(again) != 1 || again[0] != invite {
		t.Fatalf("request sent again: %q", again)
	}
	ok := outbox(g.callee)
	if len(ok) != 1 || !strings.HasPrefix(ok[0], "SIP/2.0 200") {
		t.Fatalf("200 sent again: %q", ok)
	}
	g.onResponse([]byte(ok[0]), t1+2)
	g.onResponse([]byte(ok[0]), t1+2)
	if ladder := strings.Join(exchange(g, t1+3), " "); ladder != "ACK BYE ACK 200" {
		t.Errorf("ladder %q", ladder)
	}
	if r := g.finish(); r.Succeeded != 1 || r.Resent != 2 || r.Duplicates != 2 {
		t.Errorf("result %+v", r)
	}
}

func TestFailureResponseIsAcknowledgedAndCounted(t *testing.T) {
	t.Parallel()
	g := pair(t, Call)
	g.begin(0, 7)
	var m message
	if err := m.read([]byte(outbox(g.caller)[0])); err != nil {
		t.Fatal(err)
	}
	busy := g.appendResponse(nil, &m, "486 Busy Here", 7, "")
	g.onResponse(busy, 1)
	ack := outbox(g.caller)
	if len(ack) != 1 || !strings.HasPrefix(ack[0], "ACK sip:u0000057@127.0.0.1:5060 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:6060;branch=z9hG4bKtestI0000000007;rport\r\n") {
		t.Errorf("ACK %q", ack)
	}
	if r := g.finish(); r.Codes[486] != 1 || r.Failed() != 1 {
		t.Errorf("result %+v", r)
	}
}

func TestUnansweredOperationIsGivenUp(t *testing.T) {
	t.Parallel()
	g := pair(t, Options)
	g.begin(0, 0)
	for now := int64(0); now < int64(6*time.Second); now += int64(10 * time.Millisecond) {
		g.fire(now)
		outbox(g.caller)
	}
	if r := g.finish(); r.TimedOut != 1 || r.Resent != 3 || g.open != 0 { // at 0.5, 1.5 and 3.5 s
		t.Errorf("result %+v", r)
	}
}

func TestWrongMessagesAreAnomalies(t *testing.T) {
	t.Parallel()
	change := func(b, from, to string) []byte {
		if !strings.Contains(b, from) {
			t.Fatalf("%q is not in %q", from, b)
		}
		return []byte(strings.Replace(b, from, to, 1))
	}
	relayed := "SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKserver\r\nRecord-Route: <sip:127.0.0.1:5060;lr>\r\n"
	rows := []struct {
		mode     Mode
		from, to string
		want     string
	}{
		{Call, "SIP/2.0\r\n", relayed, ""},
		{Call, "SIP/2.0\r\n", "SIP/2.0\r\nRecord-Route: <sip:127.0.0.1:5060;lr>\r\n", "callee: not exactly two Via"},
		{Call, "SIP/2.0\r\n", strings.Replace(relayed, "Record-Route", "X", 1), "callee: INVITE without Record-Route"},
		{Call, "SIP/2.0\r\n", relayed + "Route: <sip:127.0.0.1:5060;lr>\r\n", "callee: Route left in"},
		{Call, "127.0.0.1:6061 SIP/2.0\r\n", "127.0.0.1:5060 " + relayed, "callee: request URI is not the contact"},
		{B2BUA, "SIP/2.0\r\n", "SIP/2.0\r\n", ""},
		{B2BUA, "SIP/2.0\r\n", relayed, "callee: Via or Record-Route of the other side"},
		{Call, "Call-ID", "X", "callee: mandatory header missing"},
	}
	for _, row := range rows {
		g := pair(t, row.mode)
		g.cfg.Direct = false
		g.begin(0, 0)
		invite := strings.Replace(outbox(g.caller)[0], "@127.0.0.1:5060 SIP", "@127.0.0.1:6061 SIP", 1)
		g.onRequest(change(invite, row.from, row.to), 0)
		if n := len(g.result.Anomalies); (row.want == "") != (n == 0) || row.want != "" && g.result.Anomalies[row.want] != 1 {
			t.Errorf("%q: anomalies %v, want %q", row.to, g.result.Anomalies, row.want)
		}
	}
}

func TestResponseWithAnotherBranchIsAnAnomaly(t *testing.T) {
	t.Parallel()
	g := pair(t, Options)
	g.begin(0, 0)
	g.onRequest([]byte(outbox(g.caller)[0]), 0)
	response := outbox(g.callee)[0]
	g.onResponse([]byte(strings.Replace(response, "testO0000000000", "testO0000000001", 1)), 1)
	if g.result.Anomalies["caller: branch of another request"] != 1 || g.result.Succeeded != 0 {
		t.Errorf("result %+v", g.result)
	}
}

func TestConfigIsRefused(t *testing.T) {
	t.Parallel()
	good := Config{Mode: Call, Rate: 1, Users: 1}
	for name, spoil := range map[string]func(*Config){
		"both rate and window": func(c *Config) { c.Window = 1 },
		"neither":              func(c *Config) { c.Rate = 0 },
		"no users":             func(c *Config) { c.Users = 0 },
		"too long":             func(c *Config) { c.Duration = time.Hour },
		"unknown mode":         func(c *Config) { c.Mode = "refer" },
	} {
		c := good
		spoil(&c)
		if c.complete() == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	if err := good.complete(); err != nil {
		t.Error(err)
	}
	if _, err := openSocket(netip.MustParseAddrPort("127.0.0.1:0"), netip.MustParseAddrPort("192.0.2.1:5060")); err == nil {
		t.Error("a target beyond loopback was accepted")
	}
}
