package transaction

import (
	"bytes"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/sipscript/sipscript/sip"
)

func TestB016InviteGets100After200ms(t *testing.T) {
	t.Parallel()
	for _, transport := range []sip.Transport{sip.UDP, sip.TCP, sip.TLS} {
		r := newRig(t, Timers{})
		s, _ := r.receive(request(sip.INVITE), transport)
		r.pass(199 * ms)
		if sent := r.output(); sent != "" {
			t.Errorf("%v: sent %q too early", transport, sent)
		}
		r.pass(ms)
		if sent := r.output(); sent != "100" || s.LastStatus() != 100 || s.Final() {
			t.Errorf("%v: sent %q", transport, sent)
		}
		if resp := read(t, string(r.bytes[0])); resp.ToTag() != "" {
			t.Errorf("%v: the 100 has To tag %q (RFC 3261 §17.2.1 would rather not)", transport, resp.ToTag())
		}
	}
}

func TestB016NoInvite100AfterAnotherAnswer(t *testing.T) {
	t.Parallel()
	for _, status := range []int{100, 180, 200, 486} {
		r := newRig(t, Timers{})
		s, _ := r.receive(request(sip.INVITE), sip.TCP)
		r.pass(150 * ms)
		if err := s.Respond(status, encoded(sip.INVITE, status)); err != nil {
			t.Fatal(err)
		}
		r.output()
		if r.pass(10 * time.Second); r.output() != "" {
			t.Errorf("a 100 after a %d", status)
		}
	}
}

func TestB016NonInvite100OverUDPAt3500ms(t *testing.T) {
	t.Parallel()
	r := newRig(t, Timers{})
	s, _ := r.receive(request("MESSAGE"), sip.UDP)
	s.Trying()
	if err := s.Respond(100, encoded("MESSAGE", 100)); !errors.Is(err, ErrNonInvite) {
		t.Errorf("an early 100 was not refused: %v", err)
	}
	if r.pass(3499 * ms); r.output() != "" {
		t.Error("a 100 before Timer E has reached T2")
	}
	if r.pass(ms); r.output() != "100" {
		t.Error("no 100 when Timer E has reached T2")
	}
	// With other base values the client's E takes another time: 100 + 200 + 400 ms to reach 800.
	r = newRig(t, Timers{T1: 100 * ms, T2: 800 * ms})
	r.receive(request("MESSAGE"), sip.UDP)
	if r.pass(699 * ms); r.output() != "" {
		t.Error("a 100 before Timer E has reached T2")
	}
	if r.pass(ms); r.output() != "100" {
		t.Error("no 100 when Timer E has reached T2")
	}
}

func TestB016NoOtherProvisionalToNonInvite(t *testing.T) {
	t.Parallel()
	for status := 101; status < 200; status++ {
		r := newRig(t, Timers{})
		s, _ := r.receive(request("MESSAGE"), sip.TCP)
		if err := s.Respond(status, encoded("MESSAGE", status)); !errors.Is(err, ErrNonInvite) || r.output() != "" {
			t.Errorf("%d: %v", status, err)
		}
	}
}

func TestB017RetransmissionIsAnsweredByTheLastResponse(t *testing.T) {
	t.Parallel()
	r := newRig(t, Timers{})
	s, _ := r.receive(request(sip.INVITE), sip.UDP)
	again := func(want []byte) {
		t.Helper()
		r.bytes = nil
		if same, _ := r.receive(request(sip.INVITE), sip.UDP); same != s {
			t.Fatal("a second transaction")
		}
		switch {
		case want == nil && len(r.bytes) != 0:
			t.Errorf("sent %q", r.bytes)
		case want != nil && (len(r.bytes) != 1 || !bytes.Equal(r.bytes[0], want)):
			t.Errorf("sent %q, want %q", r.bytes, want)
		}
	}
	again(nil)
	for _, status := range []int{180, 183, 404} {
		b := encoded(sip.INVITE, status)
		if err := s.Respond(status, b); err != nil {
			t.Fatal(err)
		}
		again(b)
	}
	if got := r.lens(); got != "1 0" {
		t.Errorf("transactions %s", got)
	}
}

