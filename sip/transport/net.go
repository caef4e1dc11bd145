// Package transport carries SIP messages over UDP, TCP and TLS (RFC 3261 §18): it binds the listeners, frames and
// screens what arrives, answers what is malformed, and sends in batches. It knows nothing of transactions.
package transport

import (
	"context"
	"net"
	"net/netip"
	"time"
)

// Net is the seam to the network. Real returns the kernel's; a simulation implements the same few methods.
// All methods may be called from any goroutine.
type Net interface {
	// ListenPacket opens a UDP socket at addr, whose port may be 0. With shared false it fails when anybody, this
	// process included, holds the address. With shared true it joins the sockets this Net already has at addr: each
	// datagram then reaches one of them, always the same for one source. A Net that cannot share returns an error
	// that is errors.ErrUnsupported, and one socket then serves all shards.
	ListenPacket(addr netip.AddrPort, shared bool) (PacketConn, error)

	// Listen accepts TCP connections at addr, whose port may be 0.
	Listen(addr netip.AddrPort) (net.Listener, error)

	// Dial connects to remote over TCP, from the address local when that is valid, from a port the system picks.
	Dial(ctx context.Context, local netip.Addr, remote netip.AddrPort) (net.Conn, error)

	// LocalAddrs lists the addresses a wildcard listener stands for, in a stable order. Link-local IPv6 addresses
	// are left out: a Via cannot name a zone.
	LocalAddrs() ([]netip.Addr, error)
}

// PacketConn is one UDP socket. One goroutine reads; any may write, close and set the deadline.
type PacketConn interface {
	// ReadBatch waits for at least one datagram and fills ms from the front with what is there. The Buf of each
	// belongs to the PacketConn and is valid until the next ReadBatch. After Close it returns net.ErrClosed, after
	// the read deadline os.ErrDeadlineExceeded; any other error leaves the socket usable.
	ReadBatch(ms []Datagram) (int, error)

	// WriteBatch sends ms in order, waits for nothing, and keeps nothing of them. It returns how many were taken.
	// Fewer than len(ms) with a nil error: the socket is full for now. With an error: ms[n] was refused for that
	// reason (too long, no route …), and the ones after it were not tried.
	WriteBatch(ms []Datagram) (int, error)

	LocalAddr() netip.AddrPort
	SetReadDeadline(t time.Time) error
	Close() error
}

// Datagram is one UDP datagram: Buf came from Addr or goes to it.
//
// With Err set (from ReadBatch only) the network gave one back that had been sent to Addr: Err says why and Buf is
// what the ICMP message quotes of it, often only its first part.
type Datagram struct {
	Buf  []byte
	Addr netip.AddrPort
	Err  error
}
