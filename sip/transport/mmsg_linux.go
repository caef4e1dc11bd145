package transport

import (
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// mmsgConn is a UDP socket that moves up to 64 datagrams a system call (recvmmsg, sendmmsg) and waits on the
// runtime's poller. Neither way allocates.
type mmsgConn struct {
	conn  *net.UDPConn
	raw   syscall.RawConn
	local netip.AddrPort
	rx    receiver
	tx    transmitter
	taken atomic.Bool // a send has met an error that ICMP brought: the error queue holds more of it
}

// mmsghdr is struct mmsghdr of recvmmsg(2).
type mmsghdr struct {
	hdr unix.Msghdr
	n   uint32
}

// slot is how far apart two datagrams of the slab begin. The 1,088 bytes above the longest datagram keep the first
// lines of all slots, which are the ones used, out of the same few sets of the processor's caches.
const slot = maxDatagram + 1088

// receiver belongs to whoever holds mu: the goroutine in ReadBatch while it is not waiting, or the one in Look.
type receiver struct {
	mu      sync.Mutex
	hdrs    [readBatch]mmsghdr
	vecs    [readBatch]unix.Iovec
	names   [readBatch]sockaddr
	slab    []byte
	try     func(fd uintptr) bool
	drain   func(fd uintptr) bool
	look    func(fd uintptr)
	deliver func(n int)
	ms      []Datagram
	n       int
	errno   syscall.Errno
	control [256]byte
}

// transmitter is shared by those who write; mu is held across system calls that never wait.
type transmitter struct {
	mu    sync.Mutex
	hdrs  [readBatch]mmsghdr
	vecs  [readBatch]unix.Iovec
	names [readBatch]sockaddr
	try   func(fd uintptr) bool
	count int
	n     int
	errno syscall.Errno
}

func newMmsgConn(conn *net.UDPConn) (*mmsgConn, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	local := conn.LocalAddr().(*net.UDPAddr).AddrPort()
	c := &mmsgConn{conn: conn, raw: raw, local: netip.AddrPortFrom(local.Addr().Unmap(), local.Port())}
	c.rx.slab = make([]byte, readBatch*slot)
	for i := range c.rx.hdrs {
		c.rx.vecs[i].Base = &c.rx.slab[i*slot]
		c.rx.vecs[i].SetLen(maxDatagram)
		prepare(&c.rx.hdrs[i].hdr, &c.rx.vecs[i], &c.rx.names[i])
		prepare(&c.tx.hdrs[i].hdr, &c.tx.vecs[i], &c.tx.names[i])
	}
	c.rx.try, c.rx.drain, c.rx.look, c.tx.try = c.receive, c.drain, c.look, c.transmit
	return c, nil
}

func prepare(h *unix.Msghdr, vec *unix.Iovec, name *sockaddr) {
	h.Iov = vec
	h.SetIovlen(1)
	h.Name = &name[0]
	h.Namelen = uint32(len(name))
}

func (c *mmsgConn) ReadBatch(ms []Datagram) (int, error) {
	rx := &c.rx
	rx.ms = ms[:min(len(ms), readBatch)]
	rx.n, rx.errno = 0, 0
	err := c.raw.Read(rx.try)
	rx.ms = nil
	if err != nil {
		return 0, err
	}
	if rx.errno != 0 {
		return 0, rx.errno
	}
	return rx.n, nil
}

// ReadBatches is ReadBatch again and again: deliver is told how many datagrams the front of ms holds. It returns when the
// socket is closed, its deadline has passed, or with an error that leaves it usable. It saves the look at a socket just
// emptied that each ReadBatch begins with: what arrives after that look wakes the poller, which ReadBatch must assume to
// have told it before.
func (c *mmsgConn) ReadBatches(ms []Datagram, deliver func(n int)) error {
	rx := &c.rx
	rx.begin(ms[:min(len(ms), readBatch)], deliver)
	err := c.raw.Read(rx.drain)
	if errno := rx.end(); err == nil {
		err = errno
	}
	return err
}

func (rx *receiver) begin(ms []Datagram, deliver func(n int)) {
	rx.mu.Lock()
	defer rx.mu.Unlock()
	rx.ms, rx.deliver, rx.errno = ms, deliver, 0
}

// end returns why the reading has come to an end, 0 when the socket does not know.
func (rx *receiver) end() syscall.Errno {
	rx.mu.Lock()
	defer rx.mu.Unlock()
	rx.ms, rx.deliver = nil, nil
	return rx.errno
}

// Look implements looker. When somebody reads already it does nothing.
func (c *mmsgConn) Look() {
	if c.rx.mu.TryLock() {
		defer c.rx.mu.Unlock()
		_ = c.raw.Control(c.rx.look) // a closed socket is the reader's to report
	}
}

func (c *mmsgConn) look(fd uintptr) {
	if rx := &c.rx; rx.deliver != nil && rx.errno == 0 {
		c.deliver(fd)
	}
}

// drain delivers what there is: false waits for more.
func (c *mmsgConn) drain(fd uintptr) bool {
	c.rx.mu.Lock()
	defer c.rx.mu.Unlock()
	return c.rx.errno != 0 || c.deliver(fd)
}

// deliver is drain and Look.
func (c *mmsgConn) deliver(fd uintptr) bool {
	rx := &c.rx
	for {
		rx.n = 0
		if !c.receive(fd) {
			return false
		}
		if rx.errno != 0 {
			return true
		}
		returned := rx.n > 0 && rx.ms[0].Err != nil
		rx.deliver(rx.n)
		if rx.n < len(rx.ms) && !returned && !c.taken.Load() {
			return false
		}
	}
}

// receive is one try of the poller: false waits until the socket is readable.
func (c *mmsgConn) receive(fd uintptr) bool {
	rx := &c.rx
	for {
		for i := range rx.ms {
			rx.hdrs[i].hdr.Namelen = uint32(len(rx.names[i])) // the kernel wrote the last one's
		}
		// Raw, as it never blocks: told of a system call, the scheduler's watchdog would wake up every 20 µs and hand
		// the processor to another thread and back, which cost a quarter of the CPU time of a call at 1,000 calls/s.
		n, _, errno := unix.RawSyscall6(unix.SYS_RECVMMSG, fd, uintptr(unsafe.Pointer(&rx.hdrs)), uintptr(len(rx.ms)),
			unix.MSG_DONTWAIT, 0, 0)
		switch {
		case errno == 0:
			for i := range rx.ms[:n] {
				rx.ms[i] = Datagram{Buf: rx.slab[i*slot : i*slot+int(rx.hdrs[i].n)], Addr: rx.names[i].addrPort()}
			}
			rx.n = int(n)
			return true
		case errno == unix.EINTR:
		case errno == unix.EAGAIN:
			// Nothing to read: time to see what ICMP has brought. This must be asked also when no error was met, as a
			// send may have taken it, and the poller reports the queue's filling once only.
			rx.n = c.readErrors(fd)
			return rx.n > 0
		case softError(errno):
			if rx.n = c.readErrors(fd); rx.n > 0 {
				return true
			}
		default:
			rx.errno = errno
			return true
		}
	}
}

// WriteBatch sends ms by as few sendmmsg calls as possible.
func (c *mmsgConn) WriteBatch(ms []Datagram) (int, error) {
	tx := &c.tx
	tx.mu.Lock()
	defer tx.mu.Unlock()
	sent := 0
	for sent < len(ms) {
		tx.load(ms[sent:])
		err := c.raw.Write(tx.try)
		tx.unload()
		if err != nil {
			return sent, err
		}
		sent += tx.n
		switch {
		case tx.errno == unix.EAGAIN || tx.errno == unix.ENOBUFS:
			return sent, nil
		case tx.errno != 0:
			return sent, tx.errno
		}
	}
	return sent, nil
}

func (tx *transmitter) load(ms []Datagram) {
	tx.count = min(len(ms), readBatch)
	for i := range tx.count {
		m := &ms[i]
		tx.vecs[i].Base = unsafe.SliceData(m.Buf)
		tx.vecs[i].SetLen(len(m.Buf))
		tx.hdrs[i].hdr.Namelen = tx.names[i].set(m.Addr)
	}
}

// unload lets go of the messages, so that the garbage collector can have them.
func (tx *transmitter) unload() {
	for i := range tx.count {
		tx.vecs[i].Base = nil
	}
}

// transmit sends what is loaded. It returns true always: a full socket is the caller's to decide about.
//
// An error that ICMP brought for an earlier datagram is reported by whichever call comes next, which has sent nothing
// then and is made again; the error queue says whom it was about. "No route" may also be the answer to this very
// datagram: so it counts after three times.
func (c *mmsgConn) transmit(fd uintptr) bool {
	tx := &c.tx
	tx.n, tx.errno = 0, 0
	for tries := 0; tx.n < tx.count; {
		n, _, errno := unix.RawSyscall6(unix.SYS_SENDMMSG, fd, uintptr(unsafe.Pointer(&tx.hdrs[tx.n])),
			uintptr(tx.count-tx.n), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0)
		switch {
		case errno == 0:
			tx.n += int(n)
			tries = 0
		case errno == unix.EINTR:
		case softError(errno) && tries < 3:
			c.taken.Store(true)
			tries++
		default:
			tx.errno = errno
			return true
		}
	}
	return true
}

// softError reports whether an error may be about an earlier datagram (ip(7), IP_RECVERR).
func softError(errno syscall.Errno) bool {
	switch errno {
	case unix.ECONNREFUSED, unix.EHOSTUNREACH, unix.ENETUNREACH, unix.EHOSTDOWN, unix.ENONET, unix.ENOPROTOOPT,
		unix.EOPNOTSUPP, unix.EPROTO, unix.EACCES:
		return true
	}
	return false
}

func (c *mmsgConn) control(fn func(fd int) error) error { return control(fn)("", "", c.raw) }

func (c *mmsgConn) LocalAddr() netip.AddrPort         { return c.local }
func (c *mmsgConn) SetReadDeadline(t time.Time) error { return c.conn.SetReadDeadline(t) }
func (c *mmsgConn) Close() error                      { return c.conn.Close() }
