package stream

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"time"

	"github.com/sipscript/sipscript/engine/call"
	"github.com/sipscript/sipscript/engine/ivr"
)

// Protocol is a format that agents understand.
type Protocol string

// The protocols.
const (
	Twilio Protocol = "twilio" // μ-law of 8 kHz, as Twilio's Media Streams
	L16    Protocol = "l16"    // linear samples
)

// Options say whom a call is to talk with, and how.
type Options struct {
	URL       string // that CheckURL accepts
	Header    http.Header
	Protocol  Protocol
	Rate      int  // of L16 in Hz: 8000, 16000 or 24000
	Deaf      bool // what the agent says is not heard by the caller
	Params    map[string]string
	Reconnect int            // how often a connection that fails is tried again, in all
	Message   func(m string) // is told, on the shard of the call, what the agent says beyond the protocol; nil: nobody is
}

// Ended is how a stream has ended.
type Ended struct {
	By       string        // one of the words below
	Err      error         // why, of ByError: it wraps one of the package's
	Length   time.Duration // from the first connection
	Wrong    uint64        // messages of the agent that could not be understood
	Attempts int           // connections that were begun
}

// The words of Ended.By.
const (
	ByAgent   = "agent"   // it has closed the connection
	ByCaller  = "caller"  // the call is over
	ByStopped = "stopped" // Stop was called
	ByError   = "error"   // it cannot be reached, or was lost
)

// Stream is a call that talks with an agent. It belongs to the shard of the call, and what its connections touch is in
// link.
type Stream struct {
	call   *call.Call
	done   func(Ended, error)
	link   *link
	begun  time.Time // the first connection
	finals []func()  // undo what it does with the call
}

// Stream has a call talk with an agent. It is called on the shard of the leg, and tells done there once, later. The error is
// that of call.Voice, ivr.ErrUnheard or ErrRate.
func (a *Agents) Stream(c *call.Call, o Options, done func(Ended, error)) *Stream {
	s := &Stream{call: c, done: done}
	f, err := formatOf(&o)
	if err == nil {
		err = s.start(a, f, &o)
	}
	if err != nil {
		c.On(func(*call.Call) { s.finish(Ended{}, err) })
	}
	return s
}

func formatOf(o *Options) (format, error) {
	switch {
	case o.Protocol != L16:
		return twilio{}, nil
	case o.Rate == 8000 || o.Rate == 16000 || o.Rate == 24000:
		return l16{o.Rate}, nil
	}
	return nil, ErrRate
}

func (s *Stream) start(a *Agents, f format, o *Options) error {
	voice, err := s.call.Voice()
	if err != nil {
		return err
	}
	if name, _ := voice.Codec(); name == "" {
		return ivr.ErrUnheard
	}
	l := &link{dialer: a.dialer, options: o, format: f, names: Names{Stream: streamName(), Call: s.call.ID(), Account: a.account, Params: o.Params}, outbox: newOutbox(f)}
	l.playout = newPlayout(f, func(name string) { l.outbox.tell(itemMark, name) })
	l.connected = func() {
		s.call.On(func(*call.Call) {
			if s.begun.IsZero() {
				s.begun = time.Now()
			}
		})
	}
	l.said = func(m string) {
		s.call.On(func(*call.Call) {
			l.untold.Add(-1)
			if s.done != nil {
				o.Message(m)
			}
		})
	}
	s.link = l
	s.finals = append(s.finals, s.call.AtEnd(func() { s.end(ByCaller) }), voice.Listen(l.outbox))
	if !o.Deaf {
		s.finals = append(s.finals, ivr.Front(s.call, voice, l.playout))
	}
	ctx, stop := context.WithCancel(a.ctx)
	s.finals = append(s.finals, stop)
	a.running.Go(func() {
		err := l.run(ctx, a.ctx)
		s.call.On(func(*call.Call) { s.failed(err) })
	})
	return nil
}

// streamName is one as Twilio makes them.
func streamName() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // it never fails
	return "MZ" + hex.EncodeToString(b[:])
}

// Stop ends it.
func (s *Stream) Stop() { s.end(ByStopped) }

// Digit tells the agent of a digit that the caller has pressed.
func (s *Stream) Digit(d byte) {
	if s.link != nil && s.done != nil {
		s.link.outbox.tell(itemDigit, string(d))
	}
}

func (s *Stream) end(by string) {
	if s.link == nil { // it has failed, and will say so
		return
	}
	s.finish(s.ended(by, nil), nil)
}

// failed is told how the last connection has ended.
func (s *Stream) failed(err error) {
	by := ByError
	if err == nil {
		by = ByAgent
	}
	s.finish(s.ended(by, err), nil)
}

func (s *Stream) ended(by string, err error) Ended {
	e := Ended{By: by, Err: err, Wrong: s.link.wrong.Load(), Attempts: int(s.link.attempts.Load())}
	if !s.begun.IsZero() {
		e.Length = time.Since(s.begun)
	}
	return e
}

func (s *Stream) finish(how Ended, err error) {
	done := s.done
	if done == nil {
		return
	}
	s.done = nil
	for _, undo := range s.finals {
		undo()
	}
	done(how, err)
}
