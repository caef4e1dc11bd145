package sip

import (
	"errors"
	"strconv"
	"strings"
	"testing"
)

// lines joins lines by CRLF and ends the header section, body appended.
func lines(head ...string) string { return strings.Join(head, "\r\n") + "\r\n\r\n" }

// mustRead reads a message that has to be accepted.
func mustRead(t testing.TB, text string) *Message {
	t.Helper()
	m, err := ReadDatagram([]byte(text), Limits{})
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return m
}

const sdp = "v=0\r\no=alice 2890844526 2890844526 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n" +
	"m=audio 49172 RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\na=ptime:20\r\n"

// invite800 is an INVITE of about 800 bytes as phones send it through one proxy.
var invite800 = lines(
	"INVITE sip:bob@biloxi.example.com:5062;transport=udp SIP/2.0",
	"Via: SIP/2.0/UDP 192.0.2.10:5060;rport;branch=z9hG4bK776asdhds8fh2lk2j",
	"Via: SIP/2.0/UDP pc33.atlanta.example.com:5070;branch=z9hG4bKnashds8;received=192.0.2.1",
	"Max-Forwards: 70",
	"To: \"Bob\" <sip:bob@biloxi.example.com>",
	"From: \"Alice\" <sip:alice@atlanta.example.com>;tag=1928301774",
	"Call-ID: a84b4c76e66710@pc33.atlanta.example.com",
	"CSeq: 314159 INVITE",
	"Contact: <sip:alice@pc33.atlanta.example.com:5070;transport=udp>",
	"User-Agent: Phone 4.2.1 (build 7)",
	"Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, NOTIFY",
	"Supported: replaces, timer",
	"Content-Type: application/sdp",
	"Content-Length: "+strconv.Itoa(len(sdp)),
) + sdp

func TestReadingAnInviteDoesNotAllocate(t *testing.T) {
	if poison {
		t.Skip("released messages are not used again under the race detector")
	}
	raw := []byte(invite800)
	allocs := testing.AllocsPerRun(1000, func() {
		m, err := ReadDatagram(raw, Limits{})
		if err != nil {
			t.Fatal(err)
		}
		via, _ := m.Via()
		cseq, _ := m.CSeq()
		uri, _ := m.URI()
		if via.Branch == "" || cseq.Number != 314159 || m.CallID() == "" || m.FromTag() == "" || m.ToTag() != "" || uri.Host == "" {
			t.Fatal("wrong values")
		}
		m.Release()
	})
	if allocs > 0 {
		t.Errorf("%v allocations", allocs)
	}
}

func BenchmarkReadInvite(b *testing.B) {
	raw := []byte(invite800)
	b.ReportAllocs()
	b.SetBytes(int64(len(raw)))
	for b.Loop() {
		m, err := ReadDatagram(raw, Limits{})
		if err != nil {
			b.Fatal(err)
		}
		m.Release()
	}
}

// BenchmarkIndexAndScreen is BenchmarkReadInvite without taking a message from the pool and copying the datagram into it.
func BenchmarkIndexAndScreen(b *testing.B) {
	m, err := ReadDatagram([]byte(invite800), Limits{})
	if err != nil {
		b.Fatal(err)
	}
	buf, text := m.buf, m.text
	b.ReportAllocs()
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		m.reset()
		m.buf, m.text = buf, text
		if err := m.load(Limits{}, false); err != nil {
			b.Fatal(err)
		}
	}
}

func code(err error) int {
	var refused *ParseError
	if errors.As(err, &refused) {
		return refused.Code
	}
	return 0
}

// request returns a request with the mandatory header fields, each of which is left out when extra brings one of its name.
func request(method string, extra ...string) string {
	head := []string{method + " sip:bob@biloxi.example.com SIP/2.0"}
	for _, field := range []string{
		"Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx", "From: <sip:alice@atlanta.example.com>;tag=1", "To: <sip:bob@biloxi.example.com>",
		"Call-ID: one@192.0.2.1", "CSeq: 1 " + method,
	} {
		name, _, _ := strings.Cut(field, ":")
		given := false
		for _, other := range extra {
			otherName, _, _ := strings.Cut(other, ":")
			given = given || LookupName(strings.TrimSpace(otherName)) == LookupName(name)
		}
		if !given {
			head = append(head, field)
		}
	}
	return lines(append(head, extra...)...)
}

