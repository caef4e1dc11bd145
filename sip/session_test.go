package sip

import (
	"errors"
	"testing"
)

// parsed is one row of a table that reads a value and writes it again.
type parsed[T comparable] struct {
	text    string
	want    T
	written string // "" for the same text
}

func checkParsed[T comparable](t *testing.T, parse func(string) (T, error), write func(T) string, rows []parsed[T], bad ...string) {
	t.Helper()
	for _, row := range rows {
		got, err := parse(row.text)
		if err != nil || got != row.want {
			t.Errorf("%q: %+v, %v", row.text, got, err)
		}
		if row.written == "" {
			row.written = row.text
		}
		if write != nil && write(got) != row.written {
			t.Errorf("%q is written %q", row.text, write(got))
		}
	}
	for _, text := range bad {
		if got, err := parse(text); !errors.Is(err, ErrMalformed) {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
}

func TestParseRAck(t *testing.T) {
	t.Parallel()
	checkParsed(t, ParseRAck, RAckValue.String, []parsed[RAckValue]{
		{"776656 1 INVITE", RAckValue{776656, CSeqValue{1, INVITE}}, ""},
		{" 4294967295  \t 2147483647 INVITE ", RAckValue{1<<32 - 1, CSeqValue{1<<31 - 1, INVITE}}, "4294967295 2147483647 INVITE"},
	}, "", "1", "1 2", "0 1 INVITE", "1INVITE", "1 1INVITE", "4294967296 1 INVITE", "1 2147483648 INVITE", "-1 1 INVITE", "1 1 IN VITE")
}

func TestParseSessionExpires(t *testing.T) {
	t.Parallel()
	checkParsed(t, ParseSessionExpires, SessionExpiresValue.String, []parsed[SessionExpiresValue]{
		{"4000", SessionExpiresValue{4000, ""}, ""},
		{"1800;refresher=uac", SessionExpiresValue{1800, "uac"}, ""},
		{"1800 ; x=y; Refresher = UAS", SessionExpiresValue{1800, "uas"}, "1800;refresher=uas"},
	}, "", "soon", "-1", "4294967296", "1800;refresher=proxy", "1800;refresher", "1800;;", "1800 90")
}

func TestParseReplaces(t *testing.T) {
	t.Parallel()
	checkParsed(t, ParseReplaces, ReplacesValue.String, []parsed[ReplacesValue]{
		{"98732@sip.example.com;to-tag=f2;from-tag=r33", ReplacesValue{"98732@sip.example.com", "f2", "r33", false}, ""},
		{"12adf2f34456gs5;to-tag=12345;from-tag=54321;early-only", ReplacesValue{"12adf2f34456gs5", "12345", "54321", true}, ""},
		{"a ;FROM-TAG=0;x;to-tag=1", ReplacesValue{"a", "1", "0", false}, "a;to-tag=1;from-tag=0"},
	}, "", ";to-tag=a;from-tag=b", "id", "id;to-tag=a", "id;from-tag=a", "id;to-tag=;from-tag=b", "a b;to-tag=a;from-tag=b", "a,b;to-tag=a;from-tag=b", `id;to-tag="a b";from-tag=c`)
}

func TestParseTargetDialog(t *testing.T) {
	t.Parallel()
	checkParsed(t, ParseTargetDialog, TargetDialogValue.String, []parsed[TargetDialogValue]{
		{"fa77as7dad8-sd98ajzz@host.example.com;local-tag=kkaz-;remote-tag=6544", TargetDialogValue{"fa77as7dad8-sd98ajzz@host.example.com", "kkaz-", "6544"}, ""},
	}, "", "id", "id;local-tag=a", ";local-tag=a;remote-tag=b", "a b;local-tag=a;remote-tag=b")
}

func TestParseEvent(t *testing.T) {
	t.Parallel()
	checkParsed(t, ParseEvent, nil, []parsed[EventValue]{
		{"refer", EventValue{"refer", "", ""}, ""},
		{"refer ;id=93809824", EventValue{"refer", "93809824", ";id=93809824"}, ""},
		{"presence.winfo;x", EventValue{"presence.winfo", "", ";x"}, ""},
	}, "", ";id=1", "a b", "refer;;")
}

func TestParseSubscriptionState(t *testing.T) {
	t.Parallel()
	checkParsed(t, ParseSubscriptionState, nil, []parsed[SubscriptionStateValue]{
		{"active;expires=60", SubscriptionStateValue{"active", "", 60, -1, ";expires=60"}, ""},
		{"Terminated;reason=noresource", SubscriptionStateValue{"terminated", "noresource", -1, -1, ";reason=noresource"}, ""},
		{"terminated ; reason=probation;retry-after=30", SubscriptionStateValue{"terminated", "probation", -1, 30, "; reason=probation;retry-after=30"}, ""},
		{"pending;expires=soon", SubscriptionStateValue{"pending", "", -1, -1, ";expires=soon"}, ""},
	}, "", ";expires=1", "act ive")
}

func TestParseReason(t *testing.T) {
	t.Parallel()
	checkParsed(t, ParseReason, ReasonValue.String, []parsed[ReasonValue]{
		{`SIP;cause=200;text="Call completed elsewhere"`, ReasonValue{"SIP", 200, "Call completed elsewhere", `;cause=200;text="Call completed elsewhere"`}, ""},
		{`Q.850 ;cause=16 ;text="Terminated"`, ReasonValue{"Q.850", 16, "Terminated", `;cause=16 ;text="Terminated"`}, `Q.850;cause=16;text="Terminated"`},
		{"preemption", ReasonValue{"preemption", 0, "", ""}, ""},
	}, "", ";cause=1", "SIP;cause=x", "SIP;cause=-1", "a b;cause=1")
}

// Each accessor by header field: none, one, its compact form where it has one, and what is refused.
func TestSessionHeaderFields(t *testing.T) {
	t.Parallel()
	get := map[string]func(m *Message) (value any, ok bool, err error){
		"RAck":            func(m *Message) (any, bool, error) { v, err := m.RAck(); return v, !errors.Is(err, ErrMissing), err },
		"RSeq":            func(m *Message) (any, bool, error) { return anyOf(m.RSeq()) },
		"Session-Expires": func(m *Message) (any, bool, error) { return anyOf(m.SessionExpires()) },
		"Min-SE":          func(m *Message) (any, bool, error) { return anyOf(m.MinSE()) },
		"Replaces":        func(m *Message) (any, bool, error) { return anyOf(m.Replaces()) },
		"Target-Dialog":   func(m *Message) (any, bool, error) { return anyOf(m.TargetDialog()) },
		"Refer-To":        func(m *Message) (any, bool, error) { return addressOf(m.ReferTo()) },
		"Referred-By":     func(m *Message) (any, bool, error) { return addressOf(m.ReferredBy()) },
		"Event": func(m *Message) (any, bool, error) {
			v, err := m.Event()
			return v.Package, !errors.Is(err, ErrMissing), err
		},
		"Subscription-State": func(m *Message) (any, bool, error) {
			v, err := m.SubscriptionState()
			return v.State, !errors.Is(err, ErrMissing), err
		},
		"Reason": func(m *Message) (any, bool, error) {
			v, err := m.Reasons()
			return len(v), len(v) > 0, err
		},
	}
	rows := []struct {
		name   string
		fields []string
		want   any // nil for an error
	}{
		{"RAck", []string{"RAck: 1 2 INVITE"}, RAckValue{1, CSeqValue{2, INVITE}}},
		{"RAck", []string{"RAck: 1 INVITE"}, nil},
		{"RSeq", []string{"rseq: 988789"}, uint32(988789)},
		{"RSeq", []string{"RSeq: 0"}, nil},
		{"RSeq", []string{"RSeq: 4294967296"}, nil},
		{"Session-Expires", []string{"x: 90;refresher=uas"}, SessionExpiresValue{90, "uas"}},
		{"Session-Expires", []string{"Session-Expires: x"}, nil},
		{"Min-SE", []string{"Min-SE: 3600;x=y"}, 3600},
		{"Min-SE", []string{"Min-SE: 3600;;"}, nil},
		{"Replaces", []string{"Replaces: a;to-tag=b;from-tag=c"}, ReplacesValue{"a", "b", "c", false}},
		{"Replaces", []string{"Replaces: a;to-tag=b;from-tag=c", "Replaces: a;to-tag=b;from-tag=c"}, nil},
		{"Replaces", []string{"Replaces: a;to-tag=b;from-tag=c,d;to-tag=b;from-tag=c"}, nil},
		{"Target-Dialog", []string{"Target-Dialog: a;local-tag=b;remote-tag=c"}, TargetDialogValue{"a", "b", "c"}},
		{"Target-Dialog", []string{"Target-Dialog: a"}, nil},
		{"Refer-To", []string{"r: <sip:carol@c.example?Replaces=a%3Bto-tag%3Db>"}, "sip:carol@c.example?Replaces=a%3Bto-tag%3Db"},
		{"Refer-To", []string{"Refer-To: sip:carol@c.example"}, "sip:carol@c.example"},
		{"Refer-To", []string{"Refer-To: <sip:a@b>", "Refer-To: <sip:a@b>"}, nil},
		{"Refer-To", []string{"Refer-To: <sip:a@b>, <sip:c@d>"}, nil},
		{"Refer-To", []string{"Refer-To: *"}, nil},
		{"Refer-To", []string{"Refer-To: <nothing"}, nil},
		{"Referred-By", []string{`b: "R, R" <sip:r@ref.example>;cid="20398823.2UWQFN309shb3@ref.example"`}, "sip:r@ref.example"},
		{"Event", []string{"o: refer;id=2"}, "refer"},
		{"Event", []string{"Event: ;id"}, nil},
		{"Subscription-State", []string{"Subscription-State: ACTIVE;expires=3"}, "active"},
		{"Subscription-State", []string{"Subscription-State: ;"}, nil},
		{"Reason", []string{`Reason: SIP;cause=600;text="a, b", Q.850;cause=16`, "Reason: preemption"}, 3},
		{"Reason", []string{"Reason: Q.850;cause=16", "Reason: ;"}, nil},
	}
	for _, row := range rows {
		if v, ok, err := get[row.name](mustRead(t, request("OPTIONS"))); ok || err != nil && !errors.Is(err, ErrMissing) {
			t.Errorf("no %s: %v, %v", row.name, v, err)
		}
		v, ok, err := get[row.name](mustRead(t, request("OPTIONS", row.fields...)))
		switch {
		case row.want == nil && !errors.Is(err, ErrMalformed):
			t.Errorf("%q: %v, %v", row.fields, v, err)
		case row.want != nil && (!ok || err != nil || v != row.want):
			t.Errorf("%q: %v, %v, %v", row.fields, v, ok, err)
		}
	}
}

func anyOf[T any](v T, ok bool, err error) (any, bool, error) { return v, ok, err }

func addressOf(a *Address, err error) (any, bool, error) {
	if err != nil {
		return nil, !errors.Is(err, ErrMissing), err
	}
	return a.URIText, true, nil
}

func TestHeaderFieldsInAURI(t *testing.T) {
	t.Parallel()
	uri, err := ParseURI("sip:c@d?Replaces=a%40b%3Bto-tag%3D1%3Bfrom-tag%3D2&Subject=x&%73ubject=y&Route&i=id")
	if err != nil {
		t.Fatal(err)
	}
	rows := []struct {
		name, want string
		ok         bool
	}{
		{"replaces", "a@b;to-tag=1;from-tag=2", true}, {"Subject", "x", true}, {"Route", "", true}, {"Call-ID", "id", true}, {"Via", "", false},
	}
	for _, row := range rows {
		if got, ok := uri.Header(row.name); got != row.want || ok != row.ok {
			t.Errorf("%s: %q, %v", row.name, got, ok)
		}
	}
	none := URI{}
	if _, ok := none.Header("Subject"); ok {
		t.Error("a header field out of nothing")
	}
}

func TestOptionsAndMethods(t *testing.T) {
	t.Parallel()
	m := mustRead(t, request("OPTIONS", "k: timer, Path", "Supported: 100rel", "Allow: INVITE, UPDATE", "Allow: prack"))
	for tag, want := range map[string]bool{"timer": true, "path": true, "100REL": true, "replaces": false, "": false} {
		if m.HasOption(Supported, tag) != want || m.HasOption(Require, tag) {
			t.Errorf("%q: %v", tag, !want)
		}
	}
	for method, want := range map[string]bool{INVITE: true, UPDATE: true, PRACK: false, INFO: false} {
		if got, known := m.Allows(method); got != want || !known {
			t.Errorf("%s: %v, %v", method, got, known)
		}
	}
	if got, known := mustRead(t, request("OPTIONS")).Allows(INVITE); got || known {
		t.Error("an Allow out of nothing")
	}
}
