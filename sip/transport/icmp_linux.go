package transport

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// readErrors moves what ICMP gave back from the socket's error queue to rx.ms and returns how many there are.
func (c *mmsgConn) readErrors(fd uintptr) int {
	c.taken.Store(false)
	rx := &c.rx
	n := 0
	for n < len(rx.ms) {
		h := rx.hdrs[n].hdr // shares the slot of an ordinary datagram; none is there at this moment
		h.Namelen = uint32(len(rx.names[n]))
		h.Control = &rx.control[0]
		h.SetControllen(len(rx.control))
		size, _, errno := unix.RawSyscall(unix.SYS_RECVMSG, fd, uintptr(unsafe.Pointer(&h)),
			unix.MSG_ERRQUEUE|unix.MSG_DONTWAIT)
		if errno == unix.EINTR {
			continue
		}
		if errno != 0 {
			break
		}
		if reason := icmpReason(rx.control[:h.Controllen]); reason != 0 {
			rx.ms[n] = Datagram{Buf: rx.slab[n*slot : n*slot+int(size)], Addr: rx.names[n].addrPort(), Err: reason}
			n++
		}
	}
	return n
}

// icmpReason reads the extended error among the control messages; 0 when it is none that ends a transaction. RFC 3261
// §18.4 names those that do: host, network, port or protocol unreachable, and parameter problem. A TTL exceeded, a
// source quench or a fragmentation that the kernel deals with by itself says nothing about the next try.
func icmpReason(control []byte) syscall.Errno {
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		return 0
	}
	for _, m := range messages {
		v4 := m.Header.Level == unix.IPPROTO_IP && m.Header.Type == unix.IP_RECVERR
		v6 := m.Header.Level == unix.IPPROTO_IPV6 && m.Header.Type == unix.IPV6_RECVERR
		if !v4 && !v6 || len(m.Data) < int(unsafe.Sizeof(unix.SockExtendedErr{})) {
			continue
		}
		e := (*unix.SockExtendedErr)(unsafe.Pointer(&m.Data[0]))
		if unreachable(e) {
			return syscall.Errno(e.Errno)
		}
	}
	return 0
}

// The ICMP types and codes of RFC 792 and RFC 4443 that unreachable tells apart.
const (
	icmpUnreachable       = 3
	icmpFragmentationCode = 4
	icmpParameterProblem  = 12
	icmp6Unreachable      = 1
	icmp6ParameterProblem = 4
)

func unreachable(e *unix.SockExtendedErr) bool {
	switch e.Origin {
	case unix.SO_EE_ORIGIN_ICMP:
		return e.Type == icmpUnreachable && e.Code != icmpFragmentationCode || e.Type == icmpParameterProblem
	case unix.SO_EE_ORIGIN_ICMP6:
		return e.Type == icmp6Unreachable || e.Type == icmp6ParameterProblem
	}
	return false
}