func TestScreening(t *testing.T) {
	t.Parallel()
	valid := request("OPTIONS")
	rows := []struct {
		name, text string
		code       int
		answerable bool
	}{
		{"valid", valid, 0, true},
		{"CRLF before the start line", "\r\n\r\n" + valid, 0, true},
		{"version in lower case", strings.Replace(valid, "SIP/2.0\r", "sip/2.0\r", 1), 0, true},
		{"nothing", "", 400, false},
		{"only CRLF", "\r\n\r\n", 400, false},
		{"noise", "hello\r\n\r\n", 400, false},
		{"no line end", "OPTIONS sip:a@b SIP/2.0", 400, false},
		{"another protocol", strings.Replace(valid, "SIP/2.0\r", "HTTP/1.1\r", 1), 400, true},
		{"a later version", strings.Replace(valid, "SIP/2.0\r", "SIP/3.0\r", 1), 505, true},
		{"a version that is none", strings.Replace(valid, "SIP/2.0\r", "SIP/two\r", 1), 400, true},
		{"no version", strings.Replace(valid, " SIP/2.0\r", "\r", 1), 400, true},
		{"no method", " sip:a@b SIP/2.0" + valid[strings.Index(valid, "\r\n"):], 400, false},
		{"bad method", strings.Replace(valid, "OPTIONS", "OPT/IONS", 1), 400, false},
		{"bare LF", strings.Replace(valid, "\r\nTo", "\nTo", 1), 400, true},
		{"bare CR", strings.Replace(valid, "biloxi.example.com>", "biloxi.example.com>\rX: y", 1), 400, true},
		{"bare LF in the start line", strings.Replace(valid, "\r\n", "\n", 1), 400, false},
		{"folded start line", strings.Replace(valid, "\r\n", "\r\n \r\n", 1), 400, true},
		{"no blank line", strings.TrimSuffix(valid, "\r\n"), 400, true},
		{"a line without colon", request("OPTIONS", "Foobar roobar"), 400, true},
		{"a name with a space", request("OPTIONS", "Foo bar: x"), 400, true},
		{"no name", request("OPTIONS", ": x"), 400, true},
		{"empty Via", request("OPTIONS", "Via:"), 400, false},
		{"no Via", strings.Replace(valid, "Via:", "X-Via:", 1), 400, false},
		{"no From", strings.Replace(valid, "From:", "X-From:", 1), 400, true},
		{"no To", strings.Replace(valid, "To:", "X-To:", 1), 400, true},
		{"no Call-ID", strings.Replace(valid, "Call-ID:", "X-Call-ID:", 1), 400, true},
		{"no CSeq", strings.Replace(valid, "CSeq:", "X-CSeq:", 1), 400, true},
		{"two of From", request("OPTIONS", "From: <sip:a@b>", "f: <sip:a@b>"), 400, true},
		{"two of To", request("OPTIONS", "To: <sip:a@b>", "T: <sip:a@b>"), 400, true},
		{"two of Call-ID", request("OPTIONS", "Call-ID: 1", "i: 1"), 400, true},
		{"two of CSeq", request("OPTIONS", "CSeq: 1 OPTIONS", "CSEQ: 1 OPTIONS"), 400, true},
		{"two of Max-Forwards", request("OPTIONS", "Max-Forwards: 1", "max-forwards: 1"), 400, true},
		{"two of Content-Length", request("OPTIONS", "Content-Length: 0", "l: 0"), 400, true},
		{"no tag, no Max-Forwards", request("OPTIONS", "From: <sip:a@b>"), 0, true},
		{"odd Max-Forwards", request("OPTIONS", "Max-Forwards: many"), 0, true},
		{"empty Call-ID", request("OPTIONS", "Call-ID: "), 400, true},
		{"Call-ID of two words", request("OPTIONS", "Call-ID: a b"), 400, true},
		{"From is *", request("OPTIONS", "From: *"), 400, true},
		{"To is *", request("OPTIONS", "To: *"), 400, true},
		{"two addresses in To", request("OPTIONS", "To: <sip:a@b>, <sip:c@d>"), 400, true},
		{"unbalanced From", request("OPTIONS", "From: <sip:a@b"), 400, true},
		{"CSeq 2^31-1", request("OPTIONS", "CSeq: 2147483647 OPTIONS"), 0, true},
		{"CSeq 2^31", request("OPTIONS", "CSeq: 2147483648 OPTIONS"), 400, true}, // RFC 3261 §8.1.1.5
		{"CSeq without number", request("OPTIONS", "CSeq: OPTIONS"), 400, true},
		{"CSeq without method", request("OPTIONS", "CSeq: 1"), 400, true},
		{"CSeq in one word", request("OPTIONS", "CSeq: 1OPTIONS"), 400, true},
		{"negative CSeq", request("OPTIONS", "CSeq: -1 OPTIONS"), 400, true},
		{"CSeq of another method", request("OPTIONS", "CSeq: 1 INVITE"), 400, true},
		{"CSeq method in lower case", request("OPTIONS", "CSeq: 1 options"), 400, true},
		{"CSeq of another method than an unknown one", request("FROBNICATE", "CSeq: 1 INVITE"), 501, true},
		{"unknown method", request("FROBNICATE"), 0, true},
		{"bare magic cookie", request("OPTIONS", "Via: SIP/2.0/UDP h;branch=Z9hG4bK"), 400, true},
		{"no branch", request("OPTIONS", "Via: SIP/2.0/UDP h"), 0, true},
		{"lower Via unreadable", request("OPTIONS", "Via: SIP/2.0/UDP h", "Via: nonsense"), 0, true},
		{"top Via unreadable", request("OPTIONS", "Via: nonsense", "Via: SIP/2.0/UDP h"), 400, false},
		{"header part in the request URI", strings.Replace(valid, "example.com SIP", "example.com?a=b SIP", 1), 400, true},
		{"request URI in brackets", strings.Replace(valid, "sip:bob@biloxi.example.com SIP", "<sip:bob@biloxi.example.com> SIP", 1), 400, true},
		{"tel request URI", strings.Replace(valid, "sip:bob@biloxi.example.com SIP", "tel:+123 SIP", 1), 0, true},
		{"scheme unknown", strings.Replace(valid, "sip:bob@biloxi.example.com SIP", "nobody:knows SIP", 1), 0, true},
		{"ACK", strings.Replace(request("ACK"), "Call-ID:", "X:", 1), 400, false},
		{"ACK of another version", strings.Replace(request("ACK"), "SIP/2.0\r", "SIP/3.0\r", 1), 505, false},

		{"response", "SIP/2.0 200 OK" + valid[strings.Index(valid, "\r\n"):], 0, true},
		{"response without phrase", "SIP/2.0 100 " + valid[strings.Index(valid, "\r\n"):], 0, true},
		{"response without the space", "SIP/2.0 100" + valid[strings.Index(valid, "\r\n"):], 0, true},
		{"status 699", "SIP/2.0 699 ?" + valid[strings.Index(valid, "\r\n"):], 0, true},
		{"status 700", "SIP/2.0 700 ?" + valid[strings.Index(valid, "\r\n"):], 400, false},
		{"status 99", "SIP/2.0 099 ?" + valid[strings.Index(valid, "\r\n"):], 400, false},
		{"status of four digits", "SIP/2.0 2000 ?" + valid[strings.Index(valid, "\r\n"):], 400, false},
		{"status of two", "SIP/2.0 20 ?" + valid[strings.Index(valid, "\r\n"):], 400, false},
		{"response of another version", "SIP/3.0 200 OK" + valid[strings.Index(valid, "\r\n"):], 505, false},
		{"response without Via", strings.Replace("SIP/2.0 200 OK"+valid[strings.Index(valid, "\r\n"):], "Via:", "X:", 1), 400, false},
		{"response with Content-Length too large", "SIP/2.0 200 OK\r\nl: 9" + valid[strings.Index(valid, "\r\n"):], 400, false},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			m, err := ReadDatagram([]byte(row.text), Limits{})
			if code(err) != row.code || (err == nil) != (row.code == 0) {
				t.Fatalf("%v, want code %d", err, row.code)
			}
			if (m != nil) != row.answerable {
				t.Fatalf("message %v, want %v", m != nil, row.answerable)
			}
			if m != nil {
				m.Release()
			}
		})
	}
}

func TestParseErrorSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		strings.Replace(request("OPTIONS"), "Call-ID:", "X:", 1): "sip: missing Call-ID",
		request("OPTIONS", "To: <sip:a>", "t: <sip:b>"):          "sip: more than one To",
		request("OPTIONS", "CSeq: x"):                            "sip: bad CSeq",
	} {
		if _, err := ReadDatagram([]byte(text), Limits{}); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestB006ContentLengthOfADatagram(t *testing.T) {
	t.Parallel()
	rows := []struct {
		field, sent, body string
		code              int
	}{
		{"Content-Length: 4", "body", "body", 0},
		{"l: 4", "bodyINVITE sip:x SIP/2.0\r\n\r\n", "body", 0},
		{"Content-Length: 0", "body", "", 0},
		{"X: y", "body", "body", 0},
		{"X: y", "", "", 0},
		{"Content-Length: 5", "body", "", 400},
		{"Content-Length: -4", "body", "", 400},
		{"Content-Length: four", "body", "", 400},
		{"Content-Length: 99999999999999999999", "body", "", 400},
		{"Content-Length:", "body", "", 400},
		{"Content-Length: 4\r\nl: 4", "body", "", 400},
	}
	for _, row := range rows {
		m, err := ReadDatagram([]byte(request("MESSAGE", row.field)+row.sent), Limits{})
		if code(err) != row.code || m == nil {
			t.Errorf("%q: %v", row.field, err)
			continue
		}
		if row.code == 0 && string(m.Body()) != row.body {
			t.Errorf("%q: body %q", row.field, m.Body())
		}
	}
	if m, err := ReadFrame([]byte(request("MESSAGE")), Limits{}); code(err) != 400 || m == nil {
		t.Errorf("a frame without Content-Length: %v", err)
	}
	if m, err := ReadFrame([]byte(request("MESSAGE", "Content-Length: 4")+"body"), Limits{}); err != nil || string(m.Body()) != "body" {
		t.Errorf("a frame: %v", err)
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	many := func(n int) string { return request("OPTIONS", strings.Repeat("X: y\r\n", n-6)+"X: y") }
	rows := []struct {
		name, text string
		lim        Limits
		code       int
	}{
		{"200 header fields", many(200), Limits{}, 0},
		{"201 header fields", many(201), Limits{}, 400},
		{"as many as configured", many(10), Limits{Headers: 10}, 0},
		{"more than configured", many(11), Limits{Headers: 10}, 400},
		{"more than one record in room", many(150), Limits{}, 0},
		{"as long as configured", many(10), Limits{Message: len(many(10))}, 0},
		{"longer than configured", many(10), Limits{Message: len(many(10)) - 1}, 513},
		{"longer than the default", request("MESSAGE") + strings.Repeat("x", 65536), Limits{}, 513},
		{"longer, as configured", request("MESSAGE") + strings.Repeat("x", 65536), Limits{Message: 1 << 20}, 0},
	}
	for _, row := range rows {
		m, err := ReadDatagram([]byte(row.text), row.lim)
		if code(err) != row.code || m == nil {
			t.Errorf("%s: %v", row.name, err)
			continue
		}
		m.Release()
	}
}

func TestB015NeitherAckNorResponseDrawsAnAnswer(t *testing.T) {
	t.Parallel()
	files := []string{"rfc4475/scalarlg", "rfc4475/bigcode"}
	for _, file := range files {
		if m, err := ReadDatagram(torture(t, file), Limits{}); m != nil || err == nil {
			t.Errorf("%s: %v", file, err)
		}
	}
	broken := []string{"CSeq: x ACK", "Via: SIP/2.0/UDP h;;", "Content-Length: 99", "To: <", "Nonsense"}
	for _, field := range broken {
		for _, start := range []string{"ACK sip:a@b SIP/2.0", "ACK  sip:a@b SIP/2.0", "ACK sip:a@b SIP/9.0", "ACK <sip:a> SIP/2.0", "SIP/2.0 200 OK", "SIP/2.0 x", "sip/9.0 400 No"} {
			text := request("ACK", field)
			text = start + text[strings.Index(text, "\r\n"):]
			if m, err := ReadDatagram([]byte(text), Limits{}); m != nil || err == nil {
				t.Errorf("%s with %s: %v", start, field, err)
			}
		}
	}
}

func TestRereadSentSharesTheBytes(t *testing.T) {
	t.Parallel()
	encoded := []byte(invite800)
	m, err := RereadSent(encoded)
	if err != nil {
		t.Fatal(err)
	}
	if &m.Body()[0] != &encoded[len(encoded)-len(m.Body())] {
		t.Error("copied")
	}
	m.Release() // kept: nothing happens
	if m.CallID() == "" {
		t.Error("released")
	}
	if _, err := RereadSent([]byte("x")); err == nil {
		t.Error("noise accepted")
	}
}
