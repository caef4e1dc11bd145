package sip

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// TestTorture sends every message of RFC 4475 and RFC 5118 through the parser. A row names the code a message is refused with, 0 for one
// that must be accepted, and whether the refusal may be answered.
func TestTorture(t *testing.T) {
	t.Parallel()
	const accepted = 0
	rows := []struct {
		file   string
		code   int
		silent bool // nothing may be answered: the message is a response, or says nowhere where to answer to
	}{
		{"rfc4475/wsinv", accepted, false},
		{"rfc4475/intmeth", accepted, false},
		{"rfc4475/esc01", accepted, false},
		{"rfc4475/escnull", accepted, false},
		{"rfc4475/esc02", accepted, false},
		{"rfc4475/lwsdisp", accepted, false},
		{"rfc4475/longreq", accepted, false},
		{"rfc4475/dblreq", accepted, false},
		{"rfc4475/semiuri", accepted, false},
		{"rfc4475/transports", accepted, false},
		{"rfc4475/mpart01", accepted, false},
		{"rfc4475/unreason", accepted, false},
		{"rfc4475/noreason", accepted, false},
		{"rfc4475/badinv01", 400, false},
		{"rfc4475/clerr", 400, false},
		{"rfc4475/ncl", 400, false},
		{"rfc4475/scalar02", 400, false},
		{"rfc4475/scalarlg", 400, true},
		{"rfc4475/quotbal", 400, false},
		{"rfc4475/ltgtruri", 400, false},
		{"rfc4475/lwsruri", 400, false},
		{"rfc4475/lwsstart", 400, false},
		{"rfc4475/trws", 400, false},
		{"rfc4475/escruri", 400, false},
		{"rfc4475/baddate", accepted, false},
		{"rfc4475/regbadct", accepted, false}, // the registrar refuses its Contact, see TestTortureContacts
		{"rfc4475/badaspec", 400, false},
		{"rfc4475/baddn", 400, false},
		{"rfc4475/baddn-terminated", 400, false},
		{"rfc4475/badvers", 505, false},
		{"rfc4475/mismatch01", 400, false},
		{"rfc4475/mismatch02", 501, false},
		{"rfc4475/bigcode", 400, true},
		{"rfc4475/badbranch", 400, false},
		{"rfc4475/insuf", 400, false},
		{"rfc4475/unkscm", accepted, false},
		{"rfc4475/novelsc", accepted, false},
		{"rfc4475/unksm2", accepted, false},
		{"rfc4475/bext01", accepted, false},
		{"rfc4475/invut", accepted, false},
		{"rfc4475/regaut01", accepted, false},
		{"rfc4475/multi01", 400, false},
		{"rfc4475/mcl01", 400, false},
		{"rfc4475/bcast", accepted, false},
		{"rfc4475/zeromf", accepted, false},
		{"rfc4475/cparam01", accepted, false},
		{"rfc4475/cparam02", accepted, false},
		{"rfc4475/regescrt", accepted, false},
		{"rfc4475/sdp01", accepted, false},
		{"rfc4475/inv2543", accepted, false},
		{"rfc4475/test", 400, true},
		{"rfc5118/ipv6-good", accepted, false},
		{"rfc5118/ipv6-bad", 400, false},
		{"rfc5118/port-ambiguous", accepted, false},
		{"rfc5118/port-unambiguous", accepted, false},
		{"rfc5118/via-received-param-with-delim", accepted, false},
		{"rfc5118/via-received-param-no-delim", accepted, false},
		{"rfc5118/ipv6-in-sdp", accepted, false},
		{"rfc5118/mult-ip-in-header", accepted, false},
		{"rfc5118/mult-ip-in-sdp", accepted, false},
		{"rfc5118/ipv4-mapped-ipv6", accepted, false},
		{"rfc5118/ipv6-bug-abnf-3-colons", accepted, false},
		{"rfc5118/ipv6-correct-abnf-2-colons", accepted, false},
	}
	files, err := filepath.Glob("testdata/torture/*/*.dat")
	if err != nil || len(files) != len(rows) {
		t.Fatalf("%d files for %d rows: %v", len(files), len(rows), err)
	}
	for _, row := range rows {
		t.Run(row.file, func(t *testing.T) {
			t.Parallel()
			raw := torture(t, row.file)
			m, err := ReadDatagram(raw, Limits{})
			if row.code == accepted {
				if err != nil {
					t.Fatal(err)
				}
				if got := m.String(); len(got) > len(raw) && m.Has(ContentLength) {
					t.Errorf("encoded to %q", got)
				}
				return
			}
			var refused *ParseError
			if !errors.As(err, &refused) || refused.Code != row.code {
				t.Fatalf("error %v, want code %d", err, row.code)
			}
			if (m == nil) != row.silent {
				t.Fatalf("answerable %v, want %v (%v)", m != nil, !row.silent, err)
			}
			if m != nil {
				if _, err := NewResponse(m, refused.Code, "", "tag").Via(); err != nil && row.file != "rfc4475/badinv01" {
					t.Errorf("response to it: %v", err)
				}
			}
		})
	}
}

