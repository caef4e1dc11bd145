package transaction

import (
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sipscript/sipscript/sip"
)

// serverRow is one row of a server machine's table: what led to the state, the event, and what must follow.
type serverRow struct {
	given  string // events before, comma separated
	event  string // "INVITE", "ACK": from the network · "180": from the user · "200ms": time passes · "fail" · "trying"
	state  State
	sent   string
	told   string
	timers string // of the new state, those of RFC 3261 by letter
}

// play feeds one event.
func (r *rig) play(s *Server, event string) {
	r.t.Helper()
	switch {
	case event == "fail":
		s.Fail(errDown)
	case event == "trying":
		s.Trying()
	case event == strings.ToUpper(event): // a method, or a status
		if status, err := strconv.Atoi(event); err == nil {
			switch err := s.Respond(status, encoded(s.Method(), status)); {
			case errors.Is(err, ErrState):
				r.told = append(r.told, "refused state")
			case errors.Is(err, ErrNonInvite):
				r.told = append(r.told, "refused non-invite")
			case err != nil:
				r.t.Fatal(err)
			}
			return
		}
		m := read(r.t, request(event))
		if _, done := r.table.Request(m); !done && s.Receive(m) {
			r.told = append(r.told, "pass")
		}
	default:
		d, err := time.ParseDuration(event)
		if err != nil {
			r.t.Fatal(err)
		}
		r.pass(d)
	}
}

func runServerRows(t *testing.T, method string, transport sip.Transport, names map[State][2]string, rows []serverRow) {
	t.Helper()
	for _, row := range rows {
		t.Run(row.given+"/"+row.event, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, Timers{})
			s, _ := r.receive(request(method), transport)
			for event := range strings.SplitSeq(row.given, ",") {
				if event != "" {
					r.play(s, event)
				}
			}
			r.output()
			r.calls()
			r.play(s, row.event)
			state, armed := r.server(s, names)
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
			if again, done := r.table.Request(read(t, request(method))); (again != nil || done) == (row.state == Terminated) {
				t.Errorf("in the table: %v, absorbed: %v", again != nil, done)
			}
			if row.state == Terminated && (r.lens() != "0 0" || r.wheel.Len() != 0) {
				t.Errorf("left behind: transactions %s, timers %d", r.lens(), r.wheel.Len())
			}
		})
	}
}

var serverInviteTimers = map[State][2]string{
	Proceeding: {"", "100"}, Accepted: {"", "L"}, Completed: {"G", "H"}, Confirmed: {"", "I"},
}

func TestServerInviteRowsUnreliable(t *testing.T) {
	t.Parallel()
	runServerRows(t, sip.INVITE, sip.UDP, serverInviteTimers, []serverRow{
		{"", "199ms", Proceeding, "", "", "100=1ms"},
		{"", "200ms", Proceeding, "100", "", ""},
		{"", "trying", Proceeding, "100", "", ""},
		{"trying", "trying", Proceeding, "", "", ""},
		{"", "INVITE", Proceeding, "", "", "100=200ms"},
		{"", "180", Proceeding, "180", "", ""},
		{"", "ACK", Proceeding, "", "", "100=200ms"},
		{"", "fail", Proceeding, "", "", "100=200ms"},
		{"180", "200ms", Proceeding, "", "", ""},
		{"180", "trying", Proceeding, "", "", ""},
		{"180,183", "INVITE", Proceeding, "183", "", ""},
		{"200ms", "INVITE", Proceeding, "100", "", ""},
		{"200ms", "180", Proceeding, "180", "", ""},
		{"180", "1h", Proceeding, "", "", ""},

		{"", "200", Accepted, "200", "", "L=32s"},
		{"180,10s", "200", Accepted, "200", "", "L=32s"},
		{"200", "INVITE", Accepted, "", "", "L=32s"},
		{"200", "ACK", Accepted, "", "pass", "L=32s"},
		{"200,ACK", "ACK", Accepted, "", "pass", "L=32s"},
		{"200,500ms", "200", Accepted, "200", "", "L=31.5s"},
		{"200,500ms", "202", Accepted, "202", "", "L=31.5s"},
		{"200", "486", Accepted, "", "refused state", "L=32s"},
		{"200", "183", Accepted, "", "refused state", "L=32s"},
		{"200", "fail", Accepted, "", "", "L=32s"},
		{"200", "trying", Accepted, "", "", "L=32s"},
		{"200", "31999ms", Accepted, "", "", "L=1ms"},
		{"200,ACK", "32s", Terminated, "", "ended", ""},
		{"200,32s", "200", Terminated, "", "refused state", ""},

		{"180", "486", Completed, "486", "", "G=500ms H=32s"},
		{"486", "INVITE", Completed, "486", "", "G=500ms H=32s"},
		{"486", "499ms", Completed, "", "", "G=1ms H=31.501s"},
		{"486", "500ms", Completed, "486", "", "G=1s H=31.5s"},
		{"486,500ms", "1s", Completed, "486", "", "G=2s H=30.5s"},
		{"486,1500ms", "2s", Completed, "486", "", "G=4s H=28.5s"},
		{"486,3500ms", "4s", Completed, "486", "", "G=4s H=24.5s"},
		{"486", "500", Completed, "", "refused state", "G=500ms H=32s"},
		{"486", "200", Completed, "", "refused state", "G=500ms H=32s"},
		{"486", "fail", Completed, "", "", "G=500ms H=32s"},
		{"486,31s", "1s", Terminated, "486", "ended timeout", ""},

		{"486,700ms", "ACK", Confirmed, "", "ended", "I=5s"},
		{"486,ACK", "ACK", Confirmed, "", "", "I=5s"},
		{"486,ACK", "INVITE", Confirmed, "", "", "I=5s"},
		{"486,ACK", "200", Confirmed, "", "refused state", "I=5s"},
		{"486,ACK", "fail", Confirmed, "", "", "I=5s"},
		{"486,ACK", "4999ms", Confirmed, "", "", "I=1ms"},
		{"486,ACK", "5s", Terminated, "", "", ""},
		{"486,ACK,5s", "INVITE", Terminated, "", "", ""},
	})
}

