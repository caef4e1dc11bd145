package media

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"
)

// Net is the seam to the network for what is not the kernel of Linux: a simulation.
type Net interface {
	// Open opens a UDP socket at addr.
	Open(addr netip.AddrPort) (Conn, error)
}

// Conn is one UDP socket. One goroutine reads; any may write and close.
type Conn interface {
	// Read waits for one datagram and copies it to b. After Close it returns net.ErrClosed; any other error leaves the socket usable.
	Read(b []byte) (n int, from netip.AddrPort, err error)
	// Write sends one datagram, waits for nothing, and keeps nothing of b.
	Write(b []byte, to netip.AddrPort) error
	Close() error
}

// loop carries packets between sockets and port.treat.
type loop interface {
	// open binds the socket of p and gives it to it; what it receives is treated from now on. name spreads ports over threads: those of one name
	// share one.
	open(name string, p *port) error
	// pacer paces what has the ports of a name.
	pacer(name string) *pacer
	// pacers are all of them.
	pacers() []*pacer
	// stop returns when no packet is treated any more.
	stop()
}

// socket sends the packets of one port. send is called by the loop alone; close by any goroutine, once, and at its return packets may still be in
// treatment.
type socket interface {
	send(b []byte, to netip.AddrPort) error
	// lock makes the socket one for packets from and to peer only, as far as the system can; the zero AddrPort ends that. treat refuses others in any case.
	lock(peer netip.AddrPort)
	close()
}

// goroutines is the loop over a Net: a goroutine for each socket, and one that paces.
type goroutines struct {
	net   Net
	clock func() int64
	wg    sync.WaitGroup
	paces *pacer
	wake  chan struct{}
	quit  chan struct{}
	ended sync.Once
}

func newGoroutines(n Net, clock func() int64) *goroutines {
	g := &goroutines{net: n, clock: clock, wake: make(chan struct{}, 1), quit: make(chan struct{})}
	g.paces = newPacer(clock, func() {
		select {
		case g.wake <- struct{}{}:
		default:
		}
	})
	g.wg.Add(1)
	go func() {
		defer g.wg.Done()
		g.pace()
	}()
	return g
}

// connSocket is a socket over a Net.
type connSocket struct{ conn Conn }

// longestUDP is the longest datagram there is.
const longestUDP = 1<<16 - 1

func (g *goroutines) open(_ string, p *port) error {
	conn, err := g.net.Open(p.addr)
	if err != nil {
		return err
	}
	p.socket = &connSocket{conn}
	g.wg.Add(1)
	go func() {
		defer g.wg.Done()
		g.receive(conn, p)
	}()
	return nil
}

func (g *goroutines) receive(conn Conn, p *port) {
	b := make([]byte, longestUDP+tail)
	for {
		n, from, err := conn.Read(b[:longestUDP])
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil {
			out := p.treat(g.clock(), b[:n], from)
			out.leave()
			if out.latched {
				p.settle()
			}
		}
	}
}

// pace serves the pacer until stop.
func (g *goroutines) pace() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-g.wake:
		case <-g.quit:
			g.paces.end()
			return
		}
		g.paces.due(g.clock())
		if at := g.paces.next(); at != 0 {
			timer.Reset(time.Duration(max(0, at-g.clock())))
		} else {
			timer.Stop()
		}
	}
}

func (g *goroutines) pacer(string) *pacer { return g.paces }
func (g *goroutines) pacers() []*pacer    { return []*pacer{g.paces} }

// stop waits for the sockets, which are closed before.
func (g *goroutines) stop() {
	g.ended.Do(func() { close(g.quit) })
	g.wg.Wait()
}

func (s *connSocket) send(b []byte, to netip.AddrPort) error { return s.conn.Write(b, to) }
func (s *connSocket) lock(netip.AddrPort)                    {}
func (s *connSocket) close()                                 { _ = s.conn.Close() }

// leave sends what treat has said.
func (s *send) leave() {
	if s.by == nil {
		return
	}
	if err := s.by.socket.send(s.b, s.to); err != nil {
		s.by.stream.drops.unsent.Add(1)
	}
}
