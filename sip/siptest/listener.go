package siptest

import (
	"net"
	"net/netip"
)

// backlog is how many connections wait for Accept; more are refused.
const backlog = 1024

// listener accepts the connections to one address.
type listener struct {
	n       *Network
	addr    netip.AddrPort
	pending []*conn
	closed  bool
	changed signal
}

func (l *listener) Addr() net.Addr { return net.TCPAddrFromAddrPort(l.addr) }

func (l *listener) Accept() (net.Conn, error) {
	for {
		c, wait := l.take()
		switch {
		case c != nil:
			return c, nil
		case wait == nil:
			return nil, l.fail("accept", net.ErrClosed)
		}
		<-wait
	}
}

func (l *listener) take() (*conn, <-chan struct{}) {
	l.n.mu.Lock()
	defer l.n.mu.Unlock()
	if l.closed {
		return nil, nil
	}
	if len(l.pending) == 0 {
		return nil, l.changed.wait()
	}
	c := l.pending[0]
	l.pending = l.pending[1:]
	return c, nil
}

func (l *listener) Close() error {
	l.n.mu.Lock()
	defer l.n.mu.Unlock()
	if l.closed {
		return l.fail("close", net.ErrClosed)
	}
	l.close()
	return nil
}

// close resets the connections that nobody accepted.
func (l *listener) close() {
	l.closed = true
	delete(l.n.listeners, l.addr)
	for _, c := range l.pending {
		c.abort()
	}
	l.pending = nil
	l.changed.wake()
}

func (l *listener) fail(op string, err error) error {
	return &net.OpError{Op: op, Net: "tcp", Addr: l.Addr(), Err: err}
}
