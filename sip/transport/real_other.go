//go:build !linux

package transport

import (
	"errors"
	"net"
	"net/netip"
	"syscall"
)

// ListenPacket opens an ordinary socket: sharing an address among sockets is done on Linux only.
func (kernel) ListenPacket(addr netip.AddrPort, shared bool) (PacketConn, error) {
	if shared {
		return nil, errors.ErrUnsupported
	}
	conn, err := net.ListenUDP(family("udp", addr.Addr()), net.UDPAddrFromAddrPort(addr))
	if err != nil {
		return nil, err
	}
	return newSingleConn(conn), nil
}

func beforeConnect(network, address string, c syscall.RawConn) error { return nil }
