package sip

import (
	"strings"
	"testing"
)

func TestReleasedTwicePanics(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("released twice without a panic")
		}
	}()
	// Not one from the pool: another test could have it by now.
	m := &Message{class: uint8(len(sizes)), released: true}
	m.Release()
}

func TestKeptMessageIsNeverReleased(t *testing.T) {
	t.Parallel()
	m := mustRead(t, request("OPTIONS"))
	id := m.CallID()
	m.Keep()
	m.Keep()
	m.Release()
	m.Release()
	for range 100 { // whoever had the buffer now would write over it
		mustRead(t, request("OPTIONS", "Call-ID: "+strings.Repeat("x", 20))).Release()
	}
	if id != "one@192.0.2.1" || m.CallID() != id {
		t.Errorf("Call-ID is %q", id)
	}
}

func TestReleasedMessageIsPoisonedUnderTheRaceDetector(t *testing.T) {
	t.Parallel()
	if !poison {
		t.Skip("needs -race")
	}
	m := mustRead(t, request("OPTIONS"))
	id := m.CallID()
	m.Release()
	if id != strings.Repeat("\xDB", len(id)) {
		t.Errorf("Call-ID is still %q", id)
	}
}

// A message from the pools has nothing of the one before.
func TestPooledMessagesAreEmpty(t *testing.T) {
	t.Parallel()
	first := request("OPTIONS", "Via: SIP/2.0/UDP old;branch=z9hG4bKold", "To: <sip:old@b>;tag=old", "Max-Forwards: 3", "Route: <sip:old>", "X-Old: 1")
	second := "SIP/2.0 180 Ringing\r\n" + strings.SplitN(request("INVITE"), "\r\n", 2)[1]
	want := mustRead(t, second).String()
	for range 50 {
		m := mustRead(t, first)
		m.SetURI("sip:old@example.com")
		m.Add("X-Old", "2")
		m.SetBody("text/plain", []byte("old"))
		m.To()
		m.Release()
		m = mustRead(t, second)
		if m.IsRequest() || m.Method() != INVITE || m.Status() != 180 || m.URIText() != "" || m.ToTag() != "" || len(m.Body()) != 0 || m.Has(Route) || m.String() != want {
			t.Fatalf("read\n%s", m)
		}
		if to, err := m.To(); err != nil || to.URI.User != "bob" {
			t.Fatal(to, err)
		}
		m.Release()
	}
}
