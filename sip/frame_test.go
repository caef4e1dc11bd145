package sip

import (
	"strings"
	"testing"
)

func TestB007FramingInAnyPieces(t *testing.T) {
	t.Parallel()
	messages := []string{
		request("OPTIONS", "Content-Length: 0"),
		request("MESSAGE", "CONTENT-LENGTH :\r\n 4") + "body",
		request("MESSAGE", "l: 9") + "\r\n\r\nSIP/2",
		invite800,
		request("OPTIONS", "X: Content-Length: 7\r\n\tl: 3", "l:0"),
	}
	stream := "\r\n" + messages[0] + messages[1] + "\r\n\r\n" + messages[2] + messages[3] + messages[4]
	for size := 1; size <= len(stream); size = size*2 + 1 {
		var got []string
		var pending []byte
		for at := 0; at < len(stream); at += size {
			pending = append(pending, stream[at:min(at+size, len(stream))]...)
			for {
				skip, n, err := Frame(pending, Limits{})
				if err != nil {
					t.Fatal(err)
				}
				if n == 0 {
					break
				}
				if _, err := ReadFrame(pending[skip:skip+n], Limits{}); err != nil {
					t.Fatal(err)
				}
				got = append(got, string(pending[skip:skip+n]))
				pending = pending[skip+n:]
			}
		}
		if len(pending) != 0 || strings.Join(got, "|") != strings.Join(messages, "|") {
			t.Fatalf("pieces of %d: %d messages, %q left", size, len(got), pending)
		}
	}
}

func TestUnframeableStream(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name, text string
		lim        Limits
		code       int
		head       bool
	}{
		{"no Content-Length", request("OPTIONS"), Limits{}, 400, true},
		{"negative", request("OPTIONS", "l: -1"), Limits{}, 400, true},
		{"no number", request("OPTIONS", "Content-Length: x"), Limits{}, 400, true},
		{"empty", request("OPTIONS", "Content-Length:"), Limits{}, 400, true},
		{"too large for any integer", request("OPTIONS", "l: 36893488147419103232"), Limits{}, 400, true},
		{"contradictory", string(torture(t, "rfc4475/mcl01")), Limits{}, 400, true},
		{"twice the same", request("OPTIONS", "l: 0", "l: 0"), Limits{}, 400, true},
		{"too many header fields", request("OPTIONS", "a: b", "a: b", "l: 0"), Limits{Headers: 7}, 400, true},
		{"too large", request("OPTIONS", "l: 70000"), Limits{}, 513, true},
		{"no end in sight", strings.Repeat("x", 101), Limits{Message: 100}, 513, false},
		{"noise", "\x16\x03\x01\x02\r\n\r\n", Limits{}, 400, true},
	}
	for _, row := range rows {
		skip, n, err := Frame([]byte("\r\n"+row.text), row.lim)
		if code(err) != row.code || skip != 2 || (n > 0) != row.head {
			t.Errorf("%s: skip %d, n %d, %v", row.name, skip, n, err)
		}
		if n > 0 && !strings.HasSuffix(row.text[:n], "\r\n\r\n") {
			t.Errorf("%s: n is %d", row.name, n)
		}
	}
	// What cannot be framed can still be answered.
	text := torture(t, "rfc4475/ncl")
	skip, n, err := Frame(text, Limits{})
	if m, readErr := ReadFrame(text[skip:skip+n], Limits{}); code(err) != 400 || code(readErr) != 400 || m == nil {
		t.Errorf("%v, %v", err, readErr)
	}
}

func TestFrameWaitsForTheRest(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "\r", "\r\n", "\r\n\r\n", "OPTIONS", request("OPTIONS", "l: 1"), string(torture(t, "rfc4475/clerr"))} {
		if _, n, err := Frame([]byte(text), Limits{}); n != 0 || err != nil {
			t.Errorf("%q: %d, %v", text, n, err)
		}
	}
}

func BenchmarkFrame(b *testing.B) {
	raw := []byte(invite800)
	b.ReportAllocs()
	for b.Loop() {
		if _, n, err := Frame(raw, Limits{}); n == 0 || err != nil {
			b.Fatal(n, err)
		}
	}
}
