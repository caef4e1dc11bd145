package media

import (
	"fmt"
	"hash/fnv"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// threads is the loop of Linux: each thread waits on an epoll of its own for the sockets given to it.
type threads struct {
	all []*thread
	wg  sync.WaitGroup
}

// thread is one relay thread. What has no lock belongs to it alone.
type thread struct {
	clock   func() int64
	epoll   int
	wake    int         // eventfd
	sockets []*fdSocket // by file descriptor
	pace    pace
	pacer   *pacer
	events  [maxEvents]unix.EpollEvent
	batch   [batchSize]received
	n       int // of batch
	round   uint32
	relayed bool // something was, in this round

	mu     sync.Mutex // a leaf
	orders []order
}

// received is a packet of the batch, and what becomes of it. The batch is received, then treated, then sent: the kernel's way in and its way out are each more
// code than fits the nearest cache, and to take them in turns for each packet would load it anew each time.
type received struct {
	buffer []byte
	length int
	from   sockaddr
	port   *port
	in, to *stream // see fetch
	out    send
}

const (
	batchSize = 32
	// longest is the longest datagram taken: more than any network carries in one piece.
	longest = 9216
	// slot is how far apart two buffers begin: not at the same place of a page each, as these share a few sets of the processor's caches.
	slot = longest + tail + 64 - (longest+tail)%64 + 128
)

// order is what another goroutine wants of a thread.
type order struct {
	kind   orderKind
	socket *fdSocket
}

type orderKind uint8

const (
	takeUp orderKind = iota // treat the packets of socket from now on
	giveUp                  // and no longer
	seen                    // nothing: by the time it is carried out, what was in treatment when it was given is done
	look                    // nothing: the pacer has something for the round that it begins
	halt
)

// maxEvents is how many packets a round brings at most. At three rounds a millisecond that is far above what a thread can relay, so a round that is full
// means that the thread is behind.
const maxEvents = 512

// burst is how many packets of one port are taken in a row, when there are some.
const burst = 8

const socketEvents = unix.EPOLLIN

// fdSocket is a socket of a thread.
type fdSocket struct {
	fd     int
	round  uint32 // the last one that took something
	port   *port
	peer   atomic.Pointer[netip.AddrPort] // connected to; nil: to nobody
	owner  *thread
	others []*thread // that may still be sending on fd after owner has given it up
}

func newLoop(n int, clock func() int64) (loop, error) {
	l := &threads{}
	for range n {
		t, err := newThread(clock)
		if err != nil {
			l.stop()
			return nil, err
		}
		l.all = append(l.all, t)
		l.wg.Add(1)
		go func() {
			defer l.wg.Done()
			t.run()
		}()
	}
	return l, nil
}

func newThread(clock func() int64) (*thread, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("media: epoll: %w", err)
	}
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		_ = unix.Close(epoll)
		return nil, fmt.Errorf("media: eventfd: %w", err)
	}
	t := &thread{clock: clock, epoll: epoll, wake: wake}
	t.pacer = newPacer(clock, func() { t.post(order{kind: look}) })
	memory := make([]byte, batchSize*slot)
	for i := range t.batch {
		t.batch[i].buffer = memory[i*slot : i*slot+longest : i*slot+longest+tail]
	}
	if err := t.watch(wake, unix.EPOLLIN); err != nil {
		t.close()
		return nil, err
	}
	return t, nil
}

func (t *thread) watch(fd int, events uint32) error {
	err := unix.EpollCtl(t.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: events, Fd: int32(fd)})
	if err != nil {
		return fmt.Errorf("media: epoll: %w", err)
	}
	return nil
}

func (t *thread) close() {
	_ = unix.Close(t.epoll)
	_ = unix.Close(t.wake)
}

// post gives an order, and wakes the thread if it may have none.
func (t *thread) post(o order) {
	t.mu.Lock()
	first := len(t.orders) == 0
	t.orders = append(t.orders, o)
	t.mu.Unlock()
	if first {
		one := [8]byte{7: 1} // any number but 0, in either byte order
		_, _ = unix.Write(t.wake, one[:])
	}
}

func (l *threads) open(name string, p *port) error {
	fd, err := bind(p.addr)
	if err != nil {
		return err
	}
	owner := l.owner(name)
	s := &fdSocket{fd: fd, port: p, owner: l.all[owner]}
	s.others = append(append(s.others, l.all[:owner]...), l.all[owner+1:]...)
	p.socket = s
	s.owner.post(order{takeUp, s})
	return nil
}

