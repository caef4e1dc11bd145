package sip

import "testing"

const sentInvite = "INVITE sip:bob@192.0.2.77 SIP/2.0\r\n" +
	"Via: SIP/2.0/UDP own;branch=z9hG4bKt1, SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx\r\n" +
	"Via: SIP/2.0/UDP 192.0.2.9\r\n" +
	"Route: <sip:p1;lr>,<sip:p2;lr>\r\n" +
	"f: \"Alice\" <sip:alice@atlanta.example.com>;tag=1\r\n" +
	"To: <sip:bob@biloxi.example.com>\r\n" +
	"Call-ID: one\r\n" +
	"CSeq: 0007\r\n INVITE\r\n" +
	"Max-Forwards: 12\r\n" +
	"Require: 100rel\r\n" +
	"Proxy-Require: x\r\n" +
	"Proxy-Authorization: Digest username=\"alice\"\r\n" +
	"Contact: <sip:alice@pc>\r\n" +
	"Route: <sip:p3;lr>\r\n" +
	"Content-Type: text/plain\r\n" +
	"Content-Length: 4\r\n\r\nbody"

func TestACKForANegativeResponse(t *testing.T) {
	t.Parallel()
	invite, err := RereadSent([]byte(sentInvite))
	if err != nil {
		t.Fatal(err)
	}
	ack := NewACK(invite, NewResponse(invite, 486, "", "callee"))
	want := "ACK sip:bob@192.0.2.77 SIP/2.0\r\n" +
		"Via: SIP/2.0/UDP own;branch=z9hG4bKt1\r\n" +
		"Route: <sip:p1;lr>,<sip:p2;lr>\r\n" +
		"f: \"Alice\" <sip:alice@atlanta.example.com>;tag=1\r\n" +
		"Call-ID: one\r\n" +
		"CSeq: 7 ACK\r\n" +
		"Proxy-Authorization: Digest username=\"alice\"\r\n" +
		"Route: <sip:p3;lr>\r\n" +
		"Max-Forwards: 70\r\n" +
		"To: <sip:bob@biloxi.example.com>;tag=callee\r\n" +
		"Content-Length: 0\r\n\r\n"
	if got := ack.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if ack.ToTag() != "callee" || ack.Method() != ACK || !ack.IsRequest() {
		t.Errorf("%s with To tag %q", ack.Method(), ack.ToTag())
	}
	mustRead(t, ack.String())
}

func TestCancelOfASentRequest(t *testing.T) {
	t.Parallel()
	invite, err := RereadSent([]byte(sentInvite))
	if err != nil {
		t.Fatal(err)
	}
	want := "CANCEL sip:bob@192.0.2.77 SIP/2.0\r\n" +
		"Via: SIP/2.0/UDP own;branch=z9hG4bKt1\r\n" +
		"Route: <sip:p1;lr>,<sip:p2;lr>\r\n" +
		"f: \"Alice\" <sip:alice@atlanta.example.com>;tag=1\r\n" +
		"To: <sip:bob@biloxi.example.com>\r\n" +
		"Call-ID: one\r\n" +
		"CSeq: 7 CANCEL\r\n" +
		"Route: <sip:p3;lr>\r\n" +
		"Max-Forwards: 70\r\n" +
		"Content-Length: 0\r\n\r\n"
	cancel := NewCancel(invite)
	if got := cancel.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	mustRead(t, cancel.String())
}

func TestNewRequest(t *testing.T) {
	t.Parallel()
	m := NewRequest("OPTIONS", "sip:a@b")
	m.Add("Via", "SIP/2.0/UDP own;branch=z9hG4bK1")
	m.Add("Max-Forwards", "70")
	m.Add("From", "<sip:me@own>;tag=1")
	m.Add("To", "<sip:a@b>")
	m.Add("Call-ID", "x")
	m.Add("CSeq", "1 OPTIONS")
	m.SetBody("text/plain", []byte("hello"))
	again := mustRead(t, m.String())
	if again.String() != m.String() || again.Method() != OPTIONS || string(again.Body()) != "hello" || again.URIText() != "sip:a@b" {
		t.Errorf("%s", again)
	}
	m.Release() // kept
	if m.CallID() != "x" {
		t.Error("released")
	}
}