func TestB018InviteIsSentSevenTimes(t *testing.T) {
	t.Parallel()
	r := newRig(t, Timers{})
	r.send(sip.INVITE, sip.UDP)
	r.pass(time.Minute)
	if sends := strings.Count(r.output(), "INVITE"); sends != 7 {
		t.Errorf("%d sends", sends)
	}
	for i := range r.bytes {
		if !bytes.Equal(r.bytes[i], r.bytes[0]) {
			t.Errorf("send %d differs", i)
		}
	}
	r = newRig(t, Timers{})
	c := r.send(sip.INVITE, sip.UDP)
	r.pass(600 * ms)
	c.Receive(read(t, response(sip.INVITE, 100)))
	r.output()
	if r.pass(time.Minute); r.output() != "" {
		t.Error("retransmitted after a provisional response")
	}
}

func TestB018NonInviteGoesOnEveryT2AfterAProvisional(t *testing.T) {
	t.Parallel()
	r := newRig(t, Timers{})
	c := r.send("MESSAGE", sip.UDP)
	r.pass(500 * ms)
	c.Receive(read(t, response("MESSAGE", 100)))
	r.output()
	r.pass(time.Second) // the E that was running
	if sent := r.output(); sent != "MESSAGE" {
		t.Errorf("sent %q", sent)
	}
	r.pass(12 * time.Second)
	if sent := r.output(); sent != "MESSAGE MESSAGE MESSAGE" {
		t.Errorf("sent %q in 12 s", sent)
	}
}

func TestB018NoRetransmissionOverReliableTransports(t *testing.T) {
	t.Parallel()
	for _, method := range []string{sip.INVITE, "MESSAGE"} {
		for _, transport := range []sip.Transport{sip.TCP, sip.TLS} {
			r := newRig(t, Timers{})
			r.send(method, transport)
			r.pass(time.Minute)
			if sent := r.output(); sent != method {
				t.Errorf("%s over %v: sent %q", method, transport, sent)
			}
		}
	}
}

func TestB019TimersBAndFEndInTimeout(t *testing.T) {
	t.Parallel()
	for _, method := range []string{sip.INVITE, "MESSAGE"} {
		for _, transport := range []sip.Transport{sip.UDP, sip.TCP} {
			r := newRig(t, Timers{T1: 100 * ms})
			r.send(method, transport)
			r.pass(6399 * ms)
			if told := r.calls(); told != "" {
				t.Errorf("%s over %v: told %q too early", method, transport, told)
			}
			r.pass(ms)
			if told := r.calls(); told != "failed timeout, ended" || r.count(TimedOut) != 1 {
				t.Errorf("%s over %v: told %q", method, transport, told)
			}
		}
	}
}

func TestB019NonInviteIsNeverAnswered408NorLate(t *testing.T) {
	t.Parallel()
	r := newRig(t, Timers{})
	s, _ := r.receive(request("MESSAGE"), sip.UDP)
	if err := s.Respond(408, encoded("MESSAGE", 408)); !errors.Is(err, ErrNonInvite) || s.Final() {
		t.Errorf("408: %v", err)
	}
	r.pass(32 * time.Second)
	if told := r.calls(); told != "ended timeout" || s.State() != Terminated {
		t.Errorf("told %q in %v", told, s.State())
	}
	r.output()
	if err := s.Respond(200, encoded("MESSAGE", 200)); !errors.Is(err, ErrState) || r.output() != "" {
		t.Errorf("late 200: %v", err)
	}
}

