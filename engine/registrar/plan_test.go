package registrar

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sipscript/sipscript/engine/location"
	"github.com/sipscript/sipscript/sip"
)

var start = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// held is a binding as "uri callid cseq age": registered so many seconds before start.
func held(t *testing.T, text string) location.Binding {
	t.Helper()
	var b location.Binding
	var age int
	if _, err := fmt.Sscanf(text, "%s %s %d %d", &b.URI, &b.CallID, &b.CSeq, &age); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	b.Q = 1000
	b.Registered = start.Add(-time.Duration(age) * time.Second)
	b.Expires = b.Registered.Add(time.Hour)
	return b
}

// asked is a contact as "uri" or, to be removed, "-uri".
func asked(t *testing.T, r *register, text string) contact {
	t.Helper()
	uri, remove := strings.CutPrefix(text, "-")
	parsed, err := sip.ParseURI(uri)
	if err != nil {
		t.Fatalf("%q: %v", uri, err)
	}
	return contact{uri: parsed, remove: remove, binding: location.Binding{
		URI: uri, CallID: r.callID, CSeq: r.cseq, Registered: r.now, Expires: r.now.Add(time.Minute),
	}}
}

func TestPlan(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		old     []string
		ask     string // "callid cseq", then contacts; * for the star
		max     int
		replace bool
		want    []string // "uri callid cseq"
		code    int
	}{
		{name: "first contact", ask: "c 1 sip:a@h", want: []string{"sip:a@h c 1"}},
		{name: "second contact stays beside the first", old: []string{"sip:a@h c 1 9"}, ask: "d 1 sip:b@h", want: []string{"sip:a@h c 1", "sip:b@h d 1"}},
		{name: "several at once", ask: "c 1 sip:a@h sip:b@h", want: []string{"sip:a@h c 1", "sip:b@h c 1"}},
		{name: "refresh takes Call-ID and CSeq", old: []string{"sip:a@h c 1 9"}, ask: "c 2 sip:a@h", want: []string{"sip:a@h c 2"}},
		{name: "removal", old: []string{"sip:a@h c 1 9", "sip:b@h c 1 9"}, ask: "c 2 -sip:a@h", want: []string{"sip:b@h c 1"}},
		{name: "removal of what is not there", old: []string{"sip:a@h c 1 9"}, ask: "c 1 -sip:z@h", want: []string{"sip:a@h c 1"}},
		{name: "removal and addition", old: []string{"sip:a@h c 1 9"}, ask: "c 2 -sip:a@h sip:b@h", want: []string{"sip:b@h c 2"}},

		{name: "B069 lower CSeq", old: []string{"sip:a@h c 5 9"}, ask: "c 4 sip:a@h", code: 500},
		{name: "B069 same CSeq", old: []string{"sip:a@h c 5 9"}, ask: "c 5 sip:a@h", code: 500},
		{name: "B069 same CSeq, removal", old: []string{"sip:a@h c 5 9"}, ask: "c 5 -sip:a@h", code: 500},
		{name: "B069 other Call-ID, lower CSeq", old: []string{"sip:a@h c 5 9"}, ask: "d 1 sip:a@h", want: []string{"sip:a@h d 1"}},
		{name: "B069 other Call-ID, removal", old: []string{"sip:a@h c 5 9"}, ask: "d 1 -sip:a@h", want: nil},
		{name: "B069 a lower CSeq for another contact counts nothing", old: []string{"sip:a@h c 5 9"}, ask: "c 4 sip:b@h", want: []string{"sip:a@h c 5", "sip:b@h c 4"}},
		{name: "B070 one stale contact fails all", old: []string{"sip:a@h c 5 9"}, ask: "c 5 sip:b@h -sip:x@h sip:a@h", code: 500},

		{name: "B068 star", old: []string{"sip:a@h c 1 9", "sip:b@h d 7 9"}, ask: "c 2 *", want: nil},
		{name: "B068 star with nothing there", ask: "c 2 *", want: nil},
		{name: "B068 star obeys the CSeq", old: []string{"sip:b@h d 7 9", "sip:a@h c 2 9"}, ask: "c 2 *", code: 500},

		{name: "B072 host in any case", old: []string{"sip:a@Host c 1 9"}, ask: "c 2 sip:a@hOST", want: []string{"sip:a@hOST c 2"}},
		{name: "B072 user case differs", old: []string{"sip:a@h c 1 9"}, ask: "c 2 sip:A@h", want: []string{"sip:a@h c 1", "sip:A@h c 2"}},
		{name: "B072 port differs", old: []string{"sip:a@h c 1 9"}, ask: "c 2 sip:a@h:5060", want: []string{"sip:a@h c 1", "sip:a@h:5060 c 2"}},
		{name: "B072 transport differs", old: []string{"sip:a@h c 1 9"}, ask: "c 2 sip:a@h;transport=tcp", want: []string{"sip:a@h c 1", "sip:a@h;transport=tcp c 2"}},
		{name: "B072 sips is not sip", old: []string{"sip:a@h c 1 9"}, ask: "c 2 sips:a@h", want: []string{"sip:a@h c 1", "sips:a@h c 2"}},
		{name: "B072 a parameter only one has", old: []string{"sip:a@h;ob c 1 9"}, ask: "c 2 sip:a@h", want: []string{"sip:a@h c 2"}},
		{name: "B072 a parameter both have differs", old: []string{"sip:a@h;x=1 c 1 9"}, ask: "c 2 sip:a@h;x=2", want: []string{"sip:a@h;x=1 c 1", "sip:a@h;x=2 c 2"}},
		{name: "B072 escapes of unreserved characters", old: []string{"sip:%61@h c 1 9"}, ask: "c 2 sip:a@h", want: []string{"sip:a@h c 2"}},
		{name: "B072 CSeq counts for an equal URI written otherwise", old: []string{"sip:a@HOST c 2 9"}, ask: "c 2 sip:a@host", code: 500},
		{name: "B072 headers differ", old: []string{"sip:a@h?x=1 c 1 9"}, ask: "c 2 sip:a@h", want: []string{"sip:a@h?x=1 c 1", "sip:a@h c 2"}},
		{name: "equal contacts in one request, the later counts", ask: "c 1 sip:a@h sip:a@H", want: []string{"sip:a@H c 1"}},
		{name: "equal contacts in one request, the later removes", ask: "c 1 sip:a@h -sip:a@H", want: nil},
		{name: "contact of another scheme", old: []string{"mailto:a@h c 1 9"}, ask: "c 2 mailto:a@h", want: []string{"mailto:a@h c 2"}},

		{name: "B079 full", old: []string{"sip:a@h c 1 9", "sip:b@h c 1 8"}, ask: "d 1 sip:c@h", max: 2, code: 403},
		{name: "B079 full, refresh", old: []string{"sip:a@h c 1 9", "sip:b@h c 1 8"}, ask: "c 2 sip:b@h", max: 2, want: []string{"sip:a@h c 1", "sip:b@h c 2"}},
		{name: "B079 limit lowered, refresh", old: []string{"sip:a@h c 1 9", "sip:b@h c 1 8"}, ask: "c 2 sip:b@h", max: 1, want: []string{"sip:a@h c 1", "sip:b@h c 2"}},
		{name: "B079 full, one in and one out", old: []string{"sip:a@h c 1 9", "sip:b@h c 1 8"}, ask: "c 2 -sip:a@h sip:c@h", max: 2, want: []string{"sip:b@h c 1", "sip:c@h c 2"}},
		{name: "B079 more than fit in one request", ask: "c 1 sip:a@h sip:b@h sip:c@h", max: 2, code: 403},
		{name: "B079 oldest replaced", old: []string{"sip:b@h c 1 8", "sip:a@h c 1 9"}, ask: "d 1 sip:c@h", max: 2, replace: true, want: []string{"sip:b@h c 1", "sip:c@h d 1"}},
		{name: "B079 oldest replaced, but not what this request refreshes", old: []string{"sip:a@h c 1 9", "sip:b@h c 1 8"}, ask: "c 2 sip:a@h sip:c@h", max: 2, replace: true, want: []string{"sip:a@h c 2", "sip:c@h c 2"}},
		{name: "B079 more than fit in one request, replacing", old: []string{"sip:z@h c 1 9"}, ask: "c 2 sip:a@h sip:b@h sip:c@h", max: 2, replace: true, code: 403},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var old []location.Binding
			for _, text := range tt.old {
				old = append(old, held(t, text))
			}
			before := slices.Clone(old)
			r := &register{now: start, maxContacts: tt.max, replace: tt.replace}
			if tt.max == 0 {
				r.maxContacts = 10
			}
			words := strings.Fields(tt.ask)
			r.callID = words[0]
			_, _ = fmt.Sscan(words[1], &r.cseq)
			for _, w := range words[2:] {
				if w == "*" {
					r.star = true
				} else {
					r.contacts = append(r.contacts, asked(t, r, w))
				}
			}

			next, no := plan(old, r)
			if tt.code != 0 {
				if no == nil || no.Code != tt.code || next != nil {
					t.Errorf("got %v, %+v, want a refusal with %d", next, no, tt.code)
				}
			} else if no != nil {
				t.Errorf("refused with %d %s", no.Code, no.Reason)
			}
			var got []string
			for _, b := range next {
				got = append(got, fmt.Sprintf("%s %s %d", b.URI, b.CallID, b.CSeq))
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			for i := range old {
				if fmt.Sprint(old[i]) != fmt.Sprint(before[i]) {
					t.Errorf("old binding %d was written: %+v", i, old[i])
				}
			}
		})
	}
}

func TestPlanReturnsTheOldBindingsWhenNothingChanges(t *testing.T) {
	t.Parallel()
	old := []location.Binding{held(t, "sip:a@h c 1 9")}
	r := &register{callID: "d", cseq: 1, now: start, maxContacts: 10}
	r.contacts = []contact{asked(t, r, "-sip:z@h")}
	if next, no := plan(old, r); no != nil || len(next) != 1 || &next[0] != &old[0] {
		t.Errorf("got %v, %v: the store would commit a change that is none", next, no)
	}
}
