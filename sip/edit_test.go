package sip

import (
	"strings"
	"testing"
)

// header returns the header section of m without start line and Content-Length.
func header(m *Message) string {
	head, _, _ := strings.Cut(m.String(), "\r\n\r\n")
	_, head, _ = strings.Cut(head, "\r\n")
	head, _ = strings.CutSuffix(head, "\r\nContent-Length: 0")
	return head
}

// unscreened returns a message with these header fields alone.
func unscreened(t *testing.T, fields string) *Message {
	t.Helper()
	m := &Message{kept: true}
	m.text = "OPTIONS sip:a@b SIP/2.0\r\n" + fields + "\r\n\r\n"
	if problem := m.startLine(); problem != nil {
		t.Fatal(problem)
	}
	if _, problem := m.index(1000); problem != nil {
		t.Fatal(problem)
	}
	return m
}

func TestEdits(t *testing.T) {
	t.Parallel()
	const folded = "v: SIP/2.0/UDP  a ;x,\r\n\t SIP/2.0/TCP b , SIP/2.0/TLS  c"
	rows := []struct {
		name, from string
		edit       func(*Message)
		want       string
	}{
		{"add at the end", "A: 1\r\nB:  2", func(m *Message) { m.Add("C", "3") }, "A: 1\r\nB:  2\r\nC: 3"},
		{"add after the last of the name", "Route: 1\r\nB: 2\r\nROUTE: 3\r\nC: 4", func(m *Message) { m.Add("Route", "5") }, "Route: 1\r\nB: 2\r\nROUTE: 3\r\nRoute: 5\r\nC: 4"},
		{"add after the last of an unknown name", "a: 1\r\nB: 2", func(m *Message) { m.Add("A", "3"); m.Add("A", "4") }, "a: 1\r\nA: 3\r\nA: 4\r\nB: 2"},
		{"prepend before the first of the name", "A: 1\r\nv: 2\r\nVia: 3", func(m *Message) { m.Prepend("Via", "0") }, "A: 1\r\nVia: 0\r\nv: 2\r\nVia: 3"},
		{"prepend before all", "A: 1", func(m *Message) { m.Prepend("Route", "<sip:a>"); m.Prepend("Via", "x") }, "Via: x\r\nRoute: <sip:a>\r\nA: 1"},
		{"set in place", "A: 1\r\nm: 2\r\nB: 3\r\nContact: 4", func(m *Message) { m.Set("Contact", "5") }, "A: 1\r\nContact: 5\r\nB: 3"},
		{"set at the end", "A: 1", func(m *Message) { m.Set("B", "2") }, "A: 1\r\nB: 2"},
		{"remove all", "A: 1\r\nB: 2\r\na: 3", func(m *Message) { m.Remove("A"); m.Remove("C") }, "B: 2"},
		{"remove by the compact name", "A: 1\r\nSubject: 2", func(m *Message) { m.Remove("s") }, "A: 1"},
		{"remove the top of several fields", "v: 1\r\nA: 1\r\nVia:  2", func(m *Message) { m.RemoveTop(Via) }, "A: 1\r\nVia:  2"},
		{"remove the top of a list", folded, func(m *Message) { m.RemoveTop(Via) }, "v: SIP/2.0/TCP b , SIP/2.0/TLS  c"},
		{"remove all tops of a list", folded + "\r\nA: 1", func(m *Message) { m.RemoveTop(Via); m.RemoveTop(Via); m.RemoveTop(Via); m.RemoveTop(Via) }, "A: 1"},
		{"empty elements are none", "Route: ,<sip:a>, ,<sip:b>,", func(m *Message) { m.RemoveTop(Route) }, "Route: <sip:b>,"},
		{"the top before empty elements", "Route: ,<sip:a>, ,\r\nA: 1", func(m *Message) { m.RemoveTop(Route) }, "A: 1"},
		{"commas in quotes and brackets", `Route: "a,b" <sip:c,d>,<sip:e>`, func(m *Message) { m.RemoveTop(Route) }, "Route: <sip:e>"},
		{"remove the last of several fields", "Route: 1\r\nA: 1\r\nRoute: 2", func(m *Message) { m.RemoveLast(Route) }, "Route: 1\r\nA: 1"},
		{"remove the last of a list", folded, func(m *Message) { m.RemoveLast(Via) }, "v: SIP/2.0/UDP  a ;x,\r\n\t SIP/2.0/TCP b"},
		{"remove the last before empty elements", "Route: <sip:a>,<sip:b>, ,", func(m *Message) { m.RemoveLast(Route) }, "Route: <sip:a>"},
		{"remove all lasts", "Route: <sip:a>,<sip:b>\r\nA: 1", func(m *Message) { m.RemoveLast(Route); m.RemoveLast(Route); m.RemoveLast(Route) }, "A: 1"},
		{"replace the top of a list", folded, func(m *Message) { m.ReplaceTop(Via, "SIP/2.0/UDP new") }, "v: SIP/2.0/UDP new,\r\n\t SIP/2.0/TCP b , SIP/2.0/TLS  c"},
		{"replace the top of several fields", "Via:  1\r\nA: 1\r\nVia: 2", func(m *Message) { m.ReplaceTop(Via, "3") }, "Via:  3\r\nA: 1\r\nVia: 2"},
		{"replace the top behind an empty element", "Via: , 1 , 2", func(m *Message) { m.ReplaceTop(Via, "3") }, "Via: 3 , 2"},
		{"replace what is not there", "A: 1", func(m *Message) { m.ReplaceTop(Route, "<sip:a>") }, "A: 1\r\nRoute: <sip:a>"},
		{"replace twice", "Via: 1, 2", func(m *Message) { m.ReplaceTop(Via, "a long value"); m.ReplaceTop(Via, "3") }, "Via: 3, 2"},
		{"no header field in a value", "A: 1", func(m *Message) { m.Add("B", "2\r\nEvil: 3\r\n\r\nbody") }, "A: 1\r\nB: 2 Evil: 3 body"},
		{"no header field in a top", "Route: 1", func(m *Message) { m.ReplaceTop(Route, "2\nEvil: 3") }, "Route: 2 Evil: 3"},
		{"an empty value", "A: 1", func(m *Message) { m.Set("A", " ") }, "A: "},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			m := unscreened(t, row.from)
			original := m.text
			row.edit(m)
			if got := header(m); got != row.want {
				t.Errorf("got\n%s\nwant\n%s", got, row.want)
			}
			if m.text != original {
				t.Error("the buffer was written to")
			}
			if reread := unscreened(t, header(m)); header(reread) != row.want {
				t.Errorf("read again\n%s", header(reread))
			}
		})
	}
}

