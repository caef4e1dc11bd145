package call

import (
	"errors"
	"sync/atomic"

	"github.com/sipscript/sipscript/engine/media"
	"github.com/sipscript/sipscript/engine/media/description"
	"github.com/sipscript/sipscript/sip"
)

// land starts work of a media backend for c and goes on, on c's shard, with what it brings: at once when the backend is
// done at once, else with a post. After the end of the leg nobody goes on.
func land(c *Call, start func(done func([]byte, error)), then func([]byte, error)) {
	const (
		returned = 1 + iota
		finished
	)
	var first atomic.Int32 // which of the two has come first
	var sdp []byte
	var failure error
	start(func(b []byte, err error) {
		sdp, failure = b, err
		if !first.CompareAndSwap(0, finished) {
			c.env.Loop.Post(func() { c.env.run(c, func() { then(b, err) }) })
		}
	})
	if !first.CompareAndSwap(0, returned) {
		then(sdp, failure)
	}
}

// openMedia opens the leg's terminal for what a is to bring, nil: for this server.
func (c *Call) openMedia(a *attempt) {
	o := c.options
	if a != nil {
		o = &a.options.Leg
	}
	c.openAt(c.env.backend(o))
}

func (c *Call) openAt(b media.Backend) {
	if c.terminal != nil && c.backend == b {
		return
	}
	c.closeMedia()
	c.backend = b
	t, err := b.Open(c.id, c.mediaEvents())
	if err != nil {
		c.backend = c.env.direct // it says so when it is used
		t, _ = c.backend.Open(c.id, nil)
	}
	c.terminal = t
	c.signalled()
}

// signalled tells the backend which way the signalling of the leg goes.
func (c *Call) signalled() {
	if c.terminal != nil && c.near.Local.IsValid() {
		c.backend.Signalled(c.terminal, c.near.Local.Addr(), c.near.Remote.Addr())
	}
}

func (c *Call) closeMedia() {
	if c.terminal == nil {
		return
	}
	c.backend.Close(c.terminal)
	c.closed, c.terminal = c.terminal, nil
	if c.own != nil {
		c.own.digits = false
	}
}

// mediaEvents is called from the threads of the backend.
func (c *Call) mediaEvents() func(media.Event) {
	return func(ev media.Event) {
		c.env.Loop.Post(func() { c.env.run(c, func() { c.mediaEvent(ev) }) })
	}
}

func (c *Call) mediaEvent(ev media.Event) {
	if !c.state.live() || ev.Terminal != c.terminal {
		return
	}
	switch ev.Kind {
	case media.EventDigit:
		if c.own != nil && c.own.digits {
			return
		}
		c.emit(Event{Kind: Digit, Digit: string(ev.Digit), Duration: ev.Duration})
	case media.EventTimeout:
		c.emit(Event{Kind: MediaTimeout})
		c.Hangup(Cause{By: ByMedia, Code: 408, Reason: `SIP;cause=408;text="Media timeout"`})
	}
}

// refuseMedia refuses an unanswered caller whose media cannot be had, RFC 3261 §13.3.1.3.
func (c *Call) refuseMedia(err error) {
	code, fields := refusal(err)
	c.refuse(Cause{By: ByServer, Code: code}, fields)
}

// refusal is the status for an error of a media backend.
func refusal(err error) (int, []sip.Field) {
	var wrong *description.Error
	switch {
	case errors.As(err, &wrong):
		if wrong.Warning == 0 {
			return wrong.Status, nil
		}
		return wrong.Status, []sip.Field{{Name: "Warning", Value: warning(wrong.Warning, wrong.Text)}}
	case errors.Is(err, media.ErrNoPorts):
		return 503, []sip.Field{{Name: "Retry-After", Value: "5"}} // a port rests for a while when its call is over
	}
	return 500, nil
}

// warning is a Warning value of ours (RFC 3261 §20.43).
func warning(code int, text string) string {
	b := appendCode(nil, code)
	b = append(b, ` sipscript "`...)
	for i := range len(text) {
		if text[i] == '"' || text[i] == '\\' {
			b = append(b, '\\')
		}
		b = append(b, text[i])
	}
	return string(append(b, '"'))
}
