package ng

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"sync"

	"github.com/sipscript/sipscript/engine/media"
)

var (
	_ media.Backend = (*Farm)(nil)
	_ media.Settler = (*Farm)(nil)
)

// Farm is a media.Backend of rtpengines.
type Farm struct {
	client *client
	cfg    Config

	// mu guards all below, calls and terminals. Under it nothing is called but package description: what is to be sent waits in after.
	mu    sync.Mutex
	calls map[string]*call
	after []func()
}

// New opens the sockets. Nodes are taken for up until they do not answer.
func New(cfg Config) (*Farm, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg.applyDefaults()
	c, err := newClient(cfg)
	if err != nil {
		return nil, err
	}
	return &Farm{client: c, cfg: cfg, calls: map[string]*call{}}, nil
}

// Shutdown ends what is underway, with media.ErrClosed, and waits for the goroutines. Calls stay as they are at their nodes.
func (f *Farm) Shutdown() {
	f.locked(func() {
		for _, c := range f.calls {
			c.unwatch()
		}
	})
	f.client.close()
}

// locked runs work under mu, and what it leaves to be done after it.
func (f *Farm) locked(work func()) {
	f.mu.Lock()
	work()
	after := f.after
	f.after = nil
	f.mu.Unlock()
	for _, do := range after {
		do()
	}
}

// Open implements media.Backend.
func (f *Farm) Open(id string, events func(media.Event)) (media.Terminal, error) {
	var b [8]byte
	if _, err := io.ReadFull(f.cfg.Random, b[:]); err != nil {
		return nil, fmt.Errorf("ng: tag: %w", err)
	}
	t := &terminal{farm: f, id: id, tag: hex.EncodeToString(b[:]), events: events}
	t.side.Random = f.cfg.Random
	return t, nil
}

// own returns a terminal of this farm.
func (f *Farm) own(t media.Terminal) (*terminal, error) {
	own, ok := t.(*terminal)
	if !ok || own.farm != f {
		return nil, media.ErrForeign
	}
	return own, nil
}

// Signalled implements media.Backend. rtpengine chooses among its interfaces by the IP version alone.
func (f *Farm) Signalled(t media.Terminal, _, remote netip.Addr) {
	if own, err := f.own(t); err == nil {
		f.locked(func() { own.remote = remote.Unmap() })
	}
}

// ask sends a command of a call. The first one of a call decides about its node: one that does not answer, or is full, makes room for the next. Others
// wait for that, so that a call is never on two nodes.
func (f *Farm) ask(c *call, d dict, done func(dict, error)) {
	f.mu.Lock()
	n, first := c.node, !c.placing
	switch {
	case n != nil:
	case first:
		c.placing = true
	default:
		c.waiting = append(c.waiting, func() { f.ask(c, d, done) })
	}
	f.mu.Unlock()
	if n != nil {
		f.client.send(n, d, func(reply dict, err error) { done(reply, refused(err)) })
	} else if first {
		f.place(c, d, nil, done)
	}
}

func (f *Farm) place(c *call, d dict, tried []*node, done func(dict, error)) {
	n := f.client.pick(tried)
	if n == nil {
		f.placed(c, nil, nil, fmt.Errorf("%w: no node is up", ErrUnreachable), done)
		return
	}
	f.client.send(n, d, func(reply dict, err error) {
		if errors.Is(err, ErrUnreachable) || errors.Is(err, errFull) {
			f.place(c, d, append(tried, n), done)
			return
		}
		f.placed(c, n, reply, err, done)
	})
}

func (f *Farm) placed(c *call, n *node, reply dict, err error, done func(dict, error)) {
	var waiting []func()
	f.locked(func() {
		c.placing = false
		if err == nil {
			c.settle(n)
		}
		waiting, c.waiting = c.waiting, nil
	})
	done(reply, refused(err))
	for _, ask := range waiting {
		ask()
	}
}

// refused makes an error of a node one that callers of media.Backend know: there is no media for this call.
func refused(err error) error {
	if err == nil || errors.Is(err, media.ErrClosed) {
		return err
	}
	return fmt.Errorf("%w: %w", media.ErrNoPorts, err)
}

// tell sends a command whose answer changes nothing, after the work under mu.
func (f *Farm) tell(c *call, d dict) {
	if n := c.node; n != nil {
		f.after = append(f.after, func() { f.client.send(n, d, func(dict, error) {}) })
	}
}