func TestEditsAreSeenByTheAccessors(t *testing.T) {
	t.Parallel()
	m := mustRead(t, request("INVITE"))
	m.Via()
	m.From()
	m.To()
	m.CSeq()
	m.URI()
	_ = m.CallID()
	m.Prepend("Via", "SIP/2.0/TCP own;branch=z9hG4bKown")
	m.Set("f", "<sip:new@from>;tag=f")
	m.Set("t", "<sip:new@to>;tag=t")
	m.Set("CSeq", "2 INVITE")
	m.Set("i", "new")
	m.SetURI("sip:new@uri")
	via, errVia := m.Via()
	from, errFrom := m.From()
	to, errTo := m.To()
	cseq, errCSeq := m.CSeq()
	uri, errURI := m.URI()
	if errVia != nil || errFrom != nil || errTo != nil || errCSeq != nil || errURI != nil {
		t.Fatal(errVia, errFrom, errTo, errCSeq, errURI)
	}
	if via.Branch != "z9hG4bKown" || from.URI.Host != "from" || m.FromTag() != "f" || to.URI.Host != "to" || m.ToTag() != "t" ||
		cseq.Number != 2 || uri.Host != "uri" || m.CallID() != "new" {
		t.Errorf("%+v %+v %+v %v %+v %q", via, from, to, cseq, uri, m.CallID())
	}
	m.RemoveTop(Via)
	if via, _ := m.Via(); via.Branch != "z9hG4bKx" {
		t.Errorf("%+v", via)
	}
	m.Remove("To")
	if _, err := m.To(); err == nil || m.ToTag() != "" {
		t.Errorf("To is still there: %v", err)
	}
}

