//go:build linux

package load

import (
	"fmt"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	batchSize   = 64
	datagramMax = 4096
)

// header is struct mmsghdr of recvmmsg(2): a message header and the length of the datagram it names.
type header struct {
	unix.Msghdr
	length uint32
	_      [4]byte
}

// batch is the fixed memory of one recvmmsg or sendmmsg call.
type batch struct {
	headers [batchSize]header
	vectors [batchSize]unix.Iovec
	data    [batchSize][datagramMax]byte
}

func (b *batch) wire() {
	for i := range b.headers {
		b.vectors[i].Base = &b.data[i][0]
		b.vectors[i].SetLen(datagramMax)
		b.headers[i].Iov = &b.vectors[i]
		b.headers[i].SetIovlen(1)
	}
}

// socket is a connected UDP socket read and written in batches. Send errors are counted, not returned: a lost datagram is for the
// retransmission to mend, as on a network.
type socket struct {
	fd                 int
	in, out            batch
	queued             int
	sent, received     uint64
	sendErrs, recvErrs uint64
}

// openSocket binds local and connects to remote. Anything but loopback is refused: a load test must not leave this machine.
func openSocket(local, remote netip.AddrPort) (*socket, error) {
	for _, a := range []netip.AddrPort{local, remote} {
		if !a.Addr().Is4() || !a.Addr().IsLoopback() {
			return nil, fmt.Errorf("load: %s is not an IPv4 loopback address", a)
		}
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("load: socket: %w", err)
	}
	s := &socket{fd: fd}
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 16<<20) != nil {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 4<<20) // what the system grants is good enough
	}
	if err := unix.Bind(fd, sockaddr(local)); err != nil {
		s.close()
		return nil, fmt.Errorf("load: bind %s: %w", local, err)
	}
	if err := unix.Connect(fd, sockaddr(remote)); err != nil {
		s.close()
		return nil, fmt.Errorf("load: connect %s: %w", remote, err)
	}
	s.in.wire()
	s.out.wire()
	return s, nil
}

func sockaddr(a netip.AddrPort) unix.Sockaddr {
	return &unix.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}
}

func (s *socket) close() { _ = unix.Close(s.fd) }

// receive takes what has arrived, at most a batch, and returns how many datagrams that is.
func (s *socket) receive() int {
	n, _, errno := unix.RawSyscall6(unix.SYS_RECVMMSG, uintptr(s.fd), uintptr(unsafe.Pointer(&s.in.headers[0])), batchSize, unix.MSG_DONTWAIT, 0, 0)
	if errno != 0 {
		if errno != unix.EAGAIN && errno != unix.EINTR {
			s.recvErrs++ // ECONNREFUSED: nobody is at the far port
		}
		return 0
	}
	s.received += uint64(n)
	return int(n)
}

func (s *socket) datagram(i int) []byte { return s.in.data[i][:s.in.headers[i].length] }

// buffer is the free send buffer, empty, to be filled by append and handed to queue.
func (s *socket) buffer() []byte {
	if s.queued == batchSize {
		s.flush()
	}
	return s.out.data[s.queued][:0]
}

// queue puts b into the batch to be sent; b may be what buffer returned, filled.
func (s *socket) queue(b []byte) {
	if len(b) > datagramMax {
		s.sendErrs++
		return
	}
	dst := s.buffer()
	s.out.vectors[s.queued].SetLen(len(append(dst, b...)))
	s.queued++
}

func (s *socket) flush() {
	for done, tries := 0, 0; done < s.queued; {
		n, _, errno := unix.RawSyscall6(unix.SYS_SENDMMSG, uintptr(s.fd), uintptr(unsafe.Pointer(&s.out.headers[done])), uintptr(s.queued-done), 0, 0, 0)
		switch {
		case errno == 0:
			s.sent += uint64(n)
			done += int(n)
		case errno == unix.EINTR:
		case (errno == unix.EAGAIN || errno == unix.ENOBUFS) && tries < 100:
			tries++
		default:
			s.sendErrs++
			done++ // this one is lost
		}
	}
	s.queued = 0
}

// await sleeps until one of the sockets can be read or ns nanoseconds have passed, and says which can be read.
func await(ns int64, a, b *socket) (aReady, bReady bool) {
	fds := [2]unix.PollFd{{Fd: int32(a.fd), Events: unix.POLLIN}, {Fd: int32(b.fd), Events: unix.POLLIN}}
	limit := unix.NsecToTimespec(max(ns, 0))
	if _, err := unix.Ppoll(fds[:], &limit, nil); err != nil {
		return false, false // EINTR: the loop comes round again
	}
	return fds[0].Revents != 0, fds[1].Revents != 0
}
