package ng

import (
	"net"
	"net/netip"

	"github.com/sipscript/sipscript/engine/media"
)

// system is the network of the operating system.
type system struct{}

// Open opens a UDP socket.
func (system) Open(addr netip.AddrPort) (media.Conn, error) {
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(addr))
	if err != nil {
		return nil, err
	}
	return socket{conn}, nil
}

type socket struct{ conn *net.UDPConn }

func (s socket) Read(b []byte) (int, netip.AddrPort, error) { return s.conn.ReadFromUDPAddrPort(b) }

func (s socket) Write(b []byte, to netip.AddrPort) error {
	_, err := s.conn.WriteToUDPAddrPort(b, to)
	return err
}

func (s socket) Close() error { return s.conn.Close() }