func TestServerInviteRowsReliable(t *testing.T) {
	t.Parallel()
	runServerRows(t, sip.INVITE, sip.TCP, serverInviteTimers, []serverRow{
		{"", "200ms", Proceeding, "100", "", ""},
		{"180", "INVITE", Proceeding, "180", "", ""},
		{"", "200", Accepted, "200", "", "L=32s"},
		{"200", "INVITE", Accepted, "", "", "L=32s"},
		{"200", "ACK", Accepted, "", "pass", "L=32s"},
		{"200", "200", Accepted, "200", "", "L=32s"},
		{"200", "32s", Terminated, "", "ended", ""},
		{"", "486", Completed, "486", "", "H=32s"},
		{"486", "31999ms", Completed, "", "", "H=1ms"},
		{"486", "32s", Terminated, "", "ended timeout", ""},
		{"486", "INVITE", Completed, "486", "", "H=32s"},
		{"486", "ACK", Confirmed, "", "ended", "I=1ms"},
		{"486,ACK", "1ms", Terminated, "", "", ""},
	})
}

var serverNonInviteTimers = map[State][2]string{
	Trying: {"100", "F"}, Proceeding: {"", "F"}, Completed: {"tell", "J"},
}

func TestServerNonInviteRowsUnreliable(t *testing.T) {
	t.Parallel()
	runServerRows(t, sip.OPTIONS, sip.UDP, serverNonInviteTimers, []serverRow{
		{"", "OPTIONS", Trying, "", "", "100=3.5s F=32s"},
		{"", "trying", Trying, "", "", "100=3.5s F=32s"},
		{"", "100", Trying, "", "refused non-invite", "100=3.5s F=32s"},
		{"", "183", Trying, "", "refused non-invite", "100=3.5s F=32s"},
		{"", "408", Trying, "", "refused non-invite", "100=3.5s F=32s"},
		{"", "fail", Trying, "", "", "100=3.5s F=32s"},
		{"", "3499ms", Trying, "", "", "100=1ms F=28.501s"},
		{"", "3500ms", Proceeding, "100", "", "F=28.5s"},

		{"3500ms", "OPTIONS", Proceeding, "100", "", "F=28.5s"},
		{"3500ms", "100", Proceeding, "100", "", "F=28.5s"},
		{"3500ms", "trying", Proceeding, "", "", "F=28.5s"},
		{"3500ms", "180", Proceeding, "", "refused non-invite", "F=28.5s"},
		{"3500ms", "408", Proceeding, "", "refused non-invite", "F=28.5s"},
		{"3500ms", "28499ms", Proceeding, "", "", "F=1ms"},
		{"3500ms", "28500ms", Terminated, "", "ended timeout", ""},
		{"3500ms", "fail", Terminated, "", "ended transport", ""},
		{"32s", "200", Terminated, "", "refused state", ""},
		{"32s", "OPTIONS", Terminated, "", "", ""},

		{"", "200", Completed, "200", "", "J=32s tell=1ms"},
		{"3500ms", "404", Completed, "404", "", "J=32s tell=1ms"},
		{"200", "1ms", Completed, "", "ended", "J=31.999s"},
		{"200,1ms", "OPTIONS", Completed, "200", "", "J=31.999s"},
		{"200,31s", "OPTIONS", Completed, "200", "", "J=1s"},
		{"200,1ms", "500", Completed, "", "refused state", "J=31.999s"},
		{"200,1ms", "trying", Completed, "", "", "J=31.999s"},
		{"200,1ms", "31999ms", Terminated, "", "", ""},
		{"200,1ms", "fail", Terminated, "", "", ""},
		{"200", "fail", Terminated, "", "ended transport", ""},
	})
}

func TestServerNonInviteRowsReliable(t *testing.T) {
	t.Parallel()
	runServerRows(t, sip.OPTIONS, sip.TLS, serverNonInviteTimers, []serverRow{
		{"", "trying", Proceeding, "100", "", "F=32s"},
		{"", "100", Proceeding, "100", "", "F=32s"},
		{"", "3500ms", Proceeding, "100", "", "F=28.5s"},
		{"trying", "3500ms", Proceeding, "", "", "F=28.5s"},
		{"trying", "OPTIONS", Proceeding, "100", "", "F=32s"},
		{"", "32s", Terminated, "100", "ended timeout", ""},
		{"", "200", Completed, "200", "", "J=1ms tell=1ms"},
		{"200", "OPTIONS", Completed, "200", "", "J=1ms tell=1ms"},
		{"200", "1ms", Terminated, "", "ended", ""},
	})
}
