package transaction

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/wheel"
)

// ServerUser is who answers a request.
type ServerUser interface {
	// ServerEnded is called once, when nothing that happens to s can concern its user any more: err is nil after Timer L,
	// after the ACK for a 300-699, and after the final response to a non-INVITE; ErrTimeout when no ACK came (Timer H) or
	// a non-INVITE was not answered in 64·T1; ErrTransport after Fail. It is the last call; the transaction itself may
	// stand longer, absorbing retransmissions.
	ServerEnded(s *Server, err error)
}

// Server is a server transaction, INVITE or not. serverInvite and serverNonInvite are its machines.
type Server struct {
	table   *Table
	user    ServerUser
	request *sip.Message // until the final response
	last    []byte       // the latest response, for as long as a retransmission is answered with it
	method  string
	flow    sip.Flow
	key     key
	old     *rfc2543      // nil for nearly every INVITE
	born    time.Duration // the wheel's time since the table was made
	resend  wheel.Timer
	wait    wheel.Timer

	interval time.Duration // of Timer G
	status   uint16        // of the latest response
	viaPort  uint16        // of the top Via's sent-by, where a new connection for the responses goes
	state    State
	settled  bool // it is among the table's remains
}

// serverMachine is what serverInvite and serverNonInvite have in common.
type serverMachine interface {
	start()
	to(next State)
	receive(ack bool) (pass bool)
	respond(status int, b []byte) error
	trying()
	fail(err error)
	resendFired()
	waitFired()
}

// NewServer starts the transaction of the request m, which Server did not find and which must not be an ACK; nobody has
// edited m yet. m must not be released before a final response was sent or the transaction was dissolved. flow is the one m came by; responses go back by it, to the address of RFC 3261 §18.2.2.
func (t *Table) NewServer(m *sip.Message, flow sip.Flow, u ServerUser) *Server {
	s := &Server{table: t, user: u, request: m, method: lasting(m.Method()), flow: flow, born: t.elapsed()}
	s.reply(m)
	s.resend.Bind(s)
	s.wait.Bind(s)
	s.key, _ = t.hash.server(m, s.method)
	if s.invite() {
		s.old = matchedOldStyle(m)
	}
	t.addServer(s)
	t.trace(Event{Kind: Started, Server: true, Method: s.method, CallID: m.CallID()})
	s.machine().start()
	return s
}

// Receive takes a message that Table.Server found to belong to s: the request once more, or the ACK of an INVITE. pass
// is true for an ACK of a 2xx, which is the core's (RFC 6026 §7.1); everything else ends here.
func (s *Server) Receive(m *sip.Message) (pass bool) {
	return s.machine().receive(m.Method() == sip.ACK)
}

// Respond sends an encoded response with the given status, 100 to 699, and keeps b. It returns ErrState after a final
// response, except for further 2xx to an INVITE, and ErrNonInvite for what RFC 4320 forbids; then nothing was sent. That
// a response could not be sent is no error here.
func (s *Server) Respond(status int, b []byte) error {
	if status < 100 || status > 699 {
		return fmt.Errorf("transaction: response with status %d", status)
	}
	return s.machine().respond(status, b)
}

// Trying sends the 100 now, unless something was sent already or RFC 4320 forbids it yet. Without it an INVITE is
// answered with 100 after 200 ms, another request after 3.5 s.
func (s *Server) Trying() { s.machine().trying() }

// Fail reports that a response could not be sent. A non-INVITE transaction ends (RFC 3261 figure 8), an INVITE
// transaction does not, so that it goes on absorbing retransmissions (RFC 6026 §7.1).
func (s *Server) Fail(err error) { s.machine().fail(err) }

// Dissolve forgets the transaction without any callback, as if the request had been handled statelessly.
func (s *Server) Dissolve() {
	s.user = nil
	if s.state != Terminated {
		s.machine().to(Terminated)
	}
}

// Abandon makes s call nobody back any more, and lets go of its user. The machine goes on: a request that has not been
// answered can still be, and retransmissions are absorbed.
func (s *Server) Abandon() {
	s.user = nil
	if s.state == Completed && !s.invite() {
		s.resend.Stop() // it would have told the user
	}
	s.settle()
}

// Final reports whether a final response was sent.
func (s *Server) Final() bool { return s.status >= 200 }

// LastStatus returns the status of the latest response, or 0.
func (s *Server) LastStatus() int { return int(s.status) }

// State returns the state of the machine.
func (s *Server) State() State { return s.state }

