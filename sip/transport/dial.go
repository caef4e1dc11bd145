package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"

	"github.com/sipscript/sipscript/sip"
)

// sendOutgoing queues b on a connection this server opened to the same place before, or on a new one, which its writer
// dials. It returns that connection.
func (t *Transport) sendOutgoing(flow sip.Flow, serverName string, b []byte) (*connection, error) {
	key := outgoingKey{transport: flow.Transport, local: flow.Local.Addr(), remote: flow.Remote}
	if flow.Transport == sip.TLS {
		if serverName == "" {
			serverName = flow.Remote.Addr().String()
		}
		key.serverName = serverName
	}
	for {
		c, err := t.conns.reuse(key, func() *connection { return &connection{t: t, key: key, flow: flow} })
		if err != nil {
			return nil, err
		}
		if err = c.send(flow, b); !errors.Is(err, ErrConnectionGone) {
			return c, err
		}
		t.conns.retire(c) // it ended a moment ago: no reason for this message not to go by a new one
	}
}

// connect makes the connection stand, if it does not yet, and starts its reader. When it cannot, everything queued
// has been reported.
func (c *connection) connect() bool {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	c.mu.Lock()
	switch {
	case c.conn != nil:
		c.mu.Unlock()
		return true
	case c.state == ended:
		c.mu.Unlock()
		return c.unreachable(ErrConnectionGone)
	}
	c.cancel = cancel
	c.mu.Unlock()

	conn, raw, err := c.dial(ctx)
	if err != nil {
		return c.unreachable(err)
	}
	if !c.established(conn, raw) {
		raw.Close()
		return c.unreachable(ErrConnectionGone)
	}
	c.t.cfg.Trace(Event{Kind: Connected, Flow: c.flow, Outgoing: true})
	c.t.readers.Go(c.read)
	return true
}

func (c *connection) dial(ctx context.Context) (conn, raw net.Conn, err error) {
	dialing, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	raw, err = c.t.cfg.Net.Dial(dialing, c.key.local, c.key.remote)
	if err != nil {
		return nil, nil, fmt.Errorf("connect: %w", err)
	}
	if c.key.transport != sip.TLS {
		return raw, raw, nil
	}
	shaking, cancel := context.WithTimeout(ctx, handshakeTime)
	defer cancel()
	secure := tls.Client(raw, c.t.creds.Load().clientFor(c.key.serverName))
	if err := secure.HandshakeContext(shaking); err != nil {
		raw.Close()
		return nil, nil, fmt.Errorf("TLS handshake: %w", err)
	}
	return secure, raw, nil
}

func (c *connection) established(conn, raw net.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.to(open) {
		return false // ended while it was dialled
	}
	c.conn, c.raw, c.cancel = conn, raw, nil
	return true
}

// unreachable ends a connection that never stood.
func (c *connection) unreachable(err error) bool {
	c.end(err)
	c.take()
	c.closed()
	return false
}
