package transport

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sipscript/sipscript/sip"
)

var (
	serverAddr = netip.MustParseAddrPort("192.0.2.1:5060")
	clientAddr = netip.MustParseAddrPort("192.0.2.9:40000")
	udpFlow    = sip.Flow{Transport: sip.UDP, Local: serverAddr, Remote: clientAddr}
)

// fakeNet is the smallest network: UDP sockets that a test feeds and looks into, and streams over net.Pipe, which
// holds nothing: a write there waits until the peer has read it all.
type fakeNet struct {
	dial func(ctx context.Context, local netip.Addr, remote netip.AddrPort) (net.Conn, error)

	mu        sync.Mutex
	packets   []*fakePacketConn
	listeners map[netip.AddrPort]*fakeListener
	taken     map[netip.AddrPort]bool
	locals    []netip.Addr
	unshared  bool // ListenPacket cannot share
	nextPort  uint16
}

func newFakeNet() *fakeNet {
	return &fakeNet{listeners: map[netip.AddrPort]*fakeListener{}, taken: map[netip.AddrPort]bool{}, nextPort: 32768}
}

func (n *fakeNet) pick(addr netip.AddrPort) netip.AddrPort {
	if addr.Port() != 0 {
		return addr
	}
	n.nextPort++
	return netip.AddrPortFrom(addr.Addr(), n.nextPort)
}

func (n *fakeNet) ListenPacket(addr netip.AddrPort, shared bool) (PacketConn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if shared && n.unshared {
		return nil, errors.ErrUnsupported
	}
	addr = n.pick(addr)
	if n.taken[addr] && !shared {
		return nil, &net.OpError{Op: "listen", Net: "udp", Err: os.NewSyscallError("bind", syscall.EADDRINUSE)}
	}
	n.taken[addr] = true
	c := &fakePacketConn{local: addr, inbound: make(chan []Datagram), errs: make(chan error), closed: make(chan struct{}), room: 1 << 20}
	n.packets = append(n.packets, c)
	return c, nil
}

func (n *fakeNet) Listen(addr netip.AddrPort) (net.Listener, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	addr = n.pick(addr)
	if n.listeners[addr] != nil {
		return nil, &net.OpError{Op: "listen", Net: "tcp", Err: os.NewSyscallError("bind", syscall.EADDRINUSE)}
	}
	l := &fakeListener{addr: addr, conns: make(chan net.Conn), closed: make(chan struct{})}
	n.listeners[addr] = l
	return l, nil
}

func (n *fakeNet) Dial(ctx context.Context, local netip.Addr, remote netip.AddrPort) (net.Conn, error) {
	return n.dial(ctx, local, remote)
}

func (n *fakeNet) LocalAddrs() ([]netip.Addr, error) { return n.locals, nil }

// connect is a peer's connect: it returns the peer's end once the server has taken the other.
func (n *fakeNet) connect(t *testing.T, from, to netip.AddrPort) net.Conn {
	t.Helper()
	n.mu.Lock()
	l := n.listeners[to]
	n.mu.Unlock()
	peer, ours := fakePipe(from, to)
	select {
	case l.conns <- ours:
	case <-l.closed:
		t.Fatal("connection refused")
	}
	return peer
}

func fakePipe(peer, ours netip.AddrPort) (peerEnd, ourEnd net.Conn) {
	a, b := net.Pipe()
	return a, &fakeConn{Conn: b, local: ours, remote: peer}
}

type fakeConn struct {
	net.Conn
	local, remote netip.AddrPort
}

func (c *fakeConn) LocalAddr() net.Addr  { return net.TCPAddrFromAddrPort(c.local) }
func (c *fakeConn) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(c.remote) }

type fakeListener struct {
	addr   netip.AddrPort
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
	errs   []error // what Accept returns first
}

func (l *fakeListener) Accept() (net.Conn, error) {
	if len(l.errs) > 0 {
		err := l.errs[0]
		l.errs = l.errs[1:]
		return nil, err
	}
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *fakeListener) Addr() net.Addr { return net.TCPAddrFromAddrPort(l.addr) }
func (l *fakeListener) Close() error   { l.once.Do(func() { close(l.closed) }); return nil }

// fakePacketConn is a UDP socket: inbound is what it receives, sent what it sent, room how much it takes.
type fakePacketConn struct {
	local   netip.AddrPort
	inbound chan []Datagram
	closed  chan struct{}
	once    sync.Once

	mu     sync.Mutex
	sent   []Datagram
	calls  int // of WriteBatch
	room   int
	refuse map[netip.AddrPort]error // by destination

	errs chan error // what ReadBatch returns beside datagrams
}

func (c *fakePacketConn) ReadBatch(ms []Datagram) (int, error) {
	select {
	case batch := <-c.inbound:
		return copy(ms, batch), nil
	case err := <-c.errs:
		return 0, err
	case <-c.closed:
		return 0, net.ErrClosed
	}
}

