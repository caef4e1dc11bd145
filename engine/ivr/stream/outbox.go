package stream

import (
	"sync"

	"github.com/sipscript/sipscript/engine/audio"
)

// longestWait is how many frames may wait to be sent, 10 s of them. An agent that is further behind does not read.
const longestWait = 500

// outbox is what the agent is to be told and was not yet, in order. It is a media.Sink. Any goroutine.
type outbox struct {
	format format
	ready  chan struct{} // told when there is something

	mu      sync.Mutex // a leaf
	open    bool       // there is somebody to tell
	deaf    bool       // too much waits
	items   []item
	samples []byte // of the items, one after the other
	frames  uint64 // of the stream, sent or not

	adapt *audio.Resampler // where the call has another rate
	rate  int              // that adapt takes
	rest  []int16          // less than a frame
}

func newOutbox(f format) *outbox { return &outbox{format: f, ready: make(chan struct{}, 1)} }

// Write implements media.Sink.
func (o *outbox) Write(frame []int16, rate int) {
	o.mu.Lock()
	o.add(frame, rate)
	waits := len(o.items) > 0
	o.mu.Unlock()
	if waits {
		o.wake()
	}
}

func (o *outbox) add(frame []int16, rate int) {
	if rate == o.format.rate() && len(o.rest) == 0 {
		o.media(frame)
		return
	}
	if o.adapt == nil || o.rate != rate {
		o.adapt, o.rate = audio.NewResampler(rate, o.format.rate()), rate
	}
	o.rest = o.adapt.Append(o.rest, frame)
	n := audio.FrameLen(o.format.rate())
	for len(o.rest) >= n {
		o.media(o.rest[:n])
		o.rest = o.rest[:copy(o.rest, o.rest[n:])]
	}
}

func (o *outbox) media(frame []int16) {
	number := o.frames
	o.frames++
	switch {
	case !o.open:
		return
	case len(o.items) >= longestWait:
		o.deaf = true
		return
	}
	size := len(o.samples)
	o.samples = o.format.encode(o.samples, frame)
	o.items = append(o.items, item{kind: itemMedia, size: len(o.samples) - size, frame: number})
}

// tell adds what is no sound.
func (o *outbox) tell(kind itemKind, text string) {
	o.mu.Lock()
	if o.open {
		o.items = append(o.items, item{kind: kind, text: text})
	}
	o.mu.Unlock()
	o.wake()
}

func (o *outbox) wake() {
	select {
	case o.ready <- struct{}{}:
	default:
	}
}

// begin forgets what was for another connection; from now on there is somebody to tell.
func (o *outbox) begin() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.open, o.deaf, o.items, o.samples = true, false, o.items[:0], o.samples[:0]
}

// end forgets all that comes from now on.
func (o *outbox) end() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.open = false
}

// take empties it; items and samples, which were taken before, are where the next will be. false: the agent does not read.
func (o *outbox) take(items []item, samples []byte) ([]item, []byte, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	gotItems, gotSamples := o.items, o.samples
	o.items, o.samples = items[:0], samples[:0]
	return gotItems, gotSamples, !o.deaf
}
