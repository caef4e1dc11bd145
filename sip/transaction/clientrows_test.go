package transaction

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sipscript/sipscript/sip"
)

// clientRow is one row of a client machine's table: what led to the state, the event, and what must follow.
type clientRow struct {
	given  string // events before, comma separated
	event  string // "180": from the network · "500ms": time passes · "fail" · "abandon"
	state  State
	sent   string
	told   string
	timers string
}

func (r *rig) playClient(c *Client, event string) {
	r.t.Helper()
	status, err := strconv.Atoi(event)
	switch {
	case event == "fail":
		c.Fail(errDown)
	case event == "abandon":
		c.Abandon()
	case err == nil:
		m := read(r.t, response(c.Method(), status))
		if _, _, done := r.table.Response(m); !done {
			c.Receive(m)
		}
	default:
		d, err := time.ParseDuration(event)
		if err != nil {
			r.t.Fatal(err)
		}
		r.pass(d)
	}
}

func runClientRows(t *testing.T, method string, transport sip.Transport, names map[State][2]string, rows []clientRow) {
	t.Helper()
	for _, row := range rows {
		t.Run(row.given+"/"+row.event, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, Timers{})
			c := r.send(method, transport)
			if sent := r.output(); sent != method {
				t.Fatalf("sent %q at first", sent)
			}
			for event := range strings.SplitSeq(row.given, ",") {
				if event != "" {
					r.playClient(c, event)
				}
			}
			r.output()
			r.calls()
			r.playClient(c, row.event)
			state, armed := r.client(c, names)
			if state != row.state {
				t.Errorf("state %v, want %v", state, row.state)
			}
			if sent := r.output(); sent != row.sent {
				t.Errorf("sent %q, want %q", sent, row.sent)
			}
			if told := r.calls(); told != row.told {
				t.Errorf("told %q, want %q", told, row.told)
			}
			if armed != row.timers {
				t.Errorf("timers %q, want %q", armed, row.timers)
			}
			if again, _, done := r.table.Response(read(t, response(method, 100))); (again != nil || done) == (row.state == Terminated) {
				t.Errorf("in the table: %v, absorbed: %v", again != nil, done)
			}
			if row.state == Terminated && (r.lens() != "0 0" || r.wheel.Len() != 0) {
				t.Errorf("left behind: transactions %s, timers %d", r.lens(), r.wheel.Len())
			}
		})
	}
}

var clientInviteTimers = map[State][2]string{
	Calling: {"A", "B"}, Proceeding: {"", "bound"}, Accepted: {"", "M"}, Completed: {"", "D"},
}

func TestClientInviteRowsUnreliable(t *testing.T) {
	t.Parallel()
	runClientRows(t, sip.INVITE, sip.UDP, clientInviteTimers, []clientRow{
		{"", "499ms", Calling, "", "", "A=1ms B=31.501s"},
		{"", "500ms", Calling, "INVITE", "", "A=1s B=31.5s"},
		{"500ms", "1s", Calling, "INVITE", "", "A=2s B=30.5s"},
		{"1500ms", "2s", Calling, "INVITE", "", "A=4s B=28.5s"},
		{"3500ms", "4s", Calling, "INVITE", "", "A=8s B=24.5s"},
		{"7500ms", "8s", Calling, "INVITE", "", "A=16s B=16.5s"},
		{"15500ms", "16s", Calling, "INVITE", "", "A=32s B=500ms"},
		{"31999ms", "1ms", Terminated, "", "failed timeout, ended", ""},
		{"", "fail", Terminated, "", "failed transport, ended", ""},
		{"", "abandon", Calling, "", "", "A=500ms B=32s"},
		{"abandon", "32s", Terminated, "INVITE INVITE INVITE INVITE INVITE INVITE", "", ""},

		{"", "100", Proceeding, "", "100", ""},
		{"100", "180", Proceeding, "", "180", ""},
		{"180", "1h", Proceeding, "", "", ""},
		{"180", "fail", Terminated, "", "failed transport, ended", ""},
		{"180", "abandon", Proceeding, "", "", "bound=32s"},
		{"abandon", "180", Proceeding, "", "", "bound=32s"},
		{"180,abandon,31s", "180", Proceeding, "", "", "bound=1s"},
		{"180,abandon", "32s", Terminated, "", "", ""},
		{"180,abandon", "487", Completed, "ACK", "", "D=32s"},

		{"", "200", Accepted, "", "200", "M=32s"},
		{"180", "200", Accepted, "", "200", "M=32s"},
		{"200", "200", Accepted, "", "200", "M=32s"},
		{"200", "180", Accepted, "", "", "M=32s"},
		{"200", "486", Accepted, "", "", "M=32s"},
		{"200", "fail", Accepted, "", "", "M=32s"},
		{"200,abandon", "200", Accepted, "", "", "M=32s"},
		{"200", "31999ms", Accepted, "", "", "M=1ms"},
		{"200", "32s", Terminated, "", "ended", ""},
		{"200,32s", "200", Terminated, "", "", ""},

		{"", "486", Completed, "ACK", "486, ended", "D=32s"},
		{"180", "302", Completed, "ACK", "302, ended", "D=32s"},
		{"180", "603", Completed, "ACK", "603, ended", "D=32s"},
		{"486,1s", "486", Completed, "ACK", "", "D=31s"},
		{"486", "503", Completed, "ACK", "", "D=32s"},
		{"486", "200", Completed, "", "", "D=32s"},
		{"486", "180", Completed, "", "", "D=32s"},
		{"486", "abandon", Completed, "", "", "D=32s"},
		{"486", "31999ms", Completed, "", "", "D=1ms"},
		{"486", "32s", Terminated, "", "", ""},
		{"486", "fail", Terminated, "", "", ""},
	})
}

