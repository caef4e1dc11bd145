package siptest

import (
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"time"
)

// Fate is what became of a packet.
type Fate uint8

// What may become of a packet.
const (
	InFlight    Fate = iota // it has not arrived yet
	Delivered               // it arrived
	Lost                    // the link lost it
	Partitioned             // sent while the hosts were cut off from each other
	Held                    // stream bytes that wait for Heal
	Refused                 // nobody has the port: an ICMP error, or for a stream a reset, went back
	NoHost                  // nobody has the address
	TooLong                 // over the MTU
	Overrun                 // the socket's queue was full
)

func (f Fate) String() string {
	switch f {
	case InFlight:
		return "in flight"
	case Delivered:
		return "delivered"
	case Lost:
		return "lost"
	case Partitioned:
		return "partitioned"
	case Held:
		return "held"
	case Refused:
		return "refused"
	case NoHost:
		return "no host"
	case TooLong:
		return "too long"
	case Overrun:
		return "overrun"
	}
	return "unknown"
}

// retransmission is how long a stream needs to notice its first loss (RFC 6298 asks for 1 s, systems take less).
const retransmission = 200 * time.Millisecond

// dice are the random numbers of one packet. They follow from the seed and from what the packet is, and not from
// how many were sent before: so they are the same in whatever order goroutines come to send in one instant.
type dice struct {
	*rand.Rand
	key [32]byte // orders packets that arrive in the same nanosecond
}

// roll makes the dice of the packet that the arguments describe. Of equal packets each gets its own: the how-many-th
// of its kind goes in as well.
func (n *Network) roll(kind Kind, src, dst netip.AddrPort, id uint64, data []byte) dice {
	b := make([]byte, 0, 128+len(data))
	b = append(b, byte(kind))
	b = appendAddrPort(b, src)
	b = appendAddrPort(b, dst)
	b = binary.BigEndian.AppendUint64(b, id)
	b = append(b, data...)
	sum := sha256.Sum256(b)
	nth := n.seen[sum]
	n.seen[sum]++

	b = append(b[:0], sum[:]...)
	b = binary.BigEndian.AppendUint64(b, n.seed)
	b = binary.BigEndian.AppendUint64(b, nth)
	key := sha256.Sum256(b)
	return dice{rand.New(rand.NewPCG(binary.BigEndian.Uint64(key[:]), binary.BigEndian.Uint64(key[8:]))), key}
}

func appendAddrPort(b []byte, a netip.AddrPort) []byte {
	ip := a.Addr().As16()
	return binary.BigEndian.AppendUint16(append(b, ip[:]...), a.Port())
}

// delay draws how long a packet travels. The last part, under a microsecond, keeps packets sent in one instant from
// arriving in one.
func (d dice) delay(l Link) time.Duration {
	delay := l.Delay
	jitter := d.Float64()
	if l.Jitter > 0 {
		delay += time.Duration(jitter * float64(l.Jitter))
	}
	return delay + time.Duration(1+d.Uint64N(999))
}

// datagramFate is all that is decided about a datagram when it is sent.
type datagramFate struct {
	lost, doubled, heldBack bool
	delay, second           time.Duration
}

// datagram draws in a fixed order, so that changing one setting of a link does not change what the others do.
func (d dice) datagram(l Link) datagramFate {
	f := datagramFate{
		lost:     d.Float64() < l.Loss,
		doubled:  d.Float64() < l.Duplicate,
		heldBack: d.Float64() < l.Reorder,
		delay:    d.delay(l),
	}
	f.second = f.delay + d.delay(l)
	if f.heldBack {
		f.delay += l.Delay + l.Jitter + time.Millisecond
	}
	return f
}

// segment draws the delay of stream bytes, the time for their retransmissions included.
func (d dice) segment(l Link) time.Duration {
	wait := time.Duration(0)
	for again := retransmission; d.Float64() < l.Loss && wait < 2*time.Minute; again *= 2 {
		wait += again
	}
	return wait + d.delay(l)
}