func TestB021ACKForNon2xxIsMadeHopByHop(t *testing.T) {
	t.Parallel()
	r := newRig(t, Timers{})
	c := r.send(sip.INVITE, sip.UDP)
	c.Receive(read(t, response(sip.INVITE, 486)))
	if sent := r.output(); sent != "INVITE ACK" {
		t.Fatalf("sent %q", sent)
	}
	if r.flows[1] != r.flows[0] {
		t.Errorf("the ACK went to %v, the INVITE to %v", r.flows[1], r.flows[0])
	}
	invite, ack := read(t, string(r.bytes[0])), read(t, string(r.bytes[1]))
	if ack.URIText() != invite.URIText() {
		t.Errorf("R-URI %q", ack.URIText())
	}
	if via, err := ack.Via(); err != nil || via.Branch != branch || ack.Count(sip.Via) != 1 {
		t.Errorf("Via %v, %d of them, %v", via, ack.Count(sip.Via), err)
	}
	if cseq, _ := ack.CSeq(); cseq.Number != 314159 || cseq.Method != sip.ACK {
		t.Errorf("CSeq %v", cseq)
	}
	if ack.ToTag() != "a6c85cf" {
		t.Errorf("To tag %q is not the response's", ack.ToTag())
	}
	if route, _ := ack.Value(sip.Route); route != "<sip:p1.example.com;lr>" {
		t.Errorf("Route %q", route)
	}
}

func TestB021UpstreamACKIsAbsorbed(t *testing.T) {
	t.Parallel()
	r := newRig(t, Timers{})
	s, _ := r.receive(request(sip.INVITE), sip.UDP)
	_ = s.Respond(486, encoded(sip.INVITE, 486))
	for i, want := range []*Server{s, nil} { // then its remains absorb it
		if same, pass := r.receive(request(sip.ACK), sip.UDP); same != want || pass {
			t.Errorf("ACK %d: transaction %p, want %p, passed %v", i, same, want, pass)
		}
	}
	if state, _ := r.server(s, nil); state != Confirmed {
		t.Errorf("state %v", state)
	}
}

func TestB024AcceptedAbsorbsInvitePasses2xxAndACK(t *testing.T) {
	t.Parallel()
	for _, transport := range []sip.Transport{sip.UDP, sip.TCP} {
		r := newRig(t, Timers{})
		s, _ := r.receive(request(sip.INVITE), transport)
		_ = s.Respond(200, encoded(sip.INVITE, 200))
		r.output()
		r.pass(31999 * ms)
		if _, pass := r.receive(request(sip.INVITE), transport); pass || r.output() != "" {
			t.Errorf("%v: the INVITE was not absorbed", transport)
		}
		if _, pass := r.receive(request(sip.ACK), transport); !pass {
			t.Errorf("%v: the ACK was absorbed", transport)
		}
		if err := s.Respond(200, encoded(sip.INVITE, 200)); err != nil || r.output() != "200" {
			t.Errorf("%v: 200 again: %v", transport, err)
		}
		r.pass(ms)
		if s.State() != Terminated || r.lens() != "0 0" {
			t.Errorf("%v: %v after Timer L", transport, s.State())
		}
	}
}

func TestB025AcceptedPassesEvery2xxFor64T1(t *testing.T) {
	t.Parallel()
	r := newRig(t, Timers{})
	c := r.send(sip.INVITE, sip.UDP)
	c.Receive(read(t, response(sip.INVITE, 200)))
	r.pass(31 * time.Second)
	c.Receive(read(t, response(sip.INVITE, 200, "a6c85cf", "another")))
	c.Receive(read(t, response(sip.INVITE, 200)))
	if told := r.calls(); told != "200, 200, 200" {
		t.Errorf("told %q", told)
	}
	if sent := r.output(); sent != "INVITE" {
		t.Errorf("sent %q: the ACK for a 2xx is the user's", sent)
	}
	r.pass(time.Second)
	if r.answer(response(sip.INVITE, 200)) || r.calls() != "ended" {
		t.Error("found after Timer M")
	}
}

