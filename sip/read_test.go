package sip

import (
	"errors"
	"strconv"
	"strings"
	"testing"
)

// lines joins lines by CRLF and ends the header section, body appended.
func lines(head ...string) string { return strings.Join(head, "\r\n") + "\r\n\r\n" }

// mustRead reads a message that has to be accepted.
func mustRead(t testing.TB, text string) *Message {
	t.Helper()
	m, err := ReadDatagram([]byte(text), Limits{})
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return m
}

const sdp = "v=0\r\no=alice 2890844526 2890844526 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n" +
	"m=audio 49172 RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\na=ptime:20\r\n"

// invite800 is an INVITE of about 800 bytes as phones send it through one proxy.
var invite800 = lines(
	"INVITE sip:bob@biloxi.example.com:5062;transport=udp SIP/2.0",
	"Via: SIP/2.0/UDP 192.0.2.10:5060;rport;branch=z9hG4bK776asdhds8fh2lk2j",
	"Via: SIP/2.0/UDP pc33.atlanta.example.com:5070;branch=z9hG4bKnashds8;received=192.0.2.1",
	"Max-Forwards: 70",
	"To: \"Bob\" <sip:bob@biloxi.example.com>",
	"From: \"Alice\" <sip:alice@atlanta.example.com>;tag=1928301774",
	"Call-ID: a84b4c76e66710@pc33.atlanta.example.com",
	"CSeq: 314159 INVITE",
	"Contact: <sip:alice@pc33.atlanta.example.com:5070;transport=udp>",
	"User-Agent: Phone 4.2.1 (build 7)",
	"Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, NOTIFY",
	"Supported: replaces, timer",
	"Content-Type: application/sdp",
	"Content-Length: "+strconv.Itoa(len(sdp)),
) + sdp

func TestReadingAnInviteDoesNotAllocate(t *testing.T) {
	if poison {
		t.Skip("released messages are not used again under the race detector")
	}
	raw := []byte(invite800)
	allocs := testing.AllocsPerRun(1000, func() {
		m, err := ReadDatagram(raw, Limits{})
		if err != nil {
			t.Fatal(err)
		}
		via, _ := m.Via()
		cseq, _ := m.CSeq()
		uri, _ := m.URI()
		if via.Branch == "" || cseq.Number != 314159 || m.CallID() == "" || m.FromTag() == "" || m.ToTag() != "" || uri.Host == "" {
			t.Fatal("wrong values")
		}
		m.Release()
	})
	if allocs > 0 {
		t.Errorf("%v allocations", allocs)
	}
}

func BenchmarkReadInvite(b *testing.B) {
	raw := []byte(invite800)
	b.ReportAllocs()
	b.SetBytes(int64(len(raw)))
	for b.Loop() {
		m, err := ReadDatagram(raw, Limits{})
		if err != nil {
			b.Fatal(err)
		}
		m.Release()
	}
}

func code(err error) int {
	var refused *ParseError
	if errors.As(err, &refused) {
		return refused.Code
	}
	return 0
}
