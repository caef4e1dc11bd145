package sip

import (
	"errors"
	"testing"
)

func TestParseAddress(t *testing.T) {
	t.Parallel()
	rows := []struct {
		text, name, uri string
		params          Params
		written         string // "" when as it came
	}{
		{"<sip:a@b>", "", "sip:a@b", "", ""},
		{"sip:a@b", "", "sip:a@b", "", ""},
		{"sip:a@b;tag=1", "", "sip:a@b", ";tag=1", ""}, // RFC 3261 §20: the tag is not the URI's
		{"<sip:a@b;lr>;x=<", "", "", "", ""},
		{"<sip:a@b;lr?Route=%3Csip:c%3E>;q=0.5", "", "sip:a@b;lr?Route=%3Csip:c%3E", ";q=0.5", ""},
		{`"Bell, \"A\"" <sip:a@b>;tag=1`, `Bell, "A"`, "sip:a@b", ";tag=1", ""},
		{`caller<sip:a@b>;tag=323`, "caller", "sip:a@b", ";tag=323", `"caller" <sip:a@b>;tag=323`}, // RFC 4475 §3.1.1.6
		{`A. G. Bell <sip:a@b>`, "A. G. Bell", "sip:a@b", "", `"A. G. Bell" <sip:a@b>`},
		{`"" <sip:a@b>`, "", "sip:a@b", "", "<sip:a@b>"},
		{"\"<>,;\"\t<sip:a@b> ; tag = x ", "<>,;", "sip:a@b", "; tag = x", "\"<>,;\" <sip:a@b>; tag = x"},
		{"<sip:a;b,c@d>", "", "sip:a;b,c@d", "", ""},
		{"tel:+1;tag=9", "", "tel:+1", ";tag=9", ""},
		{"<tel:+1;ext=2>;tag=9", "", "tel:+1;ext=2", ";tag=9", ""},
		{"<http://www.example.com>;tag=3234233", "", "http://www.example.com", ";tag=3234233", ""},
		{"isbn:2983792873", "", "isbn:2983792873", "", ""},
	}
	for _, row := range rows {
		a, err := ParseAddress(row.text)
		if row.uri == "" {
			if !errors.Is(err, ErrMalformed) {
				t.Errorf("%q: %+v, %v", row.text, a, err)
			}
			continue
		}
		if err != nil || a.Name != row.name || a.URIText != row.uri || a.URI.String() != row.uri || a.Params != row.params {
			t.Errorf("%q: %+v, %v", row.text, a, err)
		}
		written := row.written
		if written == "" {
			written = row.text
		}
		if got := a.String(); got != written {
			t.Errorf("%q writes %q", row.text, got)
		}
	}
}

func TestB139BracketlessURIHasNoDelimiters(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"sip:user@example.com?Route=%3Csip:sip.example.com%3E", // RFC 4475 §3.1.2.13
		"sip:a,b@c",
		"sip:a@b,sip:c@d",
	} {
		if a, err := ParseAddress(text); !errors.Is(err, ErrMalformed) {
			t.Errorf("%q: %+v", text, a)
		}
	}
	a, err := ParseAddress("sip:alice@example.com;unknownparam") // RFC 4475 §3.3.12
	if err != nil || a.URI.Params != "" || a.Params != ";unknownparam" {
		t.Errorf("%+v, %v", a, err)
	}
	a, err = ParseAddress("<sip:alice@example.com;unknownparam>") // RFC 4475 §3.3.13
	if err != nil || a.URI.Params != ";unknownparam" || a.Params != "" {
		t.Errorf("%+v, %v", a, err)
	}
	// Our own: brackets wherever a delimiter would be read as the header field's.
	for _, text := range []string{"sip:a@b;lr", "sip:a@b?c=d", "sip:a;b@c", "sip:a,b@c", "tel:+1;ext=1"} {
		u, err := ParseURI(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := (&Address{URI: u}).String(); got != "<"+text+">" {
			t.Errorf("%s writes %s", text, got)
		}
	}
}

func TestMalformedAddressIsRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "alice", "alice@example.com", "<>", "<sip:a@b", "sip:a@b>", "<<sip:a@b>>", `"Mr. J. User <sip:j.user@example.com>`,
		"Bell, Alexander <sip:a@b>", `a "b" <sip:a@b>`, `"a" b <sip:a@b>`, `"a" sip:a@b`, "< sip:a@b>", "<sip:a@b >", "<sip:a@b>tag=1",
		"<sip:a@b>;", "<sip:a@b>;;tag=1", "<sip:a@b>;tag=", "<sip:@b>", "* ;q=1", "sip:a@b;",
	} {
		if a, err := ParseAddress(text); !errors.Is(err, ErrMalformed) {
			t.Errorf("%q: %+v, %v", text, a, err)
		}
	}
}

func TestStarAddress(t *testing.T) {
	t.Parallel()
	a, err := ParseAddress(" * ")
	if err != nil || !a.Star || a.String() != "*" {
		t.Errorf("%+v, %v", a, err)
	}
}

func TestTag(t *testing.T) {
	t.Parallel()
	a, _ := ParseAddress("<sip:a@b;tag=no>;x;TAG=yes")
	if a.Tag() != "yes" {
		t.Errorf("tag %q", a.Tag())
	}
	b, _ := ParseAddress("<sip:a@b;tag=no>")
	if b.Tag() != "" {
		t.Errorf("tag %q", b.Tag())
	}
}
