package proxy

import (
	"slices"
	"testing"

	"github.com/sipscript/sipscript/sip"
)

func TestBestFollowsTheRankOfTheRFC(t *testing.T) {
	t.Parallel()
	received := func(code int) *answer { return &answer{code: code, reply: sip.NewRequest("X", "sip:x")} }
	made := func(code int) *answer { return &answer{code: code} }
	leftOut := &answer{code: 480, leftOut: true}
	// Of each list the first is to be preferred to every one behind it.
	for _, test := range []struct {
		name   string
		invite bool
		order  []*answer
	}{
		{"classes", true, []*answer{received(603), received(302), received(404), received(500)}},
		{"any 6xx", true, []*answer{made(600), received(302)}},
		{"those that say how to do better", true, []*answer{received(401), received(420), received(404)}},
		{"407 like 401, 415 and 484 like 420", true, []*answer{received(407), received(484), received(415), received(486)}},
		{"what a server said before what it did not", true, []*answer{received(404), made(408), received(500), made(500)}},
		{"503 last of its class", true, []*answer{received(500), received(503), made(500), made(503)}},
		{"408 of an INVITE is an answer", true, []*answer{received(408), received(500)}},
		{"408 of another is none", false, []*answer{received(404), received(503), received(408)}},
		{"never asked", true, []*answer{made(503), leftOut}},
	} {
		c := &Context{invite: test.invite}
		for i, a := range test.order {
			rest := slices.Clone(test.order[i:])
			slices.Reverse(rest)
			if best := c.best(rest); best != a && best.rank(test.invite) != a.rank(test.invite) {
				t.Errorf("%s: %d of %d", test.name, best.code, a.code)
			}
		}
	}
	if best := (&Context{}).best(nil); best != nil {
		t.Error("the best of nothing")
	}
	first, second := received(404), received(480)
	if best := (&Context{}).best([]*answer{first, second}); best != first {
		t.Error("not the first of equals")
	}
}

func TestCauses(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		code int
		rang bool
		want Cause
	}{
		{200, false, Answered}, {202, true, Answered}, {302, false, Redirected}, {401, false, Challenged}, {407, false, Challenged},
		{403, false, Rejected}, {404, false, NotFound}, {410, false, NotFound}, {484, false, NotFound}, {604, false, NotFound},
		{408, true, NoAnswer}, {408, false, Failed}, {480, true, Unavailable}, {486, true, Busy}, {600, true, Busy},
		{487, true, Rejected}, {603, false, Rejected}, {606, false, Rejected}, {500, true, Failed}, {503, false, Failed},
	} {
		if got := causeOf(test.code, test.rang); got != test.want {
			t.Errorf("%d, rang %v: %s", test.code, test.rang, got)
		}
	}
}

func TestQ850IsReadFromTheReason(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		"":                                    0,
		`Q.850;cause=16;text="Terminated"`:    16,
		`SIP;cause=486, q.850 ; cause=17`:     17,
		`SIP;cause=600`:                       0,
		`Q.850`:                               0,
		`Q.850;cause=many`:                    0,
		`SIP;cause=1;text="a, Q.850;cause=9"`: 0,
	} {
		m := sip.NewRequest("X", "sip:x")
		if text != "" {
			m.Add("Reason", text)
		}
		if got := q850(m); got != want {
			t.Errorf("%s: %d", text, got)
		}
	}
	if q850(nil) != 0 {
		t.Error("nothing has a cause")
	}
}
