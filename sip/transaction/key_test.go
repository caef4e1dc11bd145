package transaction

import (
	"strings"
	"testing"

	"github.com/sipscript/sipscript/sip"
)

// found reports whether a second message is found to belong to the transaction of the first.
func found(t *testing.T, first, second string) bool {
	t.Helper()
	r := newRig(t, Timers{})
	s, _ := r.receive(first, sip.UDP)
	return r.table.Server(read(t, second)) == s
}

func TestB028KeyIsBranchSentByAndMethod(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name          string
		first, second string
		want          bool
	}{
		{"itself", request(sip.INVITE), request(sip.INVITE), true},
		{"ACK is its INVITE's", request(sip.INVITE), request(sip.ACK), true},
		{"CANCEL is its own", request(sip.INVITE), request(sip.CANCEL), false},
		{"another method", request(sip.INVITE), request("MESSAGE"), false},
		{"ACK of a non-INVITE", request("MESSAGE"), request(sip.ACK), false},
		{"unknown method", request("DANCE"), request("DANCE"), true},
		{"methods are case-sensitive", request("DANCE"), request("Dance"), false},
		{"another branch", request(sip.INVITE), request(sip.INVITE, branch, branch+"x"), false},
		{"branch in another case", request(sip.INVITE), request(sip.INVITE, branch, strings.ToUpper(branch)), true},
		{"cookie in another case", request(sip.INVITE), request(sip.INVITE, "z9hG4bK", "Z9HG4BK"), true},
		{"another host", request(sip.INVITE), request(sip.INVITE, "pc33.example.com", "pc34.example.com"), false},
		{"host in another case", request(sip.INVITE), request(sip.INVITE, "pc33.example.com", "PC33.Example.COM"), true},
		{"another port", request(sip.INVITE), request(sip.INVITE, ":5066", ":5067"), false},
		{"default port written out", request(sip.INVITE, ":5066", ""), request(sip.INVITE, ":5066", ":5060"), true},
		{"the TLS default is another",
			request(sip.INVITE, "UDP", "TLS", ":5066", ""), request(sip.INVITE, "UDP", "TLS", ":5066", ":5061"), true},
		{"another Call-ID does not matter", request(sip.INVITE), request(sip.INVITE, "a84b4c76e66710", "other"), true},
		{"another source address does not matter", request(sip.INVITE), request(sip.INVITE, "192.0.2.1", "192.0.2.8"), true},
	} {
		if got := found(t, test.first, test.second); got != test.want {
			t.Errorf("%s: found %v", test.name, got)
		}
	}
}

func TestB028CancelFindsItsTargetByTheSameKey(t *testing.T) {
	t.Parallel()
	for _, branch := range []string{branch, "1"} {
		for _, method := range []string{sip.INVITE, "MESSAGE", sip.REGISTER, sip.PUBLISH} {
			r := newRig(t, Timers{})
			s, _ := r.receive(request(method, "z9hG4bK776asdhds", branch), sip.UDP)
			cancel := request(sip.CANCEL, "z9hG4bK776asdhds", branch)
			if got, ok := r.table.Canceled(read(t, cancel)); !ok || got != s {
				t.Errorf("%s, branch %s: canceled %p, want %p", method, branch, got, s)
			}
			own, _ := r.receive(cancel, sip.UDP)
			if own == s || own.State() != Trying {
				t.Errorf("%s, branch %s: the CANCEL has no transaction of its own", method, branch)
			}
			if got, ok := r.table.Canceled(read(t, cancel)); !ok || got != s {
				t.Errorf("%s, branch %s: then canceled %p, want %p", method, branch, got, s)
			}
			if again, _ := r.receive(cancel, sip.UDP); again != own {
				t.Errorf("%s, branch %s: the CANCEL again is not found", method, branch)
			}
			if _, ok := r.table.Canceled(read(t, request(sip.CANCEL, "z9hG4bK776asdhds", branch+"2"))); ok {
				t.Errorf("%s, branch %s: a CANCEL of nothing found something", method, branch)
			}
		}
	}
}

func TestB029RFC2543RequestsAreMatchedByTheirHeaders(t *testing.T) {
	t.Parallel()
	for _, old := range []string{";branch=1.2", ";branch=4bKz9hG776asdhds", ""} {
		first := request(sip.INVITE, ";branch="+branch, old)
		for _, test := range []struct {
			name   string
			change []string
			want   bool
		}{
			{"itself", nil, true},
			{"rport of another NAT binding", []string{";received=192.0.2.1", ";received=192.0.2.9;rport=5"}, true},
			{"another Request-URI", []string{"sip:bob@192.0.2.4", "sip:bob@192.0.2.5"}, false},
			{"a To tag", []string{"To: Bob <sip:bob@example.com>", "To: Bob <sip:bob@example.com>;tag=1"}, false},
			{"another From tag", []string{"1928301774", "1928301775"}, false},
			{"another Call-ID", []string{"a84b4c76e66710", "other"}, false},
			{"another CSeq", []string{"314159", "314160"}, false},
			{"another method", []string{"INVITE", "MESSAGE"}, false},
			{"another sent-by", []string{"pc33", "pc34"}, false},
		} {
			second := strings.NewReplacer(test.change...).Replace(first)
			if got := found(t, first, second); got != test.want {
				t.Errorf("%q, %s: found %v", old, test.name, got)
			}
		}
	}
}

