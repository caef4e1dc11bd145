package engine

import (
	"fmt"
	"testing"

	"github.com/sipscript/sipscript/sip"
)

// inDialog is a message of a call between two tags.
func inDialog(t *testing.T, call, from, to string) *sip.Message {
	t.Helper()
	m := sip.NewRequest(sip.BYE, "sip:bob@192.0.2.20")
	m.Add("Via", "SIP/2.0/UDP 192.0.2.10;branch=z9hG4bK-1")
	m.Add("From", "<sip:alice@192.0.2.1>;tag="+from)
	m.Add("To", "<sip:bob@192.0.2.1>;tag="+to)
	m.Add("Call-ID", call)
	m.Add("CSeq", "2 BYE")
	return m
}

func TestDialogIsKnownFromBothSidesAndToNobodyElse(t *testing.T) {
	t.Parallel()
	var f fingerprints
	f.init(10)
	f.add(inDialog(t, "call", "a", "b"))
	for _, test := range []struct {
		call, from, to string
		want           bool
	}{
		{"call", "a", "b", true},
		{"call", "b", "a", true}, // the callee's requests
		{"call", "a", "a", false},
		{"call", "a", "c", false},
		{"calla", "", "b", false}, // the parts do not run into each other
		{"cal", "la", "b", false},
		{"other", "a", "b", false},
	} {
		if got := f.has(inDialog(t, test.call, test.from, test.to)); got != test.want {
			t.Errorf("call %s from %s to %s is known: %v, want %v", test.call, test.from, test.to, got, test.want)
		}
	}
}

func TestOldestDialogIsForgottenFirst(t *testing.T) {
	t.Parallel()
	const most = 100
	var f fingerprints
	f.init(most)
	call := func(i int) *sip.Message { return inDialog(t, fmt.Sprint("call ", i), "a", "b") }
	for i := range 3*most + 50 {
		f.add(call(i))
		f.add(call(i)) // each 2xx of a call, and of its re-INVITEs
	}
	for i := range 3*most + 50 {
		if want := i >= 2*most+50; f.has(call(i)) != want {
			t.Errorf("call %d is known: %v", i, !want)
		}
	}
	if len(f.known) != most || len(f.order) != most {
		t.Errorf("%d dialogs in a ring of %d, want %d", len(f.known), len(f.order), most)
	}
}
