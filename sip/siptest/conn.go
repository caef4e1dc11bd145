package siptest

import (
	"context"
	"io"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"
)

// synTimeout is when Linux gives up connecting (six SYN retransmissions).
const synTimeout = 127 * time.Second

type connKey struct{ local, remote netip.AddrPort }

// conn is one end of a stream.
type conn struct {
	n             *Network
	local, remote netip.AddrPort
	peer          *conn // nil until the SYN has arrived

	established bool // by this end's knowledge
	refused     bool
	closed      bool // Close was called
	finished    bool // the end of our bytes is sent
	reset       bool // by the peer
	abrupt      bool // SetLinger(0)
	carried     bool // we have sent bytes
	encrypted   bool // they are TLS
	scripted    bool // a UA has it, and records itself what it sends over TLS

	unread []byte
	eof    bool // behind unread

	flying  int           // our bytes that have not arrived
	count   uint64        // our segments so far
	latest  time.Duration // when our latest segment arrives
	current *segment      // the one of this instant

	reading, writing deadline
	changed          signal
}

func (n *Network) newConn(local, remote netip.AddrPort) *conn {
	c := &conn{n: n, local: local, remote: remote}
	n.conns[connKey{local, remote}] = c
	return c
}

func (c *conn) LocalAddr() net.Addr  { return net.TCPAddrFromAddrPort(c.local) }
func (c *conn) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(c.remote) }

// connect waits for the peer's answer.
func (c *conn) connect(ctx context.Context) error {
	giveUp := time.NewTimer(synTimeout)
	defer giveUp.Stop()
	for {
		wait, err := c.connecting()
		if wait == nil {
			return err
		}
		select {
		case <-wait:
			continue
		case <-ctx.Done():
			err = ctx.Err()
		case <-giveUp.C:
			err = syscall.ETIMEDOUT
		}
		c.n.mu.Lock()
		defer c.n.mu.Unlock()
		c.abort()
		return err
	}
}

func (c *conn) connecting() (<-chan struct{}, error) {
	c.n.mu.Lock()
	defer c.n.mu.Unlock()
	switch {
	case c.established:
		return nil, nil
	case c.refused:
		c.forget()
		return nil, syscall.ECONNREFUSED
	case c.closed:
		return nil, ErrClosed
	}
	return c.changed.wait(), nil
}

func (c *conn) Read(b []byte) (int, error) {
	for {
		got, wait, err := c.take(b)
		if wait == nil {
			return got, err
		}
		<-wait
	}
}

func (c *conn) take(b []byte) (int, <-chan struct{}, error) {
	c.n.mu.Lock()
	defer c.n.mu.Unlock()
	switch {
	case c.closed:
		return 0, nil, c.fail("read", net.ErrClosed)
	case c.reset:
		return 0, nil, c.fail("read", syscall.ECONNRESET)
	case c.reading.passed():
		return 0, nil, c.fail("read", os.ErrDeadlineExceeded)
	case len(b) == 0:
		return 0, nil, nil
	case len(c.unread) > 0:
		got := copy(b, c.unread)
		c.unread = c.unread[got:]
		c.peer.changed.wake()
		return got, nil, nil
	case c.eof:
		return 0, nil, io.EOF
	}
	return 0, c.changed.wait(), nil
}

func (c *conn) Write(b []byte) (int, error) {
	sent := 0
	for {
		took, wait, err := c.put(b[sent:])
		sent += took
		if wait == nil {
			return sent, err
		}
		<-wait
	}
}

// put sends as much of b as the window takes; the rest waits.
func (c *conn) put(b []byte) (int, <-chan struct{}, error) {
	c.n.mu.Lock()
	defer c.n.mu.Unlock()
	switch {
	case c.closed:
		return 0, nil, c.fail("write", net.ErrClosed)
	case c.reset, c.finished:
		return 0, nil, c.fail("write", syscall.EPIPE)
	case c.writing.passed():
		return 0, nil, c.fail("write", os.ErrDeadlineExceeded)
	}
	took := min(len(b), c.n.opts.Window-c.flying-len(c.peer.unread))
	if took > 0 {
		c.emit(Data, b[:took])
	}
	if took == len(b) {
		return took, nil, nil
	}
	return took, c.changed.wait(), nil
}

// CloseWrite ends our bytes: the peer reads EOF behind them and may still send.
func (c *conn) CloseWrite() error {
	c.n.mu.Lock()
	defer c.n.mu.Unlock()
	if c.closed {
		return c.fail("close", net.ErrClosed)
	}
	c.finish()
	c.changed.wake()
	return nil
}

// SetLinger with 0 makes Close reset the connection, as for a *net.TCPConn. Other values change nothing here.
func (c *conn) SetLinger(seconds int) error {
	c.n.mu.Lock()
	defer c.n.mu.Unlock()
	if c.closed {
		return c.fail("set", net.ErrClosed)
	}
	c.abrupt = seconds == 0
	return nil
}

// Close ends the connection: in order, or with a reset when bytes are left unread (RFC 2525 §2.17).
func (c *conn) Close() error {
	c.n.mu.Lock()
	defer c.n.mu.Unlock()
	if c.closed {
		return c.fail("close", net.ErrClosed)
	}
	if c.abrupt || len(c.unread) > 0 {
		c.abort()
		return nil
	}
	c.finish()
	c.forget()
	return nil
}

func (c *conn) finish() {
	if !c.finished && !c.reset {
		c.finished = true
		c.emit(Finish, nil)
	}
}

// abort resets the connection. It does nothing to one that is closed.
func (c *conn) abort() {
	if c.closed {
		return
	}
	if c.peer != nil && !c.reset {
		c.emit(Reset, nil)
	}
	c.forget()
}

// forget is the end of this end.
func (c *conn) forget() {
	c.closed = true
	c.unread = nil
	c.reading.stop()
	c.writing.stop()
	c.changed.wake()
	if c.n.conns[connKey{c.local, c.remote}] == c {
		delete(c.n.conns, connKey{c.local, c.remote})
	}
}

func (c *conn) SetDeadline(t time.Time) error {
	if err := c.SetReadDeadline(t); err != nil {
		return err
	}
	return c.SetWriteDeadline(t)
}

func (c *conn) SetReadDeadline(t time.Time) error { return c.setDeadline(&c.reading, t) }

func (c *conn) SetWriteDeadline(t time.Time) error { return c.setDeadline(&c.writing, t) }

func (c *conn) setDeadline(d *deadline, t time.Time) error {
	c.n.mu.Lock()
	defer c.n.mu.Unlock()
	if c.closed {
		return c.fail("set", net.ErrClosed)
	}
	d.set(c.n, t, &c.changed)
	return nil
}

func (c *conn) fail(op string, err error) error {
	return &net.OpError{Op: op, Net: "tcp", Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: err}
}
