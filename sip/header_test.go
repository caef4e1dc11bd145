package sip

import (
	"errors"
	"slices"
	"testing"
)

func TestB001FoldedCompactAndOddHeaders(t *testing.T) {
	t.Parallel()
	m := mustRead(t, string(torture(t, "rfc4475/wsinv")))
	if n, ok, err := m.MaxForwards(); n != 68 || !ok || err != nil {
		t.Errorf("Max-Forwards %d, %v, %v", n, ok, err)
	}
	if cseq, err := m.CSeq(); cseq != (CSeqValue{9, INVITE}) || err != nil {
		t.Errorf("CSeq %v, %v", cseq, err)
	}
	if m.ToTag() != "1918181833n" || m.FromTag() != "98asjd8" || m.CallID() != "wsinv.ndaksdj@192.0.2.1" {
		t.Errorf("tags %q %q, Call-ID %q", m.ToTag(), m.FromTag(), m.CallID())
	}
	if from, err := m.From(); err != nil || from.Name != `J Rosenberg \"` {
		t.Errorf("From %+v, %v", from, err)
	}
	if via, err := m.Via(); err != nil || via.Host != "192.0.2.2" || via.Branch != "390skdjuw" || via.Transport != "UDP" {
		t.Errorf("Via %+v, %v", via, err)
	}
	want := []string{
		"SIP  /   2.0 /UDP 192.0.2.2;branch=390skdjuw",
		"SIP  / 2.0  / TCP     spindle.example.com   ; branch  =   z9hG4bK9ikj8",
		"SIP  /    2.0   / UDP  192.168.255.111   ; branch= z9hG4bK30239",
	}
	if got := slices.Collect(m.List(Via)); !slices.Equal(got, want) {
		t.Errorf("Via list %q", got)
	}
	if got, ok := m.Get("newfangledheader"); !ok || got != "newfangled value continued newfangled value" {
		t.Errorf("%q, %v", got, ok)
	}
	if got, ok := m.Get("UnknownHeaderWithUnusualValue"); !ok || got != ";;,,;;,;" {
		t.Errorf("%q, %v", got, ok)
	}
	if got, ok := m.Get("Subject"); !ok || got != "" {
		t.Errorf("Subject %q, %v", got, ok)
	}
	contacts, err := m.Contacts()
	if err != nil || len(contacts) != 1 || contacts[0].Name != `Quoted string ""` || contacts[0].URI.User != "jdrosen" {
		t.Errorf("%+v, %v", contacts, err)
	}
	if q, ok := contacts[0].Params.Get("q"); q != "0.33" || !ok {
		t.Errorf("q %q", q)
	}
	routes, err := m.Routes()
	if err != nil || len(routes) != 1 || !routes[0].URI.LooseRoute() {
		t.Errorf("%+v, %v", routes, err)
	}
	if uri, err := m.URI(); err != nil || uri.Params != ";unknownparam" {
		t.Errorf("%+v, %v", uri, err)
	}
}

func TestB002CommaListsAndRepeatedFieldsAreTheSame(t *testing.T) {
	t.Parallel()
	want := []string{"<sip:a;lr>", `"x, \" <y>" <sip:b,c@d;lr>;p="q,r"`, "<sip:e>"}
	for _, fields := range [][]string{
		{"Route: " + want[0], "Route: " + want[1], "Route: " + want[2]},
		{"Route: " + want[0] + "," + want[1] + " ,\r\n " + want[2]},
		{"ROUTE: " + want[0] + ", ,", "route: ," + want[1] + ",,", "Route:", "Route: , " + want[2]},
	} {
		m := mustRead(t, request("OPTIONS", fields...))
		if got := slices.Collect(m.List(Route)); !slices.Equal(got, want) {
			t.Errorf("%q: %q", fields, got)
		}
		routes, err := m.Routes()
		if err != nil || len(routes) != 3 || routes[1].URI.User != "b,c" || routes[1].Name != `x, " <y>` {
			t.Errorf("%q: %+v, %v", fields, routes, err)
		}
		for range m.List(Route) {
			break
		}
	}
}

