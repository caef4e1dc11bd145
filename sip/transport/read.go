package transport

import (
	"bytes"
	"errors"
	"os"
	"time"

	"github.com/sipscript/sipscript/sip"
)

// errStopped ends a reader whose connection stays open for writing.
var errStopped = errors.New("stopped")

// readBytes is the buffer an idle connection holds; a longer message grows it for as long as it takes.
const readBytes = 2048

// read delivers what the peer sends until the connection ends.
func (c *connection) read() {
	r := reader{c: c, buf: make([]byte, 0, readBytes)}
	err := r.run()
	if errors.Is(err, errStopped) {
		return
	}
	c.end(err)
	c.closed()
}

// reader frames the messages of one connection (RFC 3261 §18.3).
type reader struct {
	c       *connection
	buf     []byte    // from the first byte that was not consumed
	scanned int       // bytes of buf in which the end of the header was looked for
	head    int       // bytes of the header that could not be framed; 0: it is not whole
	crlfs   int       // CRLFs since the last message or ping
	began   time.Time // when the wait for the rest of a message began; zero between messages
	batch   []Inbound
}

func (r *reader) run() error {
	for {
		if err := r.fill(); err != nil {
			return err
		}
		now := time.Now()
		err := r.consume(now)
		if len(r.batch) > 0 {
			r.c.t.cfg.Receive(r.batch)
			clear(r.batch)
			r.batch = r.batch[:0]
		}
		if err != nil {
			r.refuse(err, now)
			return err
		}
		r.resize()
	}
}

// fill reads once. Between messages a connection may idle for ever; within one it has ten seconds.
func (r *reader) fill() error {
	deadline := time.Time{}
	if len(r.buf) > 0 && string(r.buf) != "\r" {
		if r.began.IsZero() {
			r.began = time.Now()
		}
		deadline = r.began.Add(messageTime)
	} else {
		r.began = time.Time{}
	}
	r.c.conn.SetReadDeadline(deadline)
	if r.c.t.stopped() { // after the deadline was set, as Stop sets its own after it says so
		return errStopped
	}
	n, err := r.c.conn.Read(r.buf[len(r.buf):cap(r.buf)])
	r.buf = r.buf[:len(r.buf)+n]
	switch {
	case n > 0 || err == nil:
		return nil // an error comes again with the next read
	case r.c.t.stopped():
		return errStopped
	case errors.Is(err, os.ErrDeadlineExceeded):
		return ErrHalfMessage
	}
	return err
}

// consume takes the whole messages off buf. An error means that where the next one begins is no longer known.
func (r *reader) consume(now time.Time) error {
	for {
		r.pings()
		if len(r.buf) == 0 || !r.headerEnded() {
			return nil
		}
		skip, n, err := sip.Frame(r.buf, r.c.t.parse)
		if err != nil {
			r.head = n
			return err
		}
		if n == 0 {
			return nil
		}
		r.deliver(r.buf[skip:skip+n], now)
		r.advance(skip + n)
	}
}

func (r *reader) advance(n int) {
	r.buf = r.buf[:copy(r.buf, r.buf[n:])]
	r.scanned, r.began = 0, time.Time{}
}

// headerEnded reports whether the empty line after the header is there, or so much that the limit must judge. Each
// byte is looked at once, however small the pieces it comes in.
func (r *reader) headerEnded() bool {
	if len(r.buf) > r.c.t.cfg.Limits.Message {
		return true
	}
	if bytes.Contains(r.buf[max(0, r.scanned-3):], []byte("\r\n\r\n")) {
		return true
	}
	r.scanned = len(r.buf)
	return false
}

// pings answers each double CRLF between messages by one CRLF (RFC 5626 §3.5.1, §4.4.1); what else of CRLFs stands
// there is ignored (RFC 3261 §7.5).
func (r *reader) pings() {
	n := 0
	for len(r.buf)-n >= 2 && r.buf[n] == '\r' && r.buf[n+1] == '\n' {
		n += 2
		r.crlfs++
	}
	if n == 0 {
		return
	}
	r.advance(n)
	if pongs := r.crlfs / 2; pongs > 0 {
		r.c.t.cfg.Trace(Event{Kind: KeepAlive, Flow: r.c.flow})
		_ = r.c.send(r.c.flow, bytes.Repeat([]byte("\r\n"), pongs))
	}
	r.crlfs %= 2
}

// deliver screens one framed message.
func (r *reader) deliver(raw []byte, now time.Time) {
	t, flow := r.c.t, r.c.flow
	r.crlfs = 0
	if t.overRequests(raw, flow, now) {
		return
	}
	m, err := sip.ReadFrame(raw, t.parse)
	if err != nil {
		if answer, _ := t.refuse(m, err, flow, raw, now); answer != nil {
			_ = r.c.send(flow, answer) // a connection that is gone has nobody who waits for it
		}
		return
	}
	if m.IsRequest() {
		m.Stamp(flow.Remote)
	}
	r.batch = append(r.batch, Inbound{Msg: m, Flow: flow, At: now})
}

// refuse answers what cannot be framed from as much of it as is there, and lets the answer arrive: a connection
// closed over unread bytes is reset, and takes the answer with it. Before that the answers to the requests that came
// whole have a moment to be made.
func (r *reader) refuse(reason error, now time.Time) {
	t, flow := r.c.t, r.c.flow
	head := r.buf[:r.head]
	if r.head == 0 {
		whole := bytes.LastIndexByte(r.buf, '\n') + 1
		head = append(r.buf[:whole:whole], "\r\n"...)
	}
	m, _ := sip.ReadFrame(head, t.parse) // as much of it as an answer needs
	answer, _ := t.refuse(m, reason, flow, head, now)
	if answer != nil && r.c.send(flow, answer) != nil {
		return
	}
	if r.ignore(lastAnswersTime) {
		r.c.finish()
		r.ignore(lingerTime - lastAnswersTime)
	}
}

// ignore reads what comes for a time, and reports whether the connection still stands then.
func (r *reader) ignore(d time.Duration) bool {
	r.c.conn.SetReadDeadline(time.Now().Add(d))
	for {
		if _, err := r.c.conn.Read(r.buf[:cap(r.buf)]); err != nil {
			return errors.Is(err, os.ErrDeadlineExceeded)
		}
	}
}

// resize makes room for the next read.
func (r *reader) resize() {
	switch {
	case len(r.buf) == cap(r.buf):
		grown := make([]byte, len(r.buf), 2*cap(r.buf))
		copy(grown, r.buf)
		r.buf = grown
	case cap(r.buf) > readBytes && len(r.buf) < readBytes/2:
		r.buf = append(make([]byte, 0, readBytes), r.buf...)
	}
}