// torture returns the bytes of a torture message.
func torture(t testing.TB, file string) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.FromSlash("testdata/torture/" + file + ".dat"))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// What a registrar reads from the torture messages.
func TestTortureContacts(t *testing.T) {
	t.Parallel()
	contacts := func(file string) []Address {
		t.Helper()
		list, err := mustRead(t, string(torture(t, file))).Contacts()
		if err != nil {
			t.Fatal(file, err)
		}
		return list
	}
	null := contacts("rfc4475/escnull") // §3.1.1.4: no truncation at NUL, two different bindings
	if len(null) != 2 || null[0].URI.Equal(&null[1].URI) || null[0].URI.AOR() != "sip:\x00@host5.example.com" {
		t.Errorf("escnull: %+v", null)
	}
	two := contacts("rfc4475/esc02") // §3.1.1.5: C%6Fntact is no Contact
	if len(two) != 2 || two[0].URI.User != "alias1" || two[1].URI.User != "alias3" {
		t.Errorf("esc02: %+v", two)
	}
	ours := contacts("rfc4475/cparam01") // §3.3.12
	if len(ours) != 1 || ours[0].Params != ";unknownparam" || ours[0].URI.Params != "" {
		t.Errorf("cparam01: %+v", ours)
	}
	theirs := contacts("rfc4475/cparam02") // §3.3.13
	if len(theirs) != 1 || theirs[0].Params != "" || theirs[0].URI.Params != ";unknownparam" {
		t.Errorf("cparam02: %+v", theirs)
	}
	escaped := contacts("rfc4475/regescrt") // §3.3.14
	if len(escaped) != 1 || escaped[0].URI.Headers != "Route=%3Csip:sip.example.com%3E" {
		t.Errorf("regescrt: %+v", escaped)
	}
	if _, err := mustRead(t, string(torture(t, "rfc4475/regbadct"))).Contacts(); !errors.Is(err, ErrMalformed) { // §3.1.2.13
		t.Errorf("regbadct: %v", err)
	}
	name := contacts("rfc4475/unksm2") // §3.3.4
	if len(name) != 1 || name[0].URI.Scheme != "name" || name[0].URI.Opaque != "John_Smith" {
		t.Errorf("unksm2: %+v", name)
	}
}

func TestTortureDetails(t *testing.T) {
	t.Parallel()
	long := mustRead(t, string(torture(t, "rfc4475/longreq"))) // §3.1.1.7
	if n := long.Count(Via); n != 34 {
		t.Errorf("longreq: %d Vias", n)
	}
	if to, err := long.To(); err != nil || len(to.Name) < 100 || to.URI.Port != 6000 {
		t.Errorf("longreq: %+v, %v", to, err)
	}
	first := mustRead(t, string(torture(t, "rfc4475/dblreq"))) // §3.1.1.8
	if first.Method() != REGISTER || len(first.Body()) != 0 {
		t.Errorf("dblreq: %s with %d bytes", first.Method(), len(first.Body()))
	}
	odd := mustRead(t, string(torture(t, "rfc4475/intmeth"))) // §3.1.1.2
	if cseq, err := odd.CSeq(); err != nil || cseq.Method != odd.Method() || odd.Method() != "!interesting-Method0123456789_*+`.%indeed'~" {
		t.Errorf("intmeth: %q, %v", odd.Method(), err)
	}
	if to, err := odd.To(); err != nil || to.Name != "BEL:\a NUL:\x00 DEL:\x7f" || to.URI.User != "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*" {
		t.Errorf("intmeth: %+v, %v", to, err)
	}
	if uri, err := odd.URI(); err != nil || uri.Password != "&it+has=1,weird!*pas$wo~d_too.(doesn't-it)" || uri.Host != "example.com" {
		t.Errorf("intmeth: %+v, %v", uri, err)
	}
	if odd.FromTag() != "_token~1'+`*%!-." {
		t.Errorf("intmeth: tag %q", odd.FromTag())
	}
	user := mustRead(t, string(torture(t, "rfc4475/semiuri"))) // §3.1.1.9
	if uri, err := user.URI(); err != nil || uri.AOR() != "sip:user;par=u@example.net@example.com" || uri.Params != "" {
		t.Errorf("semiuri: %+v, %v", uri, err)
	}
	parts := mustRead(t, string(torture(t, "rfc4475/mpart01"))) // §3.1.1.11
	if raw := torture(t, "rfc4475/mpart01"); len(parts.Body()) == 0 || string(raw[len(raw)-len(parts.Body()):]) != string(parts.Body()) {
		t.Errorf("mpart01: %d bytes of body", len(parts.Body()))
	}
	phrase := mustRead(t, string(torture(t, "rfc4475/unreason"))) // §3.1.1.12
	if phrase.Status() != 200 || phrase.Reason() != "= 2**3 * 5**2 но сто девяносто девять - простое" {
		t.Errorf("unreason: %q", phrase.Reason())
	}
	silent := mustRead(t, string(torture(t, "rfc4475/noreason"))) // §3.1.1.13
	if silent.Status() != 100 || silent.Reason() != "" {
		t.Errorf("noreason: %d %q", silent.Status(), silent.Reason())
	}
	old := mustRead(t, string(torture(t, "rfc4475/inv2543"))) // §3.4.1
	if _, ok, err := old.MaxForwards(); ok || err != nil || old.FromTag() != "" || len(old.Body()) == 0 {
		t.Errorf("inv2543: %v, %v, %d bytes of body", ok, err, len(old.Body()))
	}
	for _, file := range []string{"rfc5118/via-received-param-with-delim", "rfc5118/via-received-param-no-delim"} { // RFC 5118 §4.5
		via, err := mustRead(t, string(torture(t, file))).Via()
		if err != nil {
			t.Fatal(file, err)
		}
		if addr, ok := via.Received(); !ok || addr.String() != "2001:db8::9:255" {
			t.Errorf("%s: %v, %v", file, addr, ok)
		}
	}
	ambiguous := mustRead(t, string(torture(t, "rfc5118/port-ambiguous"))) // RFC 5118 §4.3
	if uri, err := ambiguous.URI(); err != nil || uri.Port != 0 || uri.Host != "[2001:db8::10:5070]" {
		t.Errorf("port-ambiguous: %+v, %v", uri, err)
	}
}
