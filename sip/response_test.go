package sip

import "testing"

func TestNewResponse(t *testing.T) {
	t.Parallel()
	invite := lines(
		"INVITE sip:bob@biloxi.example.com SIP/2.0",
		"v: SIP/2.0/UDP  a;branch=z9hG4bK1 ,\r\n SIP/2.0/TCP b",
		"To:\"Bob\" <sip:bob@biloxi.example.com>",
		"Record-Route: <sip:p1;lr>, <sip:p2;lr>",
		"f: <sip:alice@atlanta.example.com>;tag=1",
		"Call-ID: one",
		"Timestamp: 54.8",
		"Via: SIP/2.0/UDP c",
		"CSeq: 1 INVITE",
		"Max-Forwards: 70",
		"Record-Route: <sip:p3;lr>",
		"Contact: <sip:alice@pc>",
	)
	const vias = "v: SIP/2.0/UDP  a;branch=z9hG4bK1 ,\r\n SIP/2.0/TCP b\r\n"
	const lower = "Via: SIP/2.0/UDP c\r\n"
	rows := []struct {
		name, request string
		code          int
		reason, tag   string
		want          string
	}{
		{"100 has no tag but the timestamp", invite, 100, "", "t", "SIP/2.0 100 Trying\r\n" + vias + "To:\"Bob\" <sip:bob@biloxi.example.com>\r\n" +
			"f: <sip:alice@atlanta.example.com>;tag=1\r\nCall-ID: one\r\nTimestamp: 54.8\r\n" + lower + "CSeq: 1 INVITE\r\n"},
		{"200 has tag and route set", invite, 200, "", "t", "SIP/2.0 200 OK\r\n" + vias + "To:\"Bob\" <sip:bob@biloxi.example.com>;tag=t\r\n" +
			"Record-Route: <sip:p1;lr>, <sip:p2;lr>\r\nf: <sip:alice@atlanta.example.com>;tag=1\r\nCall-ID: one\r\n" + lower +
			"CSeq: 1 INVITE\r\nRecord-Route: <sip:p3;lr>\r\n"},
		{"180 too", invite, 180, "", "t", "SIP/2.0 180 Ringing\r\n" + vias + "To:\"Bob\" <sip:bob@biloxi.example.com>;tag=t\r\n" +
			"Record-Route: <sip:p1;lr>, <sip:p2;lr>\r\nf: <sip:alice@atlanta.example.com>;tag=1\r\nCall-ID: one\r\n" + lower +
			"CSeq: 1 INVITE\r\nRecord-Route: <sip:p3;lr>\r\n"},
		{"486 makes no dialog", invite, 486, "Not Now\r\nEvil: 1", "t", "SIP/2.0 486 Not Now Evil: 1\r\n" + vias + "To:\"Bob\" <sip:bob@biloxi.example.com>;tag=t\r\n" +
			"f: <sip:alice@atlanta.example.com>;tag=1\r\nCall-ID: one\r\n" + lower + "CSeq: 1 INVITE\r\n"},
		{"a tag that is there stays", request("BYE", "To: sip:b@c;tag=there", "Record-Route: <sip:p;lr>"), 200, "", "t",
			"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx\r\nFrom: <sip:alice@atlanta.example.com>;tag=1\r\nCall-ID: one@192.0.2.1\r\nCSeq: 1 BYE\r\nTo: sip:b@c;tag=there\r\n"},
		{"a tag behind an addr-spec", request("BYE", "To: sip:b@c"), 481, "", "t",
			"SIP/2.0 481 Call/Transaction Does Not Exist\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx\r\nFrom: <sip:alice@atlanta.example.com>;tag=1\r\nCall-ID: one@192.0.2.1\r\nCSeq: 1 BYE\r\nTo: sip:b@c;tag=t\r\n"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			req := mustRead(t, row.request)
			m := NewResponse(req, row.code, row.reason, row.tag)
			req.Release() // nothing is shared
			if got, want := m.String(), row.want+"Content-Length: 0\r\n\r\n"; got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
			again := mustRead(t, m.String())
			if again.Status() != row.code || again.Method() != m.Method() || m.IsRequest() {
				t.Errorf("%d %s", again.Status(), again.Method())
			}
		})
	}
}

func TestB011AnswerToABrokenRequest(t *testing.T) {
	t.Parallel()
	rows := []struct{ file, want string }{
		{"rfc4475/insuf", "SIP/2.0 400 Bad Request\r\nCSeq: 193942 INVITE\r\nVia: SIP/2.0/UDP 192.0.2.95;branch=z9hG4bKkdj.insuf\r\n"},
		{"rfc4475/multi01", "SIP/2.0 400 Bad Request\r\nVia: SIP/2.0/UDP 192.0.2.25;branch=z9hG4bKkdjuw\r\nCSeq: 5 INVITE\r\nCall-ID: multi01.98asdh@192.0.2.1\r\n" +
			"From: sip:caller@example.com;tag=3413415\r\nTo: sip:user@example.com;tag=t\r\n"},
		{"rfc4475/quotbal", "SIP/2.0 400 Bad Request\r\nTo: \"Mr. J. User <sip:j.user@example.com>\r\nFrom: sip:caller@example.net;tag=93334\r\n" +
			"Call-ID: quotbal.aksdj\r\nCSeq: 8 INVITE\r\nVia: SIP/2.0/UDP 192.0.2.59:5050;branch=z9hG4bKkdjuw39234\r\n"},
	}
	for _, row := range rows {
		m, err := ReadDatagram(torture(t, row.file), Limits{})
		if code(err) != 400 || m == nil {
			t.Errorf("%s: %v", row.file, err)
			continue
		}
		got := NewResponse(m, 400, "", "t").String()
		if want := row.want + "Content-Length: 0\r\n\r\n"; got != want {
			t.Errorf("%s:\n%s\nwant\n%s", row.file, got, want)
		}
	}
}

func TestReasonPhrases(t *testing.T) {
	t.Parallel()
	for code, want := range map[int]string{100: "Trying", 200: "OK", 404: "Not Found", 440: "Max-Breadth Exceeded", 487: "Request Terminated", 603: "Decline",
		155: "Session Progress", 299: "OK", 399: "Multiple Choices", 499: "Bad Request", 599: "Server Internal Error", 699: "Decline"} {
		if got := Reason(code); got != want {
			t.Errorf("%d %s", code, got)
		}
	}
	for code := 100; code < 700; code++ {
		if Reason(code) == "" {
			t.Errorf("%d has no phrase", code)
		}
	}
}

func BenchmarkNewResponse(b *testing.B) {
	m := mustRead(b, invite800)
	out := make([]byte, 0, 2048)
	b.ReportAllocs()
	for b.Loop() {
		out = NewResponse(m, 180, "", "abcdef").Append(out[:0])
	}
}
