package transaction

import (
	"errors"
	"testing"

	"github.com/sipscript/sipscript/sip"
)

// TestCallbacksMayUseTheTableAgain goes through every place a callback comes from, and does there what a proxy does.
func TestCallbacksMayUseTheTableAgain(t *testing.T) {
	t.Parallel()
	next := func(r *rig, c *Client) {
		r.onResponse, r.onFailed = nil, nil
		r.table.NewClient(ClientRequest{
			Method: sip.INVITE, Branch: branch + "2", Flow: flowOf(sip.UDP), Bytes: wire(request(sip.INVITE)),
		}, r)
	}
	for _, test := range []struct {
		name  string
		cause func(r *rig, c *Client)
	}{
		{"Receive", func(r *rig, c *Client) { c.Receive(read(r.t, response(sip.INVITE, 486))) }},
		{"Fail", func(_ *rig, c *Client) { c.Fail(errDown) }},
		{"Failed", func(r *rig, _ *Client) { r.table.Failed(branch, errDown) }},
		{"Timer B", func(r *rig, _ *Client) { r.pass(32_000 * ms) }},
	} {
		r := newRig(t, Timers{})
		upstream, _ := r.receive(request(sip.INVITE, branch, branch+"up"), sip.UDP)
		c := r.send(sip.INVITE, sip.UDP)
		r.onResponse = func(c *Client, _ *sip.Message) { next(r, c) }
		r.onFailed = func(c *Client, _ error) { next(r, c) }
		r.onEnded = func() {
			r.onEnded = nil
			if err := upstream.Respond(500, encoded(sip.INVITE, 500)); err != nil {
				t.Errorf("%s: %v", test.name, err)
			}
			c.Abandon()
			c.Fail(errDown)
			c.Receive(read(t, response(sip.INVITE, 200)))
		}
		test.cause(r, c)
		second := r.table.ClientByBranch(branch+"2", sip.INVITE)
		if second == nil || second.State() != Calling || upstream.State() != Completed {
			t.Errorf("%s: second client %v, upstream %v", test.name, second, upstream.State())
		}
		if r.pass(100_000 * ms); r.lens() != "0 0" || r.wheel.Len() != 0 {
			t.Errorf("%s: left %s, %d timers", test.name, r.lens(), r.wheel.Len())
		}
	}
}

func TestCallbackMayDissolveAndAnswerAnotherTransaction(t *testing.T) {
	t.Parallel()
	r := newRig(t, Timers{})
	first, _ := r.receive(request(sip.INVITE), sip.UDP)
	second, _ := r.receive(request(sip.INVITE, branch, branch+"2"), sip.UDP)
	r.onEnded = func() {
		r.onEnded = nil
		second.Dissolve()
		if err := first.Respond(200, encoded(sip.INVITE, 200)); !errors.Is(err, ErrState) {
			t.Errorf("answered after the end: %v", err)
		}
		third, _ := r.receive(request(sip.INVITE, branch, branch+"3"), sip.UDP)
		third.Trying()
	}
	_ = first.Respond(486, encoded(sip.INVITE, 486))
	_ = second.Respond(486, encoded(sip.INVITE, 486)) // its H is due in the same tick, after the first one's
	r.pass(32_000 * ms)
	if told := r.calls(); told != "ended timeout" {
		t.Errorf("told %q: a dissolved transaction calls nobody", told)
	}
	if r.lens() != "1 0" {
		t.Errorf("left %s", r.lens())
	}
}

func TestNothingIsCalledBackFromWithinRespondOrNewClient(t *testing.T) {
	t.Parallel()
	for _, transport := range []sip.Transport{sip.UDP, sip.TCP} {
		r := newRig(t, Timers{})
		for _, method := range []string{sip.INVITE, "MESSAGE"} {
			s, _ := r.receive(request(method), transport)
			_ = s.Respond(486, encoded(method, 486))
			r.send(method, transport)
		}
		if told := r.calls(); told != "" {
			t.Errorf("%v: told %q", transport, told)
		}
	}
}

func TestDissolvedTransactionIsForgotten(t *testing.T) {
	t.Parallel()
	for _, method := range []string{sip.INVITE, "MESSAGE"} {
		r := newRig(t, Timers{})
		s, _ := r.receive(request(method), sip.UDP)
		s.Dissolve()
		s.Dissolve()
		if r.lens() != "0 0" || r.wheel.Len() != 0 || len(r.table.servers) != 0 {
			t.Errorf("%s: left %s, %d timers", method, r.lens(), r.wheel.Len())
		}
		if again, _ := r.receive(request(method), sip.UDP); again == s {
			t.Errorf("%s: still found", method)
		}
	}
}

func TestAbandonedServerCallsNobody(t *testing.T) {
	t.Parallel()
	r := newRig(t, Timers{})
	s, _ := r.receive(request(sip.INVITE), sip.UDP)
	s.Abandon()
	_ = s.Respond(486, encoded(sip.INVITE, 486))
	r.pass(32_000 * ms)
	if told := r.calls(); told != "" || s.State() != Terminated || s.User() != nil {
		t.Errorf("told %q in %v", told, s.State())
	}
}

func TestLaterTransactionWithTheSameKeyOutlivesTheFirst(t *testing.T) {
	t.Parallel()
	r := newRig(t, Timers{})
	first := r.table.NewServer(read(t, request(sip.INVITE)), flowOf(sip.UDP), r)
	second := r.table.NewServer(read(t, request(sip.INVITE)), flowOf(sip.UDP), r)
	first.Dissolve()
	if r.table.Server(read(t, request(sip.INVITE))) != second || r.lens() != "1 0" {
		t.Error("the second is not found any more")
	}
}

func TestRespondRefusesWhatIsNoStatus(t *testing.T) {
	t.Parallel()
	for _, status := range []int{-1, 0, 99, 700, 70000} {
		r := newRig(t, Timers{})
		s, _ := r.receive(request(sip.INVITE), sip.UDP)
		if err := s.Respond(status, nil); err == nil || r.output() != "" || s.LastStatus() != 0 {
			t.Errorf("%d: %v", status, err)
		}
	}
}

func TestTraceTellsEveryChangeOfState(t *testing.T) {
	t.Parallel()
	r := newRig(t, Timers{})
	s, _ := r.receive(request(sip.INVITE), sip.TCP)
	_ = s.Respond(486, encoded(sip.INVITE, 486))
	s.Receive(read(t, request(sip.INVITE)))
	s.Receive(read(t, request(sip.ACK)))
	r.pass(ms)
	want := []Event{
		{Kind: Started, Server: true, Method: sip.INVITE, CallID: "a84b4c76e66710"},
		{Kind: Moved, Server: true, Method: sip.INVITE, From: Proceeding, To: Completed},
		{Kind: Resent, Server: true, Method: sip.INVITE, From: Completed, To: Completed},
		{Kind: Moved, Server: true, Method: sip.INVITE, From: Completed, To: Confirmed},
		{Kind: Moved, Server: true, Method: sip.INVITE, From: Confirmed, To: Terminated},
	}
	if len(r.events) != len(want) {
		t.Fatalf("%v", r.events)
	}
	for i := range want {
		if r.events[i] != want[i] {
			t.Errorf("%d: %v, want %v", i, r.events[i], want[i])
		}
	}
}