func TestB026ResponseWithoutTransactionMatchesNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t, Timers{})
	r.send("MESSAGE", sip.TCP)
	if r.answer(response("MESSAGE", 200, branch, "z9hG4bKother")) {
		t.Error("another branch matched")
	}
	if !r.answer(response("MESSAGE", 200)) {
		t.Error("the branch did not match")
	}
	r.pass(ms)
	if r.answer(response("MESSAGE", 200)) {
		t.Error("matched after Timer K")
	}
}

func TestB027Non2xxIsRetransmittedUntilACK(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		transport sip.Transport
		sends     int // 0, 0.5, 1.5, 3.5 and every 4 s up to 31.5 s
	}{{sip.UDP, 11}, {sip.TCP, 1}, {sip.TLS, 1}} {
		r := newRig(t, Timers{})
		s, _ := r.receive(request(sip.INVITE), test.transport)
		_ = s.Respond(486, encoded(sip.INVITE, 486))
		r.pass(time.Minute)
		if sends := strings.Count(r.output(), "486"); sends != test.sends {
			t.Errorf("%v: %d sends", test.transport, sends)
		}
		if told := r.calls(); told != "ended timeout" {
			t.Errorf("%v: told %q", test.transport, told)
		}
	}
}

func TestB032FinalResponsesAfterAFinalAreAbsorbed(t *testing.T) {
	t.Parallel()
	r := newRig(t, Timers{})
	r.send("MESSAGE", sip.UDP)
	for _, status := range []int{200, 200, 500, 100} {
		if !r.answer(response("MESSAGE", status)) {
			t.Errorf("%d does not match", status)
		}
	}
	if told := r.calls(); told != "200, ended" || r.count(Absorbed) != 3 {
		t.Errorf("told %q", told)
	}
}

func TestB032ResponseWithAnotherCSeqMethodMatchesNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t, Timers{})
	r.send("MESSAGE", sip.UDP)
	if r.answer(response("INFO", 200)) || r.answer(response(sip.INVITE, 200)) {
		t.Error("matched")
	}
}

func TestB062TimestampIsCopiedInto100WithTheDelay(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, header, want string
		wait               time.Duration
	}{
		{"at once", "54", "54", 0},
		{"when due", "54", "54 0.200", 200 * ms},
		{"by the user", "54.25", "54.25 0.130", 130 * ms},
		{"a delay in the request", "54 3.5", "54 0.200", 200 * ms},
	} {
		r := newRig(t, Timers{})
		s, _ := r.receive(request(sip.INVITE, "Timestamp: 54", "Timestamp: "+test.header), sip.UDP)
		r.pass(test.wait)
		s.Trying()
		if got, _ := read(t, string(r.bytes[0])).Value(sip.Timestamp); got != test.want {
			t.Errorf("%s: Timestamp %q, want %q", test.name, got, test.want)
		}
	}
	r := newRig(t, Timers{})
	r.receive(request(sip.INVITE, "Timestamp: 54\n", ""), sip.UDP)
	r.pass(200 * ms)
	if read(t, string(r.bytes[0])).Has(sip.Timestamp) {
		t.Error("a Timestamp nobody asked for")
	}
}

func TestB140EveryNon2xxIsAcknowledgedOverTCPToo(t *testing.T) {
	t.Parallel()
	for _, transport := range []sip.Transport{sip.UDP, sip.TCP, sip.TLS} {
		for _, status := range []int{300, 401, 486, 503, 603, 699} {
			r := newRig(t, Timers{})
			r.send(sip.INVITE, transport)
			r.answer(response(sip.INVITE, status))
			r.answer(response(sip.INVITE, status))
			if sent := r.output(); sent != "INVITE ACK ACK" {
				t.Errorf("%d over %v: sent %q", status, transport, sent)
			}
			if !bytes.Equal(r.bytes[1], r.bytes[2]) {
				t.Errorf("%d over %v: another ACK the second time", status, transport)
			}
			if told := strings.Fields(r.calls()); len(told) != 2 {
				t.Errorf("%d over %v: told %q", status, transport, told)
			}
		}
	}
}

