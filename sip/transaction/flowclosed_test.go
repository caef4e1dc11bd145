package transaction

import (
	"fmt"
	"testing"

	"github.com/sipscript/sipscript/sip"
)

func TestRequestOnAConnectionThatEndsFails(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		method string
		given  int    // a response that has come, 0: none
		bound  bool   // the request had to go by this connection
		told   string // when it ends
		state  State
	}{
		{sip.INVITE, 0, false, "failed transport, ended", Terminated},
		{sip.INVITE, 0, true, "failed transport, ended", Terminated},
		{sip.INVITE, 180, false, "", Proceeding}, // the peer can answer by another connection
		{sip.INVITE, 180, true, "failed transport, ended", Terminated},
		{sip.INVITE, 200, true, "", Accepted},
		{sip.INVITE, 486, true, "", Terminated},
		{"MESSAGE", 0, false, "failed transport, ended", Terminated},
		{"MESSAGE", 100, false, "", Proceeding},
		{"MESSAGE", 100, true, "failed transport, ended", Terminated},
		{"MESSAGE", 200, true, "", Terminated},
	} {
		t.Run(fmt.Sprintf("%s %d bound %v", test.method, test.given, test.bound), func(t *testing.T) {
			t.Parallel()
			r := newRig(t, Timers{})
			r.conn = 7
			flow := flowOf(sip.TCP)
			if !test.bound {
				flow.Conn = 0
			}
			c := r.table.NewClient(ClientRequest{Method: test.method, Branch: branch, Flow: flow, Bytes: wire(request(test.method))}, r)
			if test.given != 0 {
				r.answer(response(test.method, test.given))
				r.pass(ms) // Timers D and K are zero on a stream
			}
			r.calls()
			r.table.FlowClosed(8, errDown)
			if told := r.calls(); told != "" {
				t.Fatalf("the end of another connection told %q", told)
			}
			r.table.FlowClosed(7, errDown)
			if told := r.calls(); told != test.told || c.State() != test.state {
				t.Errorf("told %q in %v, want %q in %v", told, c.State(), test.told, test.state)
			}
			if len(r.table.conns) != 0 {
				t.Errorf("the table remembers %d connections", len(r.table.conns))
			}
		})
	}
}

func TestRequestsOfOneConnectionFailTogetherAndNoOthers(t *testing.T) {
	t.Parallel()
	r := newRig(t, Timers{})
	var all []*Client
	for i := range 6 {
		r.conn = uint64(1 + i%2)
		all = append(all, r.table.NewClient(ClientRequest{
			Method: sip.INVITE, Branch: fmt.Sprint(branch, i), Flow: flowOf(sip.TCP), Bytes: wire(request(sip.INVITE)),
		}, r))
	}
	all[0].Fail(errDown) // has left the connection before it ends
	// Whoever fails over sends at once, over the connection that is being reported.
	r.onFailed = func(*Client, error) {
		r.onFailed = nil
		all[4].Fail(errDown)
		r.table.NewClient(ClientRequest{Method: sip.INVITE, Branch: branch + "next", Flow: flowOf(sip.TCP), Bytes: wire(request(sip.INVITE))}, r)
	}
	r.conn = 3
	r.table.FlowClosed(1, errDown)
	for i, c := range all {
		if failed := c.State() == Terminated; failed != (i%2 == 0) {
			t.Errorf("request %d by connection %d: failed %v", i, 1+i%2, failed)
		}
	}
	if _, clients := r.table.Len(); clients != 4 {
		t.Errorf("%d transactions stand, want 3 of the other connection and the new one", clients)
	}
}