// owner is the thread that has the ports of a name.
func (l *threads) owner(name string) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(name))
	return int(h.Sum32() % uint32(len(l.all)))
}

func (l *threads) pacer(name string) *pacer { return l.all[l.owner(name)].pacer }

func (l *threads) pacers() []*pacer {
	all := make([]*pacer, len(l.all))
	for i, t := range l.all {
		all[i] = t.pacer
	}
	return all
}

// close passes the socket through all threads: its number may mean another file as soon as it is closed, and a packet that is being treated would then go
// there.
func (s *fdSocket) close() { s.owner.post(order{giveUp, s}) }

// send sends raw, as it never waits: the scheduler's bookkeeping costs as much as a tenth of the packet.
func (s *fdSocket) send(b []byte, to netip.AddrPort) error {
	var errno syscall.Errno
	if peer := s.peer.Load(); peer == nil || *peer != to {
		var name sockaddr
		errno = s.sendTo(b, &name, name.set(to))
	} else if errno = s.sendTo(b, nil, 0); errno == unix.ECONNREFUSED {
		// That is about a packet before, which the peer's host has refused: this one has not been sent yet.
		errno = s.sendTo(b, nil, 0)
	}
	if errno != 0 {
		return errno
	}
	return nil
}

func (s *fdSocket) sendTo(b []byte, name *sockaddr, length uint32) syscall.Errno {
	_, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(s.fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)),
		unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, uintptr(unsafe.Pointer(name)), uintptr(length))
	return errno
}

// lock connects the socket: the kernel then drops the packets of others itself, and knows the way to the peer, which saves a sixth of what it costs to send.
func (s *fdSocket) lock(peer netip.AddrPort) {
	to := sockaddr{} // AF_UNSPEC: disconnected (connect(2)), and bound as it was
	length := uint32(unix.SizeofSockaddrInet4)
	if peer.IsValid() {
		length = to.set(peer)
	}
	s.peer.Store(nil)
	_, _, errno := unix.RawSyscall(unix.SYS_CONNECT, uintptr(s.fd), uintptr(unsafe.Pointer(&to)), uintptr(length))
	if errno == 0 && peer.IsValid() {
		s.peer.Store(&peer)
	}
}

func (l *threads) stop() {
	for _, t := range l.all {
		t.post(order{kind: halt})
	}
	l.wg.Wait()
	for _, t := range l.all {
		for _, o := range t.orders { // given after the thread had ended
			if o.socket != nil {
				_ = unix.Close(o.socket.fd)
			}
		}
		t.close()
	}
}

// run relays until it is told to halt.
func (t *thread) run() {
	runtime.LockOSThread() // it sleeps in system calls that the scheduler is not told of
	defer runtime.UnlockOSThread()
	for {
		n := t.wait()
		now := t.clock()
		t.round++
		woken := false
		for i := range n {
			if fd := t.events[i].Fd; fd == int32(t.wake) {
				woken = true
			} else if s := t.sockets[fd]; s != nil {
				t.drain(now, s)
			}
		}
		t.flush(now)
		t.pacer.due(now)
		if woken && t.obey() {
			t.pacer.end()
			return
		}
		t.rest(now, n)
	}
}

// wait returns how many events there are; none when a frame of the pacer is due.
func (t *thread) wait() int {
	events := uintptr(unsafe.Pointer(&t.events))
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(t.epoll), events, maxEvents, 0, 0, 0)
	for n == 0 || errno != 0 {
		limit, ok := t.patience()
		if !ok {
			return 0
		}
		// Nothing at hand: this may last, so the scheduler is told, and can use the processor for others.
		n, _, errno = unix.Syscall6(unix.SYS_EPOLL_PWAIT, uintptr(t.epoll), events, maxEvents, limit, 0, 0)
	}
	return int(n)
}

// patience is how many milliseconds may pass before the pacer is due, -1 for any number; not ok when it is due now.
func (t *thread) patience() (limit uintptr, ok bool) {
	at := t.pacer.next()
	if at == 0 {
		return ^uintptr(0), true
	}
	left := at - t.clock()
	return uintptr((left + int64(slotTime) - 1) / int64(slotTime)), left > 0
}

// drain takes one packet of s, which is all that most have. What is left comes in the next round, and from then on in bursts: no port can keep the others waiting.
// That nothing is left the kernel finds out for itself, as its events come for as long as there is something (epoll(7), level-triggered): it looks again at the
// sockets of the round before, which costs less than to ask each of them for a packet that it does not have.
func (t *thread) drain(now int64, s *fdSocket) {
	n := 1
	if s.round+1 == t.round {
		n = burst
	}
	s.round = t.round
	for range n {
		if !t.receive(now, s) {
			return
		}
	}
}

