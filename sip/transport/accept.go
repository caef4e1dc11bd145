package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/sipscript/sipscript/sip"
)

// accept takes connections until the listener is closed. Those over a limit are closed at once and counted.
func (t *Transport) accept(l streamListener) {
	delay := 5 * time.Millisecond
	for {
		conn, err := l.listener.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) || t.stopped() {
				return
			}
			// Out of descriptors, mostly: more will be free later, and trying at once would only burn the processor.
			t.cfg.Trace(Event{Kind: AcceptFailed, Flow: sip.Flow{Transport: l.transport, Local: l.local}, Err: err})
			t.pause(delay)
			delay = min(2*delay, time.Second)
			continue
		}
		delay = 5 * time.Millisecond
		t.admit(conn, l)
	}
}

func (t *Transport) admit(raw net.Conn, l streamListener) {
	flow := sip.Flow{Transport: l.transport, Local: l.local, Remote: addrPort(raw.RemoteAddr())}
	c := &connection{t: t, flow: flow, state: open, conn: raw, raw: raw}
	if l.transport == sip.TLS {
		c.conn = tls.Server(raw, t.creds.Load().server)
	}
	if err := t.conns.accepted(c); err != nil {
		raw.Close()
		t.cfg.Trace(Event{Kind: ConnectionRefused, Flow: flow, Err: err})
		return
	}
	t.readers.Go(c.serve)
}

// serve is the reader of an accepted connection.
func (c *connection) serve() {
	if secure, ok := c.conn.(*tls.Conn); ok {
		c.raw.SetDeadline(time.Now().Add(handshakeTime))
		if err := secure.HandshakeContext(context.Background()); err != nil {
			err = fmt.Errorf("TLS handshake: %w", err)
			c.end(err)
			c.t.cfg.Trace(Event{Kind: ConnectionEnded, Flow: c.flow, Err: err})
			return // nobody has heard of this flow yet
		}
		c.raw.SetDeadline(time.Time{})
	}
	c.t.cfg.Trace(Event{Kind: Connected, Flow: c.flow})
	c.read()
}
