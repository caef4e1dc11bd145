package transport

import (
	"context"
	"net"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"
)

// socketBuffer is how many bytes a UDP socket may hold each way: at 1 KB a message, the traffic of a moment in which
// the server does not get to run.
const socketBuffer = 8 << 20

func (kernel) ListenPacket(addr netip.AddrPort, shared bool) (PacketConn, error) {
	v6 := addr.Addr().Is6()
	lc := net.ListenConfig{Control: control(func(fd int) error {
		setBuffers(fd)
		if shared {
			if err := sharePort(fd); err != nil {
				return err
			}
		}
		return reportErrors(fd, v6)
	})}
	pc, err := lc.ListenPacket(context.Background(), family("udp", addr.Addr()), addr.String())
	if err != nil {
		return nil, err
	}
	conn, err := newMmsgConn(pc.(*net.UDPConn))
	if err == nil && !shared {
		// Set after bind: so this socket had to be the only one at its address, and yet others may join it. With
		// the option set before, a second server of the same user would quietly take half of the datagrams.
		err = conn.control(sharePort)
	}
	if err != nil {
		pc.Close()
		return nil, err
	}
	return conn, nil
}

func sharePort(fd int) error { return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1) }

// setBuffers asks for large buffers: beyond the system's limit where this process may, else up to it.
func setBuffers(fd int) {
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, socketBuffer) != nil {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, socketBuffer)
	}
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, socketBuffer) != nil {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, socketBuffer)
	}
}

// reportErrors has the kernel keep the ICMP errors of this socket, each with the datagram it is about.
func reportErrors(fd int, v6 bool) error {
	if v6 {
		return unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_RECVERR, 1)
	}
	return unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_RECVERR, 1)
}

// beforeConnect lets bind leave the port open until connect, so that connections from one address are bounded by
// address and port of both ends and not by the ephemeral ports alone.
func beforeConnect(network, address string, c syscall.RawConn) error {
	return control(func(fd int) error {
		return unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1)
	})(network, address, c)
}

// control makes a net.ListenConfig.Control of a function on the descriptor.
func control(fn func(fd int) error) func(network, address string, c syscall.RawConn) error {
	return func(_, _ string, c syscall.RawConn) (err error) {
		if cerr := c.Control(func(fd uintptr) { err = fn(int(fd)) }); cerr != nil {
			return cerr
		}
		return err
	}
}
