//go:build linux

// Package load is a lean SIP load generator for loopback: one thread plays the calling and the called side of a server over two connected UDP
// sockets, makes requests from templates, follows RFC 3261 in retransmission, routes and ACK, and checks every message it gets.
//
// It exists because a general tool costs several times the CPU of the server it loads, and on a machine of two cores that is the server's.
package load

import (
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// Mode is the kind of operation that is repeated.
type Mode string

// The modes.
const (
	Options  Mode = "options"  // OPTIONS to the server itself
	Register Mode = "register" // REGISTER of one user after the other, the contact being the called side
	Message  Mode = "message"  // MESSAGE to a registered user, relayed
	Call     Mode = "call"     // INVITE 100 180 200 ACK BYE 200 to a registered user, through the server
	B2BUA    Mode = "b2bua"    // the same through a server that answers the one call and makes the other
)

// Modes are all modes, in the order in which results are shown.
var Modes = [...]Mode{Options, Register, Message, Call, B2BUA}

// Config says what to send. Exactly one of Rate (open loop) and Window (closed loop) is given.
type Config struct {
	Mode     Mode
	Target   netip.AddrPort // the server; IPv4 loopback, like the two below
	Caller   netip.AddrPort // local address of the calling side
	Callee   netip.AddrPort // local address of the called side, which is also the registered contact
	Rate     float64        // new operations a second, whatever the answers do
	Window   int            // operations kept outstanding
	Count    int64          // operations in all; 0: as many as Duration allows
	Duration time.Duration  // no new operations after this time; at most two minutes, which 0 means too
	Users    int64          // users taken in turn, named u0000000 and so on
	User     int64          // number of the first of them
	Hold     time.Duration  // from the ACK to the BYE
	Ring     time.Duration  // from the 180 to the 200
	GiveUp   time.Duration  // an operation not over after this time since its request has failed; 0: 5 s
	Direct   bool           // no server between: the two sides face each other, which shows what the generator itself costs
}

const (
	longest  = 2 * time.Minute
	slots    = 1 << 17 // operations that can be open at once
	maxUsers = 10_000_000
)

func (c *Config) complete() error {
	if (c.Rate > 0) == (c.Window > 0) {
		return errors.New("load: give either a rate or a window")
	}
	if c.Rate > 1e6 || c.Window > slots/2 {
		return fmt.Errorf("load: rate above 1000000 or window above %d", slots/2)
	}
	if c.Users < 1 || c.User < 0 || c.User+c.Users > maxUsers {
		return fmt.Errorf("load: users %d from number %d: must lie within 0..%d", c.Users, c.User, maxUsers)
	}
	if c.Duration < 0 || c.Duration > longest {
		return fmt.Errorf("load: duration %s: at most %s", c.Duration, longest)
	}
	if c.Duration == 0 {
		c.Duration = longest
	}
	if c.GiveUp == 0 {
		c.GiveUp = 5 * time.Second
	}
	if c.Count == 0 {
		c.Count = 1 << 32
	}
	switch c.Mode {
	case Options, Register, Message, Call, B2BUA:
		return nil
	}
	return fmt.Errorf("load: mode %q: there is options, register, message, call and b2bua", c.Mode)
}
