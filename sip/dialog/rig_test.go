package dialog

import (
	"strings"
	"testing"

	"github.com/sipscript/sipscript/sip"
)

// read returns a received message of these header fields. Those that every message has are filled in where they are not given.
func read(t testing.TB, start string, fields ...string) *sip.Message {
	t.Helper()
	method, _, _ := strings.Cut(start, " ")
	if method == "SIP/2.0" {
		method = "INVITE"
	}
	lines := []string{start}
	for _, usual := range []string{
		"Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKx", "From: \"Alice\" <sip:alice@a.example>;tag=A", "To: <sip:bob@b.example>;tag=B",
		"Call-ID: call@a.example", "CSeq: 1 " + method,
	} {
		name, _, _ := strings.Cut(usual, ":")
		if !strings.Contains("\n"+strings.Join(fields, "\n"), "\n"+name+":") {
			lines = append(lines, usual)
		}
	}
	text := strings.Join(append(lines, fields...), "\r\n") + "\r\nContent-Length: 0\r\n\r\n"
	m, err := sip.ReadDatagram([]byte(text), sip.Limits{})
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return m
}

const (
	inviteLine = "INVITE sip:bob@b.example SIP/2.0"
	ok         = "SIP/2.0 200 OK"
	ringing    = "SIP/2.0 180 Ringing"
	progress   = "SIP/2.0 183 Session Progress"
	newTo      = "To: <sip:bob@b.example>"
	alice      = "Contact: <sip:alice@192.0.2.1:5062;transport=tcp>"
	bob        = "Contact: <sip:bob@192.0.2.2>"
	reliable1  = "Require: 100rel\r\nRSeq: 1"
)

// callee returns the dialog at the callee of an INVITE with these header fields.
func callee(t testing.TB, fields ...string) *Dialog {
	t.Helper()
	d, err := NewUAS(read(t, inviteLine, append([]string{newTo, alice}, fields...)...), "B", "<sip:us@192.0.2.5>")
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// caller returns the dialog at the caller after a response with this start line and these header fields.
func caller(t testing.TB, line string, fields ...string) *Dialog {
	t.Helper()
	d, err := NewUAC(read(t, inviteLine, newTo, alice, "CSeq: 7 INVITE"), read(t, line, append(fields, "CSeq: 7 INVITE")...))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// head is a request's start line and some of its header fields as they would be sent.
func head(m *sip.Message) string {
	text := m.String()
	text, _, _ = strings.Cut(text, "\r\n\r\n")
	return strings.ReplaceAll(text, "\r\n", "\n")
}
