//go:build !linux

package media

import (
	"net"
	"net/netip"
)

// newLoop relays by a goroutine for each socket: this is for development; a server runs on Linux.
func newLoop(_ int, clock func() int64) (loop, error) {
	return newGoroutines(kernel{}, clock), nil
}

// kernel is the Net of the system.
type kernel struct{}

func (kernel) Open(addr netip.AddrPort) (Conn, error) {
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(addr))
	if err != nil {
		return nil, err
	}
	return kernelConn{conn}, nil
}

type kernelConn struct{ *net.UDPConn }

func (c kernelConn) Read(b []byte) (int, netip.AddrPort, error) { return c.ReadFromUDPAddrPort(b) }

func (c kernelConn) Write(b []byte, to netip.AddrPort) error {
	_, err := c.WriteToUDPAddrPort(b, to)
	return err
}