// receive takes one packet of s into the batch; false when there is none.
func (t *thread) receive(now int64, s *fdSocket) bool {
	r := &t.batch[t.n]
	length := uint32(len(r.from))
	n, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(s.fd), uintptr(unsafe.Pointer(unsafe.SliceData(r.buffer))), longest,
		unix.MSG_DONTWAIT|unix.MSG_TRUNC, uintptr(unsafe.Pointer(&r.from)), uintptr(unsafe.Pointer(&length)))
	switch {
	case errno == unix.EAGAIN:
		return false
	case errno != 0:
		return true // the peer's host has refused a packet before
	case n > longest:
		s.port.stream.drops.malformed.Add(1)
		return true
	}
	r.port, r.length = s.port, int(n)
	if t.n++; t.n == batchSize {
		t.flush(now)
	}
	return true
}

// flush treats and sends the batch.
func (t *thread) flush(now int64) {
	batch := t.batch[:t.n]
	fetch(batch)

	for i := range batch {
		r := &batch[i]
		r.out = r.port.treat(now, r.buffer[:r.length], r.from.addrPort())
	}
	for i := range batch {
		r := &batch[i]
		r.out.leave()
		t.relayed = t.relayed || r.out.by != nil
		if r.out.latched {
			r.port.settle()
		}
		r.port, r.in, r.to, r.out = nil, nil, nil, send{} // of a call that may end now
	}
	t.n = 0
}

// rest lets packets gather while there are many, since a round costs more than the packets of it: see pace.
func (t *thread) rest(now int64, n int) {
	tick := t.pace.next(now, n)
	if tick == 0 {
		return
	}
	if !t.relayed {
		tick = max(tick, t.pacer.spare(now)) // what is only heard here is not wanted before
	}
	t.relayed = false
	if d := now + int64(tick) - t.clock(); d > 0 {
		ts := unix.NsecToTimespec(d)
		// A sleep that the scheduler is not told of holds up nobody for longer than it lasts, and a stop of the world not even that: the signal
		// that asks for it ends the sleep. Told of it, the scheduler's watchdog would poll for its end.
		_, _, _ = unix.RawSyscall(unix.SYS_NANOSLEEP, uintptr(unsafe.Pointer(&ts)), 0, 0)
	}
}

// obey carries out the orders; true means halt.
func (t *thread) obey() bool {
	var count [8]byte
	_, _ = unix.Read(t.wake, count[:])
	t.mu.Lock()
	orders := t.orders
	t.orders = nil
	t.mu.Unlock()
	stop := false
	for _, o := range orders {
		switch o.kind {
		case takeUp:
			t.takeUp(o.socket)
		case giveUp:
			t.sockets[o.socket.fd] = nil
			_ = unix.EpollCtl(t.epoll, unix.EPOLL_CTL_DEL, o.socket.fd, nil)
			o.socket.passOn()
		case seen:
			o.socket.passOn()
		case halt:
			stop = true
		}
	}
	return stop
}

func (t *thread) takeUp(s *fdSocket) {
	for len(t.sockets) <= s.fd {
		t.sockets = append(t.sockets, nil)
	}
	t.sockets[s.fd] = s
	_ = t.watch(s.fd, socketEvents)
}

// passOn goes to the next thread that has to see that the socket is going, and closes it after the last one.
func (s *fdSocket) passOn() {
	if len(s.others) == 0 {
		_ = unix.Close(s.fd)
		return
	}
	next := s.others[0]
	s.others = s.others[1:]
	next.post(order{seen, s})
}

// bind opens a UDP socket at addr.
func bind(addr netip.AddrPort) (int, error) {
	family := unix.AF_INET
	if addr.Addr().Is6() {
		family = unix.AF_INET6
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, fmt.Errorf("media: socket: %w", err)
	}
	if family == unix.AF_INET6 {
		err = unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1)
	}
	if err == nil {
		err = unix.Bind(fd, name(addr))
	}
	if err != nil {
		_ = unix.Close(fd)
		return 0, fmt.Errorf("media: %v: %w", addr, err)
	}
	return fd, nil
}

func name(addr netip.AddrPort) unix.Sockaddr {
	if addr.Addr().Is4() {
		return &unix.SockaddrInet4{Port: int(addr.Port()), Addr: addr.Addr().As4()}
	}
	return &unix.SockaddrInet6{Port: int(addr.Port()), Addr: addr.Addr().As16()}
}
