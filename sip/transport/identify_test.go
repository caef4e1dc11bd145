package transport

import (
	"strings"
	"testing"
)

func TestIdentify(t *testing.T) {
	t.Parallel()
	crlf := func(lines ...string) string { return strings.Join(lines, "\r\n") + "\r\n" }
	for _, test := range []struct {
		name, in string
		want     Failure
	}{
		{"whole request", string(request("z9hG4bKa")), Failure{CallID: "z9hG4bKa@example.org", Branch: "z9hG4bKa", Method: "OPTIONS"}},
		{"whole response", string(response("z9hG4bKa")), Failure{Response: true, CallID: "z9hG4bKa@example.org", Branch: "z9hG4bKa", Method: "OPTIONS"}},
		{"compact, odd case, spaces, folding",
			crlf("BYE sip:a SIP/2.0", "V : SIP/2.0/UDP h;Branch = b1 ;x=y, SIP/2.0/UDP g;branch=b2", "i:", " call", "CSEQ: 1", "\tBYE", ""),
			Failure{CallID: "call", Branch: "b1", Method: "BYE"}},
		{"first of two Vias", crlf("BYE sip:a SIP/2.0", "Via: SIP/2.0/UDP h;branch=b1", "Via: SIP/2.0/UDP g;branch=b2", ""), Failure{Branch: "b1"}},
		{"a Via without a branch hides no other", crlf("BYE sip:a SIP/2.0", "Via: SIP/2.0/UDP h", "Via: SIP/2.0/UDP g;branch=b2", ""), Failure{}},
		{"cut in the branch", "BYE sip:a SIP/2.0\r\nCall-ID: c\r\nVia: SIP/2.0/UDP h;branch=b", Failure{CallID: "c"}},
		{"cut before the line end", "BYE sip:a SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=b\r", Failure{}},
		{"cut after the line end", "BYE sip:a SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=b\r\n", Failure{Branch: "b"}},
		{"not in the body", crlf("BYE sip:a SIP/2.0", "", "Via: SIP/2.0/UDP h;branch=b"), Failure{}},
		{"start line only", "BYE sip:a SIP/2.0", Failure{}},
		{"nothing", "", Failure{}},
	} {
		if got := identify([]byte(test.in)); got != test.want {
			t.Errorf("%s: %+v", test.name, got)
		}
	}
}

func FuzzIdentify(f *testing.F) {
	f.Add(request("z9hG4bKa"), 90)
	f.Fuzz(func(t *testing.T, b []byte, cut int) {
		if cut < 0 || cut > len(b) {
			return
		}
		// What a cut leaves to be seen is what the whole says.
		whole, part := identify(b), identify(b[:cut])
		if part.Branch != "" && part.Branch != whole.Branch {
			t.Errorf("branch %q of the part, %q of the whole", part.Branch, whole.Branch)
		}
	})
}
