package sip

import (
	"strings"
	"testing"
)

func TestMessagesMadeInPlaceAreThoseMadeAnew(t *testing.T) {
	t.Parallel()
	var clone, response Message
	for _, text := range []string{invite800, request("BYE", "X: "+strings.Repeat("x", 400)), string(torture(t, "rfc4475/wsinv")), invite800} {
		m := mustRead(t, text)
		m.Prepend("Via", "SIP/2.0/UDP own;branch=z9hG4bKown")
		want := m.String()
		m.CloneTo(&clone)
		clone.Set("Max-Forwards", "1")
		clone.RemoveTop(Via)
		clone.SetURI("sip:other@example.com")
		anew := m.Clone()
		anew.Set("Max-Forwards", "1")
		anew.RemoveTop(Via)
		anew.SetURI("sip:other@example.com")
		if clone.String() != anew.String() {
			t.Errorf("in place\n%s\nanew\n%s", &clone, anew)
		}
		if uri, err := clone.URI(); err != nil || uri.User != "other" {
			t.Error(uri, err)
		}
		if m.String() != want {
			t.Error("the original was edited")
		}
		ResponseTo(&response, m, 180, "", "tag")
		if want := NewResponse(m, 180, "", "tag"); response.String() != want.String() || response.ToTag() != want.ToTag() {
			t.Errorf("in place\n%s\nanew\n%s", &response, want)
		}
		clone.Release() // neither has ever been the pools'
		response.Release()
	}
}

func TestMessagesMadeInPlaceDoNotAllocate(t *testing.T) {
	if poison {
		t.Skip("the race detector allocates")
	}
	var clone, response Message
	m := mustRead(t, invite800)
	out := make([]byte, 0, 2048)
	allocs := testing.AllocsPerRun(1000, func() {
		m.CloneTo(&clone)
		clone.Prepend("Via", "SIP/2.0/UDP own;branch=z9hG4bKown")
		out = clone.Append(out[:0])
		ResponseTo(&response, m, 180, "", "tag")
		out = response.Append(out[:0])
	})
	if allocs > 0 {
		t.Errorf("%v allocations", allocs)
	}
}