func TestSetURI(t *testing.T) {
	t.Parallel()
	m := mustRead(t, request("INVITE"))
	m.SetURI("sip:a b@c\r\nEvil: 1")
	if line, _, _ := strings.Cut(m.String(), "\r\n"); line != "INVITE sip:a%20b@c%0D%0AEvil:%201 SIP/2.0" {
		t.Errorf("%q", line)
	}
	if _, err := m.URI(); err == nil {
		t.Error("no error")
	}
	m.SetURI("tel:+1")
	if uri, err := m.URI(); err != nil || uri.Opaque != "+1" || m.URIText() != "tel:+1" {
		t.Error(uri, err)
	}
}

func TestSetBody(t *testing.T) {
	t.Parallel()
	m := mustRead(t, request("INVITE", "c: text/plain", "l: 3")+"abc")
	m.SetBody("application/sdp", []byte(sdp))
	again := mustRead(t, m.String())
	if value, _ := again.Value(ContentType); value != "application/sdp" || string(again.Body()) != sdp || again.Count(ContentLength) != 1 {
		t.Errorf("%s", again)
	}
	m.SetBody("", []byte("other"))
	if value, _ := m.Value(ContentType); value != "application/sdp" {
		t.Errorf("Content-Type %q", value)
	}
	m.SetBody("", nil)
	again = mustRead(t, m.String())
	if again.Has(ContentType) || len(again.Body()) != 0 {
		t.Errorf("%s", again)
	}
}

func TestHeaderNameMustBeAToken(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "A B", "A:", "A\r\nB", "é"} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%q was taken", name)
				}
			}()
			unscreened(t, "A: 1").Add(name, "x")
		}()
	}
}

func TestClonesAreEditedApart(t *testing.T) {
	t.Parallel()
	m := mustRead(t, request("INVITE", "X: 1"))
	m.Add("Y", "1")
	a, b := m.Clone(), m.Clone()
	c := a.Clone()
	for i, clone := range []*Message{m, a, b, c} {
		clone.Set("X", string(rune('a'+i)))
		clone.Add("Z", strings.Repeat(string(rune('a'+i)), 300))
		clone.Prepend("Via", "SIP/2.0/UDP own;branch=z9hG4bK"+string(rune('a'+i)))
	}
	for i, clone := range []*Message{m, a, b, c} {
		want := string(rune('a' + i))
		x, _ := clone.Get("X")
		z, _ := clone.Get("Z")
		via, err := clone.Via()
		if err != nil || x != want || z != strings.Repeat(want, 300) || via.Branch != "z9hG4bK"+want || clone.Count(Via) != 2 {
			t.Errorf("clone %d: %q %q %+v %v", i, x, z, via, err)
		}
		clone.Release()
		if clone.CallID() != "one@192.0.2.1" {
			t.Errorf("clone %d was released", i)
		}
	}
	if &m.buf[0] != &c.buf[0] {
		t.Error("the buffer was copied")
	}
}

func BenchmarkForward(b *testing.B) {
	m := mustRead(b, invite800)
	m.Keep()
	out := make([]byte, 0, 2048)
	b.ReportAllocs()
	for b.Loop() {
		branch := m.Clone()
		branch.SetURI("sip:bob@192.0.2.77:5062")
		branch.Set("Max-Forwards", "69")
		branch.Prepend("Record-Route", "<sip:192.0.2.5;lr>")
		branch.Prepend("Via", "SIP/2.0/UDP 192.0.2.5;branch=z9hG4bKt0123456789abcdef")
		out = branch.Append(out[:0])
	}
}
