package media

import (
	"encoding/binary"
	"io"
	"net/netip"
	"sync"
	"time"
)

// portRest is how long a port is left alone after use: what the network still carries to it belongs to the call before.
const portRest = 2 * time.Second

// pool holds the ports of one interface, in pairs: an even one for RTP, and the one above it for RTCP (RFC 3550 §11). The pair that has rested longest is
// taken first; the first order is random, so that ports cannot be guessed from one call to the next.
type pool struct {
	address, advertised netip.Addr

	lowest  uint16    // the first even port
	streams []*stream // whose each pair is, by its place in the range; nil: nobody's. Guarded by Relay.wiring.

	mu    sync.Mutex // a leaf
	queue []rested   // a ring
	first int
	n     int
}

// rested is a pair by its even port, and when it may be used again.
type rested struct {
	port  uint16
	ready int64
}

func newPool(in Interface, ports Ports, random io.Reader) (*pool, error) {
	p := &pool{address: in.Address, advertised: in.Advertise}
	if !p.advertised.IsValid() {
		p.advertised = in.Address
	}
	for port := (int(ports.First) + 1) &^ 1; port+1 <= int(ports.Last); port += 2 {
		p.queue = append(p.queue, rested{port: uint16(port)})
	}
	p.n, p.lowest = len(p.queue), (ports.First+1)&^1
	p.streams = make([]*stream, p.n)
	return p, shuffle(p.queue, random)
}

// shuffle orders q at random (Fisher and Yates).
func shuffle(q []rested, random io.Reader) error {
	numbers := make([]byte, 4*len(q))
	if _, err := io.ReadFull(random, numbers); err != nil {
		return err
	}
	for i := len(q) - 1; i > 0; i-- {
		j := int(binary.BigEndian.Uint32(numbers[4*i:]) % uint32(i+1))
		q[i], q[j] = q[j], q[i]
	}
	return nil
}

// take gives a pair that has rested, by its even port.
func (p *pool) take(now int64) (uint16, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.n == 0 || p.queue[p.first].ready > now {
		return 0, ErrNoPorts
	}
	port := p.queue[p.first].port
	p.first = (p.first + 1) % len(p.queue)
	p.n--
	return port, nil
}

// give takes a pair back.
func (p *pool) give(now int64, port uint16) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.queue[(p.first+p.n)%len(p.queue)] = rested{port: port, ready: now + int64(portRest)}
	p.n++
}

// free is how many pairs are not in use; some of them may still rest.
func (p *pool) free() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.n
}
