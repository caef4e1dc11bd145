package sip

import (
	"strings"
	"testing"
)

func TestNameIsFoundInAnyCaseAndForm(t *testing.T) {
	t.Parallel()
	for n := Via; n < names; n++ {
		long := n.String()
		for _, s := range []string{long, strings.ToLower(long), strings.ToUpper(long)} {
			if got := LookupName(s); got != n {
				t.Errorf("%q is %q", s, got)
			}
		}
		for i := range len(long) { // a name that differs in one letter is another
			if changed := long[:i] + "q" + long[i+1:]; LookupName(changed) != Other && !strings.EqualFold(changed, long) {
				t.Errorf("%q is %q", changed, LookupName(changed))
			}
		}
		if got := LookupName(long + "s"); got != Other {
			t.Errorf("%q is %q", long+"s", got)
		}
		if got := LookupName(long[:len(long)-1]); got != Other && n != To { // T is To
			t.Errorf("%q is %q", long[:len(long)-1], got)
		}
	}
	compactForms := map[string]Name{
		"i": CallID, "m": Contact, "e": ContentEncoding, "l": ContentLength, "c": ContentType, "f": From, "s": Subject, "k": Supported,
		"t": To, "v": Via, "o": Event, "u": AllowEvents, "r": ReferTo, "b": ReferredBy, "x": SessionExpires, "a": AcceptContact,
		"j": RejectContact, "d": RequestDisposition, "y": Identity, "z": Other, "-": Other, "\x16": Other, "": Other, "X-Any": Other,
	}
	for s, n := range compactForms {
		if got := LookupName(s); got != n {
			t.Errorf("%q is %q, want %q", s, got, n)
		}
		if got := LookupName(strings.ToUpper(s)); got != n {
			t.Errorf("%q is %q, want %q", strings.ToUpper(s), got, n)
		}
	}
	if Other.String() != "" || names.String() != "" {
		t.Error("names without a name")
	}
	if names > 64 {
		t.Error("a set of names is one word")
	}
}
