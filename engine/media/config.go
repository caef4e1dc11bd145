package media

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"runtime"
	"time"
)

// Config is everything a Relay is told. All of it is fixed while the relay runs.
type Config struct {
	// Interfaces are the addresses that media is received at. A leg gets the one that its signalling comes in by, or the first one of the IP version
	// of its peer. At least one.
	Interfaces []Interface
	// Ports are those used at each interface. Zero: 20000 to 39999.
	Ports Ports
	// Threads is how many relay threads there are. 0: DefaultThreads.
	Threads int
	// Timeout is after how long without a packet EventTimeout is told. 0: 60 s; negative: never.
	Timeout time.Duration
	// Net is where sockets are opened; nil: the system.
	Net Net
	// Random is where keys and the order of ports come from; nil: the system.
	Random io.Reader
}

// Interface is an address that media is received at.
type Interface struct {
	Address   netip.Addr
	Advertise netip.Addr // written into session descriptions instead, behind a NAT; the zero Addr: Address
}

// Ports is a range of UDP ports, both ends included.
type Ports struct{ First, Last uint16 }

// DefaultThreads is the number of relay threads where the config names none: a quarter of the processors, at least one. Whoever runs a relay adds its
// threads to GOMAXPROCS, so that none of them takes the processor of a shard.
func DefaultThreads(processors int) int { return max(1, processors/4) }

// Validate reports everything that is wrong.
func (c *Config) Validate() error {
	var all []error
	if len(c.Interfaces) == 0 {
		all = append(all, errors.New("media: no interface"))
	}
	for _, in := range c.Interfaces {
		switch {
		case !in.Address.IsValid():
			all = append(all, errors.New("media: interface without an address"))
		case in.Address.IsUnspecified(), in.Address.IsMulticast():
			// The source of what is sent has to be the address that the peer was told.
			all = append(all, fmt.Errorf("media: interface %v is not one address", in.Address))
		case in.Advertise.IsValid() && in.Advertise.Is4() != in.Address.Is4():
			all = append(all, fmt.Errorf("media: %v cannot be advertised for %v: another IP version", in.Advertise, in.Address))
		}
	}
	if c.Ports != (Ports{}) && (c.Ports.First == 0 || int(c.Ports.First+1)&^1+1 > int(c.Ports.Last)) {
		all = append(all, fmt.Errorf("media: no pair of ports in %d-%d", c.Ports.First, c.Ports.Last))
	}
	if c.Threads < 0 {
		all = append(all, fmt.Errorf("media: %d threads", c.Threads))
	}
	return errors.Join(all...)
}

func (c *Config) applyDefaults() {
	if c.Ports == (Ports{}) {
		c.Ports = Ports{20000, 39999}
	}
	if c.Threads == 0 {
		c.Threads = DefaultThreads(runtime.NumCPU())
	}
	if c.Timeout == 0 {
		c.Timeout = 60 * time.Second
	}
	if c.Random == nil {
		c.Random = rand.Reader
	}
}
