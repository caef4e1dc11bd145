package transport

import (
	"net"
	"net/netip"
	"time"
)

// singleConn is the portable UDP socket, used where there is no recvmmsg: one datagram a system call.
type singleConn struct {
	conn  *net.UDPConn
	local netip.AddrPort
	buf   []byte
}

// maxDatagram is more than a UDP datagram can carry (65,507 bytes over IPv4), so that none is ever cut.
const maxDatagram = 65536

func newSingleConn(conn *net.UDPConn) *singleConn {
	local := conn.LocalAddr().(*net.UDPAddr).AddrPort()
	return &singleConn{
		conn:  conn,
		local: netip.AddrPortFrom(local.Addr().Unmap(), local.Port()),
		buf:   make([]byte, maxDatagram),
	}
}

func (c *singleConn) ReadBatch(ms []Datagram) (int, error) {
	n, addr, err := c.conn.ReadFromUDPAddrPort(c.buf)
	if err != nil {
		return 0, err
	}
	ms[0] = Datagram{Buf: c.buf[:n], Addr: netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port())}
	return 1, nil
}

func (c *singleConn) WriteBatch(ms []Datagram) (int, error) {
	for i := range ms {
		if _, err := c.conn.WriteToUDPAddrPort(ms[i].Buf, ms[i].Addr); err != nil {
			return i, err
		}
	}
	return len(ms), nil
}

func (c *singleConn) LocalAddr() netip.AddrPort         { return c.local }
func (c *singleConn) SetReadDeadline(t time.Time) error { return c.conn.SetReadDeadline(t) }
func (c *singleConn) Close() error                      { return c.conn.Close() }
