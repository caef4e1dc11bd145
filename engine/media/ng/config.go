package ng

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"time"

	"github.com/sipscript/sipscript/engine/media"
)

// Config is everything a Farm is told. All of it is fixed while the farm is used.
type Config struct {
	// Nodes are the rtpengines. At least one.
	Nodes []Node
	// Timeout is after how long without a packet media.EventTimeout is told. 0: 60 s; negative: never. Figures of calls are asked for as often.
	Timeout time.Duration
	// Resend is how long an answer is waited for before a command is sent again; the waits double. 0: 200 ms.
	Resend time.Duration
	// Tries is how often a command is sent before its node counts as down. 0: 4.
	Tries int
	// Probe is how often a node is asked whether it is there. 0: 5 s.
	Probe time.Duration
	// Commands is how many may wait for their answers, over all nodes. 0: 10,000.
	Commands int
	// Net is where sockets are opened; nil: the system.
	Net media.Net
	// Trace is told what becomes of nodes; nil: nobody wants to know. It is called from any goroutine, with no lock held, and must not block.
	Trace func(Event)
	// Random is where cookies, tags and the numbers of sessions come from; nil: the system.
	Random io.Reader
}

// Node is one rtpengine.
type Node struct {
	// Address is where it takes NG commands (its option listen-ng).
	Address netip.AddrPort
	// Weight is its share of new calls in proportion to those of the others. 0: 1.
	Weight int
}

// Event is that a node goes down, as it does not answer any more, or is up again.
type Event struct {
	Node netip.AddrPort
	Up   bool
	Left int // how many nodes are up now: with none there is no media for new calls
}

// Validate reports everything that is wrong.
func (c *Config) Validate() error {
	var all []error
	if len(c.Nodes) == 0 {
		all = append(all, errors.New("ng: no rtpengine"))
	}
	for i, n := range c.Nodes {
		if !n.Address.IsValid() || n.Address.Port() == 0 {
			all = append(all, fmt.Errorf("ng: rtpengine %d has no address", i+1))
		}
		if n.Weight < 0 {
			all = append(all, fmt.Errorf("ng: rtpengine %v has weight %d", n.Address, n.Weight))
		}
	}
	return errors.Join(all...)
}

func (c *Config) applyDefaults() {
	if c.Timeout == 0 {
		c.Timeout = 60 * time.Second
	}
	if c.Resend <= 0 {
		c.Resend = 200 * time.Millisecond
	}
	if c.Tries <= 0 {
		c.Tries = 4
	}
	if c.Probe <= 0 {
		c.Probe = 5 * time.Second
	}
	if c.Commands <= 0 {
		c.Commands = 10000
	}
	if c.Net == nil {
		c.Net = system{}
	}
	if c.Random == nil {
		c.Random = rand.Reader
	}
}