func TestMissingAndRepeatedHeaderFields(t *testing.T) {
	t.Parallel()
	m := mustRead(t, request("OPTIONS", "X-One: 1", "x-one: 2", "Supported: a, b", "k: c"))
	if _, ok := m.Value(Contact); ok || m.Has(Contact) || m.Count(Contact) != 0 {
		t.Error("a Contact out of nothing")
	}
	if _, ok := m.Value(Other); ok {
		t.Error("Other is no one header field")
	}
	if got := slices.Collect(m.GetAll("X-ONE")); !slices.Equal(got, []string{"1", "2"}) {
		t.Errorf("%q", got)
	}
	if got := slices.Collect(m.GetAll("supported")); !slices.Equal(got, []string{"a, b", "c"}) || m.Count(Supported) != 2 {
		t.Errorf("%q", got)
	}
	if _, ok := m.Get("X-Two"); ok {
		t.Error("X-Two out of nothing")
	}
	if tokens, err := m.Tokens(Supported); err != nil || !slices.Equal(tokens, []string{"a", "b", "c"}) {
		t.Errorf("%q, %v", tokens, err)
	}
	if tokens, err := m.Tokens(Require); err != nil || tokens != nil {
		t.Errorf("%q, %v", tokens, err)
	}
	if contacts, err := m.Contacts(); err != nil || contacts != nil {
		t.Errorf("%v, %v", contacts, err)
	}
	var names []string
	for name := range m.Fields() {
		names = append(names, name)
	}
	if want := []string{"Via", "From", "To", "Call-ID", "CSeq", "X-One", "x-one", "Supported", "k"}; !slices.Equal(names, want) {
		t.Errorf("%q", names)
	}
	for range m.Fields() {
		break
	}
	for range m.GetAll("x-one") {
		break
	}
	empty := NewRequest(INVITE, "sip:a@b")
	if _, err := empty.From(); !errors.Is(err, ErrMissing) {
		t.Error(err)
	}
	if _, err := empty.To(); !errors.Is(err, ErrMissing) {
		t.Error(err)
	}
	if v, err := empty.Via(); v != nil || !errors.Is(err, ErrMissing) {
		t.Error(err)
	}
	if _, err := empty.CSeq(); !errors.Is(err, ErrMissing) {
		t.Error(err)
	}
	if empty.CallID() != "" || empty.FromTag() != "" || empty.ToTag() != "" {
		t.Error("values out of nothing")
	}
}

func TestMalformedHeaderFieldsAreErrorsOfTheirAccessors(t *testing.T) {
	t.Parallel()
	m := mustRead(t, request("REGISTER", "From: <foo_bar:x>", "Contact: sip:user@example.com?Route=%3Csip:sip.example.com%3E", "Require: a b",
		"Expires: 36893488147419103232", "Max-Forwards: 300", "Route: <sip:a@b", "Record-Route: x", "Path: <sip:@>"))
	if _, err := m.From(); !errors.Is(err, ErrMalformed) {
		t.Error(err)
	}
	if _, err := m.From(); !errors.Is(err, ErrMalformed) {
		t.Error("forgotten:", err)
	}
	if _, err := m.Contacts(); !errors.Is(err, ErrMalformed) {
		t.Error(err)
	}
	if _, err := m.Routes(); !errors.Is(err, ErrMalformed) {
		t.Error(err)
	}
	if _, err := m.RecordRoutes(); !errors.Is(err, ErrMalformed) {
		t.Error(err)
	}
	if _, err := m.Paths(); !errors.Is(err, ErrMalformed) {
		t.Error(err)
	}
	if _, err := m.Tokens(Require); !errors.Is(err, ErrMalformed) {
		t.Error(err)
	}
	if n, ok, err := m.Expires(); n != 0 || !ok || !errors.Is(err, ErrMalformed) {
		t.Error(n, ok, err)
	}
	if n, ok, err := m.MaxForwards(); n != 0 || !ok || !errors.Is(err, ErrMalformed) {
		t.Error(n, ok, err)
	}
}

func TestNumbers(t *testing.T) {
	t.Parallel()
	m := mustRead(t, request("REGISTER", "Expires: 4294967295", "Max-Forwards: 255"))
	if n, ok, err := m.Expires(); n != 4294967295 || !ok || err != nil {
		t.Error(n, ok, err)
	}
	if n, ok, err := m.MaxForwards(); n != 255 || !ok || err != nil {
		t.Error(n, ok, err)
	}
	m.Remove("Expires")
	if _, ok, err := m.Expires(); ok || err != nil {
		t.Error(ok, err)
	}
	for text, want := range map[string]int{"0": 0, "3600": 3600, " 7 ": 7, "4294967295": 4294967295, "4294967296": -1, "": -1, "-1": -1, "1.5": -1, "1h": -1} {
		if n, ok := ParseSeconds(text); ok != (want >= 0) || ok && n != want {
			t.Errorf("%q seconds: %d, %v", text, n, ok)
		}
	}
	for text, want := range map[string]int{
		"1": 1000, "1.0": 1000, "1.000": 1000, "0": 0, "0.5": 500, "0.25": 250, "0.125": 125, "0.": 0, "1.": 1000, ".5": 500,
		"1.1": -1, "0.1234": -1, "2": -1, "": -1, ".": -1, "x": -1, "0.x": -1, "-1": -1,
	} {
		if q, ok := ParseQ(text); ok != (want >= 0) || ok && q != want {
			t.Errorf("q %q: %d, %v", text, q, ok)
		}
	}
}