func (c *fakePacketConn) WriteBatch(ms []Datagram) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls++
	for i, m := range ms {
		if err := c.refuse[m.Addr]; err != nil {
			return i, err
		}
		if c.room == 0 {
			return i, nil
		}
		c.room--
		c.sent = append(c.sent, Datagram{Buf: bytes.Clone(m.Buf), Addr: m.Addr})
	}
	return len(ms), nil
}

// took returns what was sent since it was last asked.
func (c *fakePacketConn) took() []Datagram {
	c.mu.Lock()
	defer c.mu.Unlock()
	sent := c.sent
	c.sent = nil
	return sent
}

func (c *fakePacketConn) LocalAddr() netip.AddrPort { return c.local }
func (c *fakePacketConn) Close() error              { c.once.Do(func() { close(c.closed) }); return nil }
func (c *fakePacketConn) SetReadDeadline(d time.Time) error {
	if !d.IsZero() && d.Before(time.Now()) {
		c.Close() // the only deadline the transport sets on it is one in the past
	}
	return nil
}

// witness is the user of a transport: it records what it is told.
type witness struct {
	mu       sync.Mutex
	inbound  []Inbound
	failures []Failure
	closed   []closing
	events   []Event
	gate     chan struct{} // when set, Receive waits for it
}

type closing struct {
	flow sip.Flow
	err  error
}

func (w *witness) receive(batch []Inbound) {
	w.mu.Lock()
	gate := w.gate
	for _, in := range batch {
		in.Msg.Keep()
		w.inbound = append(w.inbound, in)
	}
	w.mu.Unlock()
	if gate != nil {
		<-gate
	}
}

func (w *witness) failed(f Failure) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.failures = append(w.failures, f)
}

func (w *witness) ended(flow sip.Flow, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = append(w.closed, closing{flow, err})
}

func (w *witness) trace(e Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	e.Data = bytes.Clone(e.Data)
	w.events = append(w.events, e)
}

// branches lists the top branches of what was received.
func (w *witness) branches(t *testing.T) []string {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	var bs []string
	for _, in := range w.inbound {
		via, err := in.Msg.Via()
		if err != nil {
			t.Fatal(err)
		}
		bs = append(bs, via.Branch)
	}
	return bs
}

func (w *witness) count(k Kind) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, e := range w.events {
		if e.Kind == k {
			n++
		}
	}
	return n
}

func (w *witness) takeFailures() []Failure {
	w.mu.Lock()
	defer w.mu.Unlock()
	fs := w.failures
	w.failures = nil
	return fs
}

func (w *witness) takeClosed() []closing {
	w.mu.Lock()
	defer w.mu.Unlock()
	cs := w.closed
	w.closed = nil
	return cs
}

// start opens and starts a transport that tells a witness; the test ends it.
func start(t *testing.T, cfg Config) (*Transport, *witness) {
	t.Helper()
	w := &witness{}
	cfg.Receive, cfg.Failed, cfg.Closed, cfg.Trace = w.receive, w.failed, w.ended, w.trace
	tr, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	tr.Start()
	t.Cleanup(tr.Close)
	return tr, w
}

func listen(s string) []ListenSpec {
	var specs []ListenSpec
	for f := range strings.FieldsSeq(s) {
		spec, err := ParseListen(f)
		if err != nil {
			panic(err)
		}
		specs = append(specs, spec)
	}
	return specs
}

// request is an OPTIONS with the given branch and further header lines.
func request(branch string, extra ...string) []byte {
	return message("OPTIONS sip:192.0.2.1 SIP/2.0", "OPTIONS", branch, extra...)
}

func response(branch string) []byte { return message("SIP/2.0 200 OK", "OPTIONS", branch) }

func message(start, method, branch string, extra ...string) []byte {
	lines := append([]string{
		start,
		"Via: SIP/2.0/UDP phone.invalid:5070;branch=" + branch,
		"Max-Forwards: 70",
		"From: <sip:alice@example.org>;tag=a",
		"To: <sip:bob@example.org>",
		"Call-ID: " + branch + "@example.org",
		"CSeq: 1 " + method,
	}, extra...)
	if !strings.Contains(strings.Join(extra, "\n"), "Content-Length") {
		lines = append(lines, "Content-Length: 0")
	}
	return []byte(strings.Join(lines, "\r\n") + "\r\n\r\n")
}

// statusOf returns the status of an answer on the wire.
func statusOf(t *testing.T, b []byte) int {
	t.Helper()
	var code int
	if _, err := fmt.Sscanf(string(b), "SIP/2.0 %d ", &code); err != nil {
		t.Fatalf("not a response: %q", b)
	}
	return code
}

// header returns the value of a header line on the wire.
func header(b []byte, name string) string {
	for line := range strings.SplitSeq(string(b), "\r\n") {
		if v, ok := strings.CutPrefix(line, name+": "); ok {
			return v
		}
	}
	return ""
}
