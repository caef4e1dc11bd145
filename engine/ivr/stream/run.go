package stream

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
)

const (
	connectTimeout = 5 * time.Second
	writeTimeout   = 10 * time.Second       // that long an agent may leave unread what it is sent
	mostUntold     = 256                    // messages for the script that may wait: an agent must not flood a shard
	farewell       = time.Second            // for the last message
	firstPause     = 500 * time.Millisecond // before a connection is tried again; it doubles
	longestPause   = 8 * time.Second
)

// link is what a stream and its connections share.
type link struct {
	dialer  Dialer
	options *Options
	format  format
	names   Names
	playout *playout
	outbox  *outbox

	connected func()
	said      func(message string)
	untold    atomic.Int64 // of what was said to the script
	wrong     atomic.Uint64
	attempts  atomic.Int64
}

// run has connections until stop ends, or the last of them does; nil: the agent has ended it. What is under way when
// abort ends is broken off.
func (l *link) run(stop, abort context.Context) error {
	pause := firstPause
	for left := l.options.Reconnect; ; left-- {
		err := l.connect(stop, abort)
		if err == nil || left <= 0 || stop.Err() != nil {
			return err
		}
		select {
		case <-time.After(pause):
			pause = min(2*pause, longestPause)
		case <-stop.Done():
			return err
		}
	}
}

// connect has one connection, from its beginning to its end.
func (l *link) connect(stop, abort context.Context) error {
	l.attempts.Add(1)
	dialing, cancel := context.WithTimeout(stop, connectTimeout)
	conn, err := l.dialer.Dial(dialing, l.options.URL, l.options.Header)
	cancel()
	if err != nil {
		return err
	}
	defer context.AfterFunc(abort, conn.Abort)()
	l.outbox.begin()
	l.connected()
	reading, cancel := context.WithCancel(stop)
	lost, left := make(chan error, 1), make(chan struct{})
	go func() {
		defer close(left)
		lost <- l.read(reading, conn)
	}()
	err = l.write(stop, abort, conn, lost)
	l.outbox.end()
	cancel()
	if err == nil || errors.Is(err, ErrClosed) {
		conn.Close()
		err = nil
	} else {
		conn.Abort()
	}
	<-left
	return err
}

// read does what the agent says, until the connection ends. It pauses while more than enough waits to be heard.
func (l *link) read(ctx context.Context, conn Conn) error {
	for {
		for l.playout.full() {
			select {
			case <-l.playout.room:
			case <-ctx.Done():
				return nil
			}
		}
		binary, message, err := conn.Read()
		if err != nil {
			return err
		}
		o, ok := l.format.read(binary, message)
		switch {
		case !ok, o.kind == orderOther && (l.options.Message == nil || l.untold.Load() >= mostUntold):
			l.wrong.Add(1)
		case o.kind == orderStop:
			return ErrClosed
		case o.kind == orderOther:
			l.untold.Add(1)
			l.said(o.text)
		case l.options.Deaf:
		case o.kind == orderMedia:
			l.playout.put(o.samples)
		case o.kind == orderMark:
			l.playout.mark(o.text)
		case o.kind == orderClear:
			l.playout.clear()
		}
	}
}

// write tells the agent what there is, until the stream or the connection is over.
func (l *link) write(stop, abort context.Context, conn Conn, lost <-chan error) error {
	w := writer{link: l, conn: conn}
	if err := w.greet(abort); err != nil {
		return err
	}
	for {
		select {
		case <-l.outbox.ready:
			if err := w.drain(abort, writeTimeout); err != nil {
				return err
			}
		case err := <-lost:
			return err
		case <-stop.Done():
			l.outbox.tell(itemStop, "")
			return w.drain(abort, farewell)
		}
	}
}

// writer makes the messages of one connection.
type writer struct {
	*link
	conn    Conn
	numbers numbers
	items   []item
	samples []byte
	message []byte
}

func (w *writer) greet(abort context.Context) error {
	ctx, cancel := context.WithTimeout(abort, writeTimeout)
	defer cancel()
	for _, m := range w.format.greetings(&w.names) {
		if err := w.conn.Write(ctx, false, m); err != nil {
			return err
		}
	}
	w.numbers.sequence = 1 // of the message that has told of the start
	return nil
}

func (w *writer) drain(abort context.Context, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(abort, limit)
	defer cancel()
	var reads bool
	if w.items, w.samples, reads = w.outbox.take(w.items, w.samples); !reads {
		return ErrDeaf
	}
	samples := w.samples
	for _, m := range w.items {
		w.numbers.sequence++
		if m.kind == itemMedia {
			w.numbers.chunk++
		}
		var binary bool
		w.message, binary = w.format.write(w.message[:0], &w.names, w.numbers, m, samples[:m.size])
		samples = samples[m.size:]
		if err := w.conn.Write(ctx, binary, w.message); err != nil {
			if ctx.Err() != nil && abort.Err() == nil {
				return ErrDeaf
			}
			return err
		}
	}
	return nil
}
