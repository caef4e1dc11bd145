package sip

import (
	"bytes"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// FuzzMessage reads anything, writes what was accepted and reads it again: both must be the same message. Then it edits and does so once
// more. Nothing may panic, and what is refused must be answerable without breaking the answer.
func FuzzMessage(f *testing.F) {
	files, err := filepath.Glob("testdata/torture/*/*.dat")
	if err != nil || len(files) == 0 {
		f.Fatal(err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Add([]byte(invite800))
	f.Add([]byte(sentInvite))
	src := netip.MustParseAddrPort("[2001:db8::99]:5099")
	f.Fuzz(func(t *testing.T, raw []byte) {
		original := bytes.Clone(raw)
		skip, n, err := Frame(raw, Limits{})
		if n > len(raw)-skip || n < 0 || skip < 0 {
			t.Fatalf("frame of %d bytes at %d in %d: %v", n, skip, len(raw), err)
		}
		if n > 0 && err == nil {
			if m, err := ReadFrame(raw[skip:skip+n], Limits{}); err == nil {
				m.Release()
			}
		}
		m, err := ReadDatagram(raw, Limits{})
		if err != nil {
			if code(err) < 400 {
				t.Fatalf("error %v", err)
			}
			if m != nil {
				m.Stamp(src)
				answer := NewResponse(m, code(err), "", "tag")
				if again, err := ReadDatagram(answer.Append(nil), Limits{Message: 1 << 20, Headers: 1 << 20}); again != nil && err != nil {
					t.Fatalf("the answer would be answered: %v", err)
				}
				m.Release()
			}
			return
		}
		touch(m)
		first := m.Append(nil)
		again, err := ReadDatagram(first, Limits{Message: 1 << 20, Headers: 201})
		if err != nil {
			t.Fatalf("%v when reading\n%q\nwritten for\n%q", err, first, raw)
		}
		same(t, m, again)
		if second := again.Append(nil); !bytes.Equal(first, second) {
			t.Fatalf("written\n%q\nthen\n%q", first, second)
		}
		if !m.IsRequest() {
			return
		}
		response := NewResponse(m, 200, "", "tag")
		read, err := ReadDatagram(response.Append(nil), Limits{Message: 1 << 20, Headers: 1 << 10})
		if err != nil {
			t.Fatalf("%v in response\n%q", err, response.Append(nil))
		}
		if m.ToTag() == "" && read.ToTag() != "tag" {
			t.Fatalf("response without tag\n%q", response.Append(nil))
		}
		vias := slices.Collect(m.List(Via))
		routes := slices.Collect(m.List(Route))
		m.Stamp(src)
		m.Prepend("Via", "SIP/2.0/UDP own;branch=z9hG4bKown")
		m.Prepend("Route", "<sip:own;lr>")
		m.Add("X-Added", "value")
		m.Set("Max-Forwards", "69")
		m.SetURI("sip:target@example.com")
		edited, err := ReadDatagram(m.Append(nil), Limits{Message: 1 << 20, Headers: 1 << 10})
		if err != nil {
			t.Fatalf("%v in edited\n%q\nof\n%q", err, m.Append(nil), raw)
		}
		same(t, m, edited)
		m.RemoveTop(Via)
		m.RemoveTop(Route)
		if got := slices.Collect(m.List(Via)); !slices.Equal(got[1:], vias[1:]) {
			t.Fatalf("Via list %q was %q", got, vias)
		}
		if got := slices.Collect(m.List(Route)); !slices.Equal(got, routes) {
			t.Fatalf("Route list %q was %q", got, routes)
		}
		for range routes {
			m.RemoveLast(Route)
		}
		if got := slices.Collect(m.List(Route)); len(got) != 0 {
			t.Fatalf("Route list %q is left", got)
		}
		if !bytes.Equal(raw, original) {
			t.Fatal("the input was written to")
		}
	})
}

// touch calls every accessor: none may panic.
func touch(m *Message) {
	m.Via()
	m.From()
	m.To()
	m.URI()
	m.Contacts()
	m.Routes()
	m.RecordRoutes()
	m.Paths()
	m.Expires()
	m.MaxForwards()
	m.Tokens(Require)
	m.RAck()
	m.RSeq()
	m.SessionExpires()
	m.MinSE()
	m.Replaces()
	m.TargetDialog()
	m.Event()
	m.SubscriptionState()
	m.Reasons()
	m.ReferredBy()
	if a, err := m.ReferTo(); err == nil {
		a.URI.Header("Replaces")
	}
	for name := range m.Fields() {
		m.Get(name)
	}
}

// same fails unless both messages say the same.
func same(t *testing.T, a, b *Message) {
	t.Helper()
	if a.Method() != b.Method() || a.Status() != b.Status() || a.Reason() != b.Reason() || a.URIText() != b.URIText() || a.CallID() != b.CallID() ||
		a.FromTag() != b.FromTag() || a.ToTag() != b.ToTag() || !bytes.Equal(a.Body(), b.Body()) {
		t.Fatalf("not the same:\n%q\n%q", a, b)
	}
	viaA, _ := a.Via()
	viaB, _ := b.Via()
	if *viaA != *viaB {
		t.Fatalf("top Via %+v and %+v", viaA, viaB)
	}
	type pair struct{ name, value string }
	fields := func(m *Message) (list []pair) {
		for name, value := range m.Fields() {
			if LookupName(name) != ContentLength {
				list = append(list, pair{name, value})
			}
		}
		return list
	}
	if x, y := fields(a), fields(b); !slices.Equal(x, y) {
		t.Fatalf("header fields\n%q\n%q", x, y)
	}
}

// FuzzURI writes what it could read and reads it again.
func FuzzURI(f *testing.F) {
	for _, text := range []string{
		"sip:alice:secret@example.com:5061;transport=tcp;lr?Subject=x&a=b", "sips:[2001:db8::1]:5070", "tel:+1-201-555-0123;ext=1", "urn:service:sos",
		"sip:a%2541%00@h;%6C%72=%20", "sip:a?b/c;d,e@example.com",
		"sip:0;=0;", "sip:h;a=1;A=2", "tel:1;%61=1;a=2",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		u, err := ParseURI(text)
		if err != nil {
			return
		}
		again, err := ParseURI(u.String())
		if err != nil || again != u {
			t.Fatalf("%q writes %q: %+v, %v", text, u.String(), again, err)
		}
		if !u.Equal(&again) {
			t.Fatalf("%q does not equal itself", text)
		}
		if u.AOR() != again.AOR() {
			t.Fatalf("%q has two keys", text)
		}
		u.Addr()
		u.Transport()
		a := Address{Name: "x", URI: u}
		if read, err := ParseAddress(a.String()); err != nil || read.URI != u {
			t.Fatalf("%q in an address: %+v, %v", text, read, err)
		}
	})
}

// FuzzAddress writes what it could read and reads it again.
func FuzzAddress(f *testing.F) {
	for _, text := range []string{`"Bell, \"A\"" <sip:a@b;lr>;tag=1`, "sip:a@b;tag=1", "*", "A. G. Bell <tel:+1>;x=\"y;z\"", "<urn:service:sos>"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, err := ParseAddress(text)
		if err != nil {
			return
		}
		again, err := ParseAddress(a.String())
		if err != nil || again.URI != a.URI || again.Params != a.Params || again.Star != a.Star {
			t.Fatalf("%q writes %q: %+v, %v", text, a.String(), again, err)
		}
		if p := a.Params.With("tag", "new"); p.Without("tag").Has("tag") {
			t.Fatalf("%q keeps its tag", p)
		} else if tag, _ := p.Get("tag"); tag != "new" {
			t.Fatalf("%q has no tag", p)
		}
	})
}
