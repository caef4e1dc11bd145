package sip

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What nobody touched leaves as it came, byte for byte; only a Content-Length is added, or put right when the datagram held more.
func TestUntouchedMessageIsEncodedAsItCame(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/torture/*/*.dat")
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		m, err := ReadDatagram(raw, Limits{})
		if err != nil {
			continue
		}
		raw = bytes.TrimLeft(raw, "\r\n")
		head := raw[:bytes.Index(raw, []byte("\r\n\r\n"))+2]
		want := string(head)
		if !m.Has(ContentLength) {
			want += string(appendLength(nil, len(m.Body())))
		}
		want += "\r\n" + string(m.Body())
		if got := m.Append(nil); string(got) != want || !bytes.HasSuffix(raw[:len(head)+2+len(m.Body())], m.Body()) {
			t.Errorf("%s:\n%q\nwant\n%q", file, got, want)
		}
	}
}

func TestContentLengthIsPutRight(t *testing.T) {
	t.Parallel()
	rows := []struct{ name, fields, body, want string }{
		{"right already", "A: 1\r\nl :  003\r\nB: 2", "abc", "A: 1\r\nl :  003\r\nB: 2\r\n\r\nabc"},
		{"wrong", "A: 1\r\nl: 9\r\nB: 2", "abc", "A: 1\r\nContent-Length: 3\r\nB: 2\r\n\r\nabc"},
		{"unreadable", "A: 1\r\nContent-Length: x", "abc", "A: 1\r\nContent-Length: 3\r\n\r\nabc"},
		{"twice", "l: 9\r\nA: 1\r\nl: 8\r\nB: 2\r\nl: 3", "abc", "Content-Length: 3\r\nA: 1\r\nB: 2\r\n\r\nabc"},
		{"twice the same", "l: 3\r\nA: 1\r\nl: 3", "abc", "l: 3\r\nA: 1\r\n\r\nabc"},
		{"missing", "A: 1", "abc", "A: 1\r\nContent-Length: 3\r\n\r\nabc"},
		{"no body", "A: 1", "", "A: 1\r\nContent-Length: 0\r\n\r\n"},
	}
	for _, row := range rows {
		m := unscreened(t, row.fields)
		m.body = []byte(row.body)
		if _, got, _ := strings.Cut(m.String(), "\r\n"); got != row.want {
			t.Errorf("%s: %q", row.name, got)
		}
	}
}

func TestAppendGoesBehindWhatIsThere(t *testing.T) {
	t.Parallel()
	m := mustRead(t, request("INVITE"))
	if got := m.Append([]byte("before ")); !strings.HasPrefix(string(got), "before INVITE ") || string(got[7:]) != m.String() {
		t.Errorf("%q", got)
	}
}

func TestSizeIsAboutRight(t *testing.T) {
	t.Parallel()
	plain := mustRead(t, invite800)
	edited := mustRead(t, invite800)
	edited.SetURI("sip:other@example.com")
	edited.Prepend("Via", "SIP/2.0/UDP own;branch=z9hG4bKown")
	edited.Remove("Content-Length")
	edited.Remove("Allow")
	for _, m := range []*Message{plain, edited, NewResponse(plain, 200, "", "tag"), NewCancel(plain)} {
		if size, length := m.Size(), len(m.String()); size < length || size > length+64 {
			t.Errorf("size %d of %d bytes", size, length)
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	m := mustRead(b, invite800)
	m.Prepend("Via", "SIP/2.0/UDP own;branch=z9hG4bKown")
	out := make([]byte, 0, 2048)
	b.ReportAllocs()
	for b.Loop() {
		out = m.Append(out[:0])
	}
}
