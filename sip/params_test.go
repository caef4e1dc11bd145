package sip

import (
	"fmt"
	"testing"
)

func TestParams(t *testing.T) {
	t.Parallel()
	const p = Params(`;lr;Tag = a b ;q="x;\"y" ; empty="";n=`)
	rows := []struct {
		name, want string
		ok         bool
	}{
		{"lr", "", true},
		{"LR", "", true},
		{"tag", "a b", true},
		{"q", `x;"y`, true},
		{"empty", "", true},
		{"n", "", true},
		{"y", "", false},
		{"", "", false},
	}
	for _, row := range rows {
		if got, ok := p.Get(row.name); got != row.want || ok != row.ok || p.Has(row.name) != row.ok {
			t.Errorf("Get(%q) = %q, %v", row.name, got, ok)
		}
	}
	var all string
	for name, value := range p.All() {
		all += fmt.Sprintf("[%s=%s]", name, value)
	}
	if want := `[lr=][Tag=a b][q=x;"y][empty=][n=]`; all != want {
		t.Errorf("All: %s", all)
	}
	for range p.All() {
		break
	}
}

func TestParamsEdits(t *testing.T) {
	t.Parallel()
	rows := []struct {
		from        Params
		name, value string
		with        Params
		without     Params
	}{
		{"", "a", "1", ";a=1", ""},
		{"", "lr", "", ";lr", ""},
		{";a=1;b=2", "c", "3", ";a=1;b=2;c=3", ";a=1;b=2"},
		{";a=1; B = 2 ;c", "b", "9", ";a=1;b=9;c", ";a=1;c"},
		{";a;b;A", "a", "2", ";a=2;b", ";b"},
		{";x=\";a=1\"", "a", "", ";x=\";a=1\";a", ";x=\";a=1\""},
		{"", "received", "2001:db8::1", ";received=2001:db8::1", ""},
		{"", "text", "two words", `;text="two words"`, ""},
		{"", "text", "a\"\r\nb", `;text="a\" b"`, ""},
	}
	for _, row := range rows {
		if got := row.from.With(row.name, row.value); got != row.with {
			t.Errorf("%q with %s=%s: %q", row.from, row.name, row.value, got)
		}
		if got := row.from.Without(row.name); got != row.without {
			t.Errorf("%q without %s: %q", row.from, row.name, got)
		}
	}
}

func TestParamsCheck(t *testing.T) {
	t.Parallel()
	rows := []struct {
		p     Params
		value string
		ok    bool
	}{
		{"", "", true},
		{";a=1;branch=x;branch=y", "x", true},
		{";a ; branch = x", "x", true},
		{`;a="b;c,d\"";branch`, "", true},
		{";a=[::1];b=x@y=z", "", true},
		{"a", "", false},
		{";", "", false},
		{";;a", "", false},
		{";a;", "", false},
		{";a=", "", false},
		{";a=;b", "", false},
		{";=b", "", false},
		{`;a="b`, "", false},
		{`;a="b"c`, "", false},
		{";a b", "", false},
		{";a=b c", "", false},
		{";a=<b>", "", false},
		{";a,b", "", false},
	}
	for _, row := range rows {
		if value, ok := row.p.check("branch"); value != row.value && row.ok || ok != row.ok {
			t.Errorf("%q: %q, %v", row.p, value, ok)
		}
	}
}