func TestClientInviteRowsReliable(t *testing.T) {
	t.Parallel()
	runClientRows(t, sip.INVITE, sip.TCP, clientInviteTimers, []clientRow{
		{"", "31999ms", Calling, "", "", "B=1ms"},
		{"", "32s", Terminated, "", "failed timeout, ended", ""},
		{"", "180", Proceeding, "", "180", ""},
		{"", "200", Accepted, "", "200", "M=32s"},
		{"180", "486", Completed, "ACK", "486, ended", "D=1ms"},
		{"486", "486", Completed, "ACK", "", "D=1ms"},
		{"486", "1ms", Terminated, "", "", ""},
	})
}

var clientNonInviteTimers = map[State][2]string{Trying: {"E", "F"}, Proceeding: {"E", "F"}, Completed: {"", "K"}}

func TestClientNonInviteRowsUnreliable(t *testing.T) {
	t.Parallel()
	runClientRows(t, sip.OPTIONS, sip.UDP, clientNonInviteTimers, []clientRow{
		{"", "500ms", Trying, "OPTIONS", "", "E=1s F=31.5s"},
		{"500ms", "1s", Trying, "OPTIONS", "", "E=2s F=30.5s"},
		{"1500ms", "2s", Trying, "OPTIONS", "", "E=4s F=28.5s"},
		{"3500ms", "4s", Trying, "OPTIONS", "", "E=4s F=24.5s"},
		{"31999ms", "1ms", Terminated, "", "failed timeout, ended", ""},
		{"", "fail", Terminated, "", "failed transport, ended", ""},
		{"abandon", "32s", Terminated, "OPTIONS OPTIONS OPTIONS OPTIONS OPTIONS OPTIONS OPTIONS OPTIONS OPTIONS OPTIONS", "", ""},

		{"", "100", Proceeding, "", "100", "E=500ms F=32s"},
		{"100", "500ms", Proceeding, "OPTIONS", "", "E=4s F=31.5s"},
		{"100,500ms", "4s", Proceeding, "OPTIONS", "", "E=4s F=27.5s"},
		{"100", "100", Proceeding, "", "100", "E=500ms F=32s"},
		{"100,31s", "1s", Terminated, "", "failed timeout, ended", ""},
		{"100", "fail", Terminated, "", "failed transport, ended", ""},

		{"", "200", Completed, "", "200, ended", "K=5s"},
		{"100,500ms", "404", Completed, "", "404, ended", "K=5s"},
		{"200,1s", "200", Completed, "", "", "K=4s"},
		{"200", "500", Completed, "", "", "K=5s"},
		{"200", "100", Completed, "", "", "K=5s"},
		{"200", "4999ms", Completed, "", "", "K=1ms"},
		{"200", "5s", Terminated, "", "", ""},
		{"200", "fail", Terminated, "", "", ""},
		{"abandon", "200", Completed, "", "", "K=5s"},
	})
}

func TestClientNonInviteRowsReliable(t *testing.T) {
	t.Parallel()
	runClientRows(t, sip.OPTIONS, sip.TLS, clientNonInviteTimers, []clientRow{
		{"", "31999ms", Trying, "", "", "F=1ms"},
		{"", "32s", Terminated, "", "failed timeout, ended", ""},
		{"", "100", Proceeding, "", "100", "F=32s"},
		{"", "200", Completed, "", "200, ended", "K=1ms"},
		{"200", "1ms", Terminated, "", "", ""},
	})
}
