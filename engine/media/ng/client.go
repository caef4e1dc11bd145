package ng

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/sipscript/sipscript/engine/media"
)

// client sends commands to nodes and matches their answers.
type client struct {
	cfg    Config
	prefix string // of cookies: those of this process, so that none of an earlier one is meant
	nodes  []*node
	conns  []media.Conn // one for IPv4, one for IPv6, as needed
	wg     sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	count   uint64
	pending map[string]*command
	balance balance
}

// node is one rtpengine. Its fields are guarded by client.mu.
type node struct {
	addr   netip.AddrPort
	conn   media.Conn
	weight int
	down   bool
	probe  *time.Timer
}

// command is one that waits for its answer.
type command struct {
	node  *node
	wire  []byte
	sent  int
	timer *time.Timer
	done  func(dict, error)
}

func newClient(cfg Config) (*client, error) {
	c := &client{cfg: cfg, pending: map[string]*command{}}
	var b [6]byte
	if _, err := io.ReadFull(cfg.Random, b[:]); err != nil {
		return nil, err
	}
	c.prefix = hex.EncodeToString(b[:])
	for _, n := range cfg.Nodes {
		conn, err := c.socket(n.Address.Addr())
		if err != nil {
			c.close()
			return nil, fmt.Errorf("ng: socket towards %v: %w", n.Address, err)
		}
		c.nodes = append(c.nodes, &node{addr: n.Address, conn: conn, weight: max(1, n.Weight)})
	}
	c.balance = newBalance(c.nodes)
	for _, conn := range c.conns {
		c.wg.Add(1)
		go c.read(conn)
	}
	for _, n := range c.nodes {
		c.ping(n)
	}
	return c, nil
}

// socket returns the socket for an IP version, and opens it if need be.
func (c *client) socket(towards netip.Addr) (media.Conn, error) {
	for _, n := range c.nodes {
		if n.addr.Addr().Is4() == towards.Is4() {
			return n.conn, nil
		}
	}
	local := netip.IPv4Unspecified()
	if !towards.Is4() {
		local = netip.IPv6Unspecified()
	}
	conn, err := c.cfg.Net.Open(netip.AddrPortFrom(local, 0))
	if err == nil {
		c.conns = append(c.conns, conn)
	}
	return conn, err
}

// send sends a command. done is called once, with the answer or with why there is none.
func (c *client) send(n *node, d dict, done func(dict, error)) {
	cookie, cmd, err := c.enqueue(n, d, done)
	if err != nil {
		done(nil, err)
		return
	}
	c.transmit(cookie, cmd)
}

func (c *client) enqueue(n *node, d dict, done func(dict, error)) (string, *command, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return "", nil, media.ErrClosed
	}
	if len(c.pending) >= c.cfg.Commands {
		return "", nil, ErrBusy
	}
	c.count++
	cookie := c.prefix + "_" + strconv.FormatUint(c.count, 10)
	cmd := &command{node: n, wire: appendValue([]byte(cookie+" "), d), done: done}
	c.pending[cookie] = cmd
	return cookie, cmd, nil
}

// transmit sends the datagram, again and again until it is answered or has been sent often enough.
func (c *client) transmit(cookie string, cmd *command) {
	c.mu.Lock()
	if c.pending[cookie] != cmd {
		c.mu.Unlock()
		return
	}
	if cmd.sent == c.cfg.Tries {
		delete(c.pending, cookie)
		tell := c.turn(cmd.node, false)
		c.mu.Unlock()
		tell()
		cmd.done(nil, fmt.Errorf("%w: %v", ErrUnreachable, cmd.node.addr))
		return
	}
	wait := c.cfg.Resend << cmd.sent
	cmd.sent++
	cmd.timer = time.AfterFunc(wait, func() { c.transmit(cookie, cmd) })
	c.mu.Unlock()
	_ = cmd.node.conn.Write(cmd.wire, cmd.node.addr) // what is lost here is lost as on the way: it is sent again
}

// maxDatagram is the longest answer.
const maxDatagram = 1<<16 - 1

func (c *client) read(conn media.Conn) {
	defer c.wg.Done()
	b := make([]byte, maxDatagram)
	for {
		n, from, err := conn.Read(b)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil {
			c.receive(b[:n], from)
		}
	}
}

// receive takes an answer. It is dropped unless it has the cookie of a command and comes from whom that went to: the cookie alone can be seen by
// whoever is on the way.
func (c *client) receive(b []byte, from netip.AddrPort) {
	cookie, body, ok := bytes.Cut(b, []byte(" "))
	if !ok {
		return
	}
	from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
	c.mu.Lock()
	cmd := c.pending[string(cookie)]
	if cmd == nil || cmd.node.addr != from {
		c.mu.Unlock()
		return
	}
	delete(c.pending, string(cookie))
	cmd.timer.Stop()
	tell := c.turn(cmd.node, true)
	c.mu.Unlock()
	tell()
	cmd.done(answer(body))
}

// turn notes whether a node is up, and returns what tells of it once no lock is held.
func (c *client) turn(n *node, up bool) (tell func()) {
	if n.down != up || c.cfg.Trace == nil {
		n.down = !up
		return func() {}
	}
	n.down = !up
	e := Event{Node: n.addr, Up: up}
	for _, other := range c.nodes {
		if !other.down {
			e.Left++
		}
	}
	return func() { c.cfg.Trace(e) }
}

// answer reads an answer and sees whether it is one that the command was done.
func answer(body []byte) (dict, error) {
	v, _, err := parseValue(body, 0)
	d, ok := v.(dict)
	if err != nil || !ok {
		return nil, ErrProtocol
	}
	switch result := d.text("result"); result {
	case "ok", "pong":
		return d, nil
	case "load limit":
		return nil, fmt.Errorf("%w: %s", errFull, d.text("message"))
	default:
		return nil, fmt.Errorf("%w: %s %s", ErrRefused, result, d.text("error-reason"))
	}
}

// errFull is a node that takes no new calls.
var errFull = fmt.Errorf("%w: load limit", ErrRefused)

// ping asks a node whether it is there, and goes on asking.
func (c *client) ping(n *node) {
	c.send(n, dict{"command": "ping"}, func(_ dict, err error) {
		c.mu.Lock()
		defer c.mu.Unlock()
		if !c.closed {
			n.probe = time.AfterFunc(c.cfg.Probe, func() { c.ping(n) })
		}
	})
}

// close ends everything that is underway, and waits for the readers.
func (c *client) close() {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return
	}
	c.closed = true
	pending := c.pending
	c.pending = nil
	for _, cmd := range pending {
		if cmd.timer != nil {
			cmd.timer.Stop()
		}
	}
	for _, n := range c.nodes {
		if n.probe != nil {
			n.probe.Stop()
		}
	}
	c.mu.Unlock()
	for _, cookie := range slices.Sorted(maps.Keys(pending)) {
		pending[cookie].done(nil, media.ErrClosed)
	}
	for _, conn := range c.conns {
		_ = conn.Close()
	}
	c.wg.Wait()
}