func TestB029RFC2543ACKIsMatchedByTheToTagOfTheResponse(t *testing.T) {
	t.Parallel()
	old := func(method string, change ...string) string {
		return strings.NewReplacer(change...).Replace(request(method, branch, "1.2"))
	}
	tagged := []string{"To: Bob <sip:bob@example.com>", "To: Bob <sip:bob@example.com>;tag=a6c85cf"}

	r := newRig(t, Timers{})
	s, _ := r.receive(old(sip.INVITE), sip.UDP)
	if got := r.table.Server(read(t, old(sip.ACK, tagged...))); got != nil {
		t.Error("an ACK before any response matched")
	}
	s.Request().SetURI("sip:edited@example.com") // as a core does that handles a Route
	_ = s.Respond(180, encoded(sip.INVITE, 180))
	_ = s.Respond(486, encoded(sip.INVITE, 486))
	if got := r.table.Server(read(t, old(sip.ACK))); got != nil {
		t.Error("an ACK without the tag matched")
	}
	if got := r.table.Server(read(t, old(sip.ACK, "To: Bob <sip:bob@example.com>", "To: Bob <sip:bob@example.com>;tag=b"))); got != nil {
		t.Error("the ACK for another response matched")
	}
	if got, pass := r.receive(old(sip.ACK, tagged...), sip.UDP); got != s || pass || s.State() != Confirmed {
		t.Errorf("the ACK found %p, want %p; %v", got, s, s.State())
	}
	if got, _ := r.receive(old(sip.INVITE), sip.UDP); got != s {
		t.Error("the INVITE is not found any more")
	}
	r.pass(10_000 * ms)
	if s.State() != Terminated || len(r.table.servers) != 0 {
		t.Errorf("%v, %d entries left", s.State(), len(r.table.servers))
	}

	r = newRig(t, Timers{})
	s, _ = r.receive(old(sip.INVITE), sip.UDP)
	_ = s.Respond(200, encoded(sip.INVITE, 200))
	if got := r.table.Server(read(t, old(sip.ACK, tagged...))); got != nil {
		t.Error("the ACK for a 2xx is not the core's")
	}
}

// The screening of the sip package refuses such a message with 400. Where it is let in, it must still not be a key.
func TestB030BareCookieIsNoKey(t *testing.T) {
	t.Parallel()
	bare := func(callID string) *sip.Message {
		m, _ := sip.ReadDatagram(wire(request(sip.INVITE, branch, "Z9hG4bK", "a84b4c76e66710", callID)), sip.Limits{})
		if m == nil {
			t.Fatal("nothing to answer")
		}
		return m
	}
	r := newRig(t, Timers{})
	s := r.table.NewServer(bare("one"), flowOf(sip.UDP), r)
	if r.table.Server(bare("two")) != nil {
		t.Error("two calls with the bare cookie are one transaction")
	}
	if r.table.Server(bare("one")) != s {
		t.Error("a retransmission is a new transaction")
	}
}

func TestB031SameBranchFromTwoClientsIsTwoTransactions(t *testing.T) {
	t.Parallel()
	r := newRig(t, Timers{})
	one, _ := r.receive(request(sip.INVITE), sip.UDP)
	two, _ := r.receive(request(sip.INVITE, "pc33.example.com", "pc34.example.com"), sip.UDP)
	three, _ := r.receive(request(sip.INVITE, ":5066", ":5067"), sip.UDP)
	if one == two || two == three || one == three || r.lens() != "3 0" {
		t.Errorf("%p %p %p, %s", one, two, three, r.lens())
	}
}

func TestClientIsFoundByBranchInAnyCaseAndMethod(t *testing.T) {
	t.Parallel()
	r := newRig(t, Timers{})
	invite := r.send(sip.INVITE, sip.UDP)
	cancel := r.send(sip.CANCEL, sip.UDP)
	for _, test := range []struct {
		method string
		want   *Client
	}{{sip.INVITE, invite}, {sip.CANCEL, cancel}, {"MESSAGE", nil}} {
		text := response(test.method, 200, branch, strings.ToUpper(branch))
		if got, _, _ := r.table.Response(read(t, text)); got != test.want {
			t.Errorf("%s: found %p, want %p", test.method, got, test.want)
		}
	}
	invite.Fail(errDown)
	if r.table.ClientByBranch(branch, sip.INVITE) != nil || r.table.ClientByBranch(branch, sip.CANCEL) != cancel {
		t.Error("the end of the INVITE is not the end of the INVITE alone")
	}
	cancel.Fail(errDown)
	if len(r.table.clients) != 0 || r.lens() != "0 0" {
		t.Errorf("%d entries left", len(r.table.clients))
	}
}

func TestFailureOfABranchReachesInviteAndCancel(t *testing.T) {
	t.Parallel()
	r := newRig(t, Timers{})
	r.send(sip.INVITE, sip.UDP)
	r.send(sip.CANCEL, sip.UDP)
	r.table.Failed("z9hG4bKunknown", errDown)
	if told := r.calls(); told != "" {
		t.Errorf("told %q", told)
	}
	r.table.Failed(branch, errDown)
	if told := r.calls(); told != "failed transport, ended, failed transport, ended" || r.lens() != "0 0" {
		t.Errorf("told %q, left %s", told, r.lens())
	}
}

func TestLookupAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	r := newRig(t, Timers{})
	invite := read(t, request(sip.INVITE))
	r.table.NewServer(invite, flowOf(sip.UDP), r)
	old := read(t, request(sip.INVITE, branch, "1.2"))
	r.table.NewServer(old, flowOf(sip.UDP), r)
	r.send(sip.INVITE, sip.UDP)
	ack, cancel, resp := read(t, request(sip.ACK)), read(t, request(sip.CANCEL)), read(t, response(sip.INVITE, 180))
	if n := testing.AllocsPerRun(1000, func() {
		canceled, _ := r.table.Canceled(cancel)
		client, _, _ := r.table.Response(resp)
		if r.table.Server(invite) == nil || r.table.Server(ack) == nil || canceled == nil ||
			r.table.Server(old) == nil || client == nil {
			t.Fatal("not found")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