// Method returns the method of the request.
func (s *Server) Method() string { return s.method }

// Request returns the request, or nil once a final response was sent.
func (s *Server) Request() *sip.Message { return s.request }

// User returns whom the transaction calls back, or nil after that.
func (s *Server) User() ServerUser { return s.user }

// Flow returns where responses are sent.
func (s *Server) Flow() sip.Flow { return s.flow }

// TimerFired is for the wheel.
func (s *Server) TimerFired(t *wheel.Timer) {
	if t == &s.resend {
		s.machine().resendFired()
	} else {
		s.machine().waitFired()
	}
}

func (s *Server) invite() bool { return s.method == sip.INVITE }

func (s *Server) machine() serverMachine {
	if s.invite() {
		return serverInvite{s}
	}
	return serverNonInvite{s}
}

// reply turns the flow of the request into the one of its responses (RFC 3261 §18.2.2). A stream keeps its connection.
// Over UDP the top Via says where, as the transport stamped it: with maddr, or received and rport. A maddr that is a
// name is not worth a lookup by a server that has the source address.
func (s *Server) reply(m *sip.Message) {
	via, err := m.Via()
	if err != nil {
		return
	}
	s.viaPort = via.Port
	if s.flow.Transport.Reliable() {
		return
	}
	host, port := via.ReplyAddr()
	if addr, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		s.flow.Remote = netip.AddrPortFrom(addr.Unmap(), port)
	}
}

// send sends the latest response.
func (s *Server) send(b []byte) {
	s.reconnect()
	s.table.cfg.Send(s.flow, "", b)
}

// again answers a retransmission, or the silence of the peer, with what was said last.
func (s *Server) again() {
	if s.last == nil {
		s.absorbed()
		return
	}
	s.table.trace(Event{Kind: Resent, Server: true, Method: s.method, From: s.state, To: s.state})
	s.send(s.last)
}

// reconnect gives up a connection that is gone: a response then goes by a new one to the address the request came from
// and the port of the sent-by (RFC 3261 §18.2.2).
func (s *Server) reconnect() {
	alive := s.table.cfg.Alive
	if s.flow.Conn == 0 || alive == nil || alive(s.flow) {
		return
	}
	port := s.viaPort
	if port == 0 {
		port = s.flow.Transport.DefaultPort()
	}
	s.flow.Conn = 0
	s.flow.Remote = netip.AddrPortFrom(s.flow.Remote.Addr(), port)
}

// send100 builds the 100 (Trying) of RFC 3261 §8.2.6 and sends it: without a To tag, and with the request's Timestamp,
// which lets the client measure the round trip, less the delay that was ours.
func (s *Server) send100() {
	resp := &s.table.draft
	sip.ResponseTo(resp, s.request, 100, "", "")
	if stamp, ok := s.request.Value(sip.Timestamp); ok {
		if delay := s.table.elapsed() - s.born; delay > 0 {
			stamp, _, _ = strings.Cut(stamp, " ") // a delay in the request means nothing
			stamp += " " + strconv.FormatFloat(delay.Seconds(), 'f', 3, 64)
			resp.Set(sip.Timestamp.String(), stamp)
		}
	}
	s.answer(100, encode(resp))
}

// answer sends a response and remembers it.
func (s *Server) answer(status int, b []byte) {
	s.status = uint16(status)
	s.last = b
	s.send(b)
}

func (s *Server) arm(t *wheel.Timer, d time.Duration) { s.table.cfg.Wheel.Schedule(t, d) }

// linger is a timer that absorbs what an unreliable transport may still deliver.
func (s *Server) linger(d time.Duration) time.Duration {
	if s.flow.Transport.Reliable() {
		return 0
	}
	return d
}

func (s *Server) stopTimers() {
	s.resend.Stop()
	s.wait.Stop()
}

// ended is the last call to the user.
func (s *Server) ended(err error) {
	if u := s.user; u != nil {
		s.user = nil
		u.ServerEnded(s, err)
	}
	s.settle()
}

// moved reports a change of state that is about to happen.
func (s *Server) moved(next State) {
	if s.state != 0 {
		s.table.trace(Event{Kind: Moved, Server: true, Method: s.method, From: s.state, To: next})
	}
}

func (s *Server) timedOut() {
	s.table.trace(Event{Kind: TimedOut, Server: true, Method: s.method, From: s.state, To: s.state})
}

func (s *Server) absorbed() {
	s.table.trace(Event{Kind: Absorbed, Server: true, Method: s.method, From: s.state, To: s.state})
}
