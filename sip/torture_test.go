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
