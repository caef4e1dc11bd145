package transport

import (
	"errors"
	"net"
	"os"
	"sync"
	"time"

	"github.com/sipscript/sipscript/sip"
)

// connection is one TCP or TLS connection. Its reader lives as long as the connection; its writer lives while there
// is something to write, and dials first on a connection of our own.
//
//	state       event                  → state       actions
//	dialing     connected              open          start the reader, write
//	dialing     refused, 5 s           ended         fail what is queued, report closed
//	open        send                   open          queue; start the writer if it is away
//	open        last answer            finishing     no more sends; close our half when the queue is empty
//	any         error, time out, full  ended         close; the writer fails what is queued
type connection struct {
	t    *Transport
	flow sip.Flow
	key  outgoingKey // zero on an accepted connection

	mu      sync.Mutex // a leaf; never held across I/O
	state   connState
	conn    net.Conn // nil while dialing; on TLS the tls.Conn
	raw     net.Conn // the TCP connection below conn: closing it never waits for the peer
	cancel  func()   // of the dial
	err     error    // why it ended
	queue   []outgoing
	bytes   int // in queue
	writing bool
}

// outgoing is one queued message, with the flow its sender named.
type outgoing struct {
	b    []byte
	flow sip.Flow
}

type connState uint8

const (
	dialing connState = iota
	open
	finishing
	ended
)

func (s connState) String() string {
	return [...]string{"dialing", "open", "finishing", "ended"}[s]
}

// to moves the connection on and reports whether it did: the states have an order and there is no way back. mu is held.
func (c *connection) to(next connState) bool {
	if next <= c.state {
		return false
	}
	c.state = next
	return true
}

// alive reports whether what is sent on the connection may still arrive.
func (c *connection) alive() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state < finishing
}

// send queues b for the writer. An error means that b will not be written, and that nobody else reports it.
func (c *connection) send(flow sip.Flow, b []byte) error {
	c.mu.Lock()
	if c.state >= finishing {
		c.mu.Unlock()
		return ErrConnectionGone
	}
	if len(c.queue) >= queueMessages || c.bytes > 0 && c.bytes+len(b) > queueBytes {
		c.mu.Unlock()
		c.end(ErrQueueFull)
		return ErrQueueFull
	}
	c.queue = append(c.queue, outgoing{b, flow})
	c.bytes += len(b)
	if !c.writing {
		c.writing = true
		c.t.readers.Go(c.write)
	}
	c.mu.Unlock()
	return nil
}

// finish lets what is queued go out and then closes our half, so that the peer reads the last answer and not a reset.
func (c *connection) finish() {
	c.mu.Lock()
	idle := c.to(finishing) && !c.writing
	c.mu.Unlock()
	if idle {
		c.closeWrite()
	}
}

// end closes the connection and keeps the first reason. It waits for nothing: the TCP connection is closed below TLS,
// whose own closing would wait for a peer that does not read.
func (c *connection) end(err error) {
	c.mu.Lock()
	if !c.to(ended) {
		c.mu.Unlock()
		return
	}
	c.err = err
	raw, cancel := c.raw, c.cancel
	c.mu.Unlock()
	if cancel != nil {
		cancel()
	}
	if raw != nil {
		raw.Close()
	}
	c.t.conns.remove(c)
}

// closed reports the end of the connection, once, from the goroutine that saw the last of it.
func (c *connection) closed() {
	c.mu.Lock()
	err := c.err
	c.mu.Unlock()
	c.t.cfg.Trace(Event{Kind: ConnectionEnded, Flow: c.flow, Outgoing: c.ours(), Err: err})
	c.t.cfg.Closed(c.flow, err)
}

func (c *connection) ours() bool { return c.key != (outgoingKey{}) }

func (c *connection) stopReading() {
	c.mu.Lock()
	conn := c.conn
	c.mu.Unlock()
	if conn != nil {
		conn.SetReadDeadline(time.Unix(1, 0))
	}
}

// writeBytes is how much one write takes from the queue, so that its ten seconds are for a bounded amount.
const writeBytes = 64 << 10

// write is the writer: it ends when the queue is empty.
func (c *connection) write() {
	if !c.connect() {
		return
	}
	var scratch []byte
	for {
		batch := c.take()
		if batch == nil {
			return
		}
		out := batch[0].b
		if len(batch) > 1 {
			// One write, so that TLS makes one record of it and TCP one segment.
			scratch = scratch[:0]
			for _, m := range batch {
				scratch = append(scratch, m.b...)
			}
			out = scratch
		}
		c.conn.SetWriteDeadline(time.Now().Add(writeTime))
		if _, err := c.conn.Write(out); err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				err = ErrPeerNotReading
			}
			c.end(err)
			c.fail(batch)
		}
	}
}

// take returns what the writer writes next; nil when the writer is done. The writer fails what an ended connection
// still holds, so that a message is reported once and by one goroutine.
func (c *connection) take() []outgoing {
	c.mu.Lock()
	if c.state == ended {
		rest := c.queue
		c.queue, c.writing = nil, false
		c.mu.Unlock()
		c.fail(rest)
		return nil
	}
	if len(c.queue) == 0 {
		c.queue, c.writing = nil, false
		last := c.state == finishing
		c.mu.Unlock()
		if last {
			c.closeWrite()
		}
		return nil
	}
	n, size := 1, len(c.queue[0].b)
	for n < len(c.queue) && size+len(c.queue[n].b) <= writeBytes {
		size += len(c.queue[n].b)
		n++
	}
	batch := c.queue[:n:n]
	c.queue = c.queue[n:]
	c.bytes -= size
	c.mu.Unlock()
	return batch
}

// fail reports messages that an ended connection did not write.
func (c *connection) fail(batch []outgoing) {
	c.mu.Lock()
	err := c.err
	c.mu.Unlock()
	for _, m := range batch {
		c.t.cfg.Failed(failure(m.flow, m.b, err))
	}
}

func (c *connection) closeWrite() {
	if half, ok := c.conn.(interface{ CloseWrite() error }); ok {
		c.conn.SetWriteDeadline(time.Now().Add(writeTime))
		_ = half.CloseWrite() // what fails here has ended already
	}
}

func failure(flow sip.Flow, b []byte, err error) Failure {
	f := identify(b)
	f.Flow, f.Err = flow, err
	return f
}
