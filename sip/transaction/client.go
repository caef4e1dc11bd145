package transaction

import (
	"fmt"
	"time"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/wheel"
)

// ClientRequest is a request to send.
type ClientRequest struct {
	Method string
	// Branch is that of the top Via in Bytes, unique for ever but for a CANCEL, which has its INVITE's.
	Branch string
	// CallID is for the trace.
	CallID string
	// Flow is where the request goes; its retransmissions and the ACK for a 300-699 go there too.
	Flow sip.Flow
	// ServerName is the TLS name to verify when Flow needs a new connection.
	ServerName string
	// Bytes is the encoded request; it is kept for retransmission and not changed by anyone.
	Bytes []byte
}

// ClientUser is who sends a request.
type ClientUser interface {
	// ClientResponse is called with each response the machine lets pass: provisional ones, the first final one, and
	// every 2xx to an INVITE for 64·T1 after the first. The transaction does not keep resp.
	ClientResponse(c *Client, resp *sip.Message)
	// ClientFailed is called when there is no final response: ErrTimeout (Timers B and F), or ErrTransport with what
	// Fail was given wrapped beside it.
	ClientFailed(c *Client, err error)
	// ClientEnded is the last call, once, when nothing that happens to c can concern its user any more: after a final
	// response (for a 2xx to an INVITE: after Timer M) and after ClientFailed. The transaction may stand longer,
	// absorbing retransmissions.
	ClientEnded(c *Client)
}

// Client is a client transaction, INVITE or not. clientInvite and clientNonInvite are its machines.
type Client struct {
	table      *Table
	user       ClientUser
	sibling    *Client // of the same branch
	conn       uint64  // in table.conns; 0: none
	method     string
	serverName string
	bytes      []byte // the request, then the ACK; for as long as they may be sent again
	flow       sip.Flow
	key        key
	resend     wheel.Timer
	wait       wheel.Timer

	interval time.Duration // of Timers A and E
	place    uint32        // in the list of conn
	state    State
	settled  bool // it is among the table's remains
}

// clientMachine is what clientInvite and clientNonInvite have in common.
type clientMachine interface {
	start()
	to(next State)
	receive(resp *sip.Message)
	abandoned()
	resendFired()
	waitFired()
}

// NewClient starts a transaction and sends its request at once.
func (t *Table) NewClient(req ClientRequest, u ClientUser) *Client {
	c := &Client{
		table: t, user: u, method: lasting(req.Method), serverName: req.ServerName, bytes: req.Bytes, flow: req.Flow,
		key: t.hash.client(req.Branch),
	}
	c.resend.Bind(c)
	c.wait.Bind(c)
	t.addClient(c)
	t.trace(Event{Kind: Started, Method: c.method, CallID: req.CallID})
	c.machine().start()
	return c
}

// Receive takes a response that Table.Client found to belong to c.
func (c *Client) Receive(resp *sip.Message) { c.machine().receive(resp) }

// Fail reports that the request could not be sent, or that the next hop is gone. Before a final response the transaction
// ends with ErrTransport, in Completed silently. In Accepted nothing is left to send, and further 2xx may come.
func (c *Client) Fail(err error) {
	switch c.state {
	case Calling, Trying, Proceeding:
		c.failed(fmt.Errorf("%w: %w", ErrTransport, err))
	case Completed:
		c.machine().to(Terminated)
	}
}

// Abandon makes c call nobody back any more. The machine goes on and acknowledges a 300-699; a 2xx to an INVITE finds
// nobody to acknowledge it. An INVITE that only had provisional responses is forgotten after 64·T1.
func (c *Client) Abandon() {
	c.user = nil
	c.machine().abandoned()
	c.settle()
}

// User returns whom the transaction calls back, or nil after that.
func (c *Client) User() ClientUser { return c.user }

// State returns the state of the machine.
func (c *Client) State() State { return c.state }

// Method returns the method of the request.
func (c *Client) Method() string { return c.method }

// Flow returns where the request was sent.
func (c *Client) Flow() sip.Flow { return c.flow }

// ServerName returns the TLS name of the request's flow.
func (c *Client) ServerName() string { return c.serverName }

// Sent returns the request as it was sent, of which a CANCEL is made, or nil once a final response has come.
func (c *Client) Sent() []byte {
	if c.state == Calling || c.state == Trying || c.state == Proceeding {
		return c.bytes
	}
	return nil
}

// TimerFired is for the wheel.
func (c *Client) TimerFired(t *wheel.Timer) {
	if t == &c.resend {
		c.machine().resendFired()
	} else {
		c.machine().waitFired()
	}
}

func (c *Client) machine() clientMachine {
	if c.method == sip.INVITE {
		return clientInvite{c}
	}
	return clientNonInvite{c}
}

func (c *Client) send() { c.table.cfg.Send(c.flow, c.serverName, c.bytes) }

// again sends the kept bytes once more.
func (c *Client) again() {
	c.table.trace(Event{Kind: Resent, Method: c.method, From: c.state, To: c.state})
	c.send()
}

func (c *Client) arm(t *wheel.Timer, d time.Duration) { c.table.cfg.Wheel.Schedule(t, d) }

// linger is a timer that absorbs what an unreliable transport may still deliver.
func (c *Client) linger(d time.Duration) time.Duration {
	if c.flow.Transport.Reliable() {
		return 0
	}
	return onGrid(c.table.elapsed(), d)
}

// retransmit starts Timer A or E, which only an unreliable transport needs.
func (c *Client) retransmit(interval time.Duration) {
	c.interval = interval
	if !c.flow.Transport.Reliable() {
		c.arm(&c.resend, interval)
	}
}

// pass shows a response to the user.
func (c *Client) pass(resp *sip.Message) {
	if c.user != nil {
		c.user.ClientResponse(c, resp)
	}
}

// ended is the last call to the user.
func (c *Client) ended() {
	if u := c.user; u != nil {
		c.user = nil
		u.ClientEnded(c)
	}
	c.settle()
}

// failed ends the transaction without a response.
func (c *Client) failed(err error) {
	c.machine().to(Terminated)
	if c.user != nil {
		c.user.ClientFailed(c, err)
	}
	c.ended()
}

// timedOut is Timer B or F.
func (c *Client) timedOut() {
	c.table.trace(Event{Kind: TimedOut, Method: c.method, From: c.state, To: c.state})
	c.failed(ErrTimeout)
}

// moved reports a change of state that is about to happen.
func (c *Client) moved(next State) {
	if c.state != 0 {
		c.table.trace(Event{Kind: Moved, Method: c.method, From: c.state, To: next})
	}
}

func (c *Client) absorbed() {
	c.table.trace(Event{Kind: Absorbed, Method: c.method, From: c.state, To: c.state})
}
