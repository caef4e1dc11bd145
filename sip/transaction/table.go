package transaction

import (
	"time"

	"github.com/sipscript/sipscript/sip"
	"github.com/sipscript/sipscript/sip/wheel"
)

// Config is what a Table works with. Wheel and Send are required.
type Config struct {
	// Wheel drives all timers; its owner advances it.
	Wheel *wheel.Wheel
	// Timers are the base values; zero fields take the RFC's defaults.
	Timers Timers
	// Send passes an encoded message to the transport. b is not changed any more by anyone. A failure is reported later,
	// by Table.Failed or Fail; Send must not call back. serverName is the TLS name to verify, of ClientRequest, and empty
	// for responses. It returns the number of the connection the message goes by, 0 where there is none.
	Send func(flow sip.Flow, serverName string, b []byte) (conn uint64)
	// Alive reports whether the connection of a stream flow is still open, so that a response can be sent by a new one
	// (RFC 3261 §18.2.2). Nil means always.
	Alive func(flow sip.Flow) bool
	// Trace is told of every state change and every message that ended here. It must not call back. Nil for none.
	Trace func(Event)
}

// Table holds the transactions of one shard and finds the one a message belongs to. It is used by one goroutine.
type Table struct {
	cfg         Config
	made        time.Time
	hash        hasher
	servers     map[key]*Server      // RFC 2543 INVITEs have a second entry, for their ACK
	clients     map[key]*Client      // those of one branch in a chain: an INVITE and its CANCEL
	conns       map[uint64][]*Client // those whose request went by a connection and has no final response, see FlowClosed
	serverCount int
	draft       sip.Message // of the 100 that is being sent
	clientCount int
	remains     *remains
}

// NewTable returns an empty table.
func NewTable(cfg Config) *Table {
	cfg.Timers = cfg.Timers.withDefaults()
	t := &Table{cfg: cfg, made: cfg.Wheel.Now(), hash: newHasher(), servers: map[key]*Server{}, clients: map[key]*Client{}, conns: map[uint64][]*Client{}}
	t.remains = newRemains(t)
	return t
}

// Close gives the memory back that the garbage collector does not know of. The table must not be used any more.
func (t *Table) Close() { t.remains.free() }

// Len returns how many transactions stand, finished ones that absorb retransmissions included.
func (t *Table) Len() (server, client int) {
	return t.serverCount + t.remains.servers, t.clientCount + t.remains.clients
}

// Server returns the transaction the request m belongs to, for an ACK that of its INVITE, or nil (RFC 3261 §17.2.3). It
// is asked before anything edits m, and does not allocate.
func (t *Table) Server(m *sip.Message) *Server {
	k, ok := t.hash.server(m, m.Method())
	if !ok {
		return nil
	}
	return t.servers[k]
}

// Canceled returns the transaction that a CANCEL names: the one with the same key and any method but CANCEL and ACK
// (RFC 3261 §9.2); nil for one that has finished and told its user. ok is false when there is none. The CANCEL is a
// transaction of its own, which Server finds. To cancel anything but an INVITE is discouraged and without effect; so the
// other methods are tried only where they are known by name.
func (t *Table) Canceled(m *sip.Message) (s *Server, ok bool) {
	for i, name := range methods {
		if name == sip.CANCEL {
			break
		}
		k, ok := t.hash.server(m, name)
		if !ok {
			break
		}
		if s = t.servers[k]; s != nil {
			return s, true
		}
		if t.remains.find(k.of(method(i))) != nil {
			return nil, true
		}
	}
	return nil, false
}

// ClientByBranch returns the client transaction of a branch and a method, or nil.
func (t *Table) ClientByBranch(branch, method string) *Client {
	c := t.clients[t.hash.client(branch)]
	for c != nil && c.method != method {
		c = c.sibling
	}
	return c
}

// Failed reports that a request with this branch could not be sent, as an ICMP error tells it, to the client
// transactions of the branch. An unknown branch is none of ours and does nothing.
func (t *Table) Failed(branch string, err error) {
	for c := t.clients[t.hash.client(branch)]; c != nil; {
		following := c.sibling // c leaves the chain when it fails
		c.Fail(err)
		c = following
	}
}

func (t *Table) addServer(s *Server) {
	t.serverCount++
	t.servers[s.key] = s
}

// removeServer leaves an entry alone that a later transaction took over.
func (t *Table) removeServer(s *Server) {
	if s.settled {
		t.settledEnd(s.key, s.method)
		return
	}
	t.serverCount--
	if t.servers[s.key] == s {
		delete(t.servers, s.key)
	}
	if s.old != nil {
		s.old.forget(s)
	}
}

func (t *Table) addClient(c *Client) {
	t.clientCount++
	c.sibling = t.clients[c.key]
	t.clients[c.key] = c
}

func (t *Table) removeClient(c *Client) {
	if c.settled {
		t.settledEnd(c.key, c.method)
		return
	}
	t.clientCount--
	first := t.clients[c.key]
	if first != c {
		for first.sibling != c {
			first = first.sibling
		}
		first.sibling = c.sibling
	} else if c.sibling != nil {
		t.clients[c.key] = c.sibling
	} else {
		delete(t.clients, c.key)
	}
	c.sibling = nil
}

// elapsed is the wheel's time since the table was made.
func (t *Table) elapsed() time.Duration { return t.cfg.Wheel.Now().Sub(t.made) }

func (t *Table) trace(e Event) {
	if t.cfg.Trace != nil {
		t.cfg.Trace(e)
	}
}

// encode returns the bytes of a message that is kept encoded.
func encode(m *sip.Message) []byte { return m.Append(make([]byte, 0, m.Size())) }
