package proxy

import (
	"strings"
	"testing"

	"github.com/sipscript/sipscript/sip"
)

func TestMarksAreReadAsTheyWereWritten(t *testing.T) {
	t.Parallel()
	for _, kind := range []byte{stateful, stateless} {
		for _, v := range []uint64{0, 1, 31, 1 << 63, ^uint64(0), 0x0123456789abcdef} {
			text := string(appendMark(nil, kind, v, ^v))
			if !sip.IsToken(text) || len(text) != markLength {
				t.Errorf("%q is no branch", text)
			}
			for _, s := range []string{text, text[:len(cookie)+1] + strings.ToUpper(text[len(cookie)+1:])} {
				k, unique, loop, ok := readMark(s)
				if !ok || k != kind || unique != v || loop != ^v {
					t.Errorf("%q: %c %x %x %v", s, k, unique, loop, ok)
				}
			}
		}
	}
	good := string(appendMark(nil, stateful, 1, 2))
	for _, bad := range []string{"", cookie, good[:len(good)-1], good + "0", "x" + good[1:], cookie + "x" + good[len(cookie)+1:], good[:len(good)-1] + "w"} {
		if _, _, _, ok := readMark(bad); ok {
			t.Errorf("%q was read", bad)
		}
	}
}

func TestTheLoopHashCoversWhatRoutesAndNothingElse(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	base := r.loopHash(r.request("INVITE", 1), fromAlice())
	change := func(f func(m *sip.Message)) *sip.Message {
		m := r.request("INVITE", 1)
		f(m)
		return m
	}
	set := func(name, value string) func(*sip.Message) {
		return func(m *sip.Message) { m.Set(name, value) }
	}
	for _, test := range []struct {
		name       string
		m          *sip.Message
		all, plain bool // as before
	}{
		{"ACK", r.request("ACK", 1), true, true},
		{"CANCEL", r.request("CANCEL", 1), true, true},
		{"To tag", change(set("To", "<sip:bob@example.org>;tag=x")), true, true},
		{"Max-Forwards", change(set("Max-Forwards", "3")), true, true},
		{"Via", change(func(m *sip.Message) { m.Prepend("Via", "SIP/2.0/UDP 192.0.2.99;branch=z9hG4bKx") }), true, true},
		{"request URI", change(func(m *sip.Message) { m.SetURI("sip:carol@example.org") }), false, false},
		{"Route", change(set("Route", "<sip:192.0.2.9;lr>")), false, false},
		{"another call", r.request("INVITE", 2), false, false},
		{"CSeq", change(set("CSeq", "2 INVITE")), false, false},
		{"credentials", change(set("Proxy-Authorization", "Digest x")), false, true},
		{"Proxy-Require", change(set("Proxy-Require", "x")), false, true},
	} {
		h := r.loopHash(test.m, fromAlice())
		if (h.all == base.all) != test.all || (h.plain == base.plain) != test.plain {
			t.Errorf("%s: all %v, plain %v", test.name, h.all == base.all, h.plain == base.plain)
		}
	}
	if r.loopHash(r.request("INVITE", 1), flowFrom(sip.UDP, "192.0.2.1:5070", "192.0.2.10:5060", 0)) == base {
		t.Error("where it came in does not count")
	}
}

func TestOnlyOwnViasMakeALoop(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, test := range []struct {
		name   string
		host   string
		kind   byte
		looped bool
	}{
		{"ours", "192.0.2.1", stateful, true},
		{"ours, sent without a transaction", "192.0.2.1", stateless, true},
		{"another's", "192.0.2.2", stateful, false},
		{"another port", "192.0.2.1:5080", stateful, false},
	} {
		m := r.request("INVITE", 1)
		h := r.loopHash(m, fromAlice())
		m.Add("Via", "SIP/2.0/UDP "+test.host+";branch="+string(appendMark(nil, test.kind, 9, h.all)))
		if r.looped(m, h) != test.looped {
			t.Errorf("%s: looped %v", test.name, !test.looped)
		}
		h.all, h.plain = h.all+1, h.plain+1
		if r.looped(m, h) {
			t.Errorf("%s: a spiral is no loop", test.name)
		}
	}
}
