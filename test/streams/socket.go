//go:build linux

package streams

import (
	"fmt"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	batchSize   = 32
	datagramMax = 512
)

// message is struct mmsghdr of recvmmsg(2) and sendmmsg(2).
type message struct {
	unix.Msghdr
	length uint32
	_      [4]byte
}

// batch is the memory of one system call.
type batch struct {
	messages [batchSize]message
	vectors  [batchSize]unix.Iovec
	names    [batchSize]unix.RawSockaddrInet4
	control  [batchSize][64]byte
	data     [batchSize][datagramMax]byte
}

func (b *batch) wire() {
	for i := range b.messages {
		m := &b.messages[i]
		b.vectors[i].Base = &b.data[i][0]
		b.vectors[i].SetLen(datagramMax)
		m.Iov = &b.vectors[i]
		m.SetIovlen(1)
		m.Name = (*byte)(unsafe.Pointer(&b.names[i]))
		m.Namelen = unix.SizeofSockaddrInet4
	}
}

// socket is a UDP socket that many flows share.
type socket struct {
	fd      int
	local   netip.AddrPort
	in, out batch
	queued  int
	stamp   int64 // when the batch that gathers began
}

func openSocket(ip netip.Addr) (*socket, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("streams: socket: %w", err)
	}
	s := &socket{fd: fd}
	for _, option := range []int{unix.SO_RCVBUFFORCE, unix.SO_SNDBUFFORCE} {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, option, 8<<20) // without the right to, what there is must do
	}
	if err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1); err == nil {
		err = unix.Bind(fd, &unix.SockaddrInet4{Addr: ip.As4()})
	}
	if err != nil {
		s.close()
		return nil, fmt.Errorf("streams: %v: %w", ip, err)
	}
	bound, err := unix.Getsockname(fd)
	if err != nil {
		s.close()
		return nil, fmt.Errorf("streams: %v: %w", ip, err)
	}
	s.local = netip.AddrPortFrom(ip, uint16(bound.(*unix.SockaddrInet4).Port))
	s.in.wire()
	s.out.wire()
	for i := range s.in.messages {
		s.in.messages[i].Control = &s.in.control[i][0]
	}
	return s, nil
}

func (s *socket) close() { _ = unix.Close(s.fd) }

// next is room for a packet to an address.
func (s *socket) next(to netip.AddrPort) []byte {
	if s.queued == batchSize {
		s.flush()
	}
	if s.queued == 0 {
		s.stamp = clock(unix.CLOCK_REALTIME)
	}
	port := to.Port()
	s.out.names[s.queued] = unix.RawSockaddrInet4{Family: unix.AF_INET, Port: port<<8 | port>>8, Addr: to.Addr().As4()}
	return s.out.data[s.queued][:]
}

// now is about when the packet that is made now will leave: the clock that stamps arrivals, read once a batch.
func (s *socket) now() int64 { return s.stamp }

// queue takes what was written into next.
func (s *socket) queue(b []byte) {
	s.out.vectors[s.queued].SetLen(len(b))
	s.queued++
}

// flush sends what is queued. What the system refuses is lost, and counted as that.
func (s *socket) flush() {
	for done := 0; done < s.queued; {
		n, _, errno := unix.RawSyscall6(unix.SYS_SENDMMSG, uintptr(s.fd), uintptr(unsafe.Pointer(&s.out.messages[done])), uintptr(s.queued-done), unix.MSG_DONTWAIT, 0, 0)
		switch {
		case errno == 0:
			done += int(n)
		case errno != unix.EINTR:
			done++
		}
	}
	s.queued = 0
}

// receive calls take with each packet that is there, and when the kernel received it.
func (s *socket) receive(take func(b []byte, at int64)) {
	for {
		for i := range s.in.messages {
			s.in.messages[i].SetControllen(len(s.in.control[i]))
		}
		n, _, errno := unix.RawSyscall6(unix.SYS_RECVMMSG, uintptr(s.fd), uintptr(unsafe.Pointer(&s.in.messages)), batchSize, unix.MSG_DONTWAIT, 0, 0)
		if errno != 0 {
			return
		}
		for i := range int(n) {
			take(s.in.data[i][:s.in.messages[i].length], s.in.stampOf(i))
		}
		if n < batchSize {
			return
		}
	}
}

// stampOf is when the kernel received message i, of CLOCK_REALTIME.
func (b *batch) stampOf(i int) int64 {
	c := (*unix.Cmsghdr)(unsafe.Pointer(&b.control[i]))
	if b.messages[i].Controllen < unix.SizeofCmsghdr || c.Type != unix.SO_TIMESTAMPNS {
		return clock(unix.CLOCK_REALTIME)
	}
	return (*unix.Timespec)(unsafe.Pointer(&b.control[i][unix.SizeofCmsghdr])).Nano()
}