func TestB140TimerDIsAtLeast32Seconds(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ t1, want time.Duration }{
		{100 * ms, 32 * time.Second}, {500 * ms, 32 * time.Second}, {time.Second, 64 * time.Second},
	} {
		r := newRig(t, Timers{T1: test.t1})
		c := r.send(sip.INVITE, sip.UDP)
		c.Receive(read(t, response(sip.INVITE, 486)))
		r.pass(test.want - ms)
		if state, _ := r.client(c, nil); state != Completed {
			t.Errorf("T1 %v: %v too early", test.t1, state)
		}
		r.pass(ms)
		if state, _ := r.client(c, nil); state != Terminated {
			t.Errorf("T1 %v: %v too late", test.t1, state)
		}
	}
}

func TestB141FailedResponseDoesNotEndInviteTransaction(t *testing.T) {
	t.Parallel()
	for _, status := range []int{180, 200, 486} {
		r := newRig(t, Timers{})
		s, _ := r.receive(request(sip.INVITE), sip.UDP)
		_ = s.Respond(status, encoded(sip.INVITE, status))
		state := s.State()
		s.Fail(errDown)
		if s.State() != state || r.calls() != "" {
			t.Errorf("after %d: %v", status, s.State())
		}
		if same, _ := r.receive(request(sip.INVITE), sip.UDP); same != s {
			t.Errorf("after %d: the retransmission is a new transaction", status)
		}
	}
}

func TestResponseGoesWhereTheTopViaSays(t *testing.T) {
	t.Parallel()
	via := "pc33.example.com:5066;branch=" + branch + ";received=192.0.2.1"
	for _, test := range []struct{ via, want string }{
		{via, "192.0.2.1:5066"},
		{"pc33.example.com;branch=" + branch + ";received=192.0.2.1", "192.0.2.1:5060"},
		{"pc33.example.com;branch=" + branch + ";received=192.0.2.1;rport=40000", "192.0.2.1:40000"},
		{"192.0.2.77:5070;branch=" + branch, "192.0.2.77:5070"},
		{"pc33.example.com:5066;branch=" + branch + ";maddr=192.0.2.99;received=192.0.2.1", "192.0.2.99:5066"},
		{"[2001:db8::9]:5070;branch=" + branch, "[2001:db8::9]:5070"},
	} {
		r := newRig(t, Timers{})
		s, _ := r.receive(request(sip.INVITE, via, test.via), sip.UDP)
		if got := s.Flow().Remote.String(); got != test.want {
			t.Errorf("%s: to %s, want %s", test.via, got, test.want)
		}
	}
}

func TestResponseOverALostConnectionGoesByANewOne(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ sentBy, want string }{
		{"pc33.example.com:5066", "192.0.2.1:5066"}, {"pc33.example.com", "192.0.2.1:5060"},
	} {
		r := newRig(t, Timers{})
		m := read(t, request(sip.INVITE, "pc33.example.com:5066", test.sentBy))
		flow := flowOf(sip.TCP)
		flow.Remote = netip.MustParseAddrPort("192.0.2.1:49152") // the port it connected from
		s := r.table.NewServer(m, flow, r)
		s.Trying()
		r.dead = true
		_ = s.Respond(200, encoded(sip.INVITE, 200))
		if r.flows[0] != flow {
			t.Errorf("the 100 went to %v", r.flows[0])
		}
		if got := r.flows[1]; got.Conn != 0 || got.Remote.String() != test.want || got.Transport != sip.TCP {
			t.Errorf("%s: the 200 went to %v", test.sentBy, got)
		}
	}
}
